/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates in a CMS message: the examples of RFC 9148 Appendix A, and what OpenSSL makes is seen in
 * tests/e2e/test_enrol.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "mbedtls/x509_crt.h"
#include "tessera/net/certs_only.h"

static tsr_bytes vector(const char *name, uint8_t room[2048])
{
    char path[256];
    FILE *f;
    size_t len;

    (void)snprintf(path, sizeof path, "%s/tests/vectors/est/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    len = fread(room, 1, 2048, f);
    (void)fclose(f);
    return tsr_view(room, len);
}

/* RFC 9148 §A.1, §A.2: what is read out and put in again is the same.
 * RFC 5272 §4.1, RFC 5652 §3, RFC 5652 §4 */
static void test_certs_only_examples_of_the_rfc(void **state)
{
    static const char *const names[] = { "crts.p7", "sen.p7" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t room[2048], again[2048];
        tsr_bytes message = vector(names[i], room), bag, der;
        tsr_buf out = tsr_buf_over(again, sizeof again);
        mbedtls_x509_crt crt;

        assert_int_equal(tsr_certs_only_open(message, &bag), TSR_OK);
        assert_int_equal(tsr_certs_only_next(&bag, &der), TSR_OK);
        mbedtls_x509_crt_init(&crt);
        assert_int_equal(mbedtls_x509_crt_parse_der(&crt, der.ptr, der.len), 0);
        mbedtls_x509_crt_free(&crt);
        tsr_certs_only_put(&out, &der, 1);
        /* The RFC's has an empty set of revocation lists, which may be left out. */
        assert_int_equal(out.len, message.len - 2);
        assert_memory_equal(message.ptr + message.len - 4, "\xa1\x00\x31\x00", 4);
        assert_memory_equal(again + out.len - 2, "\x31\x00", 2);
        assert_memory_equal(again + out.len - 2 - der.len, message.ptr + message.len - 4 - der.len,
                            der.len);
        assert_int_equal(tsr_certs_only_next(&bag, &der), TSR_END);
    }
}

/* RFC 5652 §5.1 */
static void test_certs_only_carries_several(void **state)
{
    uint8_t rooms[2][2048], again[4096];
    tsr_bytes list[2], bag, der;
    tsr_buf out = tsr_buf_over(again, sizeof again);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bag = vector(i == 0 ? "crts.p7" : "sen.p7", rooms[i]);
        assert_int_equal(tsr_certs_only_open(bag, &bag), TSR_OK);
        assert_int_equal(tsr_certs_only_next(&bag, &list[i]), TSR_OK);
    }
    tsr_certs_only_put(&out, list, 2);
    assert_int_equal(tsr_certs_only_open(tsr_buf_view(&out), &bag), TSR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tsr_certs_only_next(&bag, &der), TSR_OK);
        assert_true(tsr_same(der, list[i]));
    }
    assert_int_equal(tsr_certs_only_next(&bag, &der), TSR_END);
}

/* Cut anywhere, or with a byte changed, it is refused or holds nothing that lies outside of it. */
static void test_certs_only_takes_any_bytes(void **state)
{
    uint8_t room[2048];
    tsr_bytes message = vector("sen.p7", room), bag, der;

    (void)state;
    for (size_t len = 0; len < message.len; len++)
        assert_int_equal(tsr_certs_only_open(tsr_first(message, len), &bag), TSR_E_MALFORMED);
    for (size_t at = 0; at < message.len; at++) {
        room[at] ^= 0x55;
        if (tsr_certs_only_open(message, &bag) == TSR_OK) {
            while (tsr_certs_only_next(&bag, &der) == TSR_OK) {
                assert_true(der.ptr >= room && der.ptr + der.len <= room + message.len);
            }
        }
        room[at] ^= 0x55;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certs_only_examples_of_the_rfc),
        cmocka_unit_test(test_certs_only_carries_several),
        cmocka_unit_test(test_certs_only_takes_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
