/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/problem.h"

#include "server/rest/room.h"
#include "tessera/json/json.h"

static const struct {
    unsigned status;
    const char *name, *title;
} kinds[REST_PROBLEM_KINDS] = {
    [REST_NO_SUCH_PATH] = { 404, "no-such-path", "Nothing is served under this path" },
    [REST_UNKNOWN_DEVICE] = { 404, "unknown-device", "No such device is registered" },
    [REST_UNKNOWN_CREDENTIAL] = { 404, "unknown-credential", "This device has no credential" },
    [REST_UNKNOWN_MODEL] = { 404, "unknown-model", "No model of this object is known" },
    [REST_UNKNOWN_REQUEST] = { 404, "unknown-request", "No such request is known" },
    [REST_UNKNOWN_VOUCHER] = { 404, "unknown-voucher", "No such voucher or device" },
    [REST_VOUCHER_REFUSED] = { 422, "voucher-refused", "The voucher was refused" },
    [REST_UNKNOWN_PLAN] = { 404, "unknown-plan", "No such plan" },
    [REST_UNKNOWN_PROFILE] = { 404, "unknown-profile", "No such bootstrap profile or state" },
    [REST_METHOD] = { 405, "method-not-allowed", "This path does not take this method" },
    [REST_READ_ONLY] = { 403, "read-only", "This token is for reading" },
    [REST_UNAUTHORIZED] = { 401, "unauthorized", "A valid bearer token is needed" },
    [REST_FOREIGN_ORIGIN] = { 403, "foreign-origin", "Another web site made this request" },
    [REST_MISDIRECTED] = { 421, "misdirected", "The Host is not one of this server" },
    [REST_BAD_QUERY] = { 400, "bad-parameter", "A query parameter or header is not valid" },
    [REST_BAD_JSON] = { 400, "malformed-json", "The body is not JSON" },
    [REST_BAD_BODY] = { 422, "invalid-body", "The body does not say what is needed" },
    [REST_WRONG_TYPE] = { 422, "wrong-type", "A value has the wrong type" },
    [REST_TOO_LARGE] = { 413, "too-large", "The body is too large" },
    [REST_URI_TOO_LONG] = { 414, "uri-too-long", "The path is too long" },
    [REST_MEDIA_TYPE] = { 415, "media-type", "The body must be application/json" },
    [REST_DEVICE_REFUSED] = { 409, "device-refused", "The device refused" },
    [REST_DEVICE_TIMEOUT] = { 504, "device-timeout", "The device did not answer in time" },
    [REST_DEVICE_GONE] = { 409, "device-gone", "The registration ended meanwhile" },
    [REST_DEVICE_BUSY] = { 503, "device-busy", "Too many operations wait for this device" },
    [REST_DEVICE_GARBLED] = { 502, "device-garbled", "The device's answer cannot be decoded" },
    [REST_NOT_POSSIBLE] = { 422, "not-possible", "The operation does not fit its target" },
    [REST_REQUEST_OVER] = { 409, "request-over", "The request is over already" },
    [REST_IDENTITY_TAKEN] = { 409, "identity-taken", "The identity belongs to another device" },
    [REST_TOO_MANY_STREAMS] = { 503, "too-many-streams", "Too many event streams are open" },
    [REST_UNAVAILABLE] = { 503, "unavailable", "The server cannot do this now" },
    [REST_INTERNAL] = { 500, "internal", "The server ran out of memory" },
};

unsigned rest_status_of_coap(uint8_t code)
{
    switch (code) {
    case 0x81: /* 4.01 */
    case 0x83: /* 4.03 */ return 403;
    case 0x84: /* 4.04 */ return 404;
    case 0x8d: /* 4.13 */ return 413;
    default: return code >> 5 == 4 ? 409 : 502;
    }
}

unsigned rest_problem_status(const rest_problem *problem)
{
    return problem->status != 0 ? problem->status : kinds[problem->kind].status;
}

void rest_put_coap_code(tsr_buf *out, uint8_t code)
{
    tsr_put_u8(out, (uint8_t)('0' + (code >> 5)));
    tsr_put_u8(out, '.');
    tsr_put_u8(out, (uint8_t)('0' + (code & 31) / 10));
    tsr_put_u8(out, (uint8_t)('0' + (code & 31) % 10));
}

void rest_problem_put(tsr_buf *out, const rest_problem *problem)
{
    char text[64];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    rest_room(out, 512 + 6 * (problem->detail != NULL ? strlen(problem->detail) : 0));
    tsr_json_out j = tsr_json_to(out);
    tsr_json_open_object(&j);
    tsr_put_text(&word, "urn:tessera:problem:");
    tsr_put_text(&word, kinds[problem->kind].name);
    tsr_json_put_key(&j, "type");
    tsr_json_put_string(&j, tsr_buf_view(&word));
    tsr_json_put_key(&j, "title");
    tsr_json_put_cstring(&j, kinds[problem->kind].title);
    tsr_json_put_key(&j, "status");
    tsr_json_put_uint(&j, rest_problem_status(problem));
    if (problem->detail != NULL && problem->detail[0] != '\0') {
        tsr_json_put_key(&j, "detail");
        tsr_json_put_cstring(&j, problem->detail);
    }
    if (problem->coap_code != 0) {
        word.len = 0;
        rest_put_coap_code(&word, problem->coap_code);
        tsr_json_put_key(&j, "coap_code");
        tsr_json_put_string(&j, tsr_buf_view(&word));
    }
    if (problem->expected != TSR_LWM2M_NONE) {
        tsr_json_put_key(&j, "expected_type");
        tsr_json_put_cstring(&j, tsr_lwm2m_type_name(problem->expected));
    }
    if (problem->path != NULL) {
        word.len = 0;
        tsr_lwm2m_path_put(&word, *problem->path);
        tsr_json_put_key(&j, "path");
        tsr_json_put_string(&j, tsr_buf_view(&word));
    }
    tsr_json_close(&j);
    (void)tsr_json_end(&j);
}
