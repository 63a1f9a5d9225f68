/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/session.h"

#include <psa/crypto.h>
#include <stdlib.h>

#include "tessera/base/hex.h"

enum {
    SWEEP = 8,           /* heads looked through per message */
    SWEEP_ALL_MS = 1000, /* a full table is looked through as a whole so often at most */
};

void fdo_sessions_open(fdo_sessions *all, uint32_t max, uint32_t life_ms, uint32_t rate)
{
    *all = (fdo_sessions){ .max = max, .life_ms = life_ms, .rate = rate,
                           .tokens = (uint64_t)rate * 2000 };
    (void)pthread_mutex_init(&all->lock, NULL);
}

static void session_free(fdo_session *s)
{
    if (s->state != NULL)
        s->drop(s->state);
    tsr_wipe(s, sizeof *s);
    free(s);
}

static void free_all(fdo_session *dead)
{
    while (dead != NULL) {
        fdo_session *s = dead;

        dead = s->next;
        session_free(s);
    }
}

void fdo_sessions_close(fdo_sessions *all)
{
    for (size_t i = 0; i < FDO_SESSION_HEADS; i++)
        free_all(all->heads[i]);
    (void)pthread_mutex_destroy(&all->lock);
}

bool fdo_begins(uint8_t type, fdo_protocol *protocol)
{
    switch (type) {
    case 10: *protocol = FDO_DI; return true;
    case 20: *protocol = FDO_TO0; return true;
    case 30: *protocol = FDO_TO1; return true;
    case 60: *protocol = FDO_TO2; return true;
    default: return false;
    }
}

bool fdo_follows(fdo_protocol protocol, uint8_t answered, uint8_t type)
{
    switch (protocol) {
    case FDO_DI: return answered == 11 && type == 12;
    case FDO_TO0: return answered == 21 && type == 22;
    case FDO_TO1: return answered == 31 && type == 32;
    case FDO_TO2: break;
    }
    switch (answered) {
    case 61:
    case 63: return type == 62 || type == 64;
    case 65: return type == 66;
    case 67: return type == 68;
    case 69: return type == 68 || type == 70;
    default: return false;
    }
}

/* --- the table -------------------------------------------------------------------------- */

/* Tokens are random, so their first digits spread them. */
static fdo_session **head_of(fdo_sessions *all, const char *token)
{
    uint32_t h = 0;

    for (int i = 0; i < 4; i++)
        h = h << 4 | (uint32_t)(tsr_hex_digit((uint8_t)token[i]) & 15);
    return &all->heads[h % FDO_SESSION_HEADS];
}

/* So are GUIDs. */
static fdo_session **namesakes_of(fdo_sessions *all, const uint8_t *guid)
{
    return &all->subjects[(guid[0] << 8 | guid[1]) % FDO_SESSION_HEADS];
}

/* Takes it out of both chains; `at` points to it in that of tokens. */
static void unlink_session(fdo_sessions *all, fdo_session **at)
{
    fdo_session *s = *at;

    *at = s->next;
    all->count--;
    if (!s->named)
        return;
    for (at = namesakes_of(all, s->subject); *at != s; at = &(*at)->namesake)
        ;
    *at = s->namesake;
}

/* What they leave behind takes time: the caller frees them without the lock. */
static void sweep(fdo_sessions *all, uint64_t now_ms, int heads, fdo_session **dead)
{
    for (int i = 0; i < heads; i++) {
        fdo_session **at = &all->heads[all->sweep++ % FDO_SESSION_HEADS];

        while (*at != NULL) {
            fdo_session *s = *at;

            if (s->busy || s->due_ms > now_ms) {
                at = &s->next;
                continue;
            }
            unlink_session(all, at);
            s->next = *dead;
            *dead = s;
        }
    }
}

static int heads_to_sweep(fdo_sessions *all, uint64_t now_ms)
{
    if (all->count < all->max || (all->swept_ms != 0 && now_ms - all->swept_ms < SWEEP_ALL_MS))
        return SWEEP;
    all->swept_ms = now_ms;
    return FDO_SESSION_HEADS;
}

/* A bucket of two seconds' worth. */
static bool may_begin(fdo_sessions *all, uint64_t now_ms)
{
    uint64_t most = (uint64_t)all->rate * 2000, since = now_ms - all->tokens_ms;

    if (all->tokens_ms != 0 && now_ms >= all->tokens_ms) {
        since = since < 2000 ? since : 2000;
        all->tokens += since * all->rate;
        all->tokens = all->tokens < most ? all->tokens : most;
    }
    all->tokens_ms = now_ms;
    if (all->tokens < 1000 || all->count >= all->max)
        return false;
    all->tokens -= 1000;
    return true;
}

static tsr_err make_token(char token[FDO_TOKEN + 1])
{
    uint8_t random[FDO_TOKEN / 2];
    tsr_buf text = tsr_buf_over(token, FDO_TOKEN);

    if (psa_generate_random(random, sizeof random) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    tsr_hex_put(&text, tsr_view(random, sizeof random));
    token[FDO_TOKEN] = 0;
    return TSR_OK;
}

static void add(fdo_sessions *all, fdo_session *s)
{
    fdo_session **head = head_of(all, s->token);

    s->next = *head;
    *head = s;
    all->count++;
}

tsr_err fdo_session_begin(fdo_sessions *all, fdo_protocol protocol, uint64_t now_ms,
                          fdo_session **out)
{
    fdo_session *s = calloc(1, sizeof *s);
    fdo_session *dead = NULL;
    tsr_err err = s != NULL ? make_token(s->token) : TSR_E_SPACE;

    if (err == TSR_OK) {
        s->protocol = protocol;
        s->busy = true;
        s->due_ms = now_ms + all->life_ms;
        pthread_mutex_lock(&all->lock);
        sweep(all, now_ms, heads_to_sweep(all, now_ms), &dead);
        if (may_begin(all, now_ms))
            add(all, s);
        else
            err = TSR_E_SPACE;
        pthread_mutex_unlock(&all->lock);
        free_all(dead);
    }
    if (err == TSR_OK)
        *out = s;
    else
        free(s);
    return err;
}

tsr_err fdo_session_take(fdo_sessions *all, const char *token, uint64_t now_ms, fdo_session **out)
{
    tsr_err err = TSR_E_NOT_FOUND;
    tsr_bytes want = tsr_text(token);
    fdo_session *dead = NULL;

    if (want.len != FDO_TOKEN)
        return err;
    pthread_mutex_lock(&all->lock);
    sweep(all, now_ms, SWEEP, &dead);
    for (fdo_session *s = *head_of(all, token); s != NULL; s = s->next) {
        if (!tsr_same_secret(want, tsr_view(s->token, FDO_TOKEN)) || s->due_ms <= now_ms)
            continue;
        err = s->busy ? TSR_E_STATE : TSR_OK;
        if (err == TSR_OK) {
            s->busy = true;
            *out = s;
        }
        break;
    }
    pthread_mutex_unlock(&all->lock);
    free_all(dead);
    return err;
}

void fdo_session_give(fdo_sessions *all, fdo_session *s, bool over)
{
    pthread_mutex_lock(&all->lock);
    s->busy = false;
    if (over) {
        fdo_session **at = head_of(all, s->token);

        while (*at != s)
            at = &(*at)->next;
        unlink_session(all, at);
    }
    pthread_mutex_unlock(&all->lock);
    if (over)
        session_free(s);
}

void fdo_session_name(fdo_sessions *all, fdo_session *s, tsr_bytes guid)
{
    fdo_session **head = namesakes_of(all, guid.ptr);

    pthread_mutex_lock(&all->lock);
    memcpy(s->subject, guid.ptr, sizeof s->subject);
    s->namesake = *head;
    *head = s;
    s->named = true;
    pthread_mutex_unlock(&all->lock);
}

/* A message kept back on its way must not undo what a later run of the device came to. */
tsr_err fdo_session_settle(fdo_sessions *all, const fdo_session *s)
{
    fdo_session *other;
    tsr_err err;

    pthread_mutex_lock(&all->lock);
    err = s->overtaken ? TSR_E_STATE : TSR_OK;
    for (other = *namesakes_of(all, s->subject); err == TSR_OK && other != NULL; other = other->namesake)
        other->overtaken |= other != s && other->protocol == s->protocol &&
                            memcmp(other->subject, s->subject, sizeof s->subject) == 0;
    pthread_mutex_unlock(&all->lock);
    return err;
}

uint32_t fdo_sessions_count(fdo_sessions *all, uint64_t now_ms)
{
    fdo_session *dead = NULL;
    uint32_t n;

    pthread_mutex_lock(&all->lock);
    sweep(all, now_ms, FDO_SESSION_HEADS, &dead);
    n = all->count;
    pthread_mutex_unlock(&all->lock);
    free_all(dead);
    return n;
}
