/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer's side of the SQLite store: each row is one prepared statement with its values bound. */
#include "server/store/sqlite/sqlite.h"

const char *const sqlite_writes[W_COUNT] = {
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
    [W_PUT_CREDENTIAL] = "INSERT INTO credential VALUES(?1,?2,?3,?4,?5,"
                         "CASE WHEN ?2=3 THEN ?3 ELSE NULLIF(?6,'') END,?7,?2=3 OR ?8)"
                         " ON CONFLICT(endpoint) DO UPDATE SET mode=?2, identity=?3, key=?4,"
                         " changed_ms=?5, oscore=excluded.oscore, oscore_key=?7,"
                         " required=excluded.required",
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
    [W_PUT_DOCUMENT] = "INSERT INTO document VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(kind,name)"
                       " DO UPDATE SET alias=?3, rank=?4, changed_ms=?5, body=?6, label=?7",
    [W_DELETE_DOCUMENT] = "DELETE FROM document WHERE kind=?1 AND name=?2",
};

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
    sqlite_explain(db, rc);
    return TSR_E_IO;
}

static tsr_err run_bare(sqlite_store *db, int which)
{
    return checked(db, run(db->write[which]));
}

tsr_err sqlite_begin(void *db) { return run_bare(db, W_BEGIN); }

tsr_err sqlite_commit(void *db) { return run_bare(db, W_COMMIT); }

void sqlite_rollback(void *arg)
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
    bind_text(q, 6, c->oscore);
    bind_blob(q, 7, c->oscore_key);
    sqlite3_bind_int(q, 8, c->required);
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
    if (d->label[0])
        bind_text(q, 7, d->label);
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

tsr_err sqlite_apply(void *arg, tsr_store_op *op)
{
    sqlite_store *db = arg;
    int rc = apply_row(db, op);

    if ((rc & 0xff) == SQLITE_CONSTRAINT) { /* the statement is undone, the batch goes on */
        op->err = TSR_E_EXISTS;
        return TSR_OK;
    }
    return checked(db, rc);
}

void sqlite_trim_events(void *arg, uint64_t up_to)
{
    sqlite_store *db = arg;

    sqlite3_bind_int64(db->write[W_TRIM_EVENTS], 1, (int64_t)up_to);
    run(db->write[W_TRIM_EVENTS]);
}
