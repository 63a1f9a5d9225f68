/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/stream.h"

#include "tessera/lwm2m/client/internal.h"

static bool is_for(const tsr_lwm2m_stream *s, const tsr_coap_msg *msg)
{
    uint16_t ids[4];
    size_t depth;

    if (msg->code != TSR_COAP_PUT ||
        (msg->content_format.set && msg->content_format.value != TSR_LWM2M_FORMAT_OCTETS))
        return false;
    return tsr_coap_msg_ids(msg, 0, ids, 4, &depth) == TSR_OK && depth == 3 &&
           ids[0] == s->at.object && ids[1] == s->at.instance && ids[2] == s->at.resource;
}

static uint8_t code_of(tsr_err err, bool more)
{
    switch (err) {
    case TSR_OK:       return more ? TSR_COAP_CONTINUE : TSR_COAP_CHANGED;
    case TSR_E_DENIED: return TSR_COAP_METHOD_NOT_ALLOWED;
    case TSR_E_STATE:  return TSR_COAP_INCOMPLETE;
    case TSR_E_SPACE:  return TSR_COAP_TOO_LARGE;
    default:           return TSR_COAP_INTERNAL_ERROR;
    }
}

static uint8_t take(tsr_lwm2m_stream *s, tsr_coap_peer peer, const tsr_coap_msg *msg, uint32_t key)
{
    const tsr_coap_block b = msg->block1;
    uint32_t offset = b.num << (b.szx + 4); /* below 2^30: RFC 7959 §2.2 */
    tsr_err err;

    if (!tsr_lwm2m_instance_is_allowed(s->client, peer, &s->at, TSR_LWM2M_OP_REPLACE))
        return TSR_COAP_UNAUTHORIZED;
    if (b.num != 0 && (key ^ s->key) >> 3 != 0) /* RFC 9175 §3.3: of another request */
        return TSR_COAP_INCOMPLETE;
    err = s->part(s->user, peer, offset, msg->payload, !b.more, s->client->now_ms);
    if (err == TSR_OK)
        s->key = key;
    return code_of(err, b.more);
}

static uint8_t block(void *user, tsr_coap_peer peer, const tsr_coap_msg *msg, uint32_t key)
{
    tsr_lwm2m_stream *s = user;
    tsr_lwm2m_client_event *told;
    uint8_t code;

    while (s != NULL && !is_for(s, msg))
        s = s->next;
    if (s == NULL)
        return TSR_COAP_EMPTY;
    code = take(s, peer, msg, key);
    if (msg->block1.num != 0 && code == TSR_COAP_CONTINUE)
        return code;
    tsr_lwm2m_client_changed(s->client, tsr_lwm2m_at_instance(s->at.object, s->at.instance));
    s->client->save_owed = true; /* the next poll saves before it sends */
    s->client->save_at_ms = 0;
    if (code == TSR_COAP_CONTINUE)
        return code;
    told = tsr_lwm2m_client_tell(s->client, TSR_LWM2M_E_REQUEST, (uint8_t)peer, code);
    told->operation = TSR_LWM2M_OP_REPLACE;
    told->at = s->at;
    return code;
}

void tsr_lwm2m_client_stream(tsr_lwm2m_client *c, tsr_lwm2m_stream *s)
{
    s->client = c;
    s->next = c->coap.sink != NULL ? c->coap.sink->user : NULL;
    s->sink = (tsr_coap_sink){ block, s };
    c->coap.sink = &s->sink;
}
