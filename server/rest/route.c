/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/route.h"

#include "server/rest/handlers.h"
#include "tessera/base/utf8.h"

/* Four lines each for the four depths of a path. */
#define OBJECT                    "/devices/{endpoint}/objects/{object}"
#define INSTANCE                  OBJECT "/{instance}"
#define RESOURCE                  INSTANCE "/{resource}"
#define RESOURCE_INSTANCE         RESOURCE "/{resourceInstance}"
#define OBSERVE_OBJECT            "/devices/{endpoint}/observations/{object}"
#define OBSERVE_INSTANCE          OBSERVE_OBJECT "/{instance}"
#define OBSERVE_RESOURCE          OBSERVE_INSTANCE "/{resource}"
#define OBSERVE_RESOURCE_INSTANCE OBSERVE_RESOURCE "/{resourceInstance}"

const rest_route rest_routes[] = {
    { "GET", "/", rest_get_index, 0 },
    { "GET", "/openapi.yaml", rest_get_openapi, 0 },
    { "GET", "/operator", rest_get_operator, 0 },
    { "GET", "/health", rest_get_health, REST_OPEN },
    { "GET", "/metrics", rest_get_metrics, 0 },
    { "GET", "/devices", rest_list_devices, 0 },
    { "GET", "/devices/{endpoint}", rest_get_device, 0 },
    { "DELETE", "/devices/{endpoint}", rest_drop_device, 0 },
    { "GET", OBJECT, rest_read, 0 },
    { "POST", OBJECT, rest_create, REST_BODY },
    { "GET", INSTANCE, rest_read, 0 },
    { "PUT", INSTANCE, rest_write, REST_BODY },
    { "DELETE", INSTANCE, rest_delete, 0 },
    { "GET", RESOURCE, rest_read, 0 },
    { "PUT", RESOURCE, rest_write, REST_BODY },
    { "GET", RESOURCE_INSTANCE, rest_read, 0 },
    { "PUT", RESOURCE_INSTANCE, rest_write, REST_BODY },
    { "DELETE", RESOURCE_INSTANCE, rest_delete, 0 },
    { "POST", RESOURCE "/execute", rest_execute, REST_BODY_FREE },
    { "GET", OBJECT "/discover", rest_discover, 0 },
    { "GET", INSTANCE "/discover", rest_discover, 0 },
    { "GET", RESOURCE "/discover", rest_discover, 0 },
    { "PUT", OBJECT "/attributes", rest_write_attributes, REST_BODY },
    { "PUT", INSTANCE "/attributes", rest_write_attributes, REST_BODY },
    { "PUT", RESOURCE "/attributes", rest_write_attributes, REST_BODY },
    { "PUT", RESOURCE_INSTANCE "/attributes", rest_write_attributes, REST_BODY },
    { "POST", "/devices/{endpoint}/composite/read", rest_read_composite, REST_BODY | REST_READS },
    { "POST", "/devices/{endpoint}/composite/write", rest_write_composite, REST_BODY },
    { "POST", "/devices/{endpoint}/composite/observe", rest_observe_composite, REST_BODY },
    { "POST", "/devices/{endpoint}/composite/cancel", rest_cancel_composite, REST_BODY },
    { "GET", "/devices/{endpoint}/values", rest_last_values, 0 },
    { "GET", "/devices/{endpoint}/history", rest_history, 0 },
    { "GET", "/devices/{endpoint}/observations", rest_list_observations, 0 },
    { "PUT", OBSERVE_OBJECT, rest_observe, REST_BODY_FREE },
    { "DELETE", OBSERVE_OBJECT, rest_unobserve, 0 },
    { "PUT", OBSERVE_INSTANCE, rest_observe, REST_BODY_FREE },
    { "DELETE", OBSERVE_INSTANCE, rest_unobserve, 0 },
    { "PUT", OBSERVE_RESOURCE, rest_observe, REST_BODY_FREE },
    { "DELETE", OBSERVE_RESOURCE, rest_unobserve, 0 },
    { "PUT", OBSERVE_RESOURCE_INSTANCE, rest_observe, REST_BODY_FREE },
    { "DELETE", OBSERVE_RESOURCE_INSTANCE, rest_unobserve, 0 },
    { "GET", "/requests", rest_list_requests, 0 },
    { "GET", "/requests/{request}", rest_get_request, 0 },
    { "DELETE", "/requests/{request}", rest_cancel_request, 0 },
    { "GET", "/events", rest_events, 0 },
    { "GET", "/models", rest_list_models, 0 },
    { "GET", "/models/{object}", rest_get_model, 0 },
    { "GET", "/credentials", rest_list_credentials, 0 },
    { "GET", "/credentials/{endpoint}", rest_get_credential, 0 },
    { "PUT", "/credentials/{endpoint}", rest_set_credential, REST_BODY },
    { "DELETE", "/credentials/{endpoint}", rest_delete_credential, 0 },
    { "GET", "/bootstrap/profiles", rest_list_profiles, 0 },
    { "GET", "/bootstrap/profiles/{endpoint}", rest_get_profile, 0 },
    { "PUT", "/bootstrap/profiles/{endpoint}", rest_set_profile, REST_BODY },
    { "DELETE", "/bootstrap/profiles/{endpoint}", rest_delete_profile, 0 },
    { "GET", "/bootstrap/devices", rest_list_bootstraps, 0 },
    { "GET", "/bootstrap/devices/{endpoint}", rest_get_bootstrap, 0 },
    { "GET", "/bootstrap/certificates", rest_list_certificates, 0 },
    { "GET", "/bootstrap/certificates/{endpoint}", rest_get_certificate, 0 },
    { "DELETE", "/bootstrap/certificates/{endpoint}", rest_revoke_certificate, 0 },
    { "GET", "/audit", rest_list_audit, 0 },
    { "GET", "/fdo", rest_get_fdo, 0 },
    { "GET", "/fdo/redirects", rest_list_fdo_redirects, 0 },
    { "GET", "/fdo/devices", rest_list_fdo_devices, 0 },
    { "GET", "/fdo/devices/{endpoint}", rest_get_fdo_device, 0 },
    { "PUT", "/fdo/devices/{endpoint}/group", rest_set_fdo_group, REST_BODY },
    { "GET", "/fdo/devices/{endpoint}/voucher", rest_get_voucher, 0 },
    { "POST", "/fdo/devices/{endpoint}/extend", rest_extend_voucher, REST_BODY },
    { "POST", "/fdo/vouchers", rest_import_voucher, REST_BODY },
    { "GET", "/fdo/groups", rest_list_fdo_groups, 0 },
    { "GET", "/fdo/plans", rest_list_fdo_plans, 0 },
    { "GET", "/fdo/plans/{endpoint}", rest_get_fdo_plan, 0 },
    { "PUT", "/fdo/plans/{endpoint}", rest_set_fdo_plan, REST_BODY },
    { "DELETE", "/fdo/plans/{endpoint}", rest_delete_fdo_plan, 0 },
    { "POST", "/fdo/plans/{endpoint}/check", rest_check_fdo_plan, REST_BODY | REST_READS },
    { "GET", "/fdo/results", rest_list_fdo_results, 0 },
    { "GET", "/fdo/results/{endpoint}", rest_get_fdo_result, 0 },
    { "GET", "/bootstrap/credentials", rest_list_credentials, 0 },
    { "GET", "/bootstrap/credentials/{endpoint}", rest_get_credential, 0 },
    { "PUT", "/bootstrap/credentials/{endpoint}", rest_set_credential, REST_BODY },
    { "DELETE", "/bootstrap/credentials/{endpoint}", rest_delete_credential, 0 },
};
const size_t rest_route_count = sizeof rest_routes / sizeof rest_routes[0];

/* The next segment of "/a/b/c"; false at its end. "/" has no segment at all. */
static bool next_segment(const char **at, tsr_bytes *segment)
{
    const char *p = *at;

    if (*p != '/' || p[1] == '\0')
        return false;
    p++;
    size_t len = strcspn(p, "/");

    *segment = tsr_view(p, len);
    *at = p + len;
    return true;
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

tsr_err rest_decode(tsr_bytes in, char *out, size_t cap)
{
    size_t len = 0;

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];

        if (c == '%') {
            int high = in.len - i > 2 ? hex(in.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex(in.ptr[i + 2]) : -1;

            if (low < 0)
                return TSR_E_MALFORMED;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (c == 0)
            return TSR_E_MALFORMED;
        if (len + 1 >= cap)
            return TSR_E_SPACE;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return tsr_utf8_valid(tsr_view(out, len)) ? TSR_OK : TSR_E_MALFORMED;
}

/* TSR_OK: fits; TSR_E_NOT_FOUND: does not; TSR_E_MALFORMED: would, were it well formed. */
static tsr_err fits(const char *pattern, const char *path, rest_match *match)
{
    tsr_bytes want, got;
    rest_match m = { .path = tsr_lwm2m_at_root() };

    for (;;) {
        bool more = next_segment(&pattern, &want);

        if (next_segment(&path, &got) != more)
            return TSR_E_NOT_FOUND;
        if (!more)
            break;
        if (tsr_same(want, tsr_text("{endpoint}"))) {
            if (rest_decode(got, m.endpoint, sizeof m.endpoint) != TSR_OK)
                return TSR_E_MALFORMED;
            if (m.endpoint[0] == '\0')
                return TSR_E_NOT_FOUND;
            m.has_endpoint = true;
        } else if (tsr_same(want, tsr_text("{request}"))) {
            if (tsr_dec(got, &m.request) != TSR_OK || m.request > INT64_MAX)
                return TSR_E_NOT_FOUND;
        } else if (want.len > 0 && want.ptr[0] == '{') {
            if (tsr_lwm2m_path_push(&m.path, got) != TSR_OK ||
                tsr_lwm2m_path_id(m.path, (uint8_t)(m.path.depth - 1)) == TSR_LWM2M_NO_ID)
                return TSR_E_NOT_FOUND;
        } else if (!tsr_same(want, got)) {
            return TSR_E_NOT_FOUND;
        }
    }
    if (*path == '/' && *(path + 1) == '\0' && pattern[0] != '/')
        return TSR_E_NOT_FOUND; /* a trailing slash names something else */
    *match = m;
    return TSR_OK;
}

tsr_err rest_route_find(const char *method, const char *path, rest_match *match, char *allow_room,
                        size_t allow_cap)
{
    tsr_buf allow = tsr_buf_over(allow_room, allow_cap - 1);
    tsr_err seen = TSR_E_NOT_FOUND;

    for (size_t i = 0; i < rest_route_count; i++) {
        rest_match m;
        tsr_err err = fits(rest_routes[i].pattern, path, &m);

        if (err == TSR_E_MALFORMED)
            seen = err;
        if (err != TSR_OK)
            continue;
        if (strcmp(rest_routes[i].method, method) == 0) {
            *match = m;
            match->route = &rest_routes[i];
            return TSR_OK;
        }
        if (allow.len > 0)
            tsr_put_text(&allow, ", ");
        tsr_put_text(&allow, rest_routes[i].method);
    }
    if (allow.len == 0)
        return seen;
    allow_room[allow.len] = '\0';
    match->allow = allow_room;
    return TSR_E_UNSUPPORTED;
}
