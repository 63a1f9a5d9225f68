/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store's readers: each has its own connection, which the writer never blocks (WAL). */
#include "server/store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    R_REGISTRATIONS,
    R_OBSERVATIONS,
    R_OBSERVATIONS_OF,
    R_CREDENTIALS,
    R_CREDENTIAL,
    R_CREDENTIAL_KEY,
    R_CREDENTIAL_OSCORE,
    R_EVENTS,
    R_EVENTS_OF,
    R_VALUES,
    R_HISTORY,
    R_SESSIONS,
    R_OSCORES,
    R_QUEUED_OPEN,
    R_QUEUED,
    R_QUEUED_LIST,
    R_QUEUED_LIST_OF,
    R_QUEUED_LAST,
    R_DOCUMENT, /* four, in the order of tsr_store_lookup */
    R_DOCUMENT_ALIAS,
    R_DOCUMENTS_AFTER,
    R_DOCUMENTS_RANK,
    R_LABELLED,
    R_LABELS,
    R_COUNT
};

#define OBSERVATION "SELECT endpoint,path,params,token,format,since_ms FROM observation"
#define CREDENTIAL  "SELECT endpoint,mode,identity,length(key),changed_ms,IFNULL(oscore,''),required"
#define COLUMNS     "SELECT name,alias,rank,changed_ms,body FROM document"
#define DOCUMENT    COLUMNS " WHERE kind=?1"
#define EVENT       "SELECT id,time_ms,endpoint,body FROM event WHERE id>?1"
#define QUEUED                                                                                     \
    "SELECT id,endpoint,path,kind,state,created_ms,expires_ms,sent_ms,finished_ms,attempts,"       \
    "outcome,code,detail"

static const char *const reads[R_COUNT] = {
    [R_REGISTRATIONS] = "SELECT * FROM registration",
    [R_OBSERVATIONS] = OBSERVATION,
    [R_OBSERVATIONS_OF] = OBSERVATION " WHERE endpoint=?1",
    [R_CREDENTIALS] = CREDENTIAL " FROM credential WHERE endpoint>?1 ORDER BY endpoint LIMIT ?2",
    [R_CREDENTIAL] = CREDENTIAL " FROM credential WHERE endpoint=?1",
    [R_CREDENTIAL_KEY] = CREDENTIAL ",key FROM credential WHERE mode=?1 AND identity=?2",
    [R_CREDENTIAL_OSCORE] = CREDENTIAL ",CASE WHEN mode=3 THEN key ELSE oscore_key END FROM credential"
                                       " WHERE oscore=?2 AND ?1=3",
    [R_EVENTS] = EVENT " ORDER BY id LIMIT ?2",
    [R_EVENTS_OF] = EVENT " AND endpoint=?3 ORDER BY id LIMIT ?2",
    [R_VALUES] = "SELECT path,received_ms,body FROM value WHERE endpoint=?1 AND path>=?2"
                 " AND (?3 IS NULL OR path<?3) ORDER BY path",
    [R_HISTORY] = "SELECT path,received_ms,body FROM (SELECT path,received_ms,body,count FROM"
                  " history WHERE endpoint=?1 AND path=?2 AND received_ms>?3 ORDER BY count DESC"
                  " LIMIT ?4) ORDER BY count",
    [R_SESSIONS] = "SELECT cid,parked_ms,body FROM session",
    [R_OSCORES] = "SELECT mark,state FROM oscore WHERE identity=?1",
    [R_QUEUED_OPEN] = QUEUED ",request,NULL FROM queued WHERE state<=1 ORDER BY id",
    [R_QUEUED] = QUEUED ",NULL,result FROM queued WHERE id=?1",
    [R_QUEUED_LIST] = QUEUED ",NULL,NULL FROM queued WHERE id<?1 AND state<=?2 ORDER BY id DESC"
                             " LIMIT ?3",
    [R_QUEUED_LIST_OF] = QUEUED ",NULL,NULL FROM queued WHERE id<?1 AND state<=?2 AND endpoint=?4"
                                " ORDER BY id DESC LIMIT ?3",
    [R_QUEUED_LAST] = "SELECT seq FROM sqlite_sequence WHERE name='queued'",
    [R_DOCUMENT] = DOCUMENT " AND name=?2 LIMIT ?3",
    [R_DOCUMENT_ALIAS] = DOCUMENT " AND alias=?2 LIMIT ?3",
    [R_DOCUMENTS_AFTER] = DOCUMENT " AND name>?2 ORDER BY name LIMIT ?3",
    [R_DOCUMENTS_RANK] = DOCUMENT " AND rank>0 AND ?2='' ORDER BY rank DESC, name LIMIT ?3",
    /* Named, since SQLite would walk the names of all labels: those are in order, too. */
    [R_LABELLED] = COLUMNS " INDEXED BY document_label WHERE kind=?1 AND label=?4 AND name>?2 ORDER BY name LIMIT ?3",
    [R_LABELS] = "SELECT label,counted FROM label WHERE kind=?1 AND label>?2 ORDER BY label LIMIT ?3",
};

typedef struct {
    sqlite3 *db;
    sqlite3_stmt *read[R_COUNT];
} sqlite_reader;

tsr_err sqlite_reader_open(void *arg, void **out)
{
    sqlite_store *store = arg;
    sqlite_reader *r = calloc(1, sizeof *r);
    char path[4200];

    if (!r)
        return TSR_E_SPACE;
    (void)snprintf(path, sizeof path, "%s/tessera.db", store->directory);
    if (sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        sqlite_reader_close(r);
        return TSR_E_IO;
    }
    sqlite3_busy_timeout(r->db, 5000);
    sqlite3_exec(r->db, "PRAGMA query_only=ON", NULL, NULL, NULL);
    *out = r;
    return TSR_OK;
}

void sqlite_reader_close(void *arg)
{
    sqlite_reader *r = arg;

    for (size_t i = 0; i < R_COUNT; i++)
        sqlite3_finalize(r->read[i]);
    sqlite3_close(r->db);
    free(r);
}

/* Prepares at first use; each statement then stays for the reader's life. */
static sqlite3_stmt *get(sqlite_reader *r, int which)
{
    if (!r->read[which])
        sqlite3_prepare_v3(r->db, reads[which], -1, SQLITE_PREPARE_PERSISTENT, &r->read[which],
                           NULL);
    return r->read[which];
}

static const char *text(sqlite3_stmt *q, int column)
{
    const unsigned char *t = sqlite3_column_text(q, column);

    return t ? (const char *)t : "";
}

static tsr_bytes blob(sqlite3_stmt *q, int column)
{
    const void *p = sqlite3_column_blob(q, column);
    int n = sqlite3_column_bytes(q, column);

    return tsr_view(p, n > 0 ? (size_t)n : 0);
}

static tsr_err finish(sqlite3_stmt *q, int rc)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? TSR_OK : TSR_E_IO;
}

tsr_err sqlite_registrations(void *arg, tsr_store_registration_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_REGISTRATIONS);
    int rc;

    if (!q)
        return TSR_E_IO;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_registration row = {
            .endpoint = text(q, 0),
            .location = text(q, 1),
            .version = text(q, 2),
            .binding = text(q, 3),
            .sms = text(q, 4),
            .root = text(q, 5),
            .address = text(q, 6),
            .identity = text(q, 7),
            .security = sqlite3_column_int(q, 8),
            .queue_mode = sqlite3_column_int(q, 9) != 0,
            .lifetime_s = (uint32_t)sqlite3_column_int64(q, 10),
            .registered_ms = sqlite3_column_int64(q, 11),
            .updated_ms = sqlite3_column_int64(q, 12),
            .expires_ms = sqlite3_column_int64(q, 13),
            .links = blob(q, 14),
        };

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

tsr_err sqlite_observations(void *arg, const char *endpoint, tsr_store_observation_fn *fn,
                            void *fn_arg)
{
    sqlite3_stmt *q = get(arg, endpoint ? R_OBSERVATIONS_OF : R_OBSERVATIONS);
    int rc;

    if (!q)
        return TSR_E_IO;
    if (endpoint)
        sqlite3_bind_text(q, 1, endpoint, -1, SQLITE_STATIC);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_observation row = {
            .endpoint = text(q, 0),
            .path = text(q, 1),
            .params = text(q, 2),
            .token = blob(q, 3),
            .format = (uint16_t)sqlite3_column_int(q, 4),
            .since_ms = sqlite3_column_int64(q, 5),
        };

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

static tsr_store_credential credential_row(sqlite3_stmt *q, bool with_key)
{
    return (tsr_store_credential){
        .endpoint = text(q, 0),
        .mode = sqlite3_column_int(q, 1),
        .identity = text(q, 2),
        .key_len = (size_t)sqlite3_column_int64(q, 3),
        .changed_ms = sqlite3_column_int64(q, 4),
        .oscore = text(q, 5),
        .required = sqlite3_column_int(q, 6) != 0,
        .key = with_key ? blob(q, 7) : tsr_view(NULL, 0),
    };
}

tsr_err sqlite_credentials(void *arg, const char *after, size_t limit, tsr_store_credential_fn *fn,
                           void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_CREDENTIALS);
    int rc;

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_text(q, 1, after ? after : "", -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, (int64_t)limit);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_credential row = credential_row(q, false);

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

static tsr_err one_credential(sqlite3_stmt *q, bool with_key, tsr_store_credential_fn *fn,
                              void *fn_arg)
{
    int rc = sqlite3_step(q);

    if (rc == SQLITE_ROW) {
        tsr_store_credential row = credential_row(q, with_key);

        fn(fn_arg, &row);
    }

    tsr_err err = finish(q, rc);

    return err == TSR_OK && rc == SQLITE_DONE ? TSR_E_NOT_FOUND : err;
}

tsr_err sqlite_credential_get(void *arg, const char *endpoint, tsr_store_credential_fn *fn,
                              void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_CREDENTIAL);

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_text(q, 1, endpoint, -1, SQLITE_STATIC);
    return one_credential(q, false, fn, fn_arg);
}

tsr_err sqlite_credential_key(void *arg, int mode, tsr_bytes identity, tsr_store_credential_fn *fn,
                              void *fn_arg)
{
    sqlite3_stmt *q = get(arg, mode == 3 ? R_CREDENTIAL_OSCORE : R_CREDENTIAL_KEY);

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_int(q, 1, mode);
    sqlite3_bind_text64(q, 2, identity.len ? (const char *)identity.ptr : "", identity.len,
                        SQLITE_STATIC, SQLITE_UTF8);
    return one_credential(q, true, fn, fn_arg);
}

tsr_err sqlite_events(void *arg, uint64_t after, size_t limit, const char *endpoint,
                      tsr_store_event_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, endpoint ? R_EVENTS_OF : R_EVENTS);
    int rc;

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_int64(q, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    sqlite3_bind_int64(q, 2, (int64_t)limit);
    if (endpoint)
        sqlite3_bind_text(q, 3, endpoint, -1, SQLITE_STATIC);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_event row = {
            .id = (uint64_t)sqlite3_column_int64(q, 0),
            .time_ms = sqlite3_column_int64(q, 1),
            .endpoint = text(q, 2),
            .body = blob(q, 3),
        };

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

static tsr_err value_rows(sqlite3_stmt *q, const char *endpoint, tsr_store_value_fn *fn,
                          void *fn_arg)
{
    int rc;

    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_value row = {
            .endpoint = endpoint,
            .path = blob(q, 0),
            .received_ms = sqlite3_column_int64(q, 1),
            .body = blob(q, 2),
        };

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

static void bind_bytes(sqlite3_stmt *q, int i, tsr_bytes bytes)
{
    sqlite3_bind_blob64(q, i, bytes.len ? (const void *)bytes.ptr : "", bytes.len, SQLITE_STATIC);
}

/* The smallest key above all that begin with `prefix`; length 0 when there is none. */
static size_t prefix_end(tsr_bytes prefix, uint8_t end[16])
{
    size_t n = prefix.len <= 16 ? prefix.len : 16;

    if (n)
        memcpy(end, prefix.ptr, n);
    while (n && end[n - 1] == 0xff)
        n--;
    if (n)
        end[n - 1]++;
    return n;
}

tsr_err sqlite_values(void *arg, const char *endpoint, tsr_bytes prefix, tsr_store_value_fn *fn,
                      void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_VALUES);
    uint8_t end[16];

    if (!q)
        return TSR_E_IO;

    size_t end_len = prefix_end(prefix, end);

    sqlite3_bind_text(q, 1, endpoint, -1, SQLITE_STATIC);
    bind_bytes(q, 2, prefix);
    if (end_len)
        bind_bytes(q, 3, tsr_view(end, end_len));
    return value_rows(q, endpoint, fn, fn_arg);
}

tsr_err sqlite_history(void *arg, const char *endpoint, tsr_bytes path, int64_t after_ms,
                       size_t limit, tsr_store_value_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_HISTORY);

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_text(q, 1, endpoint, -1, SQLITE_STATIC);
    bind_bytes(q, 2, path);
    sqlite3_bind_int64(q, 3, after_ms);
    sqlite3_bind_int64(q, 4, (int64_t)limit);
    return value_rows(q, endpoint, fn, fn_arg);
}

tsr_err sqlite_oscores(void *arg, const char *identity, tsr_store_oscore_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_OSCORES);
    int rc;

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_text(q, 1, identity, -1, SQLITE_STATIC);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_oscore row = { identity, blob(q, 0), blob(q, 1) };

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

tsr_err sqlite_sessions(void *arg, tsr_store_session_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_SESSIONS);
    int rc;

    if (!q)
        return TSR_E_IO;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_session row = {
            .cid = blob(q, 0),
            .parked_ms = sqlite3_column_int64(q, 1),
            .body = blob(q, 2),
        };

        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

static tsr_err queued_rows(sqlite3_stmt *q, size_t *count, tsr_store_queued_fn *fn, void *arg)
{
    int rc;

    *count = 0;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_queued row = {
            .id = (uint64_t)sqlite3_column_int64(q, 0),
            .endpoint = text(q, 1),
            .path = text(q, 2),
            .kind = sqlite3_column_int(q, 3),
            .state = sqlite3_column_int(q, 4),
            .created_ms = sqlite3_column_int64(q, 5),
            .expires_ms = sqlite3_column_int64(q, 6),
            .sent_ms = sqlite3_column_int64(q, 7),
            .finished_ms = sqlite3_column_int64(q, 8),
            .attempts = (uint32_t)sqlite3_column_int64(q, 9),
            .outcome = sqlite3_column_int(q, 10),
            .code = sqlite3_column_int(q, 11),
            .detail = text(q, 12),
            .request = blob(q, 13),
            .result = blob(q, 14),
        };

        ++*count;
        if (!fn(arg, &row))
            break;
    }
    return finish(q, rc);
}

tsr_err sqlite_queued_open(void *arg, tsr_store_queued_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_QUEUED_OPEN);
    size_t count;

    return q ? queued_rows(q, &count, fn, fn_arg) : TSR_E_IO;
}

tsr_err sqlite_queued_get(void *arg, uint64_t id, tsr_store_queued_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_QUEUED);
    size_t count;

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_int64(q, 1, (int64_t)id);

    tsr_err err = queued_rows(q, &count, fn, fn_arg);

    return err == TSR_OK && count == 0 ? TSR_E_NOT_FOUND : err;
}

tsr_err sqlite_queued_list(void *arg, const char *endpoint, bool open_only, uint64_t before,
                           size_t limit, tsr_store_queued_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, endpoint ? R_QUEUED_LIST_OF : R_QUEUED_LIST);
    size_t count;

    if (!q)
        return TSR_E_IO;
    sqlite3_bind_int64(q, 1, before > INT64_MAX ? INT64_MAX : (int64_t)before);
    sqlite3_bind_int(q, 2, open_only ? TSR_STORE_QUEUED_OPEN : INT32_MAX);
    sqlite3_bind_int64(q, 3, (int64_t)limit);
    if (endpoint)
        sqlite3_bind_text(q, 4, endpoint, -1, SQLITE_STATIC);
    return queued_rows(q, &count, fn, fn_arg);
}

tsr_err sqlite_queued_last(void *arg, uint64_t *id)
{
    sqlite3_stmt *q = get(arg, R_QUEUED_LAST);

    if (!q)
        return TSR_E_IO;

    int rc = sqlite3_step(q);

    *id = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
    return finish(q, rc);
}

static void bind_page(sqlite3_stmt *q, int kind, const char *key, size_t limit)
{
    sqlite3_bind_int(q, 1, kind);
    sqlite3_bind_text(q, 2, key ? key : "", -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 3, limit ? (int64_t)limit : -1);
}

static tsr_err document_rows(sqlite3_stmt *q, int kind, bool *any, tsr_store_document_fn *fn, void *fn_arg)
{
    int rc;

    *any = false;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        tsr_store_document row = {
            .kind = kind,
            .name = text(q, 0),
            .alias = text(q, 1),
            .rank = sqlite3_column_int64(q, 2),
            .changed_ms = sqlite3_column_int64(q, 3),
            .body = blob(q, 4),
        };

        *any = true;
        if (!fn(fn_arg, &row))
            break;
    }
    return finish(q, rc);
}

tsr_err sqlite_documents(void *arg, int kind, tsr_store_lookup by, const char *key, size_t limit,
                         tsr_store_document_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_DOCUMENT + (int)by);
    bool any;

    if (!q)
        return TSR_E_IO;
    bind_page(q, kind, key, limit);

    tsr_err err = document_rows(q, kind, &any, fn, fn_arg);

    return err == TSR_OK && !any && by <= TSR_STORE_BY_ALIAS ? TSR_E_NOT_FOUND : err;
}

tsr_err sqlite_labelled(void *arg, int kind, const char *label, const char *after, size_t limit,
                        tsr_store_document_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_LABELLED);
    bool any;

    if (!q)
        return TSR_E_IO;
    bind_page(q, kind, after, limit);
    sqlite3_bind_text(q, 4, label, -1, SQLITE_STATIC);
    return document_rows(q, kind, &any, fn, fn_arg);
}

tsr_err sqlite_labels(void *arg, int kind, const char *after, size_t limit, tsr_store_label_fn *fn, void *fn_arg)
{
    sqlite3_stmt *q = get(arg, R_LABELS);
    int rc;

    if (!q)
        return TSR_E_IO;
    bind_page(q, kind, after, limit);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW)
        if (!fn(fn_arg, text(q, 0), (uint64_t)sqlite3_column_int64(q, 1)))
            break;
    return finish(q, rc);
}
