/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates that were issued here, and which of them were revoked. A row is named
 * "endpoint/serial", so that those of an endpoint stand together, newest anywhere among them. */
#ifndef SERVER_BOOTSTRAP_LEDGER_H
#define SERVER_BOOTSTRAP_LEDGER_H

#include "server/bootstrap/authority.h"
#include "server/store/store.h"

enum { LEDGER_NAME_MAX = 255 + 1 + 2 * BS_SERIAL_LEN };

/** Puts a certificate down; `done` when it is on the disk.
 *  shown   under what the request came: "psk:IDENTITY" or "x509:COMMON NAME"
 *  errors  TSR_E_SPACE: done will not be called */
tsr_err ledger_put(tsr_store *store, const char *endpoint, const char *shown,
                   const bs_issued *issued, tsr_store_done *done, void *arg);

/** How many of the endpoint's have neither ended nor been revoked. */
size_t ledger_live(tsr_store_reader *reader, const char *endpoint, int64_t now_s);

/** Whether this very number is that endpoint's, neither ended nor revoked. */
bool ledger_is_live(tsr_store_reader *reader, const char *serial, const char *endpoint,
                    int64_t now_s);

#endif
