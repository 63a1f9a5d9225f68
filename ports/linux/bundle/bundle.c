/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/bundle/bundle.h"

#include <stdio.h>

/* Fields of a head: offset and length (POSIX.1-1988 10.1.1). */
enum {
    NAME = 0, NAME_LEN = 100,
    MODE = 100, MODE_LEN = 8,
    OWNER = 108, GROUP = 116, ID_LEN = 8,
    SIZE = 124, SIZE_LEN = 12,
    TIME = 136, TIME_LEN = 12,
    SUM = 148, SUM_LEN = 8,
    TYPE = 156,
    MAGIC = 257, MAGIC_LEN = 8,
    MAJOR = 329, MINOR = 337,
    PREFIX = 345, PREFIX_LEN = 155,
};

static const uint8_t magic[MAGIC_LEN] = { 'u', 's', 't', 'a', 'r', 0, '0', '0' };

/* Octal digits, spaces before them, a space or a zero after them. */
static tsr_err read_octal(const uint8_t *field, size_t len, uint64_t *value)
{
    size_t i = 0, digits = 0;
    uint64_t v = 0;

    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++, digits++)
        v = v << 3 | (uint64_t)(field[i] - '0'); /* 12 digits are 36 bits */
    if (digits == 0 || (i < len && field[i] != ' ' && field[i] != 0))
        return TSR_E_MALFORMED;
    *value = v;
    return TSR_OK;
}

static size_t text_len(const uint8_t *field, size_t max)
{
    size_t n = 0;

    while (n < max && field[n] != 0)
        n++;
    return n;
}

static uint32_t checksum(const uint8_t *head)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < TSR_BUNDLE_BLOCK; i++)
        sum += i >= SUM && i < SUM + SUM_LEN ? ' ' : head[i];
    return sum;
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TSR_BUNDLE_BLOCK; i++)
        if (block[i] != 0)
            return false;
    return true;
}

/* Relative, and every part is a name of its own. */
static bool name_stays_inside(const char *name)
{
    while (*name != 0) {
        size_t len = strcspn(name, "/");

        if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
            return false;
        name += len;
        if (*name == '/' && *++name == 0)
            return false;
    }
    return true;
}

static void read_name(const uint8_t *head, char name[TSR_BUNDLE_NAME + 1])
{
    size_t prefix = text_len(head + PREFIX, PREFIX_LEN), len = text_len(head + NAME, NAME_LEN);
    const uint8_t *at = head + NAME;
    size_t n = 0;

    if (prefix == 0 && len > 2 && at[0] == '.' && at[1] == '/') { /* as tar -C DIR . writes it */
        at += 2;
        len -= 2;
    }
    if (prefix != 0) {
        memcpy(name, head + PREFIX, prefix);
        n = prefix;
        name[n++] = '/';
    }
    if (n + len > TSR_BUNDLE_NAME) /* 155 + 1 + 100 is one more than there is room for */
        len = TSR_BUNDLE_NAME - n;
    memcpy(name + n, at, len);
    name[n + len] = 0;
}

static tsr_err read_head(const uint8_t *head, tsr_bundle_file *f, uint64_t *len)
{
    uint64_t sum, mode;

    if (read_octal(head + SUM, SUM_LEN, &sum) != TSR_OK || sum != checksum(head))
        return TSR_E_MALFORMED;
    if (memcmp(head + MAGIC, magic, MAGIC_LEN) != 0)
        return TSR_E_UNSUPPORTED;
    if (read_octal(head + MODE, MODE_LEN, &mode) != TSR_OK ||
        read_octal(head + SIZE, SIZE_LEN, len) != TSR_OK)
        return TSR_E_MALFORMED;
    if (text_len(head + PREFIX, PREFIX_LEN) == PREFIX_LEN &&
        text_len(head + NAME, NAME_LEN) == NAME_LEN)
        return TSR_E_UNSUPPORTED;
    f->mode = (uint32_t)(mode & 0777);
    read_name(head, f->name);
    return TSR_OK;
}

static tsr_err take(tsr_bytes *rest, tsr_bundle_file *f, char *type)
{
    tsr_bytes in = *rest;
    uint64_t len;
    tsr_err err;

    if (in.len < TSR_BUNDLE_BLOCK)
        return TSR_E_MALFORMED;
    if (is_zero(in.ptr))
        return TSR_END;
    err = read_head(in.ptr, f, &len);
    if (err != TSR_OK)
        return err;
    *type = (char)in.ptr[TYPE];
    in = tsr_skip(in, TSR_BUNDLE_BLOCK);
    if (len > in.len || tsr_bundle_padding(len) > in.len - len)
        return TSR_E_MALFORMED;
    f->content = tsr_first(in, (size_t)len);
    *rest = tsr_skip(in, (size_t)len + tsr_bundle_padding(len));
    return TSR_OK;
}

tsr_err tsr_bundle_next(tsr_bundle *b, tsr_bundle_file *f)
{
    tsr_bytes rest = b->rest;
    tsr_bundle_file file;
    char type = 0;

    do {
        tsr_err err = take(&rest, &file, &type);

        if (err != TSR_OK)
            return err;
    } while (type == '5');
    if (type != '0' && type != 0)
        return TSR_E_UNSUPPORTED;
    if (file.name[0] == 0 || !name_stays_inside(file.name))
        return TSR_E_DENIED;
    *f = file;
    b->rest = rest;
    return TSR_OK;
}

tsr_err tsr_bundle_find(tsr_bytes archive, const char *name, tsr_bundle_file *f)
{
    tsr_bundle walk = { archive };
    tsr_bundle_file file;
    tsr_err err;

    while ((err = tsr_bundle_next(&walk, &file)) == TSR_OK) {
        if (strcmp(file.name, name) != 0)
            continue;
        *f = file;
        return TSR_OK;
    }
    return err == TSR_END ? TSR_E_NOT_FOUND : err;
}

static void put_octal(uint8_t *head, size_t at, size_t len, uint64_t value)
{
    for (size_t i = len - 1; i-- > 0; value >>= 3) /* the last byte stays zero */
        head[at + i] = (uint8_t)('0' + (value & 7));
}

/* Where a long name is cut in two at a slash; 0: it cannot be. */
static size_t cut_at(const char *name, size_t len)
{
    for (size_t i = len > PREFIX_LEN ? PREFIX_LEN : len - 1; i > 0; i--)
        if (name[i] == '/' && len - i - 1 <= NAME_LEN)
            return i;
    return 0;
}

tsr_err tsr_bundle_put_head(tsr_buf *out, const char *name, uint32_t mode, uint64_t len)
{
    size_t name_len = strlen(name), cut = 0;
    char sum[SUM_LEN];

    if (name_len == 0 || name_len > TSR_BUNDLE_NAME || !name_stays_inside(name) || len >> 33 != 0)
        return TSR_E_ARGUMENT;
    if (name_len > NAME_LEN && (cut = cut_at(name, name_len)) == 0)
        return TSR_E_ARGUMENT;
    uint8_t *head = tsr_buf_claim(out, TSR_BUNDLE_BLOCK);

    if (head == NULL)
        return TSR_E_SPACE;
    memset(head, 0, TSR_BUNDLE_BLOCK);
    memcpy(head + PREFIX, name, cut);
    memcpy(head + NAME, name + (cut != 0 ? cut + 1 : 0), name_len - (cut != 0 ? cut + 1 : 0));
    put_octal(head, MODE, MODE_LEN, mode & 0777);
    put_octal(head, OWNER, ID_LEN, 0);
    put_octal(head, GROUP, ID_LEN, 0);
    put_octal(head, SIZE, SIZE_LEN, len);
    put_octal(head, TIME, TIME_LEN, 0);
    head[TYPE] = '0';
    memcpy(head + MAGIC, magic, MAGIC_LEN);
    put_octal(head, MAJOR, ID_LEN, 0);
    put_octal(head, MINOR, ID_LEN, 0);
    (void)snprintf(sum, sizeof sum, "%06o", (unsigned)checksum(head));
    memcpy(head + SUM, sum, SUM_LEN - 1);
    head[SUM + SUM_LEN - 1] = ' ';
    return TSR_OK;
}
