/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

#include <stdlib.h>

#include "ports/linux/host/system.h"

enum { EXCHANGES = 64, SEEN = 512, LOG = 65536 };

static tsr_err bootstrap_init(tesserad *d, const tsr_lwm2m_client_config *c)
{
    const config_server *from = &d->config->bootstrap;

    d->bootstrap = (tsr_lwm2m_bootstrap){
        .securities = &d->device.securities,
        .staged_securities = d->device.staged_security,
        .staged_servers = d->device.staged_server,
        .staged_certificates = d->device.staged_certificates,
        .oscore = &tsr_lwm2m_boot_oscore,
        .oscores = &d->device.oscores,
        .staged_oscores = d->device.staged_oscore,
        .undo = d->undo,
        .undo_len = sizeof d->undo,
        .account = CONFIG_SERVERS,
        .pack = from->pack != 0,
        .retry_count = (uint8_t)from->number[TSR_LWM2M_S_RETRY_COUNT],
        .retry_timer_s = from->number[TSR_LWM2M_S_RETRY_TIMER],
        .sequence_delay_s = from->number[TSR_LWM2M_S_SEQUENCE_DELAY],
        .hooks = { d, link_is_usable, link_attach },
    };
    return tsr_lwm2m_client_init_bootstrap(&d->client, c, &tsr_lwm2m_whole, &d->bootstrap);
}

static uint8_t szx_of(uint32_t block_size)
{
    uint8_t szx = 0;

    while ((16u << szx) < block_size)
        szx++;
    return szx;
}

tsr_err client_place(tesserad *d)
{
    tsr_lwm2m_client_config c = {
        .endpoint = d->config->endpoint,
        .root = tsr_text(d->config->root),
        .sms = d->config->sms[0] != '\0' ? d->config->sms : NULL,
        .registry = &d->device.registry,
        .servers = &d->device.servers,
        .accounts = d->accounts,
        .account_count = d->link_count,
        .observations = d->observations,
        .observation_count = OBSERVATIONS,
        .attachments = d->attachments,
        .attachment_count = ATTACHMENTS,
        .paths = d->paths,
        .path_count = PATHS,
        .outbox = &d->report.outbox,
        .accesses = &d->device.accesses,
        .body = d->body,
        .body_len = sizeof d->body,
        .state = d->state,
        .state_len = sizeof d->state,
        .datagram = d->message,
        .datagram_len = sizeof d->message,
        .coap = &d->coap,
        .version_minor = (uint8_t)d->config->version,
        .hooks = { d, state_save },
        .queue = d->config->queue == 1 ? &d->queue : NULL,
        .profile = profile_of(d->config, &d->profile),
        .history = d->config->history != 0 ? &d->history : NULL,
    };

    tsr_err err;

    d->queue.awake_ms = d->config->awake_s * 1000;

    d->coap = (tsr_coap_config){ .peers = (uint32_t)d->link_count, .exchanges = EXCHANGES,
                                 .exchange_len = 1280, .bodies = 8, .body_len = BODY,
                                 .peer_bodies = 4, .seen = SEEN, .log_len = LOG,
                                 .seed = tsr_host_random(), .params = tsr_coap_params_default() };
    d->coap.params.ack_timeout_ms = d->config->ack_timeout_ms;
    d->coap.params.max_retransmit = (uint8_t)d->config->max_retransmit;
    d->coap.params.szx = szx_of(d->config->block_size);
    c.coap_memory_len = tsr_coap_memory(&d->coap);
    d->coap_memory = calloc(1, c.coap_memory_len);
    c.coap_memory = d->coap_memory;
    d->history.memory = malloc(d->config->history);
    d->history.memory_len = d->config->history;
    if (d->coap_memory == NULL || (d->history.memory == NULL && d->config->history != 0))
        return TSR_E_SPACE;
    err = d->config->has_bootstrap ? bootstrap_init(d, &c) : tsr_lwm2m_client_init(&d->client, &c);
    return err == TSR_OK ? tsr_lwm2m_tcp_use(&d->client, &d->streams) : err;
}
