/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-server/options.h"

#include "server/bootstrap/bootstrap.h"

#include <errno.h>
#include <stdio.h>

const char options_help[] =
    "usage: tessera-server [option ...]\n"
    "\n"
    "  --coap ADDRESS:PORT     plain CoAP; may be given 4 times (127.0.0.1:5683)\n"
    "  --coaps ADDRESS:PORT    CoAP over DTLS; may be given 4 times (127.0.0.1:5684)\n"
    "  --coap-tcp ADDRESS:PORT, --coaps-tcp ADDRESS:PORT\n"
    "                          CoAP over TCP, and over TLS (off); may be given 4 times each\n"
    "  --bootstrap-coap ADDRESS:PORT, --bootstrap-coaps ADDRESS:PORT\n"
    "  --bootstrap-coap-tcp ADDRESS:PORT, --bootstrap-coaps-tcp ADDRESS:PORT\n"
    "                          the bootstrap server (off); may be given 4 times each\n"
    "  --bootstrap-nosec       bootstrap devices without a bootstrap credential over plain CoAP\n"
    "  --http ADDRESS:PORT     REST and console (127.0.0.1:8080), or off\n"
    "  --token-file FILE       lines of NAME ROLE TOKEN, where ROLE is full or read and TOKEN may be a digest\n"
    "                          (tessera operators new), or one bearer token alone; needed beyond loopback;\n"
    "                          read again at SIGHUP\n"
    "  --data DIR              where everything is kept (tessera-data)\n"
    "  --allow-nosec           let devices without a credential register over plain CoAP\n"
    "  --certificate FILE      the server's certificate, PEM or DER, ECDSA P-256\n"
    "  --key FILE              its private key\n"
    "  --trust FILE            CA certificates (PEM) for those of devices\n"
    "  --enrol-certificate FILE, --enrol-key FILE\n"
    "                          the CA that devices enrol with at the bootstrap addresses over DTLS\n"
    "                          (RFC 9148), and its key; its certificates are trusted, too\n"
    "  --enrol-lifetime SECONDS  of the certificates that it gives (31536000)\n"
    "  --enrol-live N          most of one device's that have neither ended nor been revoked (8)\n"
    "  --enrol-psk             let sessions with pre-shared keys enrol, too\n"
    "  --shards N              threads, 1 to 64 (one per core)\n"
    "  --devices N             most peers per shard (65536)\n"
    "  --events N              events kept (100000)\n"
    "  --audit N               entries of the audit log kept: N of changes, N of refusals (20000)\n"
    "  --history N             values kept per resource (100)\n"
    "  --awake SECONDS         how long a queue-mode device listens (93)\n"
    "  --queue N               requests that wait for all devices together (100000)\n"
    "  --queue-device N        and for one device (256)\n"
    "  --queue-keep SECONDS    how long the result of such a request is kept (86400)\n"
    "  --park SECONDS          idle DTLS sessions are parked after (60)\n"
    "  --no-cid                no DTLS Connection IDs\n"
    "  --forget-observations   a new Register ends observations, instead of renewing them\n"
    "  --quiet-updates         no event for an Update that changes nothing\n"
    "  --fdo ADDRESS:PORT      FIDO Device Onboard (off); --help-fdo says more\n"
    "  --log-level LEVEL       error, warning, info, debug (info)\n"
    "  --config FILE           lines of: name = value  (names as above, without --)\n"
    "  --help, --help-fdo, --version\n";

typedef tsr_err setter(options *o, const char *value, const char **cause);

/* --- values ----------------------------------------------------------------------------- */

static tsr_err number(const char *value, uint64_t low, uint64_t high, uint64_t *out,
                      const char **cause)
{
    *cause = "it must be a whole number in the range that --help names";
    if (tsr_dec(tsr_text(value), out) != TSR_OK || *out < low || *out > high)
        return TSR_E_ARGUMENT;
    return TSR_OK;
}

static tsr_err address(const char *value, tsr_address *out, const char **cause)
{
    *cause = "it must be ADDRESS:PORT with a numeric address, as 127.0.0.1:5683 or [::1]:5683";
    return tsr_address_parse(value, out) == TSR_OK && !out->stream ? TSR_OK : TSR_E_ARGUMENT;
}

static tsr_err text(const char *value, char *out, const char **cause)
{
    *cause = "it must be 1 to 1023 bytes long";
    if (value[0] == 0 || strlen(value) > 1023)
        return TSR_E_ARGUMENT;
    memcpy(out, value, strlen(value) + 1);
    return TSR_OK;
}

static tsr_err listen_at(const char *value, tsr_address *list, unsigned *count, const char **cause)
{
    tsr_err err = address(value, &list[*count < TSR_SERVER_LISTEN_MAX ? *count : 0], cause);

    if (err == TSR_OK && *count == TSR_SERVER_LISTEN_MAX) {
        *cause = "at most 4 addresses may be named";
        return TSR_E_ARGUMENT;
    }
    if (err == TSR_OK)
        ++*count;
    return err;
}

static tsr_err set_http(options *o, const char *v, const char **cause)
{
    o->no_http = strcmp(v, "off") == 0;
    return o->no_http ? TSR_OK : address(v, &o->http, cause);
}

static tsr_err set_log_level(options *o, const char *v, const char **cause)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };

    *cause = "it must be error, warning, info or debug";
    for (int i = 0; i < 4; i++)
        if (strcmp(v, names[i]) == 0) {
            o->log_level = (tsr_log_level)i;
            return TSR_OK;
        }
    return TSR_E_ARGUMENT;
}

static tsr_err yes_no(const char *v, bool *out, const char **cause)
{
    *cause = "it must be yes or no";
    if (strcmp(v, "yes") != 0 && strcmp(v, "no") != 0)
        return TSR_E_ARGUMENT;
    *out = v[0] == 'y';
    return TSR_OK;
}

/* --- names ------------------------------------------------------------------------------ */

typedef enum {
    OWN,    /* `set` knows what to do with it */
    FLAG,   /* on the command line without a value */
    TEXT,
    LISTEN, /* an address more; `count` of them are there */
    COUNT,  /* 32 bits, from low to high */
    COUNT_MS, /* the same, given in seconds and kept in milliseconds */
    COUNT_64,
} kind;

typedef struct {
    const char *name;
    kind kind;
    size_t at;    /* of what it sets, in options */
    size_t count;
    uint64_t low, high;
    setter *set;
} option;

#define AT(field) offsetof(options, field)
#define ADDRESSES(field) LISTEN, AT(server.field), AT(server.field##_count), 0, 0, NULL
#define YES(field) FLAG, AT(server.field), 0, 0, 0, NULL
#define FILE_NAME(field) TEXT, AT(field), 0, 0, 0, NULL
#define FROM_TO(kind, field, low, high) kind, AT(server.field), 0, low, high, NULL

static const option known[] = {
    { "coap", ADDRESSES(coap) },
    { "coaps", ADDRESSES(coaps) },
    { "coap-tcp", ADDRESSES(coap_tcp) },
    { "coaps-tcp", ADDRESSES(coaps_tcp) },
    { "bootstrap-coap", ADDRESSES(bootstrap_coap) },
    { "bootstrap-coaps", ADDRESSES(bootstrap_coaps) },
    { "bootstrap-coap-tcp", ADDRESSES(bootstrap_coap_tcp) },
    { "bootstrap-coaps-tcp", ADDRESSES(bootstrap_coaps_tcp) },
    { "bootstrap-nosec", YES(bootstrap_nosec) },
    { "http", OWN, 0, 0, 0, 0, set_http },
    { "token-file", FILE_NAME(token_file) },
    { "data", FILE_NAME(data) },
    { "allow-nosec", YES(allow_nosec) },
    { "certificate", FILE_NAME(certificate) },
    { "key", FILE_NAME(key) },
    { "trust", FILE_NAME(trust) },
    { "enrol-certificate", FILE_NAME(enrol_certificate) },
    { "enrol-key", FILE_NAME(enrol_key) },
    { "enrol-lifetime", FROM_TO(COUNT, enrol_lifetime_s, 10, 3153600000) },
    { "enrol-live", FROM_TO(COUNT, enrol_live, 1, 1000) },
    { "enrol-psk", YES(enrol_psk) },
    { "shards", FROM_TO(COUNT, shards, 1, TSR_ENGINE_SHARDS_MAX) },
    { "devices", FROM_TO(COUNT, devices, 1, 1u << 22) },
    { "events", FROM_TO(COUNT_64, event_ring, 1, 1000000000) },
    { "audit", COUNT_64, AT(audit), 0, 1, 10000000, NULL },
    { "history", FROM_TO(COUNT, history, 1, 1000000) },
    { "awake", FROM_TO(COUNT_MS, awake_ms, 1, 86400) },
    { "queue", FROM_TO(COUNT, queue_all, 1, 1000000) },
    { "queue-device", FROM_TO(COUNT, queue_device, 1, 1000000) },
    { "queue-keep", FROM_TO(COUNT, queue_keep_s, 1, 31536000) },
    { "park", FROM_TO(COUNT_MS, park_ms, 1, 86400) },
    { "no-cid", YES(no_cid) },
    { "forget-observations", YES(forget_observations) },
    { "quiet-updates", YES(quiet_updates) },
    { "log-level", OWN, 0, 0, 0, 0, set_log_level },
    { "fdo", OWN, 0, 0, 0, 0, options_set_fdo },
    { "fdo-roles", OWN, 0, 0, 0, 0, options_set_fdo_roles },
    { "fdo-manufacturer-key", OWN, 0, 0, 0, 0, options_add_fdo_manufacturer_key },
    { "fdo-owner-key", OWN, 0, 0, 0, 0, options_add_fdo_owner_key },
    { "fdo-rendezvous", OWN, 0, 0, 0, 0, options_add_fdo_rendezvous },
    { "fdo-owner-place", OWN, 0, 0, 0, 0, options_add_fdo_owner_place },
    { "fdo-owner-trust", OWN, 0, 0, 0, 0, options_add_fdo_owner_trust },
    { "fdo-rendezvous-ca", FILE_NAME(fdo_rendezvous_ca) },
    { "fdo-device-ca", FILE_NAME(fdo_device_ca) },
    { "fdo-device-ca-key", FILE_NAME(fdo_device_ca_key) },
    { "fdo-device-trust", FILE_NAME(fdo_device_trust) },
    { "fdo-next-owner", FILE_NAME(fdo_next_owner) },
    { "fdo-any-owner", FLAG, AT(fdo.any_owner), 0, 0, 0, NULL },
    { "fdo-reuse", FLAG, AT(fdo.reuse), 0, 0, 0, NULL },
    { "fdo-short-mac-keys", FLAG, AT(fdo.short_mac_keys), 0, 0, 0, NULL },
    { "fdo-delay", COUNT, AT(fdo.delay_s), 0, 1, 86400, NULL },
    { "fdo-wait", COUNT, AT(fdo.wait_max_s), 0, 1, UINT32_MAX, NULL },
    { "fdo-run-time", COUNT, AT(fdo_run_s), 0, 1, 86400, NULL },
    { "fdo-rate", COUNT, AT(fdo.rate), 0, 1, 100000, NULL },
    { "fdo-peer-rate", COUNT, AT(fdo.peer_rate), 0, 1, 100000, NULL },
    { "fdo-sessions", COUNT, AT(fdo.sessions), 0, 1, 1000000, NULL },
};

enum { KNOWN = sizeof known / sizeof *known };

static tsr_err set_count(const option *p, void *at, const char *value, const char **cause)
{
    uint64_t n = 0;
    tsr_err err = number(value, p->low, p->high, &n, cause);

    if (err != TSR_OK)
        return err;
    if (p->kind == COUNT_64)
        *(uint64_t *)at = n;
    else
        *(uint32_t *)at = (uint32_t)(p->kind == COUNT_MS ? n * 1000 : n);
    return TSR_OK;
}

static tsr_err set(options *o, const option *p, const char *value, const char **cause)
{
    char *base = (char *)o;
    void *at = base + p->at;

    switch (p->kind) {
    case OWN:    return p->set(o, value, cause);
    case FLAG:   return yes_no(value, at, cause);
    case TEXT:   return text(value, at, cause);
    case LISTEN: return listen_at(value, at, (void *)(base + p->count), cause);
    default:     return set_count(p, at, value, cause);
    }
}

static int find(const char *name)
{
    int i = 0;

    while (i < KNOWN && strcmp(known[i].name, name) != 0)
        i++;
    return i;
}

/* --- the file --------------------------------------------------------------------------- */

static char *trimmed(char *s)
{
    size_t n;

    while (*s == ' ' || *s == '\t')
        s++;
    n = strlen(s);
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\n' || s[n - 1] == '\r'))
        s[--n] = 0;
    return s;
}

static tsr_err read_line(options *o, char *line, const char *file, int number_of,
                         char why[OPTIONS_WHY])
{
    char *hash = strchr(line, '#'), *equals, *name, *value;
    const char *cause = "";
    int i;

    if (hash)
        *hash = 0;
    line = trimmed(line);
    if (!*line)
        return TSR_OK;
    equals = strchr(line, '=');
    if (!equals) {
        (void)snprintf(why, OPTIONS_WHY, "%s:%d: \"%.60s\" has no '='; write: name = value", file,
                       number_of, line);
        return TSR_E_ARGUMENT;
    }
    *equals = 0;
    name = trimmed(line);
    value = trimmed(equals + 1);
    i = find(name);
    if (i == KNOWN) {
        (void)snprintf(why, OPTIONS_WHY,
                       "%s:%d: there is no option \"%.60s\"; see tessera-server --help", file,
                       number_of, name);
        return TSR_E_ARGUMENT;
    }
    if (set(o, &known[i], value, &cause) == TSR_OK)
        return TSR_OK;
    (void)snprintf(why, OPTIONS_WHY, "%s:%d: %s = \"%.60s\": %s", file, number_of, name, value,
                   cause);
    return TSR_E_ARGUMENT;
}

tsr_err options_file(options *o, const char *file, char why[OPTIONS_WHY])
{
    FILE *f = fopen(file, "r");
    char line[2048];
    tsr_err err = TSR_OK;
    int n = 0;

    if (!f) {
        (void)snprintf(why, OPTIONS_WHY, "%.500s: %s; name a file that can be read", file,
                       strerror(errno));
        return TSR_E_IO;
    }
    while (err == TSR_OK && fgets(line, sizeof line, f))
        err = read_line(o, line, file, ++n, why);
    (void)fclose(f);
    return err;
}

/* --- the command line ------------------------------------------------------------------- */

static tsr_err read_argument(options *o, int argc, char **argv, int *at, char why[OPTIONS_WHY])
{
    const char *argument = argv[*at], *value = "yes", *cause = "";
    int i = strncmp(argument, "--", 2) == 0 ? find(argument + 2) : KNOWN;
    bool config = strcmp(argument, "--config") == 0;

    if (i == KNOWN && !config) {
        (void)snprintf(why, OPTIONS_WHY, "there is no option \"%.60s\"; see tessera-server --help",
                       argument);
        return TSR_E_ARGUMENT;
    }
    if (config || known[i].kind != FLAG) {
        if (*at + 1 >= argc) {
            (void)snprintf(why, OPTIONS_WHY, "%s needs a value; see tessera-server --help",
                           argument);
            return TSR_E_ARGUMENT;
        }
        value = argv[++*at];
    }
    if (config)
        return options_file(o, value, why);
    if (set(o, &known[i], value, &cause) == TSR_OK)
        return TSR_OK;
    (void)snprintf(why, OPTIONS_WHY, "%s \"%.60s\": %s", argument, value, cause);
    return TSR_E_ARGUMENT;
}

static void fill_defaults(options *o)
{
    if (!o->server.coap_count && !o->server.coaps_count && !o->server.coap_tcp_count &&
        !o->server.coaps_tcp_count) {
        (void)tsr_address_parse("127.0.0.1:5683", &o->server.coap[o->server.coap_count++]);
        (void)tsr_address_parse("127.0.0.1:5684", &o->server.coaps[o->server.coaps_count++]);
    }
    if (o->server.bootstrap_coap_count || o->server.bootstrap_coaps_count ||
        o->server.bootstrap_coap_tcp_count || o->server.bootstrap_coaps_tcp_count ||
        (o->with_fdo && o->enrol_certificate[0])) /* fdo.csr enrols with that authority, too */
        o->server.bootstrap = &tsr_bootstrap_service;
    o->server.data = o->data;
    o->server.certificate = o->certificate[0] ? o->certificate : NULL;
    o->server.key = o->key[0] ? o->key : NULL;
    o->server.trust = o->trust[0] ? o->trust : NULL;
    o->server.enrol_certificate = o->enrol_certificate[0] ? o->enrol_certificate : NULL;
    o->server.enrol_key = o->enrol_key[0] ? o->enrol_key : NULL;
    o->fdo.rendezvous_ca = o->fdo_rendezvous_ca[0] ? o->fdo_rendezvous_ca : NULL;
    o->fdo.device_ca = o->fdo_device_ca[0] ? o->fdo_device_ca : NULL;
    o->fdo.device_ca_key = o->fdo_device_ca_key[0] ? o->fdo_device_ca_key : NULL;
    o->fdo.device_trust = o->fdo_device_trust[0] ? o->fdo_device_trust : NULL;
    o->fdo.next_owner = o->fdo_next_owner[0] ? o->fdo_next_owner : NULL;
    o->fdo.session_ms = 1000 * o->fdo_run_s;
}

tsr_err options_read(options *o, int argc, char **argv, char why[OPTIONS_WHY])
{
    tsr_err err = TSR_OK;

    *o = (options){ .log_level = TSR_LOG_INFO, .data = "tessera-data" };
    o->fdo.roles = TSR_FDO_MANUFACTURER | TSR_FDO_RENDEZVOUS | TSR_FDO_OWNER;
    (void)tsr_address_parse("127.0.0.1:8080", &o->http);
    for (int i = 1; i < argc && err == TSR_OK; i++) {
        if (strcmp(argv[i], "--help") == 0)
            o->help = true;
        else if (strcmp(argv[i], "--help-fdo") == 0)
            o->help_fdo = true;
        else if (strcmp(argv[i], "--version") == 0)
            o->version = true;
        else
            err = read_argument(o, argc, argv, &i, why);
    }
    fill_defaults(o);
    return err;
}
