/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions in the store, for a restart.
 *
 * A stored session is a copy whose record numbers start RESERVE above the live ones, so that a
 * restart, however it came, never uses a number twice; tessera/net/dtls.h has the rules. */
#define _GNU_SOURCE
#include "server/engine/shard_in.h"

#include <stdlib.h>
#include <time.h>

typedef struct {
    tsr_message message;
    tsr_shard *shard;
    uint32_t index;
    uint8_t cid[CID_LEN];
    tsr_err err;
} stored_note;

/* Row: version(1) security(1) socket(1) address identity_len(1) identity image */
static void put_head(tsr_buf *out, const tsr_peer *p)
{
    tsr_put_u8(out, 1);
    tsr_put_u8(out, (uint8_t)p->security);
    tsr_put_u8(out, p->socket);
    tsr_put_u8(out, p->address.v6);
    tsr_put_bytes(out, tsr_view(p->address.ip, 16));
    tsr_put_u32(out, p->address.scope);
    tsr_put_u16(out, p->address.port);
    tsr_put_u8(out, (uint8_t)strlen(p->identity));
    tsr_put_text(out, p->identity);
}

static void flush_pending(tsr_shard *s, tsr_peer *p)
{
    while (p->pending) {
        tsr_pending *d = p->pending;

        p->pending = d->next;
        session_send(s, p, tsr_view(d->bytes, d->len));
        free(d);
    }
}

static void run_stored(tsr_shard *s, tsr_message *m)
{
    stored_note *n = (stored_note *)(void *)m;
    tsr_peer *p = &s->peers[n->index];

    if (p->used && !p->dying && memcmp(p->cid, n->cid, CID_LEN) == 0) {
        p->storing = false;
        if (n->err == TSR_OK) {
            p->stored_once = true;
            p->sent_since_save = 0;
            if (p->dtls)
                tsr_dtls_stored(p->dtls);
            flush_pending(s, p);
            if (p->row_is_old) /* it moved while its row was being written */
                session_save(s, p);
        }
    }
    free(n);
}

static void row_done(void *arg, tsr_err err)
{
    stored_note *n = arg;

    n->err = err;
    tsr_shard_post(n->shard, &n->message);
}

void session_put_row(tsr_shard *s, tsr_peer *p, tsr_bytes image)
{
    uint8_t row[TSR_DTLS_SAVED_MAX + 200];
    tsr_buf out = tsr_buf_over(row, sizeof row);
    stored_note *n = calloc(1, sizeof *n);
    bool put = false;

    put_head(&out, p);
    tsr_put_bytes(&out, image);
    if (n && out.err == TSR_OK) {
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);

        tsr_store_session session = { tsr_view(p->cid, CID_LEN), tsr_buf_view(&out),
                                      (int64_t)t.tv_sec * 1000 };

        *n = (stored_note){ { NULL, run_stored }, s, p->index, { 0 }, TSR_OK };
        memcpy(n->cid, p->cid, CID_LEN);
        put = tsr_store_put_session(s->config->store, &session, row_done, n) == TSR_OK;
    }
    if (put)
        p->storing = true;
    else
        free(n);
    tsr_wipe(row, sizeof row);
}

/* The second service's sessions are short. */
bool session_is_kept(const tsr_shard *s, const tsr_peer *p)
{
    return s->config->store && !p->service;
}

/* Nothing is lost when it cannot be saved now: it is tried again, or the device shakes hands. */
void session_save(tsr_shard *s, tsr_peer *p)
{
    uint8_t image[TSR_DTLS_SAVED_MAX];
    tsr_buf out = tsr_buf_over(image, sizeof image);

    if (!session_is_kept(s, p) || p->storing || !p->dtls)
        return;
    if (tsr_dtls_save(p->dtls, RESERVE, &out) == TSR_OK) {
        p->row_is_old = false;
        session_put_row(s, p, tsr_buf_view(&out));
    }
    tsr_wipe(image, sizeof image);
}

void sessions_save_all(tsr_shard *s)
{
    for (uint32_t i = 0; i < s->peer_fresh; i++) {
        tsr_peer *p = &s->peers[i];

        /* A parked one has its older copy in the store, which is as safe. */
        if (p->used && p->connected && p->dtls && !p->dying)
            session_save(s, p);
    }
}

static tsr_err read_row(tsr_bytes in, tsr_peer *head, tsr_bytes *identity, tsr_bytes *image)
{
    uint8_t version, security, len;
    tsr_bytes ip;

    if (tsr_get_u8(&in, &version) != TSR_OK || version != 1 ||
        tsr_get_u8(&in, &security) != TSR_OK || tsr_get_u8(&in, &head->socket) != TSR_OK ||
        tsr_get_u8(&in, &head->address.v6) != TSR_OK || tsr_get_bytes(&in, 16, &ip) != TSR_OK ||
        tsr_get_u32(&in, &head->address.scope) != TSR_OK ||
        tsr_get_u16(&in, &head->address.port) != TSR_OK || tsr_get_u8(&in, &len) != TSR_OK ||
        tsr_get_bytes(&in, len, identity) != TSR_OK)
        return TSR_E_MALFORMED;
    memcpy(head->address.ip, ip.ptr, 16);
    head->security = (tsr_peer_security)security;
    *image = in;
    return TSR_OK;
}

static bool load_row(void *arg, const tsr_store_session *row)
{
    tsr_engine *e = arg;
    tsr_peer head = { 0 };
    tsr_bytes identity, image;

    if (row->cid.len != CID_LEN || row->cid.ptr[0] >= e->count ||
        read_row(row->body, &head, &identity, &image) != TSR_OK ||
        head.socket + e->config.coaps_second >= e->config.coaps_count)
        return true; /* made under another configuration: the device shakes hands */

    const uint8_t *cid = row->cid.ptr;
    tsr_shard *s = &e->shards[cid[0]];
    tsr_peer *p = peer_at(s, (uint32_t)cid[1] << 16 | (uint32_t)cid[2] << 8 | cid[3]);
    uint8_t *kept = malloc(image.len ? image.len : 1);

    if (!p || !kept) {
        free(kept);
        return true;
    }
    memcpy(kept, image.ptr, image.len);
    p->parked = tsr_view(kept, image.len);
    p->address = head.address;
    p->socket = head.socket;
    p->security = head.security;
    p->identity = strndup((const char *)identity.ptr, identity.len);
    p->secure = p->connected = p->stored_once = true;
    memcpy(p->cid, cid, CID_LEN);
    atomic_fetch_add_explicit(&s->sessions, 1, memory_order_relaxed);
    peer_link(s, p);
    peer_relist(s, p);
    return true;
}

tsr_err sessions_load(tsr_engine *e)
{
    tsr_store_reader *r;
    tsr_err err = tsr_store_reader_open(e->config.store, &r);

    if (err != TSR_OK)
        return err;
    err = tsr_store_sessions(r, load_row, e);
    tsr_store_reader_close(r);
    return err;
}
