/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP side. Private to server/fdo. */
#ifndef SERVER_FDO_FRONT_H
#define SERVER_FDO_FRONT_H

#include "server/fdo/service.h"

/** errors  TSR_E_ARGUMENT (the address), TSR_E_IO (the port); `why` names cause and remedy */
tsr_err fdo_front_open(tsr_fdo *f, char *why, size_t why_cap);
void fdo_front_close(tsr_fdo *f);

#endif
