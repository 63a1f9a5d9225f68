/* SPDX-License-Identifier: Apache-2.0
 *
 * The root key's file, locked by the TPM. In it: the primary's name, so that another TPM is told
 * from damage, and a sealed data object (TPM 2.0 Part 1 §29, Part 3 §12.7). */
#include "ports/linux/tpm/internal.h"

typedef struct {
    TPM2B_PUBLIC pub;
    TPM2B_PRIVATE private;
    uint8_t *huk;
    tsr_buf *out;
} secret;

static TSS2_RC seal(tsr_tpm *t, void *arg)
{
    static const TPM2B_PUBLIC template = {
        .publicArea = { .type = TPM2_ALG_KEYEDHASH,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
                        .parameters.keyedHashDetail = { { .scheme = TPM2_ALG_NULL } } },
    };
    secret *s = arg;
    TPM2B_SENSITIVE_CREATE in = { .sensitive = { .data = { .size = TSR_ROOT_BYTES } } };
    TPM2B_PRIVATE *private = NULL;
    TPM2B_PUBLIC *pub = NULL;
    ESYS_TR session = ESYS_TR_NONE;
    TSS2_RC rc = tsr_tpm_session(t, TPMA_SESSION_DECRYPT, &session);

    memcpy(in.sensitive.data.buffer, s->huk, TSR_ROOT_BYTES);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Create(t->esys, t->primary, session, ESYS_TR_NONE, ESYS_TR_NONE, &in, &template,
                         &tsr_tpm_no_data, &tsr_tpm_no_pcr, &private, &pub, NULL, NULL, NULL);
    tsr_wipe(&in, sizeof in);
    if (rc == TSS2_RC_SUCCESS) {
        tsr_put_bytes(s->out, tsr_view(t->name, sizeof t->name));
        tsr_tpm_put_wrapped(s->out, pub, private);
    } else {
        tsr_tpm_flush(t, &session);
    }
    Esys_Free(private);
    Esys_Free(pub);
    return rc;
}

static TSS2_RC unseal(tsr_tpm *t, void *arg)
{
    secret *s = arg;
    TPM2B_SENSITIVE_DATA *data = NULL;
    ESYS_TR object = ESYS_TR_NONE, session = ESYS_TR_NONE;
    TSS2_RC rc = tsr_tpm_load(t, &s->pub, &s->private, &object);

    if (rc == TSS2_RC_SUCCESS)
        rc = tsr_tpm_session(t, TPMA_SESSION_ENCRYPT, &session);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Unseal(t->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
    if (rc == TSS2_RC_SUCCESS && data->size == TSR_ROOT_BYTES)
        memcpy(s->huk, data->buffer, TSR_ROOT_BYTES);
    else if (rc == TSS2_RC_SUCCESS)
        rc = TPM2_RC_INTEGRITY;
    else
        tsr_tpm_flush(t, &session);
    if (data != NULL)
        tsr_wipe(data, sizeof *data);
    Esys_Free(data);
    tsr_tpm_flush(t, &object);
    return rc;
}

tsr_err tsr_tpm_told(psa_status_t status, const char **cause, const char **remedy)
{
    switch (status) {
    case PSA_SUCCESS: return TSR_OK;
    case PSA_ERROR_COMMUNICATION_FAILURE:
        *cause = "the TPM cannot be reached, or does not answer";
        *remedy = "check the word after --tpm, and that this user may use the device";
        return TSR_E_IO;
    case PSA_ERROR_NOT_PERMITTED:
        *cause = "the TPM's owner hierarchy wants a password";
        *remedy = "clear that password (tpm2_changeauth -c owner)";
        return TSR_E_DENIED;
    case PSA_ERROR_NOT_SUPPORTED:
        *cause = "the TPM has no P-256, SHA-256 or AES-128-CFB";
        *remedy = "start without --tpm";
        return TSR_E_UNSUPPORTED;
    case PSA_ERROR_DATA_INVALID:
    case PSA_ERROR_DATA_CORRUPT:
        *cause = "the TPM does not accept the root key's file";
        *remedy = "restore a copy of the file; without it what it protects is lost";
        return TSR_E_CRYPTO;
    default:
        *cause = "the TPM failed";
        *remedy = "restart the machine; if that does not help, the TPM is broken";
        return TSR_E_IO;
    }
}

static tsr_err wrap(void *self, const uint8_t huk[TSR_ROOT_BYTES], tsr_buf *out, const char **cause,
                    const char **remedy)
{
    uint8_t copy[TSR_ROOT_BYTES];
    secret s = { .huk = copy, .out = out };
    psa_status_t status;

    memcpy(copy, huk, sizeof copy);
    status = tsr_tpm_do(self, seal, &s);
    tsr_wipe(copy, sizeof copy);
    return tsr_tpm_told(status, cause, remedy);
}

static tsr_err unwrap(void *self, tsr_bytes in, uint8_t huk[TSR_ROOT_BYTES], const char **cause,
                      const char **remedy)
{
    tsr_tpm *t = self;
    secret s = { .huk = huk };
    psa_status_t status = tsr_tpm_reach(t);

    if (status != PSA_SUCCESS)
        return tsr_tpm_told(status, cause, remedy);
    if (!tsr_same(tsr_first(in, TSR_TPM_NAME), tsr_view(t->name, TSR_TPM_NAME))) {
        *cause = "the root key is sealed to another TPM, or the owner of this one was cleared";
        *remedy = "put the storage back into its machine, or provision the device anew";
        return TSR_E_CRYPTO;
    }
    if (tsr_tpm_get_wrapped(tsr_skip(in, TSR_TPM_NAME), &s.pub, &s.private) != TSR_OK)
        return tsr_tpm_told(PSA_ERROR_DATA_CORRUPT, cause, remedy);
    return tsr_tpm_told(tsr_tpm_do(t, unseal, &s), cause, remedy);
}

void tsr_tpm_seal_init(tsr_tpm *t) { t->wrap = (tsr_root_wrap){ t, wrap, unwrap }; }
