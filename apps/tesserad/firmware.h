/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 5 on PSA Firmware Update: packages go in parts to the slot that does not run, are verified
 * there, and start by way of the launcher. What became of an update is found out after the restart. */
#ifndef APPS_TESSERAD_FIRMWARE_H
#define APPS_TESSERAD_FIRMWARE_H

#include "apps/tesserad/device.h"
#include "apps/tesserad/download.h"
#include "apps/tesserad/update.h"
#include "tessera/lwm2m/client/stream.h"
#include "tessera/lwm2m/objects/firmware.h"

typedef struct {
    const update *update;
    const download_place *place;
    tsr_lwm2m_client *client;
    tsr_lwm2m_firmware object;
    tsr_lwm2m_stream stream;
    download download;
} firmware;

/** Places the object among the device's, where there is a component to update. */
void firmware_place(firmware *f, const update *u, const download_place *place, device *d);

/** When the client is there and has its state back: what stands where, and what became of it. */
void firmware_resume(firmware *f, tsr_lwm2m_client *client);

/** Tells the client what changed; before anything is sent. */
void firmware_tell(firmware *f);

/** Installs what a server asked for, when its answer is out; downloads; ends what takes too
 *  long. The second
 *  says when it wants that again (UINT64_MAX: never). */
void firmware_step(firmware *f, uint64_t now_ms);
uint64_t firmware_due_ms(const firmware *f);

/** What a download waits for, and what came there. */
struct pollfd firmware_watch(const firmware *f);
void firmware_receive(firmware *f, uint64_t now_ms);

void firmware_end(firmware *f);

/** The version on trial was accepted or rejected. */
void firmware_judged(firmware *f);

#endif
