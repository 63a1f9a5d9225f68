/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows on their way to the writer: each is copied, with what it points to, into one allocation. */
#include "server/store/store_in.h"

#include <stdlib.h>

/* More than this in the queue means that the disk cannot follow: refuse instead of growing. */
#define QUEUE_MAX 65536u

static void copy_text(const char **text, char **at)
{
    size_t n = strlen(*text) + 1;

    memcpy(*at, *text, n);
    *text = *at;
    *at += n;
}

static void copy_bytes(tsr_bytes *bytes, char **at)
{
    if (bytes->len)
        memcpy(*at, bytes->ptr, bytes->len);
    bytes->ptr = (const uint8_t *)*at;
    *at += bytes->len;
}

tsr_store_op *store_op_new(const tsr_store_op *from, const char **texts[], size_t text_count,
                           tsr_bytes *blobs[], size_t blob_count)
{
    size_t size = sizeof *from;

    for (size_t i = 0; i < text_count; i++) {
        if (!*texts[i])
            *texts[i] = "";
        size += strlen(*texts[i]) + 1;
    }
    for (size_t i = 0; i < blob_count; i++)
        size += blobs[i]->len;

    char *block = malloc(size);

    if (!block)
        return NULL;

    char *at = block + sizeof *from;

    for (size_t i = 0; i < text_count; i++)
        copy_text(texts[i], &at);
    for (size_t i = 0; i < blob_count; i++)
        copy_bytes(blobs[i], &at);
    memcpy(block, from, sizeof *from);

    tsr_store_op *op = (tsr_store_op *)(void *)block;

    op->size = size;
    op->next = NULL;
    op->err = TSR_OK;
    return op;
}

void store_op_free(tsr_store_op *op)
{
    tsr_wipe(op, op->size);
    free(op);
}

tsr_err store_enqueue(tsr_store *s, tsr_store_op *op, tsr_store_done *done, void *arg)
{
    if (!op)
        return TSR_E_SPACE;
    op->done = done;
    op->arg = arg;
    pthread_mutex_lock(&s->lock);
    if (s->queued >= QUEUE_MAX && op->kind != TSR_STORE_FLUSH) {
        pthread_mutex_unlock(&s->lock);
        store_op_free(op);
        return TSR_E_SPACE;
    }
    *s->tail = op;
    s->tail = &op->next;
    s->queued++;
    if (s->queued == 1)
        pthread_cond_signal(&s->more);
    if (s->queued == s->batch_rows || op->kind == TSR_STORE_FLUSH)
        pthread_cond_signal(&s->full_batch);
    pthread_mutex_unlock(&s->lock);
    return TSR_OK;
}

static tsr_store_op *registration_op(tsr_store_kind kind, const tsr_store_registration *r)
{
    tsr_store_op op = { .kind = kind, .row.registration = *r };
    tsr_store_registration *to = &op.row.registration;
    const char **texts[8] = { &to->endpoint, &to->location, &to->version, &to->binding,
                              &to->sms,      &to->root,     &to->address, &to->identity };
    tsr_bytes *blobs[] = { &to->links };

    return store_op_new(&op, texts, 8, blobs, 1);
}

tsr_err tsr_store_put_registration(tsr_store *s, const tsr_store_registration *r,
                                   tsr_store_done *done, void *arg)
{
    return store_enqueue(s, registration_op(TSR_STORE_PUT_REGISTRATION, r), done, arg);
}

tsr_err tsr_store_delete_registration(tsr_store *s, const char *endpoint, const char *location,
                                      tsr_store_done *done, void *arg)
{
    tsr_store_registration r = { .endpoint = endpoint, .location = location };

    return store_enqueue(s, registration_op(TSR_STORE_DELETE_REGISTRATION, &r), done, arg);
}

tsr_err tsr_store_touch_registration(tsr_store *s, const char *endpoint, const char *location,
                                     const char *address, int64_t updated_ms, int64_t expires_ms,
                                     tsr_store_done *done, void *arg)
{
    tsr_store_registration r = { .endpoint = endpoint,
                                 .location = location,
                                 .address = address,
                                 .updated_ms = updated_ms,
                                 .expires_ms = expires_ms };

    return store_enqueue(s, registration_op(TSR_STORE_TOUCH_REGISTRATION, &r), done, arg);
}

static tsr_store_op *observation_op(tsr_store_kind kind, const tsr_store_observation *o)
{
    tsr_store_op op = { .kind = kind, .row.observation = *o };
    tsr_store_observation *to = &op.row.observation;
    const char **texts[3] = { &to->endpoint, &to->path, &to->params };
    tsr_bytes *blobs[] = { &to->token };

    return store_op_new(&op, texts, 3, blobs, 1);
}

tsr_err tsr_store_put_observation(tsr_store *s, const tsr_store_observation *o,
                                  tsr_store_done *done, void *arg)
{
    return store_enqueue(s, observation_op(TSR_STORE_PUT_OBSERVATION, o), done, arg);
}

tsr_err tsr_store_delete_observation(tsr_store *s, const char *endpoint, const char *path,
                                     tsr_store_done *done, void *arg)
{
    tsr_store_observation o = { .endpoint = endpoint, .path = path };

    return store_enqueue(s, observation_op(TSR_STORE_DELETE_OBSERVATION, &o), done, arg);
}

static tsr_store_op *credential_op(tsr_store_kind kind, const tsr_store_credential *c)
{
    tsr_store_op op = { .kind = kind, .row.credential = *c };
    tsr_store_credential *to = &op.row.credential;
    const char **texts[3] = { &to->endpoint, &to->identity, &to->oscore };
    tsr_bytes *blobs[] = { &to->key, &to->oscore_key };

    return store_op_new(&op, texts, 3, blobs, 2);
}

tsr_err tsr_store_put_credential(tsr_store *s, const tsr_store_credential *c, tsr_store_done *done,
                                 void *arg)
{
    return store_enqueue(s, credential_op(TSR_STORE_PUT_CREDENTIAL, c), done, arg);
}

tsr_err tsr_store_delete_credential(tsr_store *s, const char *endpoint, tsr_store_done *done,
                                    void *arg)
{
    tsr_store_credential c = { .endpoint = endpoint };

    return store_enqueue(s, credential_op(TSR_STORE_DELETE_CREDENTIAL, &c), done, arg);
}

tsr_err tsr_store_put_event(tsr_store *s, const tsr_store_event *e, tsr_store_done *done, void *arg)
{
    tsr_store_op op = { .kind = TSR_STORE_PUT_EVENT, .row.event = *e };
    const char **texts[] = { &op.row.event.endpoint };
    tsr_bytes *blobs[] = { &op.row.event.body };

    return store_enqueue(s, store_op_new(&op, texts, 1, blobs, 1), done, arg);
}

tsr_err tsr_store_put_value(tsr_store *s, const tsr_store_value *v, tsr_store_done *done, void *arg)
{
    tsr_store_op op = { .kind = TSR_STORE_PUT_VALUE, .row.value = *v };
    const char **texts[] = { &op.row.value.endpoint };
    tsr_bytes *blobs[] = { &op.row.value.path, &op.row.value.body };

    return store_enqueue(s, store_op_new(&op, texts, 1, blobs, 2), done, arg);
}

tsr_err tsr_store_put_oscore(tsr_store *s, const tsr_store_oscore *o, tsr_store_done *done,
                             void *arg)
{
    tsr_store_op op = { .kind = TSR_STORE_PUT_OSCORE, .row.oscore = *o };
    const char **texts[] = { &op.row.oscore.identity };
    tsr_bytes *blobs[] = { &op.row.oscore.mark, &op.row.oscore.state };

    return store_enqueue(s, store_op_new(&op, texts, 1, blobs, 2), done, arg);
}

static tsr_store_op *session_op(tsr_store_kind kind, const tsr_store_session *p)
{
    tsr_store_op op = { .kind = kind, .row.session = *p };
    tsr_bytes *blobs[] = { &op.row.session.cid, &op.row.session.body };

    return store_op_new(&op, NULL, 0, blobs, 2);
}

tsr_err tsr_store_put_session(tsr_store *s, const tsr_store_session *p, tsr_store_done *done,
                              void *arg)
{
    return store_enqueue(s, session_op(TSR_STORE_PUT_SESSION, p), done, arg);
}

tsr_err tsr_store_delete_session(tsr_store *s, tsr_bytes cid, tsr_store_done *done, void *arg)
{
    tsr_store_session p = { .cid = cid };

    return store_enqueue(s, session_op(TSR_STORE_DELETE_SESSION, &p), done, arg);
}

static tsr_store_op *queued_op(tsr_store_kind kind, const tsr_store_queued *q)
{
    tsr_store_op op = { .kind = kind, .row.queued = *q };
    tsr_store_queued *to = &op.row.queued;
    const char **texts[3] = { &to->endpoint, &to->path, &to->detail };
    tsr_bytes *blobs[] = { &to->request, &to->result };

    return store_op_new(&op, texts, 3, blobs, 2);
}

tsr_err tsr_store_put_queued(tsr_store *s, const tsr_store_queued *q, tsr_store_done *done,
                             void *arg)
{
    return store_enqueue(s, queued_op(TSR_STORE_PUT_QUEUED, q), done, arg);
}

tsr_err tsr_store_update_queued(tsr_store *s, const tsr_store_queued *q, tsr_store_done *done,
                                void *arg)
{
    return store_enqueue(s, queued_op(TSR_STORE_UPDATE_QUEUED, q), done, arg);
}

tsr_err tsr_store_purge_queued(tsr_store *s, int64_t before_ms, uint32_t keep, tsr_store_done *done,
                               void *arg)
{
    tsr_store_queued q = { .finished_ms = before_ms, .attempts = keep };

    return store_enqueue(s, queued_op(TSR_STORE_PURGE_QUEUED, &q), done, arg);
}

static tsr_store_op *document_op(tsr_store_kind kind, const tsr_store_document *d)
{
    tsr_store_op op = { .kind = kind, .row.document = *d };
    tsr_store_document *to = &op.row.document;
    const char **texts[3] = { &to->name, &to->alias, &to->label };
    tsr_bytes *blobs[] = { &to->body };

    return store_op_new(&op, texts, 3, blobs, 1);
}

tsr_err tsr_store_put_document(tsr_store *s, const tsr_store_document *d, tsr_store_done *done,
                               void *arg)
{
    return store_enqueue(s, document_op(TSR_STORE_PUT_DOCUMENT, d), done, arg);
}

tsr_err tsr_store_delete_document(tsr_store *s, int kind, const char *name, tsr_store_done *done,
                                  void *arg)
{
    tsr_store_document d = { .kind = kind, .name = name };

    return store_enqueue(s, document_op(TSR_STORE_DELETE_DOCUMENT, &d), done, arg);
}
