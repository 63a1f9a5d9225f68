/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 1, LwM2M Server 1.2: one instance per server account. */
#ifndef TESSERA_LWM2M_OBJECTS_SERVER_H
#define TESSERA_LWM2M_OBJECTS_SERVER_H

#include "tessera/lwm2m/model/object.h"

enum {
    TSR_LWM2M_SERVER_RESOURCES = 28, /* resource ids 0 to 27 */
    TSR_LWM2M_BINDING_LEN = 7,       /* letters of /1/x/7: each of UMHTSNQ once */
};

/** The resources of Server that the client acts on; source: Core E.2. */
typedef enum {
    TSR_LWM2M_S_SHORT_ID = 0,
    TSR_LWM2M_S_LIFETIME = 1,
    TSR_LWM2M_S_PMIN = 2,
    TSR_LWM2M_S_PMAX = 3,
    TSR_LWM2M_S_DISABLE = 4,
    TSR_LWM2M_S_DISABLE_TIMEOUT = 5,
    TSR_LWM2M_S_STORING = 6,
    TSR_LWM2M_S_BINDING = 7,
    TSR_LWM2M_S_UPDATE = 8,
    TSR_LWM2M_S_BOOTSTRAP = 9,
    TSR_LWM2M_S_ALERT = 11,
    TSR_LWM2M_S_LAST_BOOTSTRAPPED = 12,
    TSR_LWM2M_S_ORDER = 13,
    TSR_LWM2M_S_INITIAL_DELAY = 14,
    TSR_LWM2M_S_FAILURE_BLOCK = 15,
    TSR_LWM2M_S_BOOTSTRAP_ON_FAILURE = 16,
    TSR_LWM2M_S_RETRY_COUNT = 17,
    TSR_LWM2M_S_RETRY_TIMER = 18,
    TSR_LWM2M_S_SEQUENCE_DELAY = 19,
    TSR_LWM2M_S_SEQUENCE_COUNT = 20,
    TSR_LWM2M_S_PREFERRED = 22, /* its letter as a number */
    TSR_LWM2M_S_MUTE_SEND = 23,
    TSR_LWM2M_S_NOTIFY_MODE = 26,
} tsr_lwm2m_server_resource;

/** One instance. Numbers, times in seconds and Booleans stand in `number`; `set` has a bit for
 *  each resource that has a value. */
typedef struct {
    uint16_t id; /* instance */
    bool used;
    bool written; /* by bootstrap, and not in force yet */
    char asked; /* the binding that the last trigger (/1/x/8) named; 0: none */
    char binding[TSR_LWM2M_BINDING_LEN + 1];
    uint32_t set;
    uint32_t number[TSR_LWM2M_SERVER_RESOURCES];
} tsr_lwm2m_server;

/** The object's state: instances placed by the caller, those in use have `used`. */
typedef struct {
    tsr_lwm2m_server *items;
    size_t count;
    /** Whether the account with that Short Server ID can go over a binding, 'U' or 'T'; NULL: over U
     *  alone. Then a server may prefer it (/1/x/22), or name it in a trigger, and the host acts on
     *  tsr_lwm2m_client_binding(). */
    bool (*can)(void *user, uint16_t short_id, char binding);
    void *user;
} tsr_lwm2m_servers;

/** Sets an instance to the defaults of a fresh account: lifetime, storing on, binding "U". */
void tsr_lwm2m_server_init(tsr_lwm2m_server *server, uint16_t instance, uint16_t short_id,
                           uint32_t lifetime_s);

/** Sets or changes a number, without the rules for remote writers. */
void tsr_lwm2m_server_set(tsr_lwm2m_server *server, tsr_lwm2m_server_resource resource,
                          uint32_t value);

/** A number, or the default of Core E.2 when it has no value. */
uint32_t tsr_lwm2m_server_get(const tsr_lwm2m_server *server, tsr_lwm2m_server_resource resource);

/** The instance with that Short Server ID, or NULL. */
tsr_lwm2m_server *tsr_lwm2m_server_find(const tsr_lwm2m_servers *servers, uint16_t short_id);

/** The binding that the server with that Short Server ID prefers (/1/x/22), if `can` says so; or 0. */
char tsr_lwm2m_server_preferred(const tsr_lwm2m_servers *servers, uint16_t short_id);

/** The registry entry over the caller's state. */
tsr_lwm2m_object tsr_lwm2m_server_object(tsr_lwm2m_servers *servers);

/** The same for a client that can be bootstrapped: servers may ask for it (/1/x/9), and instances
 *  that came from there are kept as a whole. */
tsr_lwm2m_object tsr_lwm2m_server_account(tsr_lwm2m_servers *servers);

/** What bootstrap writes to: the same with Create and Delete, and a Short Server ID to set. */
tsr_lwm2m_object tsr_lwm2m_server_staged(tsr_lwm2m_servers *servers);

/** The same for a device that keeps nothing, and whose Executes take no arguments and whose binding
 *  is "U": what servers write is gone after a restart. */
tsr_lwm2m_object tsr_lwm2m_server_volatile(tsr_lwm2m_servers *servers);

#endif
