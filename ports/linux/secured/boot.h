/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the boot record comes from on Linux. */
#ifndef PORTS_LINUX_SECURED_BOOT_H
#define PORTS_LINUX_SECURED_BOOT_H

#include "secure/attest/boot.h"

typedef struct {
    tsr_boot_record record; /* points into the room below */
    uint8_t room[TSR_BOOT_RECORD_MAX + 1];
} tsr_secured_boot;

/** Reads the record that the launcher handed over on an inherited descriptor (a sealed memfd, or
 *  a pipe that was filled), from its beginning, once, and closes the descriptor. The failure is
 *  logged with its cause.
 *
 *  errors  TSR_E_IO         the descriptor cannot be read
 *          TSR_E_MALFORMED, TSR_E_UNSUPPORTED  what it holds is no boot record */
tsr_err tsr_secured_boot_read(tsr_secured_boot *b, int fd);

#endif
