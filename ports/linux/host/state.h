/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client keeps over a restart, in a file that names the configuration it was made under. */
#ifndef PORTS_LINUX_HOST_STATE_H
#define PORTS_LINUX_HOST_STATE_H

#include "tessera/base/bytes.h"

enum { TSR_HOST_STATE_HEAD = 8 }; /* bytes of room beside the state's own */

typedef struct {
    const char *directory;
    uint64_t mark; /* of the configuration: another one may make the state worthless */
    uint8_t *room;
    size_t room_len;
} tsr_host_state;

/** errors  TSR_E_SPACE  the room is too small
 *          TSR_E_IO     cause and remedy were logged */
tsr_err tsr_host_state_save(const tsr_host_state *s, tsr_bytes state);

/** Reads it back, with the mark it was saved under. `state` points into the room.
 *  errors  those of tsr_host_load() */
tsr_err tsr_host_state_load(const tsr_host_state *s, uint64_t *mark, tsr_bytes *state);

/** Nothing can be restored from it: puts the file aside, and logs it. */
void tsr_host_state_damaged(const tsr_host_state *s, tsr_err cause);

#endif
