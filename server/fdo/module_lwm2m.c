/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera.lwm2m hands an account over (docs/FDO.md): of the bootstrap server, or of a server that manages. */
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include "tessera/cbor/cbor.h"

/* Keys of the account's map. */
enum { URI = 1, SHORT_ID, SECURITY, IDENTITY, KEY, CERTIFICATE, SERVER_CERTIFICATE, USAGE, LIFETIME,
       BOOTSTRAP, SERVER_NAME, ENDPOINT };

enum { PSK = 0, X509 = 2, NOSEC = 3, NONE = -1, SHORT_ID_MAX = 65534, SERVER_NAME_MAX = 63,
       ACCOUNT_MAX = FDO_BLOCK };

static const char module[] = "tessera.lwm2m";

/* --- what the operator wrote ------------------------------------------------------------ */

static int door_of(const tsr_json *step)
{
    char text[FDO_NAME_MAX + 1];

    if (!fdo_step_text(step, "account", text))
        return NONE;
    return strcmp(text, "bootstrap") == 0    ? TSR_FDO_BOOTSTRAP
           : strcmp(text, "management") == 0 ? TSR_FDO_MANAGEMENT
                                             : NONE;
}

static int security_of(const tsr_json *step)
{
    char text[FDO_NAME_MAX + 1];

    if (!fdo_step_text(step, "security", text))
        return NONE;
    return strcmp(text, "psk") == 0           ? PSK
           : strcmp(text, "certificate") == 0 ? X509
           : strcmp(text, "none") == 0        ? NOSEC
                                              : NONE;
}

static const char *wrong_uri(const tsr_json *step)
{
    char uri[FDO_NAME_MAX + 1];
    const char *at;
    bool secure;

    if (!fdo_step_text(step, "uri", uri))
        return "tessera.lwm2m needs a `uri` of 1 to 200 bytes";
    at = strstr(uri, "://");
    if (at == NULL || at[3] == 0 || at[3] == ':' || at[3] == '/')
        return "`uri` is none: write one like coaps://lwm2m.example:5684";
    *strstr(uri, "://") = 0;
    secure = strcmp(uri, "coaps") == 0 || strcmp(uri, "coaps+tcp") == 0;
    if (!secure && strcmp(uri, "coap") != 0 && strcmp(uri, "coap+tcp") != 0)
        return "`uri` begins with coap, coaps, coap+tcp or coaps+tcp";
    return secure != (security_of(step) != NOSEC)
               ? "`uri` and `security` disagree: coaps goes with psk or certificate, coap with none"
               : NULL;
}

/* A number that may be left out; 0 then. */
static bool number(const tsr_json *step, const char *name, uint64_t most, uint64_t *v)
{
    tsr_json item;

    *v = 0;
    if (tsr_json_find(step, name, &item) == TSR_E_NOT_FOUND)
        return true;
    return tsr_json_uint(&item, v) == TSR_OK && *v >= 1 && *v <= most;
}

static const char *wrong_numbers(const tsr_json *step)
{
    uint64_t short_id, lifetime;

    if (!number(step, "short_server_id", SHORT_ID_MAX, &short_id))
        return "`short_server_id` is a number from 1 to 65534";
    if (!number(step, "lifetime", UINT32_MAX, &lifetime))
        return "`lifetime` is a number of seconds, 1 to 4294967295";
    if (door_of(step) == TSR_FDO_BOOTSTRAP)
        return short_id != 0 || lifetime != 0
                   ? "`short_server_id` and `lifetime` are for `account` management alone"
                   : NULL;
    return short_id == 0 ? "`account` management needs a `short_server_id`" : NULL;
}

static const char *check_account(const tsr_json *step)
{
    static const char *const names[] = { "account", "uri", "security", "short_server_id", "lifetime",
                                         "server_name", NULL };
    char text[FDO_NAME_MAX + 1] = "";
    tsr_json item;
    const char *wrong;

    if (!fdo_step_only(step, names))
        return "tessera.lwm2m has `account`, `uri`, `security`, `short_server_id`, `lifetime`, "
               "`server_name` and `optional`, and nothing else";
    if (door_of(step) == NONE)
        return "`account` is bootstrap or management";
    if (security_of(step) == NONE)
        return "`security` is psk, certificate or none";
    if (tsr_json_find(step, "server_name", &item) == TSR_OK &&
        (!fdo_step_text(step, "server_name", text) || strlen(text) > SERVER_NAME_MAX))
        return "`server_name` is a text of 1 to 63 bytes";
    if (!fdo_step_flag(step, "optional"))
        return "`optional` is true or false";
    wrong = wrong_uri(step);
    return wrong != NULL ? wrong : wrong_numbers(step);
}

const char *fdo_accounts_wrong(const tsr_json *steps, unsigned *at)
{
    bool seen[TSR_FDO_DOORS] = { false }, enrolled = false;
    tsr_json_walk walk = tsr_json_items(steps);
    tsr_json step;

    for (*at = 0; tsr_json_next(&walk, NULL, &step); ++*at) {
        const fdo_module *m = fdo_module_of(&step);
        int door = m == &fdo_lwm2m ? door_of(&step) : NONE;

        enrolled |= m == &fdo_csr;
        if (door == NONE)
            continue;
        if (seen[door])
            return "a plan has one account of the bootstrap server and one for management at most";
        if (security_of(&step) == X509 && !enrolled)
            return "an account with a certificate needs a step fdo.csr before it";
        seen[door] = true;
    }
    return NULL;
}

/* --- what the device is told ------------------------------------------------------------ */

static void put_text(tsr_buf *out, int key, const char *text)
{
    tsr_cbor_put_int(out, key);
    tsr_cbor_put_text(out, tsr_text(text));
}

static void put_number(tsr_buf *out, int key, uint64_t v)
{
    tsr_cbor_put_int(out, key);
    tsr_cbor_put_uint(out, v);
}

static void put_bytes(tsr_buf *out, int key, tsr_bytes v)
{
    tsr_cbor_put_int(out, key);
    tsr_cbor_put_bytes(out, v);
}

static void put_account(const fdo_plan_run *p, const fdo_grant *g, int door, int security, tsr_buf *out)
{
    char uri[FDO_NAME_MAX + 1] = "", name[FDO_NAME_MAX + 1] = "";
    uint64_t short_id, lifetime;
    bool named = fdo_step_text(&p->step, "server_name", name), bootstrap = door == TSR_FDO_BOOTSTRAP;

    (void)fdo_step_text(&p->step, "uri", uri);
    (void)number(&p->step, "short_server_id", SHORT_ID_MAX, &short_id);
    (void)number(&p->step, "lifetime", UINT32_MAX, &lifetime);
    tsr_cbor_put_map(out, 3u + (short_id != 0) + 2u * (security == PSK) + (lifetime != 0) + bootstrap +
                              named);
    put_text(out, URI, uri);
    if (short_id != 0)
        put_number(out, SHORT_ID, short_id);
    put_number(out, SECURITY, (uint64_t)security);
    if (security == PSK) {
        put_bytes(out, IDENTITY, tsr_text(g->identity));
        put_bytes(out, KEY, tsr_view(g->key, g->key_len));
    }
    if (lifetime != 0)
        put_number(out, LIFETIME, lifetime);
    if (bootstrap) {
        tsr_cbor_put_int(out, BOOTSTRAP);
        tsr_cbor_put_bool(out, true);
    }
    if (named)
        put_text(out, SERVER_NAME, name);
    put_text(out, ENDPOINT, p->handover.endpoint);
}

/* Once for a step: a pair that does not fit is asked for again. */
static const char *make_account(fdo_plan_run *p)
{
    int door = door_of(&p->step), security = security_of(&p->step);
    const char *wrong;

    if (p->fdo->config.lwm2m == NULL)
        return "this owner has no LwM2M server whose accounts it could hand over";
    if (security == X509 && p->handover.certificate[0] == 0)
        return "an account with a certificate goes behind a step fdo.csr that the device took";
    wrong = fdo_handover_name(p->fdo, &p->handover, &p->plan);
    if (wrong != NULL)
        return wrong;
    p->handover.grants[door] = (fdo_grant){ .given = false };
    if (security != NOSEC)
        wrong = fdo_handover_grant(&p->handover, (tsr_fdo_door)door, security == PSK);
    if (wrong != NULL)
        return wrong;
    rest_room(&p->data, ACCOUNT_MAX);
    put_account(p, &p->handover.grants[door], door, security, &p->data);
    return p->data.err == TSR_OK ? NULL : "the account is too long";
}

static fdo_say say_account(fdo_plan_run *p, tsr_buf *out)
{
    switch (p->phase) {
    case 0: fdo_say_bool(out, module, "active", true); return FDO_SAID;
    case 1:
        if (p->data.ptr == NULL)
            p->wrong = make_account(p);
        if (p->wrong != NULL)
            return FDO_WAITS;
        tsr_fdo_put_info(out, module, "account", tsr_buf_view(&p->data));
        return FDO_SAID;
    default: return FDO_WAITS;
    }
}

/* --- what the device says --------------------------------------------------------------- */

static const char *take_refusal(tsr_fdo *f, fdo_plan_run *p, tsr_bytes value)
{
    tsr_bytes text = { NULL, 0 };
    bool optional = false;

    (void)tsr_cbor_get_text(&value, &text);
    (void)tsr_json_find_bool(&p->step, "optional", &optional);
    fdo_log(f, !optional, "fdo: device %s does not take an account: %.*s", p->guid,
            (int)(text.len < 100 ? text.len : 100), (const char *)text.ptr);
    if (!optional)
        return "the device does not take an account of its plan";
    fdo_step_over(p);
    return NULL;
}

static const char *take_account(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    uint64_t n;

    if (tsr_same(message, tsr_text("error")))
        return take_refusal(f, p, value);
    if (!tsr_same(message, tsr_text("done")))
        return NULL;
    if (p->phase < 2 || tsr_cbor_get_uint(&value, &n) != TSR_OK)
        return "tessera.lwm2m:done is no number, or comes before an account";
    p->handover.grants[door_of(&p->step)].given = true;
    fdo_step_over(p);
    return NULL;
}

const fdo_module fdo_lwm2m = { "tessera.lwm2m", check_account, say_account, take_account };
