/* SPDX-License-Identifier: Apache-2.0
 *
 * An LwM2M 1.2 client with all there is: bootstrap, OSCORE, CoAP over UDP and TCP, queue mode,
 * composite operations, Send, every format and attribute, for a Cortex-M33 without an operating
 * system; with objects 0, 1, 3 and 21 alone (footprint_no_objects.c) or 4, 5 with its streamed
 * package, 6, 7 and 20 too (footprint_objects.c). It is linked to be measured: what the board does
 * stays open, and so do PSA's calls beyond the wall and DTLS, which is Mbed TLS. */
#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/client/oscore_layer.h"
#include "tessera/lwm2m/client/queue.h"
#include "tessera/lwm2m/client/tcp_channel.h"
#include "tessera/lwm2m/format/codec.h"
#include "tessera/lwm2m/objects/device.h"

/* Every format of 1.2; the JSON of 1.0 must not be used any more. */
const tsr_lwm2m_codec *const tsr_lwm2m_codecs[] = {
    &tsr_lwm2m_codec_senml_cbor, &tsr_lwm2m_codec_senml_json, &tsr_lwm2m_codec_tlv,
    &tsr_lwm2m_codec_lwm2m_cbor, &tsr_lwm2m_codec_text,       &tsr_lwm2m_codec_octets,
    &tsr_lwm2m_codec_cbor,       NULL,
};

/* What the board gives. */
uint64_t board_ms(void);
size_t board_receive(uint8_t *datagram, size_t cap, uint64_t until_ms); /* 0: nothing came */
void board_send(const uint8_t *datagram, size_t len);
bool board_usable(void *user, const tsr_lwm2m_security *security);
tsr_err board_attach(void *user, size_t account, const tsr_lwm2m_security *security);
tsr_err board_save(void *user, tsr_bytes state);
extern const tsr_lwm2m_oscore_store board_store;
/* Where the objects between 3 and 21 begin; returns how many there are. */
size_t board_objects(tsr_lwm2m_object *to);
void board_started(tsr_lwm2m_client *client);
int main(void);

enum { ACCOUNTS = 2, OBJECTS = 9 };

/* All that there is once for each server account, without the buffers that its host gives it. */
static struct {
    tsr_lwm2m_account account[ACCOUNTS];
    tsr_lwm2m_security security[ACCOUNTS];
    tsr_lwm2m_server server[ACCOUNTS];
    tsr_lwm2m_oscore oscore[ACCOUNTS];
    tsr_lwm2m_oscore_account protection[ACCOUNTS];
    tsr_lwm2m_sending sending[ACCOUNTS];
    uint32_t keys[6 * ACCOUNTS];
} each;

/* The buffers of a bootstrap: what is held back until it is complete. */
static struct {
    tsr_lwm2m_security security[ACCOUNTS];
    tsr_lwm2m_server server[ACCOUNTS];
    tsr_lwm2m_oscore oscore[ACCOUNTS];
} held;

static tsr_lwm2m_tcp tcp[ACCOUNTS];
static tsr_coap_streams streams;
static tsr_lwm2m_credentials credentials = { .keys = each.keys, .key_count = 3 * ACCOUNTS };
static tsr_lwm2m_securities securities = { each.security, ACCOUNTS, &credentials };
static tsr_lwm2m_servers servers = { .items = each.server, .count = ACCOUNTS };
static tsr_lwm2m_oscores oscores = { .items = each.oscore, .count = ACCOUNTS,
                                     .keys = each.keys + 3 * ACCOUNTS, .key_count = 3 * ACCOUNTS };
static tsr_lwm2m_device device;
static tsr_lwm2m_object objects[OBJECTS];
static tsr_lwm2m_registry registry = { objects, 0 };
static tsr_lwm2m_observation observations[10];
static tsr_lwm2m_attachment attachments[10];
static tsr_lwm2m_composite_path paths[24];
static uint8_t outbox_memory[512];
static tsr_lwm2m_outbox outbox = { .memory = outbox_memory, .memory_len = sizeof outbox_memory,
                                   .sendings = each.sending };
static tsr_lwm2m_queue queue;
static tsr_lwm2m_client client;
static tsr_lwm2m_bootstrap bootstrap;
static tsr_lwm2m_oscore_layer oscore = { .client = &client, .accounts = each.protection };
static uint64_t coap_memory[1024], tcp_memory[ACCOUNTS][1024], oscore_memory[1536];
static uint8_t body[1024], state[2048], undo[512], in[1280], out[1280], datagram[1280];
static uint8_t tcp_in[ACCOUNTS][1024];

static const tsr_coap_config coap = { .peers = ACCOUNTS, .exchanges = 4, .exchange_len = 256,
                                      .seen = 8, .bodies = 1, .body_len = 2048, .log_len = 512 };
static const tsr_coap_stream_config stream = { .exchanges = 4, .exchange_len = 256, .bodies = 1,
                                               .body_len = 2048, .message_len = 1152,
                                               .out_len = 1280 };
static const tsr_lwm2m_client_config config = {
    .endpoint = "urn:dev:mac:0024befffe804ff1",
    .registry = &registry,
    .servers = &servers,
    .accounts = each.account,
    .account_count = ACCOUNTS,
    .observations = observations,
    .observation_count = 10,
    .attachments = attachments,
    .attachment_count = 10,
    .body = body,
    .body_len = sizeof body,
    .state = state,
    .state_len = sizeof state,
    .datagram = datagram,
    .datagram_len = sizeof datagram,
    .coap = &coap,
    .coap_memory = coap_memory,
    .coap_memory_len = sizeof coap_memory,
    .version_minor = 2,
    .hooks = { .save = board_save },
    .paths = paths,
    .path_count = 24,
    .queue = &queue,
    .outbox = &outbox,
};

static void place_objects(void)
{
    tsr_lwm2m_device_init(&device);
    objects[0] = tsr_lwm2m_security_object(&securities);
    objects[1] = tsr_lwm2m_server_account(&servers);
    objects[2] = tsr_lwm2m_device_object(&device);
    registry.count = 3 + board_objects(&objects[3]);
    objects[registry.count++] = tsr_lwm2m_oscore_object(&oscores);
}

static tsr_err start(void)
{
    tsr_err err;

    place_objects();
    bootstrap.securities = &securities;
    bootstrap.staged_securities = held.security;
    bootstrap.staged_servers = held.server;
    bootstrap.oscore = &tsr_lwm2m_boot_oscore;
    bootstrap.oscores = &oscores;
    bootstrap.staged_oscores = held.oscore;
    bootstrap.undo = undo;
    bootstrap.undo_len = sizeof undo;
    bootstrap.hooks = (tsr_lwm2m_bootstrap_hooks){ NULL, board_usable, board_attach };
    err = tsr_lwm2m_client_init_bootstrap(&client, &config, &tsr_lwm2m_whole, &bootstrap);
    if (err == TSR_OK)
        err = tsr_lwm2m_tcp_use(&client, &streams);
    for (size_t i = 0; err == TSR_OK && i < ACCOUNTS; i++) {
        each.protection[i].store = board_store;
        tcp[i].in = tcp_in[i];
        tcp[i].in_cap = sizeof tcp_in[i];
        err = tsr_lwm2m_tcp_init(&tcp[i], &client, i, &stream, tcp_memory[i], sizeof tcp_memory[i]);
        each.account[i].channel = &tsr_lwm2m_tcp_channel;
        each.account[i].channel_state = &tcp[i];
    }
    if (err == TSR_OK)
        err = tsr_lwm2m_oscore_attach(&oscore, &oscores, sizeof datagram, oscore_memory,
                                      sizeof oscore_memory);
    board_started(&client);
    return err;
}

int main(void)
{
    static const tsr_lwm2m_path level = { 3, 0, 9, 0, 3 };
    uint64_t until_ms;

    if (start() != TSR_OK)
        return 1;
    for (;;) {
        tsr_buf datagram_out = tsr_buf_over(out, sizeof out);
        size_t to, len;

        while (tsr_lwm2m_client_poll(&client, &to, &datagram_out, board_ms()) == TSR_OK) {
            board_send(datagram_out.ptr, datagram_out.len);
            datagram_out = tsr_buf_over(out, sizeof out);
        }
        if (tsr_lwm2m_queue_sleeps(&client, board_ms(), &until_ms))
            (void)tsr_lwm2m_send(&client, 0, &level, 1, true, 0);
        len = board_receive(in, sizeof in, tsr_lwm2m_client_due_ms(&client));
        if (len > 0)
            (void)tsr_lwm2m_client_feed(&client, 0, tsr_view(in, len), board_ms());
    }
}
