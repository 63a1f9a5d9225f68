/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/lwm2m/format/format.h"
#include "tests/vectors.h"

enum { JSON = TSR_LWM2M_FORMAT_SENML_JSON, SENML = TSR_LWM2M_FORMAT_SENML_CBOR,
       LWM2M = TSR_LWM2M_FORMAT_LWM2M_CBOR, TLV = TSR_LWM2M_FORMAT_TLV,
       CBOR = TSR_LWM2M_FORMAT_CBOR, TEXT = TSR_LWM2M_FORMAT_TEXT };

/* Everything in a payload as "path=type:value" lines; returns how it ended. JSON is given as it
 * is, everything else in hex. Scratch is no larger than the payload: that is always enough. */
static tsr_err describe_in(int format, const char *base, const char *payload, const char *prefix,
                           char *text, size_t cap)
{
    static uint8_t bytes[1024], more[1024];
    tsr_bytes given = format == JSON || format == TEXT ? tsr_text(payload)
                                                       : from_hex(payload, bytes, sizeof bytes);
    tsr_buf out = tsr_buf_over(text, cap - 1), scratch = tsr_buf_over(more, given.len);
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    tsr_lwm2m_in in;
    tsr_err err;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(base), &path), TSR_OK);
    assert_true(given.len <= sizeof more);
    err = tsr_lwm2m_in_begin(&in, (tsr_lwm2m_format)format, path, given, &scratch);
    if (prefix != NULL)
        tsr_lwm2m_in_prefix(&in, tsr_text(prefix));
    while (err == TSR_OK && (err = tsr_lwm2m_in_next(&in, &path, &value)) == TSR_OK) {
        uint64_t ms;

        tsr_lwm2m_path_put(&out, path);
        tsr_put_u8(&out, '=');
        tsr_put_text(&out, tsr_lwm2m_type_name(value.type));
        tsr_put_u8(&out, ':');
        tsr_lwm2m_value_put_text(&out, &value);
        if (tsr_lwm2m_in_time(&in, 1000000000000, &ms)) {
            tsr_put_u8(&out, '@');
            tsr_put_dec(&out, ms);
        }
        tsr_put_u8(&out, '\n');
    }
    assert_int_equal(out.err, TSR_OK);
    text[out.len] = '\0';
    return err;
}

static void reads(int format, const char *base, const char *payload, const char *want)
{
    char text[1024];
    tsr_err err = describe_in(format, base, payload, NULL, text, sizeof text);

    if (err != TSR_END || strcmp(text, want) != 0)
        fail_msg("%s at %s: %s\n%s", payload, base, tsr_err_name(err), text);
}

static void fails(int format, const char *base, const char *payload, tsr_err want)
{
    char text[1024];
    tsr_err err = describe_in(format, base, payload, NULL, text, sizeof text);

    if (err != want)
        fail_msg("%s at %s: %s\n%s", payload, base, tsr_err_name(err), text);
}

/* ---- SenML ---------------------------------------------------------------------------------- */

/* RFC 8428 §5.1.1 to §5.1.3 in form, with paths of LwM2M for the names.
 * RFC 8428 §4, RFC 8428 §5 */
static void test_senml_json_reads_the_rfc_shapes(void **state)
{
    (void)state;
    reads(JSON, "/", "[{\"n\":\"/3303/0/5700\",\"u\":\"Cel\",\"v\":23.1}]",
          "/3303/0/5700=float:23.1\n");
    reads(JSON, "/", "[{\"n\":\"/3303/0/5700\",\"v\":23.1,\"t\":1.276020076305e+09,\"ut\":1,\"s\":5}]",
          "/3303/0/5700=float:23.1@1276020076305\n");
    reads(JSON, "/", "[ {\"bn\":\"/3303/0/\",\"bt\":1.276020076001e+09,\"bu\":\"A\",\"bver\":5,"
                     "\"n\":\"5700\",\"u\":\"V\",\"v\":120.1},\n"
                     "{\"n\":\"5601\",\"t\":-5,\"v\":1.2}, {\"n\":\"5602\",\"t\":-4,\"v\":1} ]",
          "/3303/0/5700=float:120.1@1276020076001\n/3303/0/5601=float:1.2@1276020071001\n"
          "/3303/0/5602=integer:1@1276020072001\n");
    reads(JSON, "/", "[{\"bn\":\"/3/0/\",\"n\":\"0\",\"vs\":\"a\\u00e9\\n\"},{\"n\":\"21\",\"vb\":true},"
                     "{\"n\":\"5\",\"vd\":\"AP8\"},{\"bn\":\"/1/0\",\"n\":\"/7\",\"vlo\":\"3:0\"}]",
          "/3/0/0=string:a\xc3\xa9\n\n/3/0/21=boolean:1\n/3/0/5=opaque:AP8=\n/1/0/7=objlnk:3:0\n");
    reads(JSON, "/", "[]", "");
}

/* RFC 8428 §4.5.1, RFC 8428 §4.5.4 */
static void test_senml_base_values_reset_and_add(void **state)
{
    (void)state;
    reads(JSON, "/", "[{\"bn\":\"/3/0/1\",\"bv\":20,\"n\":\"0\",\"v\":1},{\"n\":\"1\"},"
                     "{\"n\":\"2\",\"v\":1.5},{\"bn\":\"/4/0/\",\"bv\":0,\"n\":\"3\",\"v\":2}]",
          "/3/0/10=integer:21\n/3/0/11=integer:20\n/3/0/12=float:21.5\n/4/0/3=integer:2\n");
    /* the same in CBOR: bn, bv (-5), n, v */
    reads(SENML, "/", "82a42165 2f332f302f 2414 006130 0201a1006131",
          "/3/0/0=integer:21\n/3/0/1=integer:20\n");
    reads(JSON, "/", "[{\"n\":\"/3/0/0\",\"v\":1,\"bn\":\"\",\"bt\":1700000000},"
                     "{\"n\":\"/3/0/0\",\"v\":2,\"t\":1},{\"n\":\"/3/0/0\",\"v\":3,\"bt\":0}]",
          "/3/0/0=integer:1@1700000000000\n/3/0/0=integer:2@1700000001000\n/3/0/0=integer:3\n");
}

/* RFC 8428 §4.6 */
static void test_senml_times_below_2_to_28_are_relative(void **state)
{
    (void)state;
    reads(JSON, "/", "[{\"n\":\"/3/0/9\",\"v\":1,\"t\":-10.5},{\"n\":\"/3/0/9\",\"v\":2,\"t\":0}]",
          "/3/0/9=integer:1@999999989500\n/3/0/9=integer:2\n");
}

static void test_senml_names_and_nulls_have_no_value(void **state)
{
    (void)state;
    reads(JSON, "/", "[{\"n\":\"/3/0\"},{\"n\":\"/1\"},{\"n\":\"/\"},{\"n\":\"/16/0/0/1\",\"v\":null}]",
          "/3/0=none:\n/1=none:\n/=none:\n/16/0/0/1=none:\n");
    reads(SENML, "/", "83a100662f332f302f30a100662f332f302f39a100662f312f302f31",
          "/3/0/0=none:\n/3/0/9=none:\n/1/0/1=none:\n");
    reads(SENML, "/", "84a221652f342f302f006130a1006131a1006132a221632f362f006130",
          "/4/0/0=none:\n/4/0/1=none:\n/4/0/2=none:\n/6/0=none:\n");
    reads(SENML, "/", "81a200692f31362f302f302f3102f6", "/16/0/0/1=none:\n");
    reads(JSON, "/", "[{\"n\":\"/3/0\"},{\"n\":\"/3/0\"}]", "/3/0=none:\n/3/0=none:\n");
}

/* RFC 8428 §4.4 */
static void test_senml_ignores_what_it_does_not_know(void **state)
{
    (void)state;
    reads(JSON, "/", "[{\"n\":\"/3/0/9\",\"v\":1,\"x\":{\"y\":[1]},\"z-\":null}]", "/3/0/9=integer:1\n");
    fails(JSON, "/", "[{\"n\":\"/3/0/9\",\"v\":1,\"x_\":1}]", TSR_E_UNSUPPORTED);
    fails(JSON, "/", "[{\"n\":\"/3/0/9\",\"v\":1,\"bver\":11}]", TSR_E_UNSUPPORTED);
    reads(SENML, "/", "81a4 00662f332f302f39 0201 1863 820102 617881f6", "/3/0/9=integer:1\n");
    fails(SENML, "/", "81a3 00662f332f302f39 0201 62785f01", TSR_E_UNSUPPORTED);
    fails(SENML, "/", "81a3 00662f332f302f39 0201 200b", TSR_E_UNSUPPORTED);
    fails(SENML, "/", "81a3 00662f332f302f39 0201 6a6162636465666768696a01", TSR_END);
}

static void test_senml_cbor_is_lenient_in_form(void **state)
{
    (void)state;
    /* indefinite array, map and strings; half floats; decimal fraction (RFC 8949 §3.4.4); label "vlo" */
    reads(SENML, "/", "9fbf 007f632f332f63302f39ff 02fb4036800000000000ffff", "/3/0/9=float:22.5\n");
    reads(SENML, "/", "81a2 00662f332f302f39 02f94da0", "/3/0/9=float:22.5\n");
    reads(SENML, "/", "81a2 00662f332f302f39 02c48220 18e1", "/3/0/9=float:22.5\n");
    reads(SENML, "/", "81a2 00662f332f302f39 02c48202 05", "/3/0/9=integer:500\n");
    reads(SENML, "/", "81a2 00662f332f302f39 02c1 1a514b67b0", "/3/0/9=time:1363896240\n");
    reads(SENML, "/", "81a2 00662f332f302f39 63766c6f 63333a30", "/3/0/9=objlnk:3:0\n");
    reads(SENML, "/", "81a2 00662f332f302f39 08 5f41004101ff", "/3/0/9=opaque:AAE=\n");
    reads(SENML, "/", "81a2 00662f332f302f39 02 1bffffffffffffffff",
          "/3/0/9=unsigned:18446744073709551615\n");
    reads(SENML, "/", "81a2 00662f332f302f39 02 3bffffffffffffffff",
          "/3/0/9=float:-18446744073709552000\n");
}

/* RFC 8428 */
static void test_senml_refuses_broken_packs(void **state)
{
    static const char *const json[] = {
        "", "{}", "1", "[1]", "[{}]", "[{\"v\":1}]", "[{\"n\":\"3/0/x\",\"v\":1}]",
        "[{\"n\":\"/3/0/1\",\"v\":1,\"vs\":\"a\"}]", "[{\"n\":\"/3/0/1\",\"v\":\"1\"}]",
        "[{\"n\":\"/3/0/1\",\"vs\":1}]", "[{\"n\":\"/3/0/1\",\"vb\":1}]",
        "[{\"n\":\"/3/0/1\",\"vd\":\"A\"}]", "[{\"n\":\"/3/0/1\",\"vlo\":\"3\"}]",
        "[{\"n\":1,\"v\":1}]", "[{\"bn\":1}]", "[{\"n\":\"/3/0/1\",\"t\":\"x\",\"v\":1}]",
        "[{\"n\":\"/3/0/1\",\"v\":1e999}]", "[{\"n\":\"/3/0/1\",\"v\":1}",
        "[{\"n\":\"/3/0/1\",\"v\":1},{\"n\":\"/3/0/1\",\"v\":2}]",
        "[{\"n\":\"/3/0/2\",\"v\":1},{\"n\":\"/3/0/1\",\"v\":2},{\"n\":\"/3/0/2\",\"v\":2}]",
    };
    static const char *const cbor[] = {
        "", "a0", "80 00", "81", "8101", "81a0", "81a10201", "81a2 0001 0201",
        "81a2 00662f332f302f39 026161", "81a2 00662f332f302f39 0301", "81a2 00662f332f302f39 0401",
        "81a2 00662f332f302f39 086161", "81a2 00662f332f302f39 0281 01",
        "81a3 00662f332f302f39 0201 0361 61", "81a2 00662f332f302f39", "82a2 00662f332f302f39 0201",
        "81a2 00662f332f302f39 03 61ff", "81a2 0066ff332f302f39 0201", "81a3 00662f332f302f39 06 6161 0201",
        "81a3 00662f332f302f39 06f97e00 0201",
        "82a2 00662f332f302f39 0201 a2 00662f332f302f39 0202",
    };

    (void)state;
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++)
        fails(JSON, "/", json[i], TSR_E_MALFORMED);
    for (size_t i = 0; i < sizeof cbor / sizeof cbor[0]; i++)
        fails(SENML, "/", cbor[i], TSR_E_MALFORMED);
    fails(JSON, "/3/0", "[{\"n\":\"/3/1/1\",\"v\":1}]", TSR_E_NOT_FOUND);
    fails(SENML, "/3/0/8", "81a2 00662f332f302f39 0201", TSR_E_NOT_FOUND);
}

static void test_senml_drops_the_alternate_path(void **state)
{
    char text[256];

    (void)state;
    assert_int_equal(describe_in(JSON, "/3/0", "[{\"bn\":\"/lwm2m/3/0/\",\"n\":\"9\",\"v\":1}]",
                                 "/lwm2m", text, sizeof text), TSR_END);
    assert_string_equal(text, "/3/0/9=integer:1\n");
    assert_int_equal(describe_in(JSON, "/3/0", "[{\"n\":\"/3/0/9\",\"v\":1}]", "/lwm2m", text,
                                 sizeof text), TSR_END);
}

/* Core 7.5.4 */

/* ---- LwM2M CBOR ------------------------------------------------------------------------------ */

static void test_lwm2m_cbor_mixes_keys_and_lengths(void **state)
{
    (void)state;
    reads(LWM2M, "/3/0", "bf 9f0300ff bf 00 7f614161 42ff 07 bf 00 01 01 02 ff ff ff",
          "/3/0/0=string:AB\n/3/0/7/0=integer:1\n/3/0/7/1=integer:2\n");
    reads(LWM2M, "/", "a2 8303 00 09 1864 03 a1 00 a1 8207 01 02", "/3/0/9=integer:100\n/3/0/7/1=integer:2\n");
    reads(LWM2M, "/", "a1 84 03 00 07 01 c4 82 20 0f", "/3/0/7/1=float:1.5\n");
    reads(LWM2M, "/2", "a1 82 02 05 a0", "/2/5=none:\n");
    reads(LWM2M, "/2", "a1 02 a2 00 a0 01 bfff", "/2/0=none:\n/2/1=none:\n");
    reads(LWM2M, "/3/0", "a1 830300 07 a0", "/3/0/7=none:\n");
    reads(LWM2M, "/16", "a1 84 10 00 00 01 f6", "/16/0/0/1=none:\n");
    reads(LWM2M, "/", "a0", "");
}

static void test_lwm2m_cbor_refuses_broken_maps(void **state)
{
    static const char *const bad[] = {
        "", "80", "01", "a1", "a1 03 01", "a1 0301 00", "a1 82 0300 01", "a1 830300 09",
        "a1 20 01", "a1 80 01", "a1 85 03 00 07 01 02 03", "a1 84 03 00 07 01 a1 00 01",
        "a1 1a00010000 a0", "a1 830300 09 81 01", "a1 830300 09 18 64 00", "a1 f6 01",
        "a2 830300 09 01 830300 09 02", "a2 830300 09 01 03 a1 00 a1 09 02",
        "bf 830300 09 01", "a1 830300 09 61 ff", "a1 83 0300 6161 01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tsr_err want = i == sizeof bad / sizeof bad[0] - 1 ? TSR_E_UNSUPPORTED : TSR_E_MALFORMED;

        fails(LWM2M, "/", bad[i], want);
    }
    fails(LWM2M, "/1", "a1 830300 09 01", TSR_E_NOT_FOUND);
}

/* Core 7.5.5 */

/* ---- TLV ------------------------------------------------------------------------------------- */

static void test_tlv_finds_its_place(void **state)
{
    (void)state;
    reads(TLV, "/3/0", "c10964", "/3/0/9=bytes:ZA==\n");
    reads(TLV, "/3/0/9", "c10964", "/3/0/9=bytes:ZA==\n");
    reads(TLV, "/3/0/7", "86 07 4100 01 4101 02", "/3/0/7/0=bytes:AQ==\n/3/0/7/1=bytes:Ag==\n");
    reads(TLV, "/3/0/7/1", "4101 02", "/3/0/7/1=bytes:Ag==\n");
    reads(TLV, "/3/0/7/1", "8307 4101 02", "/3/0/7/1=bytes:Ag==\n");
    reads(TLV, "/3", "0300 c10964", "/3/0/9=bytes:ZA==\n");
    reads(TLV, "/3/0", "0300 c10964", "/3/0/9=bytes:ZA==\n");
    reads(TLV, "/2", "c10005 8302 4165 01", "/2/65535/0=bytes:BQ==\n/2/65535/2/101=bytes:AQ==\n");
    reads(TLV, "/2", "0005", "/2/5=none:\n");
    reads(TLV, "/3/0", "8007", "/3/0/7=none:\n");
    reads(TLV, "/3/0", "c000", "/3/0/0=bytes:\n");
    reads(TLV, "/3/0", "", "");
    reads(TLV, "/300/0", "e1012c64", "/300/0/300=bytes:ZA==\n");
    reads(TLV, "/3/0", "d000000164", "/3/0/0=bytes:ZA==\n");
}

static void test_tlv_refuses_broken_nesting(void **state)
{
    static const char *const bad[] = {
        "c1", "c109", "c10a", "c80002 01", "f0", "e109", "d80000", "c10964 c10965",
        "4100 01", "0200 c109", "0300 c20964", "0300 0101 00", "8307 c100 01", "8307 8100 01",
        "8307 0100 01", "8307 420001", "0500 8307 4200 01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        fails(TLV, "/3/0", bad[i], TSR_E_MALFORMED);
    fails(TLV, "/3/0", "0301 c10964", TSR_E_NOT_FOUND);
    fails(TLV, "/3/0/8", "c10964", TSR_E_NOT_FOUND);
    fails(TLV, "/", "c10964", TSR_E_UNSUPPORTED);
}

/* ---- single values ---------------------------------------------------------------------------- */

/* Core 7.5.1, Core 7.5.2, Core 7.5.3 */
static void test_single_formats_give_one_value(void **state)
{
    (void)state;
    reads(TEXT, "/3/0/9", "100", "/3/0/9=text:100\n");
    reads(TEXT, "/3/0/7/1", "", "/3/0/7/1=text:\n");
    reads(TSR_LWM2M_FORMAT_OCTETS, "/5/0/0", "0001", "/5/0/0=opaque:AAE=\n");
    reads(CBOR, "/3/0/9", "1864", "/3/0/9=integer:100\n");
    /* RFC 8949 §3.4.1 */
    reads(CBOR, "/3/0/13", "c074323031332d30332d32315432303a30343a30305a", "/3/0/13=time:1363896240\n");
    reads(CBOR, "/3/0/13", "c0781b323031332d30332d32315432303a30343a30302e352b30313a3330",
          "/3/0/13=time:1363890840\n");
    reads(CBOR, "/3/0/13", "c074313936392d31322d33315432333a35393a35395a", "/3/0/13=time:-1\n");
    reads(CBOR, "/3/0/13", "c1fb41d452d9ec200000", "/3/0/13=time:1363896240\n");
    reads(CBOR, "/3/0/0", "7f61416142ff", "/3/0/0=string:AB\n");
    reads(CBOR, "/3/0/0", "d82061 41", "/3/0/0=string:A\n");
    fails(CBOR, "/3/0/9", "", TSR_E_MALFORMED);
    fails(CBOR, "/3/0/9", "0101", TSR_E_MALFORMED);
    fails(CBOR, "/3/0/9", "8101", TSR_E_TYPE);
    fails(CBOR, "/3/0/9", "c06161", TSR_E_TYPE);
    fails(CBOR, "/3/0/9", "c48201", TSR_E_MALFORMED);
    fails(CBOR, "/3/0/9", "c4821a7fffffff01", TSR_E_TYPE);
    fails(CBOR, "/3/0/9", "ff", TSR_E_MALFORMED);
    fails(CBOR, "/3/0", "01", TSR_E_ARGUMENT);
    fails(TSR_LWM2M_FORMAT_LINK, "/3/0/9", "", TSR_E_UNSUPPORTED);
}

/* ---- limits ------------------------------------------------------------------------------------ */

/* Its escapes undone and its base64 decoded, a value stands in scratch once. */
static void test_read_needs_no_more_scratch_than_payload(void **state)
{
    (void)state;
    reads(JSON, "/3/0", "[{\"n\":\"/3/0/5\",\"vd\":\"\\/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]",
          "/3/0/5=opaque:/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
}

static void test_read_says_when_scratch_is_missing(void **state)
{
    static const struct {
        int format;
        const char *hex;
    } cases[] = {
        { JSON, "5b7b226e223a222f332f302f39222c227673223a225c6e227d5d" }, /* "vs":"\n" */
        { JSON, "5b7b226e223a222f332f302f39222c227664223a224141227d5d" }, /* "vd":"AA" */
        { SENML, "81a200662f332f302f39 03 7f6141ff" },
        { CBOR, "7f6141ff" },
        { LWM2M, "a1830300097f6141ff" },
    };
    uint8_t room[64];
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    tsr_lwm2m_in in;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tsr_bytes payload = from_hex(cases[i].hex, room, sizeof room);

        assert_int_equal(tsr_lwm2m_in_begin(&in, (tsr_lwm2m_format)cases[i].format,
                                            tsr_lwm2m_at_resource(3, 0, 9), payload, NULL), TSR_OK);
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_E_SPACE);
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_E_SPACE);
    }
}

/* Looking for duplicates is bounded, whatever order a peer chooses. */
static void test_read_bounds_the_search_for_duplicates(void **state)
{
    static uint8_t room[200000];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;
    tsr_lwm2m_in in;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    tsr_err err;
    uint16_t n = 0;

    (void)state;
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), &body);
    for (uint16_t i = 5000; i > 0; i--)
        tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource(3, 0, i), i);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), tsr_buf_view(&body), NULL);
    while ((err = tsr_lwm2m_in_next(&in, &path, &value)) == TSR_OK)
        n++;
    assert_int_equal(err, TSR_E_UNSUPPORTED);
    assert_in_range(n, 300, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_senml_json_reads_the_rfc_shapes),
        cmocka_unit_test(test_senml_base_values_reset_and_add),
        cmocka_unit_test(test_senml_times_below_2_to_28_are_relative),
        cmocka_unit_test(test_senml_names_and_nulls_have_no_value),
        cmocka_unit_test(test_senml_ignores_what_it_does_not_know),
        cmocka_unit_test(test_senml_cbor_is_lenient_in_form),
        cmocka_unit_test(test_senml_refuses_broken_packs),
        cmocka_unit_test(test_senml_drops_the_alternate_path),
        cmocka_unit_test(test_lwm2m_cbor_mixes_keys_and_lengths),
        cmocka_unit_test(test_lwm2m_cbor_refuses_broken_maps),
        cmocka_unit_test(test_tlv_finds_its_place),
        cmocka_unit_test(test_tlv_refuses_broken_nesting),
        cmocka_unit_test(test_single_formats_give_one_value),
        cmocka_unit_test(test_read_needs_no_more_scratch_than_payload),
        cmocka_unit_test(test_read_says_when_scratch_is_missing),
        cmocka_unit_test(test_read_bounds_the_search_for_duplicates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
