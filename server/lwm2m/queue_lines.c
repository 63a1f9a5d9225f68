/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of requests that wait, one per endpoint. */
#define _GNU_SOURCE
#include "server/lwm2m/queue_in.h"

#include <stdlib.h>

uint32_t queue_limit(uint32_t configured, uint32_t otherwise)
{
    return configured ? configured : otherwise;
}

line **queue_line_at(tsr_server *s, const char *endpoint)
{
    line **at = &s->queue->lines[tsr_hash(s->hash_key, tsr_text(endpoint)) % QUEUE_BUCKETS];

    while (*at && strcmp((*at)->endpoint, endpoint) != 0)
        at = &(*at)->next;
    return at;
}

bool queue_append(tsr_server *s, const char *endpoint, queued *q)
{
    line **at = queue_line_at(s, endpoint);
    queued **end;

    if (!*at) {
        size_t len = strlen(endpoint) + 1;
        line *made = calloc(1, sizeof *made + len);

        if (!made)
            return false;
        memcpy(made->endpoint, endpoint, len);
        *at = made;
    }
    for (end = &(*at)->first; *end; end = &(*end)->next)
        ;
    *end = q;
    q->line = *at;
    (*at)->count++;
    s->queue->count++;
    s->queue->bytes += q->request.len;
    return true;
}

/* Takes it out of its line; the line goes with its last one. The count stays until it is saved. */
void queue_leave(queued *q)
{
    tsr_server *s = q->server;
    line **at = queue_line_at(s, q->line->endpoint), *l = *at;
    queued **prev = &l->first;

    while (*prev && *prev != q)
        prev = &(*prev)->next;
    if (*prev)
        *prev = q->next;
    q->line = NULL;
    s->queue->bytes -= q->request.len;
    if (--l->count == 0) {
        *at = l->next;
        free(l);
    }
}

queued *queue_find(tsr_server *s, const char *endpoint, uint64_t id)
{
    line *l = *queue_line_at(s, endpoint);
    queued *q = l ? l->first : NULL;

    while (q && q->id != id)
        q = q->next;
    return q;
}

void queued_free(queued *q)
{
    if (q->request.ptr) {
        tsr_wipe(q->request.ptr, q->request.cap);
        free(q->request.ptr);
    }
    free(q);
}

bool queue_has(tsr_server *s, const char *endpoint)
{
    pthread_mutex_lock(&s->queue->lock);

    bool has = *queue_line_at(s, endpoint) != NULL;

    pthread_mutex_unlock(&s->queue->lock);
    return has;
}

uint64_t queue_newest(tsr_server *s) { return atomic_load(&s->queue->newest); }

uint64_t queue_count(tsr_server *s)
{
    pthread_mutex_lock(&s->queue->lock);

    uint64_t n = s->queue->count;

    pthread_mutex_unlock(&s->queue->lock);
    return n;
}
