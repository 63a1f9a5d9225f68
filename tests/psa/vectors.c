/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/psa/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMED 256
#define BYTES (1u << 17)

struct vector_reader {
    FILE *f;
    char *line;
    size_t cap;
    char *named[NAMED]; /* values that several cases share */
    size_t names;
    uint8_t bytes[BYTES];
    size_t used;
};

static struct vector_reader reader;

vector vector_open(const char *name)
{
    vector v = { .file = name, .reader = &reader };
    char path[512];

    (void)snprintf(path, sizeof path, "%s/tests/vectors/psa/%s", TSR_SOURCE_DIR, name);
    reader.f = fopen(path, "r");
    if (reader.f == NULL)
        fail_msg("cannot read %s", path);
    return v;
}

static void shut(struct vector_reader *r)
{
    (void)fclose(r->f);
    free(r->line);
    for (size_t i = 0; i < r->names; i++)
        free(r->named[i]);
    memset(r, 0, sizeof *r);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex into the case's memory; text that is no hex has no bytes. */
static tsr_bytes decode(struct vector_reader *r, const char *text)
{
    size_t len = strlen(text);
    uint8_t *at = r->bytes + r->used;

    if (len % 2 != 0 || len / 2 > BYTES - r->used)
        return (tsr_bytes){ NULL, 0 };
    for (size_t i = 0; i < len; i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);

        if (high < 0 || low < 0)
            return (tsr_bytes){ NULL, 0 };
        at[i / 2] = (uint8_t)(high << 4 | low);
    }
    r->used += len / 2;
    return tsr_view(at, len / 2);
}

static void take_field(vector *v, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL || v->fields == VECTOR_FIELDS)
        fail_msg("%s:%u: \"%s\" is no field", v->file, v->line, word);
    *value++ = 0;
    if (value[0] == '@')
        value = reader.named[strtoul(value + 1, NULL, 10) - 1];
    v->field[v->fields++] = (vector_field){ word, decode(v->reader, value), value };
}

/* "let @N hex": N counts from 1 in the order of the file. */
static void take_name(vector *v, char *rest)
{
    char *value = rest != NULL ? strchr(rest, ' ') : NULL;

    if (value == NULL || reader.names == NAMED)
        fail_msg("%s:%u: no name or too many", v->file, v->line);
    reader.named[reader.names++] = strdup(value + 1);
}

static bool take_line(vector *v)
{
    char *save = NULL, *word;

    reader.line[strcspn(reader.line, "\r\n")] = 0;
    if (reader.line[0] == '#' || reader.line[0] == 0)
        return false;
    v->op = strtok_r(reader.line, " ", &save);
    if (strcmp(v->op, "let") == 0) {
        take_name(v, save);
        return false;
    }
    v->fields = 0;
    reader.used = 0;
    while ((word = strtok_r(NULL, " ", &save)) != NULL)
        take_field(v, word);
    v->result = vector_has(v, "result") ? vector_text(v, "result") : "ok";
    return true;
}

bool vector_next(vector *v)
{
    while (getline(&reader.line, &reader.cap, reader.f) > 0) {
        v->line++;
        if (!take_line(v))
            continue;
        v->cases++;
        v->bad += !vector_is(v, "ok");
        return true;
    }
    shut(&reader);
    print_message("%s: %u cases, %u of them to be refused\n", v->file, v->cases, v->bad);
    assert_true(v->cases > 0);
    return false;
}

static const vector_field *find(const vector *v, const char *name)
{
    for (size_t i = 0; i < v->fields; i++)
        if (strcmp(v->field[i].name, name) == 0)
            return &v->field[i];
    return NULL;
}

bool vector_has(const vector *v, const char *field) { return find(v, field) != NULL; }

const char *vector_text(const vector *v, const char *field)
{
    const vector_field *f = find(v, field);

    return f != NULL ? f->text : "";
}

tsr_bytes vector_bytes(const vector *v, const char *field)
{
    const vector_field *f = find(v, field);

    if (f == NULL)
        return (tsr_bytes){ reader.bytes, 0 };
    if (f->bytes.ptr == NULL)
        fail_msg("%s:%u: %s= is no hex", v->file, v->line, field);
    return f->bytes;
}

size_t vector_number(const vector *v, const char *field)
{
    return strtoul(vector_text(v, field), NULL, 10);
}

bool vector_is(const vector *v, const char *result) { return strcmp(v->result, result) == 0; }

void vector_want(const vector *v, psa_status_t want, psa_status_t got, const char *what)
{
    if (got != want)
        fail_msg("%s:%u: %s: %d, not %d", v->file, v->line, what, (int)got, (int)want);
}

void vector_want_either(const vector *v, psa_status_t a, psa_status_t b, psa_status_t got,
                        const char *what)
{
    if (got != a && got != b)
        fail_msg("%s:%u: %s: %d, neither %d nor %d", v->file, v->line, what, (int)got, (int)a,
                 (int)b);
}

void vector_same(const vector *v, tsr_bytes want, const uint8_t *got, size_t len, const char *what)
{
    if (len != want.len)
        fail_msg("%s:%u: %s: %zu bytes, not %zu", v->file, v->line, what, len, want.len);
    for (size_t i = 0; i < len; i++)
        if (got[i] != want.ptr[i])
            fail_msg("%s:%u: %s: byte %zu is %02x, not %02x", v->file, v->line, what, i, got[i],
                     want.ptr[i]);
}

typedef struct {
    const char *name;
    uint32_t value;
    size_t bits;
} entry;

static const entry *look_up(const vector *v, const entry *table, size_t n, const char *field)
{
    const char *name = vector_text(v, field);

    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    fail_msg("%s:%u: %s=%s is unknown", v->file, v->line, field, name);
    return NULL;
}

#define LOOK_UP(v, table, field) look_up(v, table, sizeof(table) / sizeof *(table), field)

psa_algorithm_t vector_hash(const vector *v)
{
    static const entry names[] = {
        { "sha1", PSA_ALG_SHA_1, 0 },          { "sha224", PSA_ALG_SHA_224, 0 },
        { "sha256", PSA_ALG_SHA_256, 0 },      { "sha384", PSA_ALG_SHA_384, 0 },
        { "sha512", PSA_ALG_SHA_512, 0 },      { "sha3-224", PSA_ALG_SHA3_224, 0 },
        { "sha3-256", PSA_ALG_SHA3_256, 0 },   { "sha3-384", PSA_ALG_SHA3_384, 0 },
        { "sha3-512", PSA_ALG_SHA3_512, 0 },   { "md5", PSA_ALG_MD5, 0 },
        { "ripemd160", PSA_ALG_RIPEMD160, 0 },
    };

    return LOOK_UP(v, names, vector_has(v, "hash") ? "hash" : "alg")->value;
}

psa_key_type_t vector_type(const vector *v)
{
    static const entry names[] = {
        { "aes", PSA_KEY_TYPE_AES, 0 },           { "aria", PSA_KEY_TYPE_ARIA, 0 },
        { "camellia", PSA_KEY_TYPE_CAMELLIA, 0 }, { "des", PSA_KEY_TYPE_DES, 0 },
        { "chacha20", PSA_KEY_TYPE_CHACHA20, 0 }, { "hmac", PSA_KEY_TYPE_HMAC, 0 },
    };

    return (psa_key_type_t)LOOK_UP(v, names, "type")->value;
}

void vector_curve(const vector *v, psa_key_type_t *pair, size_t *bits)
{
    static const entry names[] = {
        { "p-192", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 192 },
        { "p-224", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 224 },
        { "p-256", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256 },
        { "p-384", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384 },
        { "p-521", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 521 },
        { "k-256", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_K1), 256 },
        { "b-256", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_BRAINPOOL_P_R1), 256 },
        { "b-384", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_BRAINPOOL_P_R1), 384 },
        { "b-512", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_BRAINPOOL_P_R1), 512 },
        { "x25519", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY), 255 },
        { "x448", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY), 448 },
        { "ffdhe-2048", PSA_KEY_TYPE_DH_KEY_PAIR(PSA_DH_FAMILY_RFC7919), 2048 },
        { "ffdhe-3072", PSA_KEY_TYPE_DH_KEY_PAIR(PSA_DH_FAMILY_RFC7919), 3072 },
        { "ffdhe-4096", PSA_KEY_TYPE_DH_KEY_PAIR(PSA_DH_FAMILY_RFC7919), 4096 },
    };
    const entry *e = LOOK_UP(v, names, vector_has(v, "group") ? "group" : "curve");

    *pair = (psa_key_type_t)e->value;
    *bits = e->bits;
}

psa_key_id_t vector_key(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                        tsr_bytes material, psa_status_t *status)
{
    psa_key_attributes_t a = wall_attributes(type, 0, usage, alg);
    psa_key_id_t key = PSA_KEY_ID_NULL;

    *status = psa_import_key(&a, material.ptr, material.len, &key);
    return key;
}
