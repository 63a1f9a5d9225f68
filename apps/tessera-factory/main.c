/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-factory: identity, attestation key and first secrets of a device, and the record of it.
 *
 * Every step is durable and may be repeated, so a run that was cut off is simply run again; the
 * last step is the lifecycle, which then closes the door. */
#include <stdlib.h>

#include "apps/tessera-factory/device.h"
#include "ports/linux/secured/sandbox.h"

static tsr_err provision(factory_device *d, const factory_options *o)
{
    tsr_lifecycle_state now = tsr_lifecycle_get(&d->lifecycle);
    bool wanted = o->root_secret != NULL || o->attest_key != NULL || o->implementation != NULL ||
                  o->certification != NULL || o->verification != NULL || o->secret_count > 0 ||
                  o->update != NULL || o->update_key != NULL;
    tsr_err err;

    if (!tsr_lifecycle_allows(now, TSR_ALLOW_PROVISION))
        return wanted || o->state == now || o->state == TSR_LIFECYCLE_UNKNOWN
                   ? factory_complain(TSR_E_DENIED, tsr_lifecycle_name(now),
                                      "a device in this state is not provisioned any more")
                   : TSR_OK;
    err = factory_root(d, o);
    if (err == TSR_OK)
        err = factory_attest(d, o);
    if (err == TSR_OK)
        err = factory_secrets(d, o);
    if (err == TSR_OK)
        err = factory_update_key(o);
    return err == TSR_OK ? factory_update(o) : err;
}

int main(int argc, char **argv)
{
    static factory_options o;
    factory_device *d = factory_device_here();
    tsr_err err = factory_options_read(&o, argc, argv);

    if (err != TSR_OK)
        return err == TSR_END ? EXIT_SUCCESS : 2;
    tsr_sandbox_memory();
    err = factory_device_open(d, &o);
    if (err == TSR_OK && !o.show)
        err = provision(d, &o);
    if (err == TSR_OK && !o.show)
        err = factory_advance(d, &o);
    if (err == TSR_OK)
        err = factory_record(d, &o);
    factory_device_close(d);
    return err == TSR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
