/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking a key pair in. The private key is wrapped for the way (inner wrapper, TPM 2.0 Part 1
 * §23.3.2.2) by a fresh AES key, which itself goes through an encrypted session. */
#include "ports/linux/tpm/template.h"

#define WRAP_KEY 16u

typedef struct {
    TPM2B_PUBLIC pub;
    TPM2B_DATA key;          /* of the wrapper */
    TPM2B_PRIVATE duplicate; /* the key in its wrapper */
    tsr_buf *blob;
} taking;

/* The core checks the scalar, and knows the point. */
static psa_status_t find_point(psa_key_type_t type, tsr_bytes scalar, TPMS_ECC_POINT *point)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key;
    uint8_t bytes[65];
    size_t len;
    psa_status_t status;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, 256);
    status = psa_import_key(&a, scalar.ptr, scalar.len, &key);
    if (status != PSA_SUCCESS)
        return status;
    status = psa_export_public_key(key, bytes, sizeof bytes, &len);
    (void)psa_destroy_key(key);
    if (status != PSA_SUCCESS)
        return status;
    point->x.size = point->y.size = 32;
    memcpy(point->x.buffer, bytes + 1, 32);
    memcpy(point->y.buffer, bytes + 33, 32);
    return PSA_SUCCESS;
}

/* Name: the algorithm, and the hash of the public area. Part 1 §16 */
static psa_status_t name_of(const TPM2B_PUBLIC *pub, uint8_t name[TSR_TPM_NAME])
{
    uint8_t area[sizeof *pub];
    size_t len = 0;

    name[0] = TPM2_ALG_SHA256 >> 8;
    name[1] = TPM2_ALG_SHA256 & 0xff;
    if (Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, area, sizeof area, &len) != TSS2_RC_SUCCESS)
        return PSA_ERROR_GENERIC_ERROR;
    return psa_hash_compute(PSA_ALG_SHA_256, area, len, name + 2, 32, &len);
}

/* AES-CFB with an IV of zeros: the key serves this once. */
static psa_status_t encrypt(const TPM2B_DATA *key, const uint8_t *data, size_t len, uint8_t *out)
{
    static const uint8_t zeros[16];
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    mbedtls_svc_key_id_t id;
    size_t done = 0, rest = 0;
    psa_status_t status;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_CFB);
    status = psa_import_key(&a, key->buffer, key->size, &id);
    if (status != PSA_SUCCESS)
        return status;
    status = psa_cipher_encrypt_setup(&op, id, PSA_ALG_CFB);
    if (status == PSA_SUCCESS)
        status = psa_cipher_set_iv(&op, zeros, sizeof zeros);
    if (status == PSA_SUCCESS)
        status = psa_cipher_update(&op, data, len, out, len, &done);
    if (status == PSA_SUCCESS)
        status = psa_cipher_finish(&op, out + done, len - done, &rest);
    (void)psa_cipher_abort(&op);
    (void)psa_destroy_key(id);
    return status == PSA_SUCCESS && done + rest != len ? PSA_ERROR_GENERIC_ERROR : status;
}

/* A digest as TPM2B; then what it is over, but for the name. */
static psa_status_t protect(const TPM2B_PUBLIC *pub, tsr_bytes scalar, tsr_buf *out)
{
    TPM2B_SENSITIVE sensitive = { .sensitiveArea = { .sensitiveType = TPM2_ALG_ECC } };
    uint8_t in[sizeof sensitive + TSR_TPM_NAME], digest[32];
    size_t len = 0, digest_len;
    psa_status_t status = PSA_ERROR_GENERIC_ERROR;

    sensitive.sensitiveArea.sensitive.ecc.size = 32;
    memcpy(sensitive.sensitiveArea.sensitive.ecc.buffer, scalar.ptr, 32);
    if (Tss2_MU_TPM2B_SENSITIVE_Marshal(&sensitive, in, sizeof in, &len) == TSS2_RC_SUCCESS)
        status = name_of(pub, in + len);
    if (status == PSA_SUCCESS)
        status = psa_hash_compute(PSA_ALG_SHA_256, in, len + TSR_TPM_NAME, digest, sizeof digest,
                                  &digest_len);
    tsr_put_u16(out, sizeof digest);
    tsr_put_bytes(out, tsr_view(digest, sizeof digest));
    tsr_put_bytes(out, tsr_view(in, len));
    tsr_wipe(&sensitive, sizeof sensitive);
    tsr_wipe(in, sizeof in);
    return status == PSA_SUCCESS && out->err != TSR_OK ? PSA_ERROR_GENERIC_ERROR : status;
}

static psa_status_t wrap(const TPM2B_PUBLIC *pub, tsr_bytes scalar, taking *k)
{
    uint8_t memory[256];
    tsr_buf plain = tsr_buf_over(memory, sizeof memory);
    psa_status_t status = protect(pub, scalar, &plain);

    k->duplicate.size = (uint16_t)plain.len;
    k->key.size = WRAP_KEY;
    if (status == PSA_SUCCESS)
        status = psa_generate_random(k->key.buffer, WRAP_KEY);
    if (status == PSA_SUCCESS)
        status = encrypt(&k->key, plain.ptr, plain.len, k->duplicate.buffer);
    tsr_wipe(memory, sizeof memory);
    return status;
}

static TSS2_RC take_in(tsr_tpm *t, void *arg)
{
    const taking *k = arg;
    const TPM2B_ENCRYPTED_SECRET no_seed = { 0 };
    const TPMT_SYM_DEF_OBJECT aes = { TPM2_ALG_AES,
                                      { .aes = WRAP_KEY * 8 },
                                      { .aes = TPM2_ALG_CFB } };
    TPM2B_PRIVATE *private = NULL;
    ESYS_TR session = ESYS_TR_NONE;
    TSS2_RC rc = tsr_tpm_session(t, TPMA_SESSION_DECRYPT, &session);

    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Import(t->esys, t->primary, session, ESYS_TR_NONE, ESYS_TR_NONE, &k->key, &k->pub,
                         &k->duplicate, &no_seed, &aes, &private);
    if (rc == TSS2_RC_SUCCESS)
        tsr_tpm_put_wrapped(k->blob, &k->pub, private);
    else
        tsr_tpm_flush(t, &session);
    Esys_Free(private);
    return rc;
}

psa_status_t tsr_tpm_import(void *self, const psa_key_attributes_t *a, tsr_bytes material,
                            tsr_buf *blob, size_t *bits)
{
    taking k = { .blob = blob };
    psa_status_t status;

    if (!tsr_tpm_has_type(a))
        return PSA_ERROR_NOT_SUPPORTED;
    if (material.len != 32)
        return PSA_ERROR_INVALID_ARGUMENT;
    tsr_tpm_template(a, false, &k.pub);
    status = find_point(psa_get_key_type(a), material, &k.pub.publicArea.unique.ecc);
    if (status == PSA_SUCCESS)
        status = wrap(&k.pub, material, &k);
    if (status == PSA_SUCCESS)
        status = tsr_tpm_do(self, take_in, &k);
    tsr_wipe(&k, sizeof k);
    *bits = 256;
    return status;
}
