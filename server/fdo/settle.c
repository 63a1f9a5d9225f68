/* SPDX-License-Identifier: Apache-2.0
 *
 * Owner, the second half of TO2: service info, and the new voucher (66 to 71). */
#include "server/fdo/owner.h"
#include "server/fdo/stage.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"

/* The tags of all messages heard: a table with open addresses, half of it free. Whoever makes a tag has the
 * session's keys and can crowd its own table alone. */
static uint64_t *place_of(uint64_t *table, size_t size, uint64_t tag)
{
    size_t at = tag & (size - 1);

    while (table[at] != 0 && table[at] != tag)
        at = (at + 1) & (size - 1);
    return &table[at];
}

static bool make_room(fdo_to2 *t)
{
    size_t size = t->heard_size == 0 ? 16 : 2 * t->heard_size;
    uint64_t *more;

    if (2 * (t->heard_count + 1) <= t->heard_size)
        return true;
    more = calloc(size, sizeof *more);
    if (more == NULL)
        return false;
    for (size_t i = 0; i < t->heard_size; i++)
        if (t->heard[i] != 0)
            *place_of(more, size, t->heard[i]) = t->heard[i];
    free(t->heard);
    t->heard = more;
    t->heard_size = size;
    return true;
}

/* Messages have no number: one that somebody sends again is known by its tag. */
static bool is_new(fdo_to2 *t, tsr_bytes in, fdo_reply *r)
{
    uint64_t tag, *place;

    memcpy(&tag, in.ptr + in.len - sizeof tag, sizeof tag);
    tag += tag == 0; /* which stands for a free place */
    if (!make_room(t)) {
        fdo_refuse(r, TSR_FDO_INTERNAL, "out of memory");
        return false;
    }
    place = place_of(t->heard, t->heard_size, tag);
    if (*place != 0) {
        fdo_refuse(r, TSR_FDO_INVALID, "the message came before");
        return false;
    }
    *place = tag;
    t->heard_count++;
    return true;
}

bool fdo_to2_open(fdo_to2 *t, tsr_bytes in, tsr_buf *plain, fdo_reply *r)
{
    tsr_err err;

    rest_room(plain, in.len + 16);
    err = tsr_fdo_session_unseal(&t->session, in, plain);
    if (err == TSR_OK)
        return is_new(t, in, r);
    fdo_refuse(r, err == TSR_E_DENIED ? TSR_FDO_INVALID : TSR_FDO_BODY,
               err == TSR_E_DENIED ? "the message came before"
                                   : "the message is not encrypted as this session is");
    return false;
}

void fdo_to2_seal(fdo_to2 *t, uint8_t type, tsr_bytes plain, fdo_reply *r)
{
    r->type = type;
    rest_room(&r->body, plain.len + t->cipher->overhead + 16);
    if (tsr_fdo_session_seal(&t->session, &tsr_fdo_random_psa, plain, &r->body) != TSR_OK)
        fdo_refuse(r, TSR_FDO_INTERNAL, "the answer could not be encrypted");
}

/* --- 66, 67 ----------------------------------------------------------------------------- */

static void take_hmac(fdo_to2 *t, const tsr_fdo_hash *hmac, fdo_reply *r)
{
    t->hmac = *hmac;
    if (hmac->alg == 0)
        return;
    memcpy(t->hmac_room, hmac->value.ptr, hmac->value.len);
    t->hmac.value.ptr = t->hmac_room;
    if (!tsr_fdo_hash_is_mac(hmac->alg))
        fdo_refuse(r, TSR_FDO_INVALID, "the HMAC of the new voucher is none");
    else if (t->reuse)
        fdo_refuse(r, TSR_FDO_INVALID, "the device was to keep its credential");
}

static tsr_err begin_plan(tsr_fdo *f, fdo_to2 *t)
{
    const fdo_subject who = { t->voucher.header.guid, t->voucher.header.device_info, &t->device };

    return fdo_plan_begin(f, &t->plan, &who);
}

void fdo_device_ready(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    fdo_to2 *t = s->state;
    uint8_t room[16];
    tsr_buf plain = { 0 }, out = tsr_buf_over(room, sizeof room);
    tsr_fdo_hash hmac;

    if (fdo_to2_open(t, in, &plain, r)) {
        tsr_err err = tsr_fdo_device_ready_read(tsr_buf_view(&plain), &hmac, &t->size);

        if (err != TSR_OK)
            fdo_refuse_err(r, err, "TO2.DeviceServiceInfoReady does not parse, or its size is small");
        else
            take_hmac(t, &hmac, r);
    }
    free(plain.ptr);
    if (r->code != 0)
        return;
    t->size = t->size == 0 ? TSR_FDO_SIZE_DEFAULT : t->size;
    t->size = t->size < UINT16_MAX ? t->size : UINT16_MAX;
    if (begin_plan(f, t) != TSR_OK) {
        fdo_refuse(r, TSR_FDO_INTERNAL, "the plan for this device cannot be used");
        return;
    }
    tsr_fdo_owner_ready_write(&out, FDO_OWNER_SIZE);
    fdo_to2_seal(t, TSR_FDO_TO2_OWNER_INFO_READY, tsr_buf_view(&out), r);
}

/* --- 68, 69 ----------------------------------------------------------------------------- */

static bool take_pairs(tsr_fdo *f, fdo_to2 *t, tsr_fdo_info *info, fdo_reply *r)
{
    tsr_bytes module, message, value;
    const char *wrong = NULL;
    tsr_err err = TSR_OK;

    if (t->values.held.ptr == NULL)
        rest_room(&t->values.held, FDO_SPLIT_MAX);
    while (wrong == NULL && err == TSR_OK) {
        err = tsr_fdo_values_next(&t->values, info, &module, &message, &value);
        if (err == TSR_OK)
            wrong = fdo_plan_take(f, &t->plan, module, message, value);
    }
    if (wrong != NULL)
        fdo_refuse(r, TSR_FDO_INVALID, wrong);
    else if (err != TSR_END)
        fdo_refuse(r, TSR_FDO_BODY, "a value of service info is not well formed");
    return r->code == 0;
}

/* Whose turn it is: while one side has more to say, the other answers with nothing. */
static bool take_info(tsr_fdo *f, fdo_to2 *t, tsr_bytes plain, bool *device_more, fdo_reply *r)
{
    tsr_fdo_info info;

    if (tsr_fdo_info_read(plain, false, &info) != TSR_OK) {
        fdo_refuse(r, TSR_FDO_BODY, "TO2.DeviceServiceInfo does not parse");
        return false;
    }
    t->bytes += plain.len;
    if (t->more && (info.more || info.left > 0))
        fdo_refuse(r, TSR_FDO_INVALID, "the device speaks while it has to listen");
    else if (t->done || ++t->rounds > FDO_ROUNDS_MAX || t->bytes > FDO_INFO_MAX)
        fdo_refuse(r, TSR_FDO_INVALID, "the device sends more service info than there is to be");
    *device_more = info.more;
    return r->code == 0 && take_pairs(f, t, &info, r);
}

static void give_info(fdo_to2 *t, bool device_more, fdo_reply *r)
{
    size_t most = (size_t)t->size - t->cipher->overhead;
    tsr_buf pairs = { 0 }, out = { 0 };
    uint64_t count = 0;

    rest_room(&pairs, most);
    rest_room(&out, most + 32);
    pairs.cap = pairs.cap < most - 16 ? pairs.cap : most - 16;
    t->more = t->done = false;
    if (!device_more) {
        t->more = fdo_plan_give(&t->plan, &pairs, &count);
        t->done = !t->more && fdo_plan_is_over(&t->plan);
    }
    tsr_fdo_info_write(&out, true, t->more, t->done, tsr_buf_view(&pairs), count);
    if (t->plan.wrong != NULL) {
        fdo_log(t->plan.fdo, true, "fdo: device %s: %s", t->plan.guid, t->plan.wrong);
        fdo_refuse(r, TSR_FDO_INTERNAL, t->plan.wrong);
    } else if (pairs.err != TSR_OK || out.err != TSR_OK)
        fdo_refuse(r, TSR_FDO_INTERNAL, "service info could not be written");
    else
        fdo_to2_seal(t, TSR_FDO_TO2_OWNER_INFO, tsr_buf_view(&out), r);
    rest_wipe(&pairs);
    rest_wipe(&out);
}

void fdo_device_info(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    fdo_to2 *t = s->state;
    tsr_buf plain = { 0 };
    bool device_more = false;

    if (fdo_to2_open(t, in, &plain, r) &&
        take_info(f, t, tsr_buf_view(&plain), &device_more, r))
        give_info(t, device_more, r);
    rest_wipe(&plain);
}

/* --- 70, 71 ----------------------------------------------------------------------------- */

/* The device takes its new credential when it has 71. Should that be lost, it comes again with the
 * old one: that voucher stays, too, and is registered for as long as that may take. */
static tsr_err store_voucher(tsr_fdo *f, fdo_to2 *t)
{
    const char *endpoint = t->plan.handover.endpoint;
    const fdo_device onboarded = { .state = "onboarded",
                                   .endpoint = endpoint[0] != 0 ? endpoint : NULL };
    tsr_buf voucher = { 0 };
    tsr_err err;

    if (t->hmac.alg == 0)
        return fdo_inventory_add(f, t->voucher.header.guid, tsr_buf_view(&t->voucher_bytes), &onboarded);
    rest_room(&voucher, t->header.len + t->voucher.certificates.len + 128);
    tsr_fdo_voucher_write(&voucher, tsr_buf_view(&t->header), &t->hmac, t->voucher.certificates);
    err = voucher.err;
    if (err == TSR_OK)
        err = fdo_inventory_replace(f, &t->voucher, tsr_view(t->guid, sizeof t->guid),
                                    tsr_buf_view(&voucher), &onboarded);
    free(voucher.ptr);
    return err;
}

/* A device with a new GUID takes along what is known of how it came here. */
static void tell_end(tsr_fdo *f, fdo_session *s, const fdo_to2 *t)
{
    char old[FDO_GUID_TEXT];

    memcpy(old, s->guid, sizeof old);
    if (t->hmac.alg == 0) {
        fdo_reach_by(f, s, TSR_FDO_ONBOARDED, "%s", "it keeps its credential");
        return;
    }
    fdo_guid_text(tsr_view(t->guid, sizeof t->guid), s->guid);
    fdo_stages_follow(f, old, s->guid);
    fdo_reach_by(f, s, TSR_FDO_ONBOARDED, "it was %s", old);
    fdo_reach(f, old, TSR_FDO_REPLACED, s->guid);
}

void fdo_done(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r)
{
    fdo_to2 *t = s->state;
    uint8_t room[32];
    tsr_buf plain = { 0 }, out = tsr_buf_over(room, sizeof room);
    tsr_bytes nonce;

    if (fdo_to2_open(t, in, &plain, r)) {
        if (tsr_fdo_nonce_read(tsr_buf_view(&plain), &nonce) != TSR_OK)
            fdo_refuse(r, TSR_FDO_BODY, "TO2.Done does not parse");
        else if (!tsr_same_secret(nonce, tsr_view(t->nonce_device, TSR_FDO_NONCE)))
            fdo_refuse(r, TSR_FDO_INVALID, "the nonce is another");
        else if (!t->done)
            fdo_refuse(r, TSR_FDO_INVALID, "the owner is not done yet");
        else if (fdo_session_settle(&f->sessions, s) != TSR_OK)
            fdo_refuse(r, TSR_FDO_INVALID, "another run of this device ended meanwhile");
        else if (store_voucher(f, t) != TSR_OK)
            fdo_refuse(r, TSR_FDO_INTERNAL, "the new voucher could not be stored");
        else if (fdo_plan_settle(&t->plan) != TSR_OK)
            fdo_refuse(r, TSR_FDO_INTERNAL, "what the accounts open could not be stored");
    }
    free(plain.ptr);
    if (r->code != 0)
        return;
    tell_end(f, s, t);
    tsr_fdo_nonce_write(&out, tsr_view(t->nonce_setup, TSR_FDO_NONCE));
    fdo_to2_seal(t, TSR_FDO_TO2_DONE2, tsr_buf_view(&out), r);
    r->over = true;
}
