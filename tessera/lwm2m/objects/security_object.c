/* SPDX-License-Identifier: Apache-2.0
 *
 * Security as bootstrap writes it. Apart, so that a device whose accounts are fixed is linked
 * without it. */
#include "generated/lwm2m_objects.h"
#include "psa/crypto.h"
#include "tessera/lwm2m/model/slots.h"
#include "tessera/lwm2m/objects/key_table.h"

enum {
    URI = 0, BOOTSTRAP = 1, MODE = 2, IDENTITY = 3, SERVER_KEY = 4, SECRET = 5, SHORT_ID = 10,
    HOLD_OFF = 11, TIMEOUT = 12, MATCHING = 13, SERVER_NAME = 14, USAGE = 15,
    SUITES = 16, OSCORE = 17, OSCORE_OBJECT = 21,
    SAVED_VERSION = 1,
    IS_BOOTSTRAP = 1, IS_FACTORY = 2, IS_PRIVATE = 4, IS_PROVED = 8, /* flags of the saved form */
    IS_OSCORE = 16, IS_COUNTING = 32, SAYS_SUITES = 64,
};

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_0_R0,  TSR_LWM2M_0_R1,  TSR_LWM2M_0_R2,  TSR_LWM2M_0_R3,
    TSR_LWM2M_0_R4,  TSR_LWM2M_0_R5,  TSR_LWM2M_0_R10, TSR_LWM2M_0_R11,
    TSR_LWM2M_0_R12, TSR_LWM2M_0_R13, TSR_LWM2M_0_R14, TSR_LWM2M_0_R15,
    TSR_LWM2M_0_R16, TSR_LWM2M_0_R17,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_0_INFO(resources);

static tsr_lwm2m_security *item(const tsr_lwm2m_securities *all, uint16_t instance)
{
    return tsr_lwm2m_slot_find(TSR_LWM2M_SLOTS(all, tsr_lwm2m_security), instance);
}

tsr_lwm2m_security *tsr_lwm2m_security_bootstrap(const tsr_lwm2m_securities *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].bootstrap)
            return &all->items[i];
    }
    return NULL;
}

tsr_lwm2m_security *tsr_lwm2m_security_find(const tsr_lwm2m_securities *all, uint16_t short_id)
{
    for (size_t i = 0; i < all->count; i++) {
        tsr_lwm2m_security *s = &all->items[i];

        if (s->used && !s->bootstrap && s->short_id == short_id)
            return s;
    }
    return NULL;
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_security_fixed((tsr_lwm2m_securities *)state)
        .handlers->next_instance(state, from);
}

/* Nothing in this object is readable, whoever asks (Core E.1). */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    (void)state;
    (void)at;
    (void)out;
    return TSR_E_DENIED;
}

/* Resources 3 and 4 are certificates, and 5 a private key, in these modes. */
static bool has_documents(tsr_lwm2m_security_mode mode)
{
    return mode == TSR_LWM2M_MODE_RPK || mode == TSR_LWM2M_MODE_CERTIFICATE ||
           mode == TSR_LWM2M_MODE_ENROL;
}

static bool names(const void *owners, uint32_t key_id)
{
    const tsr_lwm2m_securities *all = owners;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].key_id == key_id)
            return true;
    }
    return false;
}

void tsr_lwm2m_security_sweep(const tsr_lwm2m_securities *a, const tsr_lwm2m_securities *b)
{
    if (a->credentials != NULL && a->credentials->keys != NULL)
        tsr_lwm2m_keys_sweep(a->credentials->keys, a->credentials->key_count, names, a, b);
}

static tsr_err import(tsr_bytes key, bool is_private, uint32_t *key_id)
{
    uint8_t copy[TSR_LWM2M_PRIVATE_KEY_MAX];

    memcpy(copy, key.ptr, key.len);
    return is_private ? tsr_lwm2m_security_import_private(key_id, copy, key.len)
                      : tsr_lwm2m_security_import(key_id, copy, key.len);
}

static tsr_err import_kept(const tsr_lwm2m_credentials *to, tsr_bytes key, bool is_private,
                           uint32_t *key_id)
{
    uint32_t *place = tsr_lwm2m_key_place(to->keys, to->key_count);
    tsr_err err;

    if (place == NULL)
        return TSR_E_SPACE;
    *key_id = to->first_key_id != 0 ? to->first_key_id + (uint32_t)(place - to->keys) : 0;
    err = import(key, is_private, key_id);
    if (err == TSR_OK)
        *place = *key_id;
    return err;
}

/* Without a table of keys the old one goes at once. */
static tsr_err write_key(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s, tsr_bytes key,
                         bool is_private)
{
    uint32_t key_id = 0;
    tsr_err err = TSR_OK;

    if (key.len != 0)
        err = all->credentials != NULL ? import_kept(all->credentials, key, is_private, &key_id)
                                       : import(key, is_private, &key_id);
    if (err != TSR_OK)
        return err;
    if (all->credentials == NULL && s->key_id != 0)
        (void)tsr_lwm2m_security_forget(s->key_id);
    s->key_id = key_id;
    s->private_key = is_private;
    return TSR_OK;
}

static size_t certificate_len(const tsr_lwm2m_securities *all)
{
    return all->credentials != NULL && all->credentials->certificates != NULL
               ? all->credentials->certificate_len
               : 0;
}

/* `which` is 0 for the device's, 1 for the server's. */
static void write_certificate(const tsr_lwm2m_securities *all, const tsr_lwm2m_security *s,
                              size_t which, tsr_bytes der, tsr_bytes *view)
{
    size_t slot = (size_t)(s - all->items) * 2 + which, most = certificate_len(all);

    *view = (tsr_bytes){ NULL, 0 };
    if (der.len == 0 || der.len > most)
        return;
    memcpy(all->credentials->certificates + slot * most, der.ptr, der.len);
    *view = tsr_view(all->credentials->certificates + slot * most, der.len);
}

tsr_err tsr_lwm2m_security_enrolled(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s,
                                    tsr_bytes der)
{
    if (der.len > certificate_len(all))
        return TSR_E_SPACE;
    write_certificate(all, s, 0, der, &s->certificate);
    s->factory = false;
    return TSR_OK;
}

static bool is_there(uint32_t key_id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    return psa_get_key_attributes(key_id, &attributes) == PSA_SUCCESS;
}

tsr_err tsr_lwm2m_security_key_pair(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s)
{
    uint32_t *place = NULL, key_id = s->key_id;
    tsr_err err;

    if (key_id != 0 && is_there(key_id))
        return TSR_OK;
    if (key_id == 0) {
        place = tsr_lwm2m_key_place(all->credentials->keys, all->credentials->key_count);
        if (place == NULL)
            return TSR_E_SPACE;
        if (all->credentials->first_key_id != 0)
            key_id = all->credentials->first_key_id + (uint32_t)(place - all->credentials->keys);
    }
    err = tsr_lwm2m_security_generate(&key_id);
    if (err != TSR_OK)
        return err;
    if (place != NULL)
        *place = key_id;
    s->key_id = key_id;
    s->private_key = true;
    return TSR_OK;
}

static void write_text(char *to, tsr_bytes text)
{
    if (text.len != 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}

static tsr_lwm2m_security_mode mode_of(const tsr_lwm2m_securities *all, const tsr_lwm2m_security *s)
{
    if (all->credentials != NULL && all->credentials->mode != 0)
        return (tsr_lwm2m_security_mode)(all->credentials->mode - 1);
    return s != NULL ? s->mode : TSR_LWM2M_MODE_PSK;
}

/* Single resources may come in any order: what is told later cannot be waited for, and so what could
 * be meant is kept. */
static bool is_open(const tsr_lwm2m_securities *all, const tsr_lwm2m_security *s)
{
    return all->credentials != NULL && all->credentials->mode == 0 && (s == NULL || s->open);
}

static bool is_private_key(tsr_lwm2m_security_mode mode, bool open, tsr_bytes key)
{
    if (open)
        return tsr_lwm2m_security_is_private(key);
    return has_documents(mode) || key.len > TSR_LWM2M_PSK_MAX;
}

static void settle(tsr_lwm2m_security *s)
{
    s->open = false;
    if (has_documents(s->mode)) {
        s->identity_len = 0;
        return;
    }
    s->certificate = (tsr_bytes){ NULL, 0 };
    s->server_certificate = (tsr_bytes){ NULL, 0 };
}

void tsr_lwm2m_security_settle(const tsr_lwm2m_securities *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].open && !all->items[i].factory)
            settle(&all->items[i]);
        all->items[i].open = false;
    }
}

static void write_identity(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s, tsr_bytes bytes,
                           bool open)
{
    bool documents = has_documents(mode_of(all, s));

    if (open || documents)
        write_certificate(all, s, 0, bytes, &s->certificate);
    if (documents && !open)
        return;
    s->identity_len = 0;
    if (bytes.len == 0 || bytes.len > sizeof s->identity)
        return;
    memcpy(s->identity, bytes.ptr, bytes.len);
    s->identity_len = (uint8_t)bytes.len;
}

static tsr_err commit(const tsr_lwm2m_securities *all, tsr_lwm2m_security *s, tsr_lwm2m_path at,
                      const tsr_lwm2m_value *value)
{
    tsr_bytes bytes = value->as.bytes;
    tsr_lwm2m_security_mode mode = mode_of(all, s);
    bool open = is_open(all, s);

    s->factory = false;
    switch (at.resource) {
    case SUITES:      s->suites[at.resource_instance] = (uint16_t)value->as.u; return TSR_OK;
    case URI:         write_text(s->uri, bytes); return TSR_OK;
    case BOOTSTRAP:   s->bootstrap = value->as.b; return TSR_OK;
    case MODE:
        s->mode = (tsr_lwm2m_security_mode)value->as.i;
        settle(s);
        return TSR_OK;
    case SHORT_ID:    s->short_id = (uint16_t)value->as.i; return TSR_OK;
    case HOLD_OFF:    s->hold_off_s = (uint32_t)value->as.i; return TSR_OK;
    case TIMEOUT:     s->timeout_s = (uint32_t)value->as.i; return TSR_OK;
    case MATCHING:    s->matching_type = (uint8_t)value->as.u; return TSR_OK;
    case USAGE:       s->certificate_usage = (uint8_t)value->as.u; return TSR_OK;
    case OSCORE:
        s->oscore = value->as.link.object == OSCORE_OBJECT;
        s->oscore_id = value->as.link.instance;
        return TSR_OK;
    case SERVER_NAME: write_text(s->server_name, bytes); return TSR_OK;
    case SERVER_KEY:
        if (open || has_documents(mode))
            write_certificate(all, s, 1, bytes, &s->server_certificate);
        return TSR_OK;
    case IDENTITY: write_identity(all, s, bytes, open); return TSR_OK;
    default:       return write_key(all, s, bytes, is_private_key(mode, open, bytes));
    }
}

static bool text_fits(tsr_bytes text, size_t most)
{
    return text.len <= most && (text.len == 0 || memchr(text.ptr, 0, text.len) == NULL);
}

static bool is_seconds(int64_t i)
{
    return i >= 0 && i <= UINT32_MAX;
}

/* To an instance of Object 21, or to none. */
static bool is_oscore_link(const tsr_lwm2m_value *value)
{
    bool none = value->as.link.instance == TSR_LWM2M_NO_ID;

    return value->as.link.object == (none ? TSR_LWM2M_NO_ID : OSCORE_OBJECT);
}

static size_t most_identity(const tsr_lwm2m_securities *all, tsr_lwm2m_security_mode mode,
                            bool open)
{
    size_t most = certificate_len(all);

    if (has_documents(mode) && !open)
        return most;
    return open && most > TSR_LWM2M_IDENTITY_MAX ? most : TSR_LWM2M_IDENTITY_MAX;
}

static bool is_good(const tsr_lwm2m_securities *all, const tsr_lwm2m_security *s,
                    tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    tsr_lwm2m_security_mode mode = mode_of(all, s);
    size_t len = value->as.bytes.len;
    bool open = is_open(all, s);

    switch (at.resource) {
    case SUITES: return at.resource_instance < TSR_LWM2M_SUITES && value->as.u <= UINT16_MAX;
    case URI:         return text_fits(value->as.bytes, TSR_LWM2M_URI_LEN);
    case BOOTSTRAP:   return true;
    case MODE:        return value->as.i >= 0 && value->as.i <= TSR_LWM2M_MODE_ENROL;
    case SHORT_ID:    return value->as.i >= 0 && value->as.i <= 65535;
    case HOLD_OFF:
    case TIMEOUT:     return is_seconds(value->as.i);
    case MATCHING:
    case USAGE:       return value->as.u <= 3;
    case OSCORE:      return is_oscore_link(value);
    case SERVER_NAME: return text_fits(value->as.bytes, sizeof all->items[0].server_name - 1);
    case IDENTITY:   return len <= most_identity(all, mode, open);
    case SERVER_KEY: return open || !has_documents(mode) || len <= certificate_len(all);
    default:
        return len <= (is_private_key(mode, open, value->as.bytes) ? TSR_LWM2M_PRIVATE_KEY_MAX
                                                                    : TSR_LWM2M_PSK_MAX);
    }
}

/* For Bootstrap-Write; the table gives no server the right (all its operations are 0). A key that
 * PSA refuses makes the one COMMIT that can fail: bootstrap has to undo the rest. In the CHECK the
 * instance need not be there yet. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_securities *all = state;
    tsr_lwm2m_security *s = item(all, at.instance);

    if (value == NULL && at.resource == SUITES) { /* a new set of them comes */
        if (phase == TSR_LWM2M_COMMIT && s != NULL)
            memset(s->suites, 0, sizeof s->suites);
        return TSR_OK;
    }
    if (value == NULL)
        return TSR_E_DENIED;
    if (!is_good(all, s, at, value))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_CHECK)
        return TSR_OK;
    return s != NULL ? commit(all, s, at, value) : TSR_E_NOT_FOUND;
}

static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    tsr_lwm2m_securities *all = state;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used)
            continue;
        if (phase == TSR_LWM2M_COMMIT)
            all->items[i] = (tsr_lwm2m_security){ .used = true, .id = instance,
                                                  .certificate_usage = 3, .open = true };
        return TSR_OK;
    }
    return TSR_E_DENIED;
}

static tsr_err delete(void *state, uint16_t instance)
{
    tsr_lwm2m_security *s = item(state, instance);

    if (s == NULL)
        return TSR_E_NOT_FOUND;
    s->used = false;
    return TSR_OK;
}

static void save_block(tsr_buf *out, tsr_bytes bytes)
{
    tsr_put_u16(out, (uint16_t)bytes.len);
    tsr_put_bytes(out, bytes);
}

/* docs/WIRE.md has the table. */
static void save_one(const tsr_lwm2m_security *s, tsr_buf *out)
{
    tsr_put_u16(out, s->id);
    tsr_put_u8(out, (uint8_t)((s->bootstrap ? IS_BOOTSTRAP : 0) | (s->factory ? IS_FACTORY : 0) |
                              (s->private_key ? IS_PRIVATE : 0) | (s->proved ? IS_PROVED : 0) |
                              (s->oscore ? IS_OSCORE : 0) | (s->left_s != 0 ? IS_COUNTING : 0) |
                              (tsr_lwm2m_security_says_suites(s) ? SAYS_SUITES : 0)));
    if (s->left_s != 0)
        tsr_put_u32(out, s->left_s);
    if (s->factory)
        return;
    tsr_put_u16(out, s->short_id);
    tsr_put_u8(out, (uint8_t)s->mode);
    tsr_put_u8(out, s->certificate_usage);
    tsr_put_u8(out, s->matching_type);
    tsr_put_u32(out, s->key_id);
    tsr_put_u32(out, s->hold_off_s);
    tsr_put_u32(out, s->timeout_s);
    save_block(out, tsr_text(s->uri));
    save_block(out, tsr_view(s->identity, s->identity_len));
    save_block(out, tsr_text(s->server_name));
    save_block(out, s->certificate);
    save_block(out, s->server_certificate);
    if (s->oscore)
        tsr_put_u16(out, s->oscore_id);
    for (size_t i = 0; i < TSR_LWM2M_SUITES && tsr_lwm2m_security_says_suites(s); i++)
        tsr_put_u16(out, s->suites[i]);
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_securities *all = state;

    tsr_put_u8(out, SAVED_VERSION);
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used)
            save_one(&all->items[i], out);
    }
}

static bool load_block(tsr_bytes *in, size_t most, tsr_bytes *block)
{
    uint16_t len;

    return tsr_get_u16(in, &len) == TSR_OK && len <= most &&
           tsr_get_bytes(in, len, block) == TSR_OK;
}

static bool load_text(tsr_bytes *in, char *to, size_t room)
{
    tsr_bytes text;

    if (!load_block(in, room - 1, &text) || !text_fits(text, room - 1))
        return false;
    write_text(to, text);
    return true;
}

static bool load_suites(tsr_bytes *in, tsr_lwm2m_security *s)
{
    bool good = true;

    for (size_t i = 0; good && i < TSR_LWM2M_SUITES; i++)
        good = tsr_get_u16(in, &s->suites[i]) == TSR_OK;
    return good;
}

static bool load_rest(tsr_bytes *in, size_t most, tsr_lwm2m_security *s, bool says_suites)
{
    uint8_t mode;
    tsr_bytes identity;

    if (tsr_get_u16(in, &s->short_id) != TSR_OK || tsr_get_u8(in, &mode) != TSR_OK ||
        mode > TSR_LWM2M_MODE_ENROL || tsr_get_u8(in, &s->certificate_usage) != TSR_OK ||
        tsr_get_u8(in, &s->matching_type) != TSR_OK || tsr_get_u32(in, &s->key_id) != TSR_OK ||
        tsr_get_u32(in, &s->hold_off_s) != TSR_OK || tsr_get_u32(in, &s->timeout_s) != TSR_OK ||
        !load_text(in, s->uri, sizeof s->uri) ||
        !load_block(in, sizeof s->identity, &identity) ||
        !load_text(in, s->server_name, sizeof s->server_name))
        return false;
    s->mode = (tsr_lwm2m_security_mode)mode;
    s->identity_len = (uint8_t)identity.len;
    if (identity.len != 0)
        memcpy(s->identity, identity.ptr, identity.len);
    return load_block(in, most, &s->certificate) && load_block(in, most, &s->server_certificate) &&
           (!s->oscore || tsr_get_u16(in, &s->oscore_id) == TSR_OK) &&
           (!says_suites || load_suites(in, s));
}

/* Certificates are views into the saved bytes as yet. */
static bool load_one(tsr_bytes *in, size_t most, tsr_lwm2m_security *s)
{
    uint8_t flags;

    *s = (tsr_lwm2m_security){ .used = true };
    if (tsr_get_u16(in, &s->id) != TSR_OK || s->id == TSR_LWM2M_NO_ID ||
        tsr_get_u8(in, &flags) != TSR_OK)
        return false;
    s->bootstrap = (flags & IS_BOOTSTRAP) != 0;
    s->factory = (flags & IS_FACTORY) != 0;
    s->private_key = (flags & IS_PRIVATE) != 0;
    s->proved = (flags & IS_PROVED) != 0;
    s->oscore = (flags & IS_OSCORE) != 0;
    if (flags & IS_COUNTING && tsr_get_u32(in, &s->left_s) != TSR_OK)
        return false;
    return s->factory || load_rest(in, most, s, (flags & SAYS_SUITES) != 0);
}

/* The first look: is it well formed, and which of the host's own instances stay? */
static bool look(const tsr_lwm2m_securities *all, tsr_bytes in, bool *stays)
{
    tsr_lwm2m_security seen;
    size_t count = 0;

    while (in.len != 0) {
        tsr_lwm2m_security *own;

        if (++count > all->count || !load_one(&in, certificate_len(all), &seen))
            return false;
        own = item(all, seen.id);
        if (seen.factory && own != NULL && own->factory) {
            own->proved = seen.proved;
            own->left_s = seen.left_s;
            stays[own - all->items] = true;
        }
    }
    return true;
}

static void take(const tsr_lwm2m_securities *all, const tsr_lwm2m_security *loaded, size_t slot)
{
    tsr_lwm2m_security *s = &all->items[slot];

    *s = *loaded;
    write_certificate(all, s, 0, loaded->certificate, &s->certificate);
    write_certificate(all, s, 1, loaded->server_certificate, &s->server_certificate);
}

static tsr_err load(void *state, tsr_bytes in)
{
    const tsr_lwm2m_securities *all = state;
    bool stays[UINT8_MAX + 1] = { false };
    tsr_lwm2m_security loaded;
    uint8_t version;
    size_t slot = 0;

    if (all->count > UINT8_MAX || tsr_get_u8(&in, &version) != TSR_OK ||
        version != SAVED_VERSION || !look(all, in, stays))
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < all->count; i++)
        all->items[i].used = stays[i];
    while (in.len != 0 && load_one(&in, certificate_len(all), &loaded)) {
        if (loaded.factory)
            continue;
        while (slot < all->count && all->items[slot].used)
            slot++;
        if (slot < all->count)
            take(all, &loaded, slot);
    }
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_security_object(tsr_lwm2m_securities *securities)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .create = create,
                                                 .remove = delete, .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, securities };
}
