/* SPDX-License-Identifier: Apache-2.0
 *
 * One object without a client around it: values and changes as SenML JSON. */
#ifndef TESTS_LWM2M_OBJECTS_H
#define TESTS_LWM2M_OBJECTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tessera/lwm2m/model/object.h"
#include "tests/vectors.h"

static uint8_t object_scratch[4096];

static inline tsr_lwm2m_path object_at(const char *text)
{
    tsr_lwm2m_path at;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(text), &at), TSR_OK);
    return at;
}

/* The SenML JSON of a read, or the name of its error. */
static inline const char *object_read(const tsr_lwm2m_object *object, const char *path)
{
    static char text[16384];
    tsr_buf body = tsr_buf_over(text, sizeof text - 1);
    tsr_lwm2m_path at = object_at(path);
    tsr_lwm2m_out out;
    tsr_err err = tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_JSON, at, &body);

    if (err == TSR_OK)
        err = tsr_lwm2m_object_read(object, at, &out);
    if (err == TSR_OK)
        err = tsr_lwm2m_out_end(&out);
    if (err != TSR_OK)
        return tsr_err_name(err);
    text[body.len] = '\0';
    return text;
}

static inline tsr_err object_write(const tsr_lwm2m_object *object, const char *path,
                                   tsr_lwm2m_write_mode mode, const char *json)
{
    const tsr_lwm2m_content content = { TSR_LWM2M_FORMAT_SENML_JSON, tsr_text(json), { NULL, 0 } };
    tsr_buf scratch = tsr_buf_over(object_scratch, sizeof object_scratch);

    return tsr_lwm2m_object_write(object, object_at(path), mode, &content, &scratch);
}

static inline tsr_err object_create(const tsr_lwm2m_object *object, const char *json,
                                    uint16_t *instance)
{
    const tsr_lwm2m_content content = { TSR_LWM2M_FORMAT_SENML_JSON, tsr_text(json), { NULL, 0 } };
    tsr_buf scratch = tsr_buf_over(object_scratch, sizeof object_scratch);

    return tsr_lwm2m_object_create(object, &content, &scratch, instance);
}

static inline tsr_err object_execute(const tsr_lwm2m_object *object, const char *path,
                                     const char *arguments)
{
    return tsr_lwm2m_object_execute(object, object_at(path), tsr_text(arguments));
}

#endif
