/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/json/link.h"

/* RFC 6690 §2.
 * Every link and parameter as "<target> name=value; ..." lines, for comparison. */
static tsr_err describe(tsr_bytes in, char *text, size_t cap)
{
    tsr_buf out = tsr_buf_over(text, cap - 1);
    tsr_link link;
    tsr_link_param param;
    uint8_t room[64];
    tsr_err err;

    while ((err = tsr_link_next(&in, &link)) == TSR_OK) {
        tsr_put_bytes(&out, link.target);
        while ((err = tsr_link_param_next(&link.params, &param)) == TSR_OK) {
            tsr_buf scratch = tsr_buf_over(room, sizeof room);
            tsr_bytes value;

            tsr_put_text(&out, " ");
            tsr_put_bytes(&out, param.name);
            if (!param.has_value)
                continue;
            assert_int_equal(tsr_link_param_text(&param, &scratch, &value), TSR_OK);
            tsr_put_text(&out, param.quoted ? ":" : "=");
            tsr_put_bytes(&out, value);
        }
        assert_int_equal(err, TSR_END);
        tsr_put_text(&out, "\n");
    }
    assert_int_equal(out.err, TSR_OK);
    text[out.len] = '\0';
    return err;
}

static const struct {
    const char *in, *out;
} good[] = {
    { "", "" },
    { "</1/0>,</3/0>;ver=1.2", "/1/0\n/3/0 ver=1.2\n" },
    { "</>;rt=\"oma.lwm2m\";ct=\"110 112 60\",</1/0>", "/ rt:oma.lwm2m ct:110 112 60\n/1/0\n" },
    { "</3/0/7>;dim=8;pmin=10;gt=50,</3/0/9>;lt=22.5", "/3/0/7 dim=8 pmin=10 gt=50\n/3/0/9 lt=22.5\n" },
    { " </1> , </2> ; a ; b = \"c,>d\" ", "/1\n/2 a b:c,>d\n" },
    { "</a>;t=\"x\\\"y\\\\z\"", "/a t:x\"y\\z\n" },
    { "</a>;empty=\"\";obs", "/a empty: obs\n" },
    /* RFC 6690 §5, the first examples */
    { "</sensors>;ct=40", "/sensors ct=40\n" },
    { "</sensors/temp>;if=\"sensor\",</sensors/light>;if=\"sensor\"",
      "/sensors/temp if:sensor\n/sensors/light if:sensor\n" },
    { "</sensors>;ct=40;title=\"Sensor Index\",</sensors/temp>;rt=\"temperature-c\";if=\"sensor\","
      "<http://www.example.com/sensors/t123>;anchor=\"/sensors/temp\";rel=\"describedby\","
      "</t>;anchor=\"/sensors/temp\";rel=\"alternate\"",
      "/sensors ct=40 title:Sensor Index\n/sensors/temp rt:temperature-c if:sensor\n"
      "http://www.example.com/sensors/t123 anchor:/sensors/temp rel:describedby\n"
      "/t anchor:/sensors/temp rel:alternate\n" },
    { "</firmware/v2.1>;rt=\"firmware\";sz=262144", "/firmware/v2.1 rt:firmware sz=262144\n" },
};

/* RFC 2616 §2.2, RFC 6690 */
static void test_link_reads_lists(void **state)
{
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(describe(tsr_text(good[i].in), text, sizeof text), TSR_END);
        assert_string_equal(text, good[i].out);
    }
}

static void test_link_refuses_broken_lists(void **state)
{
    static const char *const bad[] = { "x", "<", "</a", "</a>x", "</a>;", "</a>;;b", "</a>;=1",
                                       "</a>;b=\"", "</a>;b=\"c\\\"", "</a>,", ",</a>", "</a></b>",
                                       "</a b>", "<a<b>", "</a>;b=c d", "</a>;b=\"c\"d" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tsr_bytes in = tsr_text(bad[i]);
        tsr_link link;
        tsr_err err = tsr_link_next(&in, &link);

        if (err != TSR_E_MALFORMED || in.len != strlen(bad[i]))
            fail_msg("%s: %s", bad[i], tsr_err_name(err));
    }
}

static void test_link_finds_a_parameter(void **state)
{
    tsr_link_param param;

    (void)state;
    assert_int_equal(tsr_link_param_find(tsr_text("dim=8;ver=1.2;ver=1.3"), "ver", &param), TSR_OK);
    assert_true(tsr_same(param.value, tsr_text("1.2")));
    assert_int_equal(tsr_link_param_find(tsr_text("dim=8"), "di", &param), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_link_param_find(tsr_text("dim=\""), "x", &param), TSR_E_MALFORMED);
}

static void test_link_writes_what_it_reads(void **state)
{
    uint8_t room[256];
    char text[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_link_out l = tsr_link_to(&out);
    static const char want[] = "</>;rt=\"oma.lwm2m\";ct=\"110 112\",</3/0>;ver=1.2,"
                               "</3/0/7>;dim=8;gt=50.5;obs;t=\"a\\\"\\\\\"";

    (void)state;
    tsr_link_put(&l, tsr_text("/"));
    tsr_link_put_string(&l, "rt", tsr_text("oma.lwm2m"));
    tsr_link_put_string(&l, "ct", tsr_text("110 112"));
    tsr_link_put(&l, tsr_text("/3/0"));
    tsr_link_put_token(&l, "ver", tsr_text("1.2"));
    tsr_link_put(&l, tsr_text("/3/0/7"));
    tsr_link_put_uint(&l, "dim", 8);
    tsr_link_put_double(&l, "gt", 50.5);
    tsr_link_put_flag(&l, "obs");
    tsr_link_put_string(&l, "t", tsr_text("a\"\\"));
    assert_int_equal(out.err, TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&out), tsr_text(want)));
    assert_int_equal(describe(tsr_buf_view(&out), text, sizeof text), TSR_END);
    assert_string_equal(text, "/ rt:oma.lwm2m ct:110 112\n/3/0 ver=1.2\n"
                              "/3/0/7 dim=8 gt=50.5 obs t:a\"\\\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_reads_lists),
        cmocka_unit_test(test_link_refuses_broken_lists),
        cmocka_unit_test(test_link_finds_a_parameter),
        cmocka_unit_test(test_link_writes_what_it_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
