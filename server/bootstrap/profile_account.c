/* SPDX-License-Identifier: Apache-2.0
 *
 * A server account of a profile: instances of Security and Server. */
#include "server/bootstrap/profile_in.h"

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
    const char *const *schemes = bs_is_plain(a) ? plain : secure;
    char uri[257] = "";

    if (tsr_json_find_cstring(object, "uri", uri, sizeof uri) != TSR_OK || strlen(uri) > 255)
        return bs_bad(r, "`uri` must be a string of at most 255 bytes, as coaps://192.0.2.1:5684");
    for (; *schemes; schemes++)
        if (begins(uri, *schemes) && uri[strlen(*schemes)])
            return TSR_OK;
    return bs_bad(r, bs_is_plain(a)
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
        return bs_bad(r, "`resources` must be an array of {\"path\", \"value\"}");
    while (err == TSR_OK && tsr_json_next(&walk, NULL, &item)) {
        char text[TSR_LWM2M_PATH_TEXT + 8] = "";
        tsr_lwm2m_path path = { 0 };

        if ((err = bs_only(r, &item, members)) != TSR_OK)
            break;
        (void)tsr_json_find_cstring(&item, "path", text, sizeof text);
        if (tsr_lwm2m_path_parse(tsr_text(text), &path) != TSR_OK || path.depth < 3 ||
            path.object > 1 || path.instance != 0 ||
            (a->bootstrap && path.object == 1))
            return bs_bad(r, "a `path` of `resources` begins with /0/0/ (Security)%s; the instance "
                          "is set when it is written",
                       a->bootstrap ? "" : " or /1/0/ (Server)");
        if (path.object == 0 && (path.resource <= 3 || path.resource == 5 || path.resource == 10 ||
                                 (path.resource == 17 && a->mode == BS_OSCORE)))
            return bs_bad(r, "%s has a member of its own; use that", text);
        if (tsr_json_find(&item, "value", &value) != TSR_OK)
            return bs_bad(r, "`value` is missing for %s", text);
        bs_put_value(path.object == 0 ? &a->security : &a->server, path, value.text);
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
            return bs_bad(r, "there is no member %.*s; remove it, or see BootstrapServer in "
                          "/api/v1/openapi.yaml",
                       (int)(key.text.len < 40 ? key.text.len : 40),
                       (const char *)key.text.ptr);
        if (m->object == 1 && a->bootstrap)
            return bs_bad(r, "`%s` is of the Server object, which a bootstrap server has not",
                          m->name);
        if (m->object >= 0)
            bs_put_value(m->object == 0 ? &a->security : &a->server,
                         tsr_lwm2m_at_resource((uint16_t)m->object, 0, m->resource),
                         value.text);
        else if (strcmp(m->name, "resources") == 0)
            err = more_resources(r, &value, a);
    }
    return err;
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
    return bs_bad(r, "`binding` is made of the letters U, M, H, T, S, N, each at most once");
}

/* Resources 3 to 5 are mandatory: what the mode has no use for is empty. With EST the device makes
 * 3 and 5 itself. */
static void put_empty_keys(const tsr_json *object, bs_account *a)
{
    if (bs_is_plain(a))
        bs_put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 3), tsr_text("\"\""));
    if (!bs_given(object, "server_certificate"))
        bs_put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 4), tsr_text("\"\""));
    if (bs_is_plain(a))
        bs_put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 5), tsr_text("\"\""));
}

/* The members that Security and Server must have and a profile may leave out (Core E.1, E.2). */
static void put_defaults(const tsr_json *object, bs_account *a)
{
    put_empty_keys(object, a);
    bs_put_number(&a->security, tsr_lwm2m_at_resource(0, 0, 2),
                  bs_is_plain(a) ? BS_NOSEC : a->mode);
    bs_put_value(&a->security, tsr_lwm2m_at_resource(0, 0, 1),
                 tsr_text(a->bootstrap ? "true" : "false"));
    if (a->bootstrap)
        return;
    bs_put_number(&a->security, tsr_lwm2m_at_resource(0, 0, 10), a->short_id);
    bs_put_number(&a->server, tsr_lwm2m_at_resource(1, 0, 0), a->short_id);
    if (!bs_given(object, "lifetime"))
        bs_put_number(&a->server, tsr_lwm2m_at_resource(1, 0, 1), 86400);
    if (!bs_given(object, "store_notifications"))
        bs_put_value(&a->server, tsr_lwm2m_at_resource(1, 0, 6), tsr_text("true"));
    if (!bs_given(object, "binding"))
        bs_put_value(&a->server, tsr_lwm2m_at_resource(1, 0, 7), tsr_text("\"U\""));
}

tsr_err bs_read_account(const reading *r, const tsr_json *object, bs_account *a)
{
    int64_t id = 0, security = BS_ANY_INSTANCE, server = BS_ANY_INSTANCE;
    tsr_err err;

    if (object->kind != TSR_JSON_OBJECT)
        return bs_bad(r, "it must be an object");
    if ((err = bs_read_mode(r, object, a)) != TSR_OK ||
        (err = bs_flag(r, object, "bootstrap", &a->bootstrap)) != TSR_OK ||
        (err = bs_flag(r, object, "generate", &a->generate)) != TSR_OK ||
        (err = bs_number(r, object, "short_server_id", 1, 65534, &id)) != TSR_OK ||
        (err = bs_number(r, object, "security_instance", 0, 65534, &security)) != TSR_OK ||
        (err = bs_number(r, object, "server_instance", 0, 65534, &server)) != TSR_OK)
        return err;
    if (!a->bootstrap && id == 0)
        return bs_bad(r, "`short_server_id` is missing: a whole number from 1 to 65534");
    if (a->bootstrap && (id || server != BS_ANY_INSTANCE))
        return bs_bad(r, "a bootstrap server has neither `short_server_id` nor `server_instance`");
    a->short_id = (uint16_t)id;
    a->security_instance = (int32_t)security;
    a->server_instance = (int32_t)server;
    bs_begin_values(&a->security);
    bs_begin_values(&a->server);
    if ((err = check_uri(r, object, a)) != TSR_OK || (err = bs_read_psk(r, object, a)) != TSR_OK ||
        (err = bs_read_oscore(r, object, a)) != TSR_OK ||
        (err = bs_check_certificates(r, object, a)) != TSR_OK ||
        (err = check_binding(r, object)) != TSR_OK || (err = put_members(r, object, a)) != TSR_OK)
        return err;
    put_defaults(object, a);
    err = bs_end_values(r, &a->security, tsr_lwm2m_at_instance(0, 0));
    return err != TSR_OK || a->bootstrap
               ? err
               : bs_end_values(r, &a->server, tsr_lwm2m_at_instance(1, 0));
}
