/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the writer thread (store.c) and a database. A database is a table of functions; the
 * writer alone calls the writing ones, each reader its own. */
#ifndef SERVER_STORE_BACKEND_H
#define SERVER_STORE_BACKEND_H

#include "server/store/store.h"

typedef enum {
    TSR_STORE_PUT_REGISTRATION,
    TSR_STORE_DELETE_REGISTRATION,
    TSR_STORE_TOUCH_REGISTRATION,
    TSR_STORE_PUT_OBSERVATION,
    TSR_STORE_DELETE_OBSERVATION,
    TSR_STORE_PUT_CREDENTIAL,
    TSR_STORE_DELETE_CREDENTIAL,
    TSR_STORE_PUT_EVENT,
    TSR_STORE_PUT_VALUE,
    TSR_STORE_PUT_SESSION,
    TSR_STORE_DELETE_SESSION,
    TSR_STORE_PUT_OSCORE,
    TSR_STORE_PUT_QUEUED,
    TSR_STORE_UPDATE_QUEUED,
    TSR_STORE_PURGE_QUEUED, /* finished_ms: up to then; attempts: how many stay */
    TSR_STORE_PUT_DOCUMENT,
    TSR_STORE_DELETE_DOCUMENT,
    TSR_STORE_FLUSH, /* no row: a mark in the queue */
} tsr_store_kind;

/** One queued row; its strings and bytes lie behind it in the same allocation. */
typedef struct tsr_store_op {
    struct tsr_store_op *next;
    size_t size; /* of the allocation, to be wiped: it may hold a key */
    tsr_store_kind kind;
    tsr_err err;
    tsr_store_done *done;
    void *arg;
    union {
        tsr_store_registration registration; /* put, delete, touch */
        tsr_store_observation observation;
        tsr_store_credential credential;
        tsr_store_event event;
        tsr_store_value value;
        tsr_store_session session;
        tsr_store_oscore oscore;
        tsr_store_queued queued;
        tsr_store_document document;
    } row;
} tsr_store_op;

typedef struct {
    /* Writer. `apply` sets op->err for a row that is refused by itself (TSR_E_EXISTS) and returns
     * TSR_OK; TSR_E_IO fails the whole batch, which is then rolled back. */
    tsr_err (*begin)(void *db);
    tsr_err (*apply)(void *db, tsr_store_op *op);
    tsr_err (*commit)(void *db);
    void (*rollback)(void *db);
    void (*trim_events)(void *db, uint64_t up_to);
    const char *(*error)(void *db); /* of the last failure: cause and remedy */
    void (*close)(void *db);

    /* Readers. */
    tsr_err (*reader_open)(void *db, void **reader);
    void (*reader_close)(void *reader);
    tsr_err (*registrations)(void *reader, tsr_store_registration_fn *fn, void *arg);
    tsr_err (*observations)(void *reader, const char *endpoint, tsr_store_observation_fn *fn,
                            void *arg);
    tsr_err (*credentials)(void *reader, const char *after, size_t limit,
                           tsr_store_credential_fn *fn, void *arg);
    tsr_err (*credential_get)(void *reader, const char *endpoint, tsr_store_credential_fn *fn,
                              void *arg);
    tsr_err (*credential_key)(void *reader, int mode, tsr_bytes identity,
                              tsr_store_credential_fn *fn, void *arg);
    tsr_err (*events)(void *reader, uint64_t after, size_t limit, const char *endpoint,
                      tsr_store_event_fn *fn, void *arg);
    tsr_err (*values)(void *reader, const char *endpoint, tsr_bytes prefix, tsr_store_value_fn *fn,
                      void *arg);
    tsr_err (*history)(void *reader, const char *endpoint, tsr_bytes path, int64_t after_ms,
                       size_t limit, tsr_store_value_fn *fn, void *arg);
    tsr_err (*sessions)(void *reader, tsr_store_session_fn *fn, void *arg);
    tsr_err (*oscores)(void *reader, const char *identity, tsr_store_oscore_fn *fn, void *arg);
    tsr_err (*queued_open)(void *reader, tsr_store_queued_fn *fn, void *arg);
    tsr_err (*queued_get)(void *reader, uint64_t id, tsr_store_queued_fn *fn, void *arg);
    tsr_err (*queued_list)(void *reader, const char *endpoint, bool open_only, uint64_t before,
                           size_t limit, tsr_store_queued_fn *fn, void *arg);
    tsr_err (*queued_last)(void *reader, uint64_t *id);
    tsr_err (*documents)(void *reader, int kind, tsr_store_lookup by, const char *key, size_t limit,
                         tsr_store_document_fn *fn, void *arg);
    tsr_err (*labelled)(void *reader, int kind, const char *label, const char *after, size_t limit,
                        tsr_store_document_fn *fn, void *arg);
    tsr_err (*labels)(void *reader, int kind, const char *after, size_t limit, tsr_store_label_fn *fn, void *arg);
} tsr_store_backend;

/** Starts the writer over an opened database; `db` is closed by tsr_store_close. */
tsr_err tsr_store_start(const tsr_store_config *config, const tsr_store_backend *backend, void *db,
                        uint64_t event_oldest, uint64_t event_last, tsr_store **out);

#endif
