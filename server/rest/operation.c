/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on a device: from the request's path and body to a tsr_server_request, and from its
 * result to JSON. */
#include "server/rest/handlers.h"
#include "server/rest/names.h"
#include "server/rest/pending.h"
#include "server/rest/values.h"
#include "tessera/lwm2m/format/format.h"

/* --- answers ------------------------------------------------------------------------------ */

static void put_code(tsr_json_out *j, const tsr_server_result *r)
{
    char text[8];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    rest_put_coap_code(&word, r->code);
    tsr_json_put_key(j, "coap_code");
    tsr_json_put_string(j, tsr_buf_view(&word));
    tsr_json_put_key(j, "round_trip_ms");
    tsr_json_put_uint(j, r->round_trip_ms);
}

void rest_answer_values(rest_exchange *x, const tsr_server_result *r)
{
    tsr_buf out = { 0 };

    rest_room(&out, 256);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    rest_put_path(&j, x->path);
    tsr_json_put_key(&j, "values");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < r->record_count; i++)
        rest_put_record(&j, &out, &r->records[i], 0);
    rest_room(&out, 128);
    tsr_json_close(&j);
    put_code(&j, r);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

void rest_answer_done(rest_exchange *x, const tsr_server_result *r)
{
    tsr_buf out = { 0 };

    rest_room(&out, 256);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    rest_put_path(&j, x->path);
    put_code(&j, r);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

/* The percent-encoded address of the new instance in this interface. */
static void put_location(tsr_buf *out, const char *endpoint, tsr_lwm2m_path path)
{
    static const char digits[] = "0123456789ABCDEF";

    tsr_put_text(out, "/api/v1/devices/");
    for (const char *p = endpoint; *p != '\0'; p++) {
        uint8_t c = (uint8_t)*p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c) != NULL;

        if (plain) {
            tsr_put_u8(out, c);
        } else {
            tsr_put_u8(out, '%');
            tsr_put_u8(out, (uint8_t)digits[c >> 4]);
            tsr_put_u8(out, (uint8_t)digits[c & 15]);
        }
    }
    tsr_put_text(out, "/objects");
    tsr_lwm2m_path_put(out, path);
    tsr_put_u8(out, 0);
}

static void answer_created(rest_exchange *x, const tsr_server_result *r)
{
    char text[3 * 256 + 64];
    tsr_buf location = tsr_buf_over(text, sizeof text);
    tsr_lwm2m_path made;
    tsr_buf out = { 0 };

    /* Core 6.3.6: a client may leave out the location of an instance that was named. */
    if (tsr_lwm2m_path_parse(tsr_text(r->location), &made) != TSR_OK || made.depth != 2)
        made = x->path;
    rest_room(&out, 256);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    rest_put_path(&j, made);
    put_code(&j, r);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_CREATED, "application/json", &out);
    put_location(&location, x->endpoint, made);
    if (x->response != NULL && location.err == TSR_OK && x->status == MHD_HTTP_CREATED)
        (void)MHD_add_response_header(x->response, MHD_HTTP_HEADER_LOCATION, text);
}

void rest_put_link(tsr_json_out *j, tsr_buf *out, const tsr_server_link *link)
{
    const char *name = rest_name(link->path);
    size_t len = name != NULL ? strlen(name) : 0;

    for (size_t i = 0; i < link->attr_count; i++)
        len += strlen(link->attrs[i].name) + 16 +
               (link->attrs[i].value != NULL ? strlen(link->attrs[i].value) : 0);
    rest_room(out, 256 + 6 * len);
    tsr_json_open_object(j);
    rest_put_path(j, link->path);
    if (name != NULL) {
        tsr_json_put_key(j, "name");
        tsr_json_put_cstring(j, name);
    }
    tsr_json_put_key(j, "attributes");
    tsr_json_open_object(j);
    for (size_t i = 0; i < link->attr_count; i++) {
        tsr_json_put_key(j, link->attrs[i].name);
        if (link->attrs[i].value != NULL)
            tsr_json_put_cstring(j, link->attrs[i].value);
        else
            tsr_json_put_bool(j, true);
    }
    tsr_json_close(j);
    tsr_json_close(j);
}

static void answer_links(rest_exchange *x, const tsr_server_result *r)
{
    tsr_buf out = { 0 };

    rest_room(&out, 256);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    rest_put_path(&j, x->path);
    tsr_json_put_key(&j, "links");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < r->link_count; i++)
        rest_put_link(&j, &out, &r->links[i]);
    rest_room(&out, 128);
    tsr_json_close(&j);
    put_code(&j, r);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

/* --- requests ----------------------------------------------------------------------------- */

tsr_err rest_want_format(rest_exchange *x, uint16_t *format)
{
    static const tsr_lwm2m_format all[] = {
        TSR_LWM2M_FORMAT_TEXT,       TSR_LWM2M_FORMAT_OCTETS,     TSR_LWM2M_FORMAT_CBOR,
        TSR_LWM2M_FORMAT_SENML_JSON, TSR_LWM2M_FORMAT_SENML_CBOR, TSR_LWM2M_FORMAT_TLV,
        TSR_LWM2M_FORMAT_LWM2M_CBOR, TSR_LWM2M_FORMAT_OMA_JSON,
    };
    const char *name = rest_query(x, "format");

    *format = TSR_SERVER_FORMAT_AUTO;
    if (name == NULL)
        return TSR_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(tsr_lwm2m_format_name(all[i]), name) == 0) {
            *format = (uint16_t)all[i];
            return TSR_OK;
        }
    rest_fail(x, REST_BAD_QUERY,
              "`format` must be text, octets, cbor, senml-json, senml-cbor, tlv, lwm2m-cbor or "
              "oma-json");
    return TSR_E_ARGUMENT;
}

static void simple(rest_exchange *x, tsr_server_kind kind, const char *text, rest_answer *answer)
{
    tsr_server_request request = { .kind = kind, .path = x->path, .text = text, .depth = -1 };

    if (rest_want_format(x, &request.format) == TSR_OK)
        rest_submit(x, &request, answer);
}

void rest_read(rest_exchange *x) { simple(x, TSR_SERVER_READ, NULL, rest_answer_values); }

void rest_delete(rest_exchange *x) { simple(x, TSR_SERVER_DELETE, NULL, rest_answer_done); }

void rest_unobserve(rest_exchange *x) { simple(x, TSR_SERVER_CANCEL_OBSERVE, NULL, rest_answer_done); }

void rest_discover(rest_exchange *x)
{
    uint64_t depth;

    if (rest_query_number(x, "depth", 0, 3, UINT64_MAX, &depth) != TSR_OK)
        return;
    rest_submit(x,
                &(tsr_server_request){ .kind = TSR_SERVER_DISCOVER,
                                       .path = x->path,
                                       .format = TSR_SERVER_FORMAT_AUTO,
                                       .depth = depth == UINT64_MAX ? -1 : (int)depth },
                answer_links);
}

void rest_submit_values(rest_exchange *x, tsr_server_kind kind, rest_values *values, tsr_err err,
                          rest_answer *answer)
{
    tsr_server_request request = { .kind = kind, .path = x->path, .depth = -1 };

    if (err == TSR_E_SPACE)
        rest_fail(x, REST_INTERNAL, "free some memory and try again");
    else if (err != TSR_OK)
        rest_fail_with(x, &values->problem);
    else if (rest_want_format(x, &request.format) == TSR_OK) {
        request.records = values->records;
        request.record_count = values->count;
        rest_submit(x, &request, answer);
    }
    rest_values_free(values);
}

void rest_write(rest_exchange *x)
{
    tsr_json body;
    rest_values values = { 0 };
    const char *mode = rest_query(x, "mode");
    bool update = mode != NULL && strcmp(mode, "update") == 0;

    if (mode != NULL && !update && strcmp(mode, "replace") != 0) {
        rest_fail(x, REST_BAD_QUERY, "`mode` must be replace or update");
        return;
    }
    if (rest_body_json(x, &body) != TSR_OK)
        return;
    tsr_err err = rest_values_for_write(&body, x->path, &values);

    rest_submit_values(x, update ? TSR_SERVER_WRITE_UPDATE : TSR_SERVER_WRITE_REPLACE, &values, err,
                  rest_answer_done);
}

void rest_create(rest_exchange *x)
{
    tsr_json body;
    rest_values values = { 0 };

    if (rest_body_json(x, &body) != TSR_OK ||
        rest_body_only(x, &body, "instance", "values") != TSR_OK)
        return;
    tsr_err err = rest_values_for_create(&body, &x->path, &values);

    rest_submit_values(x, TSR_SERVER_CREATE, &values, err, answer_created);
}

void rest_execute(rest_exchange *x)
{
    tsr_json body;
    char arguments[1025] = "";

    if (rest_body_json(x, &body) != TSR_OK ||
        rest_body_only(x, &body, "arguments", NULL) != TSR_OK)
        return;
    tsr_err err = tsr_json_find_cstring(&body, "arguments", arguments, sizeof arguments);

    if (err != TSR_OK && err != TSR_E_NOT_FOUND) {
        rest_fail(x, REST_BAD_BODY,
                  "the body must be an object; `arguments`, if there, is a string of at most 1024 "
                  "bytes like \"0='left',1\"");
        return;
    }
    simple(x, TSR_SERVER_EXECUTE, arguments[0] != '\0' ? arguments : NULL, rest_answer_done);
}

static void with_attributes(rest_exchange *x, const tsr_json *attributes, tsr_server_kind kind,
                            rest_answer *answer)
{
    char text[512], detail[256];
    tsr_buf out = tsr_buf_over(text, sizeof text);
    rest_problem problem = { 0 };
    tsr_err err = rest_attributes(attributes, &out, &problem, detail, sizeof detail);

    if (err == TSR_E_ARGUMENT)
        rest_fail_with(x, &problem);
    else if (err != TSR_OK)
        rest_fail(x, REST_BAD_BODY, "the attributes are too long together");
    else
        simple(x, kind, text, answer);
}

void rest_write_attributes(rest_exchange *x)
{
    tsr_json body;

    if (rest_body_json(x, &body) == TSR_OK)
        with_attributes(x, &body, TSR_SERVER_WRITE_ATTRIBUTES, rest_answer_done);
}

void rest_observe(rest_exchange *x)
{
    tsr_json body, attributes;

    if (rest_body_json(x, &body) != TSR_OK ||
        rest_body_only(x, &body, "attributes", NULL) != TSR_OK)
        return;
    tsr_err err = tsr_json_find(&body, "attributes", &attributes);

    if (err == TSR_E_TYPE)
        rest_fail(x, REST_BAD_BODY,
                  "the body must be an object, like {\"attributes\": {\"pmin\": 5}}");
    else if (err == TSR_OK)
        with_attributes(x, &attributes, TSR_SERVER_OBSERVE, rest_answer_values);
    else
        simple(x, TSR_SERVER_OBSERVE, NULL, rest_answer_values);
}
