/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes may be parsed; what parses is rebuilt from its options and must come out byte for byte
 * when it was in shortest form, and must parse to the same message in any case. */
#include "fuzz/fuzz.h"
#include "tessera/coap/message.h"

static void rebuild(const tsr_coap_msg *msg, tsr_buf *out)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_coap_opt opt;
    uint16_t last = 0;

    tsr_coap_put_header(out, msg->type, msg->code, msg->mid, msg->token);
    while (tsr_coap_opt_next(&it, &opt) == TSR_OK)
        tsr_coap_put_opt(out, &last, opt.number, opt.value);
    tsr_coap_put_payload(out, msg->payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 17];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_msg a, b;
    uint16_t ids[4];
    size_t count;

    if (size > 65536 || tsr_coap_msg_parse(tsr_view(data, size), &a) != TSR_OK)
        return 0;
    rebuild(&a, &out);
    must(out.err == TSR_OK && out.len <= size);
    must(tsr_coap_msg_parse(tsr_buf_view(&out), &b) == TSR_OK);
    must(a.type == b.type && a.code == b.code && a.mid == b.mid && tsr_same(a.token, b.token));
    must(tsr_same(a.payload, b.payload) && a.bad_option == b.bad_option);
    must(a.path_count == b.path_count && a.observe.set == b.observe.set);
    must(a.observe.value == b.observe.value && a.block2.num == b.block2.num);
    if (out.len == size) /* no longer form was used anywhere */
        must(tsr_same(tsr_buf_view(&out), tsr_view(data, size)));
    if (tsr_coap_msg_ids(&a, 0, ids, 4, &count) == TSR_OK)
        must(count <= 4 && count == a.path_count);
    (void)tsr_coap_msg_path_is(&a, 0, "/3/0/9");
    return 0;
}
