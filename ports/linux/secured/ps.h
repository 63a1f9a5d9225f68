/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure service's Protected Storage: one file, which may lie on a medium that others reach. */
#ifndef PORTS_LINUX_SECURED_PS_H
#define PORTS_LINUX_SECURED_PS_H

#include "ports/linux/flash/flash.h"
#include "ports/linux/secured/store.h"
#include "secure/storage/ps.h"

typedef struct {
    tsr_ps ps;
    /* private */
    tsr_store medium;
    const char *told; /* the last damage that was logged */
    tsr_flash_file file;
    char path[4096];
    uint8_t work[TSR_SECURED_ASSET_MAX + TSR_PS_OVERHEAD];
    tsr_store_entry index[TSR_SECURED_ASSETS];
} tsr_secured_ps;

/** Opens the file, or makes it. A damaged one is repaired; one that cannot be is renamed to
 *  FILE.damaged and made anew: what was in it is then reported as damaged when it is asked for.
 *  Every such happening, and a failure with cause and remedy, is logged.
 *
 *  units   path: NULL for "ps.tsr" in `dir`; bytes_each: what one client may hold, 0 for a quarter
 *  owner   its and root must outlive the struct, which must not move
 *  errors  TSR_E_STATE (another process has it), TSR_E_DENIED, TSR_E_SPACE, TSR_E_IO */
tsr_err tsr_secured_ps_open(tsr_secured_ps *s, const char *dir, const char *path,
                            uint32_t bytes_each, tsr_its *its, const tsr_root *root);

/** Logs damage or a failure of the medium that a call came upon, once. */
void tsr_secured_ps_watch(tsr_secured_ps *s);

void tsr_secured_ps_close(tsr_secured_ps *s);

#endif
