/* SPDX-License-Identifier: Apache-2.0
 *
 * A client without bodies in blocks, other attributes than pmin and pmax, saving, channels and
 * Create; over the whole engine, or over the small one (the build decides). */
#ifndef TESTS_LWM2M_SMALL_PARTS_H
#define TESTS_LWM2M_SMALL_PARTS_H

#include "tessera/lwm2m/client/client.h"

extern const tsr_lwm2m_parts tsr_lwm2m_small_parts, tsr_lwm2m_silent_parts; /* the second does not report */

#endif
