/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/device.h"

#include <errno.h>
#include <stdio.h>

#include "ports/linux/host/system.h"
#include "ports/linux/host/udp.h"

static void copy(char *to, size_t cap, const char *from)
{
    (void)snprintf(to, cap, "%s", from);
}

static void take_security(tsr_lwm2m_security *s, uint16_t id, const config_server *from)
{
    *s = (tsr_lwm2m_security){ .used = true, .factory = true, .id = id,
                               .short_id = from->short_id,
                               .mode = (tsr_lwm2m_security_mode)from->mode, .key_id = from->key,
                               .certificate_usage = (uint8_t)from->certificate_usage,
                               .hold_off_s = from->hold_off_s,
                               .timeout_s = from->account_timeout_s,
                               .oscore = from->oscore_key != 0, .oscore_id = id };
    memcpy(s->suites, from->suites, sizeof s->suites);
    copy(s->uri, sizeof s->uri, from->uri);
    copy(s->server_name, sizeof s->server_name, from->server_name);
    s->identity_len = (uint8_t)strlen(from->identity);
    memcpy(s->identity, from->identity, s->identity_len);
}

void device_configure_security(device *d)
{
    size_t n = d->config->server_count;

    memset(d->security, 0, sizeof d->security);
    for (size_t i = 0; i < n; i++)
        take_security(&d->security[i], (uint16_t)i, &d->config->servers[i]);
    d->securities = (tsr_lwm2m_securities){ .items = d->security, .count = n };
    if (!d->config->has_bootstrap)
        return;
    take_security(&d->security[n], (uint16_t)n, &d->config->bootstrap);
    d->security[n].bootstrap = true;
    d->security[n].short_id = 0;
    d->securities.count = CONFIG_ACCOUNTS;
    d->securities.credentials = &d->credentials;
    d->credentials = (tsr_lwm2m_credentials){ .first_key_id = DEVICE_FIRST_KEY, .keys = d->keys,
                                              .key_count = 3 * CONFIG_ACCOUNTS,
                                              .certificates = d->certificates,
                                              .certificate_len = DEVICE_CERTIFICATE };
}

static void take_oscore(tsr_lwm2m_oscore *o, uint16_t id, const config_server *from)
{
    uint32_t version = o->version + 1;

    *o = (tsr_lwm2m_oscore){ .version = version };
    if (from->oscore_key == 0)
        return;
    *o = (tsr_lwm2m_oscore){ .used = true, .fixed = true, .id = id, .version = version,
                             .sender_id_len = from->oscore_sender.len,
                             .recipient_id_len = from->oscore_recipient.len,
                             .salt_len = from->oscore_salt.len,
                             .id_context_len = from->oscore_context.len,
                             .has_id_context = from->oscore_context.len != 0,
                             .aead = (int32_t)from->oscore_aead, .key_id = from->oscore_key };
    memcpy(o->sender_id, from->oscore_sender.bytes, o->sender_id_len);
    memcpy(o->recipient_id, from->oscore_recipient.bytes, o->recipient_id_len);
    memcpy(o->salt, from->oscore_salt.bytes, o->salt_len);
    memcpy(o->id_context, from->oscore_context.bytes, o->id_context_len);
}

/* The instances of Object 21 have the numbers of their accounts. */
void device_configure_oscore(device *d)
{
    static const config_server none;
    size_t n = d->config->server_count;

    for (size_t i = 0; i < CONFIG_ACCOUNTS; i++)
        take_oscore(&d->oscore[i], (uint16_t)i,
                    i < n                                  ? &d->config->servers[i]
                    : i == n && d->config->has_bootstrap ? &d->config->bootstrap
                                                           : &none);
    d->oscores.items = d->oscore;
    d->oscores.count = CONFIG_ACCOUNTS;
    if (!d->config->has_bootstrap)
        return;
    d->oscores.keys = d->oscore_keys;
    d->oscores.key_count = 3 * CONFIG_ACCOUNTS;
    d->oscores.first_key_id = DEVICE_FIRST_OSCORE_KEY;
}

void device_configure_servers(device *d)
{
    memset(d->server, 0, sizeof d->server);
    for (size_t i = 0; i < d->config->server_count; i++) {
        const config_server *from = &d->config->servers[i];
        tsr_udp_uri uri;

        tsr_lwm2m_server_init(&d->server[i], (uint16_t)i, from->short_id,
                              from->number[TSR_LWM2M_S_LIFETIME]);
        for (unsigned r = 1; r < TSR_LWM2M_SERVER_RESOURCES; r++) {
            if (from->set >> r & 1)
                tsr_lwm2m_server_set(&d->server[i], (tsr_lwm2m_server_resource)r, from->number[r]);
        }
        if (tsr_udp_uri_parse(tsr_text(from->uri), &uri) == TSR_OK && uri.stream)
            copy(d->server[i].binding, sizeof d->server[i].binding, "T");
    }
    d->servers.items = d->server;
    d->servers.count = d->config->has_bootstrap ? (size_t)CONFIG_SERVERS : d->config->server_count;
}

/* One server may do everything, and more than one only where rights can be given: here or by
 * bootstrap. */
static bool has_access(const device *d)
{
    return d->config->server_count > 1 || d->config->has_bootstrap;
}

void device_configure_access(device *d, bool anew)
{
    tsr_lwm2m_acl acl[CONFIG_SERVERS];
    uint16_t owner = TSR_LWM2M_NOBODY;
    size_t n = d->config->server_count;

    if (anew)
        memset(d->access, 0, sizeof d->access);
    for (size_t i = 0; i < n; i++) {
        const config_server *s = &d->config->servers[i];

        acl[i] = (tsr_lwm2m_acl){ s->short_id, s->rights };
        if (s->owner == 1)
            owner = s->short_id;
    }
    if (n > 1 && tsr_lwm2m_access_furnish(&d->accesses, &d->registry, &d->servers, owner, acl, n) != TSR_OK)
        tsr_host_log(TSR_LOG_WARNING, "access-full", "cause=\"more instances than %d\" remedy=\"for the "
                     "rest no server has any right; configure fewer lights\"", DEVICE_ACCESSES);
}

static void init_device(device *d)
{
    tsr_lwm2m_device_init(&d->device);
    copy(d->device.manufacturer, sizeof d->device.manufacturer, d->config->manufacturer);
    copy(d->device.model, sizeof d->device.model, d->config->model);
    copy(d->device.serial, sizeof d->device.serial, d->config->serial);
    copy(d->device.firmware, sizeof d->device.firmware, d->config->firmware);
    copy(d->device.hardware, sizeof d->device.hardware, d->config->hardware);
    copy(d->device.type, sizeof d->device.type, d->config->type);
    copy(d->device.binding, sizeof d->device.binding, "UT");
    tsr_host_device_identify("", &d->device);
}

static void init_sensors(device *d)
{
    tsr_host_sensors_init(d->sensor);
    d->sensors = (tsr_lwm2m_sensors){ d->sensor, TSR_HOST_SENSORS };
    d->temperatures.items = d->temperature;
    d->temperatures.count = tsr_host_thermometers_find("", d->thermometer, d->temperature);
}

/* Without a section there is one light, which shows in the state directory. */
static void init_lights(device *d, uint64_t now_ms)
{
    size_t count = d->config->light_count != 0 ? d->config->light_count : 1;

    for (size_t i = 0; i < count; i++)
        d->light[i] = (tsr_lwm2m_light){ .id = d->config->light_count != 0 ? d->config->lights[i].id : 0,
                                         .dimmer = 100, .now_s = now_ms / 1000,
                                         .since_s = now_ms / 1000 };
    d->lights = (tsr_lwm2m_lights){ d->light, count };
}

/* A place that the configuration gives was measured when somebody wrote it there. */
static void init_location(device *d)
{
    const config *c = d->config;

    if (c->latitude.set)
        d->location = (tsr_lwm2m_location){ .known = true, .latitude = c->latitude.value,
                                            .longitude = c->longitude.value,
                                            .has_altitude = c->altitude.set,
                                            .altitude_m = c->altitude.value,
                                            .has_radius = c->radius.set,
                                            .radius_m = c->radius.value,
                                            .unix_s = c->written_unix_s };
    if (c->location_file[0] != '\0')
        (void)tsr_host_location_read(c->location_file, &d->location);
}

static bool same_location(const tsr_lwm2m_location *a, const tsr_lwm2m_location *b)
{
    return a->unix_s == b->unix_s && a->latitude == b->latitude && a->longitude == b->longitude &&
           a->has_altitude == b->has_altitude && a->altitude_m == b->altitude_m &&
           a->has_radius == b->has_radius && a->radius_m == b->radius_m &&
           a->has_speed == b->has_speed && a->speed_m_s == b->speed_m_s;
}

/* A receiver that is silent leaves the last position, which says when it was measured. */
static void refresh_location(device *d, tsr_lwm2m_client *client)
{
    tsr_lwm2m_location before = d->location;

    if (d->config->location_file[0] == '\0' ||
        tsr_host_location_read(d->config->location_file, &d->location) != TSR_OK)
        return;
    if (!before.known)
        tsr_lwm2m_client_relink(client);
    if (!before.known || !same_location(&before, &d->location))
        tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(6, 0));
}

static void init_registry(device *d)
{
    size_t n = 0;

    d->objects[n++] = tsr_lwm2m_security_object(&d->securities);
    d->objects[n++] = d->config->has_bootstrap ? tsr_lwm2m_server_account(&d->servers)
                                               : tsr_lwm2m_server_object(&d->servers);
    d->accesses = (tsr_lwm2m_accesses){ .items = d->access, .count = DEVICE_ACCESSES };
    if (has_access(d))
        d->objects[n++] = tsr_lwm2m_access_object(&d->accesses);
    d->objects[n++] = tsr_lwm2m_device_object(&d->device);
    d->objects[n++] = tsr_lwm2m_monitoring_object(&d->monitoring);
    if (d->config->latitude.set || d->config->location_file[0] != '\0')
        d->objects[n++] = tsr_lwm2m_location_object(&d->location);
    d->objects[n++] = tsr_lwm2m_statistics_object(&d->statistics);
    d->objects[n++] = tsr_lwm2m_portfolio_object(&d->portfolios);
    d->objects[n++] = tsr_lwm2m_app_data_object(&d->app_datas);
    d->objects[n++] = tsr_lwm2m_event_log_object(&d->logs.all);
    d->objects[n++] = tsr_lwm2m_oscore_object(&d->oscores);
    d->objects[n++] = tsr_lwm2m_generic_sensor_object(&d->sensors);
    if (d->temperatures.count != 0)
        d->objects[n++] = tsr_lwm2m_temperature_object(&d->temperatures);
    d->objects[n++] = tsr_lwm2m_light_object(&d->lights);
    d->registry = (tsr_lwm2m_registry){ d->objects, n };
}

void device_add(device *d, tsr_lwm2m_object object)
{
    size_t n = d->registry.count++;

    for (; n > 0 && d->objects[n - 1].info->id > object.info->id; n--)
        d->objects[n] = d->objects[n - 1];
    d->objects[n] = object;
}

static void measure_traffic(device *d, tsr_lwm2m_client *client, uint64_t now_ms)
{
    tsr_lwm2m_traffic traffic;

    if (tsr_host_traffic("", &traffic) == TSR_OK &&
        tsr_lwm2m_statistics_measure(&d->statistics, &traffic, now_ms / 1000) && client != NULL)
        tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(7, 0));
}

void device_init(device *d, const config *c, uint64_t now_ms)
{
    memset(d, 0, sizeof *d);
    d->config = c;
    device_configure_security(d);
    device_configure_oscore(d);
    device_configure_servers(d);
    init_device(d);
    tsr_host_monitoring_refresh("", c->interface, now_ms, &d->load, &d->monitoring);
    measure_traffic(d, NULL, now_ms);
    tsr_lwm2m_statistics_start(&d->statistics);
    d->portfolios = (tsr_lwm2m_portfolios){ d->portfolio, DEVICE_PORTFOLIOS };
    d->app_datas = (tsr_lwm2m_app_datas){ d->app_data, DEVICE_APP_DATA + c->container_count };
    logs_begin(&d->logs, c->kernel_log != 0);
    init_location(d);
    init_sensors(d);
    init_lights(d, now_ms);
    init_registry(d);
}

static void tell_sensors(tsr_lwm2m_client *client, uint16_t object, unsigned changed)
{
    for (uint16_t i = 0; changed >> i != 0; i++) {
        if (changed >> i & 1)
            tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(object, i));
    }
}

/* Texts end at their zero; what lies behind it may be of an earlier time. */
static bool same_texts(const char (*a)[TSR_LWM2M_ADDRESS_LEN], const char (*b)[TSR_LWM2M_ADDRESS_LEN],
                       uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        if (strcmp(a[i], b[i]) != 0)
            return false;
    }
    return true;
}

static bool same_monitoring(const tsr_lwm2m_monitoring *a, const tsr_lwm2m_monitoring *b)
{
    return a->bearer == b->bearer && a->bearer_count == b->bearer_count &&
           memcmp(a->bearers, b->bearers, a->bearer_count) == 0 &&
           a->signal_dbm == b->signal_dbm && a->link_quality == b->link_quality &&
           a->utilization_percent == b->utilization_percent &&
           a->address_count == b->address_count && a->router_count == b->router_count &&
           same_texts(a->addresses, b->addresses, a->address_count) &&
           same_texts(a->routers, b->routers, a->router_count);
}

void device_refresh(device *d, tsr_lwm2m_client *client, uint64_t now_ms)
{
    int64_t unix_s = tsr_host_unix_s();
    tsr_lwm2m_monitoring monitoring = d->monitoring;

    d->refreshed_ms = now_ms;
    tsr_host_device_refresh("", &d->device);
    tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(3, 0));
    tsr_host_monitoring_refresh("", d->config->interface, now_ms, &d->load, &d->monitoring);
    if (!same_monitoring(&monitoring, &d->monitoring))
        tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(4, 0));
    measure_traffic(d, client, now_ms);
    refresh_location(d, client);
    tell_sensors(client, 3300, tsr_host_sensors_refresh("", d->sensor, unix_s));
    tell_sensors(client, 3303, tsr_host_thermometers_refresh("", d->thermometer, d->temperature,
                                                             d->temperatures.count, unix_s));
    for (size_t i = 0; i < d->lights.count; i++) {
        d->light[i].now_s = now_ms / 1000;
        if (d->light[i].on)
            tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(3311, d->light[i].id));
    }
}

void device_end(device *d)
{
    logs_end(&d->logs);
}

void device_show_lights(device *d)
{
    for (size_t i = 0; i < d->lights.count; i++) {
        tsr_lwm2m_light *light = &d->light[i];
        char file[CONFIG_PATH + 32];
        const char *led = "";

        if (!light->changed)
            continue;
        light->changed = false;
        (void)snprintf(file, sizeof file, "%s/light%u", d->config->state, light->id);
        if (d->config->light_count != 0) {
            led = d->config->lights[i].led;
            if (d->config->lights[i].file[0] != '\0')
                copy(file, sizeof file, d->config->lights[i].file);
        }
        if (tsr_host_lamp_set(led, file, light) == TSR_OK)
            tsr_host_log(TSR_LOG_INFO, "light", "id=%u on=%d dimmer=%u", light->id, light->on,
                         light->dimmer);
        else
            tsr_host_log(TSR_LOG_WARNING, "light-failed", "id=%u cause=\"%s\" remedy=\"check led and "
                         "file of [light %u]\"", light->id, strerror(errno), light->id);
    }
}
