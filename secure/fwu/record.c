/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of all components: one asset in ITS, so that every transition is one write
 * (docs/WIRE.md, "Update state"). */
#include "secure/fwu/internal.h"

#define UID     1u
#define MAGIC   0x54465755u /* "TFWU" */
#define VERSION 1u
#define HEAD    8u
#define EACH    72u
#define KNOWN   1u
#define CLEAN   2u

static void put_version(tsr_buf *out, const psa_fwu_image_version_t *v)
{
    tsr_put_u8(out, v->major);
    tsr_put_u8(out, v->minor);
    tsr_put_u16(out, v->patch);
    tsr_put_u32(out, v->build);
}

static void put_record(tsr_buf *out, const tsr_fwu_record *r)
{
    tsr_put_u8(out, r->state);
    tsr_put_u8(out, r->active);
    tsr_put_u8(out, r->why);
    tsr_put_u8(out, r->attempts);
    tsr_put_u32(out, (r->known ? KNOWN : 0u) | (r->clean ? CLEAN : 0u));
    tsr_put_u32(out, (uint32_t)r->error);
    tsr_put_u64(out, r->counter);
    tsr_put_u32(out, r->saved);
    for (size_t i = 0; i < 2; i++) {
        put_version(out, &r->version[i]);
        tsr_put_u64(out, r->sequence[i]);
        tsr_put_u32(out, r->manifest[i]);
        tsr_put_u32(out, r->len[i]);
    }
}

static void get_version(tsr_bytes *in, psa_fwu_image_version_t *v)
{
    (void)tsr_get_u8(in, &v->major);
    (void)tsr_get_u8(in, &v->minor);
    (void)tsr_get_u16(in, &v->patch);
    (void)tsr_get_u32(in, &v->build);
}

/* The length was checked. */
static bool get_record(tsr_bytes *in, tsr_fwu_record *r)
{
    uint32_t flags = 0, error = 0;

    (void)tsr_get_u8(in, &r->state);
    (void)tsr_get_u8(in, &r->active);
    (void)tsr_get_u8(in, &r->why);
    (void)tsr_get_u8(in, &r->attempts);
    (void)tsr_get_u32(in, &flags);
    (void)tsr_get_u32(in, &error);
    (void)tsr_get_u64(in, &r->counter);
    (void)tsr_get_u32(in, &r->saved);
    for (size_t i = 0; i < 2; i++) {
        get_version(in, &r->version[i]);
        (void)tsr_get_u64(in, &r->sequence[i]);
        (void)tsr_get_u32(in, &r->manifest[i]);
        (void)tsr_get_u32(in, &r->len[i]);
    }
    r->known = (flags & KNOWN) != 0;
    r->clean = (flags & CLEAN) != 0;
    r->error = (psa_status_t)error;
    return r->state <= PSA_FWU_UPDATED && r->active <= 1 &&
           r->manifest[0] <= TSR_FWU_MANIFEST_MAX && r->manifest[1] <= TSR_FWU_MANIFEST_MAX;
}

psa_status_t tsr_fwu_save(tsr_fwu *f, const tsr_fwu_record next[TSR_FWU_COMPONENTS])
{
    uint8_t room[HEAD + TSR_FWU_COMPONENTS * EACH];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_put_u32(&out, MAGIC);
    tsr_put_u16(&out, VERSION);
    tsr_put_u16(&out, (uint16_t)f->recorded);
    for (size_t i = 0; i < f->recorded; i++)
        put_record(&out, &next[i]);
    if (out.err != TSR_OK ||
        tsr_its_set(f->its, TSR_ITS_FWU, UID, out.len, room, PSA_STORAGE_FLAG_NONE) != PSA_SUCCESS)
        return PSA_ERROR_STORAGE_FAILURE;
    memcpy(f->records, next, sizeof f->records);
    return PSA_SUCCESS;
}

static psa_status_t read_record(tsr_fwu *f, tsr_bytes in)
{
    uint32_t magic = 0;
    uint16_t version = 0, count = 0;

    if (tsr_get_u32(&in, &magic) != TSR_OK || tsr_get_u16(&in, &version) != TSR_OK ||
        tsr_get_u16(&in, &count) != TSR_OK || magic != MAGIC || version != VERSION ||
        count > TSR_FWU_COMPONENTS || in.len != count * EACH)
        return PSA_ERROR_DATA_CORRUPT;
    for (size_t i = 0; i < count; i++)
        if (!get_record(&in, &f->records[i]))
            return PSA_ERROR_DATA_CORRUPT;
    if (count > f->recorded)
        f->recorded = count;
    return PSA_SUCCESS;
}

psa_status_t tsr_fwu_load(tsr_fwu *f)
{
    uint8_t room[HEAD + TSR_FWU_COMPONENTS * EACH + 1];
    size_t len = 0;
    psa_status_t status;

    memset(f->records, 0, sizeof f->records);
    f->recorded = f->count;
    status = tsr_its_get(f->its, TSR_ITS_FWU, UID, 0, sizeof room, room, &len);
    if (status == PSA_ERROR_DOES_NOT_EXIST)
        return PSA_SUCCESS;
    if (status != PSA_SUCCESS)
        return PSA_ERROR_STORAGE_FAILURE;
    return read_record(f, tsr_view(room, len));
}
