/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-factory/device.h"

#include <stdio.h>

#include "ports/linux/secured/sandbox.h"

#define KEYS 16u
#define OPS  4u

static factory_device device;
static tsr_crypto_key keys[KEYS];
static tsr_crypto_op ops[OPS];

factory_device *factory_device_here(void) { return &device; }

tsr_crypto *tsr_crypto_here(void) { return &device.crypto; }

tsr_err factory_complain(tsr_err err, const char *what, const char *why)
{
    (void)fprintf(stderr, "tessera-factory: %s: %s\n", what, why);
    return err;
}

tsr_err factory_explain(tsr_err err, const char *what, const char *cause, const char *remedy)
{
    (void)fprintf(stderr, "tessera-factory: %s: %s (remedy: %s)\n", what, cause, remedy);
    return err;
}

/* Before anything secret is in memory: its relay is a fork of this process. */
static tsr_err open_tpm(factory_device *d, const char *tcti)
{
    const char *cause = "no process for it could be made";
    const char *remedy = "raise the limit of processes";
    tsr_err err = tsr_tpm_open(&d->tpm, tcti);

    if (err == TSR_OK)
        err = tsr_tpm_told(tsr_tpm_reach(&d->tpm), &cause, &remedy);
    return err == TSR_OK ? err : factory_explain(err, tcti, cause, remedy);
}

static tsr_err open_core(factory_device *d)
{
    d->crypto = (tsr_crypto){ .its = &d->store.its,
                              .keys = keys,
                              .key_count = KEYS,
                              .ops = ops,
                              .op_count = OPS,
                              .keys_each = KEYS,
                              .ops_each = OPS,
                              .persistent_each = 256 };
    d->core_open = tsr_crypto_open(&d->crypto) == PSA_SUCCESS;
    if (!d->core_open)
        return factory_complain(TSR_E_CRYPTO, d->store.path, "the PSA core does not start");
    if (tsr_lifecycle_open(&d->lifecycle, &d->store.its) != PSA_SUCCESS)
        return factory_complain(TSR_E_IO, d->store.path, "the lifecycle state cannot be read");
    return TSR_OK;
}

tsr_err factory_device_open(factory_device *d, const factory_options *o)
{
    tsr_err err = TSR_OK;
    int n = o->root_key != NULL
                ? snprintf(d->root_path, sizeof d->root_path, "%s", o->root_key)
                : snprintf(d->root_path, sizeof d->root_path, "%s/root.key", o->store);

    d->sealed.fd = d->sealed.dir = -1;
    if (n < 0 || (size_t)n >= sizeof d->root_path)
        return factory_complain(TSR_E_ARGUMENT, o->store, "the path is too long");
    if (o->user != NULL && (err = tsr_sandbox_user(o->user)) != TSR_OK)
        return factory_complain(err, o->user, tsr_err_name(err));
    if (o->tpm != NULL && !o->show && (err = open_tpm(d, o->tpm)) != TSR_OK)
        return err;
    err = tsr_secured_store_open(&d->store, o->store, false); /* it says what is wrong */
    return err == TSR_OK ? open_core(d) : err;
}

void factory_device_close(factory_device *d)
{
    tsr_root_close(&d->root);
    tsr_root_sealed_close(&d->sealed);
    if (d->core_open)
        tsr_crypto_close(&d->crypto);
    tsr_secured_store_close(&d->store);
    tsr_tpm_close(&d->tpm);
    d->core_open = false;
}
