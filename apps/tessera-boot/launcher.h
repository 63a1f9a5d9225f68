/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of the device: boots one after the other, until a signal ends it. */
#ifndef APPS_TESSERA_BOOT_LAUNCHER_H
#define APPS_TESSERA_BOOT_LAUNCHER_H

#include "apps/tessera-boot/config.h"

/** Runs until a signal ends it; returns the exit code. */
int launch(const boot_config *c);

#endif
