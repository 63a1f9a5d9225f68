/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/suit/mcuboot.h"

#define MAGIC           0x96f3b83du
#define INFO_MAGIC      0x6907u
#define PROTECTED_MAGIC 0x6908u

/* Flags of images that are not read here: encrypted (0x4, 0x8), not bootable (0x10), compressed. */
#define FLAGS_NOT_OURS (0x4u | 0x8u | 0x10u | 0x200u | 0x400u | 0x800u)

/* Types of records. The ids have other numbers in imgtool 2.4 and later (0x74, 0x75) than in the
 * boot loaders before. */
enum {
    KEYHASH = 0x01,
    PUBKEY = 0x02,
    SHA256 = 0x10,
    SHA384 = 0x11,
    SHA512 = 0x12,
    ECDSA = 0x22,
    DEPENDENCY = 0x40,
    SEC_CNT = 0x50,
    UUID_VENDOR = 0x74,
    UUID_CLASS = 0x75,
    UUID_VENDOR_80 = 0x80,
    UUID_CLASS_81 = 0x81,
};

/* Everything is little-endian. */
static uint32_t le(tsr_bytes in, size_t at, size_t width)
{
    uint32_t v = 0;

    for (size_t i = width; i > 0; i--)
        v = v << 8 | in.ptr[at + i - 1];
    return v;
}

bool tsr_mcuboot_is_image(tsr_bytes begin) { return begin.len >= 4 && le(begin, 0, 4) == MAGIC; }

tsr_err tsr_mcuboot_header_read(tsr_bytes in, tsr_mcuboot_header *h)
{
    if (in.len < TSR_MCUBOOT_HEADER)
        return TSR_E_SPACE;
    if (!tsr_mcuboot_is_image(in))
        return TSR_E_MALFORMED;

    tsr_mcuboot_header got = {
        .load_address = le(in, 4, 4),
        .header_len = le(in, 8, 2),
        .protected_len = le(in, 10, 2),
        .image_len = le(in, 12, 4),
        .flags = le(in, 16, 4),
        .major = in.ptr[20],
        .minor = in.ptr[21],
        .patch = (uint16_t)le(in, 22, 2),
        .build = le(in, 24, 4),
    };

    if (got.header_len < TSR_MCUBOOT_HEADER || got.image_len > UINT32_MAX - 0x30000u)
        return TSR_E_MALFORMED;
    if ((got.flags & FLAGS_NOT_OURS) != 0)
        return TSR_E_UNSUPPORTED;
    got.tlv_at = got.header_len + got.image_len;
    got.signed_len = got.tlv_at + got.protected_len;
    *h = got;
    return TSR_OK;
}

static tsr_err keep(tsr_bytes *where, tsr_bytes v, size_t len)
{
    if (where->ptr != NULL || v.len != len)
        return TSR_E_MALFORMED;
    *where = v;
    return TSR_OK;
}

/* image u8, reserved u8[3], then the version that is the least */
static tsr_err keep_need(tsr_mcuboot_tlvs *t, tsr_bytes v)
{
    if (v.len != 12)
        return TSR_E_MALFORMED;
    if (t->need_count == TSR_MCUBOOT_NEEDS)
        return TSR_E_UNSUPPORTED;
    t->needs[t->need_count++] =
        (tsr_mcuboot_need){ v.ptr[0], v.ptr[4], v.ptr[5], (uint16_t)le(v, 6, 2), le(v, 8, 4) };
    return TSR_OK;
}

static tsr_err keep_counter(tsr_mcuboot_tlvs *t, tsr_bytes v)
{
    if (t->counted || v.len != 4)
        return TSR_E_MALFORMED;
    t->counted = true;
    t->counter = le(v, 0, 4);
    return TSR_OK;
}

static tsr_err keep_record(tsr_mcuboot_tlvs *t, uint32_t type, tsr_bytes v, bool is_protected)
{
    switch (type) {
    case SHA256: return keep(&t->sha256, v, 32);
    case SHA384:
    case SHA512: return TSR_E_UNSUPPORTED;
    case KEYHASH: return keep(&t->key_hash, v, 32);
    case PUBKEY: return keep(&t->key, v, v.len);
    case ECDSA: return keep(&t->signature, v, v.len);
    default: break;
    }
    /* What decides about installing has to be under the signature. */
    switch (type) {
    case DEPENDENCY: return is_protected ? keep_need(t, v) : TSR_E_MALFORMED;
    case SEC_CNT: return is_protected ? keep_counter(t, v) : TSR_E_MALFORMED;
    case UUID_VENDOR:
    case UUID_VENDOR_80: return is_protected ? keep(&t->vendor, v, 16) : TSR_E_MALFORMED;
    case UUID_CLASS:
    case UUID_CLASS_81: return is_protected ? keep(&t->class_id, v, 16) : TSR_E_MALFORMED;
    default: return TSR_OK;
    }
}

/* One list: magic u16, length of the whole list u16, records of type u16, length u16, value. */
static tsr_err take_list(tsr_mcuboot_tlvs *t, tsr_bytes *in, uint32_t magic)
{
    size_t len;
    tsr_bytes list;

    if (in->len < 4)
        return TSR_E_SPACE;
    if (le(*in, 0, 2) != magic)
        return TSR_E_MALFORMED;
    len = le(*in, 2, 2);
    if (len < 4)
        return TSR_E_MALFORMED;
    if (len > in->len)
        return TSR_E_SPACE;
    list = tsr_skip(tsr_first(*in, len), 4);
    *in = tsr_skip(*in, len);
    while (list.len > 0) {
        size_t value;
        tsr_err err;

        if (list.len < 4 || (value = le(list, 2, 2)) > list.len - 4)
            return TSR_E_MALFORMED;
        err =
            keep_record(t, le(list, 0, 2), tsr_view(list.ptr + 4, value), magic == PROTECTED_MAGIC);
        if (err != TSR_OK)
            return err;
        list = tsr_skip(list, 4 + value);
    }
    return TSR_OK;
}

tsr_err tsr_mcuboot_tlvs_read(const tsr_mcuboot_header *h, tsr_bytes in, tsr_mcuboot_tlvs *t)
{
    tsr_mcuboot_tlvs got = { 0 };
    tsr_bytes at = in;
    tsr_err err = TSR_OK;

    if (h->protected_len > 0) {
        err = take_list(&got, &at, PROTECTED_MAGIC);
        if (err == TSR_OK && in.len - at.len != h->protected_len)
            err = TSR_E_MALFORMED;
    }
    if (err == TSR_OK)
        err = take_list(&got, &at, INFO_MAGIC);
    if (err == TSR_OK && got.sha256.ptr == NULL)
        err = TSR_E_MALFORMED;
    if (err != TSR_OK)
        return err;
    got.len = (uint32_t)(in.len - at.len);
    *t = got;
    return TSR_OK;
}

/* An INTEGER of DER, put right-aligned into 32 bytes. */
static tsr_err take_integer(tsr_bytes *in, uint8_t out[32])
{
    tsr_bytes v;

    if (in->len < 2 || in->ptr[0] != 0x02 || in->ptr[1] > 33 || in->ptr[1] > in->len - 2u ||
        in->ptr[1] == 0)
        return TSR_E_MALFORMED;
    v = tsr_view(in->ptr + 2, in->ptr[1]);
    *in = tsr_skip(*in, 2 + v.len);
    if ((v.ptr[0] & 0x80) != 0) /* negative */
        return TSR_E_MALFORMED;
    while (v.len > 0 && v.ptr[0] == 0)
        v = tsr_skip(v, 1);
    if (v.len > 32)
        return TSR_E_MALFORMED;
    memset(out, 0, 32);
    memcpy(out + 32 - v.len, v.ptr, v.len);
    return TSR_OK;
}

tsr_err tsr_mcuboot_signature(tsr_bytes der, uint8_t raw[64])
{
    tsr_bytes in = tsr_skip(der, 2);

    if (der.len < 2 || der.ptr[0] != 0x30 || der.ptr[1] != in.len)
        return TSR_E_MALFORMED;
    if (take_integer(&in, raw) != TSR_OK || take_integer(&in, raw + 32) != TSR_OK || in.len != 0)
        return TSR_E_MALFORMED;
    return TSR_OK;
}
