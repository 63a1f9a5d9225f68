/* SPDX-License-Identifier: Apache-2.0
 *
 * The group that a device is in, whose plan it gets when it is onboarded. */
#include "server/fdo/fdo.h"

#include "server/rest/daemon.h"
#include "server/rest/handlers.h"

enum { GROUP_TEXT = 300 };

/* null: into none. */
static bool group_of(const tsr_json *body, char out[GROUP_TEXT])
{
    tsr_json item;

    out[0] = 0;
    if (tsr_json_find(body, "group", &item) != TSR_OK)
        return false;
    return item.kind == TSR_JSON_NULL ||
           (tsr_json_cstring(&item, out, GROUP_TEXT) == TSR_OK && out[0] != 0);
}

void rest_set_fdo_group(rest_exchange *x)
{
    tsr_fdo *f = x->rest->fdo;
    char group[GROUP_TEXT], why[200] = "";
    tsr_json body;
    tsr_err err;

    if (f == NULL) {
        rest_get_fdo_device(x); /* which says why not */
        return;
    }
    if (rest_body_json(x, &body) != TSR_OK || rest_body_only(x, &body, "group", NULL) != TSR_OK)
        return;
    if (!group_of(&body, group)) {
        rest_fail(x, REST_BAD_BODY, "send an object with `group`: the name of a plan, or null");
        return;
    }
    err = tsr_fdo_device_group(f, x->endpoint, group, why, sizeof why);
    if (err == TSR_E_ARGUMENT)
        rest_fail(x, REST_BAD_BODY, "%s", why);
    else if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        rest_fail_err(x, err, "the device");
    else
        rest_get_fdo_device(x); /* as it is now, or that it is not here */
}
