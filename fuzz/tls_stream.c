/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS over any bytes. First byte: 0, we are a client whose peer says anything at all; 1, a server;
 * else both ends are ours (3: the client offers an earlier session), and the input says what happens on
 * the way. Tickets are in the clear here, so that any session may stand in one:
 *
 *   the first two: chunks, each behind its length in two bytes
 *   both ends: steps of four bytes: which end and what, how many, where one is changed, by what
 *
 * A peer without a key never connects. What arrives is what was sent, as far as it arrives. */
#include "fuzz/sessions.h"
#include "tessera/net/tls_kept.h"
#include "tessera/net/tls_tickets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WAY = 16384, MANY = 2048 };

static tsr_dtls_config client_config, server_config;
static uint8_t plain[TSR_DTLS_PLAIN_MAX];

typedef struct {
    tsr_tls tls;
    bool over;
    uint8_t way[WAY]; /* on its way to the other end */
    size_t way_len, sent, got;
} end;

static end ends[2];
static uint8_t first[TSR_TLS_KEPT_MAX]; /* the session of a handshake that nobody disturbed */
static tsr_tls_kept kept_first = { .room = first, .cap = sizeof first };

static tsr_err copy(void *user, tsr_bytes bound, tsr_bytes in, tsr_buf *out)
{
    (void)user;
    must(bound.len == TSR_TLS_BOUND);
    tsr_put_bytes(out, in);
    return out->err;
}

static const tsr_tls_tickets tickets = { 600, NULL, copy, copy };

static void begin(tsr_tls_kept *kept, uint64_t now_ms);
static void settle(end e[2], uint64_t now_ms);

static void shake_hands_once(void)
{
    begin(&kept_first, 1);
    settle(ends, 1);
    must(tsr_tls_connected(&ends[0].tls) && tsr_tls_connected(&ends[1].tls));
    tsr_tls_keep(&ends[0].tls, &kept_first, 1);
    must(kept_first.len != 0 && !tsr_tls_resumed(&ends[0].tls));
    tsr_tls_free(&ends[0].tls);
    tsr_tls_free(&ends[1].tls);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    tsr_dtls_options o = { .plain = plain, .plain_cap = sizeof plain, .stream = true };

    (void)argc, (void)argv;
    fuzz_credentials(&o);
    must(tsr_dtls_config_init(&client_config, &o) == TSR_OK);
    o.role = TSR_DTLS_SERVER;
    must(tsr_dtls_config_init(&server_config, &o) == TSR_OK);
    must(tsr_tls_tickets_use(&server_config, &tickets) == TSR_OK);
    shake_hands_once();
    return 0;
}

/* ---- a peer that says anything ---- */

static bool drain(tsr_tls *s, tsr_bytes *in, uint64_t now_ms)
{
    uint8_t room[2048], bytes[2048];
    tsr_err err = TSR_OK;

    for (unsigned i = 0; i < 50 && err == TSR_OK; i++) {
        tsr_buf text = tsr_buf_over(room, sizeof room), out = tsr_buf_over(bytes, sizeof bytes);
        size_t before = in->len;

        err = tsr_tls_take(s, in, &text, now_ms);
        must(in->len <= before && text.len == 0);
        must(!tsr_tls_connected(s));
        (void)tsr_tls_poll(s, &out, now_ms);
    }
    must(err == TSR_END || err == TSR_OK || tsr_tls_reason(s) != 0 || err == TSR_E_STATE);
    return err == TSR_END || err == TSR_OK;
}

static void stranger(tsr_dtls_config *config, tsr_bytes in)
{
    tsr_tls s = { 0 };
    uint8_t held[4096];
    size_t held_len = 0;
    uint64_t now_ms = 1;
    uint16_t len;
    bool alive = true;

    must(tsr_tls_begin(&s, config, now_ms) == TSR_OK);
    while (alive && tsr_get_u16(&in, &len) == TSR_OK) {
        tsr_bytes chunk = take_some(&in, len), rest;

        if (chunk.len > sizeof held - held_len)
            break;
        if (chunk.len != 0)
            memcpy(held + held_len, chunk.ptr, chunk.len);
        rest = tsr_view(held, held_len + chunk.len);
        alive = drain(&s, &rest, now_ms);
        memmove(held, rest.ptr, rest.len);
        held_len = rest.len;
        now_ms += (len & 0xff00u) == 0xff00u ? 40000 : 300;
        (void)tsr_tls_due_ms(&s);
    }
    tsr_tls_free(&s);
}

/* ---- both ends ours ---- */

static uint8_t letter(size_t n) { return (uint8_t)(n * 31 + (n >> 8)); }

static void pump_out(end *e, uint64_t now_ms)
{
    tsr_buf out = tsr_buf_over(e->way + e->way_len, WAY - e->way_len);

    if (e->over)
        return;
    while (tsr_tls_poll(&e->tls, &out, now_ms) == TSR_OK && out.err == TSR_OK) {
    }
    e->way_len += out.len;
}

static void pass(end *from, end *to, size_t most, uint64_t now_ms)
{
    uint8_t room[MANY];
    tsr_buf text = tsr_buf_over(room, sizeof room);
    size_t n = most < from->way_len ? most : from->way_len;
    tsr_bytes in = tsr_view(from->way, n);
    tsr_err err;

    if (to->over || n == 0)
        return;
    err = tsr_tls_take(&to->tls, &in, &text, now_ms);
    to->over = err != TSR_OK && err != TSR_END;
    for (size_t i = 0; i < text.len; i++)
        must(room[i] == letter(to->got + i));
    to->got += text.len;
    must(to->got <= from->sent);
    n -= in.len;
    from->way_len -= n;
    memmove(from->way, from->way + n, from->way_len);
}

static void say(end *e, size_t len)
{
    uint8_t text[TSR_TLS_SEND_MAX + 256];
    tsr_buf out = tsr_buf_over(e->way + e->way_len, WAY - e->way_len);

    if (e->over)
        return;
    for (size_t i = 0; i < len; i++)
        text[i] = letter(e->sent + i);
    if (tsr_tls_send(&e->tls, tsr_view(text, len), &out) == TSR_OK) {
        must(len <= TSR_TLS_SEND_MAX);
        e->sent += len;
        e->way_len += out.len;
    }
}

static void settle(end e[2], uint64_t now_ms)
{
    for (int i = 0; i < 20; i++) {
        pump_out(&e[0], now_ms);
        pass(&e[0], &e[1], WAY, now_ms);
        pump_out(&e[1], now_ms);
        pass(&e[1], &e[0], WAY, now_ms);
    }
}

static void begin(tsr_tls_kept *kept, uint64_t now_ms)
{
    memset(ends, 0, sizeof ends);
    must(tsr_tls_begin(&ends[0].tls, &client_config, now_ms) == TSR_OK);
    must(tsr_tls_begin(&ends[1].tls, &server_config, now_ms) == TSR_OK);
    (void)tsr_tls_offer(&ends[0].tls, kept, now_ms);
}

/* Both are connected: they agree on whether it is the earlier session, and know each other. */
static void agree(tsr_tls_kept *kept, uint64_t now_ms)
{
    if (!tsr_tls_connected(&ends[0].tls) || !tsr_tls_connected(&ends[1].tls))
        return;
    tsr_tls_keep(&ends[0].tls, kept, now_ms);
    must(tsr_tls_resumed(&ends[0].tls) == tsr_tls_resumed(&ends[1].tls));
    must((tsr_tls_peer_identity(&ends[1].tls).len != 0) !=
         (tsr_tls_peer_certificate(&ends[1].tls).len != 0));
}

static void between(tsr_bytes in, bool again)
{
    uint8_t room[TSR_TLS_KEPT_MAX];
    tsr_tls_kept kept = { .room = room, .cap = sizeof room };
    end *e = ends;
    uint64_t now_ms = 1;

    if (again) {
        memcpy(room, first, kept_first.len);
        kept.len = kept_first.len;
        kept.until_ms = kept_first.until_ms;
    }
    begin(&kept, now_ms);
    while (in.len >= 4) {
        uint8_t what = take(&in), many = take(&in), where = take(&in), by = take(&in);
        end *near = &e[what & 1], *far = &e[~what & 1];

        now_ms += what & 0x80 ? 5000 : 1;
        switch (what >> 1 & 7) {
        case 0: settle(e, now_ms); break;
        case 1: say(near, (size_t)many * 5); break;
        case 2:
            if (near->way_len != 0)
                near->way[(size_t)(many << 8 | where) % near->way_len] ^= by;
            break;
        case 3: pump_out(near, now_ms); break;
        case 4: pass(near, far, (size_t)many * 8 + 1, now_ms); break;
        case 5: {
            tsr_buf out = tsr_buf_over(near->way + near->way_len, WAY - near->way_len);

            tsr_tls_close(&near->tls, &out);
            near->way_len += out.len;
            break;
        }
        case 6: near->way_len -= many < near->way_len ? many : near->way_len; break;
        default: pass(near, far, 1, now_ms); break;
        }
    }
    agree(&kept, now_ms);
    tsr_tls_free(&e[0].tls);
    tsr_tls_free(&e[1].tls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint8_t role = take(&in);

    if (role == 0)
        stranger(&client_config, in);
    else if (role == 1)
        stranger(&server_config, in);
    else
        between(in, role == 3);
    return 0;
}
