/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts that an owner handed over become sections of the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apps/tesserad/onboard.h"
#include "ports/linux/host/log.h"
#include "tests/fdohost/folder.h"

static folder here;
static config c;

static int make(void **state)
{
    (void)state;
    tsr_host_log_level(TSR_LOG_ERROR);
    folder_make(&here);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    folder_remove(&here);
    return 0;
}

static void blank(void)
{
    memset(&c, 0, sizeof c);
    (void)snprintf(c.endpoint, sizeof c.endpoint, "own");
    (void)snprintf(c.state, sizeof c.state, "%s", here.root);
}

static tsr_err apply(const tsr_fdo_account *accounts, size_t count)
{
    uint8_t room[4096];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    for (size_t i = 0; i < count; i++)
        tsr_fdo_account_put(&out, &accounts[i]);
    assert_int_equal(out.err, TSR_OK);
    return onboard_accounts(&c, tsr_buf_view(&out));
}

static const tsr_fdo_account psk = {
    .uri = { (const uint8_t *)"coaps://a.example", 17 }, .short_id = 7, .mode = TSR_LWM2M_MODE_PSK,
    .usage = 255, .lifetime_s = 300, .key_id = 9, .identity = { (const uint8_t *)"lamp", 4 },
};

static void test_accounts_become_sections(void **state)
{
    tsr_fdo_account all[2] = { psk, psk };

    (void)state;
    blank();
    all[1].bootstrap = true;
    all[1].short_id = 0;
    all[1].endpoint = tsr_text("theirs");
    assert_int_equal(apply(all, 2), TSR_OK);
    assert_int_equal(c.server_count, 1);
    assert_true(c.has_bootstrap);
    assert_string_equal(c.servers[0].uri, "coaps://a.example");
    assert_string_equal(c.servers[0].identity, "lamp");
    assert_int_equal(c.servers[0].short_id, 7);
    assert_int_equal(c.servers[0].key, 9);
    assert_int_equal(c.servers[0].number[TSR_LWM2M_S_LIFETIME], 300);
    assert_string_equal(c.bootstrap.uri, "coaps://a.example");
    assert_string_equal(c.endpoint, "theirs");
}

static void test_certificates_become_files(void **state)
{
    tsr_fdo_account a = psk;

    (void)state;
    blank();
    a.mode = TSR_LWM2M_MODE_CERTIFICATE;
    a.usage = 2;
    a.certificate = tsr_text("own certificate");
    a.server_certificate = tsr_text("server's certificate");
    assert_int_equal(apply(&a, 1), TSR_OK);
    assert_true(folder_holds(&here, "root/fdo-own-1.der", "own certificate"));
    assert_true(folder_holds(&here, "root/fdo-server-1.der", "server's certificate"));
    assert_int_equal(c.servers[0].certificate_usage, 2);
    assert_non_null(strstr(c.servers[0].certificate, "/root/fdo-own-1.der"));
    assert_non_null(strstr(c.servers[0].server_certificate, "/root/fdo-server-1.der"));
}

/* What somebody wrote by hand stays. */
static void test_sections_win(void **state)
{
    (void)state;
    blank();
    (void)snprintf(config_add(&c, 7)->uri, CONFIG_PATH, "coap://by.hand");
    assert_int_equal(apply(&psk, 1), TSR_OK);
    assert_int_equal(c.server_count, 1);
    assert_string_equal(c.servers[0].uri, "coap://by.hand");
}

static void test_damaged_accounts(void **state)
{
    tsr_fdo_account a = psk;

    (void)state;
    blank();
    assert_int_equal(onboard_accounts(&c, tsr_text("junk")), TSR_E_MALFORMED);
    a.identity = tsr_view("a\0b", 3);
    assert_int_equal(apply(&a, 1), TSR_E_SPACE);
    assert_int_equal(onboard_accounts(&c, tsr_view(NULL, 0)), TSR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_become_sections),
        cmocka_unit_test(test_certificates_become_files),
        cmocka_unit_test(test_sections_win),
        cmocka_unit_test(test_damaged_accounts),
    };

    return cmocka_run_group_tests(tests, make, clean);
}
