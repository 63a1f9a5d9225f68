/* SPDX-License-Identifier: Apache-2.0
 *
 * Changing objects: Write, Create and Execute, each as a whole or not at all. */
#include "tessera/lwm2m/model/set.h"

/* One request that changes an instance; `mentioned` has a bit per entry of the table. */
typedef struct {
    const tsr_lwm2m_object *object;
    tsr_lwm2m_path at;
    const tsr_lwm2m_content *content;
    const tsr_buf *scratch;
    uint16_t instance;  /* stands in for TSR_LWM2M_NO_ID */
    uint8_t mentioned[32];
} change;

static bool named(const change *c, size_t i)
{
    return ((unsigned)c->mentioned[i / 8] >> i % 8 & 1u) != 0;
}

static void name(change *c, size_t i) { c->mentioned[i / 8] |= (uint8_t)(1u << i % 8); }

/* Core 6.3.3, Core 6.3.6: what an object does not have, and in a Create what cannot be written, is
 * no error. A target that is a resource was looked for before. */
static bool is_passed_over(const change *c, const tsr_lwm2m_resource_info *info)
{
    return info == NULL || (c->at.depth == 1 && !(info->flags & TSR_LWM2M_WRITE));
}

static tsr_err begin(const change *c, tsr_lwm2m_in *in, tsr_buf *scratch)
{
    tsr_err err;

    *scratch = tsr_buf_over(c->scratch->ptr + c->scratch->len, c->scratch->cap - c->scratch->len);
    err = tsr_lwm2m_in_begin(in, c->content->format, c->at, c->content->payload, scratch);
    tsr_lwm2m_in_prefix(in, c->content->prefix);
    return err;
}

/* Walks the payload once. The reader's paths are at or below c->at. */
static tsr_err each(change *c, tsr_lwm2m_phase phase)
{
    tsr_buf scratch;
    const tsr_lwm2m_resource_info *info;
    tsr_lwm2m_in in;
    tsr_lwm2m_path at;
    tsr_lwm2m_value value;
    tsr_err err = begin(c, &in, &scratch);

    while (err == TSR_OK && (err = tsr_lwm2m_in_next(&in, &at, &value)) == TSR_OK) {
        if (at.depth < 3)
            continue;
        at.instance = c->instance;
        info = tsr_lwm2m_object_resource(c->object, at.resource);
        if (is_passed_over(c, info))
            continue;
        name(c, (size_t)(info - c->object->info->resources));
        err = object_set(c->object, info, at, &value, phase, &in);
    }
    return err == TSR_END ? TSR_OK : err;
}

/* Replace: optional resources that are not mentioned go, and so do the old instances of a
 * multiple resource that is. Mandatory ones stay as they are, since they must have a value. */
static tsr_err clear(const change *c, tsr_lwm2m_phase phase)
{
    const tsr_lwm2m_object *object = c->object;
    tsr_err err = TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < object->info->resource_count; i++) {
        const tsr_lwm2m_resource_info *info = &object->info->resources[i];
        tsr_lwm2m_path at = tsr_lwm2m_at_resource(object->info->id, c->instance, info->id);
        bool goes = named(c, i) ? (info->flags & TSR_LWM2M_MULTIPLE) != 0
                                : c->at.depth == 2 && !(info->flags & TSR_LWM2M_MANDATORY);

        if (goes && (info->flags & TSR_LWM2M_WRITE))
            err = object->handlers->write(object->state, at, NULL, phase);
    }
    return err;
}

/* A target that is no resource at all is 4.04 or 4.05 before anybody looks at the payload. */
static tsr_err check_target(const tsr_lwm2m_object *object, tsr_lwm2m_path at)
{
    const tsr_lwm2m_resource_info *info;

    if (!tsr_lwm2m_object_instance(object, at.instance))
        return TSR_E_NOT_FOUND;
    if (at.depth < 3)
        return TSR_OK;
    info = tsr_lwm2m_object_resource(object, at.resource);
    if (info == NULL || (at.depth == 4 && !(info->flags & TSR_LWM2M_MULTIPLE)))
        return TSR_E_NOT_FOUND;
    return info->flags & TSR_LWM2M_WRITE ? TSR_OK : TSR_E_DENIED;
}

tsr_err tsr_lwm2m_object_write(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                               tsr_lwm2m_write_mode mode, const tsr_lwm2m_content *content,
                               const tsr_buf *scratch)
{
    change c = { object, at, content, scratch, at.instance, { 0 } };
    bool replaces = mode == TSR_LWM2M_REPLACE && at.depth < 4;
    tsr_err err = check_target(object, at);

    if (err == TSR_OK)
        err = each(&c, TSR_LWM2M_CHECK);
    if (err == TSR_OK && replaces)
        err = clear(&c, TSR_LWM2M_CHECK);
    if (err == TSR_OK && replaces)
        err = clear(&c, TSR_LWM2M_COMMIT);
    if (err == TSR_OK)
        err = each(&c, TSR_LWM2M_COMMIT);
    return err;
}

/* The instance that all values of a Create belong to: TSR_LWM2M_NO_ID if none says. */
static tsr_err instance_in(const change *c, uint16_t *instance)
{
    tsr_buf scratch;
    tsr_lwm2m_in in;
    tsr_lwm2m_path at;
    tsr_lwm2m_value value;
    bool first = true;
    tsr_err err = begin(c, &in, &scratch);

    while (err == TSR_OK && (err = tsr_lwm2m_in_next(&in, &at, &value)) == TSR_OK) {
        if (at.depth < 2 || (!first && at.instance != *instance))
            return TSR_E_MALFORMED;
        *instance = at.instance;
        first = false;
    }
    return err == TSR_END ? TSR_OK : err;
}

static tsr_err lowest_free(const tsr_lwm2m_object *object, uint16_t *instance)
{
    for (uint32_t id = 0; id < TSR_LWM2M_NO_ID; id++) {
        if (!tsr_lwm2m_object_instance(object, (uint16_t)id)) {
            *instance = (uint16_t)id;
            return TSR_OK;
        }
    }
    return TSR_E_DENIED;
}

static bool is_complete(const change *c)
{
    const unsigned must = TSR_LWM2M_MANDATORY | TSR_LWM2M_WRITE;

    for (size_t i = 0; i < c->object->info->resource_count; i++) {
        if ((c->object->info->resources[i].flags & must) == must && !named(c, i))
            return false;
    }
    return true;
}

static tsr_err create_in(change *c, tsr_lwm2m_phase phase)
{
    tsr_err err = c->object->handlers->create(c->object->state, c->instance, phase);

    return err == TSR_OK && c->content->payload.len != 0 ? each(c, phase) : err;
}

tsr_err tsr_lwm2m_object_create(const tsr_lwm2m_object *object, const tsr_lwm2m_content *content,
                                const tsr_buf *scratch, uint16_t *instance)
{
    change c = { object, tsr_lwm2m_at_object(object->info->id), content, scratch, TSR_LWM2M_NO_ID, { 0 } };
    tsr_err err = TSR_OK;

    if (object->handlers->create == NULL)
        return TSR_E_DENIED;
    if (content->payload.len != 0)
        err = instance_in(&c, &c.instance);
    if (err == TSR_OK && c.instance == TSR_LWM2M_NO_ID)
        err = lowest_free(object, &c.instance);
    else if (err == TSR_OK && tsr_lwm2m_object_instance(object, c.instance))
        err = TSR_E_EXISTS;
    if (err == TSR_OK)
        err = create_in(&c, TSR_LWM2M_CHECK);
    if (err == TSR_OK && !is_complete(&c))
        err = TSR_E_ARGUMENT;
    if (err == TSR_OK)
        err = create_in(&c, TSR_LWM2M_COMMIT);
    if (err == TSR_OK)
        *instance = c.instance;
    return err;
}

tsr_err tsr_lwm2m_argument_next(tsr_bytes *arguments, tsr_lwm2m_argument *argument)
{
    const uint8_t *in = arguments->ptr, *text = NULL;
    size_t len = arguments->len, at = 1, text_len = 0;

    if (len == 0)
        return TSR_END;
    if (len >= 3 && in[1] == '=' && in[2] == '\'') {
        const uint8_t *quote = memchr(in + 3, '\'', len - 3);

        if (quote == NULL)
            return TSR_E_MALFORMED;
        text = in + 3;
        text_len = (size_t)(quote - text);
        at = text_len + 4;
    }
    if (in[0] < '0' || in[0] > '9' || (at != len && (in[at] != ',' || ++at == len)))
        return TSR_E_MALFORMED;
    *argument = (tsr_lwm2m_argument){ (uint8_t)(in[0] - '0'), text != NULL, { text, text_len } };
    *arguments = tsr_view(in + at, len - at);
    return TSR_OK;
}

tsr_err tsr_lwm2m_arguments_check(tsr_bytes arguments)
{
    tsr_lwm2m_argument argument;
    unsigned seen = 0;
    tsr_err err;

    while ((err = tsr_lwm2m_argument_next(&arguments, &argument)) == TSR_OK) {
        if (seen & 1u << argument.digit)
            return TSR_E_MALFORMED;
        seen |= 1u << argument.digit;
    }
    return err == TSR_END ? TSR_OK : err;
}

tsr_err tsr_lwm2m_object_execute_with(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                                      tsr_bytes arguments, tsr_err (*check)(tsr_bytes arguments))
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at.resource);
    tsr_err err = TSR_OK;

    if (info == NULL || !tsr_lwm2m_object_instance(object, at.instance))
        return TSR_E_NOT_FOUND;
    if (!(info->flags & TSR_LWM2M_EXECUTE) || object->handlers->execute == NULL)
        return TSR_E_DENIED;
    if (arguments.len != 0)
        err = check != NULL ? check(arguments) : TSR_E_ARGUMENT;
    return err == TSR_OK ? object->handlers->execute(object->state, at, arguments) : err;
}
