/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that wait to be sent, as bytes one behind the other; docs/WIRE.md has the table. Not for others. */
#ifndef TESSERA_LWM2M_CLIENT_OUTBOX_H
#define TESSERA_LWM2M_CLIENT_OUTBOX_H

#include "tessera/lwm2m/client/internal.h"

enum { OUTBOX_CON = 1, OUTBOX_FLIGHT = 2 };

/* One value and where it goes. `at_byte` is where it begins in memory. */
typedef struct {
    uint16_t short_id;
    uint8_t flags;
    uint64_t unix_ms;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    size_t at_byte;
} outbox_entry;

/* Takes the entry at `*at` and steps over it. TSR_END: none. */
tsr_err tsr_lwm2m_outbox_next(const tsr_lwm2m_outbox *o, size_t *at, outbox_entry *e);

void tsr_lwm2m_outbox_put(tsr_buf *out, const outbox_entry *e);
void tsr_lwm2m_outbox_mark(tsr_lwm2m_outbox *o, const outbox_entry *e, uint8_t flags);

/* Removes what is in flight to that server, or only says that it is not any more. */
void tsr_lwm2m_outbox_landed(tsr_lwm2m_outbox *o, uint16_t short_id);
void tsr_lwm2m_outbox_lost(tsr_lwm2m_outbox *o, uint16_t short_id);

/* The oldest that is not in flight makes room. False: there is none. */
bool tsr_lwm2m_outbox_drop(tsr_lwm2m_outbox *o);

/* Does something wait for that server? */
bool tsr_lwm2m_outbox_waits(const tsr_lwm2m_outbox *o, uint16_t short_id);

#endif
