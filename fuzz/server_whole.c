/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole server behind its sockets: registration, operations, bootstrap, enrolment. The input is
 * a list of steps: kind and channel, length, bytes. After each the server has taken in what was
 * sent.
 *
 *   0  these bytes, as they are
 *   1  a request around them: method, path, format, then query and payload
 *   2  an answer to the server's last request: code, format, then the payload
 *   3  a notification of what was observed last: the same
 *   4  an operation on the device "dev": kind, format, path, then arguments
 *
 * Channels: CoAP over UDP (the one that "dev" is registered from), over TCP, the bootstrap server
 * over UDP, and over DTLS with the key of "lamp", another peer over UDP, and "osc" under OSCORE.
 * Time is the machine's. */
#include "fuzz/server_channels.h"
#include "tessera/coap/message.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fuzz_house house;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_house_arguments(argc, argv);
    fuzz_house_open(&house);
    channels_open(&house);
    return 0;
}

/* ---- steps ---- */

static const uint16_t formats[] = { 0,     42, 60,  110, 112, 11542, 11543,
                                    11544, 40, 320, 322, 281, 286,   287 };

static void request(int i, tsr_bytes in)
{
    static const char *const paths[] = { "/rd",       "/rd/x",    "/dp",
                                         "/bs",       "/bspack",  "/.well-known/core",
                                         "/est/crts", "/est/sen", "/est/sren",
                                         "/est/att",  "/",        "/3/0" };
    uint8_t room[ROOM], method = take(&in), path = take(&in), format = take(&in), query = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_header(&out, method & 8 ? TSR_COAP_NON : TSR_COAP_CON, (uint8_t)(1 + (method & 7)),
                        next_mid(), tsr_text("fz"));
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, paths[path % 12], '/');
    if (format & 0x80)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[(format & 15) % 14]);
    while (query-- % 8 != 0 && in.len != 0) {
        const uint8_t *end = memchr(in.ptr, '&', in.len);
        tsr_bytes one = take_some(&in, end ? (size_t)(end - in.ptr) : in.len);

        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_QUERY, one);
        (void)take(&in);
    }
    if (method & 0x10)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK1, take(&in));
    if (i == OSCORE && echo_len != 0 && (method & 0x20) == 0)
        tsr_coap_put_opt(&out, &last, TSR_COAP_ECHO, tsr_view(echo, echo_len));
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send_message(i, tsr_buf_view(&out));
}

static void answer(int i, tsr_bytes in, bool notify)
{
    static const uint8_t codes[] = { 0x45, 0x44, 0x41, 0x42, 0x43, 0x84, 0x85, 0x8d, 0xa0, 0x80 };
    channel *c = &channels[i];
    uint8_t room[ROOM], code = take(&in), format = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    if (!notify)
        await_request(i);
    if (notify ? !c->watched : !c->asked)
        return;
    c->asked = notify ? c->asked : (format & 0x10) != 0; /* the same once more, or the next */
    tsr_coap_put_header(&out, notify ? TSR_COAP_NON : TSR_COAP_ACK,
                        code < 0x40 ? codes[code % 10] : code, notify ? next_mid() : c->mid,
                        notify ? tsr_view(c->watch, c->watch_len)
                               : tsr_view(c->token, c->token_len));
    if (notify || format & 0x20)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, next_mid());
    if (code == 0x41) {
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_LOCATION_PATH, "/3303/5", '/');
    }
    if (format & 0x80)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[(format & 15) % 14]);
    if (format & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK2, take(&in));
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send_message(i, tsr_buf_view(&out));
}

static void done(void *arg, const tsr_server_result *r)
{
    (void)arg;
    must(r->diagnostic != NULL && r->location != NULL);
    must(r->outcome <= TSR_SERVER_UNAVAILABLE);
    for (size_t i = 0; i < r->record_count; i++) /* an instance without resources is told as one */
        must(r->records[i].path.depth <= 4 &&
             (r->records[i].path.depth >= 3 || r->records[i].value.type == TSR_LWM2M_NONE));
}

static void operate(tsr_bytes in)
{
    static const tsr_lwm2m_path where[] = {
        { 3, 0, 0, 0, 2 },       { 3, 0, 9, 0, 3 }, { 3303, 0, 5700, 0, 3 }, { 5, 0, 0, 0, 1 },
        { 3311, 0, 5850, 0, 3 }, { 1, 0, 0, 0, 2 }, { 3303, 0, 0, 0, 1 },    { 3, 0, 7, 1, 4 },
    };
    uint8_t kind = take(&in), format = take(&in), at = take(&in), depth = take(&in);
    tsr_server_record records[2] = { { .unix_ms = 0 }, { .unix_ms = 1000 } };
    char text[128];
    tsr_buf t = tsr_buf_over(text, sizeof text - 1);
    bool composite = kind % 14 >= TSR_SERVER_READ_COMPOSITE;
    tsr_server_request r = { .kind = (tsr_server_kind)(kind % 14),
                             .endpoint = format & 0x40 ? "osc" : "dev",
                             .path = composite ? tsr_lwm2m_at_root() : where[at % 8],
                             .paths = composite ? where : NULL,
                             .path_count = composite ? depth % 8u : 0,
                             .records = records,
                             .record_count = depth >> 4 & 3,
                             .format = format & 0x80 ? formats[(format & 15) % 14]
                                                     : TSR_SERVER_FORMAT_AUTO,
                             .depth = depth % 5 - 1,
                             .timeout_ms = 200 };

    for (uint16_t i = 0; i < 2; i++) {
        records[i].path = where[at % 8];
        if (records[i].path.depth < 3)
            records[i].path = tsr_lwm2m_at_resource(where[at % 8].object, 0, i);
    }
    records[0].value = tsr_lwm2m_int(at);
    records[1].value = tsr_lwm2m_opaque(take_some(&in, at & 31));
    if (r.record_count > 2)
        r.record_count = 2;
    for (size_t i = 0; i < in.len; i++)
        if (in.ptr[i] != 0)
            tsr_put_u8(&t, in.ptr[i]);
    text[t.len] = '\0';
    r.text = in.len != 0 ? text : NULL;
    channels[format & 0x40 ? OSCORE : UDP].asked = false;
    must(tsr_server_submit(house.server, &r, done, NULL) == TSR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), step;
    uint8_t kind, len;

    fuzz_house_register(&house, channels[UDP].fd);
    for (int n = 0; n < 30 && tsr_get_u8(&in, &kind) == TSR_OK && tsr_get_u8(&in, &len) == TSR_OK;
         n++) {
        int i = (kind >> 4 & 7) % CHANNELS;

        step = take_some(&in, kind & 0x80 ? (size_t)len * 8 : len);
        switch ((kind & 15) % 5) {
        case 0: write_out(i, step); break;
        case 1: request(i, step); break;
        case 2: answer(i, step, false); break;
        case 3: answer(i, step, true); break;
        default: operate(step); break;
        }
        settle(i);
    }
    return 0;
}
