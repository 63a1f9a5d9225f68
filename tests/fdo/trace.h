/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of FDO share: the captured runs of tests/vectors/fdo. */
#ifndef TESTS_FDO_TRACE_H
#define TESTS_FDO_TRACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/vectors.h"

static const char *const traces[] = {
    "ec256-ecdh256-a128gcm",
    "ec384-ecdh384-a256gcm",
    "rsa2048-asymkex2048-aes128ctr",
    "rsa2048-dhkexid14-aes128cbc",
};

enum { TRACES = 4 };

typedef struct {
    uint8_t room[4096];
    size_t len;
} trace_body;

static inline tsr_bytes trace_file(const char *folder, const char *name, trace_body *b)
{
    char path[128];
    tsr_bytes all;

    snprintf(path, sizeof path, "fdo/%s/%s", folder, name);
    all = vector_file(path);
    assert_true(all.len <= sizeof b->room);
    memcpy(b->room, all.ptr, all.len);
    b->len = all.len;
    return tsr_view(b->room, b->len);
}

/* The first message of a type. */
static inline tsr_bytes trace_message(const char *folder, unsigned type, trace_body *b)
{
    static const struct {
        unsigned type;
        const char *name;
    } first[] = {
        { 10, "01-req-10" },  { 11, "01-resp-11" }, { 12, "02-req-12" },  { 13, "02-resp-13" },
        { 30, "03-req-30" },  { 31, "03-resp-31" }, { 32, "04-req-32" },  { 33, "04-resp-33" },
        { 60, "05-req-60" },  { 61, "05-resp-61" }, { 62, "06-req-62" },  { 63, "06-resp-63" },
        { 64, "07-req-64" },  { 65, "07-resp-65" }, { 66, "08-req-66" },  { 67, "08-resp-67" },
    };
    char name[32];

    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        if (first[i].type == type) {
            snprintf(name, sizeof name, "%s.cbor", first[i].name);
            return trace_file(folder, name, b);
        }
    abort();
}

#endif
