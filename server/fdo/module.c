/* SPDX-License-Identifier: Apache-2.0
 *
 * What the modules share. */
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include <stdio.h>

#include "tessera/cbor/cbor.h"

static const fdo_module *const modules[] = { &fdo_download, &fdo_upload, &fdo_command,
                                            &fdo_wget,     &fdo_csr,    &fdo_lwm2m,  NULL };

const fdo_module *fdo_module_of(const tsr_json *step)
{
    char name[40];

    if (step->kind != TSR_JSON_OBJECT ||
        tsr_json_find_cstring(step, "module", name, sizeof name) != TSR_OK)
        return NULL;
    for (const fdo_module *const *m = modules; *m != NULL; m++)
        if (strcmp((*m)->name, name) == 0)
            return *m;
    return NULL;
}

bool fdo_step_only(const tsr_json *step, const char *const *names)
{
    tsr_json_walk walk = tsr_json_items(step);
    tsr_json key, item;

    while (tsr_json_next(&walk, &key, &item)) {
        bool known = tsr_json_is(&key, "module") || tsr_json_is(&key, "optional");

        for (const char *const *name = names; !known && *name != NULL; name++)
            known = tsr_json_is(&key, *name);
        if (!known)
            return false;
    }
    return true;
}

bool fdo_step_flag(const tsr_json *step, const char *name)
{
    tsr_json item;

    return tsr_json_find(step, name, &item) == TSR_E_NOT_FOUND || item.kind == TSR_JSON_TRUE ||
           item.kind == TSR_JSON_FALSE;
}

bool fdo_step_text(const tsr_json *step, const char *name, char out[FDO_NAME_MAX + 1])
{
    return tsr_json_find_cstring(step, name, out, FDO_NAME_MAX + 1) == TSR_OK && out[0] != 0;
}

void fdo_say_bool(tsr_buf *out, const char *module, const char *message, bool v)
{
    static const uint8_t items[2] = { 0xf4, 0xf5 };

    tsr_fdo_put_info(out, module, message, tsr_view(&items[v], 1));
}

void fdo_say_uint(tsr_buf *out, const char *module, const char *message, uint64_t v)
{
    uint8_t room[9];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_uint(&value, v);
    tsr_fdo_put_info(out, module, message, tsr_buf_view(&value));
}

void fdo_say_text(tsr_buf *out, const char *module, const char *message, const char *text)
{
    uint8_t room[FDO_NAME_MAX + 9];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_text(&value, tsr_text(text));
    tsr_fdo_put_info(out, module, message, tsr_buf_view(&value));
}

void fdo_say_bytes(tsr_buf *out, const char *module, const char *message, tsr_bytes v)
{
    uint8_t room[FDO_BLOCK + 9];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_bytes(&value, v);
    tsr_fdo_put_info(out, module, message, tsr_buf_view(&value));
}

tsr_err fdo_sha384(tsr_bytes in, uint8_t out[48])
{
    size_t len;

    return psa_hash_compute(PSA_ALG_SHA_384, in.ptr, in.len, out, 48, &len) == PSA_SUCCESS
               ? TSR_OK
               : TSR_E_CRYPTO;
}

tsr_err fdo_keep_result(tsr_fdo *f, const fdo_plan_run *p, const char *name, tsr_bytes body)
{
    char key[FDO_GUID_TEXT + FDO_NAME_MAX + 2];

    (void)snprintf(key, sizeof key, "%s/%s", p->guid, name);
    return fdo_keep(f, TSR_STORE_FDO_RESULT, key, "", 0, body);
}
