/* SPDX-License-Identifier: Apache-2.0
 *
 * One registration: messages 20 to 23 as a client. */
#define _GNU_SOURCE
#include "server/fdo/to0.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/fdo/inventory.h"
#include "server/fdo/place.h"
#include "server/fdo/post.h"
#include "server/fdo/stage.h"
#include "server/rest/room.h"

/* --- what is sent ----------------------------------------------------------------------- */

static void put_to1d_payload(const tsr_fdo *f, const tsr_fdo_hash *hash, tsr_buf *out)
{
    fdo_place places[TSR_FDO_PLACES_MAX];
    tsr_fdo_addr addrs[TSR_FDO_PLACES_MAX];
    size_t n = f->config.owner_place_count;

    for (size_t i = 0; i < n; i++) {
        (void)fdo_place_read(f->config.owner_places[i], &places[i]); /* it was read at the start */
        addrs[i] = fdo_place_addr(&places[i]);
    }
    rest_room(out, n * 300 + 100);
    tsr_fdo_to1d_write(out, addrs, n, hash);
}

static tsr_err put_owner_sign(const tsr_fdo *f, const fdo_key *key, const tsr_fdo_to0d *d,
                              tsr_buf *out)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_buf to0d = { 0 }, payload = { 0 }, to1d = { 0 };
    tsr_fdo_hash hash;
    tsr_bytes part;
    tsr_err err;

    rest_room(&to0d, d->voucher.len + 64);
    tsr_fdo_to0d_write(&to0d, d);
    part = tsr_buf_view(&to0d);
    err = to0d.err == TSR_OK
              ? tsr_fdo_hash_make(tsr_fdo_key_hash(key->public.type, key->public.bits), &part, 1,
                                  room, &hash)
              : to0d.err;
    if (err == TSR_OK)
        put_to1d_payload(f, &hash, &payload);
    rest_room(&to1d, payload.len + 600);
    if (err == TSR_OK)
        err = fdo_sign(&to1d, key, tsr_buf_view(&payload), tsr_view(NULL, 0), 0);
    rest_room(out, to0d.len + to1d.len + 32);
    if (err == TSR_OK)
        tsr_fdo_owner_sign_write(out, part, tsr_buf_view(&to1d));
    free(to0d.ptr);
    free(payload.ptr);
    free(to1d.ptr);
    return err == TSR_OK ? out->err : err;
}

/* --- the run ---------------------------------------------------------------------------- */

static tsr_err run(tsr_fdo *f, fdo_post *post, const fdo_key *key, tsr_bytes voucher,
                   uint32_t *wait_s)
{
    tsr_buf out = { 0 };
    tsr_bytes nonce;
    uint64_t wait;
    tsr_err err;

    rest_room(&out, 8);
    tsr_fdo_empty_write(&out);
    err = fdo_post_message(post, TSR_FDO_TO0_HELLO, tsr_buf_view(&out));
    if (err == TSR_OK)
        err = tsr_fdo_nonce_read(tsr_buf_view(&post->answer), &nonce);
    out.len = 0;
    if (err == TSR_OK)
        err = put_owner_sign(
            f, key, &(tsr_fdo_to0d){ .voucher = voucher, .wait_s = FDO_WAIT_S, .nonce = nonce },
            &out);
    if (err == TSR_OK)
        err = fdo_post_message(post, TSR_FDO_TO0_OWNER_SIGN, tsr_buf_view(&out));
    if (err == TSR_OK)
        err = tsr_fdo_number_read(tsr_buf_view(&post->answer), UINT32_MAX, &wait);
    if (err == TSR_OK)
        *wait_s = (uint32_t)wait;
    free(out.ptr);
    return err;
}

/* "http://host:port" of a directive for owners; false: it is not for them, or another transport. */
static bool url_of(const tsr_fdo_directive *d, char *url, size_t cap)
{
    bool tls = d->protocol == TSR_FDO_RV_HTTPS || d->protocol == TSR_FDO_RV_REST;
    char host[FDO_HOST_MAX + 3] = "";
    uint8_t protocol = d->protocol == TSR_FDO_RV_NONE ? TSR_FDO_RV_HTTPS : d->protocol;
    unsigned port = d->owner_port != 0 ? d->owner_port : tsr_fdo_rv_port(protocol);

    if (d->dev_only || (!tls && protocol != TSR_FDO_RV_HTTP && protocol != TSR_FDO_RV_HTTPS))
        return false;
    if (d->dns.len > 0 && d->dns.len <= FDO_HOST_MAX)
        (void)snprintf(host, sizeof host, "%.*s", (int)d->dns.len, (const char *)d->dns.ptr);
    else if (d->ip.len == 4)
        (void)inet_ntop(AF_INET, d->ip.ptr, host, sizeof host);
    else if (d->ip.len == 16 && inet_ntop(AF_INET6, d->ip.ptr, host + 1, sizeof host - 2) != NULL) {
        host[0] = '[';
        memcpy(host + strlen(host), "]", 2);
    }
    (void)snprintf(url, cap, "http%s://%s:%u", protocol == TSR_FDO_RV_HTTP ? "" : "s", host, port);
    return host[0] != 0;
}

static void tell(tsr_fdo *f, tsr_bytes guid, const char *url, const char *why, uint32_t wait_s)
{
    char name[FDO_GUID_TEXT], detail[FDO_HOST_MAX + 240];

    fdo_guid_text(guid, name);
    if (why == NULL)
        (void)snprintf(detail, sizeof detail, "at %s for %lu s", url, (unsigned long)wait_s);
    else
        (void)snprintf(detail, sizeof detail, "at %s: %s", url, why);
    fdo_log(f, why != NULL, "fdo: TO0 of %s %s", name, detail);
    fdo_write_down(f, why != NULL, why != NULL ? "to0-failed" : "to0-done", name, detail);
    if (why == NULL)
        fdo_reach(f, name, TSR_FDO_ANNOUNCED, detail);
}

static tsr_err try_each(tsr_fdo *f, const tsr_fdo_voucher *v, const fdo_key *key, uint32_t *wait_s)
{
    tsr_fdo_directive d;
    char url[FDO_HOST_MAX + 32];
    tsr_err err = TSR_E_IO;

    for (size_t i = 0; err != TSR_OK && tsr_fdo_rv_at(v->header.rv_info, i, &d) == TSR_OK; i++) {
        fdo_post post;

        if (!url_of(&d, url, sizeof url))
            continue;
        err = fdo_post_open(&post, url, &f->stopping);
        if (err == TSR_OK)
            err = run(f, &post, key, v->encoded, wait_s);
        tell(f, v->header.guid, url,
             err == TSR_OK ? NULL : post.why[0] != 0 ? post.why : tsr_err_name(err), *wait_s);
        fdo_post_close(&post);
    }
    return err == TSR_OK ? TSR_OK : TSR_E_IO;
}

tsr_err fdo_to0_register(tsr_fdo *f, const char *guid, uint32_t *wait_s)
{
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    const fdo_key *key = NULL;
    tsr_err err = fdo_inventory_is_over(f, guid, fdo_now_ms()) ? TSR_E_DENIED : TSR_OK;

    if (err == TSR_OK)
        err = fdo_fetch(f, TSR_STORE_FDO_VOUCHER, guid, &room);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(&room), &v);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_owner(&v, &owner);
    if (err == TSR_OK)
        key = fdo_key_of(&f->owners, &owner);
    if (err == TSR_OK)
        err = key != NULL && v.count > 0 ? try_each(f, &v, key, wait_s) : TSR_E_DENIED;
    free(room.ptr);
    return err;
}
