/* SPDX-License-Identifier: Apache-2.0
 *
 * Signalling: CSM, Ping and Pong, Release, Abort (RFC 8323 §5). */
#include "tessera/coap/stream_in.h"

/* Option numbers are those of one code each. RFC 8323 §11.2 */
enum {
    CSM_MAX_MESSAGE_SIZE = 2,
    CSM_BLOCK_WISE_TRANSFER = 4,
    PING_CUSTODY = 2,
    RELEASE_ALTERNATIVE_ADDRESS = 2,
    RELEASE_HOLD_OFF = 4,
    ABORT_BAD_CSM_OPTION = 2,
};

enum { ALTERNATIVE_MAX = 64 };

/* ---- ours ---- */

/* RFC 8323 §5.3.1 and RFC 8323 §5.3.2; the output is empty */
void tsr_coap_st_csm(tsr_coap_stream *c)
{
    tsr_buf out = tsr_coap_st_out(c, STREAM_ABORT_ROOM);
    size_t at = tsr_coap_frame_begin(&out, TSR_COAP_CSM, tsr_view(NULL, 0));
    uint16_t last = 0;

    if (c->config.message_len != TSR_COAP_MESSAGE_BASE)
        tsr_coap_put_opt_uint(&out, &last, CSM_MAX_MESSAGE_SIZE, c->config.message_len);
    if (c->config.bodies != 0)
        tsr_coap_put_opt(&out, &last, CSM_BLOCK_WISE_TRANSFER, tsr_view("", 0));
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    tsr_coap_st_put(c, &out);
}

/* Says why and ends everything. The room for it is always free: it was kept, and the state lets
 * nothing else follow. RFC 8323 §5.6 */
void tsr_coap_st_abort(tsr_coap_stream *c, tsr_err why, const char *text, tsr_coap_num bad_option)
{
    tsr_buf out = tsr_coap_st_out(c, 0);
    size_t at = tsr_coap_frame_begin(&out, TSR_COAP_ABORT, tsr_view(NULL, 0));
    uint16_t last = 0;

    if (bad_option.set)
        tsr_coap_put_opt_uint(&out, &last, ABORT_BAD_CSM_OPTION, bad_option.value);
    tsr_coap_frame_end(&out, at, tsr_text(text));
    if (out.err == TSR_OK)
        tsr_coap_st_put(c, &out);
    c->state = TSR_COAP_STREAM_CLOSING;
    c->why = why;
    tsr_coap_st_end_all(c);
}

/* The only plain Ping goes with an empty token: libcoap 4.3 gives none back. With Custody it always
 * has one, since an old Pong would promise what it cannot. */
static tsr_bytes ping_token(tsr_coap_stream *c, bool custody)
{
    const tsr_coap_stream_slot *s = NULL;

    while ((s = tsr_coap_st_after(c, s, STREAM_PING)) != NULL)
        custody = custody || s->token_len == 0;
    return tsr_view(custody ? NULL : "", 0);
}

tsr_err tsr_coap_stream_ping(tsr_coap_stream *c, bool custody, uint64_t now_ms, uint64_t user,
                             tsr_coap_id *id)
{
    tsr_bytes token = ping_token(c, custody);
    tsr_coap_stream_slot *s;

    c->now_ms = now_ms;
    if (c->state == TSR_COAP_STREAM_IDLE || c->state == TSR_COAP_STREAM_CLOSING)
        return TSR_E_STATE;
    s = tsr_coap_st_take(c, STREAM_PING);
    if (s == NULL)
        return TSR_E_SPACE;
    s->user = user;
    s->flags = custody ? S_ACKED : 0;
    tsr_coap_st_name(c, s, token);
    tsr_coap_st_wake(c, &s->timer, c->config.response_wait_ms);
    tsr_coap_st_launch(c, s);
    if (id != NULL)
        *id = tsr_coap_st_id(s);
    return TSR_OK;
}

tsr_err tsr_coap_stream_release(tsr_coap_stream *c, const char *alternative, tsr_coap_num hold_off,
                                uint64_t now_ms)
{
    tsr_bytes address = alternative != NULL ? tsr_text(alternative) : tsr_view(NULL, 0);
    tsr_buf out;
    uint16_t last = 0;
    size_t at;

    c->now_ms = now_ms;
    if (c->state != TSR_COAP_STREAM_OPENING && c->state != TSR_COAP_STREAM_OPEN)
        return TSR_E_STATE;
    if (address.len > ALTERNATIVE_MAX || (alternative != NULL && address.len == 0))
        return TSR_E_ARGUMENT;
    out = tsr_coap_st_out(c, STREAM_ABORT_ROOM);
    at = tsr_coap_frame_begin(&out, TSR_COAP_RELEASE, tsr_view(NULL, 0));
    if (address.len != 0)
        tsr_coap_put_opt(&out, &last, RELEASE_ALTERNATIVE_ADDRESS, address);
    if (hold_off.set)
        tsr_coap_put_opt_uint(&out, &last, RELEASE_HOLD_OFF, hold_off.value & 0xffffffu);
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    if (out.err != TSR_OK)
        return TSR_E_SPACE;
    tsr_coap_st_put(c, &out);
    c->state = TSR_COAP_STREAM_RELEASING;
    tsr_coap_st_wake(c, &c->csm_timer, c->config.stall_ms); /* the peer has so long to close */
    return TSR_OK;
}

/* ---- the peer's ---- */

/* One option of the signal that came. TSR_E_UNSUPPORTED: not understood; TSR_E_MALFORMED: its value
 * cannot be. RFC 8323 §5.2 */
static tsr_err take_csm_option(tsr_coap_stream *c, tsr_coap_opt opt)
{
    uint32_t v;

    switch (opt.number) {
    case CSM_MAX_MESSAGE_SIZE:
        if (tsr_coap_opt_uint(opt.value, &v) != TSR_OK || v < 64)
            return TSR_E_MALFORMED; /* not even our Abort would be sure to fit */
        c->peer_message_len = v;
        return TSR_OK;
    case CSM_BLOCK_WISE_TRANSFER: c->peer_blocks = c->bert_said = true; return TSR_OK;
    default: return TSR_E_UNSUPPORTED;
    }
}

static tsr_err take_release_option(tsr_coap_stream *c, tsr_coap_opt opt)
{
    switch (opt.number) {
    case RELEASE_ALTERNATIVE_ADDRESS: /* any of several may be chosen: the first */
        if (c->alternative.len == 0 && opt.value.len <= 255)
            c->alternative = opt.value;
        return TSR_OK;
    case RELEASE_HOLD_OFF:
        c->hold_off_s.set =
            tsr_coap_opt_uint(opt.value, &c->hold_off_s.value) == TSR_OK && opt.value.len <= 3;
        return TSR_OK;
    default: return TSR_E_UNSUPPORTED;
    }
}

static tsr_err take_option(tsr_coap_stream *c, tsr_coap_opt opt, bool *custody)
{
    switch (c->frame.code) {
    case TSR_COAP_CSM: return take_csm_option(c, opt);
    case TSR_COAP_RELEASE: return take_release_option(c, opt);
    case TSR_COAP_PING:
    case TSR_COAP_PONG:
        *custody = *custody || opt.number == PING_CUSTODY;
        return opt.number == PING_CUSTODY ? TSR_OK : TSR_E_UNSUPPORTED;
    case TSR_COAP_ABORT: return opt.number == ABORT_BAD_CSM_OPTION ? TSR_OK : TSR_E_UNSUPPORTED;
    default: return TSR_E_UNSUPPORTED;
    }
}

/* All options; false: the connection was aborted for one of them. */
static bool take_options(tsr_coap_stream *c, bool *custody)
{
    const bool csm = c->frame.code == TSR_COAP_CSM;
    tsr_coap_opts it = { .rest = c->frame.rest };
    tsr_coap_opt opt;
    tsr_err err;

    while ((err = tsr_coap_opt_next(&it, &opt)) == TSR_OK) {
        err = take_option(c, opt, custody);
        if (err == TSR_OK || (err == TSR_E_UNSUPPORTED && (opt.number & 1u) == 0))
            continue; /* unknown elective ones are ignored */
        tsr_coap_st_abort(c, TSR_E_MALFORMED, csm ? "CSM option" : "critical signalling option",
                          (tsr_coap_num){ csm, opt.number });
        return false;
    }
    c->diagnostic = it.payload;
    if (err == TSR_END)
        return true;
    tsr_coap_st_abort(c, TSR_E_MALFORMED, "malformed signal", (tsr_coap_num){ false, 0 });
    return false;
}

/* False: there is no room. */
static bool put_pong(tsr_coap_stream *c, tsr_bytes token, bool custody)
{
    tsr_buf out = tsr_coap_st_out(c, STREAM_ABORT_ROOM);
    size_t at = tsr_coap_frame_begin(&out, TSR_COAP_PONG, token);
    uint16_t last = 0;

    if (custody)
        tsr_coap_put_opt(&out, &last, PING_CUSTODY, tsr_view("", 0));
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    if (out.err == TSR_OK)
        tsr_coap_st_put(c, &out);
    return out.err == TSR_OK;
}

static void put_custody_pong(tsr_coap_stream *c, bool custody)
{
    c->custody = !put_pong(c, tsr_view(c->custody_token, c->custody_len), custody);
}

/* RFC 8323 §5.4.1: whether a request that came before the Ping is unanswered. */
static bool owes_answers(tsr_coap_stream *c)
{
    const tsr_coap_stream_slot *s = NULL;

    while ((s = tsr_coap_st_after(c, s, STREAM_TICKET)) != NULL)
        if ((int32_t)(c->custody_before - s->generation) >= 0)
            return true;
    return false;
}

/* The Pong goes at once, or when what came before is answered. One may wait: an earlier one that
 * does is answered without a promise. */
static void take_ping(tsr_coap_stream *c, bool custody)
{
    if (!custody) {
        (void)put_pong(c, c->frame.token, false); /* feed has seen that there is room */
        return;
    }
    if (c->custody)
        put_custody_pong(c, false);
    c->custody = true;
    c->custody_before = c->generation;
    c->custody_len = (uint8_t)c->frame.token.len;
    memcpy(c->custody_token, c->frame.token.ptr, c->frame.token.len);
    tsr_coap_st_settle(c);
}

static void take_pong(tsr_coap_stream *c, bool custody)
{
    tsr_coap_stream_slot *s = NULL;

    while ((s = tsr_coap_st_after(c, s, STREAM_PING)) != NULL) {
        if ((s->flags & S_SENT) == 0 || !tsr_same(c->frame.token, tsr_coap_st_token(s)))
            continue;
        tsr_coap_st_finish(c, s, custody ? TSR_COAP_ACKED : TSR_COAP_RESET, TSR_OK);
        return;
    }
    c->stats.ignored++;
}

/* RFC 8323 §5.5: what is open ends first. */
static void take_release(tsr_coap_stream *c)
{
    c->state = TSR_COAP_STREAM_RELEASING;
    c->why = TSR_END;
    tsr_timer_stop(&c->timers, &c->csm_timer);
    tsr_coap_st_settle(c);
}

void tsr_coap_st_take_signal(tsr_coap_stream *c)
{
    bool custody = false;

    c->alternative = c->diagnostic = tsr_view(NULL, 0);
    if (!take_options(c, &custody))
        return;
    switch (c->frame.code) {
    case TSR_COAP_CSM:
        if (c->state == TSR_COAP_STREAM_OPENING) {
            c->state = TSR_COAP_STREAM_OPEN;
            tsr_timer_stop(&c->timers, &c->csm_timer);
        }
        c->csm_seen = true;
        tsr_coap_st_pump(c);
        break;
    case TSR_COAP_PING: take_ping(c, custody); break;
    case TSR_COAP_PONG: take_pong(c, custody); break;
    case TSR_COAP_RELEASE: take_release(c); break;
    case TSR_COAP_ABORT:
        c->state = TSR_COAP_STREAM_CLOSING;
        c->why = TSR_E_DENIED;
        c->out_at = c->out_end = 0; /* nobody reads it */
        tsr_coap_st_end_all(c);
        break;
    default: c->stats.ignored++;
    }
}

/* ---- after something ended ---- */

static bool is_open(tsr_coap_stream *c)
{
    return tsr_coap_st_after(c, NULL, STREAM_TICKET) != NULL ||
           tsr_coap_st_after(c, NULL, STREAM_REQUEST) != NULL ||
           tsr_coap_st_after(c, NULL, STREAM_ANSWER) != NULL;
}

/* The Pong that waits for answers; and closing, once the peer's Release waits for nothing more. */
void tsr_coap_st_settle(tsr_coap_stream *c)
{
    if (c->custody && !owes_answers(c))
        put_custody_pong(c, true);
    if (c->state == TSR_COAP_STREAM_RELEASING && c->why == TSR_END && !is_open(c)) {
        c->state = TSR_COAP_STREAM_CLOSING;
        tsr_coap_st_end_all(c);
    }
}
