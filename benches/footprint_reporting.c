/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest client with Observe, and pmin and pmax. The small engine is linked (CMakeLists.txt):
 * no bodies in blocks; nothing kept, no channel, no Create. */
#include "tessera/lwm2m/client/client.h"

extern tsr_lwm2m_observation board_observations[OBSERVATIONS];
extern tsr_lwm2m_attachment board_attachments[OBSERVATIONS];
extern const tsr_lwm2m_parts board_parts;

tsr_lwm2m_observation board_observations[OBSERVATIONS];
tsr_lwm2m_attachment board_attachments[OBSERVATIONS];
const tsr_lwm2m_parts board_parts = { .coap_init = tsr_coap_init_small,
                                      .reporting = &tsr_lwm2m_reporting,
                                      .attributes = &tsr_lwm2m_periods };
