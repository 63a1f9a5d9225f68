/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/stream_in.h"

/* ---- events ---- */

/* The body of the event that was read goes back. */
static void release(tsr_coap_stream *c)
{
    if (c->lent_body != TSR_NONE)
        tsr_coap_st_body_free(c, c->lent_body);
    c->lent_body = TSR_NONE;
}

tsr_coap_event *tsr_coap_st_event(tsr_coap_stream *c, tsr_coap_event_kind kind, tsr_bytes token)
{
    if (token.len != 0)
        memcpy(c->event_token, token.ptr, token.len);
    c->event = (tsr_coap_event){ .kind = kind, .peer = c->config.peer };
    c->event.token = tsr_view(c->event_token, token.len);
    c->event_ready = true;
    return &c->event;
}

static void next_done(tsr_coap_stream *c)
{
    tsr_coap_stream_slot *s = &c->slots[c->done_first];
    bool rest = (s->flags & S_REST) != 0;
    tsr_bytes token = tsr_coap_st_token(s);

    if (rest && s->watch != TSR_NONE)
        token = c->observing->token(c, s->watch);

    tsr_coap_event *e = tsr_coap_st_event(c, (tsr_coap_event_kind)s->code, token);

    e->id = rest ? 0 : tsr_coap_st_id(s);
    e->user = s->user;
    e->err = (tsr_err)s->err;
    c->done_first = s->next;
    s->kind = STREAM_FREE;
    s->next = c->free_slot;
    c->free_slot = s->timer.id;
}

bool tsr_coap_stream_event_next(tsr_coap_stream *c, tsr_coap_event *event)
{
    release(c);
    if (!c->event_ready) {
        if (c->done_first == TSR_NONE)
            return false;
        next_done(c);
    }
    c->event_ready = false;
    c->lent_body = c->event_body;
    c->event_body = TSR_NONE;
    *event = c->event;
    return true;
}

/* ---- opening and closing ---- */

tsr_err tsr_coap_stream_open(tsr_coap_stream *c, uint64_t now_ms)
{
    if (c->state != TSR_COAP_STREAM_IDLE)
        return TSR_E_STATE;
    c->now_ms = now_ms;
    c->state = TSR_COAP_STREAM_OPENING;
    c->why = TSR_OK;
    c->peer_message_len = TSR_COAP_MESSAGE_BASE;
    c->peer_blocks = c->bert_said = c->csm_seen = c->held = c->custody = false;
    c->hold_off_s.set = false;
    c->alternative = c->diagnostic = tsr_view(NULL, 0);
    (void)tsr_coap_deframer_init(&c->deframer, c->in, c->config.message_len + TSR_COAP_FRAME_SPARE);
    tsr_coap_st_csm(c);
    tsr_coap_st_wake(c, &c->csm_timer, c->config.csm_ms);
    return TSR_OK;
}

static void end_slot(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    bool told = s->kind == STREAM_REQUEST || s->kind == STREAM_PING ||
                (s->kind == STREAM_NOTICE && (s->flags & S_ACKED) != 0);

    if (told)
        tsr_coap_st_finish(c, s, TSR_COAP_GONE, TSR_OK);
    else if (s->kind != STREAM_FREE && s->kind != STREAM_DONE)
        tsr_coap_st_free(c, s);
}

/* Everything of this connection but what is in the output. */
void tsr_coap_st_end_all(tsr_coap_stream *c)
{
    for (uint32_t i = 0; i < c->config.watches; i++)
        if (c->watches[i].used && c->observing != NULL)
            c->observing->drop(c, i);
    for (uint32_t i = 0; i < c->config.exchanges; i++)
        end_slot(c, &c->slots[i]);
    for (uint32_t i = 0; i < c->config.bodies; i++)
        if (c->bodies[i].kind != STREAM_BODY_FREE && i != c->event_body && i != c->lent_body)
            tsr_coap_st_body_free(c, i);
    if (c->event_ready && c->event.kind == TSR_COAP_REQUEST)
        c->event_ready = false; /* its ticket is gone */
    tsr_timer_stop(&c->timers, &c->csm_timer);
    c->held = c->custody = false;
}

void tsr_coap_stream_closed(tsr_coap_stream *c)
{
    if (c->state == TSR_COAP_STREAM_IDLE)
        return;
    tsr_coap_st_end_all(c);
    c->state = TSR_COAP_STREAM_IDLE;
    c->out_at = c->out_end = 0;
    tsr_timer_stop(&c->timers, &c->stall_timer);
}

tsr_err tsr_coap_stream_cancel(tsr_coap_stream *c, tsr_coap_id id)
{
    tsr_coap_stream_slot *s = tsr_coap_st_of(c, id);

    if (s == NULL)
        return TSR_E_NOT_FOUND;
    if (s->kind == STREAM_REQUEST && (s->flags & S_REST) == 0 && s->watch != TSR_NONE) {
        uint32_t watch = s->watch;

        s->watch = TSR_NONE;
        c->observing->drop(c, watch);
    }
    tsr_coap_st_free(c, s);
    tsr_coap_st_pump(c);
    tsr_coap_st_settle(c);
    return TSR_OK;
}

/* ---- input ---- */

static void abort_for(tsr_coap_stream *c, tsr_err why, const char *text)
{
    tsr_coap_st_abort(c, why, text, (tsr_coap_num){ false, 0 });
}

/* Who does block-wise transfer can do it, said or not. */
static void note_blocks(tsr_coap_stream *c)
{
    const tsr_coap_block *b1 = &c->msg.block1, *b2 = &c->msg.block2;

    c->peer_blocks = c->peer_blocks || b1->set || b2->set;
    c->bert_said = c->bert_said || (b1->set && b1->szx == 7) || (b2->set && b2->szx == 7);
}

/* One whole message; false: its answer finds no room for output yet. */
static bool take_frame(tsr_coap_stream *c)
{
    const uint8_t code = c->frame.code;

    if (code == TSR_COAP_EMPTY) { /* RFC 8323 §3.4, also before the CSM */
        c->stats.ignored++;
        return true;
    }
    if (!c->csm_seen && code != TSR_COAP_CSM) { /* RFC 8323 §3.3 */
        abort_for(c, TSR_E_MALFORMED, "first message is not a CSM");
        return true;
    }
    if ((tsr_coap_is_request(code) || code == TSR_COAP_PING) &&
        tsr_coap_st_out(c, STREAM_ABORT_ROOM).cap < 2 * STREAM_ANSWER_ROOM)
        return false;
    if (tsr_coap_is_signal(code)) {
        tsr_coap_st_take_signal(c);
    } else if (tsr_coap_msg_parse(c->frame.datagram, &c->msg) != TSR_OK) { /* RFC 8323 §5.6 */
        abort_for(c, TSR_E_MALFORMED, "message format");
    } else {
        note_blocks(c);
        if (tsr_coap_is_request(code))
            tsr_coap_st_take_request(c);
        else
            tsr_coap_st_take_response(c);
        tsr_coap_st_settle(c);
    }
    return true;
}

static tsr_err next_frame(tsr_coap_stream *c, tsr_bytes *in)
{
    tsr_err err;

    if (c->held)
        return TSR_OK;
    err = tsr_coap_deframe(&c->deframer, in, &c->frame);
    if (err == TSR_OK)
        c->stats.in++;
    else if (err == TSR_E_SPACE)
        abort_for(c, err, "message above Max-Message-Size");
    else if (err != TSR_END)
        abort_for(c, err, "token length");
    return err;
}

tsr_err tsr_coap_stream_feed(tsr_coap_stream *c, tsr_bytes *in, uint64_t now_ms)
{
    const tsr_coap_stream_state before = c->state;

    if (c->event_ready)
        return TSR_E_STATE;
    release(c);
    c->now_ms = now_ms;
    while (c->state != TSR_COAP_STREAM_IDLE && c->state != TSR_COAP_STREAM_CLOSING) {
        tsr_err err = next_frame(c, in);

        if (err != TSR_OK)
            break;
        c->held = !take_frame(c);
        if (c->held)
            return TSR_E_SPACE;
        if (c->event_ready || c->done_first != TSR_NONE || c->state != before)
            return TSR_OK;
    }
    if (c->state == TSR_COAP_STREAM_IDLE || c->state == TSR_COAP_STREAM_CLOSING)
        *in = tsr_skip(*in, in->len); /* nobody listens any more */
    return TSR_OK;
}

void tsr_coap_stream_wipe(tsr_coap_stream *c)
{
    size_t begun = c->deframer.have; /* of the next message */

    if (c->event_ready || c->held)
        return;
    release(c);
    tsr_wipe(c->in + begun, c->config.message_len + TSR_COAP_FRAME_SPARE - begun);
}

/* ---- time and output ---- */

static void body_due(tsr_coap_stream *c, uint32_t i)
{
    if (c->bodies[i].lent != 0)
        tsr_coap_st_wake(c, &c->bodies[i].timer, c->config.body_ms);
    else
        tsr_coap_st_body_free(c, i);
}

static void timer_due(tsr_coap_stream *c, uint32_t id)
{
    if (id < c->config.exchanges) {
        tsr_coap_st_finish(c, &c->slots[id], TSR_COAP_TIMEOUT, TSR_OK);
    } else if (id < c->csm_timer.id) {
        body_due(c, id - c->config.exchanges);
    } else if (id == c->csm_timer.id && c->state == TSR_COAP_STREAM_OPENING) {
        abort_for(c, TSR_E_IO, "no CSM");
    } else if (id == c->csm_timer.id) { /* released, and the peer did not close */
        c->state = TSR_COAP_STREAM_CLOSING;
        c->why = TSR_END;
        tsr_coap_st_end_all(c);
    } else { /* the link takes nothing */
        if (c->state != TSR_COAP_STREAM_CLOSING)
            c->why = TSR_E_IO;
        c->state = TSR_COAP_STREAM_CLOSING;
        c->out_at = c->out_end = 0;
        tsr_coap_st_end_all(c);
    }
}

static void run_timers(tsr_coap_stream *c)
{
    const tsr_timer *timer;

    while ((timer = tsr_timers_take(&c->timers, c->now_ms)) != NULL)
        timer_due(c, timer->id);
    tsr_coap_st_pump(c);
}

tsr_err tsr_coap_stream_poll(tsr_coap_stream *c, tsr_buf *bytes, uint64_t now_ms)
{
    size_t n;

    c->now_ms = now_ms;
    if (now_ms >= tsr_timers_due(&c->timers))
        run_timers(c);
    tsr_coap_st_settle(c);
    n = c->out_end - c->out_at;
    if (n > bytes->cap - bytes->len)
        n = bytes->cap - bytes->len;
    if (n == 0)
        return TSR_END;
    tsr_put_bytes(bytes, tsr_view(c->out + c->out_at, n));
    c->out_at += n;
    c->out_count += (uint32_t)n;
    if (c->out_at == c->out_end)
        tsr_timer_stop(&c->timers, &c->stall_timer);
    else
        tsr_coap_st_wake(c, &c->stall_timer, c->config.stall_ms);
    tsr_coap_st_polled(c);
    tsr_coap_st_pump(c);
    return TSR_OK;
}

uint64_t tsr_coap_stream_due_ms(const tsr_coap_stream *c) { return tsr_timers_due(&c->timers); }
