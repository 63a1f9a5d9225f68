/* SPDX-License-Identifier: Apache-2.0
 *
 * What each client holds. An account is counted once, when its client first makes a key, and kept
 * up to date from then on, so that making the ten thousandth key costs what the first one did. */
#include "secure/crypto/internal.h"

static uint32_t count_volatile(const tsr_crypto *c, int32_t client)
{
    uint32_t held = 0;

    for (size_t i = 0; i < c->key_count; i++)
        held += c->keys[i].id != 0 && c->keys[i].owner.client == client;
    return held;
}

/* The core names a key's file owner << 32 | id. */
static void count_persistent(const tsr_crypto *c, tsr_crypto_account *a)
{
    const tsr_store *store = c->its->store;
    uint64_t first = (uint64_t)(uint32_t)a->client << 32;
    tsr_store_key at = { (uint32_t)TSR_ITS_CRYPTO, first };
    tsr_store_info info;

    while (tsr_store_next(store, at.space, &at.uid) == TSR_OK && at.uid - first <= UINT32_MAX) {
        if (tsr_store_info_of(store, at, &info) == TSR_OK)
            a->bytes += tsr_store_footprint(store, info.len);
        a->persistent++;
        if (at.uid == UINT64_MAX)
            break;
        at.uid++;
    }
}

static tsr_crypto_account *find(tsr_crypto *c, int32_t client)
{
    for (size_t i = 0; i < TSR_CRYPTO_ACCOUNTS; i++)
        if (c->account[i].client == client)
            return &c->account[i];
    return NULL;
}

tsr_crypto_account *tsr_account_of(tsr_crypto *c, int32_t client)
{
    tsr_crypto_account *a = find(c, client);

    if (a != NULL)
        return a;
    a = &c->account[c->account_next++ % TSR_CRYPTO_ACCOUNTS];
    *a = (tsr_crypto_account){ .client = client, .keys = count_volatile(c, client) };
    count_persistent(c, a);
    return a;
}

void tsr_account_moved(tsr_crypto *c, uint64_t uid, size_t old_len, size_t len)
{
    tsr_crypto_account *a = find(c, (int32_t)(uint32_t)(uid >> 32));

    if (a == NULL || a->client == 0)
        return;
    if (old_len != SIZE_MAX) {
        a->persistent--;
        a->bytes -= tsr_store_footprint(c->its->store, old_len);
    }
    if (len != SIZE_MAX) {
        a->persistent++;
        a->bytes += tsr_store_footprint(c->its->store, len);
    }
}
