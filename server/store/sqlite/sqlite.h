/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of the SQLite store: sqlite.c opens, write.c writes, read.c reads. */
#ifndef SERVER_STORE_SQLITE_SQLITE_H
#define SERVER_STORE_SQLITE_SQLITE_H

#include "server/store/backend.h"

#include <sqlite3.h>

enum {
    W_BEGIN,
    W_COMMIT,
    W_PUT_REGISTRATION,
    W_DELETE_REGISTRATION,
    W_TOUCH_REGISTRATION,
    W_PUT_OBSERVATION,
    W_DELETE_OBSERVATION,
    W_DELETE_OBSERVATIONS,
    W_PUT_CREDENTIAL,
    W_DELETE_CREDENTIAL,
    W_PUT_EVENT,
    W_TRIM_EVENTS,
    W_PUT_VALUE,
    W_PUT_HISTORY,
    W_PUT_OSCORE,
    W_PUT_SESSION,
    W_DELETE_SESSION,
    W_PUT_QUEUED,
    W_UPDATE_QUEUED,
    W_PURGE_OLD,
    W_PURGE_MANY,
    W_PUT_DOCUMENT,
    W_DELETE_DOCUMENT,
    W_COUNT
};

typedef struct {
    char *directory;
    int lock_fd;
    uint32_t history;
    sqlite3 *writer;
    sqlite3_stmt *write[W_COUNT];
    char error[600];
} sqlite_store;

/** Keeps what went wrong with the writer, and what to do about it, in words. */
void sqlite_explain(sqlite_store *db, int code);

extern const char *const sqlite_writes[W_COUNT];
tsr_err sqlite_begin(void *db);
tsr_err sqlite_commit(void *db);
void sqlite_rollback(void *db);
tsr_err sqlite_apply(void *db, tsr_store_op *op);
void sqlite_trim_events(void *db, uint64_t up_to);

tsr_err sqlite_reader_open(void *db, void **reader);
void sqlite_reader_close(void *reader);
tsr_err sqlite_registrations(void *arg, tsr_store_registration_fn *fn, void *fn_arg);
tsr_err sqlite_observations(void *arg, const char *endpoint, tsr_store_observation_fn *fn,
                            void *fn_arg);
tsr_err sqlite_credentials(void *arg, const char *after, size_t limit,
                           tsr_store_credential_fn *fn, void *fn_arg);
tsr_err sqlite_credential_get(void *arg, const char *endpoint, tsr_store_credential_fn *fn,
                              void *fn_arg);
tsr_err sqlite_credential_key(void *arg, int mode, tsr_bytes identity,
                              tsr_store_credential_fn *fn, void *fn_arg);
tsr_err sqlite_events(void *arg, uint64_t after, size_t limit, const char *endpoint,
                      tsr_store_event_fn *fn, void *fn_arg);
tsr_err sqlite_values(void *arg, const char *endpoint, tsr_bytes prefix, tsr_store_value_fn *fn,
                      void *fn_arg);
tsr_err sqlite_history(void *arg, const char *endpoint, tsr_bytes path, int64_t after_ms,
                       size_t limit, tsr_store_value_fn *fn, void *fn_arg);
tsr_err sqlite_sessions(void *arg, tsr_store_session_fn *fn, void *fn_arg);
tsr_err sqlite_oscores(void *arg, const char *identity, tsr_store_oscore_fn *fn, void *fn_arg);
tsr_err sqlite_queued_open(void *arg, tsr_store_queued_fn *fn, void *fn_arg);
tsr_err sqlite_queued_get(void *arg, uint64_t id, tsr_store_queued_fn *fn, void *fn_arg);
tsr_err sqlite_queued_list(void *arg, const char *endpoint, bool open_only, uint64_t before,
                           size_t limit, tsr_store_queued_fn *fn, void *fn_arg);
tsr_err sqlite_queued_last(void *arg, uint64_t *id);
tsr_err sqlite_documents(void *arg, int kind, tsr_store_lookup by, const char *key, size_t limit,
                         tsr_store_document_fn *fn, void *fn_arg);
tsr_err sqlite_labelled(void *arg, int kind, const char *label, const char *after, size_t limit,
                        tsr_store_document_fn *fn, void *fn_arg);
tsr_err sqlite_labels(void *arg, int kind, const char *after, size_t limit, tsr_store_label_fn *fn, void *fn_arg);

#endif
