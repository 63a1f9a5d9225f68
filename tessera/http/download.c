/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/http/download.h"

enum {
    OVER,    /* or never begun */
    PAUSED,  /* until the next request */
    HEAD,    /* of its answer */
    BODY,
};

enum { ANEW_MOST = 3 };

#define UNKNOWN UINT64_MAX

static bool hears(const tsr_http_download *d) { return d->state == HEAD || d->state == BODY; }

static void end(tsr_http_download *d, tsr_http_download_kind kind)
{
    d->state = OVER;
    d->event = (tsr_http_download_event){ .kind = kind, .status = d->status };
    d->has_event = true;
}

static void ask(tsr_http_download *d, uint64_t now_ms)
{
    d->state = PAUSED;
    d->piece_len = 0;
    d->due_ms = now_ms;
    if (d->etag_len == 0) { /* nothing says that the rest is of the same */
        d->offset = 0;
        d->total = UNKNOWN;
    }
}

static void back_off(tsr_http_download *d, uint64_t now_ms)
{
    uint64_t wait_ms = d->config.wait_ms;

    if (d->failures >= d->config.tries) {
        end(d, TSR_HTTP_DOWNLOAD_LOST);
        return;
    }
    for (uint8_t i = 0; i < d->failures && wait_ms < d->config.wait_most_ms; i++)
        wait_ms *= 2;
    if (wait_ms > d->config.wait_most_ms)
        wait_ms = d->config.wait_most_ms;
    d->failures++;
    ask(d, now_ms + wait_ms);
}

/* Another representation: pieces of two must not be mixed. */
static void begin_anew(tsr_http_download *d, uint64_t now_ms)
{
    d->etag_len = 0;
    if (d->anew++ < ANEW_MOST)
        ask(d, now_ms);
    else
        end(d, TSR_HTTP_DOWNLOAD_LOST);
}

/* ---- entity tags ---- */

/* RFC 9110 §8.8.3: what stands between the quotes. */
static bool is_opaque(tsr_bytes tag)
{
    for (size_t i = 0; i < tag.len; i++) {
        if (tag.ptr[i] <= 0x20 || tag.ptr[i] == '"' || tag.ptr[i] == 0x7f)
            return false;
    }
    return tag.len <= TSR_HTTP_DOWNLOAD_ETAG;
}

/* RFC 9110 §8.8.1: a weak one does not tell that the bytes are the same. One too long is as none. */
static void note_etag(tsr_http_download *d, tsr_bytes value)
{
    tsr_bytes tag = tsr_view(NULL, 0);

    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        tag = tsr_view(value.ptr + 1, value.len - 2);
    if (tag.len == 0 || !is_opaque(tag))
        return;
    d->new_len = (uint8_t)tag.len;
    memcpy(d->new_etag, tag.ptr, tag.len);
}

static bool is_another(const tsr_http_download *d)
{
    return d->new_len != 0 &&
           !tsr_same(tsr_view(d->new_etag, d->new_len), tsr_view(d->etag, d->etag_len));
}

/* ---- ranges ---- */

static bool take_number(tsr_bytes *in, char until, uint64_t *v)
{
    size_t len = 0;

    while (len < in->len && in->ptr[len] != (uint8_t)until)
        len++;
    if (tsr_dec(tsr_first(*in, len), v) != TSR_OK || (until != '\0' && len == in->len))
        return false;
    *in = tsr_skip(*in, len + 1);
    return true;
}

/* RFC 9110 §14.4: "bytes 1024-2047/3000". Without the whole length nobody knows the last piece. */
static void note_range(tsr_http_download *d, tsr_bytes value)
{
    uint64_t first, last, total;

    if (!tsr_http_is(tsr_first(value, 6), "bytes "))
        return;
    value = tsr_skip(value, 6);
    if (!take_number(&value, '-', &first) || !take_number(&value, '/', &last) ||
        !take_number(&value, '\0', &total) || last < first || total <= last)
        return;
    d->first = first;
    d->end = last + 1;
    d->range_total = total;
}

static bool goes_on(const tsr_http_download *d, uint64_t length)
{
    return d->ranged && d->first == d->offset && !is_another(d) &&
           (d->total == UNKNOWN || d->total == d->range_total) &&
           (length == UNKNOWN || length == d->end - d->first);
}

/* ---- answers ---- */

static void take_whole(tsr_http_download *d, uint64_t length)
{
    if (length != UNKNOWN && length > UINT32_MAX) {
        end(d, TSR_HTTP_DOWNLOAD_TOO_LONG);
        return;
    }
    d->state = BODY;
    d->offset = 0;
    d->total = d->end = length;
    d->etag_len = d->new_len;
    memcpy(d->etag, d->new_etag, d->new_len);
}

static void take_rest(tsr_http_download *d, uint64_t length, uint64_t now_ms)
{
    if (!goes_on(d, length))
        begin_anew(d, now_ms);
    else if (d->range_total > UINT32_MAX)
        end(d, TSR_HTTP_DOWNLOAD_TOO_LONG);
    else {
        d->state = BODY;
        d->total = d->range_total;
    }
}

/* RFC 9110 §15.5.9, RFC 6585 §4, RFC 8470 §5.2: not now. */
static bool is_passing(uint16_t status)
{
    return status >= 500 || status == 408 || status == 425 || status == 429;
}

static void take_head(tsr_http_download *d, uint64_t length, uint64_t now_ms)
{
    switch (d->status) {
    case 200: take_whole(d, length); return;
    case 206: take_rest(d, length, now_ms); return;
    case 412:
    case 416: /* as of a range beyond a new, shorter end */
        if (d->ranged) {
            begin_anew(d, now_ms);
            return;
        }
        break;
    default: break;
    }
    if (is_passing(d->status))
        back_off(d, now_ms);
    else
        end(d, TSR_HTTP_DOWNLOAD_REFUSED);
}

/* Only what goes beyond all that came before is progress: what is cut at one place again and again, and
 * begins anew each time, has failed in the end. */
static void hand_over(tsr_http_download *d, bool last, uint64_t now_ms)
{
    d->event = (tsr_http_download_event){ .kind = TSR_HTTP_DOWNLOAD_PART, .status = d->status, .last = last,
                                          .offset = d->offset, .part = tsr_view(d->piece, d->piece_len),
                                          .etag = tsr_view(d->etag, d->etag_len) };
    d->has_event = true;
    d->offset += d->piece_len;
    d->piece_len = 0;
    d->moved = true;
    d->due_ms = now_ms + d->config.piece_ms;
    if (d->offset > d->best) {
        d->best = d->offset;
        d->failures = 0;
    }
}

/* A full piece waits until it is known whether it is the last. */
static void take_body(tsr_http_download *d, tsr_bytes *body, uint64_t now_ms)
{
    size_t n = TSR_HTTP_DOWNLOAD_PIECE - d->piece_len;

    if (body->len != 0 && n == 0) {
        if (d->offset > UINT32_MAX - 2 * TSR_HTTP_DOWNLOAD_PIECE)
            end(d, TSR_HTTP_DOWNLOAD_TOO_LONG);
        else
            hand_over(d, false, now_ms);
        return;
    }
    n = n < body->len ? n : body->len;
    if (n != 0)
        memcpy(d->piece + d->piece_len, body->ptr, n);
    d->piece_len = (uint16_t)(d->piece_len + n);
    *body = tsr_skip(*body, n);
}

/* RFC 9110 §14.4: a server may send less of the rest than was asked for. */
static void take_end(tsr_http_download *d, uint64_t now_ms)
{
    bool last = d->end == UNKNOWN || d->end == d->total;

    if (d->end != UNKNOWN && d->end != (uint64_t)d->offset + d->piece_len) { /* it says so, and it is not */
        begin_anew(d, now_ms);
        return;
    }
    if (d->piece_len == TSR_HTTP_DOWNLOAD_PIECE || last)
        hand_over(d, last, now_ms);
    if (last)
        d->state = OVER;
    else if (d->moved)
        ask(d, now_ms);
    else
        back_off(d, now_ms);
}

void tsr_http_download_feed(tsr_http_download *d, uint16_t status, tsr_http_event *event, uint64_t now_ms)
{
    if (!hears(d) || d->has_event)
        return;
    d->status = status;
    switch (event->kind) {
    case TSR_HTTP_FIELD:
        if (d->state == HEAD && tsr_http_is(event->field.name, "etag"))
            note_etag(d, event->field.value);
        else if (d->state == HEAD && tsr_http_is(event->field.name, "content-range"))
            note_range(d, event->field.value);
        break;
    case TSR_HTTP_HEAD:
        if (d->state == HEAD)
            take_head(d, event->length, now_ms);
        break;
    case TSR_HTTP_BODY:
        if (d->state == BODY)
            take_body(d, &event->body, now_ms);
        else
            event->body.len = 0;
        break;
    case TSR_HTTP_DONE:
        if (d->state == BODY)
            take_end(d, now_ms);
        break;
    case TSR_HTTP_NOTHING: break;
    }
}

void tsr_http_download_cut(tsr_http_download *d, uint64_t now_ms)
{
    if (hears(d))
        back_off(d, now_ms);
}

void tsr_http_download_refuse(tsr_http_download *d, uint16_t status)
{
    if (!hears(d))
        return;
    d->status = status;
    end(d, TSR_HTTP_DOWNLOAD_REFUSED);
}

/* ---- requests ---- */

tsr_err tsr_http_download_begin(tsr_http_download *d, const tsr_http_download_config *config, uint64_t now_ms)
{
    if (!is_opaque(config->etag) || config->offset % TSR_HTTP_DOWNLOAD_PIECE != 0)
        return TSR_E_ARGUMENT;
    *d = (tsr_http_download){ .config = *config, .offset = config->offset, .best = config->offset,
                              .total = UNKNOWN, .etag_len = (uint8_t)config->etag.len };
    if (config->etag.len != 0)
        memcpy(d->etag, config->etag.ptr, config->etag.len);
    ask(d, now_ms);
    return TSR_OK;
}

/* RFC 9110 §13.1.5: the rest only if it is of the same, else all of it. */
static void put_range(tsr_http_download *d, tsr_http_field fields[TSR_HTTP_DOWNLOAD_FIELDS])
{
    tsr_buf out = tsr_buf_over(d->text, sizeof d->text);
    size_t range;

    tsr_put_text(&out, "bytes=");
    tsr_put_dec(&out, d->offset);
    tsr_put_text(&out, "-");
    range = out.len;
    tsr_put_text(&out, "\"");
    tsr_put_bytes(&out, tsr_view(d->etag, d->etag_len));
    tsr_put_text(&out, "\"");
    fields[1] = (tsr_http_field){ tsr_text("Range"), tsr_view(d->text, range) };
    fields[2] = (tsr_http_field){ tsr_text("If-Range"), tsr_view(d->text + range, out.len - range) };
}

tsr_err tsr_http_download_poll(tsr_http_download *d, tsr_http_field fields[TSR_HTTP_DOWNLOAD_FIELDS],
                               uint64_t now_ms)
{
    if (d->has_event || d->state == OVER || now_ms < d->due_ms)
        return TSR_END;
    if (hears(d)) { /* no piece in time */
        back_off(d, now_ms);
        return TSR_END;
    }
    d->state = HEAD;
    d->due_ms = now_ms + d->config.piece_ms;
    d->ranged = d->offset != 0;
    d->moved = false;
    d->status = 0;
    d->new_len = 0;
    d->first = d->end = d->range_total = UNKNOWN;
    /* RFC 9110 §12.5.3: else any coding would do. */
    fields[0] = (tsr_http_field){ tsr_text("Accept-Encoding"), tsr_text("identity") };
    fields[1] = fields[2] = (tsr_http_field){ .name = { NULL, 0 } };
    if (d->ranged)
        put_range(d, fields);
    return TSR_OK;
}

bool tsr_http_download_event_next(tsr_http_download *d, tsr_http_download_event *event)
{
    if (!d->has_event)
        return false;
    *event = d->event;
    d->has_event = false;
    return true;
}

uint64_t tsr_http_download_due_ms(const tsr_http_download *d)
{
    if (d->has_event)
        return 0;
    return d->state != OVER ? d->due_ms : UINT64_MAX;
}

bool tsr_http_download_hears(const tsr_http_download *d) { return hears(d); }

bool tsr_http_download_runs(const tsr_http_download *d) { return d->state != OVER; }
