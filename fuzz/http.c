/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an answer, whole and in pieces: the same events, no more body than announced. */
#include "fuzz/fuzz.h"
#include "tessera/http/http.h"
#include "tessera/http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    uint64_t body, length, fields, hash;
    unsigned done;
    tsr_err end;
} story;

static void add(story *s, tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        s->hash = s->hash * 31 + in.ptr[i];
}

static void note(story *s, const tsr_http *h, const tsr_http_event *e)
{
    must(s->done == 0 && h->status >= 200 && h->status < 600);
    if (e->kind == TSR_HTTP_FIELD) {
        must(e->field.name.len != 0);
        s->fields++;
        add(s, e->field.name);
        add(s, e->field.value);
    } else if (e->kind == TSR_HTTP_HEAD) {
        s->length = e->length;
    } else if (e->kind == TSR_HTTP_BODY) {
        must(e->body.len != 0);
        s->body += e->body.len;
        must(s->body <= s->length);
        add(s, e->body);
    } else {
        must(e->kind == TSR_HTTP_DONE);
        must(s->length == UINT64_MAX || s->body == s->length);
        s->done++;
    }
}

static story tell(tsr_bytes in, size_t piece, bool head)
{
    tsr_http_request r = { .method = head ? "HEAD" : "GET", .host = tsr_text("a") };
    uint8_t room[256], out_room[256];
    tsr_buf out = tsr_buf_over(out_room, sizeof out_room);
    story s = { .end = TSR_END };
    tsr_http_event e;
    tsr_http h;

    tsr_http_init(&h, room, sizeof room, 1000);
    must(tsr_http_begin(&h, &r, 0) == TSR_OK);
    must(tsr_http_poll(&h, &out, 0) == TSR_OK);
    while (in.len != 0 && s.end == TSR_END) {
        tsr_bytes part = take_some(&in, piece);

        while ((s.end = tsr_http_feed(&h, &part, &e, 0)) == TSR_OK)
            note(&s, &h, &e);
        must(s.end != TSR_END || part.len == 0);
    }
    if (s.end == TSR_END) {
        s.end = tsr_http_closed(&h, &e);
        if (s.end == TSR_OK)
            note(&s, &h, &e);
    }
    must(tsr_http_due_ms(&h) == UINT64_MAX);
    return s;
}

/* What a reference means is a URL of that host, unless it names another; and it stays the same when it is
 * resolved once more. */
static void refer(tsr_bytes in)
{
    static const tsr_http_url base = { .authority = { (const uint8_t *)"a:1", 3 },
                                       .target = { (const uint8_t *)"/b/c?d", 6 } };
    uint8_t first_room[512], second_room[512];
    tsr_buf first = tsr_buf_over(first_room, sizeof first_room);
    tsr_buf second = tsr_buf_over(second_room, sizeof second_room);

    if (tsr_http_url_resolve(&base, in, &first) != TSR_OK)
        return;
    must(tsr_http_url_resolve(&base, tsr_buf_view(&first), &second) == TSR_OK);
    must(tsr_same(tsr_buf_view(&first), tsr_buf_view(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint8_t how = take(&in);
    story whole = tell(in, SIZE_MAX, (how & 1u) != 0);
    story parts = tell(in, (how >> 1) + 1u, (how & 1u) != 0);
    tsr_http_url url;

    must(whole.end == parts.end && whole.body == parts.body && whole.hash == parts.hash);
    must(whole.fields == parts.fields && whole.done == parts.done);
    if (tsr_http_url_parse(in, &url) == TSR_OK)
        must(url.host.len != 0 && url.port != 0 && url.authority.len >= url.host.len);
    refer(in);
    return 0;
}
