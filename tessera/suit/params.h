/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESSERA_SUIT_PARAMS_H
#define TESSERA_SUIT_PARAMS_H

#include "tessera/suit/run.h"

/** Sets the parameters of the map `in` (SUIT 8.4.10.3, 8.4.8).
 *
 *  units   *soft receives soft failure; NULL: it must not be set here (SUIT 8.4.8.15)
 *  errors  TSR_E_MALFORMED; TSR_E_UNSUPPORTED  an unknown parameter or digest */
tsr_err tsr_suit_override(tsr_suit_params *p, tsr_bytes in, bool *soft);

#endif
