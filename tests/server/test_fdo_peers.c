/* SPDX-License-Identifier: Apache-2.0
 *
 * What one address may do a second at FDO's services, and what is written down of a peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/audit/audit.h"
#include "tests/server/fdo_house.h"

static unsigned takes(fdo_peers *all, const char *text, uint64_t now_ms, unsigned most)
{
    unsigned n = 0;

    while (n < most && fdo_peer_may(all, text, now_ms))
        n++;
    return n;
}

static void test_peer_has_a_bucket_of_its_own(void **state)
{
    fdo_peers *all = malloc(sizeof *all);

    (void)state;
    assert_int_equal(fdo_peers_open(all, 10), TSR_OK);
    assert_int_equal(takes(all, "192.0.2.1", 50, 100), 20); /* two seconds' worth */
    assert_int_equal(takes(all, "192.0.2.2", 50, 100), 20); /* another's is full */
    assert_int_equal(takes(all, "::ffff:192.0.2.1", 50, 100), 0); /* the same address */
    assert_int_equal(takes(all, "192.0.2.1", 550, 100), 5);
    assert_int_equal(takes(all, "192.0.2.1", 60000, 100), 20);
    assert_int_equal(takes(all, "2001:db8::1", 50, 100), 20);
    assert_int_equal(takes(all, "2001:db8::ffff:1", 50, 100), 0); /* of the same /64 */
    assert_int_equal(takes(all, "2001:db8:0:1::1", 50, 100), 20);
    assert_int_equal(takes(all, "", 50, 100), 100); /* not known: only all together are bounded */
    fdo_peers_close(all);
    free(all);
}

static void test_peers_are_many_and_the_table_stays(void **state)
{
    fdo_peers *all = malloc(sizeof *all);
    unsigned refused = 0;
    char text[20];

    (void)state;
    assert_int_equal(fdo_peers_open(all, 1), TSR_OK);
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        refused += fdo_peer_may(all, text, 100 + i) ? 0 : 1;
    }
    assert_int_equal(refused, 0); /* who is new is never turned away for others */
    assert_int_equal(takes(all, "10.1.134.159", 100100, 100), 1); /* the last of them is remembered */
    fdo_peers_close(all);
    free(all);
}

/* --- with a service --------------------------------------------------------------------- */

typedef struct {
    fdo_house house;
    char seen[4][400];
    size_t count;
} room;

static void see(void *arg, const char *cursor, tsr_bytes json)
{
    room *r = arg;

    (void)cursor;
    assert_true(r->count < 4);
    (void)snprintf(r->seen[r->count++], sizeof r->seen[0], "%.*s", (int)json.len,
                   (const char *)json.ptr);
}

static void test_peer_beyond_its_rate_is_refused_and_written_down(void **state)
{
    static const uint8_t empty[] = { 0x80 };
    room *r = calloc(1, sizeof *r);
    tsr_fdo_answer a;
    unsigned n = 0;

    (void)state;
    assert_true(fdo_house_open(&r->house, 100, 6));
    assert_int_equal(tsr_audit_open(r->house.store, 0, &r->house.fdo->config.audit), TSR_OK);
    for (bool taken = true; taken && n < 50; n += taken) {
        tsr_fdo_message_from(r->house.fdo, "192.0.2.9", 20, NULL, tsr_view(empty, 1), &a);
        taken = a.type == 21;
        free(a.body.ptr);
    }
    assert_in_range(n, 6, 7); /* half of what all may, for two seconds; a slow machine may see one more */
    tsr_fdo_message_from(r->house.fdo, "192.0.2.10", 20, NULL, tsr_view(empty, 1), &a);
    assert_int_equal(a.type, 21);
    free(a.body.ptr);
    tsr_store_flush(r->house.store);
    assert_int_equal(tsr_audit_list(r->house.fdo->config.audit, TSR_AUDIT_REFUSED, NULL, 4, see, r),
                     TSR_OK);
    assert_int_equal(r->count, 1);
    assert_non_null(strstr(r->seen[0], "\"who\":\"peer 192.0.2.9\",\"what\":\"protocol-failed\""));
    assert_non_null(strstr(r->seen[0], "message 20"));
    tsr_audit_close(r->house.fdo->config.audit);
    fdo_house_close(&r->house);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peer_has_a_bucket_of_its_own),
        cmocka_unit_test(test_peers_are_many_and_the_table_stays),
        cmocka_unit_test(test_peer_beyond_its_rate_is_refused_and_written_down),
    };

    return psa_crypto_init() == PSA_SUCCESS ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
