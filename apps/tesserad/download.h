/* SPDX-License-Identifier: Apache-2.0
 *
 * The download of a Package URI, over coap, coaps, http or https: a connection, and the engine of
 * tessera/coap/download.h or tessera/http/download.h between it and an object that takes the parts. */
#ifndef APPS_TESSERAD_DOWNLOAD_H
#define APPS_TESSERAD_DOWNLOAD_H

#include <poll.h>

#include "apps/tesserad/config.h"
#include "ports/linux/host/udp.h"
#include "tessera/coap/download.h"
#include "tessera/lwm2m/objects/protocol.h"
#include "tessera/lwm2m/objects/security.h"

/* A bit for each that can be had, as in /5/0/8. */
enum {
    DOWNLOAD_PROTOCOLS = 1 << TSR_LWM2M_PROTOCOL_COAP | 1 << TSR_LWM2M_PROTOCOL_COAPS |
                         1 << TSR_LWM2M_PROTOCOL_HTTP | 1 << TSR_LWM2M_PROTOCOL_HTTPS,
};

typedef enum {
    DOWNLOAD_LOST,     /* nobody answers any more, or nobody who is believed */
    DOWNLOAD_BAD_URI,  /* no such URI, or its server does not have it */
    DOWNLOAD_TOO_LONG,
} download_failure;

/** Views live until the taker returns. */
typedef struct {
    uint32_t offset; /* 0 again: what came before is void */
    tsr_bytes part;
    bool last;
    tsr_bytes etag;  /* empty: none that is good for going on */
} download_part;

/** Who gets what comes. Neither function calls the download. */
typedef struct {
    void (*part)(void *user, const download_part *p);
    void (*fail)(void *user, download_failure why);
    void *user;
} download_taker;

/** What all downloads of a device share. */
typedef struct {
    const config *config;
    const tsr_lwm2m_securities *securities; /* whose credentials serve for coaps */
    const tsr_bytes *trust; /* for accounts that want a path, and have no anchor of their own; empty: none */
} download_place;

struct download_web;
struct download_secure;

typedef struct {
    tsr_udp udp;
    tsr_udp_uri host;
    tsr_coap_download engine;
    bool heard;   /* something came since the last message went */
    struct download_secure *secure; /* NULL: not over coaps */
    struct download_web *web; /* NULL: not over http or https */
    download_taker taker;
    const char *uri;
    uint64_t open_at_ms; /* a socket that could not be opened is not tried before */
} download;

void download_init(download *d);

/** Begins at `offset`, a multiple of 1,024, of what has this ETag; `uri` stays where it is. Failures come
 *  at once, too. */
void download_begin(download *d, const char *uri, uint32_t offset, tsr_bytes etag,
                    const download_taker *taker, const download_place *place, uint64_t now_ms);

/** Sends what is to be sent; ends the download when it is not wanted any more. The second says when
 *  it wants that again (UINT64_MAX: never). */
void download_step(download *d, bool wanted, uint64_t now_ms);
uint64_t download_due_ms(const download *d);

/** What poll(2) is to look for, and taking what came there; a step is to follow. */
struct pollfd download_watch(const download *d);
void download_receive(download *d, uint64_t now_ms);

void download_end(download *d);

/* ---- download_secure.c: what carries datagrams of coaps; d->secure is set ---- */

/** errors  TSR_E_NOT_FOUND  no account's credentials are for d->host; TSR_E_SPACE */
tsr_err download_secure_begin(download *d, const download_place *place);

/** Protects a message and sends it; while there is no session yet, the last one waits for it. */
void download_secure_send(download *d, tsr_bytes message, uint64_t now_ms);

/** A datagram came; then the messages in it, each until the next call. A flush is to follow. */
void download_secure_feed(download *d, tsr_bytes datagram, uint64_t now_ms);
bool download_secure_next(download *d, tsr_bytes *message, uint64_t now_ms);

/** Sends what DTLS has to say. */
void download_secure_flush(download *d, uint64_t now_ms);

/** The local address is another: the session goes on there if it has a Connection ID (RFC 9146 §6). */
void download_secure_moved(download *d);

uint64_t download_secure_due_ms(const download *d);

/** Says so to the peer. */
void download_secure_end(download *d);

/* ---- download_web.c: the same over http and https ---- */

/** As download_begin(); d->web is set, or the failure was told. */
void download_web_begin(download *d, uint32_t offset, tsr_bytes etag, const config *c, uint64_t now_ms);

/** Some of what came is heard; the rest is due at once. */
void download_web_step(download *d, uint64_t now_ms);
uint64_t download_web_due_ms(const struct download_web *w);
struct pollfd download_web_watch(const struct download_web *w);
void download_web_end(struct download_web *w);

#endif
