/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/storage/ps_object.h"

#define MAGIC_0 0x50u /* "Ps"; the version of the format follows */
#define MAGIC_1 0x73u
#define VERSION 1u

#define ANCHOR    40u                          /* bytes of an anchor in ITS */
#define LAST_SLOT ((psa_storage_uid_t)1 << 32) /* no client's number */
#define CONTEXT   (TSR_PS_SALT + 20u)

/* Both take the same key, nonce and tag lengths. A core that has GCM uses it: which one seals is
 * part of the build, as the medium stays with the device. */
#if defined(PSA_WANT_ALG_GCM)
#define SEAL PSA_ALG_GCM
#else
#define SEAL PSA_ALG_CCM
#endif

static const char label[] = "tessera ps content";

/* Slots: so that a client's number and an asset's uid both fit a key of the stores. In the space
 * TSR_ITS_PS the uid is the client's number and the value its slot. A cut between the two writes
 * below costs one slot. */
static psa_status_t read_slot(tsr_ps *ps, psa_storage_uid_t uid, uint32_t *slot)
{
    uint8_t value[5];
    tsr_bytes in = { value, 0 };
    psa_status_t status = tsr_its_get(ps->its, TSR_ITS_PS, uid, 0, sizeof value, value, &in.len);

    if (status != PSA_SUCCESS)
        return status;
    if (in.len != 4 || tsr_get_u32(&in, slot) != TSR_OK || *slot == 0 || *slot > TSR_PS_SLOTS)
        return PSA_ERROR_STORAGE_FAILURE;
    return PSA_SUCCESS;
}

static psa_status_t write_slot(tsr_ps *ps, psa_storage_uid_t uid, uint32_t slot)
{
    uint8_t value[4];
    tsr_buf out = tsr_buf_over(value, sizeof value);

    tsr_put_u32(&out, slot);
    return tsr_its_set(ps->its, TSR_ITS_PS, uid, sizeof value, value, 0);
}

psa_status_t tsr_ps_slot_of(tsr_ps *ps, int32_t client, bool make, uint32_t *slot)
{
    psa_storage_uid_t uid = (uint32_t)client;
    psa_status_t status = read_slot(ps, uid, slot);
    uint32_t last = 0;

    if (status != PSA_ERROR_DOES_NOT_EXIST || !make)
        return status;
    status = read_slot(ps, LAST_SLOT, &last);
    if (status != PSA_SUCCESS && status != PSA_ERROR_DOES_NOT_EXIST)
        return status;
    if (last == TSR_PS_SLOTS)
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    *slot = last + 1;
    status = write_slot(ps, LAST_SLOT, *slot);
    return status == PSA_SUCCESS ? write_slot(ps, uid, *slot) : status;
}

static int32_t space_of(uint32_t slot) { return TSR_ITS_PS + (int32_t)slot; }

psa_status_t tsr_ps_anchor_read(tsr_ps *ps, const tsr_ps_name *name, tsr_ps_facts *anchor)
{
    uint8_t value[ANCHOR + 1];
    tsr_bytes in = { value, 0 }, salt;
    uint32_t format = 0;
    psa_status_t status =
        tsr_its_get(ps->its, space_of(name->slot), name->uid, 0, sizeof value, value, &in.len);

    if (status != PSA_SUCCESS)
        return status;
    if (in.len != ANCHOR)
        return PSA_ERROR_STORAGE_FAILURE;
    (void)tsr_get_u32(&in, &format);
    (void)tsr_get_u32(&in, &anchor->flags);
    (void)tsr_get_u32(&in, &anchor->capacity);
    (void)tsr_get_u32(&in, &anchor->size);
    (void)tsr_get_u64(&in, &anchor->version);
    (void)tsr_get_bytes(&in, TSR_PS_SALT, &salt);
    memcpy(anchor->salt, salt.ptr, TSR_PS_SALT);
    return format == VERSION ? PSA_SUCCESS : PSA_ERROR_STORAGE_FAILURE;
}

psa_status_t tsr_ps_anchor_write(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *anchor)
{
    uint8_t value[ANCHOR];
    tsr_buf out = tsr_buf_over(value, sizeof value);

    tsr_put_u32(&out, VERSION);
    tsr_put_u32(&out, anchor->flags);
    tsr_put_u32(&out, anchor->capacity);
    tsr_put_u32(&out, anchor->size);
    tsr_put_u64(&out, anchor->version);
    tsr_put_bytes(&out, tsr_view(anchor->salt, TSR_PS_SALT));
    return tsr_its_set(ps->its, space_of(name->slot), name->uid, out.len, value, 0);
}

psa_status_t tsr_ps_anchor_remove(tsr_ps *ps, const tsr_ps_name *name)
{
    return tsr_its_remove(ps->its, space_of(name->slot), name->uid);
}

uint32_t tsr_ps_anchors(const tsr_ps *ps, const tsr_ps_name *name)
{
    return tsr_store_count_by(ps->its->store, (uint32_t)space_of(name->slot));
}

bool tsr_ps_anchored(const tsr_ps *ps, uint32_t slot, psa_storage_uid_t uid)
{
    struct psa_storage_info_t info;

    return slot != 0 && slot <= TSR_PS_SLOTS &&
           tsr_its_get_info(ps->its, space_of(slot), uid, &info) == PSA_SUCCESS;
}

/* `work`: anchor's salt, header, content, tag. Salt and header are the additional data. */
#define HEADER_AT  TSR_PS_SALT
#define CONTENT_AT (HEADER_AT + TSR_PS_HEADER)

uint8_t *tsr_ps_content(const tsr_ps *ps) { return ps->work + CONTENT_AT; }

tsr_store_key tsr_ps_place(const tsr_ps_name *name, uint64_t version)
{
    return (tsr_store_key){ name->slot << 1 | (uint32_t)(version & 1u), name->uid };
}

void tsr_ps_forget(tsr_ps *ps) { tsr_wipe(ps->work, ps->work_len); }

static void encode_header(const tsr_ps_name *name, const tsr_ps_facts *facts, uint8_t *out)
{
    tsr_buf b = tsr_buf_over(out, TSR_PS_HEADER);

    tsr_put_u8(&b, MAGIC_0);
    tsr_put_u8(&b, MAGIC_1);
    tsr_put_u16(&b, VERSION);
    tsr_put_u32(&b, (uint32_t)name->client);
    tsr_put_u64(&b, name->uid);
    tsr_put_u32(&b, facts->flags);
    tsr_put_u32(&b, facts->capacity);
    tsr_put_u32(&b, facts->size);
    tsr_put_u64(&b, facts->version);
    tsr_put_bytes(&b, tsr_view(facts->salt, TSR_PS_SALT));
}

/* What a header says about itself; that it is true is not known yet. */
static psa_status_t decode_header(const uint8_t *in, size_t sealed_len, tsr_ps_name *name,
                                  tsr_ps_facts *facts)
{
    tsr_bytes b = { in + 4, TSR_PS_HEADER - 4 }, salt;
    uint32_t client = 0;

    if (sealed_len < TSR_PS_SEALED || in[0] != MAGIC_0 || in[1] != MAGIC_1 || in[2] != 0 ||
        in[3] != VERSION)
        return PSA_ERROR_DATA_CORRUPT;
    (void)tsr_get_u32(&b, &client);
    (void)tsr_get_u64(&b, &name->uid);
    (void)tsr_get_u32(&b, &facts->flags);
    (void)tsr_get_u32(&b, &facts->capacity);
    (void)tsr_get_u32(&b, &facts->size);
    (void)tsr_get_u64(&b, &facts->version);
    (void)tsr_get_bytes(&b, TSR_PS_SALT, &salt);
    memcpy(facts->salt, salt.ptr, TSR_PS_SALT);
    name->client = (int32_t)client;
    if (facts->capacity != sealed_len - TSR_PS_SEALED || facts->size > facts->capacity)
        return PSA_ERROR_DATA_CORRUPT;
    return PSA_SUCCESS;
}

static psa_status_t content_key(const tsr_ps *ps, const tsr_ps_name *name,
                                const tsr_ps_facts *facts, mbedtls_svc_key_id_t *key)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t context[CONTEXT];
    tsr_buf b = tsr_buf_over(context, sizeof context);

    tsr_put_bytes(&b, tsr_view(facts->salt, TSR_PS_SALT));
    tsr_put_u32(&b, (uint32_t)name->client);
    tsr_put_u64(&b, name->uid);
    tsr_put_u64(&b, facts->version);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 256);
    psa_set_key_algorithm(&attributes, SEAL);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    return tsr_root_key(ps->root, label, tsr_buf_view(&b), &attributes, key);
}

static void nonce_of(const tsr_ps_facts *facts, uint8_t nonce[12])
{
    tsr_buf b = tsr_buf_over(nonce, 12);

    tsr_put_u32(&b, 0);
    tsr_put_u64(&b, facts->version);
}

static psa_status_t outcome(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
    case PSA_ERROR_BAD_STATE:
    case PSA_ERROR_INVALID_SIGNATURE: return status;
    default: return PSA_ERROR_GENERIC_ERROR;
    }
}

/* Without confidentiality the content is additional data too, and nothing is left to encrypt. */
static size_t hidden(const tsr_ps_facts *facts)
{
    return (facts->flags & PSA_STORAGE_FLAG_NO_CONFIDENTIALITY) != 0 ? 0 : facts->capacity;
}

psa_status_t tsr_ps_seal(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *facts,
                         const uint8_t anchor_salt[TSR_PS_SALT], tsr_bytes *out)
{
    size_t secret = hidden(facts), open = CONTENT_AT + facts->capacity - secret;
    mbedtls_svc_key_id_t key;
    uint8_t nonce[12];
    size_t len = 0;
    psa_status_t status = content_key(ps, name, facts, &key);

    if (status != PSA_SUCCESS)
        return outcome(status);
    memcpy(ps->work, anchor_salt, TSR_PS_SALT);
    encode_header(name, facts, ps->work + HEADER_AT);
    nonce_of(facts, nonce);
    status = psa_aead_encrypt(key, SEAL, nonce, sizeof nonce, ps->work, open,
                              ps->work + open, secret, ps->work + open, secret + TSR_PS_TAG, &len);
    (void)psa_destroy_key(key);
    if (status == PSA_SUCCESS && len != secret + TSR_PS_TAG)
        status = PSA_ERROR_GENERIC_ERROR;
    *out = tsr_view(ps->work + HEADER_AT, facts->capacity + TSR_PS_SEALED);
    return outcome(status);
}

static psa_status_t fetch(tsr_ps *ps, const tsr_ps_name *name, uint64_t version, size_t *len)
{
    tsr_store_info other;

    switch (tsr_store_get(ps->medium, tsr_ps_place(name, version), 0, ps->work + HEADER_AT,
                          ps->work_len - HEADER_AT, len)) {
    case TSR_OK: return PSA_SUCCESS;
    case TSR_E_NOT_FOUND: /* is it an older version that is there instead? */
        return tsr_store_info_of(ps->medium, tsr_ps_place(name, version + 1), &other) == TSR_OK
                   ? PSA_ERROR_INVALID_SIGNATURE
                   : PSA_ERROR_DATA_CORRUPT;
    case TSR_E_IO: return PSA_ERROR_STORAGE_FAILURE;
    default: return PSA_ERROR_DATA_CORRUPT;
    }
}

/* The content belongs to this asset and is the very one that was committed last. */
static bool expected(const tsr_ps_name *name, const tsr_ps_facts *anchor, const tsr_ps_name *found,
                     const tsr_ps_facts *facts)
{
    if (found->client != name->client || found->uid != name->uid || facts->flags != anchor->flags ||
        facts->version != anchor->version)
        return false;
    if ((anchor->flags & PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION) != 0)
        return true;
    return facts->capacity == anchor->capacity && facts->size == anchor->size &&
           memcmp(facts->salt, anchor->salt, TSR_PS_SALT) == 0;
}

static psa_status_t unseal(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *anchor,
                           const tsr_ps_facts *facts)
{
    size_t secret = hidden(facts), open = CONTENT_AT + facts->capacity - secret;
    mbedtls_svc_key_id_t key;
    uint8_t nonce[12];
    size_t len = 0;
    psa_status_t status = content_key(ps, name, facts, &key);

    if (status != PSA_SUCCESS)
        return outcome(status);
    memcpy(ps->work, anchor->salt, TSR_PS_SALT);
    nonce_of(facts, nonce);
    status = psa_aead_decrypt(key, SEAL, nonce, sizeof nonce, ps->work, open,
                              ps->work + open, secret + TSR_PS_TAG, ps->work + open, secret, &len);
    (void)psa_destroy_key(key);
    if (status == PSA_SUCCESS && len != secret)
        status = PSA_ERROR_GENERIC_ERROR;
    return outcome(status);
}

psa_status_t tsr_ps_load(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *anchor,
                         tsr_ps_facts *facts)
{
    tsr_ps_name found = *name;
    size_t len = 0;
    psa_status_t status = fetch(ps, name, anchor->version, &len);

    if (status == PSA_SUCCESS)
        status = decode_header(ps->work + HEADER_AT, len, &found, facts);
    if (status == PSA_SUCCESS && !expected(name, anchor, &found, facts))
        status = PSA_ERROR_INVALID_SIGNATURE;
    if (status == PSA_SUCCESS)
        status = unseal(ps, name, anchor, facts);
    if (status != PSA_SUCCESS)
        tsr_ps_forget(ps);
    return status;
}
