/* SPDX-License-Identifier: Apache-2.0
 *
 * Key derivation: the steps stay on the near side and cross together with the first output.
 * source  Crypto 1.2 §10.6
 *
 * The contract is per step: each call has to answer the status that it would have in the secure
 * world. So a step is kept here only while the sequence is one that is known to succeed
 * (`expected`), with keys whose policy is known to fit. Anything else takes the operation across
 * at once, and from then on the secure world answers each call itself. */
#include "psa/client/call.h"

/* What `seen` holds. TLS 1.2 PRF and PSK-to-MS: how far the fixed order has come.
 * HKDF: a set of bits, because its inputs have almost no order. */
enum { PRF_SEED = 1, PRF_OTHER, PRF_SECRET, PRF_LABEL };
enum { HKDF_SALT = 1, HKDF_SECRET = 2, HKDF_INFO = 4 };

static bool known_hash(psa_algorithm_t alg)
{
    psa_algorithm_t hash = PSA_ALG_HKDF_GET_HASH(alg); /* the same bits in all three families */

    return hash == PSA_ALG_SHA_256 || hash == PSA_ALG_SHA_384;
}

static bool deferrable(psa_algorithm_t alg)
{
    return (PSA_ALG_IS_TLS12_PRF(alg) || PSA_ALG_IS_TLS12_PSK_TO_MS(alg) || PSA_ALG_IS_HKDF(alg)) &&
           known_hash(alg);
}

static bool expected_prf(const tsr_psa_derivation *d, psa_key_derivation_step_t step, uint8_t *next)
{
    switch (step) {
    case PSA_KEY_DERIVATION_INPUT_SEED: *next = PRF_SEED; return d->seen == 0;
    case PSA_KEY_DERIVATION_INPUT_OTHER_SECRET:
        *next = PRF_OTHER;
        return d->seen == PRF_SEED && PSA_ALG_IS_TLS12_PSK_TO_MS(d->alg);
    case PSA_KEY_DERIVATION_INPUT_SECRET:
        *next = PRF_SECRET;
        return d->seen == PRF_SEED || d->seen == PRF_OTHER;
    case PSA_KEY_DERIVATION_INPUT_LABEL: *next = PRF_LABEL; return d->seen == PRF_SECRET;
    default: return false;
    }
}

static bool expected_hkdf(const tsr_psa_derivation *d, psa_key_derivation_step_t step,
                          uint8_t *next)
{
    uint8_t bit = 0, forbids = 0;

    if (step == PSA_KEY_DERIVATION_INPUT_SALT) {
        bit = HKDF_SALT;
        forbids = HKDF_SALT | HKDF_SECRET;
    } else if (step == PSA_KEY_DERIVATION_INPUT_SECRET) {
        bit = forbids = HKDF_SECRET;
    } else if (step == PSA_KEY_DERIVATION_INPUT_INFO) {
        bit = forbids = HKDF_INFO;
    }
    *next = (uint8_t)(d->seen | bit);
    return bit != 0 && (d->seen & forbids) == 0;
}

static bool expected(const tsr_psa_derivation *d, psa_key_derivation_step_t step, uint8_t *next)
{
    return PSA_ALG_IS_HKDF(d->alg) ? expected_hkdf(d, step, next) : expected_prf(d, step, next);
}

static bool complete(const tsr_psa_derivation *d)
{
    if (PSA_ALG_IS_HKDF(d->alg))
        return (d->seen & (HKDF_SECRET | HKDF_INFO)) == (HKDF_SECRET | HKDF_INFO);
    return d->seen == PRF_LABEL;
}

static uint64_t full_capacity(psa_algorithm_t alg)
{
    if (PSA_ALG_IS_HKDF(alg))
        return 255u * PSA_HASH_LENGTH(PSA_ALG_HKDF_GET_HASH(alg)); /* RFC 5869 §2.3 */
    return PSA_KEY_DERIVATION_UNLIMITED_CAPACITY;
}

static tsr_psa_derivation *find(tsr_psa_client *c, uint32_t handle)
{
    uint32_t slot = (handle & 0xffu) - 1u;

    if (slot >= TSR_PSA_DERIVATIONS || c->derivation[slot].alg == 0 ||
        c->derivation[slot].stamp != handle >> 8)
        return NULL;
    return &c->derivation[slot];
}

static tsr_psa_derivation *claim(tsr_psa_client *c, uint32_t *handle)
{
    for (uint32_t i = 0; i < TSR_PSA_DERIVATIONS; i++) {
        tsr_psa_derivation *d = &c->derivation[i];

        if (d->alg != 0)
            continue;
        *d = (tsr_psa_derivation){ .stamp = ++c->stamp & 0xffffffu };
        *handle = d->stamp << 8 | (i + 1u);
        return d;
    }
    return NULL;
}

/* Any failure is final for the operation, here and over there. */
static psa_status_t settle(tsr_psa_derivation *d, psa_status_t status)
{
    if (status == PSA_SUCCESS)
        return status;
    if (status == PSA_ERROR_INSUFFICIENT_DATA)
        d->spent = true;
    else
        d->failed = true;
    d->remote = 0;
    return status == PSA_ERROR_INVALID_HANDLE ? PSA_ERROR_BAD_STATE : status;
}

static psa_status_t cross(tsr_psa_derivation *d)
{
    tsr_wire_params p = { .alg = d->alg,
                          .number = d->capacity == full_capacity(d->alg) || !deferrable(d->alg)
                                        ? TSR_CAPACITY_UNSET
                                        : d->capacity };
    psa_invec in = { d->steps, d->steps_len };
    uint32_t remote = 0;

    if (d->remote != 0)
        return PSA_SUCCESS;

    psa_status_t status = tsr_client_call_u32(TSR_CRYPTO_DERIVE_OPEN, &p, &in, 1, &remote);

    tsr_wipe(d->steps, sizeof d->steps);
    if (status == PSA_SUCCESS)
        d->remote = remote;
    else
        d->failed = true; /* INVALID_HANDLE here is about a key: it stays as it is */
    return status;
}

/* An input counts from the call that made it: what was kept back crosses while its key is there. */
void tsr_derivations_settle(tsr_psa_client *c, uint32_t key)
{
    for (size_t i = 0; i < TSR_PSA_DERIVATIONS; i++) {
        tsr_psa_derivation *d = &c->derivation[i];
        tsr_bytes steps = { d->steps, d->steps_len };
        tsr_wire_step s;

        if (d->alg == 0 || d->remote != 0 || d->failed || d->spent)
            continue;
        while (d->remote == 0 && !d->failed && tsr_wire_step_read(&steps, &s) == TSR_OK)
            if (s.kind == TSR_STEP_KEY && s.integer == key)
                (void)cross(d); /* a failure shows at the next call of the operation */
    }
}

/* BAD_STATE, or the operation behind the handle. */
static psa_status_t live(tsr_psa_client *c, uint32_t handle, tsr_psa_derivation **d)
{
    *d = find(c, handle);
    return *d == NULL || (*d)->failed ? PSA_ERROR_BAD_STATE : PSA_SUCCESS;
}

psa_status_t psa_key_derivation_setup(psa_key_derivation_operation_t *operation,
                                      psa_algorithm_t alg)
{
    tsr_psa_client *c = tsr_gate_enter();
    uint32_t handle = 0;
    tsr_psa_derivation *d = NULL;
    psa_status_t status = PSA_SUCCESS;

    if (operation->handle != 0 || !c->started)
        status = PSA_ERROR_BAD_STATE;
    else if (alg == 0)
        status = PSA_ERROR_INVALID_ARGUMENT;
    else if ((d = claim(c, &handle)) == NULL)
        status = PSA_ERROR_INSUFFICIENT_MEMORY;
    if (status == PSA_SUCCESS) {
        d->alg = alg;
        d->capacity = full_capacity(alg);
        if (!deferrable(alg))
            status = cross(d);
        if (status == PSA_SUCCESS)
            operation->handle = handle;
        else
            tsr_wipe(d, sizeof *d);
    }
    tsr_gate_leave(c);
    return status;
}

static psa_status_t remote_input(tsr_psa_derivation *d, const tsr_wire_step *step)
{
    uint8_t head[TSR_WIRE_STEP + 8];
    tsr_buf out = tsr_buf_over(head, sizeof head);
    tsr_wire_params p = { .operation = d->remote };
    psa_invec in[2] = { { head, 0 }, { NULL, 0 } };

    if (step->bytes.len > UINT16_MAX)
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    if (step->kind == TSR_STEP_BYTES) { /* head and value travel apart: no copy, no limit here */
        tsr_put_u8(&out, (uint8_t)step->kind);
        tsr_put_u16(&out, step->step);
        tsr_put_u16(&out, (uint16_t)step->bytes.len);
        in[1] = (psa_invec){ step->bytes.ptr, step->bytes.len };
    } else {
        tsr_wire_step_write(&out, step);
    }
    in[0].len = out.len;
    return tsr_client_call(TSR_CRYPTO_DERIVE_INPUT, &p, in, 2, NULL, 0);
}

/* Keeps a step here when it is an expected one (`keep`); sends it otherwise. */
static psa_status_t input(tsr_psa_derivation *d, const tsr_wire_step *step, bool keep)
{
    tsr_buf steps = { d->steps, d->steps_len, sizeof d->steps, TSR_OK };
    psa_status_t status;
    uint8_t next = 0;

    keep = keep && d->remote == 0 && expected(d, step->step, &next);
    if (keep)
        tsr_wire_step_write(&steps, step);
    if (keep && steps.err == TSR_OK) {
        d->steps_len = steps.len;
        d->seen = next;
        return PSA_SUCCESS;
    }
    status = cross(d);
    if (status == PSA_SUCCESS)
        status = remote_input(d, step);
    if (status != PSA_SUCCESS) {
        d->failed = true;
        d->remote = 0;
    }
    return status;
}

psa_status_t psa_key_derivation_input_bytes(psa_key_derivation_operation_t *operation,
                                            psa_key_derivation_step_t step, const uint8_t *data,
                                            size_t data_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_wire_step s = { TSR_STEP_BYTES, step, { data, data_length }, 0 };
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS)
        status = input(d, &s, data_length <= TSR_PSA_DERIVATION_BYTES / 2);
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_input_integer(psa_key_derivation_operation_t *operation,
                                              psa_key_derivation_step_t step, uint64_t value)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_wire_step s = { TSR_STEP_INTEGER, step, { NULL, 0 }, value };
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS)
        status = input(d, &s, false);
    tsr_gate_leave(c);
    return status;
}

/* Whether the secure world would surely take this key for this step. A volatile key that we
 * imported is known here; any other costs one question. */
static bool key_fits(tsr_psa_client *c, const tsr_psa_derivation *d, psa_key_derivation_step_t step,
                     mbedtls_svc_key_id_t key)
{
    const tsr_wire_attributes *note = tsr_note_find(c, key);
    tsr_wire_attributes a;
    psa_key_attributes_t asked = PSA_KEY_ATTRIBUTES_INIT;

    if (step != PSA_KEY_DERIVATION_INPUT_SECRET)
        return false;
    if (note == NULL) {
        if (psa_get_key_attributes(key, &asked) != PSA_SUCCESS)
            return false;
        a = tsr_client_attributes(&asked);
        note = &a;
    }
    return note->type == PSA_KEY_TYPE_DERIVE && (note->usage & PSA_KEY_USAGE_DERIVE) != 0 &&
           (note->alg == d->alg || note->alg2 == d->alg) &&
           (!PSA_ALG_IS_TLS12_PSK_TO_MS(d->alg) ||
            note->bits <= 8u * PSA_TLS12_PSK_TO_MS_PSK_MAX_SIZE);
}

psa_status_t psa_key_derivation_input_key(psa_key_derivation_operation_t *operation,
                                          psa_key_derivation_step_t step, mbedtls_svc_key_id_t key)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_wire_step s = { TSR_STEP_KEY, step, { NULL, 0 }, key };
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS)
        status = input(d, &s, d->remote == 0 && key_fits(c, d, step, key));
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_key_agreement(psa_key_derivation_operation_t *operation,
                                              psa_key_derivation_step_t step,
                                              mbedtls_svc_key_id_t private_key,
                                              const uint8_t *peer_key, size_t peer_key_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS)
        status = cross(d);
    if (status == PSA_SUCCESS) {
        tsr_wire_params p = { .operation = d->remote, .step = step, .key = private_key };
        psa_invec in = { peer_key, peer_key_length };

        status = tsr_client_call(TSR_CRYPTO_DERIVE_AGREEMENT, &p, &in, 1, NULL, 0);
        if (status != PSA_SUCCESS) {
            d->failed = true;
            d->remote = 0;
        }
    }
    tsr_gate_leave(c);
    return status;
}

static psa_status_t remote_capacity(tsr_psa_derivation *d, uint64_t *capacity)
{
    tsr_wire_params p = { .operation = d->remote };
    uint8_t answer[8];
    psa_outvec out = { answer, sizeof answer };
    psa_status_t status =
        settle(d, tsr_client_call(TSR_CRYPTO_DERIVE_GET_CAPACITY, &p, NULL, 0, &out, 1));
    tsr_bytes view = { answer, out.len };

    if (status != PSA_SUCCESS)
        return status;
    return tsr_get_u64(&view, capacity) == TSR_OK ? PSA_SUCCESS : PSA_ERROR_COMMUNICATION_FAILURE;
}

psa_status_t psa_key_derivation_get_capacity(const psa_key_derivation_operation_t *operation,
                                             size_t *capacity)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);
    uint64_t left = 0;

    *capacity = 0;
    if (status == PSA_SUCCESS && !d->spent) {
        left = d->capacity;
        if (d->remote != 0)
            status = remote_capacity(d, &left);
    }
    if (status == PSA_SUCCESS)
        *capacity = left < SIZE_MAX ? (size_t)left : SIZE_MAX;
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_set_capacity(psa_key_derivation_operation_t *operation,
                                             size_t capacity)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS && d->remote != 0) {
        tsr_wire_params p = { .operation = d->remote, .number = capacity };

        status = tsr_client_call(TSR_CRYPTO_DERIVE_SET_CAPACITY, &p, NULL, 0, NULL, 0);
        if (status != PSA_ERROR_INVALID_ARGUMENT) /* that one leaves the operation as it was */
            status = settle(d, status);
    } else if (status == PSA_SUCCESS) {
        uint64_t left = d->spent ? 0 : d->capacity;

        if (capacity > left)
            status = PSA_ERROR_INVALID_ARGUMENT;
        else if (!d->spent)
            d->capacity = capacity;
    }
    tsr_gate_leave(c);
    return status;
}

/* All inputs, one answer, nothing left open: what TLS does. */
static psa_status_t derive_once(tsr_psa_derivation *d, uint8_t *output, size_t len)
{
    tsr_wire_params p = { .alg = d->alg, .number = d->capacity };
    psa_invec in = { d->steps, d->steps_len };
    psa_outvec out = { output, len };
    psa_status_t status = tsr_client_call(TSR_CRYPTO_DERIVE_ONCE, &p, &in, 1, &out, 1);

    tsr_wipe(d->steps, sizeof d->steps);
    if (status != PSA_SUCCESS) {
        d->failed = true;
        return status;
    }
    d->spent = true;
    return out.len == len ? PSA_SUCCESS : PSA_ERROR_COMMUNICATION_FAILURE;
}

static psa_status_t derive_remotely(tsr_psa_derivation *d, uint8_t *output, size_t len)
{
    psa_status_t status = cross(d);

    do {
        tsr_wire_params p = { .operation = d->remote };
        size_t n = len < TSR_CALL_BYTES ? len : TSR_CALL_BYTES;
        psa_outvec out = { output, n };

        if (status == PSA_SUCCESS)
            status = settle(d, tsr_client_call(TSR_CRYPTO_DERIVE_BYTES, &p, NULL, 0, &out, 1));
        if (status == PSA_SUCCESS && out.len != n)
            status = PSA_ERROR_COMMUNICATION_FAILURE;
        if (status != PSA_SUCCESS)
            return status;
        output += n;
        len -= n;
    } while (len > 0);
    return PSA_SUCCESS;
}

psa_status_t psa_key_derivation_output_bytes(psa_key_derivation_operation_t *operation,
                                             uint8_t *output, size_t output_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS) {
        if (d->spent)
            status = PSA_ERROR_INSUFFICIENT_DATA;
        else if (d->remote == 0 && complete(d) && output_length == d->capacity &&
                 output_length > 0 && output_length <= TSR_CALL_BYTES)
            status = derive_once(d, output, output_length);
        else
            status = derive_remotely(d, output, output_length);
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_output_key_custom(const psa_key_attributes_t *attributes,
                                                  psa_key_derivation_operation_t *operation,
                                                  const psa_custom_key_parameters_t *custom,
                                                  const uint8_t *custom_data,
                                                  size_t custom_data_length, psa_key_id_t *key)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);
    uint32_t id = PSA_KEY_ID_NULL;

    *key = PSA_KEY_ID_NULL;
    if (status == PSA_SUCCESS && d->spent)
        status = PSA_ERROR_INSUFFICIENT_DATA;
    if (status == PSA_SUCCESS)
        status = cross(d);
    if (status == PSA_SUCCESS) {
        tsr_wire_params p = { .operation = d->remote,
                              .number = custom->flags,
                              .attributes = tsr_client_attributes(attributes) };
        psa_invec in = { custom_data, custom_data_length };

        status = settle(d, tsr_client_call_u32(TSR_CRYPTO_DERIVE_KEY, &p, &in, 1, &id));
    }
    if (status == PSA_SUCCESS)
        *key = id;
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_output_key(const psa_key_attributes_t *attributes,
                                           psa_key_derivation_operation_t *operation,
                                           psa_key_id_t *key)
{
    const psa_custom_key_parameters_t custom = PSA_CUSTOM_KEY_PARAMETERS_INIT;

    return psa_key_derivation_output_key_custom(attributes, operation, &custom, NULL, 0, key);
}

/* More than is left spends the operation, as reading it would. */
static psa_status_t enough(tsr_psa_derivation *d, size_t wanted)
{
    uint64_t left = 0;
    psa_status_t status = d->spent ? PSA_ERROR_INSUFFICIENT_DATA : cross(d);

    if (status == PSA_SUCCESS)
        status = remote_capacity(d, &left);
    if (status == PSA_SUCCESS && left < wanted) {
        uint32_t over_there = d->remote;

        (void)tsr_operation_abort(&over_there);
        status = settle(d, PSA_ERROR_INSUFFICIENT_DATA);
    }
    return status;
}

psa_status_t psa_key_derivation_verify_bytes(psa_key_derivation_operation_t *operation,
                                             const uint8_t *expected, size_t expected_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS)
        status = enough(d, expected_length);
    while (status == PSA_SUCCESS && expected_length > 0) {
        size_t n = expected_length < TSR_CALL_BYTES ? expected_length : TSR_CALL_BYTES;
        tsr_wire_params p = { .operation = d->remote };
        psa_invec in = { expected, n };

        status = settle(d, tsr_client_call(TSR_CRYPTO_DERIVE_VERIFY_BYTES, &p, &in, 1, NULL, 0));
        expected += n;
        expected_length -= n;
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_verify_key(psa_key_derivation_operation_t *operation,
                                           psa_key_id_t expected)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d;
    psa_status_t status = live(c, operation->handle, &d);

    if (status == PSA_SUCCESS && d->spent)
        status = PSA_ERROR_INSUFFICIENT_DATA;
    if (status == PSA_SUCCESS)
        status = cross(d);
    if (status == PSA_SUCCESS) {
        tsr_wire_params p = { .operation = d->remote, .key = expected };

        status = tsr_client_call(TSR_CRYPTO_DERIVE_VERIFY_KEY, &p, NULL, 0, NULL, 0);
        if (status == PSA_ERROR_INVALID_HANDLE) { /* the key's: it stays as it is */
            d->failed = true;
            d->remote = 0;
        } else {
            status = settle(d, status);
        }
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_key_derivation_abort(psa_key_derivation_operation_t *operation)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_derivation *d = find(c, operation->handle);

    if (d != NULL) {
        uint32_t remote = d->remote;

        if (remote != 0)
            (void)tsr_operation_abort(&remote);
        tsr_wipe(d, sizeof *d);
    }
    operation->handle = 0;
    tsr_gate_leave(c);
    return PSA_SUCCESS;
}
