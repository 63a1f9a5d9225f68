/* SPDX-License-Identifier: Apache-2.0
 *
 * The published examples 0 to 5 of draft-ietf-suit-manifest: their digests and signatures hold with
 * their key, every bit that is turned is noticed, and their sequences run on a model device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/suit/run.h"
#include "tests/suit/keys.h"
#include "tests/vectors.h"

static const char point_hex[] =
    "04 8496811aae0baaabd26157189eecda26beaa8bf11b6f3fe6e2b5659c85dbc0ad"
    "   3b1f2a4b6c098131c0a36dacd1d78bd381dcdfb09c052db33991db7338b4a896";
static const char vendor_hex[] = "fa6b4a53d5ad5fdfbe9de663e4d41ffe";
static const char class_hex[] = "1492af1425695e48bf429b2d51f2ab45";
static const char first_hex[] = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";
static const char other_hex[] = "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff";

static suit_key key;
static uint8_t room[2048];

static tsr_bytes load(const char *name)
{
    tsr_bytes file = vector_file(name);
    size_t n = 0;

    for (size_t i = 0; i + 1 < file.len; i++) {
        char pair[3] = { (char)file.ptr[i], (char)file.ptr[i + 1], 0 };

        if (file.ptr[i] == '\n')
            continue;
        room[n++] = (uint8_t)strtoul(pair, NULL, 16);
        i++;
    }
    return tsr_view(room, n);
}

/* A device that knows what each URL holds, by digest, and writes down what it was told to do. */
typedef struct {
    uint8_t vendor[16], class_id[16];
    uint8_t holds[TSR_SUIT_COMPONENTS][32];
    uint64_t slot;
    char log[256];
} model;

static void note(model *m, char what, size_t component)
{
    size_t n = strlen(m->log);

    snprintf(m->log + n, sizeof m->log - n, "%c%zu ", what, component);
}

static tsr_err holds(bool yes) { return yes ? TSR_OK : TSR_E_DENIED; }

static tsr_err model_test(void *self, tsr_suit_condition what, size_t component,
                          const tsr_suit_params *p)
{
    model *m = self;

    switch (what) {
    case TSR_SUIT_VENDOR_ID: return holds(tsr_same(p->vendor, tsr_view(m->vendor, 16)));
    case TSR_SUIT_CLASS_ID: return holds(tsr_same(p->class_id, tsr_view(m->class_id, 16)));
    case TSR_SUIT_SLOT: return holds(p->slot == m->slot);
    case TSR_SUIT_IMAGE_MATCH:
        note(m, 'm', component);
        return holds(tsr_same(p->digest, tsr_view(m->holds[component], 32)));
    default: return TSR_E_UNSUPPORTED;
    }
}

static tsr_err model_fetch(model *m, size_t component, tsr_bytes uri)
{
    bool other = tsr_same(uri, tsr_text("http://example.com/file2.bin"));

    if (!other && !tsr_same(uri, tsr_text("http://example.com/file1.bin")) &&
        !tsr_same(uri, tsr_text("http://example.com/file.bin")) &&
        !tsr_same(uri, tsr_text("http://example.com/very/long/path/to/file/file.bin")))
        return TSR_E_NOT_FOUND;
    (void)from_hex(other ? other_hex : first_hex, m->holds[component], 32);
    return TSR_OK;
}

static tsr_err model_act(void *self, tsr_suit_directive what, size_t component,
                         const tsr_suit_params *p)
{
    model *m = self;

    switch (what) {
    case TSR_SUIT_FETCH: note(m, 'f', component); return model_fetch(m, component, p->uri);
    case TSR_SUIT_COPY: /* the copy into memory of example 4 unpacks: another digest */
        note(m, 'c', component);
        if (component == 2)
            (void)from_hex(other_hex, m->holds[2], 32);
        else
            memcpy(m->holds[component], m->holds[p->source], 32);
        return TSR_OK;
    case TSR_SUIT_INVOKE: note(m, 'i', component); return TSR_OK;
    default: return TSR_E_UNSUPPORTED;
    }
}

static model device(uint64_t slot)
{
    model m = { .slot = slot };

    (void)from_hex(vendor_hex, m.vendor, 16);
    (void)from_hex(class_hex, m.class_id, 16);
    return m;
}

static void open_example(const char *name, tsr_suit_manifest *m, uint64_t sequence)
{
    tsr_suit_crypto crypto = suit_crypto(&key);
    uint8_t signer[32];
    tsr_suit_envelope e;
    tsr_bytes in = load(name);

    assert_int_equal(tsr_suit_open(in, in.len, &e), TSR_OK);
    assert_int_equal(e.len, in.len);
    assert_int_equal(tsr_suit_check(&e, &crypto, signer), TSR_OK);
    assert_int_equal(tsr_suit_read(&e, &crypto, m), TSR_OK);
    assert_int_equal(m->sequence, sequence);
}

static void test_examples_are_authentic(void **state)
{
    static const char *const names[] = {
        "suit/example0.hex",           "suit/example1.hex", "suit/example2.hex",
        "suit/example2-severable.hex", "suit/example3.hex", "suit/example4.hex",
        "suit/example5.hex",
    };
    static const unsigned sequences[] = { 0, 1, 2, 2, 3, 4, 5 };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tsr_suit_manifest m;

        open_example(names[i], &m, sequences[i]);
        assert_true(m.components >= 1);
    }
}

/* Each bit of the authentication wrapper and of the manifest, one after the other. */
static void test_examples_turned_bits_are_noticed(void **state)
{
    tsr_suit_crypto crypto = suit_crypto(&key);
    tsr_bytes in = load("suit/example1.hex");
    unsigned noticed = 0;

    (void)state;
    for (size_t bit = 24; bit < in.len * 8; bit++) { /* behind tag and map */
        tsr_suit_envelope e;
        tsr_suit_manifest m;
        uint8_t signer[32];
        tsr_err err;

        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = tsr_suit_open(in, in.len, &e);
        if (err == TSR_OK)
            err = tsr_suit_check(&e, &crypto, signer);
        if (err == TSR_OK)
            err = tsr_suit_read(&e, &crypto, &m);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (err == TSR_OK)
            print_error("bit %zu of %02x\n", bit, room[bit / 8]);
        assert_int_not_equal(err, TSR_OK);
        noticed++;
    }
    assert_int_equal(noticed, (in.len - 3) * 8);
}

static void test_examples_refuse_another_key(void **state)
{
    tsr_suit_crypto crypto = suit_crypto(&key);
    tsr_bytes in = load("suit/example0.hex");
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t pair;
    uint8_t mine[65], signer[32];
    tsr_suit_envelope e;
    size_t len;

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    memcpy(mine, key.point, sizeof mine);
    assert_int_equal(psa_generate_key(&a, &pair), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(pair, key.point, 65, &len), PSA_SUCCESS);
    assert_int_equal(tsr_suit_open(in, in.len, &e), TSR_OK);
    assert_int_equal(tsr_suit_check(&e, &crypto, signer), TSR_E_CRYPTO);
    memcpy(key.point, mine, sizeof mine);
    psa_destroy_key(pair);
}

static void test_examples_cut_short_want_more(void **state)
{
    tsr_bytes in = load("suit/example2-severable.hex");
    tsr_suit_envelope e;

    (void)state;
    for (size_t len = 0; len < in.len; len++)
        assert_int_equal(tsr_suit_open(tsr_first(in, len), in.len, &e), TSR_E_SPACE);
    assert_int_equal(tsr_suit_open(in, in.len, &e), TSR_OK);
}

static void run(const char *name, uint64_t sequence, model *dev, const char *log)
{
    tsr_suit_device d = { dev, model_test, model_act };
    tsr_suit_run_state r;
    tsr_suit_manifest m;

    open_example(name, &m, sequence);
    tsr_suit_begin(&r, &m, &d);
    if (m.fetch.there)
        assert_int_equal(tsr_suit_run(&r, m.fetch.bytes), TSR_OK);
    if (m.install.there)
        assert_int_equal(tsr_suit_run(&r, m.install.bytes), TSR_OK);
    tsr_suit_begin(&r, &m, &d); /* a reboot later */
    assert_int_equal(tsr_suit_run(&r, m.validate), TSR_OK);
    if (m.load.len > 0)
        assert_int_equal(tsr_suit_run(&r, m.load), TSR_OK);
    if (m.invoke.len > 0)
        assert_int_equal(tsr_suit_run(&r, m.invoke), TSR_OK);
    assert_string_equal(dev->log, log);
}

static void test_example0_secure_boot(void **state)
{
    model dev = device(0);

    (void)state;
    (void)from_hex(first_hex, dev.holds[0], 32);
    run("suit/example0.hex", 0, &dev, "m0 i0 ");
}

static void test_example1_download_and_install(void **state)
{
    model dev = device(0);

    (void)state;
    run("suit/example1.hex", 1, &dev, "f0 m0 m0 ");
}

static void test_example2_severed_members(void **state)
{
    model dev = device(0);
    tsr_suit_manifest m;
    tsr_bytes text;

    (void)state;
    run("suit/example2-severable.hex", 2, &dev, "f0 m0 m0 i0 ");
    open_example("suit/example2-severable.hex", &m, 2);
    assert_true(m.install.severed);
    assert_int_equal(tsr_suit_text(&m, 0, 5, &text), TSR_OK);
    assert_memory_equal(text.ptr, "This component", 14);
    assert_int_equal(tsr_suit_text(&m, 0, 6, &text), TSR_E_NOT_FOUND);
    open_example("suit/example2.hex", &m, 2); /* what was cut off is not there, and that is fine */
    assert_true(m.install.there && m.install.severed && m.install.bytes.len == 0);
}

/* A severed member that is not the signed one. */
static void test_example2_refuses_another_install(void **state)
{
    tsr_suit_crypto crypto = suit_crypto(&key);
    tsr_bytes in = load("suit/example2-severable.hex");
    tsr_suit_envelope e;
    tsr_suit_manifest m;

    (void)state;
    assert_int_equal(tsr_suit_open(in, in.len, &e), TSR_OK);
    room[(size_t)(e.install.ptr - room) + e.install.len - 3] ^= 1;
    assert_int_equal(tsr_suit_read(&e, &crypto, &m), TSR_E_CRYPTO);
}

static void test_example3_a_b_images(void **state)
{
    model a = device(0), b = device(1), c = device(2);
    tsr_suit_device d = { &c, model_test, model_act };
    tsr_suit_run_state r;
    tsr_suit_manifest m;

    (void)state;
    run("suit/example3.hex", 3, &a, "f0 m0 m0 ");
    run("suit/example3.hex", 3, &b, "f0 m0 m0 ");
    assert_memory_not_equal(a.holds[0], b.holds[0], 32); /* each slot got its own image */
    open_example("suit/example3.hex", &m, 3);
    tsr_suit_begin(&r, &m, &d);
    assert_int_equal(tsr_suit_run(&r, m.install.bytes), TSR_E_DENIED); /* no such slot */
    assert_string_equal(c.log, "");
}

static void test_example4_load_from_external_storage(void **state)
{
    model dev = device(0);

    (void)state;
    run("suit/example4.hex", 4, &dev, "f1 m1 c0 m0 m0 c2 m2 i2 ");
}

static void test_example5_two_images(void **state)
{
    model dev = device(0);

    (void)state;
    run("suit/example5.hex", 5, &dev, "f0 m0 f1 m1 m0 m1 i0 ");
}

static void test_examples_stop_at_a_foreign_device(void **state)
{
    static const char *const names[] = { "suit/example0.hex", "suit/example1.hex",
                                         "suit/example3.hex", "suit/example5.hex" };
    static const unsigned sequences[] = { 0, 1, 3, 5 };

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        model dev = device(0);
        tsr_suit_device d = { &dev, model_test, model_act };
        tsr_suit_run_state r;
        tsr_suit_manifest m;

        if (i % 2 == 0)
            dev.vendor[15] ^= 1;
        else
            dev.class_id[0] ^= 1;
        open_example(names[i / 2], &m, sequences[i / 2]);
        tsr_suit_begin(&r, &m, &d);
        assert_int_equal(tsr_suit_run(&r, m.install.bytes), TSR_E_DENIED);
        assert_string_equal(dev.log, ""); /* before anything was fetched */
    }
}

static int setup(void **state)
{
    (void)state;
    (void)from_hex(point_hex, key.point, sizeof key.point);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_are_authentic),
        cmocka_unit_test(test_examples_turned_bits_are_noticed),
        cmocka_unit_test(test_examples_refuse_another_key),
        cmocka_unit_test(test_examples_cut_short_want_more),
        cmocka_unit_test(test_example0_secure_boot),
        cmocka_unit_test(test_example1_download_and_install),
        cmocka_unit_test(test_example2_severed_members),
        cmocka_unit_test(test_example2_refuses_another_install),
        cmocka_unit_test(test_example3_a_b_images),
        cmocka_unit_test(test_example4_load_from_external_storage),
        cmocka_unit_test(test_example5_two_images),
        cmocka_unit_test(test_examples_stop_at_a_foreign_device),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
