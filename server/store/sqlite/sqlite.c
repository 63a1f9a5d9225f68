/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in one SQLite file: opening, schema, and the writer's side. */
#define _GNU_SOURCE
#include "server/store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x54535231 /* "TSR1" */

/* Version 1. What came later is in `upgrades`, so that a store of any older version is brought up
 * to date in the same transaction that says so. */
static const char schema[] =
    "CREATE TABLE registration(endpoint TEXT PRIMARY KEY, location TEXT NOT NULL UNIQUE,"
    " version TEXT, binding TEXT, sms TEXT, root TEXT, address TEXT, identity TEXT,"
    " security INTEGER, queue_mode INTEGER, lifetime_s INTEGER, registered_ms INTEGER,"
    " updated_ms INTEGER, expires_ms INTEGER, links BLOB) WITHOUT ROWID;"
    "CREATE TABLE observation(endpoint TEXT, path TEXT, params TEXT, token BLOB, format INTEGER,"
    " since_ms INTEGER, PRIMARY KEY(endpoint, path)) WITHOUT ROWID;"
    "CREATE TABLE credential(endpoint TEXT PRIMARY KEY, mode INTEGER, identity TEXT NOT NULL,"
    " key BLOB, changed_ms INTEGER, UNIQUE(mode, identity)) WITHOUT ROWID;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, time_ms INTEGER, endpoint TEXT, body BLOB);"
    "CREATE TABLE value(endpoint TEXT, path BLOB, received_ms INTEGER, count INTEGER, body BLOB,"
    " PRIMARY KEY(endpoint, path)) WITHOUT ROWID;"
    "CREATE TABLE history(endpoint TEXT, path BLOB, slot INTEGER, count INTEGER,"
    " received_ms INTEGER, body BLOB, PRIMARY KEY(endpoint, path, slot)) WITHOUT ROWID;"
    "CREATE TABLE session(cid BLOB PRIMARY KEY, parked_ms INTEGER, body BLOB) WITHOUT ROWID;";

static const char *const upgrades[] = {
    /* AUTOINCREMENT: the id of a request whose result was forgotten never names another one. */
    "CREATE TABLE queued(id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, path TEXT,"
    " kind INTEGER, state INTEGER, created_ms INTEGER, expires_ms INTEGER, sent_ms INTEGER,"
    " finished_ms INTEGER, attempts INTEGER, outcome INTEGER, code INTEGER, detail TEXT,"
    " request BLOB, result BLOB);"
    "CREATE INDEX queued_of ON queued(endpoint, id);"
    "CREATE INDEX queued_open ON queued(id) WHERE state<=1;"
    "CREATE INDEX queued_over ON queued(finished_ms) WHERE state>1;",
    "CREATE TABLE document(kind INTEGER, name TEXT, alias TEXT, rank INTEGER,"
    " changed_ms INTEGER, body BLOB, PRIMARY KEY(kind, name), UNIQUE(kind, alias)) WITHOUT ROWID;"
    "CREATE INDEX document_rank ON document(kind, rank DESC, name) WHERE rank>0;",
    ("CREATE TABLE oscore(identity TEXT, mark BLOB, state BLOB, PRIMARY KEY(identity, mark))"
     " WITHOUT ROWID;"),
};

enum {
    UPGRADES = sizeof upgrades / sizeof upgrades[0],
    SCHEMA_VERSION = 1 + UPGRADES,
};

static const char *const writes[W_COUNT] = {
    [W_BEGIN] = "BEGIN IMMEDIATE",
    [W_COMMIT] = "COMMIT",
    [W_PUT_REGISTRATION] = "INSERT OR REPLACE INTO registration VALUES"
                           "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)",
    [W_DELETE_REGISTRATION] = "DELETE FROM registration WHERE endpoint=?1 AND location=?2",
    [W_TOUCH_REGISTRATION] = "UPDATE registration SET address=?3, updated_ms=?4, expires_ms=?5"
                             " WHERE endpoint=?1 AND location=?2",
    [W_PUT_OBSERVATION] = "INSERT OR REPLACE INTO observation VALUES(?1,?2,?3,?4,?5,?6)",
    [W_DELETE_OBSERVATION] = "DELETE FROM observation WHERE endpoint=?1 AND path=?2",
    [W_DELETE_OBSERVATIONS] = "DELETE FROM observation WHERE endpoint=?1",
    [W_PUT_CREDENTIAL] = "INSERT INTO credential VALUES(?1,?2,?3,?4,?5) ON CONFLICT(endpoint)"
                         " DO UPDATE SET mode=?2, identity=?3, key=?4, changed_ms=?5",
    [W_DELETE_CREDENTIAL] = "DELETE FROM credential WHERE endpoint=?1",
    [W_PUT_EVENT] = "INSERT INTO event VALUES(?1,?2,?3,?4)",
    [W_TRIM_EVENTS] = "DELETE FROM event WHERE id<=?1",
    [W_PUT_VALUE] = "INSERT INTO value VALUES(?1,?2,?3,0,?4) ON CONFLICT(endpoint,path)"
                    " DO UPDATE SET received_ms=?3, count=count+1, body=?4 RETURNING count",
    [W_PUT_HISTORY] = "INSERT OR REPLACE INTO history VALUES(?1,?2,?3,?4,?5,?6)",
    [W_PUT_OSCORE] = "INSERT OR REPLACE INTO oscore VALUES(?1,?2,?3)",
    [W_PUT_SESSION] = "INSERT OR REPLACE INTO session VALUES(?1,?2,?3)",
    [W_DELETE_SESSION] = "DELETE FROM session WHERE cid=?1",
    [W_PUT_QUEUED] = "INSERT INTO queued VALUES(?1,?2,?3,?4,?5,?6,?7,0,0,0,0,0,'',?8,NULL)",
    [W_UPDATE_QUEUED] = "UPDATE queued SET state=?2, sent_ms=?3, finished_ms=?4, attempts=?5,"
                        " outcome=?6, code=?7, detail=?8, result=?9,"
                        " request=CASE WHEN ?2<=1 THEN request END WHERE id=?1",
    [W_PURGE_OLD] = "DELETE FROM queued WHERE state>1 AND finished_ms<?1",
    [W_PURGE_MANY] = "DELETE FROM queued WHERE state>1 AND finished_ms<=(SELECT finished_ms FROM"
                     " queued WHERE state>1 ORDER BY finished_ms DESC LIMIT 1 OFFSET ?1)",
    [W_PUT_DOCUMENT] = "INSERT INTO document VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(kind,name)"
                       " DO UPDATE SET alias=?3, rank=?4, changed_ms=?5, body=?6",
    [W_DELETE_DOCUMENT] = "DELETE FROM document WHERE kind=?1 AND name=?2",
};

/* --- errors in words -------------------------------------------------------------------- */

static const char *remedy(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL: return "the disk is full: free space; writing goes on by itself";
    case SQLITE_IOERR: return "the disk or its quota refuses: free space or check the disk";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return "check owner and mode of the data directory";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "the file is damaged: restore a backup, or try `sqlite3 tessera.db .recover`, or "
               "move "
               "it away to start empty (devices then register anew, credentials are lost)";
    case SQLITE_BUSY: return "another program holds the file: close it";
    default: return "see the SQLite error";
    }
}

static void explain(sqlite_store *db, int code)
{
    (void)snprintf(db->error, sizeof db->error, "%s/tessera.db: %s (%s)", db->directory,
                   sqlite3_errmsg(db->writer), remedy(code));
}

/* --- the writer ------------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *q, int i, const char *text)
{
    sqlite3_bind_text(q, i, text, -1, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *q, int i, tsr_bytes bytes)
{
    sqlite3_bind_blob64(q, i, bytes.len ? (const void *)bytes.ptr : "", bytes.len, SQLITE_STATIC);
}

/* Runs a bound statement to its end; SQLite keeps no pointer of ours afterwards. */
static int run(sqlite3_stmt *q)
{
    int rc;

    do
        rc = sqlite3_step(q);
    while (rc == SQLITE_ROW);

    int reset = sqlite3_reset(q);

    sqlite3_clear_bindings(q);
    return rc == SQLITE_DONE ? reset : rc;
}

static tsr_err checked(sqlite_store *db, int rc)
{
    if (rc == SQLITE_OK)
        return TSR_OK;
    explain(db, rc);
    return TSR_E_IO;
}

static tsr_err begin(void *arg)
{
    sqlite_store *db = arg;

    return checked(db, run(db->write[W_BEGIN]));
}

static tsr_err commit(void *arg)
{
    sqlite_store *db = arg;

    return checked(db, run(db->write[W_COMMIT]));
}

static void rollback(void *arg)
{
    sqlite_store *db = arg;

    /* Some failures have rolled back already; a second time is harmless. */
    sqlite3_exec(db->writer, "ROLLBACK", NULL, NULL, NULL);
}

static int put_registration(sqlite_store *db, const tsr_store_registration *r)
{
    sqlite3_stmt *q = db->write[W_PUT_REGISTRATION];

    bind_text(q, 1, r->endpoint);
    bind_text(q, 2, r->location);
    bind_text(q, 3, r->version);
    bind_text(q, 4, r->binding);
    bind_text(q, 5, r->sms);
    bind_text(q, 6, r->root);
    bind_text(q, 7, r->address);
    bind_text(q, 8, r->identity);
    sqlite3_bind_int(q, 9, r->security);
    sqlite3_bind_int(q, 10, r->queue_mode);
    sqlite3_bind_int64(q, 11, r->lifetime_s);
    sqlite3_bind_int64(q, 12, r->registered_ms);
    sqlite3_bind_int64(q, 13, r->updated_ms);
    sqlite3_bind_int64(q, 14, r->expires_ms);
    bind_blob(q, 15, r->links);
    return run(q);
}

static int delete_registration(sqlite_store *db, const tsr_store_registration *r)
{
    sqlite3_stmt *q = db->write[W_DELETE_REGISTRATION];

    bind_text(q, 1, r->endpoint);
    bind_text(q, 2, r->location);

    int rc = run(q);

    /* A newer registration of this endpoint keeps its observations. */
    if (rc != SQLITE_OK || sqlite3_changes(db->writer) == 0)
        return rc;
    q = db->write[W_DELETE_OBSERVATIONS];
    bind_text(q, 1, r->endpoint);
    return run(q);
}

static int touch_registration(sqlite_store *db, const tsr_store_registration *r)
{
    sqlite3_stmt *q = db->write[W_TOUCH_REGISTRATION];

    bind_text(q, 1, r->endpoint);
    bind_text(q, 2, r->location);
    bind_text(q, 3, r->address);
    sqlite3_bind_int64(q, 4, r->updated_ms);
    sqlite3_bind_int64(q, 5, r->expires_ms);
    return run(q);
}

static int put_observation(sqlite_store *db, const tsr_store_observation *o)
{
    sqlite3_stmt *q = db->write[W_PUT_OBSERVATION];

    bind_text(q, 1, o->endpoint);
    bind_text(q, 2, o->path);
    bind_text(q, 3, o->params);
    bind_blob(q, 4, o->token);
    sqlite3_bind_int(q, 5, o->format);
    sqlite3_bind_int64(q, 6, o->since_ms);
    return run(q);
}

static int delete_observation(sqlite_store *db, const tsr_store_observation *o)
{
    sqlite3_stmt *q = db->write[o->path[0] ? W_DELETE_OBSERVATION : W_DELETE_OBSERVATIONS];

    bind_text(q, 1, o->endpoint);
    if (o->path[0])
        bind_text(q, 2, o->path);
    return run(q);
}

static int put_credential(sqlite_store *db, const tsr_store_credential *c)
{
    sqlite3_stmt *q = db->write[W_PUT_CREDENTIAL];

    bind_text(q, 1, c->endpoint);
    sqlite3_bind_int(q, 2, c->mode);
    bind_text(q, 3, c->identity);
    bind_blob(q, 4, c->key);
    sqlite3_bind_int64(q, 5, c->changed_ms);
    return run(q);
}

static int put_event(sqlite_store *db, const tsr_store_event *e)
{
    sqlite3_stmt *q = db->write[W_PUT_EVENT];

    sqlite3_bind_int64(q, 1, (int64_t)e->id);
    sqlite3_bind_int64(q, 2, e->time_ms);
    bind_text(q, 3, e->endpoint);
    bind_blob(q, 4, e->body);
    return run(q);
}

static int put_value(sqlite_store *db, const tsr_store_value *v)
{
    sqlite3_stmt *q = db->write[W_PUT_VALUE];
    int64_t count = 0;

    bind_text(q, 1, v->endpoint);
    bind_blob(q, 2, v->path);
    sqlite3_bind_int64(q, 3, v->received_ms);
    bind_blob(q, 4, v->body);
    if (sqlite3_step(q) == SQLITE_ROW)
        count = sqlite3_column_int64(q, 0);

    int rc = run(q);

    if (rc != SQLITE_OK || db->history == 0)
        return rc;
    /* The slots are a ring, so that history never has to be searched for what is too old. */
    q = db->write[W_PUT_HISTORY];
    bind_text(q, 1, v->endpoint);
    bind_blob(q, 2, v->path);
    sqlite3_bind_int64(q, 3, count % db->history);
    sqlite3_bind_int64(q, 4, count);
    sqlite3_bind_int64(q, 5, v->received_ms);
    bind_blob(q, 6, v->body);
    return run(q);
}

static int put_session(sqlite_store *db, const tsr_store_session *p)
{
    sqlite3_stmt *q = db->write[W_PUT_SESSION];

    bind_blob(q, 1, p->cid);
    sqlite3_bind_int64(q, 2, p->parked_ms);
    bind_blob(q, 3, p->body);
    return run(q);
}

static int put_oscore(sqlite_store *db, const tsr_store_oscore *o)
{
    sqlite3_stmt *q = db->write[W_PUT_OSCORE];

    bind_text(q, 1, o->identity);
    bind_blob(q, 2, o->mark);
    bind_blob(q, 3, o->state);
    return run(q);
}

static int put_queued(sqlite_store *db, const tsr_store_queued *r)
{
    sqlite3_stmt *q = db->write[W_PUT_QUEUED];

    sqlite3_bind_int64(q, 1, (int64_t)r->id);
    bind_text(q, 2, r->endpoint);
    bind_text(q, 3, r->path);
    sqlite3_bind_int(q, 4, r->kind);
    sqlite3_bind_int(q, 5, r->state);
    sqlite3_bind_int64(q, 6, r->created_ms);
    sqlite3_bind_int64(q, 7, r->expires_ms);
    bind_blob(q, 8, r->request);
    return run(q);
}

static int update_queued(sqlite_store *db, const tsr_store_queued *r)
{
    sqlite3_stmt *q = db->write[W_UPDATE_QUEUED];

    sqlite3_bind_int64(q, 1, (int64_t)r->id);
    sqlite3_bind_int(q, 2, r->state);
    sqlite3_bind_int64(q, 3, r->sent_ms);
    sqlite3_bind_int64(q, 4, r->finished_ms);
    sqlite3_bind_int64(q, 5, r->attempts);
    sqlite3_bind_int(q, 6, r->outcome);
    sqlite3_bind_int(q, 7, r->code);
    bind_text(q, 8, r->detail);
    if (r->result.len)
        bind_blob(q, 9, r->result);
    return run(q);
}

static int purge_queued(sqlite_store *db, const tsr_store_queued *r)
{
    sqlite3_stmt *q = db->write[W_PURGE_OLD];

    sqlite3_bind_int64(q, 1, r->finished_ms);

    int rc = run(q);

    if (rc != SQLITE_OK)
        return rc;
    q = db->write[W_PURGE_MANY];
    sqlite3_bind_int64(q, 1, r->attempts);
    return run(q);
}

static int put_document(sqlite_store *db, const tsr_store_document *d)
{
    sqlite3_stmt *q = db->write[W_PUT_DOCUMENT];

    sqlite3_bind_int(q, 1, d->kind);
    bind_text(q, 2, d->name);
    if (d->alias[0]) /* NULL equals no other */
        bind_text(q, 3, d->alias);
    sqlite3_bind_int64(q, 4, d->rank);
    sqlite3_bind_int64(q, 5, d->changed_ms);
    bind_blob(q, 6, d->body);
    return run(q);
}

static int delete_document(sqlite_store *db, const tsr_store_document *d)
{
    sqlite3_stmt *q = db->write[W_DELETE_DOCUMENT];

    sqlite3_bind_int(q, 1, d->kind);
    bind_text(q, 2, d->name);
    return run(q);
}

static int apply_row(sqlite_store *db, const tsr_store_op *op)
{
    switch (op->kind) {
    case TSR_STORE_PUT_REGISTRATION: return put_registration(db, &op->row.registration);
    case TSR_STORE_DELETE_REGISTRATION: return delete_registration(db, &op->row.registration);
    case TSR_STORE_TOUCH_REGISTRATION: return touch_registration(db, &op->row.registration);
    case TSR_STORE_PUT_OBSERVATION: return put_observation(db, &op->row.observation);
    case TSR_STORE_DELETE_OBSERVATION: return delete_observation(db, &op->row.observation);
    case TSR_STORE_PUT_CREDENTIAL: return put_credential(db, &op->row.credential);
    case TSR_STORE_DELETE_CREDENTIAL:
        bind_text(db->write[W_DELETE_CREDENTIAL], 1, op->row.credential.endpoint);
        return run(db->write[W_DELETE_CREDENTIAL]);
    case TSR_STORE_PUT_EVENT: return put_event(db, &op->row.event);
    case TSR_STORE_PUT_VALUE: return put_value(db, &op->row.value);
    case TSR_STORE_PUT_OSCORE: return put_oscore(db, &op->row.oscore);
    case TSR_STORE_PUT_SESSION: return put_session(db, &op->row.session);
    case TSR_STORE_DELETE_SESSION:
        bind_blob(db->write[W_DELETE_SESSION], 1, op->row.session.cid);
        return run(db->write[W_DELETE_SESSION]);
    case TSR_STORE_PUT_QUEUED: return put_queued(db, &op->row.queued);
    case TSR_STORE_UPDATE_QUEUED: return update_queued(db, &op->row.queued);
    case TSR_STORE_PURGE_QUEUED: return purge_queued(db, &op->row.queued);
    case TSR_STORE_PUT_DOCUMENT: return put_document(db, &op->row.document);
    case TSR_STORE_DELETE_DOCUMENT: return delete_document(db, &op->row.document);
    case TSR_STORE_FLUSH: return SQLITE_OK;
    }
    return SQLITE_OK;
}

static tsr_err apply(void *arg, tsr_store_op *op)
{
    sqlite_store *db = arg;
    int rc = apply_row(db, op);

    if ((rc & 0xff) == SQLITE_CONSTRAINT) { /* the statement is undone, the batch goes on */
        op->err = TSR_E_EXISTS;
        return TSR_OK;
    }
    return checked(db, rc);
}

static void trim_events(void *arg, uint64_t up_to)
{
    sqlite_store *db = arg;

    sqlite3_bind_int64(db->write[W_TRIM_EVENTS], 1, (int64_t)up_to);
    run(db->write[W_TRIM_EVENTS]);
}

static const char *error(void *arg) { return ((sqlite_store *)arg)->error; }

static void close_db(void *arg)
{
    sqlite_store *db = arg;

    for (size_t i = 0; i < W_COUNT; i++)
        sqlite3_finalize(db->write[i]);
    sqlite3_close(db->writer);
    if (db->lock_fd >= 0)
        close(db->lock_fd);
    free(db->directory);
    free(db);
}

static const tsr_store_backend backend = {
    .begin = begin,
    .apply = apply,
    .commit = commit,
    .rollback = rollback,
    .trim_events = trim_events,
    .error = error,
    .close = close_db,
    .reader_open = sqlite_reader_open,
    .reader_close = sqlite_reader_close,
    .registrations = sqlite_registrations,
    .observations = sqlite_observations,
    .credentials = sqlite_credentials,
    .credential_get = sqlite_credential_get,
    .credential_key = sqlite_credential_key,
    .events = sqlite_events,
    .values = sqlite_values,
    .history = sqlite_history,
    .sessions = sqlite_sessions,
    .oscores = sqlite_oscores,
    .queued_open = sqlite_queued_open,
    .queued_get = sqlite_queued_get,
    .queued_list = sqlite_queued_list,
    .queued_last = sqlite_queued_last,
    .documents = sqlite_documents,
};

/* --- opening ---------------------------------------------------------------------------- */

static tsr_err say(sqlite_store *db, tsr_err err, const char *what)
{
    (void)snprintf(db->error, sizeof db->error, "%s: %s", db->directory, what);
    return err;
}

/* One server per directory: two would both believe that what they hold in memory is all. */
static tsr_err lock_directory(sqlite_store *db)
{
    char path[4096];

    if (mkdir(db->directory, 0700) != 0 && errno != EEXIST)
        return say(db, TSR_E_IO, strerror(errno));
    if ((size_t)snprintf(path, sizeof path, "%s/lock", db->directory) >= sizeof path)
        return say(db, TSR_E_IO, "the name is too long: use a shorter --data directory");
    db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (db->lock_fd < 0)
        return say(db, TSR_E_IO, strerror(errno));
    if (flock(db->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return say(db, TSR_E_STATE,
                   "another server uses this directory: stop it, or give this one "
                   "its own --data directory");
    return TSR_OK;
}

static int64_t pragma(sqlite_store *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t v = -1;

    if (sqlite3_prepare_v2(db->writer, sql, -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW)
        v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

static tsr_err opening_failed(sqlite_store *db, int rc)
{
    int code = rc & 0xff;

    explain(db, rc);
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? TSR_E_MALFORMED : TSR_E_IO;
}

static int exec(sqlite_store *db, const char *sql)
{
    return sqlite3_exec(db->writer, sql, NULL, NULL, NULL);
}

/* Reads every page once. A store that lost rows must not start: devices would be told 4.04. */
static tsr_err check_whole(sqlite_store *db)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db->writer, "PRAGMA quick_check(1)", -1, &q, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(q, 0);
        bool good = verdict && strcmp(verdict, "ok") == 0;

        if (!good) /* the verdict's first line is a heading */
            (void)snprintf(db->error, sizeof db->error,
                           "%s/tessera.db: the check found %.100s (%s)", db->directory,
                           verdict && strchr(verdict, '\n') ? strchr(verdict, '\n') + 1 : "damage",
                           remedy(SQLITE_CORRUPT));
        sqlite3_finalize(q);
        return good ? TSR_OK : TSR_E_MALFORMED;
    }

    tsr_err err = opening_failed(db, rc);

    sqlite3_finalize(q);
    return err;
}

/* From an empty file (0), or from an older version: all of it or nothing. */
static tsr_err bring_up(sqlite_store *db, int64_t version)
{
    char set[120];
    int rc = exec(db, "BEGIN IMMEDIATE");

    (void)snprintf(set, sizeof set, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                   APPLICATION_ID, SCHEMA_VERSION);
    if (rc == SQLITE_OK && version == 0)
        rc = exec(db, schema);
    for (int64_t i = version > 1 ? version - 1 : 0; i < UPGRADES && rc == SQLITE_OK; i++)
        rc = exec(db, upgrades[i]);
    if (rc == SQLITE_OK)
        rc = exec(db, set);
    if (rc == SQLITE_OK)
        rc = exec(db, "COMMIT");
    if (rc == SQLITE_OK)
        return TSR_OK;

    tsr_err err = opening_failed(db, rc);

    rollback(db);
    return err;
}

static tsr_err make_or_check_schema(sqlite_store *db)
{
    int rc = exec(db, "PRAGMA schema_version"); /* the first read; a file that is none fails here */

    if (rc != SQLITE_OK)
        return opening_failed(db, rc);
    if (pragma(db, "PRAGMA schema_version") == 0)
        return bring_up(db, 0);
    if (pragma(db, "PRAGMA application_id") != APPLICATION_ID)
        return say(db, TSR_E_MALFORMED,
                   "tessera.db is another program's database: name another "
                   "--data directory");

    int64_t version = pragma(db, "PRAGMA user_version");

    if (version < 1 || version > SCHEMA_VERSION)
        return say(db, TSR_E_MALFORMED,
                   "tessera.db was written by another version of this program: "
                   "use that version, or another --data directory");

    tsr_err err = check_whole(db);

    return err == TSR_OK && version < SCHEMA_VERSION ? bring_up(db, version) : err;
}

static tsr_err open_writer(sqlite_store *db)
{
    char path[4200];

    (void)snprintf(path, sizeof path, "%s/tessera.db", db->directory);

    /* The file must never be there with a wider mode, not even for a moment. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return say(db, TSR_E_IO, strerror(errno));
    if (fchmod(fd, 0600) != 0) {
        close(fd);
        return say(db, TSR_E_IO, strerror(errno));
    }
    close(fd);

    int rc = sqlite3_open_v2(path, &db->writer, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc != SQLITE_OK)
        return opening_failed(db, rc);
    sqlite3_busy_timeout(db->writer, 5000);

    tsr_err err = make_or_check_schema(db);

    if (err != TSR_OK)
        return err;
    /* FULL: a commit in the WAL is on the disk before it is reported. secure_delete: a replaced key
     * leaves no bytes in free pages. */
    rc = exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                  "PRAGMA temp_store=MEMORY;");
    if (rc != SQLITE_OK)
        return opening_failed(db, rc);
    for (size_t i = 0; i < W_COUNT; i++) {
        rc = sqlite3_prepare_v3(db->writer, writes[i], -1, SQLITE_PREPARE_PERSISTENT, &db->write[i],
                                NULL);
        if (rc != SQLITE_OK)
            return opening_failed(db, rc);
    }
    return TSR_OK;
}

tsr_err tsr_store_open_sqlite(const tsr_store_config *config, tsr_store **out, char *why,
                              size_t why_cap)
{
    sqlite_store *db = calloc(1, sizeof *db);

    if (!db)
        return TSR_E_SPACE;
    db->lock_fd = -1;
    db->history = config->history ? config->history : 100;
    db->directory = strdup(config->directory);

    tsr_err err = db->directory ? lock_directory(db) : TSR_E_SPACE;

    if (err == TSR_OK)
        err = open_writer(db);
    if (err == TSR_OK) {
        int64_t oldest = pragma(db, "SELECT min(id) FROM event");
        int64_t last = pragma(db, "SELECT max(id) FROM event");

        err = tsr_store_start(config, &backend, db, oldest < 0 ? 0 : (uint64_t)oldest,
                              last < 0 ? 0 : (uint64_t)last, out);
    }
    if (err != TSR_OK) {
        (void)snprintf(why, why_cap, "%s", db->error);
        close_db(db);
    }
    return err;
}
