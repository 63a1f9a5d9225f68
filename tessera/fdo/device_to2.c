/* SPDX-License-Identifier: Apache-2.0
 *
 * TO2 up to message 64: the owner proves that the voucher is its own. Nothing is derived and no
 * proof of the device goes out before every check of the voucher is done. */
#include "tessera/fdo/device_in.h"

/* The method that fits the key of whoever made the credential: owners have one of its kind. */
static const tsr_fdo_kex_method *choose(const tsr_fdo_device *d)
{
    static const uint8_t there[] = { 0x30 };
    tsr_fdo_key k = { .type = d->credential.key_type, .bits = d->credential.key_bits };

    if (k.type != TSR_FDO_SECP256R1 && k.type != TSR_FDO_SECP384R1)
        k.rsa = tsr_view(there, sizeof there);
    for (size_t i = 0; i < d->c->kex_count; i++)
        if (tsr_fdo_kex_fits(d->c->kex[i], &k))
            return d->c->kex[i];
    return NULL;
}

/* FDO 1.1 message.60 */
tsr_err tsr_fdo_begin_to2(tsr_fdo_device *d)
{
    tsr_fdo_hello_device h = {
        .max_message = d->b.in.cap < UINT16_MAX ? d->b.in.cap : UINT16_MAX,
        .guid = d->credential.guid,
        .nonce = { d->nonce_ov, TSR_FDO_NONCE },
        .cipher = d->c->cipher->id,
        .sig = { d->c->device_alg, { NULL, 0 } },
    };
    tsr_err err = tsr_fdo_nonce(d, d->nonce_ov);

    d->sent = TSR_FDO_TO2_HELLO_DEVICE;
    d->kex = choose(d);
    if (d->kex == NULL)
        return TSR_E_UNSUPPORTED;
    h.kex = tsr_text(d->kex->name);
    tsr_fdo_hello_device_write(tsr_fdo_out(d), &h);
    return err == TSR_OK ? tsr_fdo_say(d, TSR_FDO_TO2_HELLO_DEVICE) : err;
}

static tsr_err ask_entry(tsr_fdo_device *d)
{
    tsr_fdo_number_write(tsr_fdo_out(d), d->chain.count);
    return tsr_fdo_say(d, TSR_FDO_TO2_GET_OV_NEXT_ENTRY);
}

/* What the owner repeats of message 60, which is still in its buffer. */
static tsr_err check_echo(tsr_fdo_device *d, const tsr_fdo_prove_ov *p, const char **what)
{
    const tsr_bytes hello = tsr_buf_view(&d->b.message);

    *what = "hash of message 60";
    if (tsr_fdo_hash_check(&p->hello_hash, &hello, 1) != TSR_OK)
        return TSR_E_CRYPTO;
    *what = "NonceTO2ProveOV";
    if (!tsr_fdo_nonce_is(p->nonce, d->nonce_ov))
        return TSR_E_CRYPTO;
    *what = "eBSigInfo is not eASigInfo";
    return p->sig.type == d->c->device_alg ? TSR_OK : TSR_E_DENIED;
}

/* The header is the one that this device made its HMAC for, by the manufacturer that it knows. */
static tsr_err check_header(tsr_fdo_device *d, const tsr_fdo_prove_ov *p, tsr_fdo_ov_header *h,
                            const char **what)
{
    tsr_err err;

    *what = "form of the voucher's header";
    err = tsr_fdo_ov_header_read(p->header, h);
    if (err != TSR_OK)
        return err;
    *what = "GUID of the voucher's header";
    if (!tsr_same(h->guid, d->credential.guid))
        return TSR_E_CRYPTO;
    *what = "HMAC of the voucher's header";
    if (p->hmac.alg != d->c->mac ||
        tsr_fdo_mac_check(&p->hmac, d->c->secret, p->header) != TSR_OK)
        return TSR_E_CRYPTO;
    *what = "hash of the manufacturer's key";
    return tsr_fdo_hash_check(&d->credential.key_hash, &h->manufacturer.encoded, 1);
}

static tsr_err keep_offer(tsr_fdo_device *d, const tsr_fdo_prove_ov *p, tsr_bytes nonce,
                          const tsr_fdo_ov_header *h, const char **what)
{
    *what = "key exchange of the owner";
    if (p->kex.len == 0 || p->kex.len > sizeof d->xa)
        return TSR_E_MALFORMED;
    memcpy(d->xa, p->kex.ptr, p->kex.len);
    d->xa_len = (uint16_t)p->kex.len;
    memcpy(d->nonce_dv, nonce.ptr, TSR_FDO_NONCE);
    d->chain_alg = h->chain_hash.alg;
    if (h->chain_hash.alg != 0)
        memcpy(d->chain_hash, h->chain_hash.value.ptr, h->chain_hash.value.len);
    d->entries = p->entries;
    return tsr_fdo_ov_begin(&d->chain, h, p->hmac_encoded);
}

/* FDO 1.1 message.61 */
tsr_err tsr_fdo_on_61(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_fdo_ov_header h;
    tsr_fdo_prove_ov p;
    tsr_cose_message m;
    tsr_fdo_key owner;
    tsr_bytes nonce;
    tsr_err err = tsr_cose_read(in, TSR_COSE_SIGN1, &m);

    if (err == TSR_OK && m.detached)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_fdo_prove_ov_read(m.payload, &p);
    if (err == TSR_OK)
        err = tsr_fdo_prove_ov_header_read(&m, &nonce, &owner);
    if (err == TSR_OK)
        err = check_echo(d, &p, what);
    if (err != TSR_OK)
        return err;
    *what = "the owner's signature of message 61";
    err = tsr_fdo_verify(&m, &owner);
    if (err == TSR_OK)
        err = tsr_fdo_key_print(&owner, d->owner_print);
    if (err == TSR_OK)
        err = check_header(d, &p, &h, what);
    if (err == TSR_OK)
        err = keep_offer(d, &p, nonce, &h, what);
    if (err != TSR_OK)
        return err;
    *what = "a voucher without entries";
    return p.entries > 0 ? ask_entry(d) : TSR_E_DENIED;
}

/* FDO 1.1 message.33: whoever is the owner now has signed where it is */
static tsr_err check_redirect(tsr_fdo_device *d)
{
    tsr_cose_message m;
    tsr_err err;

    if (!d->walk.redirected)
        return TSR_OK;
    err = tsr_cose_read(tsr_buf_view(&d->b.redirect), TSR_COSE_SIGN1, &m);
    return err == TSR_OK ? tsr_fdo_verify(&m, &d->chain.owner) : err;
}

static tsr_err open_sessions(tsr_fdo_device *d, const tsr_fdo_secret *s)
{
    tsr_err err = tsr_fdo_session_open(&d->session, d->c->cipher, TSR_FDO_SVK_FULL, s);

    if (err == TSR_OK && d->c->cipher->svk != 0)
        err = tsr_fdo_session_open(&d->other, d->c->cipher, TSR_FDO_SVK_SHORT, s);
    return err;
}

/* FDO 1.1 message.64 */
static tsr_err prove_device(tsr_fdo_device *d, const char **what)
{
    uint8_t room[TSR_FDO_X_MAX], header[3 + 1 + TSR_FDO_NONCE];
    tsr_buf xb = tsr_buf_over(room, sizeof room), nonce = tsr_buf_over(header, sizeof header);
    tsr_fdo_eat eat = { { d->nonce_dv, TSR_FDO_NONCE }, d->credential.guid, { NULL, 0 } };
    tsr_cose_params p = { .unprotected_count = 1 };
    tsr_fdo_secret s;
    tsr_err err;

    *what = "key exchange of the owner";
    err = tsr_fdo_kex_answer(d->kex, d->c->random, tsr_view(d->xa, d->xa_len), &d->chain.owner,
                             &xb, &s);
    if (err == TSR_OK)
        err = open_sessions(d, &s);
    tsr_wipe(&s, sizeof s);
    if (err == TSR_OK)
        err = tsr_fdo_nonce(d, d->nonce_setup);
    if (err != TSR_OK)
        return err;
    *what = "the proof could not be made";
    tsr_fdo_prove_device_header_write(&nonce, tsr_view(d->nonce_setup, TSR_FDO_NONCE));
    p.unprotected_more = tsr_buf_view(&nonce);
    eat.kex = tsr_buf_view(&xb);
    err = tsr_fdo_prove(d, TSR_FDO_TO2_PROVE_DEVICE, &p, &eat);
    if (err == TSR_OK)
        tsr_fdo_tell(d, TSR_FDO_EV_OWNER);
    return err;
}

static tsr_err check_owner(tsr_fdo_device *d, const char **what)
{
    uint8_t print[32];
    tsr_err err = tsr_fdo_key_print(&d->chain.owner, print);

    *what = "message 61 was not signed by the voucher's owner";
    if (err == TSR_OK && memcmp(print, d->owner_print, sizeof print) != 0)
        err = TSR_E_CRYPTO;
    if (err != TSR_OK)
        return err;
    *what = "the redirect was not signed by the voucher's owner";
    err = check_redirect(d);
    if (err != TSR_OK)
        d->b.redirect.len = 0; /* none of its addresses is worth a try */
    return err;
}

/* FDO 1.1 message.63 */
tsr_err tsr_fdo_on_63(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_fdo_fault fault;
    tsr_bytes entry;
    uint64_t n;
    tsr_err err = tsr_fdo_next_entry_read(in, &n, &entry);

    if (err != TSR_OK)
        return err;
    *what = "number of the entry";
    if (n != d->chain.count)
        return TSR_E_DENIED;
    err = tsr_fdo_ov_next(&d->chain, entry, &fault);
    if (err != TSR_OK) {
        *what = fault.what != NULL ? fault.what : "entry";
        return err;
    }
    if (d->chain.count < d->entries)
        return ask_entry(d);
    err = check_owner(d, what);
    return err == TSR_OK ? prove_device(d, what) : err;
}
