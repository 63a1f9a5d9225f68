/* SPDX-License-Identifier: Apache-2.0
 *
 * The download of a Package URI: a socket, and the engine of tessera/coap/download.h between it and
 * object 5. */
#ifndef APPS_TESSERAD_DOWNLOAD_H
#define APPS_TESSERAD_DOWNLOAD_H

#include "apps/tesserad/config.h"
#include "ports/linux/host/udp.h"
#include "tessera/coap/download.h"
#include "tessera/lwm2m/objects/firmware.h"

typedef struct {
    tsr_udp udp;
    tsr_udp_uri host;
    tsr_coap_download engine;
    uint64_t open_at_ms; /* a socket that could not be opened is not tried before */
} download;

void download_init(download *d);

/** Begins or ends the download as the object's state says, and sends what is to be sent. The second
 *  says when it wants that again (UINT64_MAX: never). */
void download_step(download *d, tsr_lwm2m_firmware *f, const config *c, uint64_t now_ms);
uint64_t download_due_ms(const download *d, const tsr_lwm2m_firmware *f);

/** Takes what the socket has, and answers. */
void download_receive(download *d, tsr_lwm2m_firmware *f, const config *c, uint64_t now_ms);

void download_end(download *d);

#endif
