/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/core.h"

static core the_core = { .huk = { 1, 2, 3, 4 } };

core *core_here(void) { return &the_core; }

tsr_crypto *tsr_crypto_here(void) { return &the_core.crypto; }

static tsr_err unseal(void *self, uint8_t huk[TSR_ROOT_BYTES])
{
    memcpy(huk, ((core *)self)->huk, TSR_ROOT_BYTES);
    return TSR_OK;
}

static tsr_err destroy(void *self)
{
    tsr_wipe(((core *)self)->huk, TSR_ROOT_BYTES);
    return TSR_OK;
}

tsr_err core_open(const tsr_flash *flash)
{
    core *c = &the_core;
    tsr_root_source source = { c, unseal, destroy, "test" };
    tsr_err err = tsr_store_mount(&c->store, flash, c->index, CORE_ASSETS, CORE_VALUE_MAX);

    if (err == TSR_E_NOT_FOUND) {
        err = tsr_store_format(flash);
        if (err == TSR_OK)
            err = tsr_store_mount(&c->store, flash, c->index, CORE_ASSETS, CORE_VALUE_MAX);
    }
    if (err != TSR_OK)
        return err;
    memset(c->keys, 0, sizeof c->keys);
    memset(c->ops, 0, sizeof c->ops);
    c->its = (tsr_its){ .store = &c->store, .buffer_max = 1u << 20 };
    c->crypto = (tsr_crypto){
        .its = &c->its,
        .keys = c->keys,
        .key_count = sizeof c->keys / sizeof *c->keys,
        .ops = c->ops,
        .op_count = sizeof c->ops / sizeof *c->ops,
        .keys_each = 16,
        .ops_each = 8,
        .persistent_each = 64,
    };
    if (tsr_crypto_open(&c->crypto) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    return tsr_root_open(&c->root, &source) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

void core_close(void)
{
    tsr_root_close(&the_core.root);
    tsr_crypto_close(&the_core.crypto);
}
