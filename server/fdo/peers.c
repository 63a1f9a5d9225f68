/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/peers.h"

#include <arpa/inet.h>
#include <psa/crypto.h>

tsr_err fdo_peers_open(fdo_peers *all, uint32_t rate)
{
    memset(all, 0, sizeof *all);
    all->rate = rate;
    (void)pthread_mutex_init(&all->lock, NULL);
    return psa_generate_random((uint8_t *)&all->seed, sizeof all->seed) == PSA_SUCCESS
               ? TSR_OK
               : TSR_E_CRYPTO;
}

void fdo_peers_close(fdo_peers *all) { (void)pthread_mutex_destroy(&all->lock); }

/* A household has a /64: its addresses are one peer. An IPv4 address written as IPv6 is that of IPv4. */
static bool key_of(const char *text, uint8_t key[9])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    uint8_t ip[16];

    memset(key, 0, 9);
    if (inet_pton(AF_INET, text, ip) == 1) {
        key[0] = 4;
        memcpy(key + 1, ip, 4);
        return true;
    }
    if (inet_pton(AF_INET6, text, ip) != 1)
        return false;
    if (memcmp(ip, mapped, sizeof mapped) == 0) {
        key[0] = 4;
        memcpy(key + 1, ip + 12, 4);
    } else {
        key[0] = 6;
        memcpy(key + 1, ip, 8);
    }
    return true;
}

static size_t row_of(const fdo_peers *all, const uint8_t key[9])
{
    uint64_t h = all->seed;

    for (int i = 0; i < 9; i++) {
        h = (h ^ key[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return (size_t)(h % FDO_PEER_ROWS);
}

static fdo_peer *find(fdo_peers *all, const uint8_t key[9], uint64_t now_ms)
{
    fdo_peer *row = all->rows[row_of(all, key)], *oldest = row;

    for (int i = 0; i < FDO_PEER_WAYS; i++) {
        if (row[i].used_ms != 0 && memcmp(row[i].key, key, 9) == 0)
            return &row[i];
        if (row[i].used_ms < oldest->used_ms)
            oldest = &row[i];
    }
    *oldest = (fdo_peer){ .used_ms = now_ms, .tokens = (uint64_t)all->rate * 2000 };
    memcpy(oldest->key, key, 9);
    return oldest;
}

bool fdo_peer_may(fdo_peers *all, const char *text, uint64_t now_ms)
{
    uint64_t most = (uint64_t)all->rate * 2000, since;
    uint8_t key[9];
    fdo_peer *p;
    bool may;

    if (!key_of(text, key))
        return true;
    pthread_mutex_lock(&all->lock);
    p = find(all, key, now_ms);
    since = now_ms > p->used_ms ? now_ms - p->used_ms : 0;
    since = since < 2000 ? since : 2000;
    p->tokens = p->tokens + since * all->rate < most ? p->tokens + since * all->rate : most;
    p->used_ms = now_ms > p->used_ms ? now_ms : p->used_ms;
    may = p->tokens >= 1000;
    p->tokens -= may ? 1000 : 0;
    pthread_mutex_unlock(&all->lock);
    return may;
}
