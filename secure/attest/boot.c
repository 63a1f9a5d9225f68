/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/attest/boot.h"

#include "tessera/cbor/cbor.h"

enum { FORMAT = 1, SEED = 2, COMPONENTS = 3 };                                /* of the record */
enum { TYPE = 1, MEASUREMENT = 2, VERSION = 4, SIGNER = 5, DESCRIPTION = 6 }; /* RFC 9783 §4.4.1 */

static bool hash_len_ok(tsr_bytes v) { return v.len == 32 || v.len == 48 || v.len == 64; }

static bool text_ok(tsr_bytes v) { return v.len > 0 && v.len <= TSR_BOOT_TEXT_MAX; }

static bool component_ok(const tsr_boot_component *c)
{
    return text_ok(c->type) && hash_len_ok(c->measurement) && hash_len_ok(c->signer) &&
           (c->version.ptr == NULL || text_ok(c->version)) &&
           (c->description.ptr == NULL || text_ok(c->description));
}

static void put_text(tsr_buf *out, uint64_t label, tsr_bytes text)
{
    if (text.ptr == NULL)
        return;
    tsr_cbor_put_uint(out, label);
    tsr_cbor_put_text(out, text);
}

void tsr_boot_component_write(tsr_buf *out, const tsr_boot_component *c)
{
    tsr_cbor_put_map(out, 3u + (c->version.ptr != NULL) + (c->description.ptr != NULL));
    put_text(out, TYPE, c->type);
    tsr_cbor_put_uint(out, MEASUREMENT);
    tsr_cbor_put_bytes(out, c->measurement);
    put_text(out, VERSION, c->version);
    tsr_cbor_put_uint(out, SIGNER);
    tsr_cbor_put_bytes(out, c->signer);
    put_text(out, DESCRIPTION, c->description);
}

void tsr_boot_record_write(tsr_buf *out, const tsr_boot_record *r)
{
    bool good = r->seed.len == TSR_BOOT_SEED && r->count <= TSR_BOOT_COMPONENTS;

    for (size_t i = 0; good && i < r->count; i++)
        good = component_ok(&r->component[i]);
    if (!good) {
        if (out->err == TSR_OK)
            out->err = TSR_E_ARGUMENT;
        return;
    }
    tsr_cbor_put_map(out, 3);
    tsr_cbor_put_uint(out, FORMAT);
    tsr_cbor_put_uint(out, 1);
    tsr_cbor_put_uint(out, SEED);
    tsr_cbor_put_bytes(out, r->seed);
    tsr_cbor_put_uint(out, COMPONENTS);
    tsr_cbor_put_array(out, r->count);
    for (size_t i = 0; i < r->count; i++)
        tsr_boot_component_write(out, &r->component[i]);
}

static tsr_err take_component(tsr_bytes *in, tsr_boot_component *c)
{
    uint64_t pairs, label, before = 0;
    tsr_err err = tsr_cbor_get_map(in, &pairs);

    *c = (tsr_boot_component){ .type = { NULL, 0 } };
    for (; err == TSR_OK && pairs > 0; pairs--) {
        err = tsr_cbor_get_uint(in, &label);
        if (err != TSR_OK || label <= before)
            return TSR_E_MALFORMED;
        before = label;
        switch (label) {
        case TYPE: err = tsr_cbor_get_text(in, &c->type); break;
        case MEASUREMENT: err = tsr_cbor_get_bytes(in, &c->measurement); break;
        case VERSION: err = tsr_cbor_get_text(in, &c->version); break;
        case SIGNER: err = tsr_cbor_get_bytes(in, &c->signer); break;
        case DESCRIPTION: err = tsr_cbor_get_text(in, &c->description); break;
        default: return TSR_E_MALFORMED;
        }
    }
    return err == TSR_OK && component_ok(c) ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_label(tsr_bytes *in, uint64_t wanted)
{
    uint64_t label;

    return tsr_cbor_get_uint(in, &label) == TSR_OK && label == wanted ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_head(tsr_bytes *in, tsr_boot_record *r, uint64_t *count)
{
    uint64_t pairs, format;

    if (tsr_cbor_get_map(in, &pairs) != TSR_OK || take_label(in, FORMAT) != TSR_OK ||
        tsr_cbor_get_uint(in, &format) != TSR_OK)
        return TSR_E_MALFORMED;
    if (format != 1)
        return TSR_E_UNSUPPORTED;
    if (pairs != 3 || take_label(in, SEED) != TSR_OK ||
        tsr_cbor_get_bytes(in, &r->seed) != TSR_OK || r->seed.len != TSR_BOOT_SEED ||
        take_label(in, COMPONENTS) != TSR_OK || tsr_cbor_get_array(in, count) != TSR_OK)
        return TSR_E_MALFORMED;
    return *count <= TSR_BOOT_COMPONENTS ? TSR_OK : TSR_E_UNSUPPORTED;
}

tsr_err tsr_boot_record_read(tsr_bytes in, tsr_boot_record *r)
{
    tsr_boot_record got = { .count = 0 };
    uint64_t count = 0;
    tsr_err err = take_head(&in, &got, &count);

    for (; err == TSR_OK && got.count < count; got.count++)
        err = take_component(&in, &got.component[got.count]);
    if (err == TSR_OK && in.len != 0)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *r = got;
    return err;
}
