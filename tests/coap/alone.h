/* SPDX-License-Identifier: Apache-2.0
 *
 * One engine, `c`; the test plays the other side by hand. */
#ifndef TESTS_COAP_ALONE_H
#define TESTS_COAP_ALONE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/link.h"

enum { NOW = 5000000 };

#define BLOCK(n, m, s)                                                                             \
    {                                                                                              \
        .set = true, .num = (n), .more = (m), .szx = (s)                                           \
    }

/* A test with an engine of link_config() in `c`. */
#define ALONE(test) cmocka_unit_test_setup_teardown(test, alone_setup, alone_teardown)

extern tsr_coap *c;
extern uint8_t body[9000]; /* no two blocks of it are the same */
extern uint16_t next_mid;      /* for the next message of the other side; 100 at first */

int alone_setup(void **state);
int alone_teardown(void **state);

/** Puts an engine of this configuration in its place. */
void with(const tsr_coap_config *config);

/** A GET of ours, with `user` 42. */
tsr_coap_id get(const char *path);

/** Answers 2.05 with a text. */
void respond(tsr_coap_id ticket, const char *text);

/** Fails the test unless `m` is 2.05 with this block of `len` bytes of `body`. */
void is_block2(const tsr_coap_msg *m, uint32_t num, bool more, uint8_t szx, size_t len);

#endif
