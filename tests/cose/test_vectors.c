/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples of the IETF COSE working group (tests/vectors/cose): what they call good is taken,
 * what they call a failure is refused, and what we write again from the same key is taken too. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tessera/cose/key.h"
#include "tessera/json/base64.h"
#include "tessera/json/json.h"
#include "tests/vectors.h"

typedef struct {
    tsr_cose_kind kind;
    int32_t alg; /* NONE: not one of ours */
    tsr_json input;
    bool fails;
    tsr_bytes message, plaintext, external, iv;
    tsr_cose_key key;
    uint8_t room[4096];
    size_t used;
} vector;

static struct {
    unsigned taken, refused, unsupported, rewritten;
} counts;

static const struct {
    const char *name;
    int32_t id;
} names[] = {
    { "ES256", TSR_COSE_ES256 },
    { "ES384", TSR_COSE_ES384 },
    { "HS256", TSR_COSE_HMAC_256 },
    { "HS384", TSR_COSE_HMAC_384 },
    { "HS512", TSR_COSE_HMAC_512 },
    { "HS256/64", TSR_COSE_HMAC_256_64 },
    { "A128GCM", TSR_COSE_A128GCM },
    { "A192GCM", TSR_COSE_A192GCM },
    { "A256GCM", TSR_COSE_A256GCM },
    { "AES-CCM-16-128/64", TSR_COSE_CCM_16_64_128 },
    { "AES-CCM-16-128/128", TSR_COSE_CCM_16_128_128 },
    { "AES-CCM-64-128/64", TSR_COSE_CCM_64_64_128 },
    { "AES-CCM-64-128/128", TSR_COSE_CCM_64_128_128 },
    { "AES-CCM-16-256/64", TSR_COSE_CCM_16_64_256 },
    { "AES-CCM-16-256/128", TSR_COSE_CCM_16_128_256 },
    { "AES-CCM-64-256/64", TSR_COSE_CCM_64_64_256 },
    { "AES-CCM-64-256/128", TSR_COSE_CCM_64_128_256 },
};

static int32_t alg_of(const tsr_json *in)
{
    tsr_json bucket, alg;

    if (tsr_json_find(in, "alg", &alg) != TSR_OK &&
        (tsr_json_find(in, "protected", &bucket) != TSR_OK ||
         tsr_json_find(&bucket, "alg", &alg) != TSR_OK) &&
        (tsr_json_find(in, "unprotected", &bucket) != TSR_OK ||
         tsr_json_find(&bucket, "alg", &alg) != TSR_OK))
        return TSR_COSE_ALG_NONE;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (tsr_json_is(&alg, names[i].name))
            return names[i].id;
    return TSR_COSE_ALG_NONE;
}

/* A member that is text, hex or Base64url, into the vector's room. */
typedef enum { TEXT, HEX, BASE64 } form;

static bool member(vector *v, const tsr_json *object, const char *name, form how, tsr_bytes *out)
{
    char text[2048];
    tsr_buf room = tsr_buf_over(v->room + v->used, sizeof v->room - v->used);

    if (tsr_json_find_cstring(object, name, text, sizeof text) != TSR_OK)
        return false;
    if (how == TEXT)
        tsr_put_text(&room, text);
    else if (how == HEX)
        room.len = from_hex(text, room.ptr, room.cap).len;
    else
        assert_int_equal(tsr_base64_get(tsr_text(text), &room), TSR_OK);
    *out = tsr_buf_view(&room);
    v->used += room.len;
    return true;
}

static void either(vector *v, const tsr_json *object, const char *plain, const char *hex,
                   tsr_bytes *out)
{
    if (!member(v, object, plain, BASE64, out))
        (void)member(v, object, hex, HEX, out);
}

static void load_key(vector *v, const tsr_json *in, const tsr_json *root)
{
    tsr_json key, middle;

    if (v->kind != TSR_COSE_SIGN1) {
        v->key.kty = TSR_COSE_SYMMETRIC;
        assert_int_equal(tsr_json_find(root, "intermediates", &middle), TSR_OK);
        assert_true(member(v, &middle, "CEK_hex", HEX, &v->key.k));
        return;
    }
    assert_int_equal(tsr_json_find(in, "key", &key), TSR_OK);
    v->key.kty = TSR_COSE_EC2;
    v->key.crv = v->alg == TSR_COSE_ES384 ? TSR_COSE_P384 : TSR_COSE_P256;
    either(v, &key, "x", "x_hex", &v->key.x);
    either(v, &key, "y", "y_hex", &v->key.y);
    either(v, &key, "d", "d_hex", &v->key.d);
}

static void load(vector *v, const char *name)
{
    tsr_json root, in, output, unsent;

    memset(v, 0, sizeof *v);
    assert_int_equal(tsr_json_parse(vector_file(name), &root, NULL), TSR_OK);
    assert_int_equal(tsr_json_find(&root, "input", &v->input), TSR_OK);
    if (tsr_json_find(&v->input, "sign0", &in) == TSR_OK)
        v->kind = TSR_COSE_SIGN1;
    else if (tsr_json_find(&v->input, "mac0", &in) == TSR_OK)
        v->kind = TSR_COSE_MAC0;
    else if (tsr_json_find(&v->input, "encrypted", &in) == TSR_OK)
        v->kind = TSR_COSE_ENCRYPT0;
    else
        fail_msg("%s: of no kind", name);
    v->alg = alg_of(&in);
    (void)tsr_json_find_bool(&root, "fail", &v->fails);
    assert_int_equal(tsr_json_find(&root, "output", &output), TSR_OK);
    assert_true(member(v, &output, "cbor", HEX, &v->message));
    if (!member(v, &v->input, "plaintext", TEXT, &v->plaintext))
        assert_true(member(v, &v->input, "plaintext_hex", HEX, &v->plaintext));
    (void)member(v, &in, "external", HEX, &v->external);
    if (tsr_json_find(&in, "unsent", &unsent) == TSR_OK)
        (void)member(v, &unsent, "IV_hex", HEX, &v->iv);
    if (v->alg != TSR_COSE_ALG_NONE)
        load_key(v, &in, &root);
}

static tsr_err check(const vector *v, const tsr_cose_message *m, psa_key_id_t key)
{
    uint8_t room[512];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes none = { NULL, 0 };
    tsr_err err;

    if (v->kind == TSR_COSE_SIGN1)
        return tsr_cose_sign1_verify(m, key, none, v->external);
    if (v->kind == TSR_COSE_MAC0)
        return tsr_cose_mac0_verify(m, key, none, v->external);
    err = tsr_cose_encrypt0_open(m, key, none, v->external, v->iv, &out);
    if (err == TSR_OK)
        assert_true(tsr_same(tsr_buf_view(&out), v->plaintext));
    return err;
}

static uint32_t ops_of(tsr_cose_kind kind, bool make)
{
    switch (kind) {
    case TSR_COSE_SIGN1: return make ? TSR_COSE_OP_SIGN : TSR_COSE_OP_VERIFY;
    case TSR_COSE_MAC0: return make ? TSR_COSE_OP_MAC_CREATE : TSR_COSE_OP_MAC_VERIFY;
    default: return make ? TSR_COSE_OP_ENCRYPT : TSR_COSE_OP_DECRYPT;
    }
}

/* Writes the same content again. A MAC and an AEAD have one right answer: then all bytes must be
 * those of the example, if its headers are what we write. */
static void rewrite(const vector *v, const tsr_cose_message *theirs, psa_key_id_t check_key)
{
    uint8_t room[1024];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_params p = { .alg = v->alg, .kid = theirs->kid, .iv = theirs->iv };
    tsr_cose_message ours;
    psa_key_id_t key;

    if (v->kind == TSR_COSE_ENCRYPT0 && theirs->iv.ptr == NULL) {
        p.iv = v->iv;
        p.implied_iv = true;
    }
    assert_int_equal(tsr_cose_key_import(&v->key, v->alg, ops_of(v->kind, true), &key), TSR_OK);
    if (v->kind == TSR_COSE_SIGN1)
        assert_int_equal(tsr_cose_sign1(&out, &p, key, v->plaintext, v->external), TSR_OK);
    else if (v->kind == TSR_COSE_MAC0)
        assert_int_equal(tsr_cose_mac0(&out, &p, key, v->plaintext, v->external), TSR_OK);
    else
        assert_int_equal(tsr_cose_encrypt0(&out, &p, key, v->plaintext, v->external, NULL), TSR_OK);
    assert_int_equal(out.len, tsr_cose_size(v->kind, &p, v->plaintext.len));
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), v->kind, &ours), TSR_OK);
    assert_int_equal(check(v, &ours, check_key), TSR_OK);
    if (v->kind != TSR_COSE_SIGN1 && theirs->alg_protected && theirs->tagged &&
        theirs->partial_iv.ptr == NULL)
        assert_true(tsr_same(tsr_buf_view(&out), v->message));
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    counts.rewritten++;
}

static void play(const char *name)
{
    static vector v;
    tsr_cose_message m;
    psa_key_id_t key;
    tsr_err err;

    load(&v, name);
    err = tsr_cose_read(v.message, v.kind, &m);
    if (v.alg == TSR_COSE_ALG_NONE) {
        assert_int_equal(err, TSR_OK);
        assert_int_equal(check(&v, &m, 0), TSR_E_UNSUPPORTED);
        counts.unsupported++;
        return;
    }
    assert_int_equal(tsr_cose_key_import(&v.key, v.alg, ops_of(v.kind, false), &key), TSR_OK);
    if (err == TSR_OK && !m.alg_protected && m.alg != TSR_COSE_ALG_NONE) {
        assert_int_equal(check(&v, &m, key), TSR_E_DENIED);
        m.allow_unprotected_alg = true;
    }
    if (err == TSR_OK)
        err = check(&v, &m, key);
    if ((err == TSR_OK) == v.fails)
        fail_msg("%s: %s", name, tsr_err_name(err));
    if (v.fails) {
        counts.refused++;
    } else {
        counts.taken++;
        rewrite(&v, &m, key);
    }
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void play_folder(const char *folder)
{
    char path[512], name[160];
    struct dirent *e;
    DIR *d;

    (void)snprintf(path, sizeof path, "%s/tests/vectors/cose/%s", TSR_SOURCE_DIR, folder);
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        if (strstr(e->d_name, ".json") == NULL)
            continue;
        (void)snprintf(name, sizeof name, "cose/%.40s/%.80s", folder, e->d_name);
        play(name);
    }
    (void)closedir(d);
}

/* RFC 9052 §5.2, RFC 9052 §5.3, RFC 9052 §6.2, RFC 9052 §6.3, RFC 9053 §2.1, RFC 9053 §3.1,
 * RFC 9053 §4.1 */
static void test_vectors_of_the_working_group(void **state)
{
    static const char *const folders[] = { "sign1-tests", "mac0-tests", "encrypted-tests",
                                           "ecdsa",       "hmac",       "aes-ccm",
                                           "aes-gcm",     "cwt",        "rfc8152" };

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        play_folder(folders[i]);
    print_message("%u taken, %u refused, %u of other algorithms, %u written again\n", counts.taken,
                  counts.refused, counts.unsupported, counts.rewritten);
    assert_int_equal(counts.taken + counts.refused + counts.unsupported, 57);
    assert_int_equal(counts.unsupported, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors_of_the_working_group) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
