/* SPDX-License-Identifier: Apache-2.0
 *
 * DIR/update.conf: one word and its value a line. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/fwu/internal.h"
#include "ports/linux/fwu/trust.h"
#include "tessera/json/base64.h"

/* SubjectPublicKeyInfo of P-256 up to the point (RFC 5480 §2.1.1). */
static const uint8_t spki_head[26] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};

typedef struct {
    tsr_slots *slots;
    const char *dir, *path;
    unsigned line;
} reader;

tsr_err tsr_slots_say(tsr_slots *s, tsr_err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is not seen */
    (void)vsnprintf(s->error, sizeof s->error, format, args);
    va_end(args);
    return err;
}

static tsr_err wrong(reader *r, const char *why)
{
    return tsr_slots_say(r->slots, TSR_E_MALFORMED, "%s:%u: %s", r->path, r->line, why);
}

/* A whole file that nobody but a trusted owner may write. */
static tsr_err read_file(tsr_slots *s, const char *path, char *data, size_t cap, size_t *len)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *why;
    ssize_t n = -1;

    if (fd < 0)
        return tsr_slots_say(s, errno == ENOENT ? TSR_E_NOT_FOUND : TSR_E_IO,
                             "%s: cannot be read: %s", path, strerror(errno));
    why = tsr_untrusted(fd, S_IFREG); /* whoever wrote it decides who may sign */
    if (why == NULL)
        n = read(fd, data, cap);
    (void)close(fd);
    if (why != NULL)
        return tsr_slots_say(s, TSR_E_DENIED, "%s: %s", path, why);
    if (n < 0 || (size_t)n == cap)
        return tsr_slots_say(s, TSR_E_IO, "%s: cannot be read, or is too long", path);
    *len = (size_t)n;
    return TSR_OK;
}

static tsr_fwu_component *current(reader *r)
{
    return r->slots->count > 0 ? &r->slots->components[r->slots->count - 1] : NULL;
}

static bool name_is_good(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= TSR_FWU_NAME_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static tsr_err take_component(reader *r, const char *value)
{
    tsr_slots *s = r->slots;

    if (!name_is_good(value))
        return wrong(r, "a name has letters, digits, dots, dashes; at most 32");
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->components[i].name, value) == 0)
            return wrong(r, "this component was named before");
    if (s->count == TSR_FWU_COMPONENTS)
        return wrong(r, "at most 4 components are possible");
    memcpy(s->components[s->count].name, value, strlen(value));
    s->components[s->count].properties = TSR_FWU_REWRITE;
    s->components[s->count].progress = 16 * TSR_SLOT_BLOCK;
    s->sizes[s->count] = TSR_SLOT_SIZE;
    s->count++;
    return TSR_OK;
}

static tsr_err take_uuid(reader *r, const char *value, uint8_t out[16])
{
    size_t n = 0;

    for (const char *p = value; *p != 0; p++) {
        char pair[3] = { p[0], p[1], 0 };
        char *end;
        unsigned long byte;

        if (*p == '-')
            continue;
        byte = strtoul(pair, &end, 16);
        if (p[1] == 0 || end != pair + 2 || pair[0] == '+' || pair[0] == ' ' || n == 16)
            return wrong(r, "an id is a UUID of 32 hexadecimal digits");
        out[n++] = (uint8_t)byte;
        p++;
    }
    return n == 16 ? TSR_OK : wrong(r, "an id is a UUID of 32 hexadecimal digits");
}

static tsr_err take_size(reader *r, const char *value)
{
    uint64_t size;

    if (tsr_dec(tsr_text(value), &size) != TSR_OK || size < 4 * TSR_SLOT_BLOCK || size > (1u << 30))
        return wrong(r, "a size in bytes from 262144 to 1073741824 is wanted");
    r->slots->sizes[r->slots->count - 1] =
        (uint32_t)((size + TSR_SLOT_BLOCK - 1) / TSR_SLOT_BLOCK * TSR_SLOT_BLOCK);
    return TSR_OK;
}

static tsr_err take_options(reader *r, char *value)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {
        { "no-reboot", TSR_FWU_NO_REBOOT }, { "no-trial", TSR_FWU_NO_TRIAL },
        { "volatile", TSR_FWU_VOLATILE },   { "detached", TSR_FWU_DETACHED },
        { "bundled", TSR_FWU_BUNDLED },
    };
    char *rest = NULL;

    for (char *w = strtok_r(value, " ,\t", &rest); w != NULL; w = strtok_r(NULL, " ,\t", &rest)) {
        uint32_t bit = 0;

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(w, names[i].name) == 0)
                bit = names[i].bit;
        if (bit == 0)
            return wrong(r, "options are no-reboot, no-trial, volatile, detached, bundled");
        current(r)->properties |= bit;
    }
    return TSR_OK;
}

/* PEM (RFC 7468 §13) to DER, in place. */
static size_t from_pem(char *text, size_t len)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----", end[] = "-----END PUBLIC KEY-----";
    char *first, *last;
    uint8_t der[256];
    tsr_buf out = tsr_buf_over(der, sizeof der);
    size_t n = 0;

    text[len] = 0;
    first = strstr(text, begin);
    last = first != NULL ? strstr(first, end) : NULL;
    if (last == NULL)
        return len;
    for (char *p = first + sizeof begin - 1; p < last; p++)
        if (*p > ' ')
            text[n++] = *p;
    if (tsr_base64_get(tsr_view(text, n), &out) != TSR_OK)
        return 0;
    memcpy(text, der, out.len);
    return out.len;
}

static tsr_err read_point(reader *r, const char *path, uint8_t point[65])
{
    char data[1024];
    size_t len = 0;
    tsr_err err = read_file(r->slots, path, data, sizeof data - 1, &len);

    if (err != TSR_OK)
        return err == TSR_E_NOT_FOUND ? TSR_E_MALFORMED : err;
    len = from_pem(data, len);
    if (len != sizeof spki_head + 65 || memcmp(data, spki_head, sizeof spki_head) != 0 ||
        data[sizeof spki_head] != 4)
        return tsr_slots_say(r->slots, TSR_E_MALFORMED,
                             "%s: no public key of P-256 as PEM or DER SubjectPublicKeyInfo", path);
    memcpy(point, data + sizeof spki_head, 65);
    return TSR_OK;
}

static tsr_err take_anchor(reader *r, const char *value)
{
    tsr_slots *s = r->slots;
    char path[512];
    tsr_fwu_anchor a = { .components = 1u << (s->count - 1) };
    tsr_err err;

    (void)snprintf(path, sizeof path, "%s%s%s", value[0] == '/' ? "" : r->dir,
                   value[0] == '/' ? "" : "/", value);
    err = read_point(r, path, a.point);
    if (err != TSR_OK)
        return err;
    for (size_t i = 0; i < s->anchor_count; i++)
        if (memcmp(s->anchors[i].point, a.point, sizeof a.point) == 0) {
            s->anchors[i].components |= a.components;
            return TSR_OK;
        }
    if (s->anchor_count == TSR_FWU_ANCHORS)
        return wrong(r, "at most 8 keys are possible");
    s->anchors[s->anchor_count++] = a;
    return TSR_OK;
}

static tsr_err take_client(reader *r, const char *value)
{
    tsr_slots *s = r->slots;
    int64_t client;

    if (tsr_sdec(tsr_text(value), &client) != TSR_OK || client >= 0 || client < INT32_MIN)
        return wrong(r, "a client is a negative number, such as -1001");
    if (s->client_count == TSR_SLOT_CLIENTS)
        return wrong(r, "at most 8 clients are possible");
    s->clients[s->client_count++] = (int32_t)client;
    return TSR_OK;
}

static tsr_err take_word(reader *r, const char *word, char *value)
{
    if (strcmp(word, "component") == 0)
        return take_component(r, value);
    if (strcmp(word, "client") == 0)
        return take_client(r, value);
    if (current(r) == NULL)
        return wrong(r, "a component has to be named first");
    if (strcmp(word, "vendor") == 0)
        return take_uuid(r, value, current(r)->vendor);
    if (strcmp(word, "class") == 0)
        return take_uuid(r, value, current(r)->class_id);
    if (strcmp(word, "size") == 0)
        return take_size(r, value);
    if (strcmp(word, "options") == 0)
        return take_options(r, value);
    if (strcmp(word, "anchor") == 0)
        return take_anchor(r, value);
    return wrong(r, "words are component, vendor, class, size, options, anchor, client");
}

static tsr_err take_line(reader *r, char *line)
{
    char *word, *value;
    size_t len;

    line[strcspn(line, "#\r")] = 0;
    word = line + strspn(line, " \t");
    value = word + strcspn(word, " \t=");
    if (*word == 0)
        return TSR_OK;
    if (*value != 0)
        *value++ = 0;
    value += strspn(value, " \t=");
    for (len = strlen(value); len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'); len--)
        value[len - 1] = 0;
    return take_word(r, word, value);
}

static tsr_err check_components(reader *r)
{
    static const uint8_t none[16];
    const tsr_slots *s = r->slots;
    uint32_t signers = 0;

    for (size_t i = 0; i < s->anchor_count; i++)
        signers |= s->anchors[i].components;
    for (size_t i = 0; i < s->count; i++) {
        const tsr_fwu_component *c = &s->components[i];

        if (memcmp(c->vendor, none, 16) == 0 || memcmp(c->class_id, none, 16) == 0 ||
            (signers >> i & 1u) == 0)
            return tsr_slots_say(r->slots, TSR_E_MALFORMED,
                                 "%s: component %s wants vendor, class and an anchor", r->path,
                                 c->name);
    }
    return s->count > 0 ? TSR_OK : wrong(r, "no component is named");
}

tsr_err tsr_slots_configure(tsr_slots *s, const char *dir)
{
    char path[512], text[8192], *rest = text;
    reader r = { s, dir, path, 0 };
    size_t len = 0;
    tsr_err err;

    (void)snprintf(path, sizeof path, "%s/update.conf", dir);
    err = read_file(s, path, text, sizeof text - 1, &len);
    text[len] = 0;
    while (err == TSR_OK && rest != NULL && *rest != 0) {
        char *line = strsep(&rest, "\n");

        r.line++;
        err = take_line(&r, line);
    }
    return err == TSR_OK ? check_components(&r) : err;
}
