/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/page.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/rest/handlers.h"

bool rest_page_open(rest_page *p, rest_exchange *x)
{
    uint64_t limit;

    if (rest_query_number(x, "limit", 1, 1000, 100, &limit) != TSR_OK)
        return false;
    p->limit = (size_t)limit;
    p->j = tsr_json_to(&p->out);
    rest_room(&p->out, 64);
    tsr_json_open_object(&p->j);
    tsr_json_put_key(&p->j, "items");
    tsr_json_open_array(&p->j);
    return true;
}

size_t rest_page_asks(const rest_page *p) { return p->limit + 1; }

bool rest_page_takes(rest_page *p, const char *text)
{
    if (p->count == p->limit) {
        p->more = true;
        return false;
    }
    p->count++;
    (void)snprintf(p->last, sizeof p->last, "%s", text);
    return true;
}

void rest_page_give(rest_page *p, rest_exchange *x, tsr_err err)
{
    if (err != TSR_OK) {
        free(p->out.ptr);
        rest_fail_err(x, err, "the list");
        return;
    }
    tsr_json_close(&p->j);
    rest_room(&p->out, 64 + 6 * strlen(p->last));
    rest_put_text(&p->j, "next", p->more ? p->last : NULL);
    tsr_json_close(&p->j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &p->out);
}

void rest_row_open(rest_page *p) { p->j = tsr_json_to(&p->out); }

void rest_row_give(rest_page *p, rest_exchange *x, tsr_err err, rest_problem_kind unknown,
                   const char *remedy)
{
    if (err == TSR_OK) {
        rest_reply(x, MHD_HTTP_OK, "application/json", &p->out);
        return;
    }
    free(p->out.ptr);
    if (err == TSR_E_NOT_FOUND)
        rest_fail(x, unknown, "%s: %s", x->endpoint, remedy);
    else
        rest_fail_err(x, err, x->endpoint);
}
