/* SPDX-License-Identifier: Apache-2.0
 *
 * Owner, the first half of TO2: both sides prove who they are (60 to 65). */
#include "server/fdo/owner.h"
#include "server/fdo/stage.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"

static void drop(void *state)
{
    fdo_to2 *t = state;

    tsr_fdo_kex_drop(&t->kex);
    tsr_fdo_session_close(&t->session);
    fdo_plan_end(&t->plan);
    free(t->heard);
    free(t->voucher_bytes.ptr);
    free(t->header.ptr);
    if (t->values.held.ptr != NULL)
        tsr_wipe(t->values.held.ptr, t->values.held.cap);
    free(t->values.held.ptr);
    tsr_wipe(t, sizeof *t);
    free(t);
}

/* --- 60, 61 ----------------------------------------------------------------------------- */

/* The voucher was verified when it came in. */
static bool find_voucher(tsr_fdo *f, fdo_to2 *t, tsr_bytes guid, fdo_reply *r)
{
    tsr_err err = fdo_inventory_voucher(f, guid, &t->voucher_bytes);

    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(&t->voucher_bytes), &t->voucher);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_owner(&t->voucher, &t->as_owner);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_device(&t->voucher, &t->device);
    if (err == TSR_OK && t->voucher.count > 0)
        t->owner = fdo_key_of(&f->owners, &t->as_owner);
    if (t->owner != NULL && t->as_owner.type == TSR_FDO_RSAPSS) /* which it does not sign with */
        t->as_owner = t->owner->public;
    if (err == TSR_E_NOT_FOUND || (err == TSR_OK && t->owner == NULL))
        fdo_refuse(r, TSR_FDO_NOT_FOUND, "the device is not this owner's");
    else if (err != TSR_OK)
        fdo_refuse(r, TSR_FDO_INTERNAL, "the voucher could not be read");
    return r->code == 0;
}

static bool choose(fdo_to2 *t, const tsr_fdo_hello_device *h, const tsr_fdo_kex_method **method,
                   fdo_reply *r)
{
    *method = tsr_fdo_kex_find(h->kex);
    t->cipher = tsr_fdo_cipher_find(h->cipher);
    if (*method == NULL || !tsr_fdo_kex_fits(*method, &t->owner->public))
        fdo_refuse(r, TSR_FDO_INVALID, "the key exchange is unknown, or not for the owner's key");
    else if (t->cipher == NULL)
        fdo_refuse(r, TSR_FDO_INVALID, "the cipher suite is unknown");
    else if (!tsr_fdo_key_signs(&t->device, h->sig.type))
        fdo_refuse(r, TSR_FDO_INVALID, "the device's key does not sign so");
    return r->code == 0;
}

static tsr_err put_proof(const tsr_fdo *f, fdo_to2 *t, const tsr_fdo_hello_device *h, tsr_bytes in,
                         tsr_bytes xa, tsr_buf *out)
{
    uint8_t hash_room[TSR_FDO_HASH_MAX];
    tsr_buf payload = { 0 }, more = { 0 };
    tsr_fdo_hash hash;
    tsr_err err = tsr_fdo_hash_make(fdo_pair_hash(&t->device, &t->owner->public), &in, 1,
                                    hash_room, &hash);

    if (err == TSR_OK)
        err = fdo_nonce(t->nonce_device);
    if (err != TSR_OK)
        return err;
    rest_room(&payload, t->voucher.header.encoded.len + xa.len + 256);
    tsr_fdo_prove_ov_write(&payload, &(tsr_fdo_prove_ov){
                                         .header = t->voucher.header.encoded,
                                         .entries = (uint8_t)t->voucher.count,
                                         .hmac = t->voucher.hmac,
                                         .nonce = h->nonce,
                                         .sig = h->sig,
                                         .kex = xa,
                                         .hello_hash = hash,
                                         .max_message = f->config.message_max,
                                     });
    rest_room(&more, t->as_owner.encoded.len + 64);
    tsr_fdo_prove_ov_header_write(&more, tsr_view(t->nonce_device, TSR_FDO_NONCE),
                                  t->as_owner.encoded);
    rest_room(out, payload.len + more.len + 600);
    err = payload.err != TSR_OK ? payload.err : more.err;
    if (err == TSR_OK)
        err = fdo_sign(out, t->owner, tsr_buf_view(&payload), tsr_buf_view(&more), 2);
    free(more.ptr);
    free(payload.ptr);
    return err;
}

void fdo_hello_device(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    uint8_t room[TSR_FDO_X_MAX];
    tsr_buf xa = tsr_buf_over(room, sizeof room);
    const tsr_fdo_kex_method *method;
    tsr_fdo_hello_device h;
    fdo_to2 *t;

    if (tsr_fdo_hello_device_read(in, &h) != TSR_OK) {
        fdo_refuse(r, TSR_FDO_BODY, "TO2.HelloDevice does not parse");
        return;
    }
    s->state = t = calloc(1, sizeof *t);
    s->drop = drop;
    if (t == NULL) {
        fdo_refuse(r, TSR_FDO_INTERNAL, "out of memory");
        return;
    }
    fdo_session_name(&f->sessions, s, h.guid);
    if (!find_voucher(f, t, h.guid, r))
        return;
    fdo_guid_text(h.guid, s->guid);
    if (!choose(t, &h, &method, r))
        return;
    r->type = TSR_FDO_TO2_PROVE_OV_HDR;
    if (tsr_fdo_kex_offer(&t->kex, method, &tsr_fdo_random_psa, &xa) != TSR_OK ||
        put_proof(f, t, &h, in, tsr_buf_view(&xa), &r->body) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INTERNAL, "the proof could not be made");
}

/* --- 62, 63 ----------------------------------------------------------------------------- */

void fdo_next_entry(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    fdo_to2 *t = s->state;
    tsr_bytes entry;
    uint64_t n;
    tsr_err err = tsr_fdo_number_read(in, UINT64_MAX, &n);

    (void)f;
    if (err != TSR_OK) {
        fdo_refuse(r, TSR_FDO_BODY, "TO2.GetOVNextEntry does not parse");
        return;
    }
    if (n >= t->voucher.count ||
        tsr_fdo_voucher_entry(&t->voucher, (size_t)n, &entry) != TSR_OK) {
        fdo_refuse(r, TSR_FDO_INVALID, "the voucher has no such entry");
        return;
    }
    r->type = TSR_FDO_TO2_OV_NEXT_ENTRY;
    rest_room(&r->body, entry.len + 16);
    tsr_fdo_next_entry_write(&r->body, n, entry);
}

/* --- 64, 65 ----------------------------------------------------------------------------- */

static bool check_device(const fdo_to2 *t, tsr_bytes in, tsr_fdo_eat *eat, tsr_bytes *nonce,
                         fdo_reply *r)
{
    tsr_cose_message m;

    if (tsr_cose_read(in, TSR_COSE_SIGN1, &m) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "TO2.ProveDevice is no COSE_Sign1");
    else if (tsr_fdo_eat_read(m.payload, eat) != TSR_OK || eat->kex.ptr == NULL)
        fdo_refuse(r, TSR_FDO_BODY, "its payload is no EAT with a key exchange");
    else if (tsr_fdo_prove_device_header_read(&m, nonce) != TSR_OK)
        fdo_refuse(r, TSR_FDO_BODY, "it has no nonce for TO2.SetupDevice");
    else if (tsr_fdo_verify(&m, &t->device) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID, "it is not signed by the device");
    else if (!tsr_same_secret(eat->nonce, tsr_view(t->nonce_device, TSR_FDO_NONCE)))
        fdo_refuse(r, TSR_FDO_INVALID, "the nonce is another");
    else if (!tsr_same(eat->guid, t->voucher.header.guid))
        fdo_refuse(r, TSR_FDO_INVALID, "the GUID is another");
    return r->code == 0;
}

static tsr_err open_session(const tsr_fdo *f, fdo_to2 *t, tsr_bytes xb)
{
    tsr_fdo_secret secret;
    tsr_err err = tsr_fdo_kex_accept(&t->kex, xb, t->owner->decrypt, &secret);

    if (err == TSR_OK)
        err = tsr_fdo_session_open(&t->session, t->cipher,
                                   f->config.short_mac_keys ? TSR_FDO_SVK_SHORT : TSR_FDO_SVK_FULL,
                                   &secret);
    tsr_wipe(&secret, sizeof secret);
    return err;
}

/* A device whose message 71 was lost comes again under its old GUID, and is offered what it was offered
 * then: its new voucher is the same, and may have been sold meanwhile. */
static bool header_again(tsr_fdo *f, fdo_to2 *t, bool *named)
{
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    tsr_err err;

    *named = !t->reuse && fdo_inventory_next(f, t->voucher.header.guid, t->guid) == TSR_OK;
    if (!*named)
        return false;
    err = fdo_inventory_voucher(f, tsr_view(t->guid, sizeof t->guid), &room);
    *named = err == TSR_E_NOT_FOUND; /* killed before it was stored */
    if (err == TSR_OK && tsr_fdo_voucher_read(tsr_buf_view(&room), &v) == TSR_OK &&
        tsr_fdo_key_same(&v.header.manufacturer, &t->owner->public)) {
        rest_room(&t->header, v.header.encoded.len + 64);
        tsr_put_bytes(&t->header, v.header.encoded);
    }
    free(room.ptr);
    return t->header.len > 0 && t->header.err == TSR_OK;
}

/* The header that the device's next voucher has, or would have. */
static tsr_err make_header(tsr_fdo *f, fdo_to2 *t)
{
    const tsr_fdo_ov_header *old = &t->voucher.header;
    bool named;
    bool own_rv = f->config.rendezvous_count > 0 && !t->reuse;

    if (header_again(f, t, &named))
        return TSR_OK;
    if (t->reuse)
        memcpy(t->guid, old->guid.ptr, sizeof t->guid);
    else if (!named && psa_generate_random(t->guid, sizeof t->guid) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    rest_room(&t->header, old->encoded.len + f->rv_info.len + t->as_owner.encoded.len + 64);
    tsr_fdo_ov_header_write(
        &t->header, &(tsr_fdo_ov_header){
                        .guid = tsr_view(t->guid, sizeof t->guid),
                        .rv_info = own_rv ? tsr_buf_view(&f->rv_info) : old->rv_info,
                        .device_info = old->device_info,
                        .manufacturer = t->as_owner,
                        .chain_hash = old->chain_hash,
                    });
    return t->header.err;
}

static tsr_err put_setup(fdo_to2 *t, tsr_buf *out)
{
    tsr_fdo_ov_header h;
    tsr_buf payload = { 0 };
    tsr_err err = tsr_fdo_ov_header_read(tsr_buf_view(&t->header), &h);

    if (err != TSR_OK)
        return err;
    rest_room(&payload, t->header.len + 64);
    tsr_fdo_setup_write(&payload, &(tsr_fdo_setup){ .rv_info = h.rv_info,
                                                    .guid = h.guid,
                                                    .nonce = tsr_view(t->nonce_setup, TSR_FDO_NONCE),
                                                    .owner = h.manufacturer });
    rest_room(out, payload.len + 600);
    err = payload.err == TSR_OK
              ? fdo_sign(out, t->owner, tsr_buf_view(&payload), tsr_view(NULL, 0), 0)
              : payload.err;
    free(payload.ptr);
    return err;
}

void fdo_prove_device(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    fdo_to2 *t = s->state;
    tsr_buf setup = { 0 };
    tsr_bytes nonce = { NULL, 0 };
    tsr_fdo_eat eat = { .nonce = { NULL, 0 } };

    if (!check_device(t, in, &eat, &nonce, r))
        return;
    if (nonce.ptr != NULL) /* it has one: it was read */
        memcpy(t->nonce_setup, nonce.ptr, sizeof t->nonce_setup);
    t->reuse = f->config.reuse;
    if (open_session(f, t, eat.kex) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INVALID, "the key exchange failed");
    else if (make_header(f, t) != TSR_OK || put_setup(t, &setup) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INTERNAL, "TO2.SetupDevice could not be made");
    else
        fdo_to2_seal(t, TSR_FDO_TO2_SETUP_DEVICE, tsr_buf_view(&setup), r);
    if (r->code == 0)
        fdo_reach_by(f, s, TSR_FDO_PROVED, "%s", "");
    free(setup.ptr);
}
