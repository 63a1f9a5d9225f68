/* SPDX-License-Identifier: Apache-2.0
 *
 * frame_codec parse|build: 10,000 times GET /3/0/9 with Observe and a 4-byte token as a frame of a
 * stream, for callgrind (inclusive instructions of parse_once or build_once, divided by 10,000).
 * Parsing is cutting the frame out of the stream and reading its message. Prints nothing; exit 1 on
 * a wrong result. */
#include <string.h>

#include "tessera/coap/frame.h"

#define NOINLINE __attribute__((noinline))

enum { LOOPS = 10000 };

/* exported and called through volatile pointers, so that no compiler merges them into the loop */
tsr_err parse_once(tsr_coap_deframer *d, tsr_bytes in, tsr_coap_msg *msg);
tsr_err build_once(tsr_buf *out);

static tsr_err (*volatile parse)(tsr_coap_deframer *, tsr_bytes, tsr_coap_msg *) = parse_once;
static tsr_err (*volatile build)(tsr_buf *) = build_once;

static const uint8_t get_3_0_9[] = { 0x74, 0x01, 0xde, 0xad, 0xbe, 0xef, 0x60,
                                     0x51, 0x33, 0x01, 0x30, 0x01, 0x39 };

NOINLINE tsr_err parse_once(tsr_coap_deframer *d, tsr_bytes in, tsr_coap_msg *msg)
{
    tsr_coap_frame frame;
    tsr_err err = tsr_coap_deframe(d, &in, &frame);

    return err == TSR_OK ? tsr_coap_msg_parse(frame.datagram, msg) : err;
}

NOINLINE tsr_err build_once(tsr_buf *out)
{
    static const uint8_t token[] = { 0xde, 0xad, 0xbe, 0xef };
    size_t at = tsr_coap_frame_begin(out, TSR_COAP_GET, tsr_view(token, sizeof token));
    uint16_t last = 0;

    tsr_coap_put_opt(out, &last, TSR_COAP_OBSERVE, tsr_view(NULL, 0));
    tsr_coap_put_opt(out, &last, TSR_COAP_URI_PATH, tsr_view("3", 1));
    tsr_coap_put_opt(out, &last, TSR_COAP_URI_PATH, tsr_view("0", 1));
    tsr_coap_put_opt(out, &last, TSR_COAP_URI_PATH, tsr_view("9", 1));
    tsr_coap_frame_end(out, at, tsr_view(NULL, 0));
    return out->err;
}

int main(int argc, char **argv)
{
    uint8_t room[64];
    tsr_coap_msg msg;
    tsr_coap_deframer d;
    bool building = argc > 1 && strcmp(argv[1], "build") == 0;

    if (!building && (argc != 2 || strcmp(argv[1], "parse") != 0))
        return 2;
    if (tsr_coap_deframer_init(&d, room, sizeof room) != TSR_OK)
        return 1;
    for (unsigned i = 0; i < LOOPS; i++) {
        if (!building) {
            if (parse(&d, tsr_view(get_3_0_9, sizeof get_3_0_9), &msg) != TSR_OK ||
                msg.path_count != 3)
                return 1;
            continue;
        }

        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (build(&out) != TSR_OK || out.len != sizeof get_3_0_9 ||
            memcmp(room, get_3_0_9, sizeof get_3_0_9) != 0)
            return 1;
    }
    return 0;
}
