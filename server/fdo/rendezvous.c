/* SPDX-License-Identifier: Apache-2.0
 *
 * Rendezvous: owners register where they are (TO0), devices ask (TO1). Both prove who they are: the
 * owner with a voucher and the key that it ends with, the device with the key of its certificate. */
#include "server/fdo/redirect.h"
#include "server/fdo/stage.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"

typedef struct {
    uint8_t nonce[TSR_FDO_NONCE], guid[TSR_FDO_GUID];
    tsr_buf redirect; /* TO1: as it is kept */
} run_state;

static void drop(void *state)
{
    run_state *t = state;

    free(t->redirect.ptr);
    free(t);
}

static run_state *begin(fdo_session *s, fdo_reply *r)
{
    run_state *t = calloc(1, sizeof *t);

    if (t == NULL || fdo_nonce(t->nonce) != TSR_OK) {
        free(t);
        fdo_refuse(r, TSR_FDO_INTERNAL, "no memory or no random numbers");
        return NULL;
    }
    s->state = t;
    s->drop = drop;
    return t;
}

/* --- TO0 -------------------------------------------------------------------------------- */

void fdo_to0_hello(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    run_state *t;
    tsr_err err = tsr_fdo_empty_read(in);

    (void)f;
    if (err != TSR_OK) {
        fdo_refuse(r, TSR_FDO_BODY, "TO0.Hello is an empty array");
        return;
    }
    t = begin(s, r);
    if (t == NULL)
        return;
    r->type = TSR_FDO_TO0_HELLO_ACK;
    rest_room(&r->body, 32);
    tsr_fdo_nonce_write(&r->body, tsr_view(t->nonce, sizeof t->nonce));
}

typedef struct {
    tsr_bytes to0d_bytes, to1d_bytes;
    tsr_fdo_to0d to0d;
    tsr_cose_message to1d_message;
    tsr_fdo_to1d to1d;
    tsr_fdo_voucher voucher;
    tsr_fdo_key owner;
} owner_sign;

static bool read_owner_sign(tsr_bytes in, owner_sign *o, fdo_reply *r)
{
    if (tsr_fdo_owner_sign_read(in, &o->to0d_bytes, &o->to1d_bytes) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "TO0.OwnerSign does not parse");
    else if (tsr_fdo_to0d_read(o->to0d_bytes, &o->to0d) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "to0d does not parse");
    else if (tsr_cose_read(o->to1d_bytes, TSR_COSE_SIGN1, &o->to1d_message) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "to1d is no COSE_Sign1");
    else if (tsr_fdo_to1d_read(o->to1d_message.payload, &o->to1d) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID, "the redirect is none, or has no address");
    else if (tsr_fdo_voucher_read(o->to0d.voucher, &o->voucher) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID_VOUCHER, "the voucher does not parse");
    return r->code == 0;
}

/* Whose vouchers are taken: the operator says it by keys. */
static bool is_trusted(const tsr_fdo *f, const owner_sign *o)
{
    tsr_bytes keys = tsr_buf_view(&f->trusted);
    tsr_fdo_key k;

    if (f->config.any_owner)
        return true;
    while (keys.len > 0 && tsr_fdo_get_key(&keys, &k) == TSR_OK)
        if (tsr_fdo_key_same(&k, &o->voucher.header.manufacturer) ||
            tsr_fdo_key_same(&k, &o->owner))
            return true;
    return false;
}

static bool check_owner_sign(const tsr_fdo *f, const run_state *t, owner_sign *o, fdo_reply *r)
{
    const char *wrong = fdo_voucher_wrong(f->roots, &o->voucher, &o->owner);

    if (wrong != NULL)
        fdo_refuse(r, TSR_FDO_INVALID_VOUCHER, wrong);
    else if (o->voucher.count == 0)
        fdo_refuse(r, TSR_FDO_INVALID_VOUCHER, "the voucher has no entries: it was never sold");
    else if (!tsr_same_secret(o->to0d.nonce, tsr_view(t->nonce, sizeof t->nonce)))
        fdo_refuse(r, TSR_FDO_INVALID, "the nonce is another");
    else if (tsr_fdo_hash_check(&o->to1d.to0d_hash, &o->to0d_bytes, 1) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID, "the hash of to0d is another");
    else if (tsr_fdo_verify(&o->to1d_message, &o->owner) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID_OWNER_SIGN,
                   "the redirect is not signed by the voucher's last owner");
    else if (!is_trusted(f, o))
        fdo_refuse(r, TSR_FDO_INVALID_VOUCHER, "neither its maker nor its owner is trusted here");
    return r->code == 0;
}

void fdo_owner_sign(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    run_state *t = s->state;
    owner_sign o;
    uint32_t wait;
    char words[FDO_KEY_WORDS];
    fdo_redirect kept = { 0 };

    if (!read_owner_sign(in, &o, r))
        return;
    fdo_guid_text(o.voucher.header.guid, s->guid);
    if (!check_owner_sign(f, t, &o, r))
        return;
    wait = o.to0d.wait_s < f->config.wait_max_s ? o.to0d.wait_s : f->config.wait_max_s;
    kept = (fdo_redirect){ .entries = o.voucher.count,
                           .ends_s = fdo_now_ms() / 1000 + wait,
                           .to1d = o.to1d_bytes };
    (void)fdo_voucher_leaf(&o.voucher, &kept.device_key); /* it was verified */
    switch (fdo_redirect_keep(f, o.voucher.header.guid, &kept)) {
    case TSR_OK: break;
    case TSR_E_DENIED:
        fdo_refuse(r, TSR_FDO_INVALID_VOUCHER, "a voucher with more entries is registered");
        return;
    default: fdo_refuse(r, TSR_FDO_INTERNAL, "the redirect could not be stored"); return;
    }
    fdo_key_words(&o.owner, words);
    fdo_reach_by(f, s, TSR_FDO_ACCEPTED, "owner %s, for %lu s", words, (unsigned long)wait);
    r->type = TSR_FDO_TO0_ACCEPT_OWNER;
    r->over = true;
    rest_room(&r->body, 16);
    tsr_fdo_number_write(&r->body, wait);
}

/* --- TO1 -------------------------------------------------------------------------------- */

void fdo_hello_rv(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    tsr_fdo_hello_rv h;
    run_state *t;
    fdo_redirect kept;
    tsr_err err = tsr_fdo_hello_rv_read(in, &h);

    if (err != TSR_OK) {
        fdo_refuse(r, TSR_FDO_BODY, "TO1.HelloRV does not parse");
        return;
    }
    t = begin(s, r);
    if (t == NULL)
        return;
    err = fdo_redirect_find(f, h.id, &t->redirect, &kept);
    if (err == TSR_E_NOT_FOUND) {
        fdo_refuse(r, TSR_FDO_NOT_FOUND, "no owner has registered for this device");
        return;
    }
    if (err != TSR_OK) {
        fdo_refuse(r, TSR_FDO_INTERNAL, "the redirect could not be read");
        return;
    }
    if (!tsr_fdo_key_signs(&kept.key, h.sig.type)) {
        fdo_refuse(r, TSR_FDO_INVALID, "the device's key does not sign so");
        return;
    }
    memcpy(t->guid, h.id.ptr, sizeof t->guid);
    fdo_guid_text(h.id, s->guid);
    h.id = tsr_view(t->nonce, sizeof t->nonce);
    r->type = TSR_FDO_TO1_HELLO_RV_ACK;
    rest_room(&r->body, 64 + h.sig.info.len);
    tsr_fdo_hello_rv_write(&r->body, &h);
}

void fdo_prove_to_rv(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    run_state *t = s->state;
    tsr_cose_message m;
    tsr_fdo_eat eat;
    fdo_redirect kept = { 0 };

    if (tsr_cose_read(in, TSR_COSE_SIGN1, &m) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "TO1.ProveToRV is no COSE_Sign1");
    else if (tsr_fdo_eat_read(m.payload, &eat) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "its payload is no EAT");
    else if (fdo_redirect_read(tsr_buf_view(&t->redirect), &kept) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INTERNAL, "the redirect is damaged");
    else if (tsr_fdo_verify(&m, &kept.key) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID, "it is not signed by the device");
    else if (!tsr_same_secret(eat.nonce, tsr_view(t->nonce, sizeof t->nonce)))
        fdo_refuse(r, TSR_FDO_INVALID, "the nonce is another");
    else if (!tsr_same(eat.guid, tsr_view(t->guid, sizeof t->guid)))
        fdo_refuse(r, TSR_FDO_INVALID, "the GUID is another");
    if (r->code != 0)
        return;
    fdo_reach_by(f, s, TSR_FDO_REDIRECTED, "%s", "");
    r->type = TSR_FDO_TO1_RV_REDIRECT;
    r->over = true;
    rest_room(&r->body, kept.to1d.len);
    tsr_put_bytes(&r->body, kept.to1d);
}
