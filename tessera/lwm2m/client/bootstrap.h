/* SPDX-License-Identifier: Apache-2.0
 *
 * The bootstrap interface of a client (Core 6.1): accounts come from a bootstrap server, by
 * Bootstrap-Pack or by Bootstrap-Request and what that server writes then.
 *
 * The client asks for it when it has no server account, when registering failed (/1/x/16), or when a
 * server says so (/1/x/9). What the bootstrap server writes is held back until it is complete and
 * consistent, and becomes durable as one: whatever happens, the device has its old accounts or its
 * new ones. Keys go into PSA as they come, under numbers of their own, and are removed from there when
 * no account names them any more.
 *
 * The host gives the instances of Security and Server that it knows (factory bootstrap) and empty
 * accounts; which account is for which server is decided here, and the host is told. */
#ifndef TESSERA_LWM2M_CLIENT_BOOTSTRAP_H
#define TESSERA_LWM2M_CLIENT_BOOTSTRAP_H

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/oscore.h"
#include "tessera/lwm2m/objects/security.h"

/** What the host does for it; both must be there, and must not call back into the client. */
typedef struct {
    void *user;
    /** Could the host speak with this server: its URI, its mode, its certificates? Mode ENROL is for
     *  hosts that can enrol alone (tessera/net/est.h). */
    bool (*usable)(void *user, const tsr_lwm2m_security *security);
    /** An account has a new server: open a transport for it, and set its channel and channel_state.
     *  NULL: it has none any more; close what is open. `security` stays until the next call.
     *  errors  any: the account stays without transport; init gives it back */
    tsr_err (*attach)(void *user, size_t account, const tsr_lwm2m_security *security);
} tsr_lwm2m_bootstrap_hooks;

/** What bootstrap has to do with OSCORE. */
struct tsr_lwm2m_boot_oscore;
extern const struct tsr_lwm2m_boot_oscore tsr_lwm2m_boot_oscore;

/** Where the bootstrap stands. */
typedef enum {
    TSR_LWM2M_BOOT_IDLE,      /* none is under way */
    TSR_LWM2M_BOOT_START,     /* before the first poll */
    TSR_LWM2M_BOOT_WAITING,   /* for its time (/0/x/11, or the next attempt), or for the channel */
    TSR_LWM2M_BOOT_PACK,      /* a Bootstrap-Pack was asked for */
    TSR_LWM2M_BOOT_OPEN,      /* the bootstrap server may write */
    TSR_LWM2M_BOOT_LINGERING, /* it is over; the last answer may have to be repeated */
} tsr_lwm2m_boot_phase;

/** The caller zeroes it and sets the first part. */
typedef struct tsr_lwm2m_bootstrap {
    tsr_lwm2m_securities *securities; /* the state of Object 0, with credentials:
                                         tsr_lwm2m_security_object() */
    /* where changes are held back: as many as there are of the real ones, config.servers being
     * the state of Object 1: tsr_lwm2m_server_account() */
    tsr_lwm2m_security *staged_securities;
    tsr_lwm2m_server *staged_servers;
    uint8_t *staged_certificates; /* as long as credentials->certificates; may be NULL with it */
    uint8_t *undo; /* saved forms of other objects that were written to; as long as these are */
    size_t undo_len;
    /* OSCORE: all three, or accounts under it are refused. &tsr_lwm2m_boot_oscore; the state of
     * Object 21, with keys; and as many instances as it has. What hooks.attach is told then says which
     * keys the account has (security->oscore): tsr_lwm2m_oscore_set() */
    const struct tsr_lwm2m_boot_oscore *oscore;
    tsr_lwm2m_oscores *oscores;
    tsr_lwm2m_oscore *staged_oscores;
    size_t account;    /* which of config.accounts is for the bootstrap server */
    bool pack;         /* ask for a Bootstrap-Pack first (1.2) */
    uint16_t format;   /* preferred Content-Format; 0: SenML CBOR */
    uint8_t retry_count;       /* attempts in a row; 0: 5 */
    uint32_t retry_timer_s;    /* before the second one, then doubled; 0: 60 */
    uint32_t sequence_delay_s; /* before the next row; 0: 86400 */
    tsr_lwm2m_bootstrap_hooks hooks;
    /** Unix time when the client's time was 0, in ms; the host corrects it when its clock is set. 0: not
     *  known, and accounts do not say when they were bootstrapped (/1/x/12). */
    uint64_t unix_zero_ms;
    /* read only */
    tsr_lwm2m_boot_phase phase;
    /* private */
    tsr_lwm2m_parts parts;
    tsr_lwm2m_securities stage;
    tsr_lwm2m_credentials stage_credentials;
    tsr_lwm2m_servers stage_servers;
    tsr_lwm2m_oscores stage_oscores;
    size_t undo_used;
    bool staging, asked, reattach, plain; /* plain: without `pct` */
    uint8_t attempts;
    uint64_t finished_ms, counted_ms; /* /0/x/12: since when the time runs that is not saved yet */
} tsr_lwm2m_bootstrap;

/** Places a client that can be bootstrapped. Accounts get their servers, in the order of the instances
 *  of Security, and hooks.attach is called for each.
 *
 *  parts   what else the client can do: &tsr_lwm2m_whole, or a choice; copied
 *  owner   config, parts' tables and `bootstrap` must outlive the client; config->accounts are zeroed
 *          here
 *  errors  TSR_E_ARGUMENT  a buffer missing, more instances than accounts, more than one bootstrap
 *                          account, Object 1 that is not tsr_lwm2m_server_account()
 *          TSR_E_SPACE     coap_memory is too small
 *          or what hooks.attach said
 */
tsr_err tsr_lwm2m_client_init_bootstrap(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config,
                                        const tsr_lwm2m_parts *parts,
                                        tsr_lwm2m_bootstrap *bootstrap);

/** Begins a bootstrap without waiting for a reason, as if a server had asked for it (/1/x/9).
 *  errors  TSR_E_NOT_FOUND  there is no bootstrap account (any more) */
tsr_err tsr_lwm2m_bootstrap_begin(tsr_lwm2m_client *c, uint64_t now_ms);

/** The host has set instances of Security and Server anew (a factory reset, a changed configuration):
 *  accounts follow. Between init or restore and the first poll. */
tsr_err tsr_lwm2m_bootstrap_reset(tsr_lwm2m_client *c);

#endif
