/* SPDX-License-Identifier: Apache-2.0 */
#include "server/engine/tickets.h"

#include <psa/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 8, AGE = 4, NONCE = 12, LIFETIME_MS = TICKET_LIFETIME_S * 1000 };

typedef struct {
    psa_key_id_t id; /* 0: none */
    uint8_t name[NAME];
    uint64_t made_ms;
    uint32_t count;
} ticket_key;

struct ticket_keys {
    pthread_mutex_t lock;
    ticket_key key[2]; /* the one that seals, the one before */
};

ticket_keys *ticket_keys_new(void)
{
    ticket_keys *keys = calloc(1, sizeof *keys);

    if (keys)
        pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

/* The clocks of two shards may be a turn apart. */
static uint64_t age_ms(const ticket_key *key, uint64_t now_ms)
{
    return now_ms > key->made_ms ? now_ms - key->made_ms : 0;
}

static void drop(ticket_key *key)
{
    if (key->id)
        (void)psa_destroy_key(key->id);
    *key = (ticket_key){ 0 };
}

void ticket_keys_free(ticket_keys *keys)
{
    if (!keys)
        return;
    drop(&keys->key[0]);
    drop(&keys->key[1]);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

static tsr_err make(ticket_key *key, uint64_t now_ms)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    *key = (ticket_key){ .made_ms = now_ms };
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 256);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    if (psa_generate_random(key->name, NAME) != PSA_SUCCESS ||
        psa_generate_key(&attributes, &key->id) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    return TSR_OK;
}

static void expire(ticket_keys *keys, uint64_t now_ms)
{
    for (int i = 0; i < 2; i++)
        if (keys->key[i].id && age_ms(&keys->key[i], now_ms) >= 2 * (uint64_t)LIFETIME_MS)
            drop(&keys->key[i]);
}

static tsr_err renew(ticket_keys *keys, uint64_t now_ms)
{
    const ticket_key *first = &keys->key[0];
    ticket_key next;
    tsr_err err;

    expire(keys, now_ms);
    if (first->id && first->count < TICKETS_PER_KEY && age_ms(first, now_ms) < LIFETIME_MS)
        return TSR_OK;
    err = make(&next, now_ms);
    if (err != TSR_OK)
        return err;
    if (first->id) {
        drop(&keys->key[1]);
        keys->key[1] = *first;
    }
    keys->key[0] = next;
    return TSR_OK;
}

static void put_data(tsr_buf *data, tsr_bytes head, tsr_bytes bound)
{
    tsr_put_bytes(data, tsr_first(head, NAME + AGE));
    tsr_put_bytes(data, bound);
}

static tsr_err seal_under(ticket_key *key, uint64_t now_ms, tsr_bytes bound, tsr_bytes plain,
                          tsr_buf *ticket)
{
    uint8_t room[NAME + AGE + TICKET_BOUND_MAX];
    tsr_buf data = tsr_buf_over(room, sizeof room), head;
    uint8_t *at = tsr_buf_claim(ticket, TICKET_HEAD + plain.len + TICKET_TAG);
    size_t len = 0;

    if (!at)
        return TSR_E_SPACE;
    head = tsr_buf_over(at, TICKET_HEAD);
    tsr_put_bytes(&head, tsr_view(key->name, NAME));
    tsr_put_u32(&head, (uint32_t)(age_ms(key, now_ms) / 1000));
    put_data(&data, tsr_buf_view(&head), bound);
    if (data.err != TSR_OK)
        return data.err;
    key->count++;
    if (psa_generate_random(at + NAME + AGE, NONCE) != PSA_SUCCESS ||
        psa_aead_encrypt(key->id, PSA_ALG_GCM, at + NAME + AGE, NONCE, data.ptr, data.len, plain.ptr,
                         plain.len, at + TICKET_HEAD, plain.len + TICKET_TAG, &len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    return TSR_OK;
}

tsr_err ticket_seal(ticket_keys *keys, uint64_t now_ms, tsr_bytes bound, tsr_bytes plain,
                    tsr_buf *ticket)
{
    tsr_err err;

    pthread_mutex_lock(&keys->lock);
    err = renew(keys, now_ms);
    if (err == TSR_OK)
        err = seal_under(&keys->key[0], now_ms, bound, plain, ticket);
    pthread_mutex_unlock(&keys->lock);
    return err;
}

static const ticket_key *find(const ticket_keys *keys, tsr_bytes name)
{
    for (int i = 0; i < 2; i++)
        if (keys->key[i].id && tsr_same(tsr_view(keys->key[i].name, NAME), name))
            return &keys->key[i];
    return NULL;
}

static tsr_err open_under(const ticket_key *key, tsr_bytes bound, tsr_bytes ticket, tsr_buf *plain)
{
    uint8_t room[NAME + AGE + TICKET_BOUND_MAX];
    tsr_buf data = tsr_buf_over(room, sizeof room);
    tsr_bytes sealed = tsr_skip(ticket, TICKET_HEAD);
    size_t len = 0;

    put_data(&data, ticket, bound);
    if (data.err != TSR_OK || sealed.len > plain->cap - plain->len + TICKET_TAG)
        return TSR_E_SPACE;
    if (psa_aead_decrypt(key->id, PSA_ALG_GCM, ticket.ptr + NAME + AGE, NONCE, data.ptr, data.len,
                         sealed.ptr, sealed.len, plain->ptr + plain->len, plain->cap - plain->len,
                         &len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    plain->len += len;
    return TSR_OK;
}

tsr_err ticket_open(ticket_keys *keys, uint64_t now_ms, tsr_bytes bound, tsr_bytes ticket,
                    tsr_buf *plain)
{
    tsr_bytes in = ticket, name;
    const ticket_key *key;
    uint32_t age_s;
    tsr_err err;

    if (ticket.len < TICKET_HEAD + TICKET_TAG || tsr_get_bytes(&in, NAME, &name) != TSR_OK ||
        tsr_get_u32(&in, &age_s) != TSR_OK)
        return TSR_E_CRYPTO;
    pthread_mutex_lock(&keys->lock);
    expire(keys, now_ms);
    key = find(keys, name);
    err = key ? open_under(key, bound, ticket, plain) : TSR_E_NOT_FOUND;
    if (err == TSR_OK && age_ms(key, now_ms) >= (uint64_t)age_s * 1000 + LIFETIME_MS)
        err = TSR_E_DENIED;
    pthread_mutex_unlock(&keys->lock);
    return err;
}

void ticket_keys_expire(ticket_keys *keys, uint64_t now_ms)
{
    pthread_mutex_lock(&keys->lock);
    expire(keys, now_ms);
    pthread_mutex_unlock(&keys->lock);
}
