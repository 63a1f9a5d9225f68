/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's steps of RFC 8613 §B.2. */
#include "tessera/oscore/datagram.h"
#include "tessera/oscore/internal.h"
#include "tessera/oscore/renew.h"

/* What fails inside PSA is no forgery of the peer's. */
static tsr_err make(tsr_oscore *c, const tsr_oscore_params *params, tsr_bytes id, size_t said_len)
{
    tsr_err err = tsr_oscore_renew_make(c, params, id, said_len);

    return err == TSR_E_CRYPTO ? TSR_E_IO : err;
}

/* With keys that nobody uses yet. */
static tsr_err verify(tsr_oscore *c, tsr_oscore_exchange *x, tsr_bytes request, tsr_buf *scratch)
{
    tsr_err err = tsr_oscore_unprotect_request_datagram(c, x, request, scratch);

    tsr_wipe(scratch->ptr, scratch->cap);
    scratch->len = 0;
    return err;
}

/* Without a window: request #1 may come any number of times. `nonce` is what its keys make nonces
 * of. */
static tsr_err verify_first(const tsr_oscore_params *params, tsr_bytes id1, tsr_bytes request,
                            tsr_oscore_exchange *x, uint8_t nonce[TSR_OSCORE_NONCE_MAX],
                            tsr_buf *scratch)
{
    tsr_oscore_params p = *params;
    tsr_oscore first;
    tsr_err err;

    p.challenge = false;
    err = make(&first, &p, id1, 0);
    if (err != TSR_OK)
        return err;
    err = verify(&first, x, request, scratch);
    memcpy(nonce, first.recipient_nonce, sizeof first.recipient_nonce);
    tsr_oscore_free(&first);
    return err;
}

tsr_err tsr_oscore_renew_offer(const tsr_oscore_params *params, tsr_bytes id1, tsr_bytes r2,
                               tsr_bytes request, uint16_t mid, tsr_buf *scratch, tsr_buf *out)
{
    uint8_t room[TSR_OSCORE_ID_CONTEXT_MAX], nonce[TSR_OSCORE_NONCE_MAX];
    tsr_buf id2 = tsr_buf_over(room, sizeof room);
    tsr_oscore_exchange x;
    tsr_oscore second;
    tsr_err err;

    tsr_put_bytes(&id2, r2);
    tsr_put_bytes(&id2, id1);
    if (id2.err != TSR_OK)
        return id2.err;
    err = verify_first(params, id1, request, &x, nonce, scratch);
    if (err != TSR_OK)
        return err;
    err = make(&second, params, tsr_buf_view(&id2), r2.len);
    if (err != TSR_OK)
        return err;
    x.epoch = second.epoch;
    memcpy(second.recipient_nonce, nonce, sizeof nonce); /* RFC 8613 §8.3: the request's, as it was */
    err = tsr_oscore_answer_bare(&second, &x, TSR_COAP_UNAUTHORIZED, request, mid, out);
    tsr_oscore_free(&second);
    return err;
}

tsr_err tsr_oscore_renew_accept(tsr_oscore *next, const tsr_oscore_params *params, tsr_bytes id3,
                                tsr_bytes request, tsr_buf *scratch)
{
    tsr_oscore_params p = *params;
    tsr_oscore_exchange x;
    tsr_oscore third;
    tsr_err err;

    p.challenge = false;
    err = make(&third, &p, id3, 0);
    if (err != TSR_OK)
        return err;
    err = verify(&third, &x, request, scratch);
    third.highest = third.seen = 0; /* it is taken when it comes in as any other */
    third.window_known = !params->challenge;
    if (err == TSR_OK)
        err = tsr_oscore_renew_keep(&third, params);
    if (err == TSR_OK)
        *next = third;
    else
        tsr_oscore_free(&third);
    return err;
}

/* ---- R2 ---- */

/* PSA gives no MAC of 8 bytes under a key that is made for a longer one. */
static psa_status_t prove(psa_key_id_t key, const uint8_t *random, uint8_t mac[32])
{
    size_t len;

    return psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), random, TSR_OSCORE_R2_RANDOM, mac,
                           32, &len);
}

tsr_err tsr_oscore_renew_r2(psa_key_id_t key, uint8_t r2[TSR_OSCORE_R2_LEN])
{
    uint8_t mac[32];

    if (psa_generate_random(r2, TSR_OSCORE_R2_RANDOM) != PSA_SUCCESS ||
        prove(key, r2, mac) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    memcpy(r2 + TSR_OSCORE_R2_RANDOM, mac, TSR_OSCORE_R2_LEN - TSR_OSCORE_R2_RANDOM);
    tsr_wipe(mac, sizeof mac);
    return TSR_OK;
}

bool tsr_oscore_renew_is_r2(psa_key_id_t key, tsr_bytes id3)
{
    uint8_t mac[32];
    bool same;

    if (id3.len <= TSR_OSCORE_R2_LEN || id3.len > TSR_OSCORE_ID_CONTEXT_MAX ||
        prove(key, id3.ptr, mac) != PSA_SUCCESS)
        return false;
    same = tsr_same_secret(tsr_view(mac, TSR_OSCORE_R2_LEN - TSR_OSCORE_R2_RANDOM),
                           tsr_first(tsr_skip(id3, TSR_OSCORE_R2_RANDOM),
                                     TSR_OSCORE_R2_LEN - TSR_OSCORE_R2_RANDOM));
    tsr_wipe(mac, sizeof mac);
    return same;
}
