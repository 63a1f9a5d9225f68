/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest client that is asked and does not report by itself. */
#include "tessera/lwm2m/client/client.h"

void board_reporting(tsr_lwm2m_client_config *config, tsr_lwm2m_parts *parts);

void board_reporting(tsr_lwm2m_client_config *config, tsr_lwm2m_parts *parts)
{
    (void)config;
    (void)parts;
}
