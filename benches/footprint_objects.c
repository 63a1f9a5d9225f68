/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects 4, 5, 6, 7 and 20 for footprint_full.c. */
#include "tessera/lwm2m/client/stream.h"
#include "tessera/lwm2m/objects/connectivity.h"
#include "tessera/lwm2m/objects/event_log.h"
#include "tessera/lwm2m/objects/firmware.h"
#include "tessera/lwm2m/objects/location.h"

size_t board_objects(tsr_lwm2m_object *to);
void board_started(tsr_lwm2m_client *client);

/* What the board gives. */
tsr_err board_part(void *user, uint32_t source, uint32_t offset, tsr_bytes part, bool last,
                   uint64_t now_ms);
extern const tsr_lwm2m_firmware_backend board_firmware;

static tsr_lwm2m_monitoring monitoring;
static tsr_lwm2m_firmware firmware;
static tsr_lwm2m_location location;
static tsr_lwm2m_statistics statistics;
static tsr_lwm2m_log log_item[1];
static tsr_lwm2m_logs logs = { .items = log_item, .count = 1 };
static tsr_lwm2m_stream package = { .at = { 5, 0, 0, 0, 3 }, .part = board_part };

size_t board_objects(tsr_lwm2m_object *to)
{
    tsr_lwm2m_firmware_init(&firmware, &board_firmware, NULL);
    to[0] = tsr_lwm2m_monitoring_object(&monitoring);
    to[1] = tsr_lwm2m_firmware_object(&firmware);
    to[2] = tsr_lwm2m_location_object(&location);
    to[3] = tsr_lwm2m_statistics_object(&statistics);
    to[4] = tsr_lwm2m_event_log_object(&logs);
    return 5;
}

void board_started(tsr_lwm2m_client *client) { tsr_lwm2m_client_stream(client, &package); }
