/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of rows that are ordered by a text, or one row by itself. Private to server/rest. */
#ifndef SERVER_REST_PAGE_H
#define SERVER_REST_PAGE_H

#include "server/rest/exchange.h"
#include "server/rest/put.h"

/** Zeroed at first. */
typedef struct {
    tsr_json_out j; /* rows are put here, with room made in `out` */
    tsr_buf out;
    size_t count, limit;
    /* the text of the last row, which is the cursor of the next page */
    char last[320];
    bool more;
} rest_page;

/** Begins the answer, from the query's `limit`. False: that was wrong, and is answered. */
bool rest_page_open(rest_page *p, rest_exchange *x);

/** How many rows to ask for: one more than the page takes. */
size_t rest_page_asks(const rest_page *p);

/** Whether the row of that text belongs to the page; the one behind it tells that there is more. */
bool rest_page_takes(rest_page *p, const char *text);

/** Answers with the page, or with what went wrong when the rows were fetched. */
void rest_page_give(rest_page *p, rest_exchange *x, tsr_err err);

/** Begins an answer of one row. */
void rest_row_open(rest_page *p);

/** Answers with it. `unknown` and `remedy` are for TSR_E_NOT_FOUND. */
void rest_row_give(rest_page *p, rest_exchange *x, tsr_err err, rest_problem_kind unknown,
                   const char *remedy);

#endif
