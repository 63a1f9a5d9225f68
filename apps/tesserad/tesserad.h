/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the daemon share: its one state, and the steps that daemon.c puts in order.
 *
 *     daemon.c    begin, the event loop, signals, end
 *     accounts.c  certificates from files, accounts as the configuration has them
 *     client.c    placing the LwM2M client
 *     state.c     what outlives a restart
 *     link.c      one server: its socket, its channel, its DTLS session
 *     traffic.c   datagrams in and out, sleep between them
 *     events.c    the log lines of what happened */
#ifndef APPS_TESSERAD_TESSERAD_H
#define APPS_TESSERAD_TESSERAD_H

#include <poll.h>

#include "apps/tesserad/certificate.h"
#include "apps/tesserad/containers.h"
#include "apps/tesserad/daemon.h"
#include "apps/tesserad/device.h"
#include "apps/tesserad/enrol.h"
#include "apps/tesserad/firmware.h"
#include "apps/tesserad/oscore.h"
#include "apps/tesserad/profile.h"
#include "apps/tesserad/report.h"
#include "apps/tesserad/software.h"
#include "apps/tesserad/stream.h"
#include "apps/tesserad/update.h"
#include "ports/linux/host/state.h"
#include "ports/linux/host/udp.h"
#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/client/dtls_channel.h"
#include "tessera/lwm2m/client/queue.h"

enum {
    OBSERVATIONS = 64, ATTACHMENTS = 64, PATHS = 256, BODY = 49152, STATE = 131072, UNDO = 32768,
};

/* One server: its socket and, with keys, its DTLS session. */
typedef struct {
    bool used;
    uint16_t short_id; /* 0: the bootstrap server's */
    char name[CONFIG_PATH]; /* the URI */
    tsr_udp_uri uri;
    tsr_udp udp;   /* or */
    stream stream; /* when the URI says coap+tcp, or the server wants it so */
    char named;    /* the binding that the URI names */
    bool proved;   /* the server was heard over the present one */
    uint64_t rebind_at_ms; /* 0: not */
    uint64_t open_at_ms; /* when a socket that could not be opened is tried again */
    uint64_t open_wait_ms;
    tsr_lwm2m_dtls dtls;
    uint8_t plain[TSR_DTLS_PLAIN_MAX], image[TSR_DTLS_SAVED_MAX];
    uint8_t kept[TSR_TLS_KEPT_MAX]; /* of DTLS: in memory alone, as its master secret is in it */
} uplink;

/* Certificates of one section. */
typedef struct {
    uint8_t room[2][CERTIFICATE_MAX];
    tsr_bytes own, server;
} papers;

typedef struct tesserad tesserad;

struct tesserad {
    const config *config;
    const char *path;
    device device;
    update update;
    download_place place;
    firmware firmware;
    software software;
    containers containers;
    oscore oscore;
    enrol enrol;
    size_t link_count;
    uplink links[CONFIG_ACCOUNTS];
    uint8_t trust_room[CERTIFICATE_MAX];
    tsr_bytes trust; /* for accounts that want a path, and have no anchor of their own */
    papers papers[CONFIG_ACCOUNTS]; /* of the sections, in their order; then the bootstrap server's */
    tsr_lwm2m_account accounts[CONFIG_ACCOUNTS];
    tsr_lwm2m_bootstrap bootstrap;
    uint8_t undo[UNDO];
    tsr_lwm2m_observation observations[OBSERVATIONS];
    tsr_lwm2m_attachment attachments[ATTACHMENTS];
    tsr_lwm2m_composite_path paths[PATHS];
    report report;
    uint8_t body[BODY], state[STATE], stored[STATE + TSR_HOST_STATE_HEAD], message[TSR_UDP_DATAGRAM];
    tsr_coap_config coap;
    void *coap_memory;
    tsr_lwm2m_client client;
    tsr_coap_streams streams;
    tsr_lwm2m_queue queue;
    tsr_lwm2m_profile profile;
    tsr_lwm2m_history history;
    bool asleep; /* nothing is sent, and nothing that comes is heard */
    int signals, watch;
    uint64_t stop_by_ms; /* 0: running */
    daemon_end end;
};

/* ---- accounts.c ---- */

/** Reads every certificate that the configuration names.
 *  errors  the cause was logged */
tsr_err accounts_read_papers(tesserad *d);

/** Sets the accounts to what the configuration says. */
void accounts_configure(tesserad *d);

/** As accounts_configure(), when what was kept no longer holds: without a bootstrap server only what
 *  servers wrote goes. */
void accounts_reset(tesserad *d);

/* ---- client.c ---- */

tsr_err client_place(tesserad *d);

/* ---- state.c ---- */

/** The hook of tsr_lwm2m_hooks. */
tsr_err state_save(void *daemon, tsr_bytes state);

/** A damaged state costs a new registration, not the device. */
void state_restore(tesserad *d);

/* ---- link.c ---- */

/** Links of the sections' servers; with a bootstrap server, of whoever it names later. */
tsr_err links_begin(tesserad *d);
void links_end(tesserad *d);

/** Hooks of tsr_lwm2m_boot_hooks: an account came (or, with NULL, went). */
tsr_err link_attach(void *daemon, size_t account, const tsr_lwm2m_security *security);
bool link_is_usable(void *daemon, const tsr_lwm2m_security *security);

/** Options of a session with `host` under these credentials: by name and by path, where they go by them.
 *  trust   for usages that want a path, if it is not empty
 *  errors, owner  as of tsr_lwm2m_dtls_from(); host and trust, too */
tsr_err link_credentials(tsr_lwm2m_dtls *dtls, const tsr_lwm2m_security *security, const char *host,
                         const tsr_bytes *trust, uint8_t *plain, size_t plain_len);

/** Accounts whose server prefers another binding than the URI's, once it is known what it wrote. */
void links_prefer(tesserad *d);

/** Goes over to the binding that a trigger asked for, when its answer is out. */
void links_rebind(tesserad *d, uint64_t now_ms);

/** One that was asked for by a server and does not work is given up for the URI's own. */
void links_judge(tesserad *d, const tsr_lwm2m_client_event *e, uint64_t now_ms);

/** Opens the socket anew. One that cannot be had (no route, no name) is tried again, ever more slowly. */
void link_reopen(tesserad *d, size_t i, uint64_t now_ms);

/** The server's certificate of ours was renewed. */
void links_renew(tesserad *d, const enrol_news *news, uint64_t now_ms);

/** Opens sockets that are due, and after a change of the network those it took the way from. */
void links_check(tesserad *d, bool network_changed, uint64_t now_ms);
uint64_t links_due_ms(const tesserad *d);

/** What poll(2) is to watch. */
struct pollfd link_watch(const tesserad *d, size_t i);

/** The socket below the account, whichever transport it is. */
const tsr_udp *link_socket(const uplink *l);

/* ---- traffic.c ---- */

/** Does what was asked for before it is acknowledged, sends all there is, shows what happened. */
void traffic_drive(tesserad *d, uint64_t now_ms);

/** Takes what came over one link. */
void traffic_receive(tesserad *d, size_t i, uint64_t now_ms);

/** Steps the connections; `fds` are the links' or NULL. True: one came or went, which the client has
 *  something to say to. */
bool traffic_streams(tesserad *d, const struct pollfd *fds, uint64_t now_ms);

/** Queue mode: deaf from now on, if nothing is to do. */
void traffic_fall_asleep(tesserad *d, uint64_t now_ms);

/* ---- events.c ---- */

void log_event(const tesserad *d, const tsr_lwm2m_client_event *event);

#endif
