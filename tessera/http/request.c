/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request, and what goes out. */
#include "tessera/http/internal.h"

bool tsr_http_is(tsr_bytes name, const char *lower_case)
{
    if (name.len != strlen(lower_case))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + ('a' - 'A'));
        if (c != (uint8_t)lower_case[i])
            return false;
    }
    return true;
}

/* RFC 9110 §5.6.2 */
bool tsr_http_token(tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alpha && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return in.len != 0;
}

/* RFC 9110 §5.5 */
bool tsr_http_printable(tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        if ((in.ptr[i] < ' ' && in.ptr[i] != '\t') || in.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static bool has_space(tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] == ' ' || in.ptr[i] == '\t')
            return true;
    }
    return false;
}

static bool is_line_part(tsr_bytes in) { return tsr_http_printable(in) && !has_space(in); }

static bool is_good(const tsr_http_request *r)
{
    for (size_t i = 0; i < r->field_count; i++) {
        const tsr_http_field *f = &r->fields[i];

        if (!tsr_http_token(f->name) || !tsr_http_printable(f->value))
            return false;
        if (tsr_http_is(f->name, "host") || tsr_http_is(f->name, "content-length") ||
            tsr_http_is(f->name, "connection") || tsr_http_is(f->name, "transfer-encoding"))
            return false;
    }
    return tsr_http_token(tsr_text(r->method)) && r->host.len != 0 && is_line_part(r->host) &&
           is_line_part(r->target) &&
           (r->target.len == 0 || r->target.ptr[0] == '/' || r->target.ptr[0] == '?') &&
           (r->has_body || r->body_len == 0);
}

static void put_field(tsr_buf *out, tsr_bytes name, tsr_bytes value)
{
    tsr_put_bytes(out, name);
    tsr_put_text(out, ": ");
    tsr_put_bytes(out, value);
    tsr_put_text(out, "\r\n");
}

static void put_head(tsr_buf *out, const tsr_http_request *r)
{
    tsr_put_text(out, r->method);
    tsr_put_text(out, r->target.len == 0 || r->target.ptr[0] != '/' ? " /" : " ");
    tsr_put_bytes(out, r->target);
    tsr_put_text(out, " HTTP/1.1\r\n");
    put_field(out, tsr_text("Host"), r->host);
    for (size_t i = 0; i < r->field_count; i++)
        put_field(out, r->fields[i].name, r->fields[i].value);
    if (r->has_body) {
        tsr_put_text(out, "Content-Length: ");
        tsr_put_dec(out, r->body_len);
        tsr_put_text(out, "\r\n");
    }
    if (r->close)
        tsr_put_text(out, "Connection: close\r\n");
    tsr_put_text(out, "\r\n");
}

void tsr_http_init(tsr_http *h, void *room, size_t room_len, uint32_t wait_ms)
{
    *h = (tsr_http){ .room = tsr_buf_over(room, room_len), .wait_ms = wait_ms, .due_ms = UINT64_MAX };
}

tsr_err tsr_http_begin(tsr_http *h, const tsr_http_request *request, uint64_t now_ms)
{
    tsr_buf head = tsr_buf_over(h->room.ptr, h->room.cap);
    uint32_t wait_ms = h->wait_ms;

    if (!is_good(request))
        return TSR_E_ARGUMENT;
    put_head(&head, request);
    if (head.err != TSR_OK)
        return head.err;
    tsr_http_init(h, head.ptr, head.cap, wait_ms);
    h->room = head;
    h->state = HTTP_STATUS;
    h->to_head = strcmp(request->method, "HEAD") == 0;
    h->close = request->close;
    h->body_left = request->body_len;
    h->head_left = TSR_HTTP_HEAD_MAX;
    tsr_http_moved(h, now_ms);
    return TSR_OK;
}

static bool under_way(const tsr_http *h)
{
    return h->state > HTTP_IDLE && h->state < HTTP_DONE;
}

void tsr_http_moved(tsr_http *h, uint64_t now_ms)
{
    h->due_ms = under_way(h) ? now_ms + h->wait_ms : UINT64_MAX;
}

bool tsr_http_body_gone(const tsr_http *h) { return h->body.len == 0; }

tsr_err tsr_http_body(tsr_http *h, tsr_bytes piece)
{
    if (h->body.len != 0 || !under_way(h))
        return TSR_E_STATE;
    if (piece.len > h->body_left)
        return TSR_E_ARGUMENT;
    h->body = piece;
    return TSR_OK;
}

/* As much of `from` as there is room for. */
static size_t move(tsr_buf *out, tsr_bytes from)
{
    tsr_bytes part = tsr_first(from, out->cap - out->len);

    tsr_put_bytes(out, part);
    return part.len;
}

tsr_err tsr_http_poll(tsr_http *h, tsr_buf *out, uint64_t now_ms)
{
    size_t before = out->len, n;

    if (!under_way(h))
        return TSR_END;
    if (now_ms >= h->due_ms) {
        tsr_http_failed(h);
        return TSR_E_IO;
    }
    if (h->sent != HTTP_GONE) {
        h->sent += move(out, tsr_skip(tsr_buf_view(&h->room), h->sent));
        if (h->sent == h->room.len) {
            h->sent = HTTP_GONE;
            h->room.len = 0;
        }
    }
    if (h->sent == HTTP_GONE && h->body.len != 0) {
        n = move(out, h->body);
        h->body = tsr_skip(h->body, n);
        h->body_left -= n;
    }
    if (out->len == before)
        return TSR_END;
    tsr_http_moved(h, now_ms);
    return TSR_OK;
}
