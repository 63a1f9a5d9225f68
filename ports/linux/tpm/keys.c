/* SPDX-License-Identifier: Apache-2.0
 *
 * Key pairs on P-256 that the TPM made or took in. */
#include "ports/linux/tpm/internal.h"
#include "ports/linux/tpm/template.h"
#include "psa/key_location.h"

#define P256  PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1)
#define SIGNS (PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE)

/* What the policy permits is what the TPM will do: a key that only agrees cannot sign there. */
void tsr_tpm_template(const psa_key_attributes_t *a, bool made_there, TPM2B_PUBLIC *pub)
{
    psa_key_usage_t usage = psa_get_key_usage_flags(a);
    TPMA_OBJECT object = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;

    if (made_there)
        object |= TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
    if ((usage & PSA_KEY_USAGE_DERIVE) != 0)
        object |= TPMA_OBJECT_DECRYPT;
    if ((usage & SIGNS) != 0 || (object & TPMA_OBJECT_DECRYPT) == 0) /* one of them must be */
        object |= TPMA_OBJECT_SIGN_ENCRYPT;
    *pub = (TPM2B_PUBLIC){ .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = object,
        .parameters.eccDetail = {
            .symmetric = { .algorithm = TPM2_ALG_NULL },
            /* cppcheck-suppress unknownEvaluationOrder ; it takes member names for assignments */
            .scheme = { .scheme = TPM2_ALG_NULL },
            .curveID = TPM2_ECC_NIST_P256,
            .kdf = { .scheme = TPM2_ALG_NULL },
        },
    } };
}

bool tsr_tpm_has_type(const psa_key_attributes_t *a)
{
    size_t bits = psa_get_key_bits(a);

    return psa_get_key_type(a) == P256 && (bits == 256 || bits == 0);
}

/* ---- generate ---- */

typedef struct {
    const TPM2B_PUBLIC *template;
    tsr_buf *blob;
} generation;

static TSS2_RC create(tsr_tpm *t, void *arg)
{
    const generation *g = arg;
    const TPM2B_SENSITIVE_CREATE nothing = { 0 };
    TPM2B_PRIVATE *private = NULL;
    TPM2B_PUBLIC *pub = NULL;
    TSS2_RC rc = Esys_Create(t->esys, t->primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                             &nothing, g->template, &tsr_tpm_no_data, &tsr_tpm_no_pcr, &private,
                             &pub, NULL, NULL, NULL);

    if (rc == TSS2_RC_SUCCESS)
        tsr_tpm_put_wrapped(g->blob, pub, private);
    Esys_Free(private);
    Esys_Free(pub);
    return rc;
}

static psa_status_t key_generate(void *self, const psa_key_attributes_t *a, tsr_buf *blob)
{
    TPM2B_PUBLIC template;

    if (!tsr_tpm_has_type(a) || psa_get_key_bits(a) != 256)
        return PSA_ERROR_NOT_SUPPORTED;
    tsr_tpm_template(a, true, &template);
    return tsr_tpm_do(self, create, &(generation){ &template, blob });
}

/* ---- the public half needs no TPM ---- */

/* TPM 2.0 may leave out leading zeros. */
static bool put_coordinate(tsr_buf *out, const TPM2B_ECC_PARAMETER *c)
{
    static const uint8_t zeros[32];

    if (c->size > 32)
        return false;
    tsr_put_bytes(out, tsr_view(zeros, 32u - c->size));
    tsr_put_bytes(out, tsr_view(c->buffer, c->size));
    return true;
}

static psa_status_t key_public(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                               tsr_buf *out)
{
    TPM2B_PUBLIC pub;
    TPM2B_PRIVATE private;

    (void)self;
    (void)a;
    if (tsr_tpm_get_wrapped(blob, &pub, &private) != TSR_OK || pub.publicArea.type != TPM2_ALG_ECC)
        return PSA_ERROR_DATA_CORRUPT;
    tsr_put_u8(out, 4);
    if (!put_coordinate(out, &pub.publicArea.unique.ecc.x) ||
        !put_coordinate(out, &pub.publicArea.unique.ecc.y))
        return PSA_ERROR_DATA_CORRUPT;
    return PSA_SUCCESS;
}

/* ---- use ---- */

typedef struct {
    TPM2B_PUBLIC pub;
    TPM2B_PRIVATE private;
    TPM2B_DIGEST hash;
    TPMT_SIG_SCHEME scheme;
    TPM2B_ECC_POINT peer;
    tsr_buf *out;
} use;

static psa_status_t open_use(use *u, tsr_bytes blob, tsr_buf *out)
{
    u->out = out;
    return tsr_tpm_get_wrapped(blob, &u->pub, &u->private) == TSR_OK ? PSA_SUCCESS
                                                                     : PSA_ERROR_DATA_CORRUPT;
}

static TPM2_ALG_ID hash_by_len(size_t len)
{
    switch (len) {
    case 20: return TPM2_ALG_SHA1;
    case 32: return TPM2_ALG_SHA256;
    case 48: return TPM2_ALG_SHA384;
    case 64: return TPM2_ALG_SHA512;
    default: return TPM2_ALG_ERROR;
    }
}

/* The scheme only says how long the hash is, for every hash that a TPM has. Deterministic
 * signatures are none of its schemes. */
static psa_status_t choose_scheme(psa_algorithm_t alg, tsr_bytes hash, TPMT_SIG_SCHEME *scheme)
{
    psa_algorithm_t of = PSA_ALG_SIGN_GET_HASH(alg);

    if (!PSA_ALG_IS_RANDOMIZED_ECDSA(alg))
        return PSA_ERROR_NOT_SUPPORTED;
    if (of != 0 && hash.len != PSA_HASH_LENGTH(of))
        return PSA_ERROR_INVALID_ARGUMENT;
    scheme->scheme = TPM2_ALG_ECDSA;
    scheme->details.ecdsa.hashAlg = hash_by_len(hash.len);
    return scheme->details.ecdsa.hashAlg != TPM2_ALG_ERROR ? PSA_SUCCESS : PSA_ERROR_NOT_SUPPORTED;
}

static TSS2_RC sign(tsr_tpm *t, void *arg)
{
    const use *u = arg;
    const TPMT_TK_HASHCHECK none = { TPM2_ST_HASHCHECK, TPM2_RH_NULL, { 0 } };
    TPMT_SIGNATURE *signature = NULL;
    ESYS_TR key = ESYS_TR_NONE;
    TSS2_RC rc = tsr_tpm_load(t, &u->pub, &u->private, &key);

    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Sign(t->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &u->hash,
                       &u->scheme, &none, &signature);
    if (rc == TSS2_RC_SUCCESS && (!put_coordinate(u->out, &signature->signature.ecdsa.signatureR) ||
                                  !put_coordinate(u->out, &signature->signature.ecdsa.signatureS)))
        rc = TPM2_RC_FAILURE;
    Esys_Free(signature);
    tsr_tpm_flush(t, &key);
    return rc;
}

static psa_status_t key_sign(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                             psa_algorithm_t alg, tsr_bytes hash, tsr_buf *signature)
{
    use u = { .hash = { 0 } };
    psa_status_t status = choose_scheme(alg, hash, &u.scheme);

    (void)a;
    if (status == PSA_SUCCESS && signature->cap - signature->len < 64)
        status = PSA_ERROR_BUFFER_TOO_SMALL;
    if (status == PSA_SUCCESS)
        status = open_use(&u, blob, signature);
    if (status != PSA_SUCCESS)
        return status;
    u.hash.size = (uint16_t)hash.len;
    memcpy(u.hash.buffer, hash.ptr, hash.len);
    return tsr_tpm_do(self, sign, &u);
}

/* TPM 2.0 Part 3 §14.5 (ECDH_ZGen) */
static TSS2_RC agree(tsr_tpm *t, void *arg)
{
    const use *u = arg;
    TPM2B_ECC_POINT *z = NULL;
    ESYS_TR key = ESYS_TR_NONE, session = ESYS_TR_NONE;
    TSS2_RC rc = tsr_tpm_load(t, &u->pub, &u->private, &key);

    if (rc == TSS2_RC_SUCCESS)
        rc = tsr_tpm_session(t, TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, &session);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_ECDH_ZGen(t->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &u->peer, &z);
    if (rc == TSS2_RC_SUCCESS && !put_coordinate(u->out, &z->point.x))
        rc = TPM2_RC_FAILURE;
    else if (rc != TSS2_RC_SUCCESS)
        tsr_tpm_flush(t, &session);
    if (z != NULL)
        tsr_wipe(z, sizeof *z);
    Esys_Free(z);
    tsr_tpm_flush(t, &key);
    return rc;
}

static psa_status_t key_agree(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                              psa_algorithm_t alg, tsr_bytes peer, tsr_buf *secret)
{
    use u = { .peer = { .point = { { .size = 32 }, { .size = 32 } } } };
    psa_status_t status = open_use(&u, blob, secret);

    (void)a;
    if (alg != PSA_ALG_ECDH)
        return PSA_ERROR_NOT_SUPPORTED;
    if (peer.len != 65 || peer.ptr[0] != 4)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (secret->cap - secret->len < 32)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    if (status != PSA_SUCCESS)
        return status;
    memcpy(u.peer.point.x.buffer, peer.ptr + 1, 32);
    memcpy(u.peer.point.y.buffer, peer.ptr + 33, 32);
    return tsr_tpm_do(self, agree, &u);
}

void tsr_tpm_keys_init(tsr_tpm *t)
{
    t->location = (tsr_location){
        .location = TSR_KEY_LOCATION_TPM,
        .self = t,
        .generate = key_generate,
        .import = tsr_tpm_import,
        .export_public = key_public,
        .sign_hash = key_sign,
        .key_agreement = key_agree,
    };
}
