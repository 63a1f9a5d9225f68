/* SPDX-License-Identifier: Apache-2.0
 *
 * Service info: lists of ["module:message", CBOR in a byte string]. FDO 1.1 message.68,
 * FDO 1.1 message.69 */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/message.h"

static tsr_err take_pair(tsr_bytes *in, tsr_bytes *module, tsr_bytes *message, tsr_bytes *value)
{
    tsr_bytes key, got;
    const uint8_t *colon;
    tsr_err err = tsr_fdo_get_array(in, 2);

    if (err == TSR_OK)
        err = tsr_cbor_get_text(in, &key);
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(in, &got);
    if (err != TSR_OK)
        return err;
    if (got.len == 0)
        return TSR_E_MALFORMED;
    colon = key.len > 0 ? memchr(key.ptr, ':', key.len) : NULL;
    if (colon == NULL)
        return TSR_E_MALFORMED;
    *module = tsr_first(key, (size_t)(colon - key.ptr));
    *message = tsr_skip(key, module->len + 1);
    *value = got;
    return TSR_OK;
}

tsr_err tsr_fdo_info_read(tsr_bytes in, bool from_owner, tsr_fdo_info *i)
{
    tsr_fdo_info got = { .done = false };
    tsr_bytes module, message, value;
    tsr_err err = tsr_fdo_get_array(&in, from_owner ? 3 : 2);

    if (err == TSR_OK)
        err = tsr_cbor_get_bool(&in, &got.more);
    if (err == TSR_OK && from_owner)
        err = tsr_cbor_get_bool(&in, &got.done);
    if (err == TSR_OK)
        err = tsr_cbor_get_array(&in, &got.left);
    got.rest = in;
    for (uint64_t n = 0; err == TSR_OK && n < got.left; n++)
        err = take_pair(&in, &module, &message, &value);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *i = got;
    return err;
}

tsr_err tsr_fdo_info_next(tsr_fdo_info *i, tsr_bytes *module, tsr_bytes *message,
                          tsr_bytes *value)
{
    tsr_err err;

    if (i->left == 0)
        return TSR_END;
    err = take_pair(&i->rest, module, message, value);
    if (err == TSR_OK)
        i->left--;
    return err;
}

void tsr_fdo_info_write(tsr_buf *out, bool from_owner, bool more, bool done, tsr_bytes pairs,
                        uint64_t count)
{
    tsr_cbor_put_array(out, from_owner ? 3 : 2);
    tsr_cbor_put_bool(out, more);
    if (from_owner)
        tsr_cbor_put_bool(out, done);
    tsr_cbor_put_array(out, count);
    tsr_put_bytes(out, pairs);
}

void tsr_fdo_put_info(tsr_buf *out, const char *module, const char *message, tsr_bytes value)
{
    size_t len = strlen(module), len2 = strlen(message);

    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_head(out, TSR_CBOR_TEXT, len + 1 + len2);
    tsr_put_text(out, module);
    tsr_put_u8(out, ':');
    tsr_put_text(out, message);
    tsr_cbor_put_bytes(out, value);
}
