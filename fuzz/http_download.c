/* SPDX-License-Identifier: Apache-2.0
 *
 * A download over HTTP under a list of steps: any events of answers, answers that are made to fit what it
 * asked last, cuts, and time. It asks for what follows what it handed over; what it hands over is one piece
 * after the other of one representation; it ends once, and comes to rest. */
#include "fuzz/fuzz.h"
#include "tessera/http/download.h"

typedef struct {
    tsr_bytes in;
    tsr_http_download d;
    uint64_t now_ms;
    uint64_t next; /* the offset of the next part; 0 is always right */
    bool over;
} run;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sees(run *r)
{
    tsr_http_download_event e;

    if (!tsr_http_download_event_next(&r->d, &e))
        return;
    must(!r->over);
    if (e.kind == TSR_HTTP_DOWNLOAD_PART) {
        must(e.offset == 0 || e.offset == r->next);
        must(e.part.len == TSR_HTTP_DOWNLOAD_PIECE || (e.last && e.part.len < TSR_HTTP_DOWNLOAD_PIECE));
        must(e.etag.len <= TSR_HTTP_DOWNLOAD_ETAG);
        r->next = e.offset + e.part.len;
    }
    r->over = e.kind != TSR_HTTP_DOWNLOAD_PART || e.last;
    must(r->over == !tsr_http_download_runs(&r->d));
}

static void asks(run *r)
{
    tsr_http_field f[TSR_HTTP_DOWNLOAD_FIELDS];
    uint64_t at = 0;

    if (tsr_http_download_poll(&r->d, f, r->now_ms) == TSR_OK) {
        must(!r->over && tsr_http_download_hears(&r->d));
        if (f[1].value.len != 0) {
            must(f[2].value.len > 2 && tsr_dec(tsr_first(tsr_skip(f[1].value, 6), f[1].value.len - 7), &at) == TSR_OK);
            must(at == r->next && at != 0 && at % TSR_HTTP_DOWNLOAD_PIECE == 0);
        }
    }
    sees(r);
}

static void feed(run *r, uint16_t status, tsr_http_event *e)
{
    tsr_http_download_feed(&r->d, status, e, r->now_ms);
    sees(r);
}

static void field(run *r, uint16_t status, const char *name, tsr_bytes value)
{
    tsr_http_event e = { .kind = TSR_HTTP_FIELD, .field = { tsr_text(name), value } };

    feed(r, status, &e);
}

static void body(run *r, uint16_t status, size_t len)
{
    static const uint8_t bytes[8192];
    tsr_http_event e = { .kind = TSR_HTTP_BODY, .body = tsr_view(bytes, len) };

    while (e.body.len != 0 && tsr_http_download_hears(&r->d)) {
        tsr_http_download_feed(&r->d, status, &e, r->now_ms);
        sees(r);
    }
}

/* An answer to what was asked, or nearly. */
static void answers(run *r)
{
    static const uint16_t statuses[] = { 200, 200, 206, 206, 206, 416, 503, 404 };
    uint8_t how = take(&r->in), what = take(&r->in);
    uint16_t status = statuses[how & 7];
    uint64_t at = status == 206 ? r->next : 0, len = (size_t)take(&r->in) * 32, total = at + len;
    tsr_http_event e = { .kind = TSR_HTTP_HEAD };
    uint8_t room[80];
    tsr_buf range = tsr_buf_over(room, sizeof room);

    if (what & 1)
        total += take(&r->in);
    if ((what & 6) == 6)
        at += take(&r->in);
    tsr_put_text(&range, "bytes ");
    tsr_put_dec(&range, at);
    tsr_put_text(&range, "-");
    tsr_put_dec(&range, at + len - 1);
    tsr_put_text(&range, "/");
    tsr_put_dec(&range, total);
    field(r, status, "Content-Range", tsr_buf_view(&range));
    if ((what & 8) == 0)
        field(r, status, "ETag", tsr_text(what & 16 ? "\"two\"" : "\"one\""));
    e.length = what & 32 ? UINT64_MAX : len;
    feed(r, status, &e);
    body(r, status, how & 8 ? take(&r->in) : (size_t)len);
    e = (tsr_http_event){ .kind = TSR_HTTP_DONE };
    if ((how & 16) == 0)
        feed(r, status, &e);
    else
        tsr_http_download_cut(&r->d, r->now_ms);
    sees(r);
}

static void says(run *r, uint8_t what)
{
    uint16_t status = (uint16_t)(take(&r->in) | 0x40);
    tsr_http_event e = { .kind = (tsr_http_kind)(what % 5) };

    if (e.kind == TSR_HTTP_FIELD)
        e.field = (tsr_http_field){ tsr_text(what & 8 ? "etag" : "content-range"), take_some(&r->in, what >> 3) };
    e.length = take(&r->in);
    if (e.kind == TSR_HTTP_BODY)
        body(r, status, (size_t)e.length * 32);
    else
        feed(r, status, &e);
}

static void begins(run *r)
{
    tsr_http_download_config c = { .wait_ms = 1000, .wait_most_ms = 60000, .piece_ms = 30000 };
    uint8_t b = take(&r->in);

    c.tries = b & 3;
    c.offset = (uint32_t)(b >> 2) * 256;
    c.etag = take_some(&r->in, take(&r->in) & 127);
    r->over = tsr_http_download_begin(&r->d, &c, r->now_ms) != TSR_OK;
    r->next = c.etag.len != 0 ? c.offset : 0;
    if (r->over)
        r->d = (tsr_http_download){ .state = 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run r = { .in = tsr_view(data, size), .now_ms = 1000 };

    begins(&r);
    while (r.in.len != 0) {
        uint8_t what = take(&r.in);

        asks(&r);
        switch (what & 3) {
        case 0:
        case 1: answers(&r); break;
        case 2: says(&r, what >> 2); break;
        default: r.now_ms += (uint64_t)(what >> 2) * 1000; break;
        }
    }
    for (unsigned i = 0; i < 100 && tsr_http_download_due_ms(&r.d) != UINT64_MAX; i++) {
        if (tsr_http_download_due_ms(&r.d) > r.now_ms)
            r.now_ms = tsr_http_download_due_ms(&r.d);
        asks(&r);
    }
    must(tsr_http_download_due_ms(&r.d) == UINT64_MAX && r.over);
    return 0;
}
