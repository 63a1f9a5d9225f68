/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/fdo/store.h"

#include "psa/crypto.h"
#include "psa/protected_storage.h"
#include "tessera/cbor/cbor.h"

enum { VERSION = 1, FIELDS = 6, SECRET_BITS = 256 };

/* ---- keys ---- */

uint32_t tsr_fdo_store_device_key(void) { return TSR_FDO_STORE_FIRST_KEY; }

static uint32_t secret_key(uint8_t which) { return TSR_FDO_STORE_FIRST_KEY + 1u + which; }

static uint32_t account_key(uint8_t set, size_t n)
{
    return TSR_FDO_STORE_FIRST_KEY + 0x100u * (set + 1u) + (uint32_t)n;
}

uint32_t tsr_fdo_store_secret(const tsr_fdo_store *s) { return secret_key(s->secret); }

uint32_t tsr_fdo_store_account_key(const tsr_fdo_store *s, bool next, size_t n)
{
    return account_key(next ? !s->set : s->set, n);
}

static tsr_err remove_key(uint32_t id)
{
    psa_status_t status = psa_destroy_key(id);

    return status == PSA_SUCCESS || status == PSA_ERROR_INVALID_HANDLE ||
                   status == PSA_ERROR_DOES_NOT_EXIST
               ? TSR_OK
               : TSR_E_CRYPTO;
}

static tsr_err remove_set(uint8_t set)
{
    tsr_err err = TSR_OK;

    for (size_t n = 0; err == TSR_OK && n < TSR_FDO_STORE_KEYS; n++)
        err = remove_key(account_key(set, n));
    return err;
}

static tsr_err make_key(uint32_t id, psa_key_type_t type, size_t bits, psa_key_usage_t usage,
                        psa_algorithm_t alg)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_id(&attributes, id);
    psa_set_key_type(&attributes, type);
    psa_set_key_bits(&attributes, bits);
    psa_set_key_usage_flags(&attributes, usage);
    psa_set_key_algorithm(&attributes, alg);
    return psa_generate_key(&attributes, &id) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

tsr_err tsr_fdo_store_make_device_key(uint16_t bits)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint32_t id = tsr_fdo_store_device_key();
    tsr_err err;

    if (psa_get_key_attributes(id, &attributes) == PSA_SUCCESS &&
        psa_get_key_bits(&attributes) == bits)
        return TSR_OK;
    err = remove_key(id);
    if (err != TSR_OK)
        return err;
    return make_key(id, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), bits,
                    PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE,
                    PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
}

tsr_err tsr_fdo_store_make_secret(const tsr_fdo_store *s, uint16_t bits, uint32_t *key_id)
{
    uint32_t id = secret_key(!s->secret);
    psa_algorithm_t hash = bits == 384 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256;
    tsr_err err = remove_key(id);

    if (err == TSR_OK)
        err = make_key(id, PSA_KEY_TYPE_HMAC, SECRET_BITS,
                       PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE, PSA_ALG_HMAC(hash));
    if (err == TSR_OK)
        *key_id = id;
    return err;
}

tsr_err tsr_fdo_store_clear_next(const tsr_fdo_store *s) { return remove_set(!s->set); }

/* ---- the asset: [version, state, secret, set, credential, accounts] ---- */

typedef struct {
    tsr_fdo_store_state state;
    uint8_t secret, set;
    tsr_bytes credential, accounts;
} content;

static void encode(tsr_buf *out, const content *s)
{
    tsr_cbor_put_array(out, FIELDS);
    tsr_cbor_put_uint(out, VERSION);
    tsr_cbor_put_uint(out, s->state);
    tsr_cbor_put_uint(out, s->secret);
    tsr_cbor_put_uint(out, s->set);
    tsr_cbor_put_bytes(out, s->credential);
    tsr_cbor_put_bytes(out, s->accounts);
}

static bool decode(tsr_fdo_store *s, tsr_bytes in)
{
    uint64_t fields, v[4];

    if (tsr_cbor_get_array(&in, &fields) != TSR_OK || fields != FIELDS)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (tsr_cbor_get_uint(&in, &v[i]) != TSR_OK)
            return false;
    }
    if (v[0] != VERSION || v[1] < TSR_FDO_STORE_MANUFACTURED || v[1] > TSR_FDO_STORE_ONBOARDED || v[2] > 1 ||
        v[3] > 1 || tsr_cbor_get_bytes(&in, &s->credential) != TSR_OK ||
        tsr_cbor_get_bytes(&in, &s->accounts) != TSR_OK)
        return false;
    s->state = (tsr_fdo_store_state)v[1];
    s->secret = (uint8_t)v[2];
    s->set = (uint8_t)v[3];
    return in.len == 0;
}

static void forget(tsr_fdo_store *s)
{
    s->state = TSR_FDO_STORE_BLANK;
    s->secret = s->set = 0;
    s->credential = s->accounts = tsr_view(NULL, 0);
    tsr_wipe(s->asset, sizeof s->asset);
}

/* A blank device has neither secret nor account keys; the attestation key may have been made. */
static tsr_err sweep(const tsr_fdo_store *s)
{
    tsr_err err = remove_key(secret_key(!s->secret));

    if (err == TSR_OK)
        err = remove_set(!s->set);
    if (err == TSR_OK && s->state == TSR_FDO_STORE_BLANK)
        err = remove_key(secret_key(s->secret));
    if (err == TSR_OK && s->state == TSR_FDO_STORE_BLANK)
        err = remove_set(s->set);
    return err;
}

tsr_err tsr_fdo_store_load(tsr_fdo_store *s)
{
    size_t len = 0;
    psa_status_t status;

    forget(s);
    status = psa_ps_get(TSR_FDO_STORE_UID, 0, sizeof s->asset, s->asset, &len);
    if (status == PSA_ERROR_DATA_CORRUPT || status == PSA_ERROR_INVALID_SIGNATURE)
        return TSR_E_MALFORMED;
    if (status != PSA_SUCCESS && status != PSA_ERROR_DOES_NOT_EXIST)
        return TSR_E_CRYPTO;
    if (status == PSA_SUCCESS && !decode(s, tsr_view(s->asset, len))) {
        forget(s);
        return TSR_E_MALFORMED;
    }
    return sweep(s);
}

/* ---- changes ---- */

static tsr_err set_asset(tsr_bytes asset)
{
    switch (psa_ps_set(TSR_FDO_STORE_UID, asset.len, asset.ptr, PSA_STORAGE_FLAG_NONE)) {
    case PSA_SUCCESS:                     return TSR_OK;
    case PSA_ERROR_COMMUNICATION_FAILURE: return TSR_E_CRYPTO;
    default:                              return TSR_E_IO;
    }
}

/* What is old goes when the new is in force; what stays of it because of a failure goes with the next
 * load. */
tsr_err tsr_fdo_store_commit(tsr_fdo_store *s, const tsr_fdo_change *change)
{
    tsr_buf out = tsr_buf_over(s->room, sizeof s->room);
    tsr_err err;

    encode(&out, &(content){ .state = change->state,
                             .secret = change->new_secret ? !s->secret : s->secret,
                             .set = change->new_accounts ? !s->set : s->set,
                             .credential = change->credential,
                             .accounts = change->new_accounts ? change->accounts : s->accounts });
    err = out.err != TSR_OK ? TSR_E_SPACE : set_asset(tsr_buf_view(&out));
    if (err != TSR_OK)
        return err;
    memcpy(s->asset, s->room, out.len);
    (void)decode(s, tsr_view(s->asset, out.len));
    (void)sweep(s);
    return TSR_OK;
}

tsr_err tsr_fdo_store_erase(tsr_fdo_store *s)
{
    psa_status_t status = psa_ps_remove(TSR_FDO_STORE_UID);
    tsr_err err;

    if (status != PSA_SUCCESS && status != PSA_ERROR_DOES_NOT_EXIST)
        return TSR_E_IO;
    forget(s);
    err = sweep(s);
    return err == TSR_OK ? remove_key(tsr_fdo_store_device_key()) : err;
}
