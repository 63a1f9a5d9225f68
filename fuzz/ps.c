/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage on a medium that says anything. A device lives for a while; then the input
 * rewrites its medium, byte by byte or behind the checksums of its store, and it is mounted. What
 * is read with success must be what was stored, whatever else the medium says; and the device must
 * go on working. */
#include "fuzz/fuzz.h"
#include "secure/storage/log.h"
#include "secure/storage/ps_object.h"
#include "tests/secure/flash_sim.h"
#include "tests/secure/ps_rig.h"

#define SIZE    (6u * 2048u)
#define OBJECTS 5u
#define CLIENT  (-7)

typedef struct {
    bool there;
    uint8_t len, seed; /* content: `len` bytes seed, seed + 1, ... */
} value;

static sim inner, outer;
static uint8_t inner_image[SIZE * 4], outer_image[SIZE];
static bool outer_used[SIZE / 8];
static value start[OBJECTS];
static uint8_t sealed[16][256]; /* contents that were valid once */
static size_t sealed_len[16], sealed_count;

static uint32_t flags_of(size_t i) { return i == 1 ? PSA_STORAGE_FLAG_NO_CONFIDENTIALITY : 0; }

static psa_status_t set(size_t i, value v)
{
    uint8_t data[256];

    for (size_t n = 0; n < v.len; n++)
        data[n] = (uint8_t)(v.seed + n);
    return tsr_ps_set(&rig_here()->ps, CLIENT, i + 1, v.len, data, flags_of(i));
}

static psa_status_t get(size_t i, value *v)
{
    uint8_t data[RIG_ASSET_MAX];
    size_t len;
    psa_status_t status = tsr_ps_get(&rig_here()->ps, CLIENT, i + 1, 0, sizeof data, data, &len);

    *v = (value){ status == PSA_SUCCESS, (uint8_t)len, len > 0 ? data[0] : 0 };
    for (size_t n = 0; n < len; n++)
        must(data[n] == (uint8_t)(v->seed + n));
    must(status == PSA_SUCCESS || len == 0);
    return status;
}

static bool same(value a, value b)
{
    return a.there == b.there && (!a.there || (a.len == b.len && (a.len == 0 || a.seed == b.seed)));
}

static void keep_sealed(void)
{
    tsr_store *m = &rig_here()->medium;

    for (size_t n = 0; n < tsr_store_slots(m) && sealed_count < 16; n++, sealed_count++)
        must(tsr_store_get(m, tsr_store_slot(m, n)->key, 0, sealed[sealed_count], 256,
                           &sealed_len[sealed_count]) == TSR_OK);
}

static void live(void)
{
    sim_open(&inner, SIZE * 4, 2048, 8, true, 1);
    sim_open(&outer, SIZE, 2048, 8, true, 2);
    must(core_open(&inner.flash) == TSR_OK && rig_open(&outer.flash) == TSR_OK);
    for (uint8_t round = 0; round < 3; round++) {
        for (uint8_t i = 0; i < OBJECTS; i++) {
            start[i] = (value){ true, (uint8_t)(7 + i * 20 + round), (uint8_t)(round * 50 + i) };
            must(set(i, start[i]) == PSA_SUCCESS);
        }
        keep_sealed();
    }
    must(tsr_ps_remove(&rig_here()->ps, CLIENT, OBJECTS) == PSA_SUCCESS);
    start[OBJECTS - 1] = (value){ 0 };
    memcpy(inner_image, inner.now, sizeof inner_image);
    memcpy(outer_image, outer.now, SIZE);
    memcpy(outer_used, outer.used, sizeof outer_used);
}

/* Everything as it was at the end of that life; the PSA core and the root key stay up. */
static void rewind_device(void)
{
    core *c = core_here();

    memcpy(inner.now, inner_image, sizeof inner_image);
    memcpy(inner.durable, inner_image, sizeof inner_image);
    memset(inner.used, 0, sizeof inner_image / 8);
    must(tsr_store_mount(&c->store, &inner.flash, c->index, CORE_ASSETS, CORE_VALUE_MAX) == TSR_OK);
    memcpy(outer.now, outer_image, SIZE);
    memcpy(outer.used, outer_used, sizeof outer_used);
}

static void poke(tsr_bytes *in)
{
    for (uint8_t n = take(in) % 32; n > 0 && in->len >= 3; n--) {
        uint32_t at = ((uint32_t)take(in) << 8 | take(in)) % SIZE;

        outer.now[at] = take(in);
    }
    memcpy(outer.durable, outer.now, SIZE);
    memset(outer.used, 0, sizeof outer_used); /* manners are not what is tested here */
}

/* Old contents, cut, altered, in places that are not theirs, with right checksums. */
static void forge(tsr_bytes *in)
{
    for (uint8_t n = take(in) % 8; n > 0 && in->len >= 6; n--) {
        uint8_t data[256];
        size_t which = take(in) % sealed_count, len = sealed_len[which];
        tsr_store_key place = { (uint32_t)take(in) % 5u, take(in) % 7u };

        memcpy(data, sealed[which], len);
        for (uint8_t changes = take(in) % 4; changes > 0; changes--)
            data[take(in) % len] = take(in);
        if (take(in) % 4 == 0)
            len = take(in) % (len + 1);
        (void)tsr_store_set(&rig_here()->medium, place, 0, tsr_view(data, len));
    }
}

static void check(const value *expected)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        value got;
        psa_status_t status = get(i, &got);

        if (status == PSA_SUCCESS)
            must(same(got, expected[i]));
        else if (status == PSA_ERROR_DOES_NOT_EXIST)
            must(!expected[i].there);
        else
            must(expected[i].there &&
                 (status == PSA_ERROR_INVALID_SIGNATURE || status == PSA_ERROR_DATA_CORRUPT));
    }
}

static void work(tsr_bytes *in, value *expected)
{
    for (int n = 0; n < 12 && in->len >= 3; n++) {
        size_t i = take(in) % OBJECTS;
        value v = { true, take(in), take(in) };
        value got;

        if (v.seed % 5 == 0) {
            psa_status_t status = tsr_ps_remove(&rig_here()->ps, CLIENT, i + 1);

            must((status == PSA_SUCCESS) == expected[i].there ||
                 status == PSA_ERROR_STORAGE_FAILURE);
            if (status == PSA_SUCCESS)
                expected[i] = (value){ 0 };
        } else if (set(i, v) == PSA_SUCCESS) {
            must(get(i, &got) == PSA_SUCCESS && same(got, v));
            expected[i] = v;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool lived;
    value expected[OBJECTS];
    tsr_bytes in = { data, size };

    if (!lived)
        live();
    lived = true;
    rewind_device();
    memcpy(expected, start, sizeof expected);
    poke(&in);
    if (rig_open(&outer.flash) != TSR_OK)
        return 0; /* the port replaces such a medium */
    check(expected);
    forge(&in);
    check(expected);
    work(&in, expected);
    check(expected);
    if (rig_open(&outer.flash) == TSR_OK)
        check(expected);
    return 0;
}
