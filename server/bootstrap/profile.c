/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles are strict: a member with a wrong name would go unnoticed and devices be left without
 * what the operator believes they have. */
#include "server/bootstrap/profile.h"

#include "server/rest/room.h"
#include "tessera/base/hex.h"
#include "tessera/json/base64.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    bs_profile *p;
    char *why;
    size_t why_cap;
    char where[40]; /* "servers[2]" */
} reading;

static tsr_err refuse(const reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static tsr_err refuse(const reading *r, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->why, r->why_cap, "%s%s", r->where, r->where[0] ? ": " : "");

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(r->why + n, r->why_cap - (size_t)n, format, args);
    va_end(args);
    return TSR_E_ARGUMENT;
}

/* --- members ---------------------------------------------------------------------------- */

/* What a member of a server account becomes. */
typedef struct {
    const char *name;
    int object; /* 0, 1; -1: no resource, taken apart by hand */
    uint16_t resource;
} member;

static const member account_members[] = {
    { "uri", 0, 0 },
    { "certificate", 0, 3 },
    { "server_certificate", 0, 4 },
    { "private_key", 0, 5 },
    { "hold_off", 0, 11 },
    { "account_timeout", 0, 12 },
    { "matching_type", 0, 13 },
    { "sni", 0, 14 },
    { "certificate_usage", 0, 15 },
    { "lifetime", 1, 1 },
    { "min_period", 1, 2 },
    { "max_period", 1, 3 },
    { "disable_timeout", 1, 5 },
    { "store_notifications", 1, 6 },
    { "binding", 1, 7 },
    { "registration_priority", 1, 13 },
    { "registration_delay", 1, 14 },
    { "registration_block", 1, 15 },
    { "bootstrap_on_failure", 1, 16 },
    { "retry_count", 1, 17 },
    { "retry_timer", 1, 18 },
    { "sequence_delay", 1, 19 },
    { "sequence_count", 1, 20 },
    { "trigger", 1, 21 },
    { "preferred_transport", 1, 22 },
    { "mute_send", 1, 23 },
    { "notification_mode", 1, 26 },
    { "security", -1, 0 },
    { "identity", -1, 0 },
    { "key", -1, 0 },
    { "key_bytes", -1, 0 },
    { "private_key_bytes", -1, 0 },
    { "generate", -1, 0 },
    { "device_id", -1, 0 },
    { "server_id", -1, 0 },
    { "salt", -1, 0 },
    { "id_context", -1, 0 },
    { "aead", -1, 0 },
    { "bootstrap", -1, 0 },
    { "short_server_id", -1, 0 },
    { "security_instance", -1, 0 },
    { "server_instance", -1, 0 },
    { "resources", -1, 0 },
};
enum { ACCOUNT_MEMBERS = sizeof account_members / sizeof *account_members };

static const member *account_member(const tsr_json *key)
{
    for (size_t i = 0; i < ACCOUNT_MEMBERS; i++)
        if (tsr_json_is(key, account_members[i].name))
            return &account_members[i];
    return NULL;
}

/* `names` ends with NULL. */
static tsr_err only(const reading *r, const tsr_json *object, const char *const *names)
{
    tsr_json key, item;
    tsr_json_walk walk = tsr_json_items(object);

    if (object->kind != TSR_JSON_OBJECT)
        return refuse(r, "it must be an object");
    while (tsr_json_next(&walk, &key, &item)) {
        size_t i = 0;

        while (names[i] && !tsr_json_is(&key, names[i]))
            i++;
        if (!names[i])
            return refuse(r, "there is no member %.*s; remove it, or see BootstrapProfile in "
                             "/api/v1/openapi.yaml",
                          (int)(key.text.len < 40 ? key.text.len : 40),
                          (const char *)key.text.ptr);
    }
    return TSR_OK;
}

static tsr_err flag(const reading *r, const tsr_json *object, const char *name, bool *out)
{
    tsr_err err = tsr_json_find_bool(object, name, out);

    return err == TSR_OK || err == TSR_E_NOT_FOUND ? TSR_OK
                                                   : refuse(r, "`%s` must be true or false", name);
}

static tsr_err number(const reading *r, const tsr_json *object, const char *name, uint64_t min,
                      uint64_t max, int64_t *out)
{
    uint64_t n = 0;
    tsr_err err = tsr_json_find_uint(object, name, &n);

    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (err != TSR_OK || n < min || n > max)
        return refuse(r, "`%s` must be a whole number from %llu to %llu", name,
                      (unsigned long long)min, (unsigned long long)max);
    *out = (int64_t)n;
    return TSR_OK;
}

/* --- values, typed by the object models --------------------------------------------------- */

static void begin_values(bs_values *v)
{
    rest_room(&v->text, 64);
    tsr_put_text(&v->text, "{\"values\":[");
}

static void put_value(bs_values *v, tsr_lwm2m_path path, tsr_bytes json)
{
    rest_room(&v->text, 80 + json.len);
    if (v->text.len && v->text.ptr[v->text.len - 1] == '}')
        tsr_put_u8(&v->text, ',');
    tsr_put_text(&v->text, "{\"path\":\"");
    tsr_lwm2m_path_put(&v->text, path);
    tsr_put_text(&v->text, "\",\"value\":");
    tsr_put_bytes(&v->text, json);
    tsr_put_u8(&v->text, '}');
}

static void put_number(bs_values *v, tsr_lwm2m_path path, uint64_t n)
{
    char text[24];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    tsr_put_dec(&word, n);
    put_value(v, path, tsr_buf_view(&word));
}

static tsr_err end_values(const reading *r, bs_values *v, tsr_lwm2m_path base)
{
    tsr_json root;
    tsr_err err = TSR_E_SPACE;

    rest_room(&v->text, 8);
    tsr_put_text(&v->text, "]}");
    if (v->text.err == TSR_OK)
        err = tsr_json_parse(tsr_buf_view(&v->text), &root, NULL);
    if (err == TSR_OK)
        err = rest_values_for_write(&root, base, &v->values);
    if (err == TSR_E_ARGUMENT)
        return refuse(r, "%s", v->values.detail);
    return err;
}

static void free_values(bs_values *v)
{
    rest_values_free(&v->values);
    if (v->text.ptr)
        tsr_wipe(v->text.ptr, v->text.cap);
    free(v->text.ptr);
    *v = (bs_values){ 0 };
}

/* --- a server account ------------------------------------------------------------------- */

static tsr_err read_mode(const reading *r, const tsr_json *object, bs_account *a)
{
    static const struct {
        const char *name;
        bs_mode mode;
    } modes[] = { { "psk", BS_PSK },
                  { "rpk", BS_RPK },
                  { "x509", BS_X509 },
                  { "nosec", BS_NOSEC },
                  { "est", BS_EST },
                  { "oscore", BS_OSCORE } };
    char name[8] = "";

    (void)tsr_json_find_cstring(object, "security", name, sizeof name);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, modes[i].name) == 0) {
            a->mode = modes[i].mode;
            return TSR_OK;
        }
    return refuse(r, "`security` must be psk, rpk, x509, nosec, est or oscore");
}

static bool has_key(const bs_account *a) { return a->mode == BS_PSK || a->mode == BS_OSCORE; }

/* 0: no hexadecimal digits, or none at all. */
static size_t from_hex(const char *text, uint8_t *bytes, size_t most)
{
    tsr_buf out = tsr_buf_over(bytes, most);

    return tsr_hex_get(tsr_text(text), &out) == TSR_OK ? out.len : 0;
}

static tsr_err read_key(const reading *r, const tsr_json *object, bs_account *a)
{
    char text[2 * BS_KEY_MAX + 1] = "";
    tsr_err err = tsr_json_find_cstring(object, "key", text, sizeof text);

    a->key_len = err == TSR_OK ? from_hex(text, a->key, sizeof a->key) : 0;
    tsr_wipe(text, sizeof text);
    if (err == TSR_E_NOT_FOUND && has_key(a) && !a->generate)
        return refuse(r, "psk and oscore need `key`, or `generate`: true for a fresh one for each "
                         "device");
    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (a->key_len == 0)
        return refuse(r, "`key` must be 1 to %d bytes in hexadecimal digits", BS_KEY_MAX);
    if (!has_key(a) || a->generate)
        return refuse(r, "`key` is for psk and oscore without `generate`; remove one of them");
    return TSR_OK;
}

static tsr_err read_psk(const reading *r, const tsr_json *object, bs_account *a)
{
    tsr_err err = tsr_json_find_cstring(object, "identity", a->identity, sizeof a->identity);

    if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        return refuse(r, "`identity` must be a string of at most %d bytes", BS_IDENTITY_MAX);
    if (a->mode != BS_PSK && a->identity[0])
        return refuse(r, "`identity` is for psk; for x509 the certificate names the device");
    if (a->mode == BS_PSK && !a->identity[0])
        (void)snprintf(a->identity, sizeof a->identity, "{endpoint}");
    if (a->generate && (!has_key(a) || a->bootstrap))
        return refuse(r, "`generate` is for psk and oscore of a server that is not the bootstrap "
                         "server");
    return read_key(r, object, a);
}

static tsr_err read_bytes(const reading *r, const tsr_json *object, const char *name, size_t most,
                          bs_bytes *out)
{
    char text[2 * sizeof out->bytes + 1] = "";
    tsr_err err = tsr_json_find_cstring(object, name, text, 2 * most + 1);

    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    out->len = err == TSR_OK ? (uint8_t)from_hex(text, out->bytes, most) : 0;
    out->given = true;
    return err == TSR_OK && (out->len != 0 || text[0] == 0)
               ? TSR_OK
               : refuse(r, "`%s` must be at most %zu bytes in hexadecimal digits", name, most);
}

static tsr_err check_oscore(const reading *r, const bs_account *a)
{
    bool any = a->device_id.given || a->server_id.given || a->salt.given || a->id_context.given ||
               a->aead != 0;

    if (a->mode != BS_OSCORE)
        return any ? refuse(r, "`device_id`, `server_id`, `salt`, `id_context` and `aead` are for "
                               "oscore")
                   : TSR_OK;
    if (a->generate)
        return a->device_id.given || a->salt.given
                   ? refuse(r, "with `generate` each device gets a `device_id` and a `salt` of its "
                               "own; leave them out")
                   : TSR_OK;
    return a->device_id.len == a->server_id.len &&
                   memcmp(a->device_id.bytes, a->server_id.bytes, a->device_id.len) == 0
               ? refuse(r, "`device_id` and `server_id` are the same; give each end its own")
               : TSR_OK;
}

/* RFC 8613 §3.2: what the two ends agree on. */
static tsr_err read_oscore(const reading *r, const tsr_json *object, bs_account *a)
{
    int64_t aead = 0;
    tsr_err err;

    if ((err = read_bytes(r, object, "device_id", 7, &a->device_id)) != TSR_OK ||
        (err = read_bytes(r, object, "server_id", 7, &a->server_id)) != TSR_OK ||
        (err = read_bytes(r, object, "salt", 64, &a->salt)) != TSR_OK ||
        (err = read_bytes(r, object, "id_context", 64, &a->id_context)) != TSR_OK ||
        (err = number(r, object, "aead", 1, 255, &aead)) != TSR_OK)
        return err;
    a->aead = (uint8_t)aead;
    return check_oscore(r, a);
}

static bool is_plain(const bs_account *a) { return a->mode == BS_NOSEC || a->mode == BS_OSCORE; }

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static tsr_err check_uri(const reading *r, const tsr_json *object, const bs_account *a)
{
    static const char *const plain[] = { "coap://", "coap+tcp://", "coap+ws://", "mqtt://",
                                         "http://", "lorawan://",  "tel:",       NULL };
    static const char *const secure[] = { "coaps://", "coaps+tcp://", "coaps+ws://",
                                          "mqtts://", "https://",     NULL };
    const char *const *schemes = is_plain(a) ? plain : secure;
    char uri[257] = "";

    if (tsr_json_find_cstring(object, "uri", uri, sizeof uri) != TSR_OK || strlen(uri) > 255)
        return refuse(r, "`uri` must be a string of at most 255 bytes, as coaps://192.0.2.1:5684");
    for (; *schemes; schemes++)
        if (begins(uri, *schemes) && uri[strlen(*schemes)])
            return TSR_OK;
    return refuse(r, is_plain(a)
                         ? "with nosec and oscore the `uri` begins with coap:// or another plain scheme"
                         : "with this `security` the `uri` begins with coaps:// or another "
                           "secure scheme");
}

/* "/0/0/16/1": below the account's own instances, whatever their numbers will be. */
static tsr_err more_resources(const reading *r, const tsr_json *list, bs_account *a)
{
    static const char *const members[] = { "path", "value", NULL };
    tsr_json_walk walk = tsr_json_items(list);
    tsr_json item, value;
    tsr_err err = TSR_OK;

    if (list->kind != TSR_JSON_ARRAY)
        return refuse(r, "`resources` must be an array of {\"path\", \"value\"}");
    while (err == TSR_OK && tsr_json_next(&walk, NULL, &item)) {
        char text[TSR_LWM2M_PATH_TEXT + 8] = "";
        tsr_lwm2m_path path = { 0 };

        if ((err = only(r, &item, members)) != TSR_OK)
            break;
        (void)tsr_json_find_cstring(&item, "path", text, sizeof text);
        if (tsr_lwm2m_path_parse(tsr_text(text), &path) != TSR_OK || path.depth < 3 ||
            path.object > 1 || path.instance != 0 ||
            (a->bootstrap && path.object == 1))
            return refuse(r, "a `path` of `resources` begins with /0/0/ (Security)%s; the instance "
                             "is set when it is written",
                          a->bootstrap ? "" : " or /1/0/ (Server)");
        if (path.object == 0 && (path.resource <= 3 || path.resource == 5 || path.resource == 10 ||
                                 (path.resource == 17 && a->mode == BS_OSCORE)))
            return refuse(r, "%s has a member of its own; use that", text);
        if (tsr_json_find(&item, "value", &value) != TSR_OK)
            return refuse(r, "`value` is missing for %s", text);
        put_value(path.object == 0 ? &a->security : &a->server, path, value.text);
    }
    return err;
}

static tsr_err put_members(const reading *r, const tsr_json *object, bs_account *a)
{
    tsr_json_walk walk = tsr_json_items(object);
    tsr_json key, value;
    tsr_err err = TSR_OK;

    while (err == TSR_OK && tsr_json_next(&walk, &key, &value)) {
        const member *m = account_member(&key);

        if (!m)
            return refuse(r, "there is no member %.*s; remove it, or see BootstrapServer in "
                             "/api/v1/openapi.yaml",
                          (int)(key.text.len < 40 ? key.text.len : 40),
                          (const char *)key.text.ptr);
        if (m->object == 1 && a->bootstrap)
            return refuse(r, "`%s` is of the Server object, which a bootstrap server has not",
                          m->name);
        if (m->object >= 0)
            put_value(m->object == 0 ? &a->security : &a->server,
                      tsr_lwm2m_at_resource((uint16_t)m->object, 0, m->resource), value.text);
        else if (strcmp(m->name, "resources") == 0)
            err = more_resources(r, &value, a);
    }
    return err;
}

static bool given(const tsr_json *object, const char *name)
{
    tsr_json value;

    return tsr_json_find(object, name, &value) == TSR_OK;
}

static bool binding_good(const char *binding)
{
    size_t n = strlen(binding);

    for (size_t i = 0; i < n; i++)
        if (!strchr("UMHTSNQ", binding[i]) || strchr(binding + i + 1, binding[i]))
            return false;
    return n > 0;
}

static tsr_err check_binding(const reading *r, const tsr_json *object)
{
    char binding[16] = "";
    tsr_err err = tsr_json_find_cstring(object, "binding", binding, sizeof binding);

    if (err == TSR_E_NOT_FOUND || (err == TSR_OK && binding_good(binding)))
        return TSR_OK;
    return refuse(r, "`binding` is made of the letters U, M, H, T, S, N, each at most once");
}

/* Resources 3 to 5 are mandatory: what the mode has no use for is empty. With EST the device makes
 * 3 and 5 itself. */
static void put_empty_keys(const tsr_json *object, bs_account *a)
{
    if (is_plain(a))
        put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 3), tsr_text("\"\""));
    if (!given(object, "server_certificate"))
        put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 4), tsr_text("\"\""));
    if (is_plain(a))
        put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 5), tsr_text("\"\""));
}

/* The members that Security and Server must have and a profile may leave out (Core E.1, E.2). */
static void put_defaults(const tsr_json *object, bs_account *a)
{
    put_empty_keys(object, a);
    put_number(&a->security, tsr_lwm2m_at_resource(0, 0, 2), is_plain(a) ? BS_NOSEC : a->mode);
    put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 1),
              tsr_text(a->bootstrap ? "true" : "false"));
    if (a->bootstrap)
        return;
    put_number(&a->security, tsr_lwm2m_at_resource(0, 0, 10), a->short_id);
    put_number(&a->server, tsr_lwm2m_at_resource(1, 0, 0), a->short_id);
    if (!given(object, "lifetime"))
        put_number(&a->server, tsr_lwm2m_at_resource(1, 0, 1), 86400);
    if (!given(object, "store_notifications"))
        put_value(&a->server, tsr_lwm2m_at_resource(1, 0, 6), tsr_text("true"));
    if (!given(object, "binding"))
        put_value(&a->server, tsr_lwm2m_at_resource(1, 0, 7), tsr_text("\"U\""));
}

static tsr_err check_certificates(const reading *r, const tsr_json *object, const bs_account *a)
{
    bool own = given(object, "certificate") && given(object, "private_key");

    if ((a->mode == BS_PSK || is_plain(a)) &&
        (given(object, "certificate") || given(object, "private_key") ||
         given(object, "server_certificate")))
        return refuse(r, "certificates and `private_key` are for x509, rpk and est");
    if (a->mode == BS_EST && (given(object, "certificate") || given(object, "private_key")))
        return refuse(r, "with est the device enrols its own: leave out `certificate` and "
                         "`private_key`");
    if ((a->mode == BS_X509 || a->mode == BS_RPK) && !own)
        return refuse(r, "x509 and rpk need `certificate` and `private_key` in Base64; est lets "
                         "the device make its own");
    if ((a->mode == BS_X509 || a->mode == BS_RPK || a->mode == BS_EST) &&
        !given(object, "server_certificate"))
        return refuse(r, "`server_certificate` in Base64 is what the device checks the server by");
    return TSR_OK;
}

static tsr_err read_account(const reading *r, const tsr_json *object, bs_account *a)
{
    int64_t id = 0, security = BS_ANY_INSTANCE, server = BS_ANY_INSTANCE;
    tsr_err err;

    if (object->kind != TSR_JSON_OBJECT)
        return refuse(r, "it must be an object");
    if ((err = read_mode(r, object, a)) != TSR_OK ||
        (err = flag(r, object, "bootstrap", &a->bootstrap)) != TSR_OK ||
        (err = flag(r, object, "generate", &a->generate)) != TSR_OK ||
        (err = number(r, object, "short_server_id", 1, 65534, &id)) != TSR_OK ||
        (err = number(r, object, "security_instance", 0, 65534, &security)) != TSR_OK ||
        (err = number(r, object, "server_instance", 0, 65534, &server)) != TSR_OK)
        return err;
    if (!a->bootstrap && id == 0)
        return refuse(r, "`short_server_id` is missing: a whole number from 1 to 65534");
    if (a->bootstrap && (id || server != BS_ANY_INSTANCE))
        return refuse(r, "a bootstrap server has neither `short_server_id` nor `server_instance`");
    a->short_id = (uint16_t)id;
    a->security_instance = (int32_t)security;
    a->server_instance = (int32_t)server;
    begin_values(&a->security);
    begin_values(&a->server);
    if ((err = check_uri(r, object, a)) != TSR_OK || (err = read_psk(r, object, a)) != TSR_OK ||
        (err = read_oscore(r, object, a)) != TSR_OK ||
        (err = check_certificates(r, object, a)) != TSR_OK ||
        (err = check_binding(r, object)) != TSR_OK || (err = put_members(r, object, a)) != TSR_OK)
        return err;
    put_defaults(object, a);
    err = end_values(r, &a->security, tsr_lwm2m_at_instance(0, 0));
    return err != TSR_OK || a->bootstrap
               ? err
               : end_values(r, &a->server, tsr_lwm2m_at_instance(1, 0));
}

/* --- the lists -------------------------------------------------------------------------- */

typedef tsr_err item_fn(reading *r, const tsr_json *item);

static tsr_err each(reading *r, const tsr_json *root, const char *name, size_t max, item_fn *fn)
{
    tsr_json list, item;
    tsr_json_walk walk;
    tsr_err err = TSR_OK;

    if (tsr_json_find(root, name, &list) != TSR_OK)
        return TSR_OK;
    if (list.kind != TSR_JSON_ARRAY || tsr_json_count(&list) > max)
        return refuse(r, "`%s` must be an array of at most %zu", name, max);
    walk = tsr_json_items(&list);
    for (unsigned i = 0; err == TSR_OK && tsr_json_next(&walk, NULL, &item); i++) {
        (void)snprintf(r->where, sizeof r->where, "%s[%u]", name, i);
        err = fn(r, &item);
    }
    if (err == TSR_OK)
        r->where[0] = 0;
    return err;
}

static tsr_err read_server(reading *r, const tsr_json *item)
{
    bs_account *a = &r->p->servers[r->p->server_count++];
    tsr_err err = read_account(r, item, a);

    for (bs_account *b = r->p->servers; err == TSR_OK && b < a; b++) {
        if (a->bootstrap && b->bootstrap)
            return refuse(r, "there is one bootstrap server already; a device has one");
        if (!a->bootstrap && a->short_id == b->short_id)
            return refuse(r, "`short_server_id` %u is there twice; give each server its own",
                          a->short_id);
        if (a->generate && b->generate)
            return refuse(r, "only one server can `generate`: this one");
        if ((a->security_instance >= 0 && a->security_instance == b->security_instance) ||
            (a->server_instance >= 0 && a->server_instance == b->server_instance))
            return refuse(r, "two servers name the same instance; leave it out, or change one");
    }
    return err;
}

static tsr_err path_of(const reading *r, const tsr_json *item, tsr_lwm2m_path *path)
{
    char text[TSR_LWM2M_PATH_TEXT + 8];

    if (tsr_json_cstring(item, text, sizeof text) != TSR_OK || text[0] != '/' ||
        tsr_lwm2m_path_parse(tsr_text(text), path) != TSR_OK)
        return refuse(r, "it must be a path as \"/1\" or \"/1/0\"");
    return TSR_OK;
}

/* Core 6.1.7.4: a Bootstrap-Read goes to /1 and /2 only. */
static tsr_err read_read(reading *r, const tsr_json *item)
{
    tsr_lwm2m_path *path = &r->p->reads[r->p->read_count++];
    tsr_err err = path_of(r, item, path);

    if (err == TSR_OK && (path->depth < 1 || path->depth > 2 || path->object < 1 ||
                          path->object > 2))
        return refuse(r, "only /1 and /2, and their instances, may be read in a bootstrap");
    return err;
}

static tsr_err read_delete(reading *r, const tsr_json *item)
{
    tsr_lwm2m_path *path = &r->p->deletes[r->p->delete_count++];
    tsr_err err = path_of(r, item, path);

    if (err == TSR_OK && path->depth > 2)
        return refuse(r, "only \"/\", objects and instances can be deleted in a bootstrap");
    return err;
}

static bool is_known(const bs_profile *p, uint64_t short_id)
{
    for (size_t i = 0; i < p->server_count; i++)
        if (!p->servers[i].bootstrap && p->servers[i].short_id == short_id)
            return true;
    return short_id == 0 || short_id == 65535;
}

static bool deletes(const bs_profile *p, tsr_lwm2m_path path)
{
    for (size_t i = 0; i < p->delete_count; i++)
        if (tsr_lwm2m_path_contains(p->deletes[i], path))
            return true;
    return false;
}

/* A right for a server that will not be there is a mistake in one of the two. */
static tsr_err check_short_id(const reading *r, uint64_t short_id)
{
    if (is_known(r->p, short_id) || !deletes(r->p, tsr_lwm2m_at_object(0)))
        return TSR_OK;
    return refuse(r, "no server of this profile has the short server id %llu",
                  (unsigned long long)short_id);
}

static tsr_err put_rights(const reading *r, const tsr_json *acl, bs_values *v, uint16_t instance)
{
    tsr_json_walk walk = tsr_json_items(acl);
    tsr_json key, value;
    tsr_err err = TSR_OK;

    while (err == TSR_OK && tsr_json_next(&walk, &key, &value)) {
        char text[8] = "";
        uint64_t id = 0, rights = 0;

        if (tsr_json_cstring(&key, text, sizeof text) != TSR_OK ||
            tsr_dec(tsr_text(text), &id) != TSR_OK || id > 65535 ||
            tsr_json_uint(&value, &rights) != TSR_OK || rights > 31)
            return refuse(r, "`acl` maps short server ids (0: all others) to rights from 0 to 31: "
                             "1 read, 2 write, 4 execute, 8 delete, 16 create");
        err = check_short_id(r, id);
        put_number(v, tsr_lwm2m_at_resource_instance(2, instance, 2, (uint16_t)id), rights);
    }
    return err;
}

static tsr_err read_access(reading *r, const tsr_json *item)
{
    static const char *const members[] = { "object", "instance", "owner", "acl", NULL };
    uint16_t n = (uint16_t)r->p->write_count;
    bs_write *w = &r->p->writes[r->p->write_count++];
    int64_t object = -1, instance = 65535, owner = -1;
    tsr_json acl;
    tsr_err err = only(r, item, members);

    if (err != TSR_OK || (err = number(r, item, "object", 1, 65534, &object)) != TSR_OK ||
        (err = number(r, item, "instance", 0, 65535, &instance)) != TSR_OK ||
        (err = number(r, item, "owner", 1, 65535, &owner)) != TSR_OK)
        return err;
    if (object < 0 || owner < 0)
        return refuse(r, "`object` and `owner` (a short server id) are needed");
    if ((err = check_short_id(r, (uint64_t)owner)) != TSR_OK)
        return err;
    w->base = tsr_lwm2m_at_instance(2, n);
    begin_values(&w->values);
    put_number(&w->values, tsr_lwm2m_at_resource(2, n, 0), (uint64_t)object);
    put_number(&w->values, tsr_lwm2m_at_resource(2, n, 1), (uint64_t)instance);
    put_number(&w->values, tsr_lwm2m_at_resource(2, n, 3), (uint64_t)owner);
    if (tsr_json_find(item, "acl", &acl) == TSR_OK) {
        if (acl.kind != TSR_JSON_OBJECT)
            return refuse(r, "`acl` must be an object as {\"1\": 15}");
        err = put_rights(r, &acl, &w->values, n);
    }
    return err != TSR_OK ? err : end_values(r, &w->values, w->base);
}

static tsr_err check_target(const reading *r, const bs_write *w)
{
    if (w->base.depth < 2)
        return refuse(r, "`path` must name an instance or a resource");
    if (w->base.object < 2)
        return refuse(r, "/0 and /1 are written by `servers`");
    for (const bs_write *b = r->p->writes; b < w; b++)
        if (tsr_lwm2m_path_contains(b->base, w->base) ||
            tsr_lwm2m_path_contains(w->base, b->base))
            return refuse(r, "an earlier write goes to the same place; put them together");
    return TSR_OK;
}

static tsr_err read_write(reading *r, const tsr_json *item)
{
    static const char *const members[] = { "path", "value", "values", "type", NULL };
    bs_write *w;
    tsr_json path;
    tsr_err err = only(r, item, members);

    if (err != TSR_OK)
        return err;
    if (r->p->write_count == BS_WRITES_MAX)
        return refuse(r, "at most %d access control instances and writes", BS_WRITES_MAX);
    w = &r->p->writes[r->p->write_count++];
    if (tsr_json_find(item, "path", &path) != TSR_OK)
        return refuse(r, "`path` is missing: an instance or a resource");
    if ((err = path_of(r, &path, &w->base)) != TSR_OK || (err = check_target(r, w)) != TSR_OK)
        return err;
    /* The values point into a text of their own: the profile's goes before they do. */
    rest_room(&w->values.text, item->text.len);
    tsr_put_bytes(&w->values.text, item->text);
    if (w->values.text.err != TSR_OK)
        return TSR_E_SPACE;

    tsr_json own;

    if ((err = tsr_json_parse(tsr_buf_view(&w->values.text), &own, NULL)) == TSR_OK)
        err = rest_values_for_write(&own, w->base, &w->values.values);
    return err == TSR_E_ARGUMENT ? refuse(r, "%s", w->values.values.detail) : err;
}

/* --- the whole -------------------------------------------------------------------------- */

static tsr_err read_writing(const reading *r, const tsr_json *root)
{
    char how[16] = "instance";
    tsr_err err = tsr_json_find_cstring(root, "write", how, sizeof how);

    r->p->whole_object = strcmp(how, "object") == 0;
    if ((err == TSR_OK || err == TSR_E_NOT_FOUND) &&
        (r->p->whole_object || strcmp(how, "instance") == 0))
        return TSR_OK;
    return refuse(r, "`write` must be \"instance\" or \"object\"");
}

static tsr_err check_whole(const reading *r)
{
    const bs_profile *p = r->p;
    bool server = false;

    for (size_t i = 0; i < p->server_count; i++)
        server = server || !p->servers[i].bootstrap;
    if (!server && (deletes(p, tsr_lwm2m_at_object(0)) || deletes(p, tsr_lwm2m_at_object(1))))
        return refuse(r, "the device would be left without a server: name one in `servers`, or "
                         "leave /0 and /1 out of `delete`");
    return TSR_OK;
}

static bool has_oscore(const bs_profile *p)
{
    for (size_t i = 0; i < p->server_count; i++)
        if (p->servers[i].mode == BS_OSCORE)
            return true;
    return false;
}

static tsr_err read_all(reading *r, const tsr_json *root)
{
    static const char *const members[] = { "discover", "pack",           "plain",  "write", "read",
                                           "delete",   "servers",        "writes", "name",
                                           "changed_at", "access_control", NULL };
    tsr_json list;
    tsr_err err = only(r, root, members);

    r->p->discover = r->p->pack = true;
    if (err != TSR_OK || (err = flag(r, root, "discover", &r->p->discover)) != TSR_OK ||
        (err = flag(r, root, "pack", &r->p->pack)) != TSR_OK ||
        (err = flag(r, root, "plain", &r->p->plain)) != TSR_OK ||
        (err = read_writing(r, root)) != TSR_OK ||
        (err = each(r, root, "read", BS_PATHS_MAX, read_read)) != TSR_OK ||
        (err = each(r, root, "delete", BS_PATHS_MAX, read_delete)) != TSR_OK ||
        (err = each(r, root, "servers", BS_SERVERS_MAX, read_server)) != TSR_OK)
        return err;
    if (tsr_json_find(root, "delete", &list) != TSR_OK && r->p->server_count > 0) {
        r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(0);
        r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(1);
        if (has_oscore(r->p))
            r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(21);
        if (tsr_json_find(root, "access_control", &list) == TSR_OK)
            r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(2);
    }
    if ((err = each(r, root, "access_control", BS_WRITES_MAX, read_access)) != TSR_OK ||
        (err = each(r, root, "writes", BS_WRITES_MAX, read_write)) != TSR_OK)
        return err;
    return check_whole(r);
}

tsr_err bs_profile_read(tsr_bytes json, bs_profile *p, char *why, size_t why_cap)
{
    reading r = { p, why, why_cap, "" };
    tsr_json root;

    *p = (bs_profile){ 0 };
    if (json.len > BS_BODY_MAX)
        return refuse(&r, "a profile has at most %d bytes", BS_BODY_MAX);
    if (tsr_json_parse(json, &root, NULL) != TSR_OK)
        return refuse(&r, "it must be a JSON object");
    return read_all(&r, &root);
}

void bs_profile_free(bs_profile *p)
{
    for (size_t i = 0; i < BS_SERVERS_MAX; i++) {
        free_values(&p->servers[i].security);
        free_values(&p->servers[i].server);
    }
    for (size_t i = 0; i < BS_WRITES_MAX; i++)
        free_values(&p->writes[i].values);
    tsr_wipe(p, sizeof *p);
}
