/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest client that is a client: LwM2M 1.1 over NoSec with objects 0, 1 and 3, TLV and
 * Discover, for a Cortex-M33 without an operating system; with Observe (footprint_reporting.c) or
 * without (footprint_silent.c). It is linked to be measured; the board's radio and clock, and the
 * secure world, are left open as symbols. */
#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/format/codec.h"
#include "tessera/lwm2m/objects/device_basic.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/lwm2m/objects/server.h"

/* The one format of this device, the smallest, which every server has. There is no Float and no
 * Objlnk resource: this table replaces the one with all of them. */
const tsr_lwm2m_codec *const tsr_lwm2m_codecs[] = { &tsr_lwm2m_codec_tlv_plain, NULL };

/* What the board gives. */
uint64_t board_ms(void);
uint64_t board_random(void);
size_t board_receive(uint8_t *datagram, size_t cap, uint64_t until_ms); /* 0: nothing came */
void board_send(const uint8_t *datagram, size_t len);
int main(void);

/* With room for so many observations (benches/CMakeLists.txt), and what of the client serves them. */
extern tsr_lwm2m_observation board_observations[];
extern tsr_lwm2m_attachment board_attachments[];
extern const tsr_lwm2m_parts board_parts;

enum { DATAGRAM = 1280, COAP_MEMORY = 768 * sizeof(void *) };

static tsr_lwm2m_security security[1];
static tsr_lwm2m_securities securities = { security, 1, NULL };
static tsr_lwm2m_server server[1];
static tsr_lwm2m_servers servers = { .items = server, .count = 1 };
static tsr_lwm2m_device_basic device = { { "Tessera", "minimal", "1", "1.0" }, 0, false };
static tsr_lwm2m_object objects[3];
static const tsr_lwm2m_registry registry = { objects, 3 };
static tsr_lwm2m_account account;
static tsr_lwm2m_client client;
static uint64_t coap_memory[COAP_MEMORY / sizeof(uint64_t)];
static uint8_t body[1024], state[1024], in[DATAGRAM], out[DATAGRAM];

static tsr_coap_config coap = { .peers = 1, .exchanges = 4, .exchange_len = 192, .seen = 8,
                                .log_len = 512 };
static const tsr_lwm2m_client_config config = {
    .endpoint = "urn:dev:mac:0024befffe804ff1",
    .registry = &registry,
    .servers = &servers,
    .accounts = &account,
    .account_count = 1,
    .observations = board_observations,
    .observation_count = OBSERVATIONS,
    .attachments = board_attachments,
    .attachment_count = OBSERVATIONS,
    .body = body,
    .body_len = sizeof body,
    .state = state,
    .state_len = sizeof state,
    .coap = &coap,
    .coap_memory = coap_memory,
    .coap_memory_len = sizeof coap_memory,
    .version_minor = 1,
};

static tsr_err start(void)
{
    security[0].used = true;
    security[0].short_id = 1;
    security[0].mode = TSR_LWM2M_MODE_NOSEC;
    tsr_lwm2m_server_init(&server[0], 0, 1, 86400);
    objects[0] = tsr_lwm2m_security_fixed(&securities);
    objects[1] = tsr_lwm2m_server_volatile(&servers);
    objects[2] = tsr_lwm2m_device_basic_object(&device);
    account.short_id = 1;
    coap.seed = board_random();
    return tsr_lwm2m_client_init_with(&client, &config, &board_parts);
}

int main(void)
{
    tsr_lwm2m_client_event event;

    if (start() != TSR_OK)
        return 1;
    for (;;) {
        tsr_buf datagram = tsr_buf_over(out, sizeof out);
        size_t to, len;

        while (tsr_lwm2m_client_poll(&client, &to, &datagram, board_ms()) == TSR_OK) {
            board_send(datagram.ptr, datagram.len);
            datagram = tsr_buf_over(out, sizeof out);
        }
        while (tsr_lwm2m_client_event_next(&client, &event)) {
            if (event.kind == TSR_LWM2M_E_STOPPED)
                return 0;
        }
        len = board_receive(in, sizeof in, tsr_lwm2m_client_due_ms(&client));
        if (len > 0)
            (void)tsr_lwm2m_client_feed(&client, 0, tsr_view(in, len), board_ms());
    }
}
