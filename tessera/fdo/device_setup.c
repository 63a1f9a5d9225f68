/* SPDX-License-Identifier: Apache-2.0
 *
 * TO2 from message 65 on: the new credential, service info, and the end. */
#include "tessera/fdo/device_in.h"

/* The first encrypted message shows how long the owner's MAC key is. */
static tsr_err unsealed_first(tsr_fdo_device *d, tsr_bytes in, tsr_bytes *plain)
{
    tsr_fdo_session kept = d->session;
    tsr_err err = tsr_fdo_unsealed(d, in, plain);

    if (err != TSR_E_CRYPTO || d->other.cipher == NULL) {
        tsr_fdo_session_close(&d->other);
        return err;
    }
    d->session = d->other;
    d->other = kept;
    tsr_fdo_session_close(&d->other);
    return tsr_fdo_unsealed(d, in, plain);
}

/* FDO 1.1 message.65 */
static tsr_err take_setup(tsr_fdo_device *d, tsr_bytes in, tsr_fdo_setup *s, const char **what)
{
    tsr_cose_message m;
    tsr_bytes plain;
    size_t directives = 0;
    tsr_err err;

    *what = "encryption of message 65";
    err = unsealed_first(d, in, &plain);
    if (err != TSR_OK)
        return err;
    *what = "form of message 65";
    err = tsr_cose_read(plain, TSR_COSE_SIGN1, &m);
    if (err == TSR_OK && m.detached)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_fdo_setup_read(m.payload, s);
    if (err == TSR_OK)
        err = tsr_fdo_rv_check(s->rv_info, &directives);
    if (err != TSR_OK)
        return err;
    *what = "NonceTO2SetupDv of message 65";
    if (!tsr_fdo_nonce_is(s->nonce, d->nonce_setup))
        return TSR_E_CRYPTO;
    *what = "signature of message 65 by the new owner's key";
    err = tsr_fdo_verify(&m, &s->owner);
    if (err == TSR_OK && directives == 0) {
        *what = "RendezvousInfo of message 65 is empty";
        err = TSR_E_DENIED;
    }
    return err;
}

/* The header that the owner will make for its new voucher: only what message 65 says is new. */
static tsr_err make_hmac(tsr_fdo_device *d, const tsr_fdo_setup *s, uint8_t room[TSR_FDO_HASH_MAX],
                         tsr_fdo_hash *hmac)
{
    tsr_fdo_ov_header h = {
        .guid = s->guid,
        .rv_info = s->rv_info,
        .device_info = d->credential.device_info,
        .manufacturer = { .encoded = s->owner.encoded },
        .chain_hash = { d->chain_alg, { d->chain_hash, 0 } },
    };
    tsr_buf header = d->b.out;

    h.chain_hash.value.len = tsr_fdo_hash_len(d->chain_alg);
    header.len = 0;
    header.err = TSR_OK;
    tsr_fdo_ov_header_write(&header, &h);
    if (header.err != TSR_OK)
        return header.err;
    return tsr_fdo_mac_make(d->c->mac, d->c->secret, tsr_buf_view(&header), room, hmac);
}

static tsr_err make_next(tsr_fdo_device *d, const tsr_fdo_setup *s)
{
    const tsr_fdo_credential c = {
        .active = false, /* until it is sold on */
        .device_info = d->credential.device_info,
        .guid = s->guid,
        .rv_info = s->rv_info,
    };

    return tsr_fdo_make_credential(d, &c, &s->owner, d->credential.key_hash.alg);
}

/* The same GUID, rendezvous and key as before */
static bool is_reuse(const tsr_fdo_device *d, const tsr_fdo_setup *s)
{
    return tsr_same(s->guid, d->credential.guid) &&
           tsr_same(s->rv_info, d->credential.rv_info) &&
           tsr_fdo_key_same(&s->owner, &d->chain.owner);
}

/* FDO 1.1 message.66 */
tsr_err tsr_fdo_on_65(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    uint8_t mac[TSR_FDO_HASH_MAX], room[TSR_FDO_HASH_MAX + 16];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_fdo_hash hmac = { 0, { NULL, 0 } };
    tsr_fdo_setup s;
    tsr_err err = take_setup(d, in, &s, what);

    if (err != TSR_OK)
        return err;
    d->reuse = is_reuse(d, &s);
    *what = "credential reuse is not allowed";
    if (d->reuse && d->c->refuse_reuse)
        return TSR_E_EXISTS;
    *what = "the new credential could not be made";
    if (!d->reuse) {
        err = make_hmac(d, &s, mac, &hmac);
        if (err == TSR_OK)
            err = make_next(d, &s);
    }
    if (err != TSR_OK)
        return err;
    tsr_fdo_device_ready_write(&out, &hmac, d->b.in.cap < UINT16_MAX ? d->b.in.cap : UINT16_MAX);
    return tsr_fdo_say_sealed(d, TSR_FDO_TO2_DEVICE_INFO_READY, tsr_buf_view(&out));
}

/* FDO 1.1 message.67 */
tsr_err tsr_fdo_on_67(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_bytes plain;
    uint64_t size = 0;
    tsr_err err;

    *what = "encryption of message 67";
    err = tsr_fdo_unsealed(d, in, &plain);
    if (err != TSR_OK)
        return err;
    *what = "form of message 67";
    err = tsr_fdo_owner_ready_read(plain, &size);
    if (err != TSR_OK)
        return err;
    tsr_fdo_service_begin(d, size == 0 ? TSR_FDO_SIZE_DEFAULT : (size_t)size);
    return tsr_fdo_service_say(d, what);
}

static tsr_err say_done(tsr_fdo_device *d)
{
    uint8_t room[2 + TSR_FDO_NONCE];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_fdo_nonce_write(&out, tsr_view(d->nonce_dv, TSR_FDO_NONCE));
    return tsr_fdo_say_sealed(d, TSR_FDO_TO2_DONE, tsr_buf_view(&out));
}

/* FDO 1.1 message.69 */
tsr_err tsr_fdo_on_69(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_fdo_service *v = &d->service;
    uint32_t most = d->c->rounds_max != 0 ? d->c->rounds_max : TSR_FDO_ROUNDS_MAX;
    tsr_bytes plain;
    tsr_err err;

    *what = "encryption of message 69";
    err = tsr_fdo_unsealed(d, in, &plain);
    if (err != TSR_OK)
        return err;
    *what = "form of message 69";
    err = tsr_fdo_info_read(plain, true, &v->info);
    if (err != TSR_OK)
        return err;
    *what = "service info that is done and has more";
    if (v->info.done && v->info.more)
        return TSR_E_DENIED;
    *what = "service info without an end";
    if (++v->rounds > most)
        return TSR_E_DENIED;
    return tsr_fdo_service_go_on(d, what);
}

tsr_err tsr_fdo_service_go_on(tsr_fdo_device *d, const char **what)
{
    tsr_err err = tsr_fdo_service_take(d, what);

    if (err == TSR_END) { /* a module is busy */
        d->busy = true;
        return TSR_OK;
    }
    if (err != TSR_OK)
        return err;
    return d->service.info.done ? say_done(d) : tsr_fdo_service_say(d, what);
}

/* FDO 1.1 message.71: now, and not before, the credential is another */
tsr_err tsr_fdo_on_71(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_bytes plain, nonce;
    tsr_err err;

    *what = "encryption of message 71";
    err = tsr_fdo_unsealed(d, in, &plain);
    if (err != TSR_OK)
        return err;
    *what = "form of message 71";
    err = tsr_fdo_nonce_read(plain, &nonce);
    if (err != TSR_OK)
        return err;
    *what = "NonceTO2SetupDv of message 71";
    if (!tsr_fdo_nonce_is(nonce, d->nonce_setup))
        return TSR_E_CRYPTO;
    *what = "the credential could not be stored";
    if (!d->reuse)
        err = tsr_fdo_replace(d);
    if (err == TSR_OK)
        tsr_fdo_finished(d, TSR_FDO_EV_ONBOARDED);
    return err;
}
