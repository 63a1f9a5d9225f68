/* SPDX-License-Identifier: Apache-2.0
 *
 * The sessions under way, by endpoint: an endpoint has one, and there are never more than the
 * configuration allows, whatever comes in. */
#include "server/bootstrap/role.h"

#include <stdio.h>
#include <stdlib.h>

static bs_run **head(bs_role *role, const char *endpoint)
{
    return &role->heads[tsr_hash(role->server->hash_key, tsr_text(endpoint)) % BS_HEADS];
}

/* A bucket of starts that fills with the time: two seconds' worth at most. */
bool table_admit(bs_role *role, uint64_t now_ms)
{
    uint64_t full = (uint64_t)role->rate * 2000, passed;
    bool admitted;

    pthread_mutex_lock(&role->lock);
    passed = role->tokens_ms && now_ms > role->tokens_ms ? now_ms - role->tokens_ms : 0;
    role->tokens = role->tokens_ms ? role->tokens + passed * role->rate : full;
    if (role->tokens > full)
        role->tokens = full;
    if (now_ms > role->tokens_ms)
        role->tokens_ms = now_ms;
    admitted = role->count < role->max && role->tokens >= 1000;
    if (admitted)
        role->tokens -= 1000;
    pthread_mutex_unlock(&role->lock);
    return admitted;
}

void table_add(bs_run *r)
{
    bs_run **at = head(r->role, r->session.endpoint);

    pthread_mutex_lock(&r->role->lock);
    r->serial = ++r->role->serial;
    r->next = *at;
    *at = r;
    r->role->count++;
    pthread_mutex_unlock(&r->role->lock);
}

void table_take(bs_run *r)
{
    bs_run **at = head(r->role, r->session.endpoint);

    pthread_mutex_lock(&r->role->lock);
    while (*at && *at != r)
        at = &(*at)->next;
    if (*at) {
        *at = r->next;
        r->role->count--;
    }
    pthread_mutex_unlock(&r->role->lock);
}

/* --- one session per endpoint ----------------------------------------------------------- */

/* On its way to the shard of a session that another shard's takes the place of. */
typedef struct {
    tsr_message message;
    bs_role *role;
    bs_run *run;
    uint64_t serial;
} note;

static bool is_live(bs_role *role, const bs_run *run, uint64_t serial)
{
    bool live = false;

    pthread_mutex_lock(&role->lock);
    for (size_t i = 0; i < BS_HEADS; i++)
        for (const bs_run *r = role->heads[i]; r; r = r->next)
            live = live || (r == run && r->serial == serial);
    pthread_mutex_unlock(&role->lock);
    return live;
}

static const char again[] = "the device began anew before this was finished";

static void run_note(tsr_shard *shard, tsr_message *m)
{
    note *n = (note *)(void *)m;

    (void)shard; /* the run's own: it cannot end between the look and the call */
    if (is_live(n->role, n->run, n->serial))
        run_end(n->run, again);
    free(n);
}

void table_supersede(bs_role *role, tsr_shard *here, const char *endpoint)
{
    note *n = NULL;
    tsr_shard *other = NULL;
    bs_run *own = NULL;

    pthread_mutex_lock(&role->lock);
    for (bs_run *r = *head(role, endpoint); r; r = r->next) {
        if (strcmp(r->session.endpoint, endpoint) != 0)
            continue;
        if (r->shard == here) {
            own = r;
        } else if ((n = calloc(1, sizeof *n)) != NULL) {
            *n = (note){ { NULL, run_note }, role, r, r->serial };
            other = r->shard;
        }
        break;
    }
    pthread_mutex_unlock(&role->lock);
    if (own)
        run_end(own, again);
    else if (n)
        tsr_shard_post(other, &n->message);
}
