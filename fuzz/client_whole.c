/* SPDX-License-Identifier: Apache-2.0
 *
 * A device with all of its objects and two servers, one over UDP (under OSCORE, when the first byte
 * is odd, with new keys from time to time unless its second bit is set) and one over TCP, with
 * Access Control between them. The input goes on with steps: kind and server, length, bytes.
 *
 *   0  bytes as they are            4  what the host does: measures, logs, gets a new address
 *   1  a request around them         5  the connection breaks, takes nothing, or takes again
 *      (method, path, format,        6  it stops, with a good-bye or without, and starts from what
 *      query), protected if need be     it saved last
 *   2  an answer to what it asked    7  these bytes as a part of a package, with Block1
 *   3  time goes on by length squared milliseconds */
#include "fuzz/client_rig.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    rig_open();
    return 0;
}

/* ---- what it sends ---- */

static void note(size_t server, uint8_t code, uint16_t mid, tsr_bytes token)
{
    last_request *l = &f.last[server];

    if (!tsr_coap_is_request(code))
        return;
    must(token.len <= sizeof l->token);
    *l = (last_request){ .code = code, .mid = mid, .token_len = (uint8_t)token.len, .asked = true };
    if (token.len != 0)
        memcpy(l->token, token.ptr, token.len);
}

/* What the server says to a request under keys that it does not have: it makes new ones, or refuses. An R2 is
 * not random here, but it is never the same. */
static bool renew(tsr_bytes in, tsr_buf *out)
{
    static uint64_t count;
    const tsr_oscore_params p = rig_far_keys();
    uint8_t room[DATAGRAM], r2[12] = "R2";
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_oscore_option option = { .kid = { NULL, 0 } };
    tsr_oscore next;
    tsr_bytes body, said;

    must(tsr_oscore_body(in, &body) == TSR_OK && tsr_oscore_option_find(body, &option) == TSR_OK);
    said = tsr_oscore_renew_said(option.kid_context);
    if (f.renews && said.len > sizeof r2 && said.ptr[0] == 'R' && said.ptr[1] == '2' &&
        tsr_oscore_renew_accept(&next, &p, said, in, &scratch) == TSR_OK) {
        tsr_oscore_free(&f.far);
        f.far = next;
        return true;
    }
    count++;
    memcpy(r2 + 4, &count, 8);
    scratch = tsr_buf_over(room, sizeof room);
    if (!f.renews || tsr_oscore_renew_offer(&p, said, tsr_view(r2, sizeof r2), in, ++f.mid, &scratch, out) != TSR_OK)
        (void)tsr_oscore_answer_datagram(NULL, NULL, TSR_E_NOT_FOUND, in, ++f.mid, out);
    return false;
}

static void give(size_t server, tsr_bytes bytes);

static void take_datagram(tsr_bytes in)
{
    uint8_t room[DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_msg msg;

    must(tsr_coap_msg_parse(in, &msg) ==
         TSR_OK); /* the client must not send what cannot be parsed */
    if (f.oscore && tsr_coap_is_request(msg.code)) {
        /* what it asks is protected, and meant for us: but a context that was lost starts anew */
        tsr_err err = tsr_oscore_unprotect_request_datagram(&f.far, &f.asked_by_it, in, &out);

        if (err == TSR_E_NOT_FOUND || err == TSR_E_CRYPTO) {
            if (renew(in, &out))
                err = tsr_oscore_unprotect_request_datagram(&f.far, &f.asked_by_it, in, &out);
            else
                give(UDP, tsr_buf_view(&out));
        }
        if (err != TSR_OK)
            return;
        must(tsr_coap_msg_parse(tsr_buf_view(&out), &msg) == TSR_OK);
    }
    note(UDP, msg.code, msg.mid, msg.token);
}

static void take_stream(tsr_bytes in)
{
    tsr_coap_frame frame;
    tsr_err err;

    while ((err = tsr_coap_deframe(&f.deframer, &in, &frame)) == TSR_OK)
        note(TCP, frame.code, 0, frame.token);
    must(err == TSR_END);
}

static void look(void)
{
    tsr_lwm2m_client_event event;
    uint16_t instance;

    while (tsr_lwm2m_client_event_next(&f.client, &event))
        must(event.account < SERVERS);
    while (tsr_lwm2m_logs_changed(&f.logs, &instance))
        tsr_lwm2m_client_changed(&f.client, tsr_lwm2m_at_instance(20, instance));
    tsr_lwm2m_firmware_step(&f.firmware, f.now_ms);
    for (size_t i = 0; i < 2; i++)
        if (f.software[i].used)
            tsr_lwm2m_software_step(&f.softwares, &f.software[i], f.now_ms);
    (void)tsr_lwm2m_client_due_ms(&f.client);
}

static void tend_link(void)
{
    if (f.linked && !tsr_lwm2m_tcp_holds(&f.tcp))
        f.linked = false;
    if (!tsr_lwm2m_tcp_wants(&f.tcp, f.now_ms))
        return;
    f.linked = true;
    must(tsr_coap_deframer_init(&f.deframer, f.deframed, sizeof f.deframed) == TSR_OK);
    tsr_lwm2m_tcp_connected(&f.tcp, f.now_ms);
}

/* As a host that has one channel for each account, whatever it is to be called. */
static void rebind(size_t account)
{
    char binding = tsr_lwm2m_client_binding(&f.client, account);

    if (binding == (account == TCP ? 'T' : 'U'))
        tsr_lwm2m_client_update(&f.client, account);
    else if (binding != 0)
        tsr_lwm2m_client_rebind(&f.client, account, f.now_ms);
}

static void drive(void)
{
    uint8_t room[2048];
    size_t account;

    for (account = 0; account < SERVERS; account++)
        rebind(account);
    tend_link();
    for (int n = 0; n < 200; n++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_lwm2m_client_poll(&f.client, &account, &out, f.now_ms) != TSR_OK)
            break;
        if (account == TCP)
            take_stream(tsr_buf_view(&out));
        else
            take_datagram(tsr_buf_view(&out));
    }
    look();
    tend_link();
}

/* ---- what it gets ---- */

static void give(size_t server, tsr_bytes bytes)
{
    uint8_t *copy;

    if (server == TCP)
        bytes = tsr_first(bytes, f.linked ? tsr_lwm2m_tcp_room(&f.tcp) : 0);
    if (server == TCP && bytes.len == 0)
        return;
    copy = malloc(bytes.len + 1); /* so that a read beyond the end is seen */
    must(copy != NULL);
    if (bytes.len != 0)
        memcpy(copy, bytes.ptr, bytes.len);
    (void)tsr_lwm2m_client_feed(&f.client, server, tsr_view(copy, bytes.len), f.now_ms);
    free(copy);
}

static void feed(size_t server, tsr_bytes bytes)
{
    give(server, bytes);
    drive();
}

/* As the server's way has it: protected, or in a frame. */
static void send(size_t server, tsr_buf *message, bool is_answer)
{
    uint8_t room[DATAGRAM + 256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_oscore_exchange x = { 0 };
    size_t token_len = message->ptr[0] & 15u, at;
    tsr_err err = TSR_OK;

    if (server == TCP) {
        at = tsr_coap_frame_begin(&out, message->ptr[1], tsr_view(message->ptr + 4, token_len));
        tsr_put_bytes(&out, tsr_skip(tsr_buf_view(message), 4 + token_len));
        tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
        feed(TCP, tsr_buf_view(&out));
        return;
    }
    if (!f.oscore) {
        feed(UDP, tsr_buf_view(message));
        return;
    }
    err = is_answer ? tsr_oscore_protect_response_datagram(&f.far, &f.asked_by_it, message, &out)
                    : tsr_oscore_protect_request_datagram(&f.far, &x, message, &out);
    if (err == TSR_OK)
        feed(UDP, tsr_buf_view(&out));
}

static const uint16_t formats[] = { 0, 42, 60, 110, 112, 11542, 11544, 40, 320, 322 };
static const uint16_t objects[] = { 1, 2, 3, 4, 5, 6, 7, 9, 16, 19, 20, 3303, 3311, 0, 21, 65535 };

static void request(size_t server, tsr_bytes in)
{
    uint8_t room[1400], what = take(&in), path = take(&in), where = take(&in), format = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0, numbers[] = { objects[path & 15], where & 3, where >> 2, take(&in) & 3 };

    if (numbers[2] == 63)
        numbers[2] = 5700;
    tsr_coap_put_header(&out, what & 0x20 ? TSR_COAP_NON : TSR_COAP_CON, (uint8_t)(1 + what % 7),
                        ++f.mid, tsr_view("t", 1));
    if (what & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, what >> 7);
    for (uint8_t i = 0; i < (path >> 4) % 5; i++) {
        char text[8];
        tsr_buf number = tsr_buf_over(text, sizeof text);

        tsr_put_dec(&number, numbers[i]);
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_PATH, tsr_buf_view(&number));
    }
    if (format & 0x10)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[(format & 15) % 10]);
    if (format & 0x20)
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_QUERY, take_some(&in, take(&in) & 31));
    if (format & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_ACCEPT, formats[(format & 15) % 10]);
    if (format & 0x80)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK2, take(&in));
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send(server, &out, false);
}

static void answer(size_t server, tsr_bytes in)
{
    last_request *l = &f.last[server];
    uint8_t room[512], code = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    if (!l->asked)
        return;
    l->asked = false;
    tsr_coap_put_header(&out, TSR_COAP_ACK, code < 0x40 ? code & 1 ? 0x44 : 0x41 : code, l->mid,
                        tsr_view(l->token, l->token_len));
    if (code < 0x40)
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_LOCATION_PATH, "/rd/1", '/');
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send(server, &out, true);
}

static void push(size_t server, tsr_bytes in)
{
    uint8_t room[1400], number = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_PUT, ++f.mid, tsr_view("b", 1));
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, number & 1 ? "/9/0/2" : "/5/0/0", '/');
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, 42);
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK1,
                          (uint32_t)(number >> 4) << 4 | (number & 8) | (number >> 1 & 3));
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send(server, &out, false);
}

static void host(size_t server, tsr_bytes in)
{
    static const tsr_lwm2m_path values[] = { { 3, 0, 9, 0, 3 },
                                             { 3303, 0, 5700, 0, 3 },
                                             { 20, 0, 0, 0, 2 } };
    uint8_t what = take(&in);

    switch (what & 7) {
    case 0: tsr_lwm2m_logs_add(&f.logs, what >> 4, in); break;
    case 1:
        (void)tsr_lwm2m_sensor_measure(&f.sensor[0], (double)(int8_t)take(&in) / 4, 1);
        tsr_lwm2m_client_changed(&f.client, tsr_lwm2m_at_instance(3303, 0));
        break;
    case 2: (void)tsr_lwm2m_send(&f.client, server, values, 3, (what & 8) != 0, f.now_ms); break;
    case 3: tsr_lwm2m_client_moved(&f.client, UDP, f.now_ms); break;
    case 4: tsr_lwm2m_client_update(&f.client, server); break;
    case 5: tsr_lwm2m_client_relink(&f.client); break;
    case 6: (void)tsr_lwm2m_client_save(&f.client); break;
    default: tsr_lwm2m_firmware_done(&f.firmware, (tsr_lwm2m_firmware_result)(1 + (what >> 4) % 8));
    }
    drive();
}

static void break_link(uint8_t how)
{
    if (how & 4)
        tsr_lwm2m_tcp_full(&f.tcp, how & 1);
    else if (f.linked) {
        f.linked = false;
        tsr_lwm2m_tcp_broken(&f.tcp, how & 1 ? "reset" : NULL, how & 2);
    }
    drive();
}

static void restart(uint8_t how)
{
    if (how & 1) {
        tsr_lwm2m_client_stop(&f.client, how & 2, f.now_ms);
        drive();
    }
    tsr_lwm2m_tcp_drop(&f.tcp);
    if (f.oscore && (how & 8) != 0) /* the power went */
        rig_lose_contexts();
    else if (f.oscore)
        tsr_lwm2m_oscore_park(&f.layer);
    rig_start();
    if (f.saved_len != 0 && (how & 4) == 0)
        must(tsr_lwm2m_client_restore(&f.client, tsr_view(f.saved, f.saved_len)) == TSR_OK);
    drive();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), step;
    uint8_t kind, len;

    kind = take(&in);
    rig_begin(kind & 1);
    f.renews = (kind & 2) == 0;
    drive();
    while (tsr_get_u8(&in, &kind) == TSR_OK && tsr_get_u8(&in, &len) == TSR_OK) {
        size_t server = kind >> 3 & 1;

        step = take_some(&in, len);
        f.now_ms++;
        f.logs.now_s = f.now_ms / 1000;
        switch (kind & 7) {
        case 0: feed(server, step); break;
        case 1: request(server, step); break;
        case 2: answer(server, step); break;
        case 3:
            f.now_ms += (uint64_t)len * len;
            drive();
            break;
        case 4: host(server, step); break;
        case 5: break_link(len); break;
        case 6: restart(len); break;
        default: push(server, step); break;
        }
    }
    rig_end();
    return 0;
}
