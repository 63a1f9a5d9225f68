/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/json/base64.h"

/* RFC 4648 §10 */
static const char *const vectors[][3] = {
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xfe", "+//+", "-__-" },
};

/* RFC 4648 §4, RFC 4648 §5, RFC 4648 */
static void test_base64_agrees_with_rfc4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t room[32];

        for (size_t form = 1; form < 3; form++) {
            tsr_buf out = tsr_buf_over(room, sizeof room);

            if (form == 1)
                tsr_base64_put(&out, tsr_text(vectors[i][0]));
            else
                tsr_base64url_put(&out, tsr_text(vectors[i][0]));
            assert_true(tsr_same(tsr_buf_view(&out), tsr_text(vectors[i][form])));
            out = tsr_buf_over(room, strlen(vectors[i][0]));
            assert_int_equal(tsr_base64_get(tsr_text(vectors[i][form]), &out), TSR_OK);
            assert_true(tsr_same(tsr_buf_view(&out), tsr_text(vectors[i][0])));
        }
    }
}

/* RFC 4648 §3.2, RFC 4648 §3.5 */
static void test_base64_refuses_bad_text(void **state)
{
    static const char *const bad[] = { "Z", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm 9",
                                       "Zm9v\n", "Zm9v=", "Z=g=", "Zm9vZ", "Zm!v" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t room[32];
        tsr_buf out = tsr_buf_over(room, sizeof room);

        assert_int_equal(tsr_base64_get(tsr_text(bad[i]), &out), TSR_E_MALFORMED);
        assert_int_equal(out.len, 0);
    }
}

static void test_base64_says_when_it_does_not_fit(void **state)
{
    uint8_t room[5];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    assert_int_equal(tsr_base64_get(tsr_text("Zm9vYmFy"), &out), TSR_E_SPACE);
    assert_int_equal(out.len, 0);
    assert_int_equal(out.err, TSR_OK);
    tsr_base64_put(&out, tsr_text("foobar"));
    assert_int_equal(out.err, TSR_E_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_agrees_with_rfc4648),
        cmocka_unit_test(test_base64_refuses_bad_text),
        cmocka_unit_test(test_base64_says_when_it_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
