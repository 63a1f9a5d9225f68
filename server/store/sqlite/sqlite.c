/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in one SQLite file: opening and schema. write.c has the writer's side, read.c the readers'. */
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

/* Of a row's label, in a trigger. */
#define LABEL_MORE                                                                                                 \
    "INSERT INTO label SELECT NEW.kind, NEW.label, 1, NEW.rank>=0 WHERE NEW.label IS NOT NULL"                     \
    " ON CONFLICT(kind,label) DO UPDATE SET documents=documents+1, counted=counted+excluded.counted;"
#define LABEL_LESS                                                                                                 \
    "UPDATE label SET documents=documents-1, counted=counted-(OLD.rank>=0)"                                        \
    " WHERE kind=OLD.kind AND label=OLD.label;"                                                                    \
    "DELETE FROM label WHERE kind=OLD.kind AND label=OLD.label AND documents=0;"

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
    /* What protects messages may stand beside a credential for DTLS; mode 3 is it alone. */
    ("ALTER TABLE credential ADD COLUMN oscore TEXT;"
     "ALTER TABLE credential ADD COLUMN oscore_key BLOB;"
     "ALTER TABLE credential ADD COLUMN required INTEGER NOT NULL DEFAULT 1;"
     "UPDATE credential SET oscore=identity WHERE mode=3;"
     "CREATE UNIQUE INDEX credential_oscore ON credential(oscore);"),
    /* Labels are counted by whatever changes a row, within its transaction. The UPDATEs give theirs to what an older
     * version kept: devices have their group in their JSON, and plans that are no GUID's and not the default are groups'. */
    ("ALTER TABLE document ADD COLUMN label TEXT;"
     "CREATE INDEX document_label ON document(kind, label, name) WHERE label IS NOT NULL;"
     "CREATE TABLE label(kind INTEGER, label TEXT, documents INTEGER, counted INTEGER, PRIMARY KEY(kind, label))"
     " WITHOUT ROWID;"
     "CREATE TRIGGER document_put AFTER INSERT ON document WHEN NEW.label IS NOT NULL BEGIN " LABEL_MORE "END;"
     "CREATE TRIGGER document_deleted AFTER DELETE ON document WHEN OLD.label IS NOT NULL BEGIN " LABEL_LESS "END;"
     "CREATE TRIGGER document_moved AFTER UPDATE OF rank, label ON document"
     " WHEN OLD.label IS NOT NEW.label OR (OLD.rank<0)<>(NEW.rank<0) BEGIN " LABEL_MORE LABEL_LESS "END;"
     "UPDATE document SET label=NULLIF(json_extract(CAST(body AS TEXT),'$.group'),''),"
     " rank=-(json_extract(CAST(body AS TEXT),'$.state') IS 'replaced')"
     " WHERE kind=6 AND json_valid(CAST(body AS TEXT));"
     "UPDATE document SET label='group' WHERE kind=8 AND name<>'default'"
     " AND (length(name)<>32 OR name GLOB '*[^0-9a-f]*');"),
};

enum {
    UPGRADES = sizeof upgrades / sizeof upgrades[0],
    SCHEMA_VERSION = 1 + UPGRADES,
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

void sqlite_explain(sqlite_store *db, int code)
{
    (void)snprintf(db->error, sizeof db->error, "%s/tessera.db: %s (%s)", db->directory,
                   sqlite3_errmsg(db->writer), remedy(code));
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
    .begin = sqlite_begin,
    .apply = sqlite_apply,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .trim_events = sqlite_trim_events,
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
    .labelled = sqlite_labelled,
    .labels = sqlite_labels,
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

    sqlite_explain(db, rc);
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

    sqlite_rollback(db);
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
        rc = sqlite3_prepare_v3(db->writer, sqlite_writes[i], -1, SQLITE_PREPARE_PERSISTENT, &db->write[i],
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
