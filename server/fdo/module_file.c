/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.download puts a file onto the device, fdo.upload takes one from it. */
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"
#include "tessera/json/base64.h"

enum { UPLOAD_MAX = 16 * 1024 * 1024, PAIR_ROOM = 40, SHA384 = 48 };

/* --- download --------------------------------------------------------------------------- */

/* The content: `text`, or `data` in Base64. */
static tsr_err load(const tsr_json *step, tsr_buf *out)
{
    tsr_json item;
    tsr_buf scratch = { 0 };
    tsr_bytes text;
    bool coded = tsr_json_find(step, "data", &item) == TSR_OK;
    tsr_err err = coded ? TSR_OK : tsr_json_find(step, "text", &item);

    if (err != TSR_OK || item.kind != TSR_JSON_STRING)
        return TSR_E_ARGUMENT;
    rest_room(&scratch, item.text.len + 1);
    err = scratch.err == TSR_OK ? tsr_json_string(&item, &scratch, &text) : scratch.err;
    rest_room(out, item.text.len + 1);
    if (err == TSR_OK && coded)
        err = tsr_base64_get(text, out);
    else if (err == TSR_OK)
        tsr_put_bytes(out, text);
    free(scratch.ptr);
    return err == TSR_OK ? out->err : err;
}

static const char *check_download(const tsr_json *step)
{
    char name[FDO_NAME_MAX + 1];
    tsr_buf content = { 0 };
    tsr_err err;

    if (!fdo_step_text(step, "name", name))
        return "fdo.download needs a `name` of 1 to 200 bytes";
    err = load(step, &content);
    free(content.ptr);
    return err == TSR_OK ? NULL : "fdo.download needs `text`, or `data` in Base64";
}

static fdo_say say_hash(fdo_plan_run *p, tsr_buf *out)
{
    uint8_t hash[SHA384];

    if (fdo_sha384(tsr_buf_view(&p->data), hash) != TSR_OK)
        out->err = TSR_E_CRYPTO;
    fdo_say_bytes(out, "fdo.download", "sha-384", tsr_view(hash, sizeof hash));
    return FDO_SAID;
}

static fdo_say say_data(fdo_plan_run *p, tsr_buf *out)
{
    size_t room = out->cap - out->len;
    tsr_bytes rest = tsr_skip(tsr_buf_view(&p->data), p->at);

    if (rest.len == 0)
        return FDO_WAITS;
    if (room < PAIR_ROOM + 64) { /* not for a few bytes */
        out->err = TSR_E_SPACE;
        return FDO_SAID;
    }
    room -= PAIR_ROOM;
    rest = tsr_first(rest, room < FDO_BLOCK ? room : FDO_BLOCK);
    fdo_say_bytes(out, "fdo.download", "data", rest);
    if (out->err == TSR_OK)
        p->at += rest.len;
    return FDO_SAID;
}

static fdo_say say_download(fdo_plan_run *p, tsr_buf *out)
{
    char name[FDO_NAME_MAX + 1] = "";

    switch (p->phase) {
    case 0: fdo_say_bool(out, "fdo.download", "active", true); return FDO_SAID;
    case 1:
        (void)fdo_step_text(&p->step, "name", name);
        if (p->data.ptr == NULL && load(&p->step, &p->data) != TSR_OK)
            out->err = TSR_E_ARGUMENT;
        fdo_say_text(out, "fdo.download", "name", name);
        return FDO_SAID;
    case 2: fdo_say_uint(out, "fdo.download", "length", p->data.len); return FDO_SAID;
    case 3: return say_hash(p, out);
    case 4:
        if (p->data.len == 0) { /* an empty file is one empty block */
            fdo_say_bytes(out, "fdo.download", "data", tsr_view("", 0));
            return FDO_SAID;
        }
        return say_data(p, out);
    default: return say_data(p, out);
    }
}

static const char *take_download(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    bool optional = false;
    int64_t done;

    if (!tsr_same(message, tsr_text("done")))
        return NULL;
    if (tsr_cbor_get_int(&value, &done) != TSR_OK)
        return "fdo.download:done is no number";
    (void)tsr_json_find_bool(&p->step, "optional", &optional);
    if (done < 0 || (uint64_t)done != p->data.len) {
        fdo_log(f, !optional, "fdo: device %s could not take a file (%lld of %zu bytes)", p->guid,
                (long long)done, p->data.len);
        if (!optional)
            return "the device could not take a file of its plan";
    }
    fdo_step_over(p);
    return NULL;
}

const fdo_module fdo_download = { "fdo.download", check_download, say_download, take_download };

/* --- upload ----------------------------------------------------------------------------- */

static const char *check_upload(const tsr_json *step)
{
    char name[FDO_NAME_MAX + 1];

    return fdo_step_text(step, "name", name) ? NULL
                                             : "fdo.upload needs a `name` of 1 to 200 bytes";
}

static fdo_say say_upload(fdo_plan_run *p, tsr_buf *out)
{
    char name[FDO_NAME_MAX + 1] = "";

    switch (p->phase) {
    case 0: fdo_say_bool(out, "fdo.upload", "active", true); return FDO_SAID;
    case 1: fdo_say_bool(out, "fdo.upload", "need-sha", true); return FDO_SAID;
    case 2:
        (void)fdo_step_text(&p->step, "name", name);
        fdo_say_text(out, "fdo.upload", "name", name);
        return FDO_SAID;
    default: return FDO_WAITS;
    }
}

static const char *take_block(fdo_plan_run *p, tsr_bytes value)
{
    tsr_bytes block;

    if (tsr_cbor_get_bytes(&value, &block) != TSR_OK)
        return "fdo.upload:data is no byte string";
    if (p->length < 0 || block.len > (uint64_t)p->length - p->data.len)
        return "the device uploads more than it said";
    rest_room(&p->data, block.len + 1);
    tsr_put_bytes(&p->data, block);
    return p->data.err == TSR_OK ? NULL : "out of memory for an upload";
}

static const char *take_hash(tsr_fdo *f, fdo_plan_run *p, tsr_bytes value)
{
    char name[FDO_NAME_MAX + 1] = "";
    uint8_t hash[SHA384];
    tsr_bytes said;

    if (tsr_cbor_get_bytes(&value, &said) != TSR_OK ||
        fdo_sha384(tsr_buf_view(&p->data), hash) != TSR_OK ||
        !tsr_same(said, tsr_view(hash, sizeof hash)) || p->data.len != (uint64_t)p->length)
        return "an upload is not whole, or its hash is another";
    (void)fdo_step_text(&p->step, "name", name);
    if (fdo_keep_result(f, p, name, tsr_buf_view(&p->data)) != TSR_OK)
        return "an upload could not be stored";
    fdo_log(f, false, "fdo: device %s uploaded %zu bytes", p->guid, p->data.len);
    fdo_step_over(p);
    return NULL;
}

static const char *take_upload(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    uint64_t n;

    if (tsr_same(message, tsr_text("length"))) {
        if (tsr_cbor_get_uint(&value, &n) != TSR_OK || n > UPLOAD_MAX)
            return "fdo.upload:length is no number, or above 16 MiB";
        p->length = (int64_t)n;
        return NULL;
    }
    if (tsr_same(message, tsr_text("data")))
        return take_block(p, value);
    return tsr_same(message, tsr_text("sha-384")) ? take_hash(f, p, value) : NULL;
}

const fdo_module fdo_upload = { "fdo.upload", check_upload, say_upload, take_upload };
