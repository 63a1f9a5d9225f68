/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/oscore.h"

#include "generated/lwm2m_objects.h"
#include "psa/crypto.h"
#include "tessera/lwm2m/model/slots.h"
#include "tessera/lwm2m/objects/key_table.h"

enum { SECRET = 0, SENDER = 1, RECIPIENT = 2, AEAD = 3, HMAC = 4, SALT = 5, ID_CONTEXT = 6 };
enum { HMAC_256 = 5, HKDF_256 = -10, AEAD_MOST = 255 };
enum { FIXED = 0xff, MOST_INSTANCES = 64 }; /* of the saved form */

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_21_R0, TSR_LWM2M_21_R1, TSR_LWM2M_21_R2, TSR_LWM2M_21_R3,
    TSR_LWM2M_21_R4, TSR_LWM2M_21_R5, TSR_LWM2M_21_R6,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_21_INFO(resources);

tsr_err tsr_lwm2m_oscore_import(uint32_t *key_id, uint8_t *secret, size_t secret_len)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = PSA_ERROR_INVALID_ARGUMENT;

    if (secret_len == 0 || secret_len > TSR_LWM2M_OSCORE_BYTES_MAX) {
        tsr_wipe(secret, secret_len);
        return TSR_E_TYPE;
    }
    if (*key_id != 0) {
        (void)psa_destroy_key(*key_id);
        psa_set_key_id(&a, *key_id);
    }
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    status = psa_import_key(&a, secret, secret_len, key_id);
    tsr_wipe(secret, secret_len);
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

TSR_LWM2M_SLOT(tsr_lwm2m_oscore);

static tsr_lwm2m_slots slots(const tsr_lwm2m_oscores *all)
{
    return TSR_LWM2M_SLOTS(all, tsr_lwm2m_oscore);
}

tsr_lwm2m_oscore *tsr_lwm2m_oscore_find(const tsr_lwm2m_oscores *all, uint16_t instance)
{
    return tsr_lwm2m_slot_find(slots(all), instance);
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_slot_next(slots(state), from);
}

static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    (void)state;
    (void)at;
    (void)out;
    return TSR_E_DENIED;
}

static void keep(uint8_t *to, uint8_t *len, tsr_bytes from)
{
    *len = (uint8_t)from.len;
    if (from.len != 0)
        memcpy(to, from.ptr, from.len);
}

static bool names(const void *owners, uint32_t key_id)
{
    const tsr_lwm2m_oscores *all = owners;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].key_id == key_id)
            return true;
    }
    return false;
}

void tsr_lwm2m_oscore_sweep(const tsr_lwm2m_oscores *a, const tsr_lwm2m_oscores *b)
{
    if (a->keys != NULL)
        tsr_lwm2m_keys_sweep(a->keys, a->key_count, names, a, b);
}

static void let_go(const tsr_lwm2m_oscores *all, const tsr_lwm2m_oscore *o)
{
    if (all->keys == NULL && o->key_id != 0)
        (void)psa_destroy_key(o->key_id);
}

static tsr_err write_secret(const tsr_lwm2m_oscores *all, tsr_lwm2m_oscore *o, tsr_bytes secret)
{
    uint32_t *place = all->keys != NULL ? tsr_lwm2m_key_place(all->keys, all->key_count) : NULL;
    uint8_t copy[TSR_LWM2M_OSCORE_BYTES_MAX];
    uint32_t key_id = 0;
    tsr_err err;

    if (all->keys != NULL && place == NULL)
        return TSR_E_SPACE;
    if (place != NULL && all->first_key_id != 0)
        key_id = all->first_key_id + (uint32_t)(place - all->keys);
    memcpy(copy, secret.ptr, secret.len);
    err = tsr_lwm2m_oscore_import(&key_id, copy, secret.len);
    if (err != TSR_OK)
        return err;
    let_go(all, o);
    if (place != NULL)
        *place = key_id;
    o->key_id = key_id;
    return TSR_OK;
}

static tsr_err commit(const tsr_lwm2m_oscores *all, tsr_lwm2m_oscore *o, uint16_t resource,
                      const tsr_lwm2m_value *value)
{
    o->version++;
    o->fixed = false;
    switch (resource) {
    case SENDER:    keep(o->sender_id, &o->sender_id_len, value->as.bytes); break;
    case RECIPIENT: keep(o->recipient_id, &o->recipient_id_len, value->as.bytes); break;
    case AEAD:      o->aead = (int32_t)value->as.i; break;
    case HMAC:      break;
    case SALT:      keep(o->salt, &o->salt_len, value->as.bytes); break;
    case ID_CONTEXT:
        keep(o->id_context, &o->id_context_len, value->as.bytes);
        o->has_id_context = true;
        break;
    default: return write_secret(all, o, value->as.bytes);
    }
    return TSR_OK;
}

static bool is_good(uint16_t resource, const tsr_lwm2m_value *value)
{
    switch (resource) {
    case SECRET:
        return value->as.bytes.len >= 1 && value->as.bytes.len <= TSR_LWM2M_OSCORE_BYTES_MAX;
    case SENDER:
    case RECIPIENT: return value->as.bytes.len <= TSR_LWM2M_OSCORE_ID_MAX;
    case AEAD:      return value->as.i >= 1 && value->as.i <= AEAD_MOST;
    case HMAC:      return value->as.i == HMAC_256 || value->as.i == HKDF_256;
    default:        return value->as.bytes.len <= TSR_LWM2M_OSCORE_BYTES_MAX;
    }
}

/* For Bootstrap-Write; the table gives no server the right (all its operations are 0). */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_oscores *all = state;
    tsr_lwm2m_oscore *o = tsr_lwm2m_oscore_find(all, at.instance);

    if (phase == TSR_LWM2M_CHECK) {
        if (o != NULL && o->fixed && all->keys == NULL)
            return TSR_E_DENIED;
        return value == NULL ? TSR_E_DENIED : is_good(at.resource, value) ? TSR_OK : TSR_E_TYPE;
    }
    return o != NULL ? commit(all, o, at.resource, value) : TSR_E_NOT_FOUND;
}

static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    tsr_lwm2m_oscores *all = state;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used)
            continue;
        if (phase == TSR_LWM2M_COMMIT)
            all->items[i] = (tsr_lwm2m_oscore){ .used = true,
                                                .id = instance,
                                                .version = all->items[i].version + 1 };
        return TSR_OK;
    }
    return TSR_E_DENIED;
}

static tsr_err remove_instance(void *state, uint16_t instance)
{
    const tsr_lwm2m_oscores *all = state;
    tsr_lwm2m_oscore *o = tsr_lwm2m_oscore_find(all, instance);

    if (o == NULL)
        return TSR_E_NOT_FOUND;
    if (o->fixed && all->keys == NULL)
        return TSR_E_DENIED;
    let_go(all, o);
    *o = (tsr_lwm2m_oscore){ .version = o->version + 1 };
    return TSR_OK;
}

/* ---- over restarts: docs/WIRE.md ---- */

static void put_short(tsr_buf *out, const uint8_t *bytes, uint8_t len)
{
    tsr_put_u8(out, len);
    tsr_put_bytes(out, tsr_view(bytes, len));
}

static bool get_short(tsr_bytes *in, uint8_t *to, uint8_t *len, size_t most)
{
    tsr_bytes found;
    uint8_t n;

    if (tsr_get_u8(in, &n) != TSR_OK || n > most || tsr_get_bytes(in, n, &found) != TSR_OK)
        return false;
    keep(to, len, found);
    return true;
}

static void save_one(const tsr_lwm2m_oscore *o, tsr_buf *out)
{
    tsr_put_u16(out, o->id);
    if (o->fixed) {
        tsr_put_u8(out, FIXED);
        return;
    }
    put_short(out, o->sender_id, o->sender_id_len);
    put_short(out, o->recipient_id, o->recipient_id_len);
    put_short(out, o->salt, o->salt_len);
    tsr_put_u8(out, o->has_id_context);
    put_short(out, o->id_context, o->id_context_len);
    tsr_put_u32(out, (uint32_t)o->aead);
    tsr_put_u32(out, o->key_id);
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_oscores *all = state;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && (!all->items[i].fixed || all->keys != NULL))
            save_one(&all->items[i], out);
    }
    tsr_put_u16(out, TSR_LWM2M_NO_ID);
    if (all->more_save != NULL)
        all->more_save(all->more, out);
}

static bool get_item(tsr_bytes *in, tsr_lwm2m_oscore *o)
{
    uint8_t has = 0;
    uint32_t aead;

    if (in->len != 0 && in->ptr[0] == FIXED) {
        o->fixed = true;
        *in = tsr_skip(*in, 1);
        return true;
    }
    if (!get_short(in, o->sender_id, &o->sender_id_len, sizeof o->sender_id) ||
        !get_short(in, o->recipient_id, &o->recipient_id_len, sizeof o->recipient_id) ||
        !get_short(in, o->salt, &o->salt_len, sizeof o->salt) || tsr_get_u8(in, &has) != TSR_OK ||
        !get_short(in, o->id_context, &o->id_context_len, sizeof o->id_context) ||
        tsr_get_u32(in, &aead) != TSR_OK || tsr_get_u32(in, &o->key_id) != TSR_OK || has > 1 ||
        aead > AEAD_MOST)
        return false;
    o->has_id_context = has == 1;
    o->aead = (int32_t)aead;
    return true;
}

/* TSR_END: that was all. */
static tsr_err next_item(tsr_bytes *in, tsr_lwm2m_oscore *o)
{
    *o = (tsr_lwm2m_oscore){ .used = true };
    if (tsr_get_u16(in, &o->id) != TSR_OK)
        return TSR_E_MALFORMED;
    if (o->id == TSR_LWM2M_NO_ID)
        return TSR_END;
    return get_item(in, o) ? TSR_OK : TSR_E_MALFORMED;
}

/* The first look: is it well formed, and which of the host's own stay? */
static bool look(const tsr_lwm2m_oscores *all, tsr_bytes in, bool *stays)
{
    tsr_lwm2m_oscore seen;
    tsr_err err;

    for (size_t i = 0; i < all->count; i++)
        stays[i] = all->keys == NULL && all->items[i].fixed;
    while ((err = next_item(&in, &seen)) == TSR_OK) {
        const tsr_lwm2m_oscore *own = tsr_lwm2m_oscore_find(all, seen.id);

        if (seen.fixed && own != NULL && own->fixed)
            stays[own - all->items] = true;
    }
    return err == TSR_END;
}

/* Where an instance that was kept goes; NULL: the host has one of that number, or there is no room. */
static tsr_lwm2m_oscore *place_of(const tsr_lwm2m_oscores *all, uint16_t id)
{
    if (tsr_lwm2m_oscore_find(all, id) != NULL)
        return NULL;
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].used)
            return &all->items[i];
    }
    return NULL;
}

static tsr_err load(void *state, tsr_bytes in)
{
    tsr_lwm2m_oscores *all = state;
    bool stays[MOST_INSTANCES] = { false };
    tsr_lwm2m_oscore o, *to;

    if (all->count > MOST_INSTANCES || !look(all, in, stays))
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < all->count; i++) {
        if (!stays[i])
            all->items[i] = (tsr_lwm2m_oscore){ .version = all->items[i].version + 1 };
    }
    while (next_item(&in, &o) == TSR_OK) {
        to = o.fixed ? NULL : place_of(all, o.id);
        if (to == NULL)
            continue;
        o.version = to->version + 1;
        *to = o;
    }
    return all->more_load != NULL ? all->more_load(all->more, in) : TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_oscore_object(tsr_lwm2m_oscores *oscores)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance,
                                                 .read = read,
                                                 .write = write,
                                                 .create = create,
                                                 .remove = remove_instance,
                                                 .save = save,
                                                 .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, oscores };
}
