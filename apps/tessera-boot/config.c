/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-boot/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/fwu/trust.h"
#include "ports/linux/ini/ini.h"

typedef enum { TEXT, LIST, NUMBER } kind;

typedef struct {
    const char *section, *name;
    kind kind;
    size_t at, room;    /* TEXT, LIST: room of one text */
    size_t count_at;    /* LIST */
    uint32_t low, high; /* NUMBER */
} key;

#define AT(field)            offsetof(boot_config, field)
#define TEXT_AT(field)       TEXT, AT(field), sizeof(((boot_config *)0)->field), 0, 0, 0
#define LIST_AT(list, count) LIST, AT(list), BOOT_PATH, AT(count), 0, 0
#define NUMBER_AT(field, low, high) NUMBER, AT(field), 0, 0, low, high

static const key keys[] = {
    { "boot", "store", TEXT_AT(store) },
    { "boot", "slots", TEXT_AT(slots) },
    { "boot", "trial", NUMBER_AT(trial_s, 1, 86400) },
    { "boot", "start", NUMBER_AT(start_s, 1, 3600) },
    { "boot", "stop", NUMBER_AT(stop_s, 1, 3600) },
    { "boot", "backoff_ms", NUMBER_AT(backoff_ms, 10, 60000) },
    { "boot", "backoff_max_ms", NUMBER_AT(backoff_max_ms, 10, 3600000) },
    { "secured", "program", TEXT_AT(secured.program) },
    { "secured", "user", TEXT_AT(secured.user) },
    { "secured", "socket", TEXT_AT(socket) },
    { "secured", "option", LIST_AT(secured.option, secured.option_count) },
    { "daemon", "entry", TEXT_AT(entry) },
    { "daemon", "config", TEXT_AT(config) },
    { "daemon", "user", TEXT_AT(daemon.user) },
    { "daemon", "option", LIST_AT(daemon.option, daemon.option_count) },
};
enum { KEYS = sizeof keys / sizeof keys[0] };

typedef struct {
    tsr_ini ini;
    boot_config *c;
    char section[16];
} reader;

static tsr_err fail(const reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static tsr_err fail(const reader *r, const char *format, ...)
{
    va_list args;
    tsr_err err;

    va_start(args, format);
    err = tsr_ini_say(&r->ini, r->ini.line, format, args);
    va_end(args);
    return err;
}

static tsr_err take_text(const reader *r, const key *k, char *to, const char *value)
{
    if (strlen(value) >= k->room)
        return fail(r, "the value of '%s' is longer than %zu bytes; shorten it", k->name, k->room - 1);
    memcpy(to, value, strlen(value) + 1);
    return TSR_OK;
}

static tsr_err take(const reader *r, const key *k, const char *value)
{
    char *base = (char *)r->c;
    uint64_t n;
    tsr_err err;

    switch (k->kind) {
    case TEXT: return take_text(r, k, base + k->at, value);
    case LIST: {
        size_t *count = (size_t *)(void *)(base + k->count_at);

        if (*count == BOOT_OPTIONS)
            return fail(r, "more than %d lines of '%s'; remove one", BOOT_OPTIONS, k->name);
        err = take_text(r, k, base + k->at + *count * k->room, value);
        *count += err == TSR_OK;
        return err;
    }
    default:
        if (tsr_dec(tsr_text(value), &n) != TSR_OK || n < k->low || n > k->high)
            return fail(r, "'%s' is no whole number from %u to %u; '%s' takes one", value, k->low,
                        k->high, k->name);
        *(uint32_t *)(void *)(base + k->at) = (uint32_t)n;
        return TSR_OK;
    }
}

static tsr_err key_line(void *user, char *name, char *value)
{
    const reader *r = user;
    char known[256] = "";
    size_t n = 0;

    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, r->section) != 0)
            continue;
        if (strcmp(keys[i].name, name) == 0)
            return take(r, &keys[i], value);
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n != 0 ? ", " : "", keys[i].name);
    }
    if (r->section[0] == '\0')
        return fail(r, "'%s' stands before the first section; put it under [boot]", name);
    return fail(r, "unknown key '%s' in [%s]; known are: %s", name, r->section, known);
}

static tsr_err section_line(void *user, char *name)
{
    reader *r = user;

    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, name) != 0)
            continue;
        (void)snprintf(r->section, sizeof r->section, "%s", keys[i].section);
        return TSR_OK;
    }
    return fail(r, "unknown section [%s]; known are: boot, secured, daemon", name);
}

static tsr_err check(const reader *r)
{
    const boot_config *c = r->c;

    if (c->store[0] == '\0' || c->slots[0] == '\0')
        return fail(r, "store or slots is not there; name both directories under [boot]");
    if (c->secured.program[0] != '/')
        return fail(r, "program is not an absolute path; name tessera-secured under [secured]");
    if (c->config[0] == '\0')
        return fail(r, "no config; name the daemon's configuration under [daemon]");
    if (c->backoff_max_ms < c->backoff_ms)
        return fail(r, "backoff_max_ms is less than backoff_ms; raise it");
    return TSR_OK;
}

/* Who wrote this file says what is started, and as whom. */
static tsr_err open_trusted(const char *path, FILE **f, char *error, size_t error_len)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *why = fd >= 0 ? tsr_untrusted(fd, S_IFREG) : NULL;

    *f = fd >= 0 && why == NULL ? fdopen(fd, "r") : NULL;
    if (*f != NULL)
        return TSR_OK;
    (void)snprintf(error, error_len, "%s: %s%s", path, why != NULL ? why : strerror(errno),
                   why != NULL ? "" : "; name the file with --config");
    if (fd >= 0)
        (void)close(fd);
    return why != NULL ? TSR_E_DENIED : TSR_E_NOT_FOUND;
}

tsr_err boot_config_load(const char *path, boot_config *c, char *error, size_t error_len)
{
    reader r = { .ini = { .path = path, .error = error, .error_len = error_len,
                          .section = section_line, .key = key_line },
                 .c = c };
    FILE *f;
    tsr_err err;

    *c = (boot_config){ .trial_s = 300, .start_s = 30, .stop_s = 30, .backoff_ms = 500,
                        .backoff_max_ms = 30000, .socket = "/run/tessera/secured.sock",
                        .entry = "bin/tesserad" };
    error[0] = '\0';
    if ((err = open_trusted(path, &f, error, error_len)) != TSR_OK)
        return err;
    r.ini.user = &r;
    err = tsr_ini_read(&r.ini, f);
    (void)fclose(f);
    return err == TSR_OK ? check(&r) : err;
}
