/* SPDX-License-Identifier: Apache-2.0
 *
 * What the small client of the tests consists of. */
#include "tests/lwm2m/small_parts.h"

const tsr_lwm2m_parts tsr_lwm2m_small_parts = { .coap_init = tsr_coap_init_small,
                                      .reporting = &tsr_lwm2m_reporting,
                                      .attributes = &tsr_lwm2m_periods };
const tsr_lwm2m_parts tsr_lwm2m_silent_parts = { .coap_init = tsr_coap_init_small };
