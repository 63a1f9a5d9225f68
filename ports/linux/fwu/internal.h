/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_LINUX_FWU_INTERNAL_H
#define PORTS_LINUX_FWU_INTERNAL_H

#include "ports/linux/fwu/slots.h"

/** Reads DIR/update.conf and the keys it names. errors as tsr_slots_open() */
tsr_err tsr_slots_configure(tsr_slots *s, const char *dir);

/** Keeps a message for s->error, and gives `err`. */
tsr_err tsr_slots_say(tsr_slots *s, tsr_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
