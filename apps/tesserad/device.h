/* SPDX-License-Identifier: Apache-2.0
 *
 * The device that tesserad presents: the objects, their states, and how they follow the host. */
#ifndef APPS_TESSERAD_DEVICE_H
#define APPS_TESSERAD_DEVICE_H

#include "apps/tesserad/config.h"
#include "apps/tesserad/logs.h"
#include "ports/linux/host/data.h"
#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/app_data.h"
#include "tessera/lwm2m/objects/oscore.h"
#include "tessera/lwm2m/objects/portfolio.h"

enum {
    DEVICE_PORTFOLIOS = 4,
    DEVICE_APP_DATA = 4, /* that servers create */
    DEVICE_OBJECTS = 16,
    DEVICE_ACCESSES = 64,
    DEVICE_CERTIFICATE = 2048, /* bytes of a certificate that a bootstrap server writes */
    DEVICE_FIRST_KEY = 0x3f540000, /* of those that it writes; below are the configuration's */
    DEVICE_FIRST_OSCORE_KEY = 0x3f550000,
};

typedef struct {
    const config *config;
    tsr_lwm2m_securities securities;
    tsr_lwm2m_security security[CONFIG_ACCOUNTS], staged_security[CONFIG_ACCOUNTS];
    tsr_lwm2m_credentials credentials;
    uint32_t keys[3 * CONFIG_ACCOUNTS];
    uint8_t certificates[2 * CONFIG_ACCOUNTS * DEVICE_CERTIFICATE];
    uint8_t staged_certificates[2 * CONFIG_ACCOUNTS * DEVICE_CERTIFICATE];
    tsr_lwm2m_oscores oscores;
    tsr_lwm2m_oscore oscore[CONFIG_ACCOUNTS], staged_oscore[CONFIG_ACCOUNTS];
    uint32_t oscore_keys[3 * CONFIG_ACCOUNTS];
    tsr_lwm2m_servers servers;
    tsr_lwm2m_server server[CONFIG_SERVERS], staged_server[CONFIG_SERVERS];
    tsr_lwm2m_accesses accesses;
    tsr_lwm2m_access access[DEVICE_ACCESSES];
    tsr_lwm2m_device device;
    tsr_lwm2m_monitoring monitoring;
    tsr_host_counters load;
    tsr_lwm2m_statistics statistics;
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[DEVICE_PORTFOLIOS];
    tsr_lwm2m_location location;
    tsr_lwm2m_app_datas app_datas;
    tsr_lwm2m_app_data app_data[DEVICE_APP_DATA + CONFIG_CONTAINERS];
    logs logs;
    tsr_lwm2m_sensors sensors, temperatures;
    tsr_lwm2m_sensor sensor[TSR_HOST_SENSORS], temperature[TSR_HOST_TEMPERATURES];
    tsr_host_thermometer thermometer[TSR_HOST_TEMPERATURES];
    tsr_lwm2m_lights lights;
    tsr_lwm2m_light light[CONFIG_LIGHTS];
    tsr_lwm2m_object objects[DEVICE_OBJECTS];
    tsr_lwm2m_registry registry;
    uint64_t refreshed_ms;
} device;

/** Places the objects. The states are filled as far as the host says something. */
void device_init(device *d, const config *c, uint64_t now_ms);

/** Sets the instances of Security, OSCORE and Server to what the configuration says. Certificates have to be
 *  put there again. */
void device_configure_security(device *d);
void device_configure_oscore(device *d);
void device_configure_servers(device *d);

/** Sets the instances of Access Control to what the configuration says, when all objects are placed;
 *  `anew` or for what has none yet. Nothing with a single server, which may do everything. */
void device_configure_access(device *d, bool anew);

/** Places one more object, before the client is there. */
void device_add(device *d, tsr_lwm2m_object object);

/** Brings the states up to date and tells the client what has changed. */
void device_refresh(device *d, tsr_lwm2m_client *client, uint64_t now_ms);

/** No line of the log comes here any more. */
void device_end(device *d);

/** Shows lights that a server has set. */
void device_show_lights(device *d);

#endif
