/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of server/fdo share. */
#ifndef SERVER_FDO_SERVICE_H
#define SERVER_FDO_SERVICE_H

#include <stdatomic.h>

#include "server/fdo/authority.h"
#include "server/fdo/fdo.h"
#include "server/fdo/peers.h"
#include "server/fdo/session.h"
#include "server/fdo/vouchers.h"
#include "tessera/fdo/error.h"

enum {
    FDO_GUID_TEXT = 2 * TSR_FDO_GUID + 1,
    FDO_WAIT_S = 7 * 86400,
};

typedef struct fdo_to0 fdo_to0;

enum { FDO_LOCKS = 64 };

struct tsr_fdo {
    tsr_fdo_config config;
    fdo_sessions sessions;
    fdo_peers peers;
    fdo_keys makers, owners;
    fdo_authority *authority;       /* of devices; NULL: no manufacturer */
    struct mbedtls_x509_crt *roots; /* of devices; NULL: any */
    tsr_buf trusted;                /* PublicKeys, behind one another */
    tsr_buf rv_info;
    uint8_t next_owner[TSR_FDO_DER_KEY_MAX + 16]; /* PublicKey; empty: none, or "own" */
    size_t next_owner_len;
    pthread_mutex_t read_lock; /* guards the reader */
    tsr_store_reader *reader;
    pthread_mutex_t making[FDO_LOCKS]; /* one for each part of all devices' keys: inventory.c */
    pthread_mutex_t noting[FDO_LOCKS]; /* and of all GUIDs; taken after the other */
    struct MHD_Daemon *daemon;
    fdo_to0 *to0; /* NULL: nothing is registered anywhere */
    atomic_bool stopping;
};

/** What a handler makes of a message. */
typedef struct {
    uint8_t type;
    tsr_buf body;
    bool over;        /* the run ends with it */
    uint16_t code;    /* 0, or of the error: then `why` says it in the log */
    const char *why;  /* static */
} fdo_reply;

typedef void fdo_handler(tsr_fdo *f, fdo_session *s, tsr_bytes in, fdo_reply *r);

void fdo_refuse(fdo_reply *r, uint16_t code, const char *why);
/** By what a reader or a check said: 100, 101 or 500. */
void fdo_refuse_err(fdo_reply *r, tsr_err err, const char *why);

/* manufacturer.c, rendezvous.c, owner.c */
fdo_handler fdo_app_start, fdo_set_hmac;
fdo_handler fdo_to0_hello, fdo_owner_sign, fdo_hello_rv, fdo_prove_to_rv;
fdo_handler fdo_hello_device, fdo_next_entry, fdo_prove_device, fdo_device_ready, fdo_device_info,
    fdo_done;

/** A fresh nonce. errors TSR_E_CRYPTO */
tsr_err fdo_nonce(uint8_t nonce[TSR_FDO_NONCE]);
void fdo_guid_text(tsr_bytes guid, char out[FDO_GUID_TEXT]);
void fdo_log(const tsr_fdo *f, bool bad, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int64_t fdo_now_ms(void);

/* --- book.c: what is kept ---------------------------------------------------------------- */

/** Puts a document and waits until it is on the disk. errors TSR_E_IO, TSR_E_EXISTS */
tsr_err fdo_keep(tsr_fdo *f, int kind, const char *name, const char *alias, int64_t rank,
                 tsr_bytes body);
enum { FDO_KEEP_MAX = 4 };
/** The same for several, FDO_KEEP_MAX at most: they are there in this order, so a kill leaves the first
 *  of them. */
tsr_err fdo_keep_all(tsr_fdo *f, tsr_store_document *documents, size_t count);
tsr_err fdo_forget(tsr_fdo *f, int kind, const char *name);
/** A copy of the body on the heap; `out` NULL: only whether it is there. errors TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_fetch(tsr_fdo *f, int kind, const char *name, tsr_buf *out);

/** Documents whose names sort after `after`; the reader is held meanwhile: `fn` must not fetch. */
tsr_err fdo_list(tsr_fdo *f, int kind, const char *after, size_t limit, tsr_store_document_fn *fn,
                 void *arg);

#endif
