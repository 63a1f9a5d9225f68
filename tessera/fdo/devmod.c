/* SPDX-License-Identifier: Apache-2.0
 *
 * The module that every device has: what it is, and which modules it has. FDO 1.1 ServiceInfo */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/device_in.h"

enum { ACTIVE, OS, ARCH, VERSION, DEVICE, SEP, BIN, SN, PATHSEP, NL, TMP, DIR, PROGENV, MUDURL,
       NUMMODULES, MODULES, END };

static const char *const names[] = { "active", "os", "arch", "version", "device", "sep", "bin",
                                     "sn", "pathsep", "nl", "tmp", "dir", "progenv", "mudurl",
                                     "nummodules", "modules" };

static const char *text_of(const tsr_fdo_devmod *m, size_t which)
{
    const char *const texts[] = { m->os, m->arch, m->version, m->device, m->separator, m->bin,
                                  m->serial, m->path_separator, m->new_line, m->tmp, m->dir,
                                  m->program_env, m->mud_url };

    return texts[which - OS];
}

/* devmod itself is one of them. */
static tsr_bytes listed(const tsr_fdo_device *d, size_t i)
{
    return tsr_text(i == 0 ? "devmod" : d->c->modules[i - 1]->name);
}

/* [start, count, name...]: as many as fit. */
static tsr_err put_modules(tsr_fdo_device *d, tsr_buf *value)
{
    tsr_fdo_service *v = &d->service;
    size_t all = d->c->module_count + 1, count = 0, len = 1 + 3 + 3;

    while (v->listed + count < all) {
        len += 2 + listed(d, v->listed + count).len;
        if (len > value->cap)
            break;
        count++;
    }
    if (count == 0)
        return TSR_E_SPACE;
    tsr_cbor_put_array(value, 2 + count);
    tsr_cbor_put_uint(value, v->listed);
    tsr_cbor_put_uint(value, count);
    for (size_t i = 0; i < count; i++)
        tsr_cbor_put_text(value, listed(d, v->listed + i));
    v->listed += count;
    return value->err;
}

tsr_err tsr_fdo_devmod_send(tsr_fdo_device *d, const char **message, tsr_buf *value)
{
    tsr_fdo_service *v = &d->service;
    const char *text = "";

    while (v->devmod >= OS && v->devmod <= MUDURL) {
        text = text_of(d->c->devmod, v->devmod);
        if (text != NULL && (text[0] != '\0' || v->devmod <= BIN))
            break;
        if (v->devmod <= BIN)
            return TSR_E_ARGUMENT; /* a required one is missing */
        v->devmod++;
    }
    if (v->devmod == END)
        return TSR_END;
    *message = names[v->devmod];
    if (v->devmod == MODULES) {
        tsr_err err = put_modules(d, value);

        if (err == TSR_OK && v->listed == d->c->module_count + 1)
            v->devmod = END;
        return err;
    }
    if (v->devmod == ACTIVE)
        tsr_cbor_put_bool(value, true);
    else if (v->devmod == NUMMODULES)
        tsr_cbor_put_uint(value, d->c->module_count + 1);
    else
        tsr_cbor_put_text(value, tsr_text(text));
    if (value->err == TSR_OK)
        v->devmod++;
    return value->err;
}
