/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole client with a bootstrap under way, behind its transport: what a bootstrap server can send, in
 * any order, with saves that fail and power cuts between. The input is a list of steps: kind, length,
 * bytes.
 *
 *   0  a datagram as it is             3  power is cut and comes back
 *   1  a request around these bytes    4  Bootstrap-Finish
 *      (method, path, format first)    5  these bytes are the next Bootstrap-Pack (format first)
 *   2  time goes on by length squared  6  these bytes as the saved state
 *      milliseconds
 */
#include <stdlib.h>

#include "psa/crypto.h"
#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/portfolio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ACCOUNTS = 3, BOOT = 2, CERTIFICATE = 64 };

static struct {
    tsr_lwm2m_client client;
    tsr_lwm2m_account accounts[ACCOUNTS];
    tsr_lwm2m_observation observations[2];
    tsr_lwm2m_attachment attachments[2];
    uint8_t body[1024], state[8192], saved[8192], undo[512];
    size_t saved_len;
    uint64_t coap_memory[6144];
    tsr_lwm2m_bootstrap boot;
    tsr_lwm2m_securities securities;
    tsr_lwm2m_credentials credentials;
    tsr_lwm2m_security security[ACCOUNTS], staged_security[ACCOUNTS];
    tsr_lwm2m_servers servers;
    tsr_lwm2m_server server[ACCOUNTS], staged_server[ACCOUNTS];
    uint32_t keys[3 * ACCOUNTS];
    uint8_t certificates[2 * ACCOUNTS * CERTIFICATE], staged_certificates[2 * ACCOUNTS * CERTIFICATE];
    tsr_lwm2m_device device;
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[2];
    tsr_lwm2m_object objects[4];
    tsr_lwm2m_registry registry;
    bool attached[ACCOUNTS];
    uint64_t now_ms;
    uint16_t mid;
    tsr_bytes pack;
    uint16_t pack_format;
} f;

static const uint16_t formats[] = { 0, 42, 60, 110, 112, 11542, 11544, 40 };

static tsr_err save(void *user, tsr_bytes state)
{
    (void)user;
    if (state.len > sizeof f.saved)
        abort();
    if (f.now_ms % 17 == 3)
        return TSR_E_IO;
    memcpy(f.saved, state.ptr, state.len);
    f.saved_len = state.len;
    return TSR_OK;
}

static bool usable(void *user, const tsr_lwm2m_security *s)
{
    (void)user;
    return s->uri[0] != 'x';
}

static tsr_err attach(void *user, size_t account, const tsr_lwm2m_security *s)
{
    (void)user;
    f.attached[account] = s != NULL;
    return TSR_OK;
}

static void make_objects(void)
{
    memset(f.security, 0, sizeof f.security);
    memset(f.server, 0, sizeof f.server);
    f.security[0] = (tsr_lwm2m_security){ .used = true, .bootstrap = true, .factory = true,
                                          .mode = TSR_LWM2M_MODE_NOSEC, .uri = "coap://b" };
    f.credentials = (tsr_lwm2m_credentials){ .keys = f.keys, .key_count = 3 * ACCOUNTS,
                                              .certificates = f.certificates,
                                              .certificate_len = CERTIFICATE };
    f.securities = (tsr_lwm2m_securities){ f.security, ACCOUNTS, &f.credentials };
    f.servers = (tsr_lwm2m_servers){ .items = f.server, .count = ACCOUNTS };
    tsr_lwm2m_device_init(&f.device);
    memset(f.portfolio, 0, sizeof f.portfolio);
    f.portfolios = (tsr_lwm2m_portfolios){ f.portfolio, 2 };
    f.objects[0] = tsr_lwm2m_security_object(&f.securities);
    f.objects[1] = tsr_lwm2m_server_account(&f.servers);
    f.objects[2] = tsr_lwm2m_device_object(&f.device);
    f.objects[3] = tsr_lwm2m_portfolio_object(&f.portfolios);
    f.registry = (tsr_lwm2m_registry){ f.objects, 4 };
}

static void start(void)
{
    static tsr_coap_config coap;
    tsr_lwm2m_client_config c = {
        .endpoint = "fuzz", .registry = &f.registry, .servers = &f.servers,
        .accounts = f.accounts, .account_count = ACCOUNTS,
        .observations = f.observations, .observation_count = 2,
        .attachments = f.attachments, .attachment_count = 2,
        .body = f.body, .body_len = sizeof f.body, .state = f.state, .state_len = sizeof f.state,
        .coap = &coap, .coap_memory = f.coap_memory, .coap_memory_len = sizeof f.coap_memory,
        .version_minor = 2, .hooks = { NULL, save },
    };

    make_objects();
    coap = (tsr_coap_config){ .peers = ACCOUNTS, .exchanges = 6, .exchange_len = 512, .bodies = 1,
                              .body_len = 1024, .seen = 8, .log_len = 2048, .seed = 1,
                              .params = tsr_coap_params_default() };
    memset(f.observations, 0, sizeof f.observations);
    memset(f.attachments, 0, sizeof f.attachments);
    f.boot = (tsr_lwm2m_bootstrap){ .securities = &f.securities,
                                    .staged_securities = f.staged_security,
                                    .staged_servers = f.staged_server,
                                    .staged_certificates = f.staged_certificates,
                                    .undo = f.undo, .undo_len = sizeof f.undo, .account = BOOT,
                                    .pack = true, .hooks = { NULL, usable, attach } };
    if (tsr_coap_memory(&coap) > sizeof f.coap_memory ||
        tsr_lwm2m_client_init_bootstrap(&f.client, &c, &tsr_lwm2m_whole, &f.boot) != TSR_OK)
        abort();
}

/* What is in force must be an account of each server, or nothing. */
static void check(void)
{
    size_t regular = 0;

    for (size_t i = 0; i < ACCOUNTS; i++) {
        const tsr_lwm2m_account *a = &f.accounts[i];

        if (a->short_id == 0)
            continue;
        regular++;
        if (i == BOOT || !f.attached[i] ||
            tsr_lwm2m_security_find(&f.securities, a->short_id) == NULL ||
            tsr_lwm2m_server_find(&f.servers, a->short_id) == NULL)
            abort();
    }
    for (size_t i = 0; i < ACCOUNTS; i++)
        regular -= f.security[i].used && !f.security[i].bootstrap;
    if (regular != 0)
        abort();
}

static void respond(size_t account, const tsr_coap_msg *msg)
{
    uint8_t room[1200];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;
    bool pack = tsr_coap_msg_path_is(msg, 0, "/bspack");
    uint8_t code = tsr_coap_msg_path_is(msg, 0, "/rd") ? TSR_COAP_CREATED
                   : pack && f.pack.len != 0            ? TSR_COAP_CONTENT
                   : pack                               ? TSR_COAP_CODE(5, 1)
                                                        : TSR_COAP_CHANGED;

    tsr_coap_put_header(&out, TSR_COAP_ACK, code, msg->mid, msg->token);
    if (code == TSR_COAP_CREATED)
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_LOCATION_PATH, "/rd/1", '/');
    if (code == TSR_COAP_CONTENT) {
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, f.pack_format);
        tsr_coap_put_payload(&out, f.pack);
    }
    if (out.err == TSR_OK)
        (void)tsr_lwm2m_client_feed(&f.client, account, tsr_buf_view(&out), f.now_ms);
}

static void drive(void)
{
    uint8_t room[2048];
    tsr_lwm2m_client_event event;
    size_t account;

    for (int n = 0; n < 200; n++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_coap_msg msg;

        if (tsr_lwm2m_client_poll(&f.client, &account, &out, f.now_ms) != TSR_OK)
            break;
        if (!f.attached[account] || tsr_coap_msg_parse(tsr_buf_view(&out), &msg) != TSR_OK)
            abort();
        if (msg.type == TSR_COAP_CON && tsr_coap_is_request(msg.code))
            respond(account, &msg);
    }
    while (tsr_lwm2m_client_event_next(&f.client, &event)) {
    }
    (void)tsr_lwm2m_client_due_ms(&f.client);
    check();
}

static void feed(tsr_bytes datagram)
{
    uint8_t *copy = malloc(datagram.len + 1); /* so that a read beyond the end is seen */

    if (copy == NULL)
        return;
    if (datagram.len != 0)
        memcpy(copy, datagram.ptr, datagram.len);
    (void)tsr_lwm2m_client_feed(&f.client, BOOT, tsr_view(copy, datagram.len), f.now_ms);
    free(copy);
    drive();
}

static void request(tsr_bytes in)
{
    uint8_t room[1024], what = 0, depth, format;
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    if (tsr_get_u8(&in, &what) != TSR_OK || tsr_get_u8(&in, &depth) != TSR_OK ||
        tsr_get_u8(&in, &format) != TSR_OK)
        return;
    tsr_coap_put_header(&out, TSR_COAP_CON, (uint8_t)(1 + what % 7), ++f.mid, tsr_view("t", 1));
    for (uint8_t i = 0, id; i < depth % 5 && tsr_get_u8(&in, &id) == TSR_OK; i++) {
        char text[8];
        tsr_buf number = tsr_buf_over(text, sizeof text);

        tsr_put_dec(&number, id);
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_PATH, tsr_buf_view(&number));
    }
    if (format & 0x10)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[format & 7]);
    if (format & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_ACCEPT, formats[format & 7]);
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        feed(tsr_buf_view(&out));
}

static void finish(void)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_POST, ++f.mid, tsr_view("f", 1));
    tsr_coap_put_opt(&out, &last, TSR_COAP_URI_PATH, tsr_text("bs"));
    feed(tsr_buf_view(&out));
}

/* Keys stay in PSA over the cut. */
static void cut(tsr_bytes state, bool own)
{
    start();
    if (state.len != 0 && tsr_lwm2m_client_restore(&f.client, state) != TSR_OK) {
        if (own)
            abort(); /* what was saved can be taken back */
        start();
    }
}

static void step(uint8_t kind, uint8_t len, tsr_bytes bytes)
{
    switch (kind % 7) {
    case 0: feed(bytes); break;
    case 1: request(bytes); break;
    case 2: f.now_ms += (uint64_t)len * len; break;
    case 3: cut(tsr_view(f.saved, f.saved_len), true); break;
    case 4: finish(); break;
    case 5:
        f.pack_format = formats[bytes.len != 0 ? bytes.ptr[0] & 7 : 4];
        f.pack = tsr_skip(bytes, 1);
        (void)tsr_lwm2m_bootstrap_begin(&f.client, f.now_ms);
        break;
    default:
        f.saved_len = 0;
        cut(bytes, false);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), bytes;
    uint8_t kind, len;

    if (psa_crypto_init() != PSA_SUCCESS)
        abort();
    memset(&f, 0, sizeof f);
    f.now_ms = 1000;
    start();
    drive();
    while (tsr_get_u8(&in, &kind) == TSR_OK && tsr_get_u8(&in, &len) == TSR_OK) {
        bytes = tsr_first(in, len);
        in = tsr_skip(in, bytes.len);
        f.now_ms++;
        step(kind, len, bytes);
        if (kind % 7 != 6) /* a state made up may hold what no bootstrap would let pass */
            drive();
        else
            start(), drive();
    }
    for (size_t i = 0; i < 3 * ACCOUNTS; i++) {
        if (f.keys[i] != 0)
            (void)psa_destroy_key(f.keys[i]);
    }
    return 0;
}
