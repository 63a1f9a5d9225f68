/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices of FIDO Device Onboard and their vouchers. */
#include "server/fdo/fdo.h"

#include <stdlib.h>

#include "server/rest/daemon.h"
#include "server/rest/handlers.h"
#include "server/rest/page.h"
#include "server/rest/room.h"
#include "tessera/json/base64.h"

/* NULL: answered. */
static tsr_fdo *service(rest_exchange *x)
{
    if (x->rest->fdo == NULL)
        rest_fail(x, REST_NOT_POSSIBLE,
                  "this server has no part in FIDO Device Onboard; start it with --fdo");
    return x->rest->fdo;
}

static void put_row(void *arg, const char *guid, tsr_bytes json)
{
    rest_page *p = arg;

    if (!rest_page_takes(p, guid))
        return;
    rest_room(&p->out, json.len + 16);
    tsr_json_put_raw(&p->j, json);
}

typedef tsr_err lister(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn, void *arg);

static void give_list(rest_exchange *x, lister *from, tsr_fdo_row_fn *put)
{
    tsr_fdo *f = service(x);
    rest_page page = { 0 };

    if (f != NULL && rest_page_open(&page, x))
        rest_page_give(&page, x, from(f, rest_query(x, "cursor"), rest_page_asks(&page), put,
                                      &page));
}

void rest_list_fdo_devices(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    rest_page page = { 0 };

    if (f != NULL && rest_page_open(&page, x))
        rest_page_give(&page, x, tsr_fdo_device_list(f, rest_query(x, "group"), rest_query(x, "cursor"),
                                                     rest_page_asks(&page), put_row, &page));
}

void rest_list_fdo_groups(rest_exchange *x) { give_list(x, tsr_fdo_group_list, put_row); }

static void put_one(void *arg, const char *guid, tsr_bytes json)
{
    rest_page *p = arg;

    (void)guid;
    rest_room(&p->out, json.len + 16);
    tsr_json_put_raw(&p->j, json);
}

static void give_device(rest_exchange *x, tsr_fdo *f, const char *guid)
{
    rest_page page = { 0 };

    rest_row_open(&page);
    rest_row_give(&page, x, tsr_fdo_device_get(f, guid, put_one, &page), REST_UNKNOWN_VOUCHER,
                  "no device with this GUID was made here, and no voucher of it was imported");
}

void rest_get_fdo_device(rest_exchange *x)
{
    tsr_fdo *f = service(x);

    if (f != NULL)
        give_device(x, f, x->endpoint);
}

static void fail(rest_exchange *x, tsr_err err, const char *why)
{
    if (err == TSR_E_DENIED)
        rest_fail(x, REST_VOUCHER_REFUSED, "%s", why);
    else if (err == TSR_E_NOT_FOUND)
        rest_fail(x, REST_UNKNOWN_VOUCHER, "there is no voucher of this GUID here");
    else
        rest_fail_err(x, err, "the voucher");
}

static void give_json(rest_exchange *x, tsr_err err, tsr_buf *json)
{
    if (err == TSR_OK) {
        rest_reply(x, MHD_HTTP_OK, "application/json", json);
        return;
    }
    free(json->ptr);
    fail(x, err, "");
}

void rest_get_voucher(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    tsr_buf json = { 0 };

    if (f != NULL)
        give_json(x, tsr_fdo_voucher_tell(f, x->endpoint, &json), &json);
}

void rest_get_fdo(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    tsr_buf json = { 0 };

    if (f != NULL)
        give_json(x, tsr_fdo_service_tell(f, &json), &json);
}

void rest_list_fdo_redirects(rest_exchange *x) { give_list(x, tsr_fdo_redirect_list, put_row); }

/* The text member that a body has to have, on the heap. NULL: answered. */
static char *text_of_body(rest_exchange *x, const char *name)
{
    tsr_json body;
    char *text;

    if (rest_body_json(x, &body) != TSR_OK || rest_body_only(x, &body, name, NULL) != TSR_OK)
        return NULL;
    text = malloc(body.text.len + 1);
    if (text != NULL && tsr_json_find_cstring(&body, name, text, body.text.len + 1) == TSR_OK)
        return text;
    free(text);
    rest_fail(x, REST_BAD_BODY, "send an object with the text `%s`", name);
    return NULL;
}

void rest_import_voucher(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    char guid[33] = "", why[400] = "";
    char *text = f != NULL ? text_of_body(x, "voucher") : NULL;
    tsr_err err;

    if (text == NULL)
        return;
    err = tsr_fdo_voucher_import(f, tsr_text(text), guid, why, sizeof why);
    free(text);
    memcpy(x->about, guid, sizeof guid);
    if (err == TSR_OK)
        give_device(x, f, guid);
    else
        fail(x, err, why);
}

void rest_extend_voucher(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    char why[400] = "";
    char *text = f != NULL ? text_of_body(x, "to") : NULL;
    tsr_err err;

    if (text == NULL)
        return;
    err = tsr_fdo_voucher_hand_over(f, x->endpoint, tsr_text(text), why, sizeof why);
    free(text);
    if (err == TSR_OK)
        give_device(x, f, x->endpoint);
    else
        fail(x, err, why);
}

/* --- plans, and what they brought ------------------------------------------------------- */

static void put_name(void *arg, const char *name, tsr_bytes body)
{
    rest_page *p = arg;

    if (!rest_page_takes(p, name))
        return;
    rest_room(&p->out, 6 * strlen(name) + 128);
    tsr_json_open_object(&p->j);
    rest_put_text(&p->j, "name", name);
    rest_put_count(&p->j, "bytes", body.len);
    tsr_json_close(&p->j);
}

/* What can be said of a plan without its files. */
static void put_plan(void *arg, const char *name, tsr_bytes body)
{
    rest_page *p = arg;
    tsr_json plan, item, step;
    tsr_json_walk steps;

    if (!rest_page_takes(p, name) || tsr_json_parse(body, &plan, NULL) != TSR_OK)
        return;
    rest_room(&p->out, 6 * strlen(name) + body.len + 128); /* what follows stands in the body */
    tsr_json_open_object(&p->j);
    rest_put_text(&p->j, "name", name);
    rest_put_count(&p->j, "bytes", body.len);
    if (tsr_json_find(&plan, "device_info", &item) == TSR_OK) {
        tsr_json_put_key(&p->j, "device_info");
        tsr_json_put_raw(&p->j, item.text);
    }
    tsr_json_put_key(&p->j, "steps");
    tsr_json_open_array(&p->j);
    if (tsr_json_find(&plan, "steps", &item) == TSR_OK)
        for (steps = tsr_json_items(&item); tsr_json_next(&steps, NULL, &step);)
            if (tsr_json_find(&step, "module", &item) == TSR_OK)
                tsr_json_put_raw(&p->j, item.text);
    tsr_json_close(&p->j);
    tsr_json_close(&p->j);
}

void rest_list_fdo_plans(rest_exchange *x) { give_list(x, tsr_fdo_plan_list, put_plan); }

void rest_list_fdo_results(rest_exchange *x) { give_list(x, tsr_fdo_result_list, put_name); }

typedef tsr_err plan_fn(tsr_fdo *f, const char *name, tsr_bytes json, char *why, size_t why_cap);

static void take_plan(rest_exchange *x, plan_fn *fn)
{
    tsr_fdo *f = service(x);
    char why[400] = "";
    tsr_json body;
    tsr_err err;

    if (f == NULL || rest_body_json(x, &body) != TSR_OK)
        return;
    err = fn(f, x->endpoint, body.text, why, sizeof why);
    if (err == TSR_OK)
        rest_reply_empty(x);
    else if (err == TSR_E_ARGUMENT)
        rest_fail(x, REST_BAD_BODY, "%s", why);
    else
        rest_fail_err(x, err, x->endpoint);
}

void rest_set_fdo_plan(rest_exchange *x) { take_plan(x, tsr_fdo_plan_set); }

void rest_check_fdo_plan(rest_exchange *x) { take_plan(x, tsr_fdo_plan_check); }

static const char no_plan[] = "there is no plan of this name";

void rest_get_fdo_plan(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    rest_page page = { 0 };

    if (f == NULL)
        return;
    rest_row_open(&page);
    rest_row_give(&page, x, tsr_fdo_plan_get(f, x->endpoint, put_one, &page), REST_UNKNOWN_PLAN, no_plan);
}

void rest_delete_fdo_plan(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    tsr_err err = f != NULL ? tsr_fdo_plan_delete(f, x->endpoint) : TSR_OK;

    if (f == NULL)
        return;
    if (err == TSR_OK)
        rest_reply_empty(x);
    else if (err == TSR_E_NOT_FOUND)
        rest_fail(x, REST_UNKNOWN_PLAN, "%s: %s", x->endpoint, no_plan);
    else
        rest_fail_err(x, err, x->endpoint);
}

static void put_result(void *arg, const char *name, tsr_bytes body)
{
    rest_page *p = arg;
    tsr_buf text = { 0 };

    rest_room(&text, body.len / 3 * 4 + 8);
    tsr_base64_put(&text, body);
    rest_room(&p->out, text.len + 6 * strlen(name) + 128);
    tsr_json_open_object(&p->j);
    rest_put_text(&p->j, "name", name);
    tsr_json_put_key(&p->j, "data");
    tsr_json_put_string(&p->j, tsr_buf_view(&text));
    tsr_json_close(&p->j);
    free(text.ptr);
}

void rest_get_fdo_result(rest_exchange *x)
{
    tsr_fdo *f = service(x);
    rest_page page = { 0 };

    if (f == NULL)
        return;
    rest_row_open(&page);
    rest_row_give(&page, x, tsr_fdo_result_get(f, x->endpoint, put_result, &page),
                  REST_UNKNOWN_VOUCHER, "no step of a plan brought such a thing");
}
