/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of session tickets (server/engine/tickets.h). */
#include "server/engine/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

static uint8_t ticket_room[256], plain_room[256];

static tsr_bytes sealed_at(ticket_keys *keys, uint64_t now_ms)
{
    tsr_buf ticket = tsr_buf_over(ticket_room, sizeof ticket_room);

    assert_int_equal(ticket_seal(keys, now_ms, tsr_text("door"), tsr_text("session"), &ticket), TSR_OK);
    return tsr_buf_view(&ticket);
}

static tsr_err opened_at(ticket_keys *keys, uint64_t now_ms, const char *bound, tsr_bytes ticket)
{
    tsr_buf plain = tsr_buf_over(plain_room, sizeof plain_room);
    tsr_err err = ticket_open(keys, now_ms, tsr_text(bound), ticket, &plain);

    assert_true(err != TSR_OK || tsr_same(tsr_buf_view(&plain), tsr_text("session")));
    return err;
}

static ticket_keys *keys_new(void)
{
    ticket_keys *keys = ticket_keys_new();

    assert_non_null(keys);
    return keys;
}

/* RFC 5077 §4 */
static void test_ticket_opens_for_what_it_was_sealed(void **state)
{
    ticket_keys *keys = keys_new(), *others = keys_new();
    tsr_bytes ticket = sealed_at(keys, 1000);
    uint8_t first[256];

    (void)state;
    assert_int_equal(ticket.len, TICKET_HEAD + 7 + TICKET_TAG);
    assert_int_equal(opened_at(keys, 1000, "door", ticket), TSR_OK);
    assert_int_equal(opened_at(keys, 999, "door", ticket), TSR_OK); /* a shard whose clock is behind */
    assert_int_equal(opened_at(keys, 1000, "floor", ticket), TSR_E_CRYPTO);
    assert_int_equal(opened_at(others, 1000, "door", ticket), TSR_E_NOT_FOUND);
    memcpy(first, ticket.ptr, ticket.len);
    ticket = sealed_at(keys, 1000);
    assert_memory_not_equal(first + 12, ticket.ptr + 12, 12); /* no nonce twice */
    ticket_keys_free(keys);
    ticket_keys_free(others);
}

static void test_ticket_is_refused_when_any_byte_changed(void **state)
{
    ticket_keys *keys = keys_new();
    tsr_bytes ticket = sealed_at(keys, 1000);

    (void)state;
    for (size_t i = 0; i < ticket.len; i++) {
        ticket_room[i] ^= 0x10;
        assert_int_not_equal(opened_at(keys, 1000, "door", ticket), TSR_OK);
        ticket_room[i] ^= 0x10;
        assert_int_not_equal(opened_at(keys, 1000, "door", tsr_first(ticket, i)), TSR_OK);
    }
    assert_int_equal(opened_at(keys, 1000, "door", ticket), TSR_OK);
    ticket_keys_free(keys);
}

/* RFC 5077 §5.5: keys are replaced, and a ticket lives no longer than it was told to. */
static void test_ticket_and_key_end_with_time(void **state)
{
    ticket_keys *keys = keys_new();
    uint64_t life_ms = TICKET_LIFETIME_S * (uint64_t)1000;
    uint8_t early[256];
    tsr_bytes ticket = sealed_at(keys, 1000), late;

    (void)state;
    memcpy(early, ticket.ptr, ticket.len);
    ticket = tsr_view(early, ticket.len);
    assert_int_equal(opened_at(keys, 1000 + life_ms - 1, "door", ticket), TSR_OK);
    assert_int_equal(opened_at(keys, 1000 + life_ms, "door", ticket), TSR_E_DENIED);

    late = sealed_at(keys, life_ms - HOUR_MS); /* near the end of the first key */
    assert_memory_equal(late.ptr, early, 8);
    assert_int_equal(opened_at(keys, 2 * life_ms - 2 * HOUR_MS, "door", late), TSR_OK);
    memcpy(early, late.ptr, late.len);
    late = tsr_view(early, late.len);
    ticket = sealed_at(keys, life_ms + 2000); /* the second key; the first still opens */
    assert_memory_not_equal(ticket.ptr, early, 8);
    assert_int_equal(opened_at(keys, life_ms + 2000, "door", late), TSR_OK);
    ticket_keys_expire(keys, 1000 + 2 * life_ms);
    assert_int_equal(opened_at(keys, life_ms + 2000, "door", late), TSR_E_NOT_FOUND);
    assert_int_equal(opened_at(keys, 1000 + 2 * life_ms, "door", ticket), TSR_OK);
    ticket_keys_free(keys);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, 12); }

/* RFC 5116 §3.1: under one key each nonce comes once. */
static void test_ticket_takes_no_nonce_twice(void **state)
{
    enum { MANY = 4096 };
    static uint8_t nonces[MANY][12];
    ticket_keys *keys = keys_new();
    uint8_t name[8];

    (void)state;
    memcpy(name, sealed_at(keys, 1000).ptr, sizeof name);
    for (size_t i = 0; i < MANY; i++) {
        tsr_bytes ticket = sealed_at(keys, 1000);

        assert_memory_equal(ticket.ptr, name, sizeof name);
        memcpy(nonces[i], ticket.ptr + 12, 12);
    }
    qsort(nonces, MANY, sizeof nonces[0], by_bytes);
    for (size_t i = 1; i < MANY; i++)
        assert_memory_not_equal(nonces[i - 1], nonces[i], 12);
    ticket_keys_free(keys);
}

static void test_ticket_needs_room(void **state)
{
    ticket_keys *keys = keys_new();
    tsr_buf little = tsr_buf_over(plain_room, TICKET_HEAD + 7 + TICKET_TAG - 1);
    tsr_bytes ticket = sealed_at(keys, 1000);

    (void)state;
    assert_int_equal(ticket_seal(keys, 1000, tsr_text("door"), tsr_text("session"), &little), TSR_E_SPACE);
    little = tsr_buf_over(plain_room, 6);
    assert_int_equal(ticket_open(keys, 1000, tsr_text("door"), ticket, &little), TSR_E_SPACE);
    ticket_keys_free(keys);
    ticket_keys_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticket_opens_for_what_it_was_sealed),
        cmocka_unit_test(test_ticket_is_refused_when_any_byte_changed),
        cmocka_unit_test(test_ticket_and_key_end_with_time),
        cmocka_unit_test(test_ticket_takes_no_nonce_twice),
        cmocka_unit_test(test_ticket_needs_room),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
