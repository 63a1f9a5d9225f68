/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest client with Observe, and pmin and pmax. */
#include "tessera/lwm2m/client/client.h"

void board_reporting(tsr_lwm2m_client_config *config, tsr_lwm2m_parts *parts);

static tsr_lwm2m_observation observations[10];
static tsr_lwm2m_attachment attachments[10];

void board_reporting(tsr_lwm2m_client_config *config, tsr_lwm2m_parts *parts)
{
    config->observations = observations;
    config->observation_count = 10;
    config->attachments = attachments;
    config->attachment_count = 10;
    parts->reporting = &tsr_lwm2m_reporting;
    parts->attributes = &tsr_lwm2m_periods;
}
