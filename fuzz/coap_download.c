/* SPDX-License-Identifier: Apache-2.0
 *
 * A download under a list of steps: any datagrams, answers that are made to fit what it asked last,
 * and time. What it sends parses and asks for the block that follows; what it hands over is one
 * piece after the other of one representation; it ends once, and comes to rest. */
#include "fuzz/fuzz.h"
#include "tessera/coap/download.h"

typedef struct {
    tsr_bytes in;
    tsr_coap_download d;
    uint64_t now_ms;
    uint64_t next;  /* the offset of the next part; 0 is always right */
    bool over;
    uint8_t token[8];
    uint16_t mid;
    tsr_coap_block block;
} run;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sends(run *r)
{
    uint8_t room[600];

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_err err = tsr_coap_download_poll(&r->d, &out, r->now_ms);
        tsr_coap_msg msg;

        if (err == TSR_END)
            return;
        must(err == TSR_OK && tsr_coap_msg_parse(tsr_buf_view(&out), &msg) == TSR_OK);
        if (msg.code == TSR_COAP_EMPTY) {
            must(msg.type == TSR_COAP_ACK || msg.type == TSR_COAP_RST);
            continue;
        }
        must(!r->over && msg.type == TSR_COAP_CON && msg.code == TSR_COAP_GET);
        must(msg.token.len == 8 && msg.block2.set && msg.block2.szx <= 6);
        must(msg.block2.num == 0 ||
             msg.block2.num * (uint64_t)tsr_coap_block_len(msg.block2.szx) == r->next);
        memcpy(r->token, msg.token.ptr, 8);
        r->mid = msg.mid;
        r->block = msg.block2;
    }
}

static void sees(run *r)
{
    tsr_coap_download_event e;

    if (!tsr_coap_download_event_next(&r->d, &e))
        return;
    must(!r->over);
    if (e.kind == TSR_COAP_DOWNLOAD_PART) {
        must(e.offset == 0 || e.offset == r->next);
        must(e.part.len <= 4096 && e.etag.len <= 8);
        r->next = e.offset + e.part.len;
    }
    r->over = e.kind != TSR_COAP_DOWNLOAD_PART || e.last;
    must(r->over == !tsr_coap_download_runs(&r->d));
}

static void answers(run *r)
{
    static const uint8_t codes[] = { 0x45, 0x45, 0x45, 0x45, 0x45, 0x84, 0xa3, 0x9d };
    static uint8_t payload[1024];
    uint8_t how = take(&r->in), what = take(&r->in), room[1200];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_block b = r->block;
    size_t len;
    uint16_t last = 0;

    b.more = (how & 8) == 0;
    if (what & 1 && b.szx > 0) {
        b.szx--;
        b.num *= 2;
    }
    if ((what & 0x0e) == 0x0e)
        b.num += take(&r->in);
    len = tsr_coap_block_len(b.szx);
    if ((what & 0x30) == 0x30)
        len = take(&r->in);
    tsr_coap_put_header(&out, how & 3, codes[how >> 5], r->mid, tsr_view(r->token, 8));
    if (what & 0x40)
        tsr_coap_put_opt(&out, &last, TSR_COAP_ETAG, tsr_view(&what, what >> 7));
    if ((how & 16) == 0)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, b);
    tsr_coap_put_payload(&out, tsr_view(payload, len));
    tsr_coap_download_feed(&r->d, tsr_buf_view(&out), r->now_ms);
}

static void begins(run *r)
{
    static const char etag[] = "whatever";
    tsr_coap_download_config c = { .wait_ms = 1000, .wait_most_ms = 60000 };

    c.seed = take(&r->in);
    c.szx = take(&r->in) & 7;
    c.tries = take(&r->in) & 3;
    c.max_retransmit = take(&r->in) & 31;

    uint8_t b = take(&r->in);

    c.offset = (uint32_t)(b >> 1) << (4 + (c.szx + (b & 1)) + 16 * (b >> 7));
    c.etag = tsr_view(etag, b & 7);
    must(tsr_coap_uri_parse(tsr_text("coap://host/a/b?c"), &c.uri) == TSR_OK);
    r->next = c.offset;
    r->over = tsr_coap_download_begin(&r->d, &c, r->now_ms) != TSR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run r = { .in = tsr_view(data, size), .now_ms = 1000 };

    begins(&r);
    while (r.in.len != 0) {
        uint8_t what = take(&r.in);

        switch (what & 3) {
        case 0:
        case 1: answers(&r); break;
        case 2:
            tsr_coap_download_feed(&r.d, take_some(&r.in, what >> 2), r.now_ms);
            break;
        default: r.now_ms += (uint64_t)(what >> 2) * 100; break;
        }
        sees(&r);
        sends(&r);
        sees(&r);
    }
    for (unsigned i = 0; i < 100 && tsr_coap_download_due_ms(&r.d) != UINT64_MAX; i++) {
        if (tsr_coap_download_due_ms(&r.d) > r.now_ms)
            r.now_ms = tsr_coap_download_due_ms(&r.d);
        sends(&r);
        sees(&r);
    }
    must(tsr_coap_download_due_ms(&r.d) == UINT64_MAX && r.over);
    return 0;
}
