/* SPDX-License-Identifier: Apache-2.0
 *
 * Lifecycle, platform service and root key. The state decides whether the key is loaded at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apps/tessera-secured/world.h"
#include "ports/linux/secured/log.h"

/* RFC 9783 §4.3.1: who may debug the service is told by the state, and by nothing else. */
static void open_to_debuggers(void)
{
    struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };

    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &any) != 0)
        tsr_log("warning", "debug.partial", "cause=\"%s\"", strerror(errno));
    tsr_log("warning", "debug.open", "remedy=\"nothing: that is what the lifecycle state says\"");
}

/* No secret of this device is left behind; done again at every start until it is complete. */
static void destroy_secrets(tsr_world *w)
{
    psa_status_t wiped = tsr_its_wipe(&w->store.its, TSR_ITS_PLATFORM);
    tsr_err err = TSR_OK;

    tsr_root_close(&w->root);
    if (w->root_source.destroy != NULL)
        err = w->root_source.destroy(w->root_source.self);
    if (wiped == PSA_SUCCESS && err == TSR_OK)
        tsr_log("warning", "lifecycle.decommissioned", "root=\"%s\"",
                w->root_source.name != NULL ? w->root_source.name : "none");
    else
        tsr_log("error", "lifecycle.incomplete",
                "store=%d root=\"%s\" remedy=\"start the service again; if that does not help, "
                "destroy the medium\"",
                wiped, tsr_err_name(err));
}

static void entered(void *self, tsr_lifecycle_state state)
{
    tsr_world *w = self;

    tsr_log("warning", "lifecycle.entered", "state=%s", tsr_lifecycle_name(state));
    if (state == TSR_LIFECYCLE_DECOMMISSIONED)
        destroy_secrets(w);
    else if (!tsr_lifecycle_allows(state, TSR_ALLOW_SECRETS))
        tsr_root_close(&w->root);
    if (tsr_lifecycle_allows(state, TSR_ALLOW_DEBUG))
        tsr_log("warning", "debug.pending", "remedy=\"restart the service to debug it\"");
}

static tsr_err refuse_root(const tsr_world *w, tsr_err err)
{
    const tsr_root_sealed *s = &w->sealed;

    tsr_log("error", "root.refused", "file=\"%s\" cause=\"%s%s%s\" remedy=\"%s\"", s->path,
            s->cause != NULL ? s->cause : tsr_err_name(err), s->cause_errno != 0 ? ": " : "",
            s->cause_errno != 0 ? strerror(s->cause_errno) : "",
            s->remedy != NULL ? s->remedy : "check the disk");
    return err;
}

/* Makes a root key at the first start of a device that nobody provisioned; never again later: a
 * store without its root key has lost it. */
static bool may_make(tsr_world *w)
{
    struct psa_storage_info_t info;

    return tsr_its_get_info(&w->store.its, TSR_ITS_PLATFORM, TSR_PLATFORM_ROOT, &info) ==
           PSA_ERROR_DOES_NOT_EXIST;
}

static tsr_err open_source(tsr_world *w, bool make)
{
    const tsr_secured_options *o = w->options;
    char path[4096];
    int n = o->root_key != NULL ? snprintf(path, sizeof path, "%s", o->root_key)
                                : snprintf(path, sizeof path, "%s/root.key", o->store);
    tsr_err err = n < 0 || (size_t)n >= sizeof path
                      ? TSR_E_ARGUMENT
                      : tsr_root_sealed_open_wrapped(&w->sealed, path, make,
                                                     o->tpm != NULL ? &w->tpm.wrap : NULL);

    if (err == TSR_OK)
        w->root_source = w->sealed.source;
    return err;
}

static tsr_err open_root(tsr_world *w)
{
    bool make = may_make(w);
    psa_status_t status;
    tsr_err err = open_source(w, make);

    if (err != TSR_OK)
        return refuse_root(w, err);
    if (make &&
        tsr_its_set(&w->store.its, TSR_ITS_PLATFORM, TSR_PLATFORM_ROOT, 0, NULL, 0) != PSA_SUCCESS)
        return TSR_E_IO;
    status = tsr_root_open(&w->root, &w->root_source);
    if (status == PSA_SUCCESS) {
        tsr_log("info", w->sealed.made ? "root.created" : "root.loaded", "source=\"%s\"",
                w->root_source.name);
        return TSR_OK;
    }
    tsr_log("error", "root.failed", "source=\"%s\" status=%d", w->root_source.name, status);
    return TSR_E_CRYPTO;
}

static void name_maintainers(tsr_world *w)
{
    const uint32_t users[] = { 0, (uint32_t)geteuid() };

    for (size_t i = 0; i < 2; i++)
        if (tsr_spm_client_of(&w->options->clients, users[i], &w->platform.maintainers[i]) !=
            TSR_OK)
            w->platform.maintainers[i] = 0;
}

static void tell_state(tsr_lifecycle_state state)
{
    const char *remedy = tsr_lifecycle_allows(state, TSR_ALLOW_PROVISION)
                             ? " remedy=\"a device in the field is closed with tessera-factory\""
                             : "";

    tsr_log(*remedy != 0 ? "warning" : "info", "lifecycle", "state=%s%s", tsr_lifecycle_name(state),
            remedy);
}

tsr_err tsr_part_root_open(tsr_world *w)
{
    psa_status_t status = tsr_lifecycle_open(&w->lifecycle, &w->store.its);
    tsr_lifecycle_state state = tsr_lifecycle_get(&w->lifecycle);
    tsr_err err = TSR_OK;

    if (status != PSA_SUCCESS) {
        tsr_log("error", "lifecycle.unknown", "status=%d remedy=\"restore a copy of the store\"",
                status);
        return TSR_E_IO;
    }
    tell_state(state);
    w->sealed = (tsr_root_sealed){ .dir = -1, .fd = -1 };
    w->platform =
        (tsr_platform){ .lifecycle = &w->lifecycle, .entered = entered, .entered_self = w };
    name_maintainers(w);
    w->spm.admit = tsr_platform_admit;
    w->spm.admit_self = &w->platform;
    if (tsr_lifecycle_allows(state, TSR_ALLOW_SECRETS))
        err = open_root(w);
    if (err == TSR_OK && state == TSR_LIFECYCLE_DECOMMISSIONED) {
        (void)open_source(w, false);
        destroy_secrets(w);
    }
    if (err == TSR_OK && tsr_lifecycle_allows(state, TSR_ALLOW_DEBUG))
        open_to_debuggers();
    if (err == TSR_OK)
        err = tsr_world_serve(
            w, (tsr_spm_service){ TSR_PSA_PLATFORM_HANDLE, &w->platform, tsr_platform_call, NULL });
    if (err != TSR_OK)
        tsr_part_root_close(w);
    return err;
}

void tsr_part_root_close(tsr_world *w)
{
    tsr_root_close(&w->root);
    tsr_root_sealed_close(&w->sealed);
}
