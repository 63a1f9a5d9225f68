/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/update.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "psa/update.h"

enum { AGAIN_MS = 1000, TEST_LOOK_MS = 50 };

static void put_version(char *text, size_t cap, const psa_fwu_image_version_t *v)
{
    int n = snprintf(text, cap, "%u.%u.%u", v->major, v->minor, v->patch);

    if (v->build != 0)
        (void)snprintf(text + n, cap - (size_t)n, "+%lu", (unsigned long)v->build);
}

tsr_err update_begin(update *u, const config *c)
{
    const char *component = getenv("TESSERA_BOOT_COMPONENT");
    psa_fwu_component_info_t info;
    psa_status_t status;
    uint64_t id = 0;

    *u = (update){ .config = c };
    if (component == NULL)
        return TSR_OK;
    if (tsr_dec(tsr_text(component), &id) != TSR_OK || id > UINT8_MAX)
        return TSR_E_ARGUMENT;
    status = psa_fwu_query((psa_fwu_component_t)id, &info);
    if (status != PSA_SUCCESS) {
        tsr_host_log(TSR_LOG_ERROR, "update-unknown", "component=%llu status=%d remedy=\"allow this "
                     "user in update.conf\"", (unsigned long long)id, (int)status);
        return TSR_E_IO;
    }
    u->launched = true;
    u->component = (uint8_t)id;
    u->trial = info.state == PSA_FWU_TRIAL;
    put_version(u->version, sizeof u->version, &info.version);
    tsr_host_log(TSR_LOG_INFO, "firmware", "version=%s slot=%c trial=%d", u->version,
                 'a' + (info.impl.slot & 1), u->trial);
    return TSR_OK;
}

const char *update_version(const update *u) { return u->launched ? u->version : NULL; }

void update_registered(update *u) { u->registered = true; }

static void accept_version(update *u, uint64_t now_ms)
{
    psa_status_t status = psa_fwu_accept();

    if (status == PSA_SUCCESS) {
        u->trial = false;
        tsr_host_log(TSR_LOG_INFO, "firmware-accepted", "version=%s", u->version);
        return;
    }
    u->retry_at_ms = now_ms + AGAIN_MS;
    tsr_host_log(TSR_LOG_WARNING, "firmware-not-accepted", "version=%s status=%d", u->version,
                 (int)status);
    if (status == PSA_ERROR_BAD_STATE) /* somebody else decided */
        u->trial = false;
}

/* The version does not trust itself: back at once, rather than at the end of its time. */
static void reject_version(update *u, const char *how, int number)
{
    psa_status_t status = psa_fwu_reject(PSA_ERROR_GENERIC_ERROR);

    u->trial = false;
    tsr_host_log(TSR_LOG_ERROR, "firmware-rejected", "version=%s cause=\"self-test\" %s=%d status=%d",
                 u->version, how, number, (int)status);
    if (status == PSA_SUCCESS_REBOOT)
        (void)psa_fwu_request_reboot();
}

static void start_test(update *u)
{
    char *argv[] = { (char *)(uintptr_t)u->config->self_test, NULL };
    sigset_t none;
    posix_spawnattr_t attributes;
    int error;

    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    error = posix_spawn(&u->test, u->config->self_test, NULL, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        u->test = 0;
        reject_version(u, "errno", error);
    }
}

static void look_at_test(update *u)
{
    int status;
    pid_t pid = waitpid(u->test, &status, WNOHANG);

    if (pid == 0)
        return;
    u->test = 0;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        u->tested = true;
    else if (pid > 0 && WIFSIGNALED(status))
        reject_version(u, "signal", WTERMSIG(status));
    else
        reject_version(u, "exit", pid > 0 ? WEXITSTATUS(status) : -1);
}

void update_step(update *u, uint64_t now_ms)
{
    if (!u->trial || !u->registered || now_ms < u->retry_at_ms)
        return;
    if (u->config->self_test[0] == '\0')
        u->tested = true;
    else if (!u->tested && u->test == 0)
        start_test(u);
    else if (!u->tested) {
        look_at_test(u);
        u->retry_at_ms = now_ms + TEST_LOOK_MS;
    }
    if (u->trial && u->tested)
        accept_version(u, now_ms);
}

uint64_t update_due_ms(const update *u)
{
    return u->trial && u->registered ? u->retry_at_ms : UINT64_MAX;
}

void update_end(update *u)
{
    int status;

    if (u->test <= 0)
        return;
    (void)kill(u->test, SIGKILL);
    (void)waitpid(u->test, &status, 0);
    u->test = 0;
}
