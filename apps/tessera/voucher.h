/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera voucher: what its files share. */
#ifndef APPS_TESSERA_VOUCHER_H
#define APPS_TESSERA_VOUCHER_H

#include "server/fdo/vouchers.h"

enum { VOUCHER_DONE, VOUCHER_USAGE, VOUCHER_NO_FILE, VOUCHER_REFUSED, VOUCHER_SERVER };

typedef struct {
    const char *file, *trust, *key, *to, *out, *server, *token_file;
    bool cbor;
} voucher_options;

/** Says on stderr what went wrong, and gives the code back. `more`: "" for none. */
int voucher_complain(int code, const char *text, const char *more);

/** Reads a voucher from a file. owner: free(room->ptr), in every case. VOUCHER_DONE, or said. */
int voucher_load(const char *file, tsr_buf *room, tsr_fdo_voucher *v);

/** Writes it where the options say, as PEM or CBOR. VOUCHER_DONE, or said. */
int voucher_save(const voucher_options *o, tsr_bytes voucher);

/** Verifies it whole; `name` is for the complaint. VOUCHER_DONE, or said. */
int voucher_check(const voucher_options *o, const char *name, const tsr_fdo_voucher *v,
                  tsr_fdo_key *owner);

/* voucher_server.c */
int voucher_import(const voucher_options *o);
int voucher_export(const voucher_options *o);

#endif
