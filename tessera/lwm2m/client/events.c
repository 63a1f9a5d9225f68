/* SPDX-License-Identifier: Apache-2.0
 *
 * Events for the host, and names for its log. */
#include "tessera/lwm2m/client/internal.h"

tsr_lwm2m_client_event *tsr_lwm2m_client_tell(tsr_lwm2m_client *c, tsr_lwm2m_client_event_kind kind,
                                              uint8_t account, uint8_t code)
{
    tsr_lwm2m_client_event *event =
        &c->events[(size_t)(c->event_first + c->event_count) % TSR_LWM2M_EVENTS];

    *event = (tsr_lwm2m_client_event){ .kind = kind, .account = account, .code = code,
                                       .reason = "" };
    if (c->event_count < TSR_LWM2M_EVENTS)
        c->event_count++;
    else
        c->event_first = (uint8_t)((c->event_first + 1u) % TSR_LWM2M_EVENTS);
    return event;
}

const char *tsr_lwm2m_client_word(const tsr_lwm2m_client *c, enum client_words which)
{
    return c->parts->words != NULL ? c->parts->words[which] : "";
}

tsr_lwm2m_client_event *tsr_lwm2m_account_event(tsr_lwm2m_client *c, const tsr_lwm2m_account *a,
                                                tsr_lwm2m_client_event_kind kind, uint8_t code)
{
    return tsr_lwm2m_client_tell(c, kind, (uint8_t)account_peer(c, a), code);
}

bool tsr_lwm2m_client_event_next(tsr_lwm2m_client *c, tsr_lwm2m_client_event *event)
{
    if (c->event_count == 0)
        return false;
    *event = c->events[c->event_first];
    c->event_first = (uint8_t)((c->event_first + 1u) % TSR_LWM2M_EVENTS);
    c->event_count--;
    return true;
}

const char *tsr_lwm2m_operation_name(tsr_lwm2m_operation operation)
{
    static const char *const names[] = {
        "none",    "read",             "discover", "observe", "cancel", "write-replace",
        "write",   "write-attributes", "execute",  "create",  "delete",
        "read-composite", "write-composite", "observe-composite", "cancel-composite",
        "bootstrap-discover", "bootstrap-read", "bootstrap-write", "bootstrap-delete",
        "bootstrap-finish",
    };

    return (size_t)operation < sizeof names / sizeof *names ? names[operation] : "unknown";
}

const char *tsr_lwm2m_standing_name(tsr_lwm2m_standing standing)
{
    static const char *const names[] = { "waiting",     "bootstrapping", "connecting", "registering",
                                         "registered", "deregistering", "stopped" };

    return (size_t)standing < sizeof names / sizeof *names ? names[standing] : "unknown";
}
