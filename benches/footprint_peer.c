/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients of one server over UDP have that others publish sizes of: LwM2M 1.2 with bootstrap,
 * all attributes, composite operations, Send, queue mode, bodies in blocks; text, opaque, CBOR, TLV,
 * SenML CBOR and LwM2M CBOR; objects 0, 1 and 3; for a Cortex-M33 without an operating system. No
 * OSCORE, no CoAP over TCP, no SenML JSON, no access control, no order of servers, no values kept for
 * later, no reasons in words. It is linked to be measured: what the board does stays open. */
#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/client/queue.h"
#include "tessera/lwm2m/format/codec.h"
#include "tessera/lwm2m/objects/device.h"

const tsr_lwm2m_codec *const tsr_lwm2m_codecs[] = {
    &tsr_lwm2m_codec_senml_cbor, &tsr_lwm2m_codec_tlv,    &tsr_lwm2m_codec_lwm2m_cbor,
    &tsr_lwm2m_codec_text,       &tsr_lwm2m_codec_octets, &tsr_lwm2m_codec_cbor,
    NULL,
};

/* What the board gives. */
uint64_t board_ms(void);
size_t board_receive(uint8_t *datagram, size_t cap, uint64_t until_ms); /* 0: nothing came */
void board_send(const uint8_t *datagram, size_t len);
bool board_usable(void *user, const tsr_lwm2m_security *security);
tsr_err board_attach(void *user, size_t account, const tsr_lwm2m_security *security);
tsr_err board_save(void *user, tsr_bytes state);
int main(void);

static const tsr_lwm2m_parts parts = {
    .coap_init = tsr_coap_init_device,
    .reporting = &tsr_lwm2m_reporting,
    .attributes = &tsr_lwm2m_all_attributes,
    .keeping = &tsr_lwm2m_keeping,
    .channels = &tsr_lwm2m_channels,
    .instances = &tsr_lwm2m_instances,
    .composite = &tsr_lwm2m_composite,
    .sender = &tsr_lwm2m_sender,
    .arguments = tsr_lwm2m_arguments_check,
    .parameters = tsr_lwm2m_all_parameters,
};

enum { ACCOUNTS = 2 }; /* the server's and the bootstrap server's */

static tsr_lwm2m_security security[ACCOUNTS], held_security[ACCOUNTS];
static tsr_lwm2m_server server[ACCOUNTS], held_server[ACCOUNTS];
static uint32_t keys[3 * ACCOUNTS];
static tsr_lwm2m_credentials credentials = { .keys = keys, .key_count = 3 * ACCOUNTS };
static tsr_lwm2m_securities securities = { security, ACCOUNTS, &credentials };
static tsr_lwm2m_servers servers = { .items = server, .count = ACCOUNTS };
static tsr_lwm2m_device device;
static tsr_lwm2m_object objects[3];
static const tsr_lwm2m_registry registry = { objects, 3 };
static tsr_lwm2m_account accounts[ACCOUNTS];
static tsr_lwm2m_observation observations[10];
static tsr_lwm2m_attachment attachments[10];
static tsr_lwm2m_composite_path paths[24];
static tsr_lwm2m_sending sending[ACCOUNTS];
static uint8_t outbox_memory[512];
static tsr_lwm2m_outbox outbox = { .memory = outbox_memory, .memory_len = sizeof outbox_memory,
                                   .sendings = sending };
static tsr_lwm2m_queue queue;
static tsr_lwm2m_client client;
static tsr_lwm2m_bootstrap bootstrap;
static uint64_t coap_memory[1024];
static uint8_t body[1024], state[2048], undo[512], in[1280], out[1280], datagram[1280];

static const tsr_coap_config coap = { .peers = ACCOUNTS, .exchanges = 4, .exchange_len = 256, .seen = 8,
                                      .bodies = 1, .body_len = 2048, .log_len = 512 };
static const tsr_lwm2m_client_config config = {
    .endpoint = "urn:dev:mac:0024befffe804ff1",
    .registry = &registry,
    .servers = &servers,
    .accounts = accounts,
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

static tsr_err start(void)
{
    tsr_lwm2m_device_init(&device);
    objects[0] = tsr_lwm2m_security_object(&securities);
    objects[1] = tsr_lwm2m_server_account(&servers);
    objects[2] = tsr_lwm2m_device_object(&device);
    bootstrap.securities = &securities;
    bootstrap.staged_securities = held_security;
    bootstrap.staged_servers = held_server;
    bootstrap.undo = undo;
    bootstrap.undo_len = sizeof undo;
    bootstrap.hooks = (tsr_lwm2m_bootstrap_hooks){ NULL, board_usable, board_attach };
    return tsr_lwm2m_client_init_bootstrap(&client, &config, &parts, &bootstrap);
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
