/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/download.h"

#include "tessera/base/hash.h"

enum {
    OVER,   /* or never begun */
    ASKING, /* a request is to be acknowledged */
    ACKED,  /* its answer is to come */
    PAUSED, /* until the next try */
};

enum {
    ANSWER_MS = 60000, ACK_TIMEOUT_MS = 2000, ANEW_MOST = 3, RETRANSMIT_MOST = 16,
    NUM_MOST = (1 << 20) - 1, /* RFC 7959 §2.2 */
};

static uint64_t draw(tsr_coap_download *d) { return tsr_hash_u64(d->config.seed, ++d->draws); }

static void ask(tsr_coap_download *d, uint64_t now_ms)
{
    uint32_t base = d->config.ack_timeout_ms != 0 ? d->config.ack_timeout_ms : ACK_TIMEOUT_MS;

    d->state = ASKING;
    d->send = true;
    d->sent = 0;
    d->mid++;
    d->token = draw(d);
    d->timeout_ms = base + (uint32_t)(draw(d) % (base / 2 + 1)); /* RFC 7252 §4.2 */
    d->due_ms = now_ms;
}

static void end(tsr_coap_download *d, tsr_coap_download_kind kind, uint8_t code)
{
    d->state = OVER;
    d->send = false;
    d->event = (tsr_coap_download_event){ .kind = kind, .code = code };
    d->has_event = true;
}

static void back_off(tsr_coap_download *d, uint64_t now_ms)
{
    uint64_t wait_ms = d->config.wait_ms;

    if (d->failures >= d->config.tries) {
        end(d, TSR_COAP_DOWNLOAD_LOST, 0);
        return;
    }
    for (uint8_t i = 0; i < d->failures && wait_ms < d->config.wait_most_ms; i++)
        wait_ms *= 2;
    if (wait_ms > d->config.wait_most_ms)
        wait_ms = d->config.wait_most_ms;
    d->failures++;
    d->state = PAUSED;
    d->send = false;
    d->due_ms = now_ms + wait_ms;
}

static bool can_name(uint64_t offset, uint8_t szx) { return offset >> (szx + 4) <= NUM_MOST; }

tsr_err tsr_coap_download_begin(tsr_coap_download *d, const tsr_coap_download_config *config,
                                uint64_t now_ms)
{
    if (config->etag.len > sizeof d->etag || config->szx > 6 ||
        config->max_retransmit > RETRANSMIT_MOST || !can_name(config->offset, config->szx) ||
        config->offset % tsr_coap_block_len(config->szx) != 0)
        return TSR_E_ARGUMENT;
    *d = (tsr_coap_download){ .config = *config, .offset = config->offset, .szx = config->szx,
                              .etag_len = (uint8_t)config->etag.len };
    if (config->etag.len != 0)
        memcpy(d->etag, config->etag.ptr, config->etag.len);
    d->mid = (uint16_t)draw(d);
    ask(d, now_ms);
    return TSR_OK;
}

/* ---- answers ---- */

/* RFC 7959 §2.4: another representation; blocks of two must not be mixed. */
static void begin_anew(tsr_coap_download *d, uint64_t now_ms)
{
    d->offset = 0;
    d->etag_len = 0;
    if (d->anew++ < ANEW_MOST)
        ask(d, now_ms);
    else
        end(d, TSR_COAP_DOWNLOAD_LOST, 0);
}

static bool same_etag(const tsr_coap_download *d, const tsr_coap_msg *msg)
{
    return tsr_same(tsr_view(d->etag, d->etag_len), msg->etag);
}

/* Whether a block is the one that was asked for, and as long as it must be. */
static bool is_next(const tsr_coap_download *d, const tsr_coap_msg *msg)
{
    const tsr_coap_block b = msg->block2;
    size_t size = tsr_coap_block_len(b.szx);

    if (!b.set)
        return d->offset == 0;
    return b.szx <= 6 && b.num * (uint64_t)size == d->offset && msg->payload.len <= size &&
           (!b.more || msg->payload.len == size);
}

static void hand_over(tsr_coap_download *d, const tsr_coap_msg *msg, bool last)
{
    if (d->offset == 0) {
        d->etag_len = (uint8_t)msg->etag.len;
        if (msg->etag.len != 0)
            memcpy(d->etag, msg->etag.ptr, msg->etag.len);
    }
    d->event = (tsr_coap_download_event){ .kind = TSR_COAP_DOWNLOAD_PART, .code = msg->code,
                                          .last = last, .offset = d->offset, .part = msg->payload,
                                          .etag = tsr_view(d->etag, d->etag_len) };
    d->has_event = true;
    d->failures = 0;
    d->offset += (uint32_t)msg->payload.len; /* at most 2^30 */
}

static void take_part(tsr_coap_download *d, const tsr_coap_msg *msg, uint64_t now_ms)
{
    const tsr_coap_block b = msg->block2;
    bool last = !b.set || !b.more;

    if (d->offset != 0 && !same_etag(d, msg)) {
        begin_anew(d, now_ms);
        return;
    }
    if (!is_next(d, msg) || msg->etag.len > sizeof d->etag) {
        back_off(d, now_ms);
        return;
    }
    if (b.set && b.szx < d->szx)
        d->szx = b.szx;
    if (!last && !can_name((uint64_t)d->offset + msg->payload.len, d->szx)) {
        end(d, TSR_COAP_DOWNLOAD_TOO_LONG, msg->code);
        return;
    }
    hand_over(d, msg, last);
    if (last)
        d->state = OVER;
    else
        ask(d, now_ms);
}

static void take_answer(tsr_coap_download *d, const tsr_coap_msg *msg, uint64_t now_ms)
{
    if (msg->code == TSR_COAP_CONTENT && !tsr_coap_msg_refused(msg, NULL, 0))
        take_part(d, msg, now_ms);
    else if (msg->code >> 5 == 4 && d->offset != 0) /* as of a block beyond a new, shorter end */
        begin_anew(d, now_ms);
    else if (msg->code >> 5 == 4 && msg->code != TSR_COAP_TOO_MANY_REQUESTS)
        end(d, TSR_COAP_DOWNLOAD_REFUSED, msg->code);
    else
        back_off(d, now_ms);
}

static bool is_ours(const tsr_coap_download *d, const tsr_coap_msg *msg)
{
    if (d->state != ASKING && d->state != ACKED)
        return false;
    if (!tsr_same(msg->token, tsr_view(&d->token, sizeof d->token)))
        return false;
    return msg->type != TSR_COAP_ACK || msg->mid == d->mid;
}

/* RFC 7252 §4.2: an empty message acknowledges or rejects by its Message ID alone. */
static void take_empty(tsr_coap_download *d, const tsr_coap_msg *msg, uint64_t now_ms)
{
    if (msg->type == TSR_COAP_CON) {
        d->reply = 1 + TSR_COAP_RST;
        d->reply_mid = msg->mid;
        return;
    }
    if (d->state != ASKING || msg->mid != d->mid || d->send)
        return;
    if (msg->type == TSR_COAP_RST) {
        back_off(d, now_ms);
    } else if (msg->type == TSR_COAP_ACK) {
        d->state = ACKED;
        d->due_ms = now_ms + ANSWER_MS;
    }
}

void tsr_coap_download_feed(tsr_coap_download *d, tsr_bytes datagram, uint64_t now_ms)
{
    tsr_coap_msg msg;
    bool ours;

    if (tsr_coap_msg_parse(datagram, &msg) != TSR_OK || d->has_event)
        return;
    if (msg.code == TSR_COAP_EMPTY) {
        take_empty(d, &msg, now_ms);
        return;
    }
    ours = tsr_coap_is_response(msg.code) && is_ours(d, &msg);
    if (msg.type == TSR_COAP_CON) {
        d->reply = 1 + (ours ? TSR_COAP_ACK : TSR_COAP_RST);
        d->reply_mid = msg.mid;
    }
    if (ours)
        take_answer(d, &msg, now_ms);
}

/* ---- requests ---- */

static void put_request(const tsr_coap_download *d, tsr_buf *out)
{
    uint16_t last = 0;

    tsr_coap_put_header(out, TSR_COAP_CON, TSR_COAP_GET, d->mid,
                        tsr_view(&d->token, sizeof d->token));
    tsr_coap_put_uri(out, &last, &d->config.uri);
    tsr_coap_put_block(out, &last, TSR_COAP_BLOCK2,
                       (tsr_coap_block){ true, false, d->szx, d->offset >> (d->szx + 4) });
}

static void step(tsr_coap_download *d, uint64_t now_ms)
{
    if (d->state == OVER || now_ms < d->due_ms || d->send)
        return;
    if (d->state == PAUSED)
        ask(d, now_ms);
    else if (d->state == ACKED || d->sent > d->config.max_retransmit)
        back_off(d, now_ms);
    else
        d->send = true;
}

tsr_err tsr_coap_download_poll(tsr_coap_download *d, tsr_buf *datagram, uint64_t now_ms)
{
    if (d->reply != 0) {
        tsr_coap_put_header(datagram, (uint8_t)(d->reply - 1), TSR_COAP_EMPTY, d->reply_mid,
                            tsr_view(NULL, 0));
        d->reply = 0;
        return datagram->err;
    }
    step(d, now_ms);
    if (!d->send)
        return TSR_END;
    put_request(d, datagram);
    d->send = false;
    d->due_ms = now_ms + ((uint64_t)d->timeout_ms << d->sent);
    d->sent++;
    return datagram->err;
}

bool tsr_coap_download_event_next(tsr_coap_download *d, tsr_coap_download_event *event)
{
    if (!d->has_event)
        return false;
    *event = d->event;
    d->has_event = false;
    return true;
}

uint64_t tsr_coap_download_due_ms(const tsr_coap_download *d)
{
    if (d->reply != 0 || d->has_event)
        return 0;
    return d->state != OVER ? d->due_ms : UINT64_MAX;
}

bool tsr_coap_download_runs(const tsr_coap_download *d) { return d->state != OVER; }
