/* SPDX-License-Identifier: Apache-2.0
 *
 * An owner's end of a module: messages to it, and those that it gives. cmocka. */
#ifndef TESTS_FDOHOST_OWNER_H
#define TESTS_FDOHOST_OWNER_H

#include <poll.h>

#include "ports/linux/fdo/info.h"
#include "ports/linux/host/system.h"
#include "tessera/cbor/cbor.h"

enum { DEADLINE_MS = 30000 };

static inline tsr_err put(const tsr_info *i, const char *message, const tsr_buf *value)
{
    assert_int_equal(value->err, TSR_OK);
    return i->take(i->self, tsr_text(message), tsr_buf_view(value), tsr_host_now_ms());
}

static inline tsr_err text(const tsr_info *i, const char *message, const char *v)
{
    uint8_t room[600];
    tsr_buf b = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_text(&b, tsr_text(v));
    return put(i, message, &b);
}

static inline tsr_err bytes(const tsr_info *i, const char *message, tsr_bytes v)
{
    uint8_t room[2000];
    tsr_buf b = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_bytes(&b, v);
    return put(i, message, &b);
}

static inline tsr_err number(const tsr_info *i, const char *message, int64_t v)
{
    uint8_t room[16];
    tsr_buf b = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_int(&b, v);
    return put(i, message, &b);
}

static inline tsr_err flag(const tsr_info *i, const char *message, bool v)
{
    uint8_t room[4];
    tsr_buf b = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_bool(&b, v);
    return put(i, message, &b);
}

/* The next message of the device, waited for as the host waits. */
static inline tsr_err next(const tsr_info *i, const char **message, tsr_buf *value)
{
    uint64_t end_ms = tsr_host_now_ms() + DEADLINE_MS;

    for (;;) {
        uint64_t now_ms = tsr_host_now_ms(), due_ms;
        struct pollfd fd = { -1, 0, 0 };
        tsr_err err;

        value->len = 0;
        value->err = TSR_OK;
        err = i->give(i->self, message, value, now_ms);
        if (err != TSR_END)
            return err;
        due_ms = i->due_ms(i->self, &fd.fd, &fd.events, now_ms);
        if (due_ms == UINT64_MAX)
            return TSR_END;
        assert_true(now_ms < end_ms);
        (void)poll(&fd, 1, due_ms <= now_ms ? 0 : (int)(due_ms - now_ms));
    }
}

#endif
