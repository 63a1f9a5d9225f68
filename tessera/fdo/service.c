/* SPDX-License-Identifier: Apache-2.0
 *
 * Service info on the device: pairs of the owner go to their modules, those of the modules go out,
 * as many as fit. FDO 1.1 ServiceInfo */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/device_in.h"

enum {
    FRONT = 8, /* room before the pairs for [more, [ and back */
    KEY_MAX = TSR_FDO_MODULE_NAME + 1 + TSR_FDO_MESSAGE_NAME,
    PAIR_HEAD = 1 + 2 + KEY_MAX + 3,
};

static void empty_out(tsr_fdo_device *d)
{
    tsr_fdo_service *v = &d->service;

    v->out = d->b.out;
    v->out.err = TSR_OK;
    if (v->out.cap > v->limit + FRONT - 5)
        v->out.cap = v->limit + FRONT - 5;
    v->out.len = v->out.cap < FRONT ? v->out.cap : FRONT;
    v->pairs = 0;
}

void tsr_fdo_service_begin(tsr_fdo_device *d, size_t limit)
{
    size_t room = d->b.message.cap > d->c->cipher->overhead
                      ? d->b.message.cap - d->c->cipher->overhead
                      : 0;

    memset(&d->service, 0, sizeof d->service);
    tsr_fdo_values_begin(&d->service.values, d->b.part);
    d->service.limit = limit < room ? limit : room;
    empty_out(d);
    for (size_t i = 0; i < d->c->module_count; i++)
        if (d->c->modules[i]->reset != NULL)
            d->c->modules[i]->reset(d->c->modules[i]->state, false);
}

void tsr_fdo_service_end(tsr_fdo_device *d, bool done)
{
    for (size_t i = 0; d->service.limit != 0 && i < d->c->module_count; i++)
        if (d->c->modules[i]->reset != NULL)
            d->c->modules[i]->reset(d->c->modules[i]->state, done);
    if (d->b.part.cap > 0)
        tsr_wipe(d->b.part.ptr, d->b.part.cap);
    memset(&d->service, 0, sizeof d->service);
}

/* ---- to the owner ------------------------------------------------------------------------- */

/* Puts [key, value] around the value that was appended since `from`. */
static tsr_err frame(tsr_buf *out, size_t from, tsr_bytes module, const char *message)
{
    uint8_t room[PAIR_HEAD];
    tsr_buf head = tsr_buf_over(room, sizeof room);
    size_t len;

    tsr_fdo_wrap(out, from);
    len = out->len - from;
    tsr_cbor_put_array(&head, 2);
    tsr_cbor_put_head(&head, TSR_CBOR_TEXT, module.len + 1 + strlen(message));
    tsr_put_bytes(&head, module);
    tsr_put_u8(&head, ':');
    tsr_put_text(&head, message);
    if (head.err != TSR_OK)
        return TSR_E_ARGUMENT;
    if (tsr_buf_claim(out, head.len) == NULL)
        return TSR_E_SPACE;
    memmove(out->ptr + from + head.len, out->ptr + from, len);
    memcpy(out->ptr + from, head.ptr, head.len);
    return TSR_OK;
}

static tsr_err put_active(tsr_fdo_device *d, tsr_bytes module, bool on)
{
    tsr_fdo_service *v = &d->service;
    size_t from = v->out.len;
    tsr_err err;

    tsr_cbor_put_bool(&v->out, on);
    err = frame(&v->out, from, module, "active");
    v->pairs += err == TSR_OK ? 1u : 0u;
    return err;
}

static tsr_err ask(tsr_fdo_device *d, size_t turn, const char **message, tsr_buf *value)
{
    const tsr_fdo_module *m;

    if (turn == 0)
        return tsr_fdo_devmod_send(d, message, value);
    m = d->c->modules[turn - 1];
    if (m->send == NULL || (d->service.active >> (turn - 1) & 1u) == 0)
        return TSR_END;
    return m->send(m->state, message, value);
}

static tsr_bytes name_of(const tsr_fdo_device *d, size_t turn)
{
    return tsr_text(turn == 0 ? "devmod" : d->c->modules[turn - 1]->name);
}

/* One message of the module whose turn it is. errors  TSR_E_SPACE: not into this 68 any more */
static tsr_err put_one(tsr_fdo_device *d)
{
    tsr_fdo_service *v = &d->service;
    tsr_bytes name = name_of(d, v->turn);
    size_t from = v->out.len, head = 1 + 2 + name.len + 1 + TSR_FDO_MESSAGE_NAME + 3;
    const char *message = "";
    tsr_buf value;
    tsr_err err;

    if (v->out.cap < from + head + 1)
        return TSR_E_SPACE;
    value = tsr_buf_over(v->out.ptr + from, v->out.cap - from - head);
    err = ask(d, v->turn, &message, &value);
    if (err == TSR_OK && value.err != TSR_OK)
        err = value.err;
    if (err != TSR_OK)
        return err;
    if (tsr_cbor_check(tsr_buf_view(&value)) != TSR_OK)
        return TSR_E_ARGUMENT;
    v->out.len += value.len;
    err = frame(&v->out, from, name, message);
    v->pairs += err == TSR_OK ? 1u : 0u;
    return err;
}

/* FDO 1.1 message.68: [more, [* pair]]. While the owner has more to say, it is empty, and what is to be
 * answered waits. */
static tsr_err say(tsr_fdo_device *d)
{
    tsr_fdo_service *v = &d->service;
    uint8_t room[FRONT];
    tsr_buf head = tsr_buf_over(room, sizeof room);
    tsr_bytes plain;
    tsr_err err;

    tsr_cbor_put_array(&head, 2);
    tsr_cbor_put_bool(&head, v->full);
    tsr_cbor_put_array(&head, v->info.more ? 0 : v->pairs);
    if (head.err != TSR_OK || v->out.len < FRONT)
        return TSR_E_SPACE;
    if (v->info.more)
        return tsr_fdo_say_sealed(d, TSR_FDO_TO2_DEVICE_INFO, tsr_buf_view(&head));
    memcpy(v->out.ptr + FRONT - head.len, head.ptr, head.len);
    plain = tsr_view(v->out.ptr + FRONT - head.len, v->out.len - FRONT + head.len);
    err = tsr_fdo_say_sealed(d, TSR_FDO_TO2_DEVICE_INFO, plain);
    empty_out(d);
    return err;
}

tsr_err tsr_fdo_service_say(tsr_fdo_device *d, const char **what)
{
    tsr_fdo_service *v = &d->service;

    *what = "service info of the device";
    v->full = false;
    while (!v->info.more && v->turn <= d->c->module_count) {
        tsr_err err = put_one(d);

        if (err == TSR_END) {
            v->turn++;
        } else if (err == TSR_E_SPACE && v->pairs > 0) {
            v->full = true;
            break;
        } else if (err != TSR_OK) {
            return err;
        }
    }
    if (!v->full && !v->info.more)
        v->turn = 0;
    return say(d);
}

/* ---- from the owner ----------------------------------------------------------------------- */

static size_t find_module(const tsr_fdo_device *d, tsr_bytes name)
{
    for (size_t i = 0; i < d->c->module_count; i++)
        if (tsr_same(name, tsr_text(d->c->modules[i]->name)))
            return i;
    return SIZE_MAX;
}

static tsr_err set_active(tsr_fdo_device *d, size_t i, tsr_bytes name, tsr_bytes value)
{
    tsr_fdo_service *v = &d->service;
    const tsr_fdo_module *m = d->c->modules[i];
    bool on = false;
    tsr_err err = tsr_cbor_get_bool(&value, &on);

    if (err == TSR_OK && m->activate != NULL)
        err = m->activate(m->state, on);
    if (err != TSR_OK)
        return err;
    v->active = on ? v->active | 1u << i : v->active & ~(1u << i);
    return put_active(d, name, on);
}

/* A module that is not here says so when it is switched on; what else it is told is not heard. */
static tsr_err deliver(tsr_fdo_device *d)
{
    tsr_fdo_service *v = &d->service;
    size_t i = find_module(d, v->module);
    bool switched = tsr_same(v->message, tsr_text("active"));

    if (i == SIZE_MAX)
        return switched && !tsr_same(v->module, tsr_text("devmod")) &&
                       v->module.len <= TSR_FDO_MODULE_NAME
                   ? put_active(d, v->module, false)
                   : TSR_OK;
    if (switched)
        return set_active(d, i, v->module, v->value);
    if ((v->active >> i & 1u) == 0)
        return TSR_OK;
    return d->c->modules[i]->receive(d->c->modules[i]->state, v->message, v->value);
}

tsr_err tsr_fdo_service_take(tsr_fdo_device *d, const char **what)
{
    tsr_fdo_service *v = &d->service;

    *what = "a module refused a message of the owner";
    for (;;) {
        tsr_err err = TSR_OK;

        if (!v->held)
            err = tsr_fdo_values_next(&v->values, &v->info, &v->module, &v->message, &v->value);
        if (err == TSR_END)
            return TSR_OK;
        if (err != TSR_OK) {
            *what = "a value of service info is not well formed, or too long";
            return err;
        }
        err = deliver(d);
        v->held = err == TSR_END;
        if (err != TSR_OK)
            return err;
    }
}
