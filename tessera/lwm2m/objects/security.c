/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/security.h"

#include "generated/lwm2m_objects.h"

enum { URI = 0, BOOTSTRAP = 1, MODE = 2, IDENTITY = 3, SECRET = 5, SHORT_ID = 10 };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_0_R0, TSR_LWM2M_0_R1, TSR_LWM2M_0_R2, TSR_LWM2M_0_R3, TSR_LWM2M_0_R4,
    TSR_LWM2M_0_R5, TSR_LWM2M_0_R10, TSR_LWM2M_0_R13, TSR_LWM2M_0_R14, TSR_LWM2M_0_R15,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_0_INFO(resources);

static tsr_lwm2m_security *item(const tsr_lwm2m_securities *all, uint16_t instance)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].id == instance)
            return &all->items[i];
    }
    return NULL;
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    const tsr_lwm2m_securities *all = state;
    uint32_t best = TSR_LWM2M_NO_INSTANCE;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].id >= from && all->items[i].id < best)
            best = all->items[i].id;
    }
    return best;
}

/* Nothing in this object is readable, whoever asks (Core E.1). */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    (void)state;
    (void)at;
    (void)out;
    return TSR_E_DENIED;
}

/* The old key goes with the old number, if PSA chose it. */
static tsr_err write_key(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s, tsr_bytes key)
{
    uint8_t copy[TSR_LWM2M_PSK_MAX];
    uint32_t key_id = all->first_key_id != 0 ? all->first_key_id + s->id : 0;
    tsr_err err;

    memcpy(copy, key.ptr, key.len);
    err = tsr_lwm2m_security_import(&key_id, copy, key.len);
    if (err != TSR_OK)
        return err;
    if (s->key_id != 0 && s->key_id != key_id)
        (void)tsr_lwm2m_security_forget(s->key_id);
    s->key_id = key_id;
    return TSR_OK;
}

static tsr_err commit(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s, uint16_t resource,
                      const tsr_lwm2m_value *value)
{
    switch (resource) {
    case URI:
        memcpy(s->uri, value->as.bytes.ptr, value->as.bytes.len);
        s->uri[value->as.bytes.len] = '\0';
        return TSR_OK;
    case BOOTSTRAP: s->bootstrap = value->as.b; return TSR_OK;
    case MODE:      s->mode = (tsr_lwm2m_security_mode)value->as.i; return TSR_OK;
    case SHORT_ID:  s->short_id = (uint16_t)value->as.i; return TSR_OK;
    case IDENTITY:
        memcpy(s->identity, value->as.bytes.ptr, value->as.bytes.len);
        s->identity_len = (uint8_t)value->as.bytes.len;
        return TSR_OK;
    default: return write_key(all, s, value->as.bytes);
    }
}

/* For Bootstrap-Write; the table gives no server the right (all its operations are 0). A key that
 * PSA refuses makes the one COMMIT that can fail: bootstrap has to undo the rest. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_securities *all = state;
    tsr_lwm2m_security *s = item(all, at.instance);
    bool good;

    if (s == NULL)
        return TSR_E_NOT_FOUND;
    if (value == NULL)
        return TSR_E_DENIED;
    switch (at.resource) {
    case URI:       good = value->as.bytes.len <= TSR_LWM2M_URI_LEN; break;
    case BOOTSTRAP: good = true; break;
    case MODE:      good = value->as.i >= 0 && value->as.i <= TSR_LWM2M_MODE_NOSEC; break;
    case SHORT_ID:  good = value->as.i >= 1 && value->as.i <= 65534; break;
    case IDENTITY:  good = value->as.bytes.len <= TSR_LWM2M_IDENTITY_MAX; break;
    case SECRET:    good = value->as.bytes.len >= 1 && value->as.bytes.len <= TSR_LWM2M_PSK_MAX; break;
    default:        return TSR_E_UNSUPPORTED;
    }
    if (!good)
        return TSR_E_TYPE;
    return phase == TSR_LWM2M_COMMIT ? commit(all, s, at.resource, value) : TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_security_object(tsr_lwm2m_securities *securities)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write };

    return (tsr_lwm2m_object){ &self, &handlers, securities };
}

tsr_lwm2m_object tsr_lwm2m_security_fixed(tsr_lwm2m_securities *securities)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read };

    return (tsr_lwm2m_object){ &self, &handlers, securities };
}
