/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of composite operations share. Not for others. */
#ifndef TESSERA_LWM2M_CLIENT_COMPOSITE_H
#define TESSERA_LWM2M_CLIENT_COMPOSITE_H

#include "tessera/lwm2m/client/internal.h"

/* composite_write.c: Core 6.3.9; gives the code of the answer. */
uint8_t tsr_lwm2m_composite_write(tsr_lwm2m_client *c, const tsr_coap_event *event);

#endif
