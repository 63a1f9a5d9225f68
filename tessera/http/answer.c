/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer, byte by byte: which state takes what, and how its body is framed. */
#include "tessera/http/internal.h"

#include "tessera/base/hex.h"

void tsr_http_failed(tsr_http *h)
{
    h->state = HTTP_FAILED;
    h->keep = false;
    h->due_ms = UINT64_MAX;
}

/* Gathers a line in the room. TSR_OK: it is whole, without its end. A lone LF ends one in a head
 * (RFC 9112 §2.2) and not in the framing of chunks; a lone CR is refused. */
static tsr_err line(tsr_http *h, tsr_bytes *in, bool strict)
{
    while (in->len != 0) {
        uint8_t c = in->ptr[0];

        if (h->head_left == 0)
            return TSR_E_SPACE;
        h->head_left--;
        *in = tsr_skip(*in, 1);
        if (c == '\n' && (h->cr || !strict)) {
            h->cr = false;
            return TSR_OK;
        }
        if (h->cr || c == '\n')
            return TSR_E_MALFORMED;
        if (c == '\r') {
            h->cr = true;
            continue;
        }
        tsr_put_u8(&h->room, c);
        if (h->room.err != TSR_OK)
            return TSR_E_SPACE;
    }
    return TSR_END;
}

static tsr_err take_status(tsr_http *h, tsr_bytes *in)
{
    tsr_err err = line(h, in, false);

    if (err != TSR_OK)
        return err;
    err = tsr_http_status_line(h);
    h->room.len = 0;
    h->state = HTTP_FIELDS;
    return err;
}

/* RFC 9110 §15.2: any number of interim answers, within reason. */
static tsr_err pass_interim(tsr_http *h)
{
    if (h->status == 101)
        return TSR_E_UNSUPPORTED;
    if (h->interim == TSR_HTTP_INTERIM)
        return TSR_E_SPACE;
    h->interim++;
    h->state = HTTP_STATUS;
    return TSR_OK;
}

/* RFC 9112 §6.3, in its order. Both a length and chunks: RFC 9112 §6.1 calls it an error. */
static tsr_err frame(tsr_http *h, tsr_http_event *event)
{
    bool no_body = h->to_head || h->status == 204 || h->status == 304;

    if (h->chunked && (h->has_length || h->minor == 0))
        return TSR_E_MALFORMED;
    event->kind = TSR_HTTP_HEAD;
    event->length = no_body ? 0 : h->has_length ? h->length : UINT64_MAX;
    h->left = event->length;
    if (event->length != UINT64_MAX)
        h->state = HTTP_LENGTH;
    else
        h->state = h->chunked ? HTTP_CHUNK_SIZE : HTTP_TO_END;
    if (h->state == HTTP_CHUNK_SIZE)
        h->head_left = TSR_HTTP_CHUNK_LINE;
    return TSR_OK;
}

static tsr_err take_fields(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    tsr_err err = line(h, in, false);

    if (err != TSR_OK)
        return err;
    if (h->room.len != 0) {
        h->state = HTTP_FOLD;
        return TSR_OK;
    }
    return h->status < 200 ? pass_interim(h) : frame(h, event);
}

/* A line that begins with a space goes on with the one before: RFC 9112 §5.2. */
static tsr_err take_fold(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    tsr_err err;

    if (in->len == 0)
        return TSR_END;
    h->state = HTTP_FIELDS;
    if (in->ptr[0] == ' ' || in->ptr[0] == '\t')
        return TSR_OK; /* its own space stays between them */
    err = tsr_http_field_line(h, &event->field);
    h->room.len = 0;
    if (err == TSR_OK && h->status >= 200)
        event->kind = TSR_HTTP_FIELD;
    return err;
}

static void give(tsr_http *h, tsr_bytes *in, size_t most, tsr_http_event *event)
{
    event->kind = TSR_HTTP_BODY;
    event->body = tsr_first(*in, most);
    *in = tsr_skip(*in, event->body.len);
    h->left -= event->body.len;
}

static tsr_err done(tsr_http *h, tsr_http_event *event, bool framed)
{
    event->kind = TSR_HTTP_DONE;
    h->keep = framed && h->persist && !h->close && h->body_left == 0;
    h->state = HTTP_DONE;
    return TSR_OK;
}

static tsr_err take_length(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    if (h->left == 0)
        return done(h, event, true);
    if (in->len == 0)
        return TSR_END;
    give(h, in, h->left < in->len ? (size_t)h->left : in->len, event);
    return TSR_OK;
}

static tsr_err take_to_end(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    if (in->len == 0)
        return TSR_END;
    give(h, in, in->len, event);
    return TSR_OK;
}

static tsr_err chunk_size(tsr_bytes in, uint64_t *size)
{
    uint64_t v = 0;
    size_t n = 0;

    for (; n < in.len && tsr_hex_digit(in.ptr[n]) >= 0; n++) {
        if (v >> 60 != 0)
            return TSR_E_MALFORMED;
        v = v << 4 | (uint64_t)tsr_hex_digit(in.ptr[n]);
    }
    if (n == 0)
        return TSR_E_MALFORMED;
    *size = v;
    while (n < in.len && (in.ptr[n] == ' ' || in.ptr[n] == '\t'))
        n++;
    /* Extensions are passed over: RFC 9112 §7.1.1 */
    return n == in.len || (in.ptr[n] == ';' && tsr_http_printable(in)) ? TSR_OK : TSR_E_MALFORMED;
}

/* RFC 9112 §7.1 */
static tsr_err take_chunk_size(tsr_http *h, tsr_bytes *in)
{
    tsr_err err = line(h, in, true);

    if (err != TSR_OK)
        return err;
    err = chunk_size(tsr_buf_view(&h->room), &h->left);
    h->room.len = 0;
    h->state = h->left != 0 ? HTTP_CHUNK : HTTP_TRAILER;
    h->head_left = h->left != 0 ? 2 : TSR_HTTP_HEAD_MAX;
    return err;
}

static tsr_err take_chunk(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    if (in->len == 0)
        return TSR_END;
    give(h, in, h->left < in->len ? (size_t)h->left : in->len, event);
    if (h->left == 0)
        h->state = HTTP_CHUNK_END;
    return TSR_OK;
}

static tsr_err take_chunk_end(tsr_http *h, tsr_bytes *in)
{
    tsr_err err = line(h, in, true);

    if (err == TSR_OK && h->room.len != 0)
        err = TSR_E_MALFORMED;
    if (err != TSR_OK)
        return err == TSR_E_SPACE ? TSR_E_MALFORMED : err;
    h->state = HTTP_CHUNK_SIZE;
    h->head_left = TSR_HTTP_CHUNK_LINE;
    return TSR_OK;
}

/* Fields of a trailer say nothing here: RFC 9112 §7.1.2 */
static tsr_err take_trailer(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    tsr_err err = line(h, in, false);

    if (err != TSR_OK)
        return err;
    if (h->room.len == 0)
        return done(h, event, true);
    if (h->room.ptr[0] != ' ' && h->room.ptr[0] != '\t')
        err = tsr_http_field_line(h, &event->field);
    h->room.len = 0;
    return err;
}

static tsr_err step(tsr_http *h, tsr_bytes *in, tsr_http_event *event)
{
    switch (h->state) {
    case HTTP_STATUS:     return take_status(h, in);
    case HTTP_FIELDS:     return take_fields(h, in, event);
    case HTTP_FOLD:       return take_fold(h, in, event);
    case HTTP_LENGTH:     return take_length(h, in, event);
    case HTTP_CHUNK_SIZE: return take_chunk_size(h, in);
    case HTTP_CHUNK:      return take_chunk(h, in, event);
    case HTTP_CHUNK_END:  return take_chunk_end(h, in);
    case HTTP_TRAILER:    return take_trailer(h, in, event);
    case HTTP_FAILED:     return TSR_E_STATE;
    case HTTP_TO_END:     return take_to_end(h, in, event);
    default: /* nobody asked */
        return in->len != 0 ? TSR_E_MALFORMED : TSR_END;
    }
}

tsr_err tsr_http_feed(tsr_http *h, tsr_bytes *in, tsr_http_event *event, uint64_t now_ms)
{
    size_t before = in->len;
    tsr_err err = TSR_OK;

    *event = (tsr_http_event){ .kind = TSR_HTTP_NOTHING };
    if (h->state == HTTP_STATUS && h->sent != HTTP_GONE)
        err = before != 0 ? TSR_E_MALFORMED : TSR_END; /* an answer before the question */
    while (err == TSR_OK && event->kind == TSR_HTTP_NOTHING)
        err = step(h, in, event);
    if (err != TSR_OK && err != TSR_END)
        tsr_http_failed(h);
    else if (in->len != before || err == TSR_OK)
        tsr_http_moved(h, now_ms);
    return err;
}

tsr_err tsr_http_closed(tsr_http *h, tsr_http_event *event)
{
    bool unheard = h->state == HTTP_STATUS && h->interim == 0 && h->head_left == TSR_HTTP_HEAD_MAX;

    *event = (tsr_http_event){ .kind = TSR_HTTP_NOTHING };
    if (h->state == HTTP_IDLE || h->state == HTTP_DONE)
        return TSR_END;
    if (h->state == HTTP_TO_END) {
        (void)done(h, event, false);
        h->due_ms = UINT64_MAX;
        return TSR_OK;
    }
    tsr_http_failed(h);
    return unheard ? TSR_E_IO : TSR_E_MALFORMED;
}

uint64_t tsr_http_due_ms(const tsr_http *h) { return h->due_ms; }
