/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware slots on Linux: files, and the file that says what may go into them.
 *
 *     DIR/update.conf            components and trust anchors (docs/WIRE.md, "Slots on Linux"):
 *
 *         component tesserad                              # begins a component; its name
 *         vendor c1f3d3a2-6d3f-5c6b-9d5e-0d3c0f6c5d11     # ids as UUIDs
 *         class 0b6f5f26-1f0a-5c25-8a3d-3cc19d5b8a41
 *         size 33554432                                   # bytes of a slot
 *         options no-trial no-reboot volatile detached bundled    # any of them; or leave it out
 *         anchor owner.pem                                # may sign it: PEM or DER, P-256
 *         client -1001                                    # may update, and nobody else that is
 *                                                         # not named. None: root, and the user
 *                                                         # that the service runs as
 *
 *     DIR/slots/NAME/a.img, b.img
 *
 * A slot's file is the package as it was written, byte by byte; a factory installs by copying a
 * package to a.img. Everything is opened here and nowhere later, so the sandbox may close behind.
 *
 * tessera-boot and tessera-secured both use this, one after the other: the launcher opens the store
 * and the slots, decides (secure/fwu/boot.h), closes the store, and starts tessera-secured with
 * --slots DIR --reboot-fd N. A line TSR_LAUNCHER_REBOOT there asks it to restart everything.
 * Without --reboot-fd tessera-secured decides by itself when it starts, as if it were the boot
 * stage, and psa_fwu_request_reboot() answers PSA_ERROR_NOT_SUPPORTED. */
#ifndef PORTS_LINUX_FWU_SLOTS_H
#define PORTS_LINUX_FWU_SLOTS_H

#include "secure/fwu/boot.h"

#define TSR_LAUNCHER_REBOOT   "reboot\n"   /* what is written to the launcher: restart everything */
#define TSR_LAUNCHER_ACCEPTED "accepted\n" /* the trial is over, its deadline is void */
#define TSR_SLOT_BLOCK        65536u
#define TSR_SLOT_SIZE         (32u << 20) /* default size of a slot */
#define TSR_SLOT_CLIENTS      8u
#define TSR_SLOT_WORK         (TSR_FWU_MANIFEST_MAX + 65536u)

typedef struct {
    tsr_flash flash;
    /* private */
    int fd;
    uint32_t end; /* bytes of the file; behind it everything is erased */
    char path[512];
} tsr_slot_file;

typedef struct {
    tsr_fwu_component components[TSR_FWU_COMPONENTS];
    size_t count;
    tsr_fwu_anchor anchors[TSR_FWU_ANCHORS];
    size_t anchor_count;
    int32_t clients[TSR_SLOT_CLIENTS];
    size_t client_count;
    tsr_slot_file files[TSR_FWU_COMPONENTS][2];
    uint8_t work[TSR_SLOT_WORK];
    uint32_t sizes[TSR_FWU_COMPONENTS];
    char error[640]; /* after a failure: the file, the line, the cause and the remedy */
} tsr_slots;

/** Reads DIR/update.conf and opens all slots; files that are not there are made.
 *
 *  owner   the struct must not move; tsr_slots_close() closes the files
 *  errors  TSR_E_NOT_FOUND  no DIR/update.conf
 *          TSR_E_MALFORMED  a line or a key file is wrong; s->error says which and why
 *          TSR_E_DENIED     others than root and this user own the configuration, a slot or one of
 *                           their directories, or may write to it
 *          TSR_E_IO         a file cannot be opened or made */
tsr_err tsr_slots_open(tsr_slots *s, const char *dir);
void tsr_slots_close(tsr_slots *s);

/** Fills components, anchors, clients and work of `f`; its, crypto and reboot are the caller's. With
 *  no `client` line it leaves the clients alone. */
void tsr_slots_give(tsr_slots *s, tsr_fwu *f);

/** The descriptor of a slot's file, to read the payload from (choice.image.at, .len). */
int tsr_slots_fd(const tsr_slots *s, psa_fwu_component_t id, uint8_t slot);

#endif
