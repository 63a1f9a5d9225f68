/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys: all of them live in the secure world. source  Crypto 1.2 §9 */
#include "psa/client/call.h"

void tsr_note_add(tsr_psa_client *c, uint32_t id, const tsr_wire_attributes *attributes)
{
    tsr_client_refresh(c);
    c->note[c->note_next] = (tsr_psa_note){ id, *attributes };
    c->note_next = (c->note_next + 1) % TSR_PSA_NOTES;
}

void tsr_note_drop(tsr_psa_client *c, uint32_t id)
{
    for (size_t i = 0; i < TSR_PSA_NOTES; i++)
        if (c->note[i].id == id)
            c->note[i].id = 0;
}

const tsr_wire_attributes *tsr_note_find(tsr_psa_client *c, uint32_t id)
{
    tsr_client_refresh(c);
    for (size_t i = 0; i < TSR_PSA_NOTES; i++)
        if (c->note[i].id == id && id != 0)
            return &c->note[i].attributes;
    return NULL;
}

/* A call that makes a key. What we said of a volatile one is noted. */
static psa_status_t make_key(int32_t type, tsr_wire_params *p,
                             const psa_key_attributes_t *attributes, const psa_invec *in,
                             size_t n_in, mbedtls_svc_key_id_t *key)
{
    tsr_psa_client *c = tsr_gate_enter();
    uint32_t id = PSA_KEY_ID_NULL;

    *key = PSA_KEY_ID_NULL;
    p->attributes = tsr_client_attributes(attributes);

    psa_status_t status = tsr_client_call_u32(type, p, in, n_in, &id);

    if (status == PSA_SUCCESS) {
        *key = id;
        if (PSA_KEY_LIFETIME_IS_VOLATILE(psa_get_key_lifetime(attributes)) &&
            type == TSR_CRYPTO_IMPORT_KEY && in[0].len <= UINT16_MAX / 8) {
            p->attributes.bits = (uint16_t)(8 * in[0].len); /* which may have been left open */
            tsr_note_add(c, id, &p->attributes);
        }
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, mbedtls_svc_key_id_t *key)
{
    tsr_wire_params p = { 0 };
    psa_invec in = { data, data_length };

    return make_key(TSR_CRYPTO_IMPORT_KEY, &p, attributes, &in, 1, key);
}

psa_status_t psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key)
{
    tsr_wire_params p = { 0 };

    return make_key(TSR_CRYPTO_GENERATE_KEY, &p, attributes, NULL, 0, key);
}

psa_status_t psa_generate_key_custom(const psa_key_attributes_t *attributes,
                                     const psa_custom_key_parameters_t *custom,
                                     const uint8_t *custom_data, size_t custom_data_length,
                                     mbedtls_svc_key_id_t *key)
{
    tsr_wire_params p = { .number = custom->flags };
    psa_invec in = { custom_data, custom_data_length };

    return make_key(TSR_CRYPTO_GENERATE_CUSTOM, &p, attributes, &in, 1, key);
}

psa_status_t psa_copy_key(mbedtls_svc_key_id_t source_key, const psa_key_attributes_t *attributes,
                          mbedtls_svc_key_id_t *target_key)
{
    tsr_wire_params p = { .key = source_key };

    return make_key(TSR_CRYPTO_COPY_KEY, &p, attributes, NULL, 0, target_key);
}

psa_status_t psa_destroy_key(mbedtls_svc_key_id_t key)
{
    tsr_wire_params p = { .key = key };

    if (key == PSA_KEY_ID_NULL)
        return PSA_SUCCESS;

    tsr_psa_client *c = tsr_gate_enter();

    tsr_derivations_settle(c, key);
    tsr_note_drop(c, key);

    psa_status_t status = tsr_client_call(TSR_CRYPTO_DESTROY_KEY, &p, NULL, 0, NULL, 0);

    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_purge_key(mbedtls_svc_key_id_t key)
{
    tsr_wire_params p = { .key = key };

    return tsr_client_call(TSR_CRYPTO_PURGE_KEY, &p, NULL, 0, NULL, 0);
}

psa_status_t psa_get_key_attributes(mbedtls_svc_key_id_t key, psa_key_attributes_t *attributes)
{
    tsr_wire_params p = { .key = key };
    tsr_wire_attributes a;
    uint8_t answer[TSR_WIRE_ATTRIBUTES];
    psa_outvec out = { answer, sizeof answer };

    psa_reset_key_attributes(attributes);

    psa_status_t status = tsr_client_call(TSR_CRYPTO_GET_ATTRIBUTES, &p, NULL, 0, &out, 1);

    if (status != PSA_SUCCESS)
        return status;
    if (tsr_wire_attributes_read(tsr_view(answer, out.len), &a) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    psa_set_key_type(attributes, a.type);
    psa_set_key_bits(attributes, a.bits);
    psa_set_key_id(attributes,
                   a.id); /* this makes the lifetime persistent; the next line is last */
    psa_set_key_lifetime(attributes, a.lifetime);
    psa_set_key_usage_flags(attributes, a.usage);
    psa_set_key_algorithm(attributes, a.alg);
    psa_set_key_enrollment_algorithm(attributes, a.alg2);
    return PSA_SUCCESS;
}

static psa_status_t export(int32_t type, mbedtls_svc_key_id_t key, uint8_t *data, size_t size,
                           size_t *length)
{
    tsr_wire_params p = { .key = key };
    psa_outvec out = { data, size };
    psa_status_t status = tsr_client_call(type, &p, NULL, 0, &out, 1);

    *length = out.len;
    return status;
}

psa_status_t psa_export_key(mbedtls_svc_key_id_t key, uint8_t *data, size_t data_size,
                            size_t *data_length)
{
    return export(TSR_CRYPTO_EXPORT_KEY, key, data, data_size, data_length);
}

psa_status_t psa_export_public_key(mbedtls_svc_key_id_t key, uint8_t *data, size_t data_size,
                                   size_t *data_length)
{
    return export(TSR_CRYPTO_EXPORT_PUBLIC, key, data, data_size, data_length);
}
