/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.wget lets a device fetch a file by itself. */
#include "server/fdo/module.h"

#include <string.h>

#include "tessera/base/hex.h"
#include "tessera/cbor/cbor.h"

enum { SHA384 = 48 };

/* The hash that a step may name. TSR_END: it names none; errors TSR_E_ARGUMENT */
static tsr_err hash_of(const tsr_json *step, uint8_t hash[SHA384])
{
    char text[FDO_NAME_MAX + 1];
    tsr_buf out = tsr_buf_over(hash, SHA384);
    tsr_json item;

    if (tsr_json_find(step, "sha384", &item) != TSR_OK)
        return TSR_END;
    if (!fdo_step_text(step, "sha384", text) || tsr_hex_get(tsr_text(text), &out) != TSR_OK ||
        out.len != SHA384)
        return TSR_E_ARGUMENT;
    return TSR_OK;
}

static const char *check_wget(const tsr_json *step)
{
    char text[FDO_NAME_MAX + 1];
    uint8_t hash[SHA384];

    if (!fdo_step_text(step, "name", text))
        return "fdo.wget needs a `name` of 1 to 200 bytes";
    if (!fdo_step_text(step, "url", text) ||
        (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0))
        return "fdo.wget needs a `url` of at most 200 bytes that begins with http:// or https://";
    return hash_of(step, hash) == TSR_E_ARGUMENT
               ? "`sha384` is 96 hexadecimal digits"
               : NULL;
}

/* A device may begin as soon as it has the URL: that comes last. */
static fdo_say say_wget(fdo_plan_run *p, tsr_buf *out)
{
    char text[FDO_NAME_MAX + 1] = "";
    uint8_t hash[SHA384];

    if (p->phase == 1 && hash_of(&p->step, hash) != TSR_OK)
        p->phase++;
    switch (p->phase) {
    case 0: fdo_say_bool(out, "fdo.wget", "active", true); break;
    case 1: fdo_say_bytes(out, "fdo.wget", "sha-384", tsr_view(hash, sizeof hash)); break;
    case 2:
        (void)fdo_step_text(&p->step, "name", text);
        fdo_say_text(out, "fdo.wget", "name", text);
        break;
    case 3:
        (void)fdo_step_text(&p->step, "url", text);
        fdo_say_text(out, "fdo.wget", "url", text);
        break;
    default: return FDO_WAITS;
    }
    return FDO_SAID;
}

static const char *take_wget(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    bool optional = false, failed = tsr_same(message, tsr_text("error"));
    tsr_bytes text = { NULL, 0 };
    uint64_t done = 0;

    if (!failed && !tsr_same(message, tsr_text("done")))
        return NULL;
    if ((failed ? tsr_cbor_get_text(&value, &text) : tsr_cbor_get_uint(&value, &done)) != TSR_OK)
        return "what the device says of fdo.wget is no number, or no text";
    (void)tsr_json_find_bool(&p->step, "optional", &optional);
    if (failed) {
        fdo_log(f, !optional, "fdo: device %s could not fetch a file (%zu bytes of reason)",
                p->guid, text.len);
        if (!optional)
            return "the device could not fetch a file of its plan";
    } else {
        fdo_log(f, false, "fdo: device %s fetched %llu bytes", p->guid, (unsigned long long)done);
    }
    fdo_step_over(p);
    return NULL;
}

const fdo_module fdo_wget = { "fdo.wget", check_wget, say_wget, take_wget };
