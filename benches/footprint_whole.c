/* SPDX-License-Identifier: Apache-2.0
 *
 * A client with all that tsr_lwm2m_client_init() gives, over the whole engine for datagrams, for a
 * Cortex-M33 without an operating system. It is linked to be measured, for what it takes of the
 * CoAP room. */
#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/lwm2m/objects/server.h"

/* What the board gives. */
uint64_t board_ms(void);
size_t board_receive(uint8_t *datagram, size_t cap, uint64_t until_ms); /* 0: nothing came */
void board_send(const uint8_t *datagram, size_t len);
int main(void);

static tsr_lwm2m_security security[1];
static tsr_lwm2m_securities securities = { .items = security, .count = 1 };
static tsr_lwm2m_server server[1];
static tsr_lwm2m_servers servers = { .items = server, .count = 1 };
static tsr_lwm2m_device device;
static tsr_lwm2m_object objects[3];
static const tsr_lwm2m_registry registry = { objects, 3 };
static tsr_lwm2m_account account = { .short_id = 1 };
static tsr_lwm2m_client client;
static uint64_t coap_memory[2048];
static uint8_t body[1024], state[1024], in[1280], out[1280];

static const tsr_coap_config coap = { .peers = 1, .exchanges = 4, .exchange_len = 256, .seen = 8,
                                      .bodies = 1, .body_len = 4096, .log_len = 512 };
static const tsr_lwm2m_client_config config = {
    .endpoint = "urn:dev:mac:0024befffe804ff1",
    .registry = &registry,
    .servers = &servers,
    .accounts = &account,
    .account_count = 1,
    .body = body,
    .body_len = sizeof body,
    .state = state,
    .state_len = sizeof state,
    .coap = &coap,
    .coap_memory = coap_memory,
    .coap_memory_len = sizeof coap_memory,
    .version_minor = 2,
};

int main(void)
{
    tsr_lwm2m_server_init(&server[0], 0, 1, 86400);
    tsr_lwm2m_device_init(&device);
    objects[0] = tsr_lwm2m_security_object(&securities);
    objects[1] = tsr_lwm2m_server_object(&servers);
    objects[2] = tsr_lwm2m_device_object(&device);
    if (tsr_lwm2m_client_init(&client, &config) != TSR_OK)
        return 1;
    for (;;) {
        tsr_buf datagram = tsr_buf_over(out, sizeof out);
        size_t to, len;

        while (tsr_lwm2m_client_poll(&client, &to, &datagram, board_ms()) == TSR_OK)
            board_send(datagram.ptr, datagram.len);
        len = board_receive(in, sizeof in, tsr_lwm2m_client_due_ms(&client));
        if (len > 0)
            (void)tsr_lwm2m_client_feed(&client, 0, tsr_view(in, len), board_ms());
    }
}
