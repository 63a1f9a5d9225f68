/* SPDX-License-Identifier: Apache-2.0
 *
 * A device that enrols with a server that says anything. The input is a list of steps: kind,
 * length, bytes.
 *
 *   0  these bytes as a message             1  time goes on by length squared milliseconds
 *   2  an answer to the last request: code, Max-Age, format, bytes
 *   3  the same with the authority's certificates of the tests, 4  with the device's: one byte is
 *      changed as the bytes say            5  it begins anew
 *
 * Enrolled, it has the one certificate that is for its key, out of what it keeps. */
#include "fuzz/keys.h"
#include "tessera/net/certs_only.h"
#include "tessera/net/est.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    tsr_est est;
    uint64_t memory[4096];
    uint8_t room[TSR_EST_ROOM];
    uint64_t now_ms;
    tsr_coap_msg asked; /* the last request; its token in `token` */
    uint8_t token[8];
} f, fresh; /* `fresh`: after it began, which costs a signature */

static uint8_t ca_room[2048], device_room[2048], crts_room[2048], sen_room[2048];
static tsr_bytes device, crts, sen;
static uint32_t key;

static void begin(void)
{
    static const tsr_coap_config coap = { .peers = 1,
                                          .exchanges = 2,
                                          .exchange_len = 1300,
                                          .bodies = 2,
                                          .body_len = TSR_EST_BODY,
                                          .seed = 1,
                                          .seen = 4,
                                          .log_len = 1024 };
    static tsr_coap_config config;
    tsr_est_config c = { .common_name = "lamp",
                         .key_id = key,
                         .retries = 3,
                         .room = f.room,
                         .room_len = sizeof f.room,
                         .coap = &config,
                         .coap_memory = f.memory,
                         .coap_memory_len = sizeof f.memory };

    config = coap;
    config.params = tsr_coap_params_default();
    f.est = (tsr_est){ 0 };
    must(tsr_est_init(&f.est, &c) == TSR_OK);
    f.now_ms = 1000;
    must(tsr_est_begin(&f.est, f.now_ms) == TSR_OK);
}

static bool inside(tsr_bytes part)
{
    return part.len == 0 || (part.ptr >= f.room && part.ptr + part.len <= f.room + sizeof f.room);
}

static void look(void)
{
    tsr_est_event e;

    while (tsr_est_event_next(&f.est, &e)) {
        must(e.kind != TSR_EST_FAILED || e.reason != NULL);
        must(e.kind != TSR_EST_WAITING || (e.wait_s >= 1 && e.wait_s <= 86400));
        if (e.kind != TSR_EST_ENROLLED)
            continue;
        must(inside(e.certificate) && inside(e.authorities));
        /* Nobody but the tests' authority signs for this key, and what is signed is the whole. */
        must(tsr_same(e.certificate, device));
    }
}

static void drive(void)
{
    uint8_t bytes[1400];
    tsr_coap_msg msg;

    for (int n = 0; n < 100; n++) {
        tsr_buf out = tsr_buf_over(bytes, sizeof bytes);

        if (tsr_est_poll(&f.est, &out, f.now_ms) != TSR_OK)
            break;
        must(tsr_coap_msg_parse(tsr_buf_view(&out), &msg) == TSR_OK);
        if (!tsr_coap_is_request(msg.code))
            continue;
        f.asked = msg;
        must(msg.token.len <= sizeof f.token);
        if (msg.token.len != 0)
            memcpy(f.token, msg.token.ptr, msg.token.len);
        f.asked.token.ptr = f.token;
    }
    look();
    must(tsr_est_due_ms(&f.est) > 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    tsr_buf out = tsr_buf_over(crts_room, sizeof crts_room);
    tsr_bytes ca;

    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    key = fuzz_device_key();
    ca = fuzz_file("dtls/ca.der", ca_room, sizeof ca_room);
    device = fuzz_file("dtls/device.der", device_room, sizeof device_room);
    tsr_certs_only_put(&out, &ca, 1);
    crts = tsr_buf_view(&out);
    out = tsr_buf_over(sen_room, sizeof sen_room);
    tsr_certs_only_put(&out, &device, 1);
    sen = tsr_buf_view(&out);
    begin();
    drive();
    fresh = f;
    return 0;
}

static void feed(tsr_bytes message)
{
    uint8_t *copy = malloc(message.len + 1); /* so that a read beyond the end is seen */

    must(copy != NULL);
    if (message.len != 0)
        memcpy(copy, message.ptr, message.len);
    (void)tsr_est_feed(&f.est, tsr_view(copy, message.len), f.now_ms);
    free(copy);
    drive();
}

static void answer(tsr_bytes how, tsr_bytes body)
{
    static const uint8_t codes[] = { 0x45, 0x44, 0x84, 0xa3, 0x41, 0x80, 0x9d, 0xa0, 0x5f, 0x43 };
    static const uint16_t formats[] = { 281, 287, 286, 0, 60 };
    uint8_t room[4096], code = take(&how), age = take(&how), format = take(&how);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_header(&out, TSR_COAP_ACK, code < 0x40 ? codes[code % 10] : code, f.asked.mid,
                        f.asked.token);
    if (format & 0x10)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[(format & 15) % 5]);
    if (age != 0)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_MAX_AGE, (uint32_t)age * age * age);
    if (format & 0x20)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK2,
                              (uint32_t)take(&how) << 4 | (format & 0x40 ? 8 : 0) | 5);
    tsr_coap_put_payload(&out, body.len != 0 ? body : how);
    if (out.err == TSR_OK)
        feed(tsr_buf_view(&out));
}

/* Good but for one byte, or as it is. Kept apart from `how`, in whose first bytes the place is. */
static void answer_with(tsr_bytes how, tsr_bytes good)
{
    uint8_t room[2048];
    tsr_bytes at = tsr_skip(how, 3);
    size_t place = (size_t)take(&at) << 8;

    must(good.len < sizeof room);
    memcpy(room, good.ptr, good.len);
    place |= take(&at);
    room[place % good.len] ^= take(&at);
    answer(how, tsr_view(room, good.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), step;
    uint8_t kind, len;

    f = fresh;
    for (int n = 0; n < 12 && tsr_get_u8(&in, &kind) == TSR_OK && tsr_get_u8(&in, &len) == TSR_OK;
         n++) {
        step = take_some(&in, kind & 0x80 ? (size_t)len * 16 : len);
        f.now_ms++;
        switch ((kind & 0x7f) % 6) {
        case 0: feed(step); break;
        case 1:
            f.now_ms += (uint64_t)len * len;
            drive();
            break;
        case 2: answer(step, tsr_view(NULL, 0)); break;
        case 3: answer_with(step, crts); break;
        case 4: answer_with(step, sen); break;
        default:
            must(tsr_est_begin(&f.est, f.now_ms) == TSR_OK);
            drive();
            break;
        }
    }
    return 0;
}
