/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-boot/decide.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/tessera-boot/child.h"
#include "apps/tessera-boot/memfile.h"
#include "ports/linux/fwu/slots.h"
#include "ports/linux/host/write.h"
#include "ports/linux/secured/log.h"
#include "ports/linux/secured/store.h"
#include "secure/attest/boot.h"
#include "secure/crypto/service.h"
#include "secure/fwu/crypto.h"

enum { APP = 0 }; /* the component whose bundle is started */

/* What the decision needs; in its own process, once. */
typedef struct {
    const boot_config *config;
    decision *out;
    tsr_secured_store store;
    tsr_slots slots;
    tsr_fwu_psa psa;
    tsr_fwu fwu;
    tsr_fwu_choice choices[TSR_FWU_COMPONENTS];
} work;

static tsr_crypto the_crypto; /* the PSA core looks for its ITS here; nobody is served */

tsr_crypto *tsr_crypto_here(void) { return &the_crypto; }

/* A tessera-secured of an earlier launcher may be about to end. */
static bool open_store(work *w)
{
    tsr_err err;

    for (uint32_t tries = 0; tries <= w->config->stop_s * 10; tries++) {
        err = tsr_secured_store_open(&w->store, w->config->store, false);
        if (err != TSR_E_STATE)
            return err == TSR_OK;
        (void)usleep(100000);
    }
    return false;
}

static bool open_update(work *w)
{
    psa_status_t status;
    tsr_err err = tsr_slots_open(&w->slots, w->config->slots);

    if (err != TSR_OK) {
        tsr_log("error", "slots-refused", "directory=\"%s\" cause=\"%s\"", w->config->slots,
                w->slots.error[0] != '\0' ? w->slots.error : tsr_err_name(err));
        return false;
    }
    the_crypto = (tsr_crypto){ .its = &w->store.its };
    status = tsr_crypto_open(&the_crypto);
    if (status == PSA_SUCCESS) {
        tsr_fwu_psa_open(&w->psa);
        (void)tsr_fwu_psa_decrypts(&w->psa, mbedtls_svc_key_id_make(TSR_ITS_FWU, TSR_FWU_KEY_ID));
        w->fwu = (tsr_fwu){ .its = &w->store.its, .crypto = &w->psa.crypto };
        tsr_slots_give(&w->slots, &w->fwu);
        status = tsr_fwu_open(&w->fwu);
    }
    if (status == PSA_SUCCESS)
        return true;
    tsr_log("error", "update-failed", "status=%d directory=\"%s\"", (int)status, w->config->slots);
    return false;
}

static bool sha256_of(int fd, uint8_t digest[32])
{
    tsr_bytes content = memfile_map(fd);
    size_t len;
    bool good = content.ptr != NULL &&
                psa_hash_compute(PSA_ALG_SHA_256, content.ptr, content.len, digest, 32, &len) ==
                    PSA_SUCCESS;

    if (content.ptr != NULL)
        (void)munmap((void *)(uintptr_t)content.ptr, content.len);
    return good;
}

static tsr_err put_plain(void *self, tsr_bytes plain)
{
    const work *w = self;

    return tsr_host_write_all(w->out->bundle, plain) ? TSR_OK : TSR_E_IO;
}

/* Into memory; an encrypted payload is in clear nowhere else. */
static bool copy_bundle(work *w)
{
    const tsr_fwu_choice *c = &w->choices[APP];
    const tsr_fwu_sink sink = { w, put_plain };
    tsr_fwu_image again;
    uint8_t why = 0;

    if (c->image.encrypted)
        return tsr_fwu_decrypt(&w->fwu, APP, c->slot, &sink, &again, &why) == PSA_SUCCESS;
    return memfile_fill(w->out->bundle, tsr_slots_fd(&w->slots, APP, c->slot), c->image.at,
                        c->image.len);
}

/* The file may have changed since it was verified; the copy cannot any more. So the copy counts. */
static bool take_bundle(work *w)
{
    const tsr_fwu_image *image = &w->choices[APP].image;
    uint8_t digest[32];

    if (image->mcuboot) {
        tsr_log("error", "no-bundle", "slot=%c cause=\"an MCUboot image is no bundle\"",
                'a' + w->choices[APP].slot);
        return false;
    }
    if (!copy_bundle(w) || !sha256_of(w->out->bundle, digest)) {
        tsr_log("error", "bundle-unread", "slot=%c cause=\"%s\"", 'a' + w->choices[APP].slot,
                strerror(errno));
        return false;
    }
    if (memcmp(digest, image->digest, 32) == 0)
        return true;
    tsr_log("error", "bundle-changed", "slot=%c cause=\"the slot changed while it was read\"",
            'a' + w->choices[APP].slot);
    return false;
}

static void add(tsr_boot_record *r, const char *type, const uint8_t measurement[32],
                tsr_bytes version, const uint8_t signer[32])
{
    r->component[r->count++] = (tsr_boot_component){
        .type = tsr_text(type),
        .measurement = tsr_view(measurement, 32),
        .version = version,
        .signer = tsr_view(signer, 32),
        .description = tsr_text("sha-256"),
    };
}

/* Nobody signs tessera-secured itself: its signer is 32 zeros, and a verifier knows its measurement. */
static bool make_record(work *w, int secured)
{
    static const uint8_t nobody[32];
    uint8_t seed[TSR_BOOT_SEED], program[32], room[TSR_BOOT_RECORD_MAX];
    char versions[TSR_FWU_COMPONENTS][TSR_FWU_VERSION_MAX];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_boot_record r = { .seed = tsr_view(seed, sizeof seed) };

    if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed || !sha256_of(secured, program))
        return false;
    add(&r, "PRoT", program, (tsr_bytes){ 0 }, nobody);
    for (size_t i = 0; i < w->fwu.count; i++) {
        const tsr_fwu_image *image = &w->choices[i].image;
        tsr_buf version = tsr_buf_over(versions[i], sizeof versions[i]);

        if (!w->choices[i].there)
            continue;
        tsr_fwu_put_version(&version, &image->version);
        add(&r, "App", image->digest, tsr_buf_view(&version), image->signer);
    }
    tsr_boot_record_write(&out, &r);
    if (out.err != TSR_OK)
        return false;
    return tsr_host_write_all(w->out->record, tsr_buf_view(&out));
}

static void tell(work *w)
{
    const tsr_fwu_choice *app = &w->choices[APP];
    decision *d = w->out;
    tsr_buf version = tsr_buf_over(d->version, sizeof d->version - 1);

    tsr_fwu_put_version(&version, &app->image.version);
    d->version[version.len] = '\0';
    d->slot = app->slot;
    for (size_t i = 0; i < w->fwu.count; i++)
        d->trial |= w->choices[i].there && w->choices[i].trial;
    memcpy(d->measurement, app->image.digest, 32);
    memcpy(d->signer, app->image.signer, 32);
}

/* Why nothing can be started, slot by slot. */
static void log_refusals(work *w)
{
    for (uint8_t slot = 0; w->fwu.count > 0 && slot < 2; slot++) {
        tsr_fwu_image image;
        uint8_t why = 0;
        psa_status_t status = tsr_fwu_verify(&w->fwu, APP, slot, &image, &why);

        tsr_log("error", "slot-refused", "slot=%c status=%d why=%u", 'a' + slot, (int)status, why);
    }
    tsr_log("error", "no-image", "directory=\"%s\" remedy=\"copy a signed package to "
            "slots/NAME/a.img\"", w->config->slots);
}

static decide_result run(work *w, psa_status_t cause, int secured)
{
    psa_status_t status;

    if (!open_store(w) || !open_update(w))
        return DECIDE_FAILED;
    status = tsr_fwu_boot(&w->fwu, cause, w->choices);
    if (status != PSA_SUCCESS && status != PSA_ERROR_DOES_NOT_EXIST) {
        tsr_log("error", "decision-failed", "status=%d remedy=\"check the disk of the store\"",
                (int)status);
        return DECIDE_FAILED;
    }
    if (w->fwu.count == 0 || !w->choices[APP].there) {
        log_refusals(w);
        return DECIDE_NO_IMAGE;
    }
    tell(w);
    return take_bundle(w) && make_record(w, secured) ? DECIDE_READY : DECIDE_FAILED;
}

/* --- the process that decides -------------------------------------------------------------- */

static _Noreturn void decide_here(const boot_config *c, psa_status_t cause, int secured,
                                  const decision *blank, int answer)
{
    decision d = *blank;
    work *w = calloc(1, sizeof *w);

    d.result = DECIDE_FAILED;
    if (!child_become(c->secured.user))
        tsr_log("error", "user-failed", "user=\"%s\" cause=\"%s\"", c->secured.user, strerror(errno));
    else if (w != NULL) {
        w->config = c;
        w->out = &d;
        d.result = run(w, cause, secured);
        tsr_slots_close(&w->slots);
        tsr_secured_store_close(&w->store);
    }
    (void)tsr_host_write_all(answer, tsr_view(&d, sizeof d));
    _exit(0);
}

static bool read_answer(int fd, decision *d)
{
    uint8_t *to = (uint8_t *)d;
    size_t len = 0;

    while (len < sizeof *d) {
        ssize_t n = read(fd, to + len, sizeof *d - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        len += (size_t)n;
    }
    return true;
}

static void give_up(decision *d)
{
    if (d->bundle >= 0)
        (void)close(d->bundle);
    if (d->record >= 0)
        (void)close(d->record);
    d->bundle = d->record = -1;
}

static bool ask(const boot_config *c, psa_status_t cause, int secured, decision *d)
{
    decision answer;
    int ends[2], status;
    bool told;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid = fork();
    if (pid == 0)
        decide_here(c, cause, secured, d, ends[1]);
    (void)close(ends[1]);
    told = pid > 0 && read_answer(ends[0], &answer);
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (told)
        *d = answer;
    else
        tsr_log("error", "decision-failed", "cause=\"its process ended early\"");
    return told;
}

decide_result decide(const boot_config *c, psa_status_t cause, int secured, decision *d)
{
    *d = (decision){ .result = DECIDE_FAILED, .bundle = memfile_new("bundle", false),
                     .record = memfile_new("boot-record", false) };
    if (d->bundle < 0 || d->record < 0)
        tsr_log("error", "memory", "cause=\"%s\"", strerror(errno));
    else if (!ask(c, cause, secured, d))
        d->result = DECIDE_FAILED;
    else if (d->result == DECIDE_READY && (!memfile_seal(d->bundle) || !memfile_seal(d->record)))
        d->result = DECIDE_FAILED;
    if (d->result != DECIDE_READY)
        give_up(d);
    return d->result;
}
