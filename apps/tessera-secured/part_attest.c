/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "apps/tessera-secured/world.h"
#include "ports/linux/secured/log.h"

static tsr_err hash_file(int fd, uint8_t out[32])
{
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    psa_status_t status = psa_hash_setup(&op, PSA_ALG_SHA_256);
    uint8_t block[16384];
    size_t len;
    ssize_t n = 1;

    while (status == PSA_SUCCESS && (n = read(fd, block, sizeof block)) > 0)
        status = psa_hash_update(&op, block, (size_t)n);
    if (status == PSA_SUCCESS && n == 0)
        status = psa_hash_finish(&op, out, 32, &len);
    (void)psa_hash_abort(&op);
    if (n < 0)
        return TSR_E_IO;
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

/* A record for a service that no launcher started: a fresh seed, and one component, which is this
 * program as it measures itself, with a signer id of zeros. It proves less than a record by a
 * launcher, and its signer says so. */
static tsr_err measure_self(tsr_secured_boot *b, const char *version)
{
    static const uint8_t nobody[32];
    uint8_t *seed = b->room, *measurement = b->room + TSR_BOOT_SEED;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    tsr_err err;

    if (fd < 0)
        return TSR_E_IO;
    err = hash_file(fd, measurement);
    (void)close(fd);
    if (err == TSR_OK && psa_generate_random(seed, TSR_BOOT_SEED) != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    if (err != TSR_OK)
        return err;
    b->record = (tsr_boot_record){ .seed = { seed, TSR_BOOT_SEED }, .count = 1 };
    b->record.component[0] = (tsr_boot_component){
        .type = tsr_text("PRoT"),
        .measurement = { measurement, 32 },
        .version = tsr_text(version),
        .signer = { nobody, sizeof nobody },
        .description = tsr_text("sha-256"),
    };
    return TSR_OK;
}

/* What was measured: by the launcher, or, without one, by this program of itself. */
static tsr_err open_boot(tsr_secured_boot *boot, int fd)
{
    tsr_err err;

    if (fd >= 0)
        return tsr_secured_boot_read(boot, fd);
    err = measure_self(boot, TSR_VERSION);
    if (err == TSR_OK)
        tsr_log("info", "boot-record.own", "remedy=\"%s\"",
                "no launcher measured the software: start it by tessera-boot for signed values");
    else
        tsr_log("error", "boot-record.failed", "cause=\"%s\" remedy=\"%s\"",
                "this program cannot measure itself, so attestation is not served",
                "mount /proc and make the program readable, or use --boot-record-fd");
    return err;
}

tsr_err tsr_part_attest_open(tsr_world *w)
{
    tsr_attest *a = &w->attest;
    tsr_err err = open_boot(&w->boot, w->options->boot_record_fd);
    psa_status_t status;

    if (err != TSR_OK) /* a launcher's record must be good; keys and storage work without one */
        return w->options->boot_record_fd >= 0 ? err : TSR_OK;
    *a = (tsr_attest){
        .its = &w->store.its,
        .boot = &w->boot.record,
        .lifecycle = &w->lifecycle,
    };
    status = tsr_attest_open(a);
    if (status != PSA_SUCCESS) {
        tsr_log("error", "attest.failed", "status=%d cause=\"%s\" remedy=\"%s\"", status,
                status == PSA_ERROR_INVALID_ARGUMENT ? "the boot record names no component"
                : status == PSA_ERROR_DATA_INVALID ? "a stored setting or the key has a wrong form"
                                                   : "the store cannot be read",
                "provision the device again, or restore its store");
        return status == PSA_ERROR_STORAGE_FAILURE ? TSR_E_IO : TSR_E_MALFORMED;
    }
    if (!a->settings.provisioned)
        tsr_log("warning", "attest.unprovisioned", "remedy=\"%s\"",
                "tokens say implementation id 0 until the factory tool sets it");
    return tsr_world_serve(w, (tsr_spm_service){ TSR_PSA_ATTEST_HANDLE, a, tsr_attest_call, NULL });
}
