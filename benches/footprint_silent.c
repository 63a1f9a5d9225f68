/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest client that is asked and does not report by itself. */
#include "tessera/lwm2m/client/client.h"

extern tsr_lwm2m_observation board_observations[1];
extern tsr_lwm2m_attachment board_attachments[1];
extern const tsr_lwm2m_parts board_parts;

tsr_lwm2m_observation board_observations[1]; /* none is used */
tsr_lwm2m_attachment board_attachments[1];
const tsr_lwm2m_parts board_parts = { .coap_init = tsr_coap_init_small };
