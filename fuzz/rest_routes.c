/* SPDX-License-Identifier: Apache-2.0
 *
 * Every route of the REST interface over HTTP, with a server and a device behind it that answers.
 * The input: which route, which names go into it, then text: the query up to a line feed, and the
 * body. Route 255: the path is the text's as well. What comes back is what docs/openapi.yaml
 * promises: a status, and JSON that is JSON. */
#include "fuzz/rest_look.h"
#include "fuzz/server_house.h"
#include "server/rest/rest.h"
#include "server/rest/route.h"
#include "tessera/cbor/cbor.h"
#include "tessera/coap/message.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 18, WAIT_MS = 15000 };

static fuzz_house house;
static tsr_rest *rest;
static int device = -1;

/* ---- the device: it has something to say to every request ---- */

/* One value at what was asked for, or at the first resource below. */
static void put_value(tsr_buf *out, const tsr_coap_msg *msg)
{
    char name[64];
    tsr_buf path = tsr_buf_over(name, sizeof name);

    for (size_t i = 0; i < msg->path_count; i++) {
        tsr_put_u8(&path, '/');
        tsr_put_bytes(&path, msg->path[i]);
    }
    for (size_t i = msg->path_count; i < 3; i++)
        tsr_put_text(&path, "/0");
    tsr_cbor_put_array(out, 1);
    tsr_cbor_put_map(out, 2);
    tsr_cbor_put_uint(out, 0);
    tsr_cbor_put_text(out, tsr_buf_view(&path));
    tsr_cbor_put_uint(out, 2);
    tsr_cbor_put_uint(out, 50);
}

static void respond(const tsr_coap_msg *msg)
{
    static const uint8_t codes[] = { [1] = 0x45, 0x41, 0x44, 0x42, 0x45, 0x45, 0x44 };
    uint8_t room[256], value[128];
    tsr_buf out = tsr_buf_over(room, sizeof room), cbor = tsr_buf_over(value, sizeof value);
    uint16_t last = 0;
    uint8_t code = msg->code < sizeof codes ? codes[msg->code] : 0x85;
    bool discover = msg->accept.set && msg->accept.value == 40;

    tsr_coap_put_header(&out, TSR_COAP_ACK, code, msg->mid, msg->token);
    if (msg->observe.set && msg->observe.value == 0)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, msg->mid);
    if (code == 0x45) {
        put_value(&cbor, msg);
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, discover ? 40 : 112);
        tsr_coap_put_payload(&out, discover ? tsr_text("</3/0>;pmin=1,</3/0/9>;dim=2")
                                            : tsr_buf_view(&cbor));
    }
    if (out.err == TSR_OK && cbor.err == TSR_OK)
        (void)!send(device, room, out.len, 0);
}

static void *run_device(void *unused)
{
    uint8_t room[2048];
    tsr_coap_msg msg;

    (void)unused;
    for (;;) {
        ssize_t n;

        if (!fuzz_house_readable(device, 1000))
            continue;
        n = recv(device, room, sizeof room, 0);
        if (n > 0 && tsr_coap_msg_parse(tsr_view(room, (size_t)n), &msg) == TSR_OK &&
            tsr_coap_is_request(msg.code))
            respond(&msg);
    }
    return NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const tsr_rest_config config = { .body_max = 100000, .timeout_ms = 2000 };
    char why[400] = "";
    pthread_t thread;

    fuzz_house_arguments(argc, argv);
    fuzz_house_open(&house);
    device = fuzz_house_connect(&house.config.coap[0], false);
    must(pthread_create(&thread, NULL, run_device, NULL) == 0);
    must(tsr_rest_start(&rest, house.server, &config, why, sizeof why) == TSR_OK);
    return 0;
}

/* ---- HTTP ---- */

/* {object} and its like by numbers, {endpoint} by names. */
static void put_path(tsr_buf *out, const char *pattern, uint8_t names)
{
    static const char *const endpoints[] = { "dev", "lamp", "nobody", "d%20%C3%A4" };
    static const char *const numbers[] = { "3", "0", "9", "3303", "65534", "1", "65535", "5" };
    unsigned n = 0;

    tsr_put_text(out, "/api/v1");
    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '{') {
            tsr_put_u8(out, (uint8_t)*pattern);
            continue;
        }
        if (strncmp(pattern, "{endpoint}", 10) == 0)
            tsr_put_text(out, endpoints[names & 3]);
        else
            tsr_put_text(out, numbers[names & 4 ? n : (names >> 3) + n & 7u]);
        n++;
        pattern = strchr(pattern, '}');
    }
}

static bool is_stream(const char *pattern) { return strcmp(pattern, "/events") == 0; }

static void put_request(tsr_buf *out, uint8_t which, uint8_t names, tsr_bytes text)
{
    static const char *const methods[] = { "GET", "PUT", "POST", "DELETE", "HEAD" };
    const rest_route *route = &rest_routes[which % rest_route_count];
    const uint8_t *end = text.len != 0 ? memchr(text.ptr, '\n', text.len) : NULL;
    tsr_bytes query = take_some(&text, end != NULL ? (size_t)(end - text.ptr) : text.len);
    char length[100];

    (void)take(&text);
    tsr_put_text(out, which == 255 ? methods[names % 5] : route->method);
    tsr_put_text(out, " ");
    if (which == 255) {
        tsr_put_text(out, "/");
    } else {
        put_path(out, route->pattern, names);
        tsr_put_text(out, "?");
    }
    fuzz_rest_put_text(out, query);
    (void)snprintf(length, sizeof length, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    tsr_put_text(out, length);
    if (text.len != 0) {
        (void)snprintf(length, sizeof length,
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n", text.len);
        tsr_put_text(out, length);
    }
    tsr_put_text(out, "\r\n");
    tsr_put_bytes(out, text);
}

/* The answer, up to the end of the connection, or to that of the head of an event stream. */
static size_t exchange(tsr_bytes request, bool streams, char *room)
{
    tsr_address to = { 0 };
    size_t len = 0;
    int fd;

    to.port = tsr_rest_port(rest);
    fd = fuzz_house_connect(&to, true);
    (void)!send(fd, request.ptr, request.len, 0);
    while (len < ROOM - 1 && fuzz_house_readable(fd, WAIT_MS)) {
        ssize_t n = recv(fd, room + len, ROOM - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        room[len] = '\0';
        if (streams && strstr(room, "\r\n\r\n") != NULL)
            break;
    }
    room[len] = '\0';
    (void)close(fd);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t line[16384];
    static char answer[ROOM];
    tsr_bytes in = tsr_view(data, size);
    tsr_buf out = tsr_buf_over(line, sizeof line);
    uint8_t which = take(&in), names = take(&in);
    bool streams = which == 255 || is_stream(rest_routes[which % rest_route_count].pattern);
    size_t len;

    if (size > 3000)
        return 0;
    fuzz_house_register(&house, device);
    put_request(&out, which, names, in);
    must(out.err == TSR_OK);
    len = exchange(tsr_buf_view(&out), streams, answer);
    (void)fuzz_rest_look(answer, len, len >= ROOM - 1 || (which == 255 && names % 5 == 4));
    return 0;
}
