/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators do with vouchers: list, take in, hand out, hand over. */
#define _GNU_SOURCE
#include "server/fdo/choose.h"
#include "server/fdo/inventory.h"
#include "server/fdo/plan.h"
#include "server/fdo/stage.h"
#include "server/rest/room.h"

#include <stdio.h>
#include <stdlib.h>

/* --- reading ---------------------------------------------------------------------------- */

typedef struct {
    tsr_fdo_row_fn *fn;
    void *arg;
} give;

static bool give_row(void *arg, const tsr_store_document *row)
{
    const give *g = arg;

    g->fn(g->arg, row->name, row->body);
    return true;
}

static tsr_err list(tsr_fdo *f, int kind, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                    void *arg)
{
    give g = { fn, arg };

    return fdo_list(f, kind, after, limit != 0 ? limit : 100, give_row, &g);
}

static tsr_err get(tsr_fdo *f, int kind, const char *name, tsr_fdo_row_fn *fn, void *arg)
{
    tsr_buf body = { 0 };
    tsr_err err = fdo_fetch(f, kind, name, &body);

    if (err == TSR_OK)
        fn(arg, name, tsr_buf_view(&body));
    free(body.ptr);
    return err;
}

tsr_err tsr_fdo_result_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                            void *arg)
{
    return list(f, TSR_STORE_FDO_RESULT, after, limit, fn, arg);
}

tsr_err tsr_fdo_result_get(tsr_fdo *f, const char *name, tsr_fdo_row_fn *fn, void *arg)
{
    return get(f, TSR_STORE_FDO_RESULT, name, fn, arg);
}

tsr_err tsr_fdo_plan_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                          void *arg)
{
    return list(f, TSR_STORE_FDO_PLAN, after, limit, fn, arg);
}

tsr_err tsr_fdo_plan_get(tsr_fdo *f, const char *name, tsr_fdo_row_fn *fn, void *arg)
{
    tsr_buf body = { 0 }, shown = { 0 };
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_PLAN, name, &body);

    if (err == TSR_OK) {
        fdo_plan_show(&shown, tsr_buf_view(&body));
        err = shown.err;
    }
    if (err == TSR_OK)
        fn(arg, name, tsr_buf_view(&shown));
    rest_wipe(&body);
    free(shown.ptr);
    return err;
}

/* The plan as it will be kept: files that stay are put into it. */
static tsr_err take_plan(tsr_fdo *f, const char *name, tsr_bytes json, tsr_buf *plan, int64_t *rank, char *why,
                         size_t why_cap)
{
    tsr_buf stored = { 0 };
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_PLAN, name, &stored);

    if (err == TSR_OK || err == TSR_E_NOT_FOUND)
        err = fdo_plan_keep_files(json, tsr_buf_view(&stored), plan, why, why_cap);
    rest_wipe(&stored);
    if (err == TSR_OK)
        err = fdo_plan_check(tsr_buf_view(plan), rank, why, why_cap);
    if (err == TSR_OK && !fdo_plan_name_good(name)) {
        (void)snprintf(why, why_cap, "a plan is named by a GUID, a group or `default`: letters, digits and "
                                     "._-, 1 to 64 of them");
        err = TSR_E_ARGUMENT;
    }
    return err;
}

tsr_err tsr_fdo_plan_check(tsr_fdo *f, const char *name, tsr_bytes json, char *why, size_t why_cap)
{
    tsr_buf plan = { 0 };
    int64_t rank;
    tsr_err err = take_plan(f, name, json, &plan, &rank, why, why_cap);

    rest_wipe(&plan);
    return err;
}

tsr_err tsr_fdo_plan_set(tsr_fdo *f, const char *name, tsr_bytes json, char *why, size_t why_cap)
{
    tsr_buf plan = { 0 };
    tsr_store_document row = { .kind = TSR_STORE_FDO_PLAN, .name = name, .label = fdo_plan_label(name) };
    tsr_err err = take_plan(f, name, json, &plan, &row.rank, why, why_cap);

    row.body = tsr_buf_view(&plan);
    if (err == TSR_OK)
        err = fdo_keep_all(f, &row, 1);
    rest_wipe(&plan);
    return err;
}

tsr_err tsr_fdo_plan_delete(tsr_fdo *f, const char *name)
{
    tsr_buf body = { 0 };
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_PLAN, name, &body);

    free(body.ptr);
    return err == TSR_OK ? fdo_forget(f, TSR_STORE_FDO_PLAN, name) : err;
}

tsr_err tsr_fdo_voucher_export(tsr_fdo *f, const char *guid, tsr_buf *pem)
{
    tsr_buf voucher = { 0 };
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_VOUCHER, guid, &voucher);

    if (err == TSR_OK) {
        fdo_voucher_put_pem(pem, tsr_buf_view(&voucher));
        err = pem->err;
    }
    free(voucher.ptr);
    return err;
}

/* --- taking in -------------------------------------------------------------------------- */

static tsr_err refuse(char *why, size_t why_cap, const char *text)
{
    (void)snprintf(why, why_cap, "%s", text);
    return TSR_E_DENIED;
}

/* A voucher may replace one of the same device only when it is longer: it was sold further. */
static tsr_err check_import(tsr_fdo *f, const tsr_fdo_voucher *v, char *why, size_t why_cap)
{
    const char *wrong;
    tsr_fdo_key owner;
    tsr_fdo_voucher old;
    tsr_buf room = { 0 };
    tsr_err err;

    wrong = fdo_voucher_wrong(f->roots, v, &owner);
    if (wrong != NULL)
        return refuse(why, why_cap, wrong);
    if (fdo_key_of(&f->owners, &owner) == NULL && fdo_key_of(&f->makers, &owner) == NULL)
        return refuse(why, why_cap, "it ends with a key that is not of this server: let its present "
                                    "owner extend it to a key here");
    err = fdo_inventory_voucher(f, v->header.guid, &room);
    if (err == TSR_OK && tsr_fdo_voucher_read(tsr_buf_view(&room), &old) == TSR_OK &&
        old.count > v->count)
        err = refuse(why, why_cap, "a voucher of this device with more entries is here");
    else if (err == TSR_E_NOT_FOUND)
        err = TSR_OK;
    free(room.ptr);
    return err;
}

tsr_err tsr_fdo_voucher_import(tsr_fdo *f, tsr_bytes content, char guid[33], char *why,
                               size_t why_cap)
{
    static const fdo_device imported = { .state = "imported" };
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    char info[FDO_TEXT_MAX + 1] = "";
    fdo_device device = imported;
    tsr_err err = fdo_voucher_decode(content, &room);

    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(&room), &v);
    if (err != TSR_OK || room.len > FDO_VOUCHER_MAX) {
        err = refuse(why, why_cap, "it is no ownership voucher of FDO 1.1 in PEM or CBOR");
    } else {
        err = check_import(f, &v, why, why_cap);
        if (v.header.device_info.len <= FDO_TEXT_MAX)
            memcpy(info, v.header.device_info.ptr, v.header.device_info.len);
        device.info = info;
    }
    if (err == TSR_OK) {
        fdo_guid_text(v.header.guid, guid);
        err = fdo_inventory_add(f, v.header.guid, tsr_buf_view(&room), &device);
    }
    if (err == TSR_OK)
        fdo_reach(f, guid, TSR_FDO_IMPORTED, "");
    free(room.ptr);
    return err;
}

/* --- handing over ----------------------------------------------------------------------- */

static tsr_err extend(tsr_fdo *f, tsr_buf *voucher, tsr_bytes next, char *why, size_t why_cap)
{
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    const fdo_key *key = NULL;
    tsr_err err = tsr_fdo_voucher_read(tsr_buf_view(voucher), &v);

    if (err == TSR_OK)
        err = tsr_fdo_voucher_owner(&v, &owner);
    if (err == TSR_OK) {
        key = fdo_key_of(&f->owners, &owner);
        key = key != NULL ? key : fdo_key_of(&f->makers, &owner);
    }
    if (key == NULL)
        return refuse(why, why_cap, "the device is not this server's any more: its voucher ends with "
                                    "another's key");
    err = fdo_voucher_extend(voucher, key, next);
    return err == TSR_E_TYPE
               ? refuse(why, why_cap,
                        "the next owner's key is of another type than the voucher's keys are")
               : err;
}

tsr_err tsr_fdo_voucher_hand_over(tsr_fdo *f, const char *guid, tsr_bytes next_pem, char *why,
                                  size_t why_cap)
{
    static const fdo_device extended = { .state = "extended" };
    uint8_t room[TSR_FDO_DER_KEY_MAX + 16];
    tsr_buf next = tsr_buf_over(room, sizeof room), voucher = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    char words[FDO_KEY_WORDS];
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_VOUCHER, guid, &voucher);

    if (err == TSR_OK && fdo_public_parse(next_pem, &next) != TSR_OK)
        err = refuse(why, why_cap, "that is no public key or certificate for P-256, P-384 or RSA with "
                                   "2048 or 3072 bits");
    if (err == TSR_OK)
        err = extend(f, &voucher, tsr_buf_view(&next), why, why_cap);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(&voucher), &v);
    if (err == TSR_OK)
        err = fdo_inventory_add(f, v.header.guid, tsr_buf_view(&voucher), &extended);
    if (err == TSR_OK && tsr_fdo_voucher_owner(&v, &owner) == TSR_OK) {
        fdo_key_words(&owner, words);
        fdo_reach(f, guid, TSR_FDO_EXTENDED, words);
    }
    free(voucher.ptr);
    return err;
}
