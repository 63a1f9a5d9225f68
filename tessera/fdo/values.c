/* SPDX-License-Identifier: Apache-2.0
 *
 * What the values of service info hold: mostly one item each. go-fdo makes one stream of those that
 * have the same key and stand behind one another, in one message or in several; an item may begin
 * in one of them and end in a later one. FDO 1.1 ServiceInfo */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/message.h"

static bool is_same_key(const tsr_fdo_values *v, tsr_bytes module, tsr_bytes message)
{
    return v->key_len == module.len + 1 + message.len &&
           tsr_same(tsr_view(v->key, module.len), module) &&
           tsr_same(tsr_view(v->key + module.len + 1, message.len), message);
}

/* Keeps the beginning of an item, and whose it is. TSR_END: its rest is to come. */
static tsr_err hold(tsr_fdo_values *v, tsr_bytes part)
{
    size_t len = v->module.len + 1 + v->message.len;

    if (len > sizeof v->key || part.len > v->held.cap)
        return TSR_E_MALFORMED;
    memcpy(v->key, v->module.ptr, v->module.len);
    v->key[v->module.len] = ':';
    memcpy(v->key + v->module.len + 1, v->message.ptr, v->message.len);
    v->key_len = len;
    memcpy(v->held.ptr, part.ptr, part.len);
    v->held.len = part.len;
    return TSR_END;
}

/* An item out of what was kept, which goes when the next one is asked for. */
static tsr_err give_held(tsr_fdo_values *v, tsr_bytes *value)
{
    tsr_bytes in = tsr_skip(tsr_buf_view(&v->held), v->given), rest = in;

    if (in.len == 0 || tsr_cbor_skip(&rest) != TSR_OK)
        return TSR_END;
    *value = tsr_first(in, in.len - rest.len);
    v->given += value->len;
    return TSR_OK;
}

static void forget_given(tsr_fdo_values *v)
{
    size_t left = v->held.len - v->given;

    if (v->given > 0 && left > 0)
        memmove(v->held.ptr, v->held.ptr + v->given, left);
    v->held.len = left;
    v->given = 0;
}

/* An item of the present value. TSR_END: what is left of it was kept. */
static tsr_err give_fresh(tsr_fdo_values *v, tsr_bytes *value)
{
    tsr_bytes in = v->fresh, rest = in;

    if (tsr_cbor_skip(&rest) != TSR_OK) {
        v->fresh.len = 0;
        return hold(v, in);
    }
    *value = tsr_first(in, in.len - rest.len);
    v->fresh = rest;
    return TSR_OK;
}

static tsr_err next_pair(tsr_fdo_values *v, tsr_fdo_info *i)
{
    tsr_bytes got;
    tsr_err err = tsr_fdo_info_next(i, &v->module, &v->message, &got);

    if (err != TSR_OK)
        return err;
    if (v->held.len == 0) {
        v->fresh = got;
        return TSR_OK;
    }
    if (!is_same_key(v, v->module, v->message) || got.len > v->held.cap - v->held.len)
        return TSR_E_MALFORMED;
    memcpy(v->held.ptr + v->held.len, got.ptr, got.len);
    v->held.len += got.len;
    return TSR_OK;
}

/* An item of what is here already. */
static tsr_err give(tsr_fdo_values *v, tsr_bytes *value)
{
    tsr_err err = TSR_END;

    if (v->held.len > 0)
        err = give_held(v, value);
    else if (v->fresh.len > 0)
        err = give_fresh(v, value);
    if (err == TSR_END)
        forget_given(v);
    return err;
}

tsr_err tsr_fdo_values_next(tsr_fdo_values *v, tsr_fdo_info *i, tsr_bytes *module,
                            tsr_bytes *message, tsr_bytes *value)
{
    tsr_err err = give(v, value);

    while (err == TSR_END) {
        err = next_pair(v, i);
        if (err == TSR_END && !i->more && v->held.len > 0)
            return TSR_E_MALFORMED;
        if (err != TSR_OK)
            return err;
        err = give(v, value);
    }
    if (err != TSR_OK)
        return err;
    *module = v->module;
    *message = v->message;
    return TSR_OK;
}
