/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log: who changed what, and what devices and owners became of it. Two books, each bounded by
 * itself, so that whoever is refused over and over cannot push out what was done. */
#ifndef SERVER_AUDIT_AUDIT_H
#define SERVER_AUDIT_AUDIT_H

#include "server/store/store.h"

typedef struct tsr_audit tsr_audit;

typedef enum {
    TSR_AUDIT_DONE,    /* by an operator, or by a peer that proved who it is */
    TSR_AUDIT_REFUSED, /* by anybody: at most 10 a second are written down one by one */
} tsr_audit_book;

enum { TSR_AUDIT_PER_SECOND = 10 };

/** Text is UTF-8; what is none, and what is too long, is cut off. */
typedef struct {
    const char *who;    /* "operator 127.0.0.1", "peer 192.0.2.7" */
    const char *what;   /* "voucher-imported": one word */
    const char *about;  /* a GUID, an endpoint, a name; "": nothing in particular */
    const char *detail; /* "": none */
} tsr_audit_entry;

/** Goes on with what is in the store.
 *  units   keep: entries of each book; 0: 20,000
 *  owner   tsr_audit_close, before the store
 *  errors  TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_audit_open(tsr_store *store, uint64_t keep, tsr_audit **out);
void tsr_audit_close(tsr_audit *a);

/** Writes down what was done, and waits until it is on the disk. NULL: nothing happens.
 *  errors  TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_audit_put(tsr_audit *a, const tsr_audit_entry *e);

/** The same without waiting: it is on the disk with the next commit, 5 ms later at most. For
 *  protocols, whose answers wait for a commit of their own. False: there were too many refusals in this
 *  second; the next that is written says how many were left out. NULL: nothing happens, true. */
bool tsr_audit_note(tsr_audit *a, tsr_audit_book book, const tsr_audit_entry *e);

/** One entry as JSON (docs/openapi.yaml, AuditEntry); `cursor` is where it stands. */
typedef void tsr_audit_fn(void *arg, const char *cursor, tsr_bytes json);

/** Newest first, those that are older than `after` (NULL: from the newest), at most `limit`.
 *  errors  TSR_E_IO */
tsr_err tsr_audit_list(tsr_audit *a, tsr_audit_book book, const char *after, size_t limit,
                       tsr_audit_fn *fn, void *arg);

#endif
