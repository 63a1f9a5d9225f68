/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/config_in.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tessera/base/hex.h"

typedef enum { TEXT, BYTES, DECIMAL, NUMBER, WORD, SERVER_NUMBER, SERVER_WORD } kind;

/* One key: where its value goes, and what it may be. SERVER_* go to number[room]. */
typedef struct config_key {
    const char *name;
    kind kind;
    size_t at, room;
    uint32_t low, high;
    const char *const *words; /* the value is the index, or ... */
    const uint32_t *values;   /* ... one of these, by index */
} key;

static const char *const yes_no[] = { "no", "yes", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const modes[] = { "psk", "certificate", "nosec", "est", NULL };
static const uint32_t mode_values[] = { TSR_LWM2M_MODE_PSK, TSR_LWM2M_MODE_CERTIFICATE,
                                        TSR_LWM2M_MODE_NOSEC, TSR_LWM2M_MODE_ENROL };
static const char *const curves[] = { "p256", "p384", NULL };
static const uint32_t curve_bits[] = { 256, 384 };
static const char *const reboots[] = { "restart", "system", "none", NULL };
static const char *const usages[] = { "ca", "service", "anchor", "exact", NULL };
static const char *const versions[] = { "1.0", "1.1", "1.2", NULL };
static const char *const notify[] = { "non", "con", NULL };
static const char *const send_modes[] = { "con", "non", NULL };
static const char *const send_full[] = { "drop-oldest", "drop-newest", NULL };

#define TEXT_AT(type, field) TEXT, offsetof(type, field), sizeof(((type *)0)->field), 0, 0, NULL, NULL
#define BYTES_AT(type, field, most) BYTES, offsetof(type, field), most, 0, 0, NULL, NULL
#define NUMBER_AT(type, field, low, high) NUMBER, offsetof(type, field), 0, low, high, NULL, NULL
#define DECIMAL_AT(type, field, limit) DECIMAL, offsetof(type, field), 0, 0, limit, NULL, NULL
#define WORD_AT(type, field, words) WORD, offsetof(type, field), 0, 0, 0, words, NULL
#define RESOURCE(id, low, high) SERVER_NUMBER, 0, id, low, high, NULL, NULL

static const key device_keys[] = {
    { "endpoint", TEXT_AT(config, endpoint) },
    { "state", TEXT_AT(config, state) },
    { "manufacturer", TEXT_AT(config, manufacturer) },
    { "model", TEXT_AT(config, model) },
    { "serial", TEXT_AT(config, serial) },
    { "firmware", TEXT_AT(config, firmware) },
    { "hardware", TEXT_AT(config, hardware) },
    { "type", TEXT_AT(config, type) },
    { "trust", TEXT_AT(config, trust) },
    { "self_test", TEXT_AT(config, self_test) },
    { "reboot", WORD_AT(config, reboot, reboots) },
    { "deregister_on_exit", WORD_AT(config, deregister, yes_no) },
    { "refresh", NUMBER_AT(config, refresh_s, 1, 3600) },
    { "lwm2m", WORD_AT(config, version, versions) },
    { "alternate_path", TEXT_AT(config, root) },
    { "sms", TEXT_AT(config, sms) },
    { "profile", TEXT_AT(config, profile) },
    { "profile_covers", TEXT_AT(config, profile_covers) },
    { "history", NUMBER_AT(config, history, 0, 1u << 24) },
    { "queue", WORD_AT(config, queue, yes_no) },
    { "awake", NUMBER_AT(config, awake_s, 1, 86400) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key secured_keys[] = {
    { "socket", TEXT_AT(config, secured) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key log_keys[] = {
    { "level", WORD_AT(config, log_level, levels) },
    { "kernel", WORD_AT(config, kernel_log, yes_no) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key location_keys[] = {
    { "latitude", DECIMAL_AT(config, latitude, 90) },
    { "longitude", DECIMAL_AT(config, longitude, 180) },
    { "altitude", DECIMAL_AT(config, altitude, 100000) },
    { "radius", DECIMAL_AT(config, radius, 100000) },
    { "file", TEXT_AT(config, location_file) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key network_keys[] = {
    { "interface", TEXT_AT(config, interface) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key update_keys[] = {
    { "push_wait", NUMBER_AT(config, push_wait_s, 1, 86400) },
    { "pull_tries", NUMBER_AT(config, pull_tries, 0, 255) },
    { "trust", TEXT_AT(config, update_trust) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key software_keys[] = {
    { "directory", TEXT_AT(config, software.directory) },
    { "anchor", TEXT_AT(config, software.anchor) },
    { "vendor", TEXT_AT(config, software.vendor) },
    { "class", TEXT_AT(config, software.class_id) },
    { "user", TEXT_AT(config, software.user) },
    { "instances", NUMBER_AT(config, software.instances, 0, CONFIG_SOFTWARE) },
    { "size", NUMBER_AT(config, software.size, 1024, 1u << 30) },
    { "memory", NUMBER_AT(config, software.memory_mb, 8, 1u << 20) },
    { "data", NUMBER_AT(config, software.data_mb, 1, 1u << 20) },
    { "network", WORD_AT(config, software.network, yes_no) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key fdo_keys[] = {
    { "manufacturer", TEXT_AT(config, fdo.manufacturer) },
    { "trust", TEXT_AT(config, fdo.trust) },
    { "info", TEXT_AT(config, fdo.info) },
    { "key", WORD, offsetof(config, fdo.bits), 0, 0, 0, curves, curve_bits },
    { "reuse", WORD_AT(config, fdo.reuse, yes_no) },
    { "answer_time", NUMBER_AT(config, fdo.answer_s, 1, 600) },
    { "retry_time", NUMBER_AT(config, fdo.retry_s, 1, 600) },
    { "root", TEXT_AT(config, fdo.root) },
    { "file_size", NUMBER_AT(config, fdo.file_size, 1, 1u << 30) },
    { "wget", WORD_AT(config, fdo.wget, yes_no) },
    { "wget_time", NUMBER_AT(config, fdo.wget_s, 1, 86400) },
    { "commands", TEXT_AT(config, fdo.commands_text) },
    { "command_time", NUMBER_AT(config, fdo.command_s, 1, 3600) },
    { "command_output", NUMBER_AT(config, fdo.command_output, 0, 1u << 20) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key coap_keys[] = {
    { "ack_timeout_ms", NUMBER_AT(config, ack_timeout_ms, 50, 60000) },
    { "max_retransmit", NUMBER_AT(config, max_retransmit, 0, 10) },
    { "block_size", NUMBER_AT(config, block_size, 16, 1024) },
    { "handshake_ms", NUMBER_AT(config, handshake_ms, 50, 60000) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

/* How any server, of management or bootstrap, is reached. */
#define REACHED                                                                                    \
    { "uri", TEXT_AT(config_server, uri) },                                                        \
    { "mode", WORD, offsetof(config_server, mode), 0, 0, 0, modes, mode_values },                  \
    { "identity", TEXT_AT(config_server, identity) },                                              \
    { "key", NUMBER_AT(config_server, key, 1, 0x3fffffff) },                                       \
    { "certificate", TEXT_AT(config_server, certificate) },                                        \
    { "server_certificate", TEXT_AT(config_server, server_certificate) },                          \
    { "certificate_usage", WORD_AT(config_server, certificate_usage, usages) },                    \
    { "server_name", TEXT_AT(config_server, server_name) },                                        \
    { "ciphersuites", TEXT_AT(config_server, suite_text) },                                        \
    { "oscore_key", NUMBER_AT(config_server, oscore_key, 1, 0x3fffffff) },                         \
    { "oscore_sender", BYTES_AT(config_server, oscore_sender, 7) },                                \
    { "oscore_recipient", BYTES_AT(config_server, oscore_recipient, 7) },                          \
    { "oscore_salt", BYTES_AT(config_server, oscore_salt, 64) },                                   \
    { "oscore_context", BYTES_AT(config_server, oscore_context, 64) },                             \
    { "oscore_aead", NUMBER_AT(config_server, oscore_aead, 1, 255) },

static const key server_keys[] = {
    REACHED
    { "access", TEXT_AT(config_server, access) },
    { "owner", WORD_AT(config_server, owner, yes_no) },
    { "lifetime", RESOURCE(TSR_LWM2M_S_LIFETIME, 0, UINT32_MAX) },
    { "pmin", RESOURCE(TSR_LWM2M_S_PMIN, 0, UINT32_MAX) },
    { "pmax", RESOURCE(TSR_LWM2M_S_PMAX, 0, UINT32_MAX) },
    { "disable_timeout", RESOURCE(TSR_LWM2M_S_DISABLE_TIMEOUT, 0, UINT32_MAX) },
    { "initial_delay", RESOURCE(TSR_LWM2M_S_INITIAL_DELAY, 0, UINT32_MAX) },
    { "order", RESOURCE(TSR_LWM2M_S_ORDER, 0, UINT32_MAX) },
    { "failure_block", SERVER_WORD, 0, TSR_LWM2M_S_FAILURE_BLOCK, 0, 0, yes_no, NULL },
    { "retry_count", RESOURCE(TSR_LWM2M_S_RETRY_COUNT, 1, 255) },
    { "retry_timer", RESOURCE(TSR_LWM2M_S_RETRY_TIMER, 0, UINT32_MAX) },
    { "sequence_delay", RESOURCE(TSR_LWM2M_S_SEQUENCE_DELAY, 0, UINT32_MAX) },
    { "sequence_count", RESOURCE(TSR_LWM2M_S_SEQUENCE_COUNT, 0, 255) },
    { "storing", SERVER_WORD, 0, TSR_LWM2M_S_STORING, 0, 0, yes_no, NULL },
    { "notify", SERVER_WORD, 0, TSR_LWM2M_S_NOTIFY_MODE, 0, 0, notify, NULL },
    { "mute_send", SERVER_WORD, 0, TSR_LWM2M_S_MUTE_SEND, 0, 0, yes_no, NULL },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key send_keys[] = {
    { "paths", TEXT_AT(config, send.text) },
    { "every", NUMBER_AT(config, send.every_s, 1, 86400) },
    { "mode", WORD_AT(config, send.non, send_modes) },
    { "full", WORD_AT(config, send.full, send_full) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key bootstrap_keys[] = {
    REACHED
    { "hold_off", NUMBER_AT(config_server, hold_off_s, 0, 86400) },
    { "account_timeout", NUMBER_AT(config_server, account_timeout_s, 0, UINT32_MAX) },
    { "pack", WORD_AT(config_server, pack, yes_no) },
    { "retry_count", RESOURCE(TSR_LWM2M_S_RETRY_COUNT, 1, 255) },
    { "retry_timer", RESOURCE(TSR_LWM2M_S_RETRY_TIMER, 1, UINT32_MAX) },
    { "sequence_delay", RESOURCE(TSR_LWM2M_S_SEQUENCE_DELAY, 1, UINT32_MAX) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key light_keys[] = {
    { "led", TEXT_AT(config_light, led) },
    { "file", TEXT_AT(config_light, file) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static const key container_keys[] = {
    { "directory", TEXT_AT(config_container, directory) },
    { "description", TEXT_AT(config_container, description) },
    { "format", TEXT_AT(config_container, format) },
    { "priority", NUMBER_AT(config_container, priority, 0, 255) },
    { "app", NUMBER_AT(config_container, app, 0, 65535) },
    { "software", NUMBER_AT(config_container, software, 0, 65534) },
    { "user", TEXT_AT(config_container, user) },
    { "group", TEXT_AT(config_container, group) },
    { NULL, TEXT, 0, 0, 0, 0, NULL, NULL },
};

static void list_words(const char *const *words, char *text, size_t cap)
{
    size_t n = 0;

    text[0] = '\0';
    for (; *words != NULL && n < cap; words++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", n != 0 ? ", " : "", *words);
}

static void list_keys(const key *keys, char *text, size_t cap)
{
    size_t n = 0;

    text[0] = '\0';
    for (; keys->name != NULL && n < cap; keys++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", n != 0 ? ", " : "", keys->name);
}

static tsr_err take_text(const reader *r, const key *k, const char *value)
{
    if (strlen(value) >= k->room)
        return fail(r, r->ini.line, "the value of '%s' is longer than %zu bytes; shorten it", k->name,
                    k->room - 1);
    memcpy((char *)r->base + k->at, value, strlen(value) + 1);
    return TSR_OK;
}

static tsr_err take_bytes(const reader *r, const key *k, const char *value)
{
    config_bytes *bytes = (config_bytes *)(void *)((char *)r->base + k->at);
    tsr_buf out = tsr_buf_over(bytes->bytes, k->room);
    tsr_err err = TSR_OK;

    if (strncmp(value, "0x", 2) == 0)
        err = tsr_hex_get(tsr_text(value + 2), &out);
    else
        tsr_put_text(&out, value);
    if (err == TSR_E_MALFORMED)
        return fail(r, r->ini.line, "'%s' begins with 0x and is not pairs of hexadecimal digits; "
                                    "correct it, or write text", k->name);
    if (out.err != TSR_OK)
        err = fail(r, r->ini.line, "the value of '%s' is longer than %zu bytes; shorten it", k->name,
                   k->room);
    bytes->len = (uint8_t)out.len;
    return err;
}

static tsr_err take_number(const reader *r, const key *k, const char *value, uint32_t *v)
{
    uint64_t n;

    if (tsr_dec(tsr_text(value), &n) != TSR_OK || n < k->low || n > k->high)
        return fail(r, r->ini.line, "'%s' is no whole number from %u to %u; '%s' takes one", value,
                    k->low, k->high, k->name);
    *v = (uint32_t)n;
    return TSR_OK;
}

static tsr_err take_decimal(const reader *r, const key *k, const char *value)
{
    config_decimal *d = (config_decimal *)(void *)((char *)r->base + k->at);
    char *end;
    double v = strtod(value, &end);

    if (end == value || *end != '\0' || !(v >= -(double)k->high && v <= (double)k->high))
        return fail(r, r->ini.line, "'%s' is no number from -%u to %u; '%s' takes one", value, k->high,
                    k->high, k->name);
    *d = (config_decimal){ true, v };
    return TSR_OK;
}

static tsr_err take_word(const reader *r, const key *k, const char *value, uint32_t *v)
{
    char words[128];

    for (uint32_t i = 0; k->words[i] != NULL; i++) {
        if (strcmp(k->words[i], value) != 0)
            continue;
        *v = k->values != NULL ? k->values[i] : i;
        return TSR_OK;
    }
    list_words(k->words, words, sizeof words);
    return fail(r, r->ini.line, "'%s' is nothing that '%s' takes; use one of: %s", value, k->name, words);
}

static tsr_err take(const reader *r, const key *k, const char *value)
{
    config_server *server = r->base;
    uint32_t *field = (uint32_t *)(void *)((char *)r->base + k->at);
    tsr_err err;

    switch (k->kind) {
    case TEXT:   return take_text(r, k, value);
    case BYTES:  return take_bytes(r, k, value);
    case DECIMAL: return take_decimal(r, k, value);
    case NUMBER: return take_number(r, k, value, field);
    case WORD:   return take_word(r, k, value, field);
    default:
        err = k->kind == SERVER_WORD ? take_word(r, k, value, &server->number[k->room])
                                     : take_number(r, k, value, &server->number[k->room]);
        if (err == TSR_OK)
            server->set |= 1u << k->room;
        return err;
    }
}

static tsr_err key_line(void *user, char *name, char *value)
{
    const reader *r = user;
    char names[640];

    if (r->keys == NULL)
        return fail(r, r->ini.line, "'%s' stands before the first section; put it under [device]", name);
    for (const key *k = r->keys; k->name != NULL; k++) {
        if (strcmp(k->name, name) == 0)
            return take(r, k, value);
    }
    list_keys(r->keys, names, sizeof names);
    return fail(r, r->ini.line, "unknown key '%s' in [%s]; known are: %s", name, r->section, names);
}

config_server *config_add(config *c, uint32_t short_id)
{
    bool bootstrap = short_id == CONFIG_BOOTSTRAP;
    config_server *s = bootstrap ? &c->bootstrap : &c->servers[c->server_count];

    if (config_find(c, short_id) != NULL || (!bootstrap && c->server_count == CONFIG_SERVERS))
        return NULL;
    *s = (config_server){ .short_id = (uint16_t)short_id, .mode = TSR_LWM2M_MODE_NOSEC,
                          .certificate_usage = 3, .pack = bootstrap };
    if (bootstrap) {
        c->has_bootstrap = true;
        return s;
    }
    c->server_count++;
    (void)snprintf(s->access, sizeof s->access, "RWEDC");
    s->rights = TSR_LWM2M_MAY_ALL;
    s->number[TSR_LWM2M_S_LIFETIME] = 86400;
    return s;
}

static config_server *add_at(const reader *r, uint32_t short_id)
{
    config_server *s = config_add(r->c, short_id);

    if (s != NULL)
        s->line = r->ini.line;
    return s;
}

static tsr_err open_server(reader *r, uint64_t id)
{
    if (id < 1 || id > 65534)
        return fail(r, r->ini.line, "a server's number is its Short Server ID, 1 to 65534; change it");
    if (config_find(r->c, (uint32_t)id) != NULL)
        return fail(r, r->ini.line, "[server %u] is there twice; number them apart", (unsigned)id);
    if (r->c->server_count == CONFIG_SERVERS)
        return fail(r, r->ini.line, "more than %d servers; remove one", CONFIG_SERVERS);
    r->keys = server_keys;
    r->base = add_at(r, (uint32_t)id);
    return TSR_OK;
}

static tsr_err open_bootstrap(reader *r)
{
    if (r->c->has_bootstrap)
        return fail(r, r->ini.line, "[bootstrap] is there twice; a device has one bootstrap server");
    r->keys = bootstrap_keys;
    r->base = add_at(r, CONFIG_BOOTSTRAP);
    return TSR_OK;
}

static tsr_err open_light(reader *r, uint64_t id)
{
    config_light *l = r->c->lights + r->c->light_count;

    if (r->c->light_count == CONFIG_LIGHTS)
        return fail(r, r->ini.line, "more than %d lights; remove one", CONFIG_LIGHTS);
    if (id > 65534 || (r->c->light_count != 0 && l[-1].id >= id))
        return fail(r, r->ini.line, "lights are numbered upwards from 0 to 65534; change this number");
    *l = (config_light){ .id = (uint16_t)id };
    r->c->light_count++;
    r->keys = light_keys;
    r->base = l;
    return TSR_OK;
}

static tsr_err open_container(reader *r, uint64_t id)
{
    config_container *c = r->c->containers + r->c->container_count;

    if (r->c->container_count == CONFIG_CONTAINERS)
        return fail(r, r->ini.line, "more than %d containers; remove one", CONFIG_CONTAINERS);
    if (id > 65534 || (r->c->container_count != 0 && c[-1].id >= id))
        return fail(r, r->ini.line, "containers are numbered upwards from 0 to 65534; change this number");
    *c = (config_container){ .id = (uint16_t)id, .line = r->ini.line, .priority = CONFIG_NONE,
                             .app = CONFIG_NONE, .software = CONFIG_NONE };
    r->c->container_count++;
    r->keys = container_keys;
    r->base = c;
    return TSR_OK;
}

static tsr_err section_line(void *user, char *name)
{
    reader *r = user;
    static const struct {
        const char *name;
        const key *keys;
    } plain[] = { { "device", device_keys }, { "secured", secured_keys }, { "log", log_keys },
                  { "location", location_keys }, { "network", network_keys }, { "coap", coap_keys },
                  { "update", update_keys }, { "send", send_keys }, { "software", software_keys },
                  { "fdo", fdo_keys } };
    char *number = strchr(name, ' ');
    uint64_t id = 0;

    (void)snprintf(r->section, sizeof r->section, "%.31s", name);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(plain[i].name, name) == 0) {
            r->keys = plain[i].keys;
            r->base = r->c;
            r->c->fdo.present |= r->keys == fdo_keys;
            return TSR_OK;
        }
    }
    if (strcmp(name, "bootstrap") == 0)
        return open_bootstrap(r);
    if (number != NULL) {
        *number++ = '\0';
        if (tsr_dec(tsr_text(number), &id) == TSR_OK && strcmp(name, "server") == 0)
            return open_server(r, id);
        if (tsr_dec(tsr_text(number), &id) == TSR_OK && strcmp(name, "light") == 0)
            return open_light(r, id);
        if (tsr_dec(tsr_text(number), &id) == TSR_OK && strcmp(name, "container") == 0)
            return open_container(r, id);
    }
    return fail(r, r->ini.line, "unknown section [%s]; known are: device, secured, log, location, network, "
                            "coap, update, software, fdo, bootstrap, send, server N, light N, container N", r->section);
}

const config_server *config_find(const config *c, uint32_t short_id)
{
    for (size_t i = 0; i < c->server_count; i++) {
        if (c->servers[i].short_id == short_id)
            return &c->servers[i];
    }
    return short_id == CONFIG_BOOTSTRAP && c->has_bootstrap ? &c->bootstrap : NULL;
}

tsr_err config_load(const char *path, config *c, char *error, size_t error_len)
{
    reader r = { .ini = { .path = path, .error = error, .error_len = error_len,
                          .section = section_line, .key = key_line },
                 .c = c };
    FILE *f = fopen(path, "re");
    struct stat about;
    tsr_err err;

    memset(c, 0, sizeof *c);
    *c = (config){ .log_level = TSR_LOG_INFO, .kernel_log = 1, .refresh_s = 1, .version = 2,
                   .awake_s = 93, .history = 16384, .ack_timeout_ms = 2000, .max_retransmit = 4, .block_size = 1024,
                   .push_wait_s = 247, .pull_tries = 10, .send = { .every_s = 60 },
                   .software = { .size = 16u << 20, .memory_mb = 256, .data_mb = 64 },
                   .fdo = { .bits = 256, .reuse = 1, .answer_s = 60, .retry_s = 10, .file_size = 16u << 20,
                            .wget_s = 600, .command_s = 60, .command_output = 65536 } };
    error[0] = '\0';
    if (f == NULL) {
        (void)snprintf(error, error_len, "%s: %s; name the file with --config", path, strerror(errno));
        return TSR_E_NOT_FOUND;
    }
    if (fstat(fileno(f), &about) == 0)
        c->written_unix_s = about.st_mtime;
    r.ini.user = &r;
    err = tsr_ini_read(&r.ini, f);
    (void)fclose(f);
    return err == TSR_OK ? config_check(&r) : err;
}
