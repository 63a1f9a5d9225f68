/* SPDX-License-Identifier: Apache-2.0
 *
 * Block-wise transfer: bodies, and what puts them together and takes them apart (RFC 7959). Reached
 * through a table only, so that a small device is linked without it. */
#include "tessera/coap/engine_in.h"

/* ---- bodies ---- */

static void body_free(tsr_coap *c, uint32_t i)
{
    tsr_coap_body *b = &c->bodies[i];
    uint32_t *link = &c->lines[b->peer].bodies;

    while (*link != i)
        link = &c->bodies[*link].next;
    *link = b->next;
    tsr_timer_stop(&c->timers, &b->timer);
    if (b->kind != BODY_OUT) /* what came in may have been a key */
        tsr_wipe(tsr_coap_body_bytes(c, i), b->len);
    b->kind = BODY_FREE;
    b->next = c->free_body;
    c->free_body = i;
}

/* An offered body is only a convenience for the peer and may go when room is needed. */
static void body_evict(tsr_coap *c)
{
    for (unsigned n = 0; n < 8 && n < c->config.bodies; n++) {
        c->body_hand = c->body_hand + 1 < c->config.bodies ? c->body_hand + 1 : 0;
        if (c->bodies[c->body_hand].kind == BODY_OUT) {
            body_free(c, c->body_hand);
            return;
        }
    }
}

/* Short, since who is taken for older once in seven weeks does no harm. */
static uint32_t due(const tsr_coap_body *b) { return (uint32_t)b->timer.due_ms; }

/* How many bodies a peer has, and which of them it can best do without: the longest untouched of those
 * that it is offered, and, for one that comes in, of the halves of others. */
static uint32_t body_count(const tsr_coap *c, tsr_coap_peer peer, body_kind kind, uint32_t *spare)
{
    uint32_t n = 0;

    *spare = TSR_NONE;
    for (uint32_t i = c->lines[peer].bodies; i != TSR_NONE; i = c->bodies[i].next) {
        const tsr_coap_body *b = &c->bodies[i];

        if ((b->kind == BODY_OUT || (b->kind == BODY_IN && kind == BODY_IN)) &&
            (*spare == TSR_NONE || due(b) < due(&c->bodies[*spare])))
            *spare = i;
        n++;
    }
    return n;
}

/* RFC 9175 §3.3: where there is room for no other upload of the peer, the new one takes that of an old
 * one, whose later blocks get 4.08. */
static uint32_t body_take(tsr_coap *c, tsr_coap_peer peer, body_kind kind)
{
    uint32_t spare, n = body_count(c, peer, kind, &spare);
    bool full = c->config.peer_bodies != 0 && n >= c->config.peer_bodies;

    if (!full && c->free_body == TSR_NONE)
        body_evict(c);
    if (full || c->free_body == TSR_NONE) {
        if (spare == TSR_NONE)
            return TSR_NONE;
        body_free(c, spare);
    }

    uint32_t i = c->free_body;
    tsr_coap_body *b = &c->bodies[i];

    c->free_body = b->next;
    b->kind = (uint8_t)kind;
    b->peer = peer;
    b->len = 0;
    b->next = c->lines[peer].bodies;
    c->lines[peer].bodies = i;
    return i;
}

static uint32_t body_find(const tsr_coap *c, tsr_coap_peer peer, body_kind kind, uint32_t key)
{
    uint32_t i = c->lines[peer].bodies;

    while (i != TSR_NONE && (c->bodies[i].kind != kind || c->bodies[i].key >> 3 != key >> 3))
        i = c->bodies[i].next;
    return i;
}

static tsr_err body_append(tsr_coap *c, uint32_t i, tsr_bytes part)
{
    tsr_coap_body *b = &c->bodies[i];

    if (part.len > c->config.body_len - b->len)
        return TSR_E_SPACE;
    if (part.len != 0)
        memcpy(tsr_coap_body_bytes(c, i) + b->len, part.ptr, part.len);
    b->len += (uint32_t)part.len;
    return TSR_OK;
}

/* ---- Block1 coming in, Block2 going out ---- */

static void keep_format(tsr_coap_body *b, tsr_coap_num format)
{
    b->has_format = format.set;
    b->content_format = (uint16_t)format.value;
}

/* RFC 7959 §2.5, RFC 7959 §2.9: stores a block, or gives it to the sink; the code to answer with, or
 * TSR_COAP_EMPTY when body *at is whole. */
static uint8_t store_block(tsr_coap *c, tsr_coap_peer peer, uint32_t key, uint32_t *at)
{
    tsr_coap_block b = c->msg.block1;
    size_t size = tsr_coap_block_len(b.szx), offset = size * b.num;
    uint32_t i = body_find(c, peer, BODY_IN, key);

    if (c->msg.payload.len > size || (b.more && c->msg.payload.len != size))
        return TSR_COAP_BAD_REQUEST;
    if (c->sink != NULL) {
        uint8_t code = c->sink->block(c->sink->user, peer, &c->msg, key);

        if (code != TSR_COAP_EMPTY)
            return code;
    }
    if (offset + c->msg.payload.len > c->config.body_len ||
        c->msg.size1.value > c->config.body_len) {
        if (i != TSR_NONE)
            body_free(c, i);
        return TSR_COAP_TOO_LARGE;
    }
    if (b.num == 0) {
        if (i == TSR_NONE)
            i = body_take(c, peer, BODY_IN);
        if (i == TSR_NONE)
            return TSR_COAP_UNAVAILABLE;
        c->bodies[i].key = key;
        keep_format(&c->bodies[i], c->msg.content_format);
        c->bodies[i].len = 0;
    }
    if (i == TSR_NONE || c->bodies[i].len != offset ||
        c->bodies[i].has_format != c->msg.content_format.set ||
        c->bodies[i].content_format != c->msg.content_format.value)
        return TSR_COAP_INCOMPLETE;
    (void)body_append(c, i, c->msg.payload); /* checked above */
    *at = i;
    if (b.more) {
        tsr_coap_wake(c, &c->bodies[i].timer, c->config.params.body_ms);
        return TSR_COAP_CONTINUE;
    }
    tsr_timer_stop(&c->timers, &c->bodies[i].timer);
    c->bodies[i].kind = BODY_HELD;
    return TSR_COAP_EMPTY;
}

/* Keeps a body so that the peer can fetch its later blocks. */
static tsr_err offer(tsr_coap *c, const tsr_coap_slot *s, const tsr_coap_response *r,
                     tsr_bytes etag)
{
    uint32_t i = body_find(c, s->peer, BODY_OUT, s->key);

    if (r->payload.len > c->config.body_len)
        return TSR_E_SPACE;
    if (i == TSR_NONE)
        i = body_take(c, s->peer, BODY_OUT);
    if (i == TSR_NONE)
        return TSR_E_SPACE;

    tsr_coap_body *b = &c->bodies[i];

    b->len = 0;
    b->key = s->key;
    b->payload_hash = s->hash;
    b->code = r->code;
    keep_format(b, r->content_format);
    b->etag_len = (uint8_t)etag.len;
    memcpy(b->etag, etag.ptr, etag.len);
    (void)body_append(c, i, r->payload);
    tsr_coap_wake(c, &b->timer, c->config.params.body_ms);
    return TSR_OK;
}

/* Answers a later block out of a body kept for that. False: there is none. RFC 7959 §2.4 */
static bool serve_block(tsr_coap *c, tsr_coap_peer peer, uint32_t seen, uint32_t key)
{
    uint32_t i = body_find(c, peer, BODY_OUT, key), hash = tsr_coap_fetch_hash(&c->msg);

    if (i == TSR_NONE)
        return false;

    tsr_coap_body *b = &c->bodies[i];

    if (b->payload_hash != 0 && hash != 0 && hash != b->payload_hash)
        return false;

    tsr_coap_slot *s = tsr_coap_open_ticket(c, peer, seen);

    if (s == NULL)
        return false;

    const tsr_coap_response r = { .code = b->code,
                                  .content_format = { b->has_format, b->content_format },
                                  .etag = { b->etag, b->etag_len },
                                  .payload = { tsr_coap_body_bytes(c, i), b->len } };
    tsr_coap_id ticket = tsr_coap_slot_id(s);

    tsr_coap_wake(c, &b->timer, c->config.params.body_ms);
    if (tsr_coap_respond(c, ticket, &r, c->now_ms) != TSR_OK) /* the log is too short for a block */
        (void)tsr_coap_cancel(c, ticket);
    return true;
}

/* ---- Block1 going out, Block2 coming in ---- */

/* Block1 for what is sent next out of the body. */
static void aim(const tsr_coap *c, tsr_coap_slot *s, uint8_t szx)
{
    uint32_t left = c->bodies[s->body].len - s->u.sent;

    s->block1 =
        (tsr_coap_block){ true, left > tsr_coap_block_len(szx), szx, s->u.sent >> (szx + 4) };
}

/* RFC 9175 §3.5.1, RFC 9175 §3.5.2: no Request-Tag where all blocks of the last upload without one
 * were answered and cannot be taken for blocks of this one; else one that was never used. */
static void tag(tsr_coap *c, tsr_coap_slot *s)
{
    tsr_coap_line *line = &c->lines[s->peer];

    s->flags |= line->tagged ? F_TAGGED : F_BARE;
    s->key = ++c->tags;
    line->tagged = true;
}

static tsr_err upload(tsr_coap *c, tsr_coap_slot *s, tsr_bytes payload)
{
    s->body = body_take(c, s->peer, BODY_HELD);
    if (s->body == TSR_NONE || body_append(c, s->body, payload) != TSR_OK)
        return TSR_E_SPACE;
    s->flags |= F_UPLOAD | F_CON;
    tag(c, s);
    aim(c, s, c->config.params.szx);
    return TSR_OK;
}

static void upload_again(const tsr_coap *c, tsr_coap_slot *s)
{
    s->u.sent = 0;
    aim(c, s, s->block1.szx);
}

static uint32_t etag_hash(tsr_bytes etag)
{
    return etag.ptr == NULL ? 0 : (uint32_t)tsr_hash(0, etag);
}

/* RFC 7959 §2.4: the representation changed under us. Once more from the start, but only once. */
static void collect_anew(tsr_coap *c, tsr_coap_slot *s)
{
    if ((s->flags & F_RESTARTED) != 0) {
        tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_MALFORMED);
        return;
    }
    s->flags |= F_RESTARTED;
    c->bodies[s->body].len = 0;
    s->block2 = (tsr_coap_block){ .set = true, .szx = s->block2.szx };
    tsr_coap_send_again(c, s, false);
}

/* Asks for the block after what is in the body, in our size when theirs is larger. RFC 7959 §2.4 */
static void ask_next(tsr_coap *c, tsr_coap_slot *s)
{
    uint8_t szx =
        c->msg.block2.szx < c->config.params.szx ? c->msg.block2.szx : c->config.params.szx;

    s->flags = (uint16_t)((s->flags & ~F_UPLOAD) | F_COLLECT);
    s->observe.set = s->block1.set = false;
    s->block2 = (tsr_coap_block){ true, false, szx, c->bodies[s->body].len >> (szx + 4) };
    tsr_coap_send_again(c, s, false);
}

/* Adds a block to the body. TSR_END: it was the last. */
static tsr_err collect(tsr_coap *c, tsr_coap_slot *s)
{
    const tsr_coap_block b = c->msg.block2;
    size_t size = tsr_coap_block_len(b.szx);

    if ((s->flags & F_COLLECT) == 0) {
        if (s->body != TSR_NONE) /* what was uploaded has done its service */
            body_free(c, s->body);
        s->body = body_take(c, s->peer, BODY_HELD);
        if (s->body == TSR_NONE)
            return TSR_E_SPACE;
    }
    if (c->bodies[s->body].len == 0)
        s->hash = etag_hash(c->msg.etag);
    if (b.num * size != c->bodies[s->body].len || c->msg.payload.len > size ||
        (b.more && c->msg.payload.len != size))
        return TSR_E_MALFORMED;
    if (body_append(c, s->body, c->msg.payload) != TSR_OK)
        return TSR_E_SPACE;
    return b.more ? TSR_OK : TSR_END;
}

static void take_block2(tsr_coap *c, tsr_coap_slot *s)
{
    if ((s->flags & F_COLLECT) != 0 && c->bodies[s->body].len != 0 &&
        etag_hash(c->msg.etag) != s->hash) {
        collect_anew(c, s);
        return;
    }

    tsr_err err = collect(c, s);

    if (err == TSR_END)
        tsr_coap_deliver(c, s);
    else if (err == TSR_OK)
        ask_next(c, s);
    else
        tsr_coap_finish(c, s, TSR_COAP_FAILED, err);
}

/* Goes on with an upload when the response is not the final one. RFC 7959 §2.5, RFC 7959 §2.9.1,
 * RFC 7959 §2.9.3 */
static bool upload_next(tsr_coap *c, tsr_coap_slot *s)
{
    const tsr_coap_block b = c->msg.block1;
    uint8_t szx = b.set && b.szx < s->block1.szx ? b.szx : s->block1.szx;

    if (c->msg.code == TSR_COAP_TOO_LARGE && s->u.sent == 0 && szx < s->block1.szx) {
        aim(c, s, szx);
        tsr_coap_send_again(c, s, s->watch != TSR_NONE);
        return true;
    }
    if (!tsr_coap_is_success(c->msg.code) || !s->block1.more || !b.set || b.num != s->block1.num)
        return false;
    s->u.sent += (uint32_t)tsr_coap_block_len(s->block1.szx);
    aim(c, s, szx);
    tsr_coap_send_again(c, s, s->watch != TSR_NONE);
    return true;
}

/* ---- the way in from the rest of the engine ---- */

tsr_err tsr_coap_init_device(tsr_coap *c, const tsr_coap_config *config, void *memory,
                             size_t memory_len)
{
    static const tsr_coap_blocks blocks = {
        .key = tsr_coap_msg_key,
        .fetch_hash = tsr_coap_fetch_hash,
        .free = body_free,
        .store = store_block,
        .serve = serve_block,
        .offer = offer,
        .upload = upload,
        .upload_again = upload_again,
        .upload_next = upload_next,
        .take_block2 = take_block2,
        .collect = collect,
        .ask_next = ask_next,
    };
    tsr_err err = tsr_coap_init_small(c, config, memory, memory_len);

    if (err == TSR_OK)
        c->blocks = &blocks;
    return err;
}
