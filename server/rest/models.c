/* SPDX-License-Identifier: Apache-2.0
 *
 * The object models, for those who show names and build forms. */
#include "server/model.h"

#include <stdio.h>

#include "server/rest/handlers.h"
#include "server/rest/put.h"

static void put_version(tsr_json_out *j, const tsr_model_object *o)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%u.%u", (unsigned)o->version_major,
                   (unsigned)o->version_minor);
    rest_put_text(j, "version", text);
}

static void put_object(tsr_json_out *j, const tsr_model_object *o)
{
    rest_put_count(j, "id", o->id);
    rest_put_text(j, "name", o->name);
    put_version(j, o);
    rest_put_flag(j, "multiple", (o->flags & TSR_LWM2M_MULTIPLE) != 0);
    rest_put_flag(j, "mandatory", (o->flags & TSR_LWM2M_MANDATORY) != 0);
}

void rest_list_models(rest_exchange *x)
{
    const tsr_model_object *objects;
    size_t count = tsr_model_objects(&objects);
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, 64);
    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "items");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < count; i++) {
        rest_room(&out, 256 + 6 * strlen(objects[i].name));
        tsr_json_open_object(&j);
        put_object(&j, &objects[i]);
        tsr_json_close(&j);
    }
    rest_room(&out, 16);
    tsr_json_close(&j);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

static void put_resource(tsr_json_out *j, tsr_buf *out, const tsr_model_resource *r)
{
    char operations[4];
    size_t n = 0;

    if ((r->flags & TSR_LWM2M_READ) != 0)
        operations[n++] = 'R';
    if ((r->flags & TSR_LWM2M_WRITE) != 0)
        operations[n++] = 'W';
    if ((r->flags & TSR_LWM2M_EXECUTE) != 0)
        operations[n++] = 'E';
    operations[n] = '\0';
    rest_room(out, 512 + 6 * (strlen(r->name) + strlen(r->units) + strlen(r->range) +
                              strlen(r->description)));
    tsr_json_open_object(j);
    rest_put_count(j, "id", r->id);
    rest_put_text(j, "name", r->name);
    rest_put_text(j, "operations", operations);
    rest_put_flag(j, "multiple", (r->flags & TSR_LWM2M_MULTIPLE) != 0);
    rest_put_flag(j, "mandatory", (r->flags & TSR_LWM2M_MANDATORY) != 0);
    rest_put_text(j, "type", tsr_lwm2m_type_name((tsr_lwm2m_type)r->type));
    if (r->units[0] != '\0')
        rest_put_text(j, "units", r->units);
    if (r->range[0] != '\0')
        rest_put_text(j, "range", r->range);
    if (r->description[0] != '\0')
        rest_put_text(j, "description", r->description);
    tsr_json_close(j);
}

void rest_get_model(rest_exchange *x)
{
    const tsr_model_object *o = tsr_model_find(x->path.object);

    if (o == NULL) {
        rest_fail(x, REST_UNKNOWN_MODEL,
                  "object %u is not in this server's registry; GET /api/v1/models lists what is",
                  (unsigned)x->path.object);
        return;
    }
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, 512 + 6 * (strlen(o->name) + strlen(o->urn) + strlen(o->description)));
    tsr_json_open_object(&j);
    put_object(&j, o);
    rest_put_text(&j, "urn", o->urn);
    if (o->description[0] != '\0')
        rest_put_text(&j, "description", o->description);
    tsr_json_put_key(&j, "resources");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < o->resource_count; i++)
        put_resource(&j, &out, &o->resources[i]);
    rest_room(&out, 16);
    tsr_json_close(&j);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}
