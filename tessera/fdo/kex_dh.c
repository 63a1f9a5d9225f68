/* SPDX-License-Identifier: Apache-2.0
 *
 * DHKEXid14 and DHKEXid15: Diffie-Hellman in groups 14 and 15 of RFC 3526 §3, RFC 3526 §4. PSA
 * knows the groups of RFC 7919 alone, so this computes with Mbed TLS's big numbers, in the process:
 * the exponent lives for one exchange. Not across the wall. FDO 1.1 KeyExchange */
#include "mbedtls/bignum.h"
#include "mbedtls/dhm.h"
#include "tessera/fdo/kex.h"

static const uint8_t p14[] = MBEDTLS_DHM_RFC3526_MODP_2048_P_BIN;
static const uint8_t p15[] = MBEDTLS_DHM_RFC3526_MODP_3072_P_BIN;

typedef struct {
    mbedtls_mpi p, base, exponent, result;
} numbers;


static void open_numbers(numbers *n)
{
    mbedtls_mpi_init(&n->p);
    mbedtls_mpi_init(&n->base);
    mbedtls_mpi_init(&n->exponent);
    mbedtls_mpi_init(&n->result);
}

static void close_numbers(numbers *n)
{
    mbedtls_mpi_free(&n->p);
    mbedtls_mpi_free(&n->base);
    mbedtls_mpi_free(&n->exponent);
    mbedtls_mpi_free(&n->result);
}

/* 1 < base < p - 1: nothing that would give a secret known to all. */
static bool sound(numbers *n)
{
    return mbedtls_mpi_cmp_int(&n->base, 1) > 0 &&
           mbedtls_mpi_sub_int(&n->result, &n->p, 1) == 0 &&
           mbedtls_mpi_cmp_mpi(&n->base, &n->result) < 0;
}

/* base ^ exponent mod p, as long as the modulus. Mbed TLS blinds nothing here; the exponent is used
 * twice and its time does not depend on it (mbedtls_mpi_exp_mod). */
static tsr_err power(const tsr_fdo_kex_method *m, tsr_bytes base, const uint8_t *exponent,
                     uint8_t *to)
{
    numbers n;
    tsr_err err = TSR_E_CRYPTO;

    open_numbers(&n);
    if (mbedtls_mpi_read_binary(&n.p, m->size == 2048 ? p14 : p15, m->size / 8) == 0 &&
        mbedtls_mpi_read_binary(&n.base, base.ptr, base.len) == 0 &&
        mbedtls_mpi_read_binary(&n.exponent, exponent, m->random_len) == 0) {
        if (!sound(&n))
            err = TSR_E_MALFORMED;
        else if (mbedtls_mpi_exp_mod(&n.result, &n.base, &n.exponent, &n.p, NULL) == 0 &&
                 mbedtls_mpi_write_binary(&n.result, to, m->size / 8) == 0)
            err = TSR_OK;
    }
    close_numbers(&n);
    return err;
}

static tsr_err put_public(const tsr_fdo_kex_method *m, const uint8_t *exponent, tsr_buf *out)
{
    static const uint8_t generator[] = { 2 };
    uint8_t *to = tsr_buf_claim(out, m->size / 8);

    return to != NULL ? power(m, tsr_view(generator, 1), exponent, to) : out->err;
}

static tsr_err offer(tsr_fdo_kex *k, const tsr_fdo_random *r, tsr_buf *xa)
{
    (void)r;
    return put_public(k->method, k->own, xa);
}

/* A peer may leave zeros off its number's front (go-fdo does, once in 256). */
static tsr_err agree(const tsr_fdo_kex_method *m, tsr_bytes peer, const uint8_t *exponent,
                     tsr_fdo_secret *s)
{
    if (peer.len > m->size / 8)
        return TSR_E_MALFORMED;
    s->len = m->size / 8;
    s->context_len = 0;
    return power(m, peer, exponent, s->shse);
}

static tsr_err accept(tsr_fdo_kex *k, tsr_bytes xb, tsr_cose_key_id owner, tsr_fdo_secret *s)
{
    (void)owner;
    return agree(k->method, xb, k->own, s);
}

static tsr_err answer(const tsr_fdo_kex_method *m, const tsr_fdo_random *r, tsr_bytes xa,
                      const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s)
{
    uint8_t exponent[TSR_FDO_KEX_RANDOM_MAX];
    tsr_err err = r->fill(r->user, exponent, m->random_len);

    (void)owner;
    if (err == TSR_OK)
        err = put_public(m, exponent, xb);
    if (err == TSR_OK)
        err = agree(m, xa, exponent, s);
    tsr_wipe(exponent, sizeof exponent);
    return err;
}

static bool fits(const tsr_fdo_kex_method *m, const tsr_fdo_key *owner)
{
    return owner->rsa.ptr != NULL && owner->bits == m->size;
}

const tsr_fdo_kex_method tsr_fdo_dhkex14 = { "DHKEXid14", 2048, 32, offer, accept, answer, fits };
const tsr_fdo_kex_method tsr_fdo_dhkex15 = { "DHKEXid15", 3072, 96, offer, accept, answer, fits };

static const tsr_fdo_kex_method *const all[] = { &tsr_fdo_ecdh256,     &tsr_fdo_ecdh384,
                                                 &tsr_fdo_asymkex2048, &tsr_fdo_asymkex3072,
                                                 &tsr_fdo_dhkex14,     &tsr_fdo_dhkex15 };

const tsr_fdo_kex_method *tsr_fdo_kex_find(tsr_bytes name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (tsr_same(name, tsr_text(all[i]->name)))
            return all[i];
    return NULL;
}
