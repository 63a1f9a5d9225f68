/* SPDX-License-Identifier: Apache-2.0
 *
 * Manufacturer: gives a device its GUID, its certificate and its voucher (DI). */
#include "server/fdo/inventory.h"
#include "server/fdo/stage.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"

typedef struct {
    uint8_t guid[TSR_FDO_GUID];
    const fdo_key *maker;
    tsr_fdo_key device; /* points into `chain` */
    tsr_buf header, chain; /* OVHeader; an encoded array of certificates */
    char serial[FDO_TEXT_MAX + 1], info[FDO_TEXT_MAX + 1];
} run_state;

static void drop(void *state)
{
    run_state *t = state;

    free(t->header.ptr);
    free(t->chain.ptr);
    free(t);
}

static bool copy_text(char out[FDO_TEXT_MAX + 1], tsr_bytes text)
{
    if (text.len > FDO_TEXT_MAX || memchr(text.ptr, 0, text.len) != NULL)
        return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
    return true;
}

/* The device's certificate and that of the authority, for the voucher. */
static tsr_err make_chain(tsr_fdo *f, run_state *t, tsr_bytes csr, tsr_fdo_hash *hash,
                          uint8_t room[TSR_FDO_HASH_MAX])
{
    tsr_buf leaf = { 0 };
    tsr_bytes root = fdo_authority_certificate(f->authority);
    tsr_err err;

    rest_room(&leaf, 4096);
    err = fdo_authority_issue(f->authority, csr, t->serial[0] ? t->serial : "device",
                              fdo_now_ms() / 1000, &leaf);
    if (err == TSR_OK)
        err = tsr_fdo_key_of_certificate(tsr_buf_view(&leaf), &t->device);
    if (err == TSR_OK) {
        tsr_bytes parts[] = { tsr_buf_view(&leaf), root };
        int32_t alg = fdo_pair_hash(&t->device, &t->maker->public);

        rest_room(&t->chain, leaf.len + root.len + 16);
        tsr_cbor_put_array(&t->chain, 2);
        tsr_cbor_put_bytes(&t->chain, parts[0]);
        err = t->chain.err;
        if (err == TSR_OK)
            err = tsr_fdo_key_of_certificate(
                tsr_view(t->chain.ptr + t->chain.len - leaf.len, leaf.len), &t->device);
        tsr_cbor_put_bytes(&t->chain, parts[1]);
        if (err == TSR_OK)
            err = tsr_fdo_hash_make(alg, parts, 2, room, hash);
    }
    free(leaf.ptr);
    return err == TSR_OK ? t->chain.err : err;
}

static tsr_err make_header(tsr_fdo *f, run_state *t, const tsr_fdo_mfg_info *m)
{
    uint8_t room[TSR_FDO_HASH_MAX], key_room[sizeof t->maker->chain + 16];
    tsr_buf key = tsr_buf_over(key_room, sizeof key_room);
    tsr_fdo_hash hash;
    tsr_err err = make_chain(f, t, m->csr, &hash, room);

    if (err == TSR_OK)
        err = fdo_key_put(&key, t->maker, m->key_encoding);
    if (err == TSR_OK && psa_generate_random(t->guid, sizeof t->guid) != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    if (err != TSR_OK)
        return err;
    rest_room(&t->header, f->rv_info.len + m->device_info.len + key.len + 160);
    tsr_fdo_ov_header_write(&t->header,
                         &(tsr_fdo_ov_header){ .guid = tsr_view(t->guid, sizeof t->guid),
                                            .rv_info = tsr_buf_view(&f->rv_info),
                                            .device_info = m->device_info,
                                            .manufacturer = { .encoded = tsr_buf_view(&key) },
                                            .chain_hash = hash });
    return t->header.err;
}

void fdo_app_start(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    tsr_fdo_mfg_info m;
    tsr_err err = tsr_fdo_app_start_read(in, &m);
    run_state *t;

    if (err != TSR_OK) {
        fdo_refuse_err(r, err, "DI.AppStart does not parse");
        return;
    }
    s->state = t = calloc(1, sizeof *t);
    s->drop = drop;
    if (t == NULL) {
        fdo_refuse(r, TSR_FDO_INTERNAL, "out of memory");
        return;
    }
    t->maker = fdo_key_of_type(&f->makers, m.key_type);
    if (t->maker == NULL) {
        fdo_refuse(r, TSR_FDO_INVALID, "there is no manufacturer's key of the type asked for");
        return;
    }
    if (!copy_text(t->serial, m.serial) || !copy_text(t->info, m.device_info)) {
        fdo_refuse(r, TSR_FDO_INVALID, "serial number or device info are too long");
        return;
    }
    err = make_header(f, t, &m);
    if (err != TSR_OK) {
        fdo_refuse_err(r, err, "no voucher can be made for this certificate request");
        return;
    }
    r->type = TSR_FDO_DI_SET_CREDENTIALS;
    rest_room(&r->body, t->header.len + 16);
    tsr_fdo_set_credentials_write(&r->body, tsr_buf_view(&t->header));
}

/* Extends the new voucher to the next owner, if the operator named one. */
static tsr_err sell(tsr_fdo *f, const run_state *t, tsr_buf *voucher)
{
    const fdo_key *own = NULL;
    tsr_bytes next = tsr_view(f->next_owner, f->next_owner_len);

    if (f->config.next_owner == NULL)
        return TSR_OK;
    if (next.len == 0) {
        own = fdo_key_of_type(&f->owners, t->maker->public.type);
        if (own == NULL)
            return TSR_OK;
        next = own->public.encoded;
    }
    return fdo_voucher_extend(voucher, t->maker, next);
}

void fdo_set_hmac(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    run_state *t = s->state;
    tsr_buf voucher = { 0 };
    tsr_fdo_hash hmac;
    size_t made;
    bool sold;
    fdo_device device = { .state = "manufactured", .serial = t->serial, .info = t->info };
    tsr_err err = tsr_fdo_set_hmac_read(in, &hmac);

    if (err != TSR_OK || !tsr_fdo_hash_is_mac(hmac.alg)) {
        fdo_refuse(r, err != TSR_OK ? TSR_FDO_BODY : TSR_FDO_INVALID, "DI.SetHMAC has no HMAC");
        return;
    }
    rest_room(&voucher, t->header.len + t->chain.len + 96);
    tsr_fdo_voucher_write(&voucher, tsr_buf_view(&t->header), &hmac, tsr_buf_view(&t->chain));
    made = voucher.len;
    err = voucher.err == TSR_OK ? sell(f, t, &voucher) : voucher.err;
    sold = voucher.len > made;
    if (err == TSR_OK)
        err = fdo_inventory_make(f, tsr_view(t->guid, sizeof t->guid), tsr_buf_view(&voucher),
                                 &device, &t->device);
    free(voucher.ptr);
    if (err != TSR_OK) {
        fdo_refuse(r, TSR_FDO_INTERNAL, "the voucher could not be made or stored");
        return;
    }
    fdo_guid_text(tsr_view(t->guid, sizeof t->guid), s->guid);
    fdo_reach_by(f, s, TSR_FDO_MADE, "serial number %s", t->serial);
    if (sold)
        fdo_reach_by(f, s, TSR_FDO_EXTENDED, "to the next owner that the configuration names");
    r->type = TSR_FDO_DI_DONE;
    r->over = true;
    rest_room(&r->body, 8);
    tsr_fdo_empty_write(&r->body);
}
