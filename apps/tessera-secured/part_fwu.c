/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware update: served when --slots names a directory. With --reboot-fd a launcher has made the
 * boot decision and waits for word there; without one it is made here. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "apps/tessera-secured/world.h"
#include "ports/linux/secured/log.h"
#include "psa/wire/fwu.h"

static tsr_err ask_launcher(void *self)
{
    const tsr_world *w = self;
    static const char word[] = TSR_LAUNCHER_REBOOT;

    if (write(w->options->reboot_fd, word, sizeof word - 1) != (ssize_t)sizeof word - 1)
        return TSR_E_IO;
    tsr_log("info", "reboot.requested", "fd=%d", w->options->reboot_fd);
    return TSR_OK;
}

/* The launcher counts the time of a trial, so it hears of its good end. */
static psa_status_t serve(void *self, tsr_spm_msg *msg)
{
    tsr_world *w = self;
    static const char word[] = TSR_LAUNCHER_ACCEPTED;
    psa_status_t status = tsr_fwu_call(&w->fwu.fwu, msg);

    if (msg->type == TSR_FWU_ACCEPT && status == PSA_SUCCESS && w->options->reboot_fd >= 0 &&
        write(w->options->reboot_fd, word, sizeof word - 1) != (ssize_t)sizeof word - 1)
        tsr_log("warning", "launcher.deaf", "cause=\"%s\"", strerror(errno));
    return status;
}

static void log_choice(const tsr_world *w, size_t id, const tsr_fwu_choice *c)
{
    char text[TSR_FWU_VERSION_MAX + 1] = { 0 };
    tsr_buf out = tsr_buf_over(text, TSR_FWU_VERSION_MAX);

    tsr_fwu_put_version(&out, &c->image.version);
    if (c->there)
        tsr_log("info", "boot.chosen", "component=%s slot=%c version=%s trial=%d",
                w->fwu.slots.components[id].name, 'a' + c->slot, text, c->trial);
    else
        tsr_log("warning", "boot.nothing", "component=%s cause=\"no slot holds a good image\"",
                w->fwu.slots.components[id].name);
}

static psa_status_t decide(tsr_world *w)
{
    tsr_fwu_choice choices[TSR_FWU_COMPONENTS];
    psa_status_t status;

    if (w->options->reboot_fd >= 0)
        return PSA_SUCCESS;
    status = tsr_fwu_boot(&w->fwu.fwu, PSA_SUCCESS, choices);
    for (size_t i = 0; i < w->fwu.fwu.count; i++)
        log_choice(w, i, &choices[i]);
    return status == PSA_ERROR_DOES_NOT_EXIST ? PSA_SUCCESS : status;
}

tsr_err tsr_part_fwu_open(tsr_world *w)
{
    tsr_fwu *f = &w->fwu.fwu;
    psa_status_t status;
    tsr_err err;

    if (w->options->slots == NULL)
        return TSR_OK;
    err = tsr_slots_open(&w->fwu.slots, w->options->slots);
    if (err != TSR_OK) {
        tsr_log("error", "slots.failed", "cause=\"%s\"", w->fwu.slots.error);
        return err;
    }
    tsr_fwu_psa_open(&w->fwu.crypto);
    (void)tsr_fwu_psa_decrypts(&w->fwu.crypto,
                               mbedtls_svc_key_id_make(TSR_ITS_FWU, TSR_FWU_KEY_ID));
    *f = (tsr_fwu){
        .its = &w->store.its,
        .crypto = &w->fwu.crypto.crypto,
        .clients = w->platform.maintainers, /* unless update.conf names others */
        .client_count = TSR_PLATFORM_MAINTAINERS,
    };
    tsr_slots_give(&w->fwu.slots, f);
    if (w->options->reboot_fd >= 0) {
        f->reboot = ask_launcher;
        f->reboot_self = w;
    }
    status = tsr_fwu_open(f);
    if (status == PSA_SUCCESS)
        status = decide(w);
    if (status != PSA_SUCCESS) {
        tsr_log("error", "update.failed", "status=%d", status);
        tsr_slots_close(&w->fwu.slots);
        return TSR_E_IO;
    }
    return tsr_world_serve(w, (tsr_spm_service){ TSR_PSA_FWU_HANDLE, w, serve, NULL });
}

void tsr_part_fwu_close(tsr_world *w)
{
    if (w->options->slots != NULL)
        tsr_slots_close(&w->fwu.slots);
}
