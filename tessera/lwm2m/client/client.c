/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's verbs: where datagrams, channels, CoAP and accounts meet. */
#include "tessera/lwm2m/client/internal.h"

enum { BODY_LEAST = 256 };

static bool config_is_good(const tsr_lwm2m_client_config *config, const tsr_lwm2m_parts *parts)
{
    if (config->endpoint == NULL || config->registry == NULL || config->servers == NULL)
        return false;
    if (config->account_count - 1 >=
        (parts->access != NULL || parts->bootstrap != NULL ? UINT8_MAX : 1u))
        return false;
    if (config->body == NULL || config->body_len < BODY_LEAST || config->state == NULL ||
        config->state_len < strlen(config->endpoint) + BODY_LEAST || config->version_minor > 2)
        return false;
    if (!tsr_lwm2m_root_is_good(config->root))
        return false;
    if (config->coap == NULL || config->coap->peers < config->account_count)
        return false;
    if (parts->reporting == NULL && (config->observation_count | config->attachment_count) != 0)
        return false;
    return config->hooks.save == NULL || parts->keeping != NULL;
}

static bool account_is_good(const tsr_lwm2m_client_config *config, const tsr_lwm2m_parts *parts,
                            const tsr_lwm2m_account *a)
{
    if (tsr_lwm2m_server_find(config->servers, a->short_id) == NULL)
        return false;
    return a->channel == NULL || (config->datagram != NULL && parts->channels != NULL);
}

tsr_err tsr_lwm2m_client_init_with(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config,
                                   const tsr_lwm2m_parts *parts)
{
    if (!config_is_good(config, parts))
        return TSR_E_ARGUMENT;
    memset(c, 0, sizeof *c);
    c->parts = parts;
    c->config = *config;
    for (size_t i = 0; i < config->account_count; i++) {
        tsr_lwm2m_account *a = &config->accounts[i];

        if (!account_is_good(config, parts, a))
            return TSR_E_ARGUMENT;
        a->version_minor = config->version_minor;
    }
    return parts->coap_init(&c->coap, config->coap, config->coap_memory, config->coap_memory_len);
}

bool tsr_lwm2m_bootstrap_takes(tsr_lwm2m_client *c, enum bootstrap_matter matter, const void *what)
{
    const struct tsr_lwm2m_bootstrap_part *bootstrap = c->parts->bootstrap;

    return bootstrap != NULL && bootstrap->takes(c, matter, what);
}

void tsr_lwm2m_client_coap_event(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    if (tsr_lwm2m_bootstrap_takes(c, BOOTSTRAP_EVENT, event))
        return;
    if (event->kind == TSR_COAP_REQUEST) {
        tsr_lwm2m_manage_request(c, event);
        return;
    }
    switch (event->user >> 56) {
    case TAG_REQUEST: tsr_lwm2m_account_answer(c, event); break;
    case TAG_NOTIFY: c->parts->reporting->answer(c, event); break;
    case TAG_SEND: c->parts->sender->answer(c, event); break;
    default: break;
    }
}

void tsr_lwm2m_client_coap_drain(tsr_lwm2m_client *c)
{
    do
        tsr_lwm2m_client_coap_event(c, tsr_coap_event_take(&c->coap));
    while (tsr_coap_event_waits(&c->coap));
}

tsr_err tsr_lwm2m_client_feed(tsr_lwm2m_client *c, size_t account, tsr_bytes datagram,
                              uint64_t now_ms)
{
    tsr_lwm2m_account *a;

    c->now_ms = now_ms;
    if (account >= c->config.account_count)
        return TSR_E_ARGUMENT;
    a = &c->config.accounts[account];
    if (a->channel != NULL) {
        c->parts->channels->feed(c, a, datagram);
        return TSR_OK;
    }
    if (!a->up) {
        /* The server is alive: an Update that waits for its next try need not wait longer. */
        if (a->standing == TSR_LWM2M_WAITING && a->location[0] != '\0')
            a->at_ms = now_ms;
        return TSR_OK;
    }
    client_coap_pump(c);
    client_coap_feed(c, a, datagram);
    client_coap_pump(c);
    return TSR_OK;
}

tsr_err tsr_lwm2m_client_poll(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram,
                              uint64_t now_ms)
{
    c->now_ms = now_ms;
    /* Time-outs that polling brings up lead to new steps, and these to new datagrams: an account
     * begins, connects and registers. Then it is enough, because what is left has a due time. */
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < c->config.account_count; i++) {
            tsr_lwm2m_account *a = &c->config.accounts[i];

            if (c->now_ms >= tsr_lwm2m_account_due_ms(a))
                tsr_lwm2m_account_step(c, a);
        }
        if (c->parts->keeping != NULL)
            c->parts->keeping->step(c);
        if (c->observed != 0)
            c->parts->reporting->step(c);
        if (c->parts->sender != NULL)
            c->parts->sender->step(c);

        tsr_err err = c->config.datagram != NULL && c->parts->channels != NULL
                          ? c->parts->channels->poll(c, account, datagram)
                          : client_coap_poll(c, account, datagram);

        client_coap_pump(c);
        if (err == TSR_OK)
            return TSR_OK;
    }
    return TSR_END;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t tsr_lwm2m_client_due_ms(const tsr_lwm2m_client *c)
{
    uint64_t due_ms = tsr_coap_due_ms(&c->coap);

    if (c->observed != 0)
        due_ms = earlier(due_ms, c->parts->reporting->due_ms(c));
    if (c->save_owed && c->parts->keeping != NULL)
        due_ms = earlier(due_ms, c->save_at_ms);
    if (c->parts->sender != NULL)
        due_ms = earlier(due_ms, c->parts->sender->due_ms(c));
    for (size_t i = 0; i < c->config.account_count; i++) {
        const tsr_lwm2m_account *a = &c->config.accounts[i];

        due_ms = earlier(due_ms, tsr_lwm2m_account_due_ms(a));
        if (a->channel != NULL)
            due_ms = earlier(due_ms, a->channel->due_ms(a->channel_state));
    }
    return due_ms;
}

void tsr_lwm2m_client_changed(tsr_lwm2m_client *c, tsr_lwm2m_path at)
{
    for (size_t i = 0; i < c->config.observation_count; i++) {
        tsr_lwm2m_observation *o = &c->config.observations[i];

        if (o->used &&
            (tsr_lwm2m_path_within(&o->at, &at) || tsr_lwm2m_path_within(&at, &o->at)))
            o->dirty = true;
    }
}

void tsr_lwm2m_client_relink(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++)
        c->config.accounts[i].relink = true;
}

tsr_err tsr_lwm2m_client_save(tsr_lwm2m_client *c)
{
    tsr_err err = c->parts->keeping != NULL ? c->parts->keeping->save(c, 0) : TSR_OK;

    c->save_owed = err != TSR_OK;
    return err;
}
