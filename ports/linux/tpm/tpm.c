/* SPDX-License-Identifier: Apache-2.0
 *
 * Reaching the TPM: connection, primary, sessions, and what its codes mean. */
#include <stdlib.h>

#include "ports/linux/tpm/internal.h"

#define TIMEOUT_MS 5000u /* making a P-256 key takes a slow TPM a second or two */
#define HEADER     10u   /* of a command or an answer: tag, size, code */

const TPM2B_DATA tsr_tpm_no_data;
const TPML_PCR_SELECTION tsr_tpm_no_pcr;

/* ---- what tpm2-tss calls ---- */

static tsr_tpm *of(TSS2_TCTI_CONTEXT *tcti)
{
    return (tsr_tpm *)(void *)((char *)tcti - offsetof(tsr_tpm, way));
}

static TSS2_RC way_transmit(TSS2_TCTI_CONTEXT *tcti, size_t len, const uint8_t *command)
{
    tsr_tpm *t = of(tcti);

    t->way.outcome = tsr_tpm_relay_send(&t->way.relay, tsr_view(command, len));
    return t->way.outcome == TSR_TPM_ANSWERED ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

static TSS2_RC way_receive(TSS2_TCTI_CONTEXT *tcti, size_t *len, uint8_t *answer, int32_t timeout)
{
    tsr_tpm *t = of(tcti);

    (void)timeout; /* it is the relay's */
    if (answer == NULL) {
        *len = TSR_TPM_FRAME_MAX;
        return TSS2_RC_SUCCESS;
    }
    t->way.outcome = tsr_tpm_relay_receive(&t->way.relay, answer, len);
    return t->way.outcome == TSR_TPM_ANSWERED ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

/* ---- codes ---- */

/* A TPM's own code without the parameter, handle or session it names (Part 2 §6.6.2). */
static TSS2_RC bare(TSS2_RC rc)
{
    if ((rc & TSS2_RC_LAYER_MASK) != 0)
        return rc;
    return (rc & TPM2_RC_FMT1) != 0 ? rc & (TPM2_RC_FMT1 | 0x3fu) : rc;
}

static psa_status_t meaning(TSS2_RC rc)
{
    switch (bare(rc)) {
    case TSS2_RC_SUCCESS: return PSA_SUCCESS;
    case TPM2_RC_INTEGRITY: return PSA_ERROR_DATA_INVALID;
    case TPM2_RC_ECC_POINT: return PSA_ERROR_INVALID_ARGUMENT;
    case TPM2_RC_BAD_AUTH:
    case TPM2_RC_AUTH_FAIL: return PSA_ERROR_NOT_PERMITTED;
    case TPM2_RC_CURVE:
    case TPM2_RC_SYMMETRIC:
    case TPM2_RC_HASH:
    case TPM2_RC_SCHEME: return PSA_ERROR_NOT_SUPPORTED;
    case TPM2_RC_MEMORY:
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_SESSION_MEMORY: return PSA_ERROR_INSUFFICIENT_MEMORY;
    default: return PSA_ERROR_HARDWARE_FAILURE;
    }
}

/* The TPM was restarted under us: it has forgotten the primary and every session. */
static bool forgotten(TSS2_RC rc)
{
    return bare(rc) == TPM2_RC_HANDLE || rc == TPM2_RC_INITIALIZE ||
           (rc >= TPM2_RC_REFERENCE_H0 && rc < TPM2_RC_REFERENCE_H0 + 16);
}

/* ---- begin ---- */

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static tsr_tpm_outcome raw(tsr_tpm *t, tsr_bytes command, uint8_t answer[TSR_TPM_FRAME_MAX],
                           size_t *len)
{
    *len = TSR_TPM_FRAME_MAX;
    t->way.outcome = tsr_tpm_relay_send(&t->way.relay, command);
    if (t->way.outcome == TSR_TPM_ANSWERED)
        t->way.outcome = tsr_tpm_relay_receive(&t->way.relay, answer, len);
    return t->way.outcome;
}

/* Without a resource manager, what an earlier life of this service left in the TPM would fill it
 * up. Behind one, nothing but our own is seen here. TPM 2.0 Part 3 §28.4 (FlushContext), §30.2. */
static tsr_tpm_outcome clear_leavings(tsr_tpm *t)
{
    static const uint8_t which[] = { 0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7a, /* GetCapability */
                                     0,    0,    0, 1, /* handles, transient, 16 at most */
                                     0x80, 0,    0, 0, 0, 0,  0, 16 };
    uint8_t flush[] = { 0x80, 0x01, 0, 0, 0, 14, 0, 0, 0x01, 0x65, 0, 0, 0, 0 };
    uint8_t answer[TSR_TPM_FRAME_MAX], again[TSR_TPM_FRAME_MAX];
    size_t len, again_len;
    tsr_tpm_outcome outcome = raw(t, tsr_view(which, sizeof which), answer, &len);
    const uint8_t *handles = answer + HEADER + 9; /* after: more, capability, count */

    if (outcome != TSR_TPM_ANSWERED || len < HEADER + 9 || u32_at(answer + 6) != 0)
        return outcome;
    for (uint32_t i = 0, n = u32_at(handles - 4); i < n && outcome == TSR_TPM_ANSWERED; i++) {
        if (HEADER + 9 + 4 * (size_t)(i + 1) > len)
            break;
        memcpy(flush + HEADER, handles + 4 * (size_t)i, 4);
        outcome = raw(t, tsr_view(flush, sizeof flush), again, &again_len);
    }
    return outcome;
}

static void reset(tsr_tpm *t)
{
    if (t->esys != NULL)
        Esys_Finalize(&t->esys);
    t->esys = NULL;
    t->primary = ESYS_TR_NONE;
}

static TSS2_RC begin(tsr_tpm *t)
{
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
    TSS2_RC rc = Esys_Initialize(&t->esys, (TSS2_TCTI_CONTEXT *)(void *)&t->way, &abi);

    if (rc != TSS2_RC_SUCCESS) {
        t->esys = NULL;
        return rc;
    }
    rc = Esys_Startup(t->esys, TPM2_SU_CLEAR);
    if (rc == TPM2_RC_INITIALIZE) /* it was started by others: the usual case */
        rc = TSS2_RC_SUCCESS;
    if (rc == TSS2_RC_SUCCESS && clear_leavings(t) != TSR_TPM_ANSWERED)
        rc = TSS2_TCTI_RC_IO_ERROR;
    return rc;
}

/* TCG TPM v2.0 Provisioning Guidance, and EK Credential Profile 2.5 §B.4.5: the storage primary */
static const TPM2B_PUBLIC storage_primary = {
    .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                            TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                            TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
        .parameters.eccDetail = {
            .symmetric = { TPM2_ALG_AES, { .aes = 128 }, { .aes = TPM2_ALG_CFB } },
            .scheme = { .scheme = TPM2_ALG_NULL },
            .curveID = TPM2_ECC_NIST_P256,
            .kdf = { .scheme = TPM2_ALG_NULL },
        },
        .unique.ecc = { { .size = 32 }, { .size = 32 } },
    },
};

/* Keys are wrapped for one TPM; another one that answers in its place is a fault, or an attack. */
static TSS2_RC check_name(tsr_tpm *t)
{
    TPM2B_NAME *name = NULL;
    TSS2_RC rc = Esys_TR_GetName(t->esys, t->primary, &name);

    if (rc == TSS2_RC_SUCCESS && name->size != TSR_TPM_NAME)
        rc = TPM2_RC_HASH;
    else if (rc == TSS2_RC_SUCCESS && t->name[1] == 0)
        memcpy(t->name, name->name, TSR_TPM_NAME);
    else if (rc == TSS2_RC_SUCCESS && memcmp(t->name, name->name, TSR_TPM_NAME) != 0)
        rc = TPM2_RC_FAILURE;
    Esys_Free(name);
    return rc;
}

static TSS2_RC make_primary(tsr_tpm *t)
{
    const TPM2B_SENSITIVE_CREATE nothing = { 0 };
    TSS2_RC rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &nothing, &storage_primary, &tsr_tpm_no_data,
                                    &tsr_tpm_no_pcr, &t->primary, NULL, NULL, NULL, NULL);

    if (rc != TSS2_RC_SUCCESS)
        t->primary = ESYS_TR_NONE;
    if (rc == TSS2_RC_SUCCESS && (rc = check_name(t)) != TSS2_RC_SUCCESS)
        tsr_tpm_flush(t, &t->primary); /* nothing is done with it, now or later */
    return rc;
}

/* ---- what the other files use ---- */

TSS2_RC tsr_tpm_session(tsr_tpm *t, TPMA_SESSION attributes, ESYS_TR *session)
{
    const TPMT_SYM_DEF aes = { TPM2_ALG_AES, { .aes = 128 }, { .aes = TPM2_ALG_CFB } };
    TSS2_RC rc =
        Esys_StartAuthSession(t->esys, t->primary, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &aes, TPM2_ALG_SHA256, session);

    if (rc != TSS2_RC_SUCCESS) {
        *session = ESYS_TR_NONE;
        return rc;
    }
    return Esys_TRSess_SetAttributes(t->esys, *session, attributes, 0xff);
}

void tsr_tpm_flush(tsr_tpm *t, ESYS_TR *object)
{
    /* where no answer came, the context is of no use any more: the next life of it cleans up */
    if (*object != ESYS_TR_NONE && t->way.outcome == TSR_TPM_ANSWERED)
        (void)Esys_FlushContext(t->esys, *object);
    *object = ESYS_TR_NONE;
}

TSS2_RC tsr_tpm_load(tsr_tpm *t, const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *private,
                     ESYS_TR *object)
{
    TSS2_RC rc = Esys_Load(t->esys, t->primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           private, pub, object);

    if (rc != TSS2_RC_SUCCESS)
        *object = ESYS_TR_NONE;
    return rc;
}

void tsr_tpm_put_wrapped(tsr_buf *out, const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *private)
{
    uint8_t bytes[sizeof *pub + sizeof *private];
    size_t len = 0;

    if (Tss2_MU_TPM2B_PUBLIC_Marshal(pub, bytes, sizeof bytes, &len) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Marshal(private, bytes, sizeof bytes, &len) != TSS2_RC_SUCCESS)
        out->err = TSR_E_SPACE;
    else
        tsr_put_bytes(out, tsr_view(bytes, len));
}

tsr_err tsr_tpm_get_wrapped(tsr_bytes in, TPM2B_PUBLIC *pub, TPM2B_PRIVATE *private)
{
    size_t at = 0;

    memset(pub, 0, sizeof *pub);
    memset(private, 0, sizeof *private);
    if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(in.ptr, in.len, &at, pub) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(in.ptr, in.len, &at, private) != TSS2_RC_SUCCESS ||
        at != in.len)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

static TSS2_RC attempt(tsr_tpm *t, tsr_tpm_work work, void *arg)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;

    t->way.outcome = TSR_TPM_ANSWERED;
    if (t->esys == NULL)
        rc = begin(t);
    if (rc == TSS2_RC_SUCCESS && t->primary == ESYS_TR_NONE)
        rc = make_primary(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = work(t, arg);
    return rc;
}

psa_status_t tsr_tpm_do(tsr_tpm *t, tsr_tpm_work work, void *arg)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;

    for (int tries = 0; tries < 2; tries++) {
        rc = attempt(t, work, arg);
        if (t->way.outcome == TSR_TPM_ANSWERED && !forgotten(rc))
            break;
        reset(t);
        if (t->way.outcome != TSR_TPM_ANSWERED && t->way.outcome != TSR_TPM_LOST)
            break;
    }
    if (t->way.outcome != TSR_TPM_ANSWERED)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    if (rc != TSS2_RC_SUCCESS && t->primary == ESYS_TR_NONE)
        reset(t);
    return meaning(rc);
}

/* A random number through an encrypted session: libraries that load, seed or look something up at
 * their first use have done so then. */
static TSS2_RC warm_up(tsr_tpm *t, void *arg)
{
    TPM2B_DIGEST *bytes = NULL;
    ESYS_TR session = ESYS_TR_NONE;
    TSS2_RC rc = tsr_tpm_session(t, TPMA_SESSION_ENCRYPT, &session);

    (void)arg;
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_GetRandom(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, 16, &bytes);
    if (rc != TSS2_RC_SUCCESS)
        tsr_tpm_flush(t, &session);
    Esys_Free(bytes);
    return rc;
}

psa_status_t tsr_tpm_reach(tsr_tpm *t) { return tsr_tpm_do(t, warm_up, NULL); }

tsr_err tsr_tpm_open(tsr_tpm *t, const char *tcti)
{
    *t = (tsr_tpm){ .primary = ESYS_TR_NONE };
    t->way.common.magic = 0x5445535345524154u; /* our own: "TESSERAT" */
    t->way.common.version = 1;
    t->way.common.transmit = way_transmit;
    t->way.common.receive = way_receive;
    tsr_tpm_keys_init(t);
    tsr_tpm_seal_init(t);
    /* What the library has to say goes to standard error, where a client could fill a disk. */
    (void)setenv("TSS2_LOG", "all+none", 1);
    (void)unsetenv("TSS2_LOGFILE");
    return tsr_tpm_relay_open(&t->way.relay, tcti, TIMEOUT_MS);
}

void tsr_tpm_close(tsr_tpm *t)
{
    if (t->way.common.transmit == NULL)
        return;
    if (t->primary != ESYS_TR_NONE && t->esys != NULL) {
        t->way.outcome = TSR_TPM_ANSWERED;
        tsr_tpm_flush(t, &t->primary);
    }
    reset(t);
    tsr_tpm_relay_close(&t->way.relay);
    t->way.common.transmit = NULL;
}
