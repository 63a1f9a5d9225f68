/* SPDX-License-Identifier: Apache-2.0
 *
 * The download of a Package URI: a socket, and the engine of tessera/coap/download.h between it and
 * an object that takes the parts. */
#ifndef APPS_TESSERAD_DOWNLOAD_H
#define APPS_TESSERAD_DOWNLOAD_H

#include "apps/tesserad/config.h"
#include "ports/linux/host/udp.h"
#include "tessera/coap/download.h"

typedef enum {
    DOWNLOAD_LOST,     /* nobody answers any more */
    DOWNLOAD_BAD_URI,  /* no coap URI, or its server does not have it */
    DOWNLOAD_TOO_LONG,
} download_failure;

/** Who gets what comes. Neither function calls the download. */
typedef struct {
    void (*part)(void *user, const tsr_coap_download_event *e);
    void (*fail)(void *user, download_failure why);
    void *user;
} download_taker;

typedef struct {
    tsr_udp udp;
    tsr_udp_uri host;
    tsr_coap_download engine;
    download_taker taker;
    const char *uri;
    uint64_t open_at_ms; /* a socket that could not be opened is not tried before */
} download;

void download_init(download *d);

/** Begins at `offset` of what has this ETag; `uri` stays where it is. Failures come at once, too. */
void download_begin(download *d, const char *uri, uint32_t offset, tsr_bytes etag,
                    const download_taker *taker, const config *c, uint64_t now_ms);

/** Sends what is to be sent; ends the download when it is not wanted any more. The second says when
 *  it wants that again (UINT64_MAX: never). */
void download_step(download *d, bool wanted, uint64_t now_ms);
uint64_t download_due_ms(const download *d);

/** Takes what the socket has. A step is to follow. */
void download_receive(download *d, uint64_t now_ms);

void download_end(download *d);

#endif
