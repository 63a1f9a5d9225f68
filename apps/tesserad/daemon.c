/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "ports/linux/host/file.h"
#include "ports/linux/host/system.h"

enum {
    GATE_MS = 5000,   /* longest wait for tessera-secured */
    STOP_MS = 20000,  /* longest wait for De-register: four transmissions */
};

static void stop(tesserad *d, daemon_end end, bool deregister, uint64_t now_ms)
{
    d->end = end;
    d->stop_by_ms = now_ms + STOP_MS;
    (void)tsr_lwm2m_client_save(&d->client);
    tsr_lwm2m_client_stop(&d->client, deregister, now_ms);
}

/* The present configuration stays in force when the new one has an error. */
static bool reload_is_good(const tesserad *d)
{
    config *fresh = malloc(sizeof *fresh);
    char error[512];
    bool good = fresh != NULL && config_load(d->path, fresh, error, sizeof error) == TSR_OK;

    if (fresh != NULL && !good)
        tsr_host_log(TSR_LOG_ERROR, "reload-failed", "cause=\"%s\"", error);
    free(fresh);
    return good;
}

static void on_signal(tesserad *d, uint64_t now_ms)
{
    struct signalfd_siginfo info;

    if (read(d->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGHUP:
        if (reload_is_good(d))
            stop(d, DAEMON_RELOAD, false, now_ms);
        break;
    case SIGUSR1:
        for (size_t i = 0; i < d->link_count; i++) {
            if (d->links[i].used)
                link_reopen(d, i, now_ms);
        }
        break;
    default:
        tsr_host_log(TSR_LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
        stop(d, DAEMON_ENDED, d->config->deregister == 1, now_ms);
        break;
    }
}

static uint64_t earliest(const uint64_t *due_ms, size_t count)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if (due_ms[i] < first)
            first = due_ms[i];
    }
    return first;
}

/* What waits while the daemon stops, which may take STOP_MS: then the stop is due instead. */
static uint64_t tasks_due_ms(const tesserad *d)
{
    const uint64_t due_ms[] = {
        update_due_ms(&d->update), firmware_due_ms(&d->firmware), software_due_ms(&d->software),
        report_due_ms(&d->report), enrol_due_ms(&d->enrol),
    };

    return d->stop_by_ms != 0 ? d->stop_by_ms : earliest(due_ms, sizeof due_ms / sizeof *due_ms);
}

static int wait_ms(const tesserad *d, uint64_t now_ms)
{
    uint64_t due_ms[] = {
        0, /* the client's */
        d->device.refreshed_ms + (uint64_t)d->config->refresh_s * 1000,
        links_due_ms(d),
        containers_due_ms(&d->containers),
        tasks_due_ms(d),
    };
    uint64_t first;

    (void)tsr_lwm2m_queue_sleeps(&d->client, now_ms, &due_ms[0]);
    first = earliest(due_ms, sizeof due_ms / sizeof *due_ms);
    return first <= now_ms ? 0 : (int)(first - now_ms);
}

static void step_update(tesserad *d, uint64_t now_ms)
{
    bool trial = d->update.trial;

    update_step(&d->update, now_ms);
    if (trial && !d->update.trial)
        firmware_judged(&d->firmware);
    firmware_step(&d->firmware, now_ms);
    software_step(&d->software, now_ms);
}

/* What poll(2) watches: these, then the links. */
enum { SIGNALS, NETWORK, KERNEL_LOG, FIRMWARE, ENROL, CONTAINERS, SOFTWARE, LINKS = SOFTWARE + SOFTWARE_FDS };

/* What comes there is for a task that waits. */
static bool waits_for_tasks(int fd) { return fd == FIRMWARE || fd == ENROL || fd >= SOFTWARE; }

static bool listen_to_all(const tesserad *d, struct pollfd fds[LINKS + CONFIG_ACCOUNTS])
{
    fds[SIGNALS] = (struct pollfd){ d->signals, POLLIN, 0 };
    fds[NETWORK] = (struct pollfd){ d->watch, POLLIN, 0 };
    fds[KERNEL_LOG] = (struct pollfd){ d->device.logs.kernel, POLLIN, 0 };
    fds[FIRMWARE] = firmware_watch(&d->firmware);
    fds[ENROL] = (struct pollfd){ enrol_descriptor(&d->enrol), POLLIN, 0 };
    fds[CONTAINERS] = (struct pollfd){ containers_descriptor(&d->containers), POLLIN, 0 };
    software_fds(&d->software, fds + SOFTWARE);
    for (int i = 0; d->stop_by_ms != 0 && i < LINKS; i++) {
        if (waits_for_tasks(i))
            fds[i].fd = -1;
    }
    for (size_t i = 0; i < d->link_count; i++)
        fds[LINKS + i] = link_watch(d, i);
    return poll(fds, LINKS + d->link_count, wait_ms(d, tsr_host_now_ms())) >= 0;
}

static void hear(tesserad *d, const struct pollfd *fds, uint64_t now_ms)
{
    if (fds[SIGNALS].revents != 0)
        on_signal(d, now_ms);
    if (fds[FIRMWARE].revents != 0)
        firmware_receive(&d->firmware, now_ms);
    software_receive(&d->software, fds + SOFTWARE, now_ms);
    if (fds[NETWORK].revents != 0)
        tsr_udp_watch_drain(d->watch);
    if (fds[CONTAINERS].revents != 0)
        containers_receive(&d->containers);
    containers_step(&d->containers, now_ms);
    if (fds[KERNEL_LOG].revents != 0)
        logs_read_kernel(&d->device.logs);
    if (d->stop_by_ms == 0)
        links_check(d, fds[NETWORK].revents != 0, now_ms);
    (void)traffic_streams(d, fds + LINKS, now_ms);
    for (size_t i = 0; i < d->link_count; i++) {
        if (fds[LINKS + i].revents != 0)
            traffic_receive(d, i, now_ms);
    }
}

static void work(tesserad *d, uint64_t now_ms)
{
    d->history.unix_zero_ms = d->bootstrap.unix_zero_ms = tsr_host_unix_ms() - now_ms;
    if (now_ms - d->device.refreshed_ms >= (uint64_t)d->config->refresh_s * 1000)
        device_refresh(&d->device, &d->client, now_ms);
    if (d->stop_by_ms == 0) {
        enrol_news news = enrol_step(&d->enrol, now_ms);

        links_renew(d, &news, now_ms);
    }
    if (d->stop_by_ms == 0)
        report_step(&d->report, &d->client, now_ms);
    traffic_drive(d, now_ms);
    if (d->stop_by_ms == 0)
        step_update(d, now_ms);
    traffic_fall_asleep(d, now_ms);
}

static void obey_reboot(tesserad *d, uint64_t now_ms)
{
    if (!d->device.device.reboot || d->stop_by_ms != 0)
        return;
    d->device.device.reboot = false;
    tsr_host_log(TSR_LOG_INFO, "reboot", "cause=\"asked for by a server\"");
    if (d->config->reboot != REBOOT_NONE)
        stop(d, DAEMON_REBOOT, true, now_ms);
}

static void step(tesserad *d)
{
    struct pollfd fds[LINKS + CONFIG_ACCOUNTS];
    uint64_t now_ms;

    if (!listen_to_all(d, fds))
        return;
    now_ms = tsr_host_now_ms();
    hear(d, fds, now_ms);
    work(d, now_ms);
    obey_reboot(d, now_ms);
}

static bool is_over(const tesserad *d)
{
    return d->stop_by_ms != 0 &&
           (tsr_lwm2m_client_stopped(&d->client) || tsr_host_now_ms() >= d->stop_by_ms);
}

int daemon_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The objects, then the accounts, then the client over both. */
static tsr_err place(tesserad *d, uint64_t now_ms)
{
    const config *c = d->config;
    tsr_err err;

    device_init(&d->device, c, now_ms);
    report_init(&d->report, c, now_ms);
    enrol_begin(&d->enrol, &d->device, c);
    err = update_begin(&d->update, c);
    if (update_version(&d->update) != NULL)
        (void)snprintf(d->device.device.firmware, sizeof d->device.device.firmware, "%s",
                       update_version(&d->update));
    d->place = (download_place){ c, &d->device.securities, &d->trust };
    firmware_place(&d->firmware, &d->update, &d->place, &d->device);
    if (err == TSR_OK)
        err = containers_place(&d->containers, c, &d->device.app_datas);
    device_configure_access(&d->device, true);
    if (err == TSR_OK)
        err = software_place(&d->software, c, &d->place, &d->device);
    if (err == TSR_OK)
        err = accounts_read_papers(d);
    accounts_configure(d);
    if (err == TSR_OK)
        err = links_begin(d);
    if (err == TSR_OK)
        err = client_place(d);
    if (err == TSR_OK)
        err = oscore_begin(&d->oscore, &d->device, &d->client);
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "start-failed", "cause=%s", tsr_err_name(err));
    return err;
}

static tsr_err begin(tesserad *d)
{
    uint64_t now_ms = tsr_host_now_ms();
    const config *c = d->config;
    tsr_err err = tsr_host_directory(c->state);

    d->signals = daemon_signals();
    d->watch = tsr_udp_watch();
    if (err != TSR_OK) {
        tsr_host_log(TSR_LOG_ERROR, "state-directory", "path=\"%s\" cause=\"%s\" remedy=\"make it a "
                     "directory that this user alone can write\"", c->state,
                     err == TSR_E_DENIED ? "others may write there, or it is a file" : strerror(errno));
        return err;
    }
    if (c->secured[0] != '\0' && tsr_gate_socket(c->secured) != PSA_SUCCESS)
        return TSR_E_ARGUMENT;
    tsr_gate_timeout_ms(GATE_MS);
    err = place(d, now_ms);
    if (err != TSR_OK)
        return err;
    state_restore(d);
    links_prefer(d);
    firmware_resume(&d->firmware, &d->client);
    containers_resume(&d->containers, &d->client, now_ms); /* their folders are there before software that knows them */
    software_resume(&d->software, &d->client);
    report_restore(&d->report, &d->client);
    links_check(d, false, now_ms);
    return TSR_OK;
}

static void finish(tesserad *d)
{
    report_keep(&d->report);
    device_end(&d->device);
    update_end(&d->update);
    firmware_end(&d->firmware);
    software_end(&d->software);
    containers_end(&d->containers);
    oscore_end(&d->oscore);
    enrol_end(&d->enrol);
    links_end(d);
    if (d->signals >= 0)
        (void)close(d->signals);
    if (d->watch >= 0)
        (void)close(d->watch);
    free(d->coap_memory);
    free(d->history.memory);
}

daemon_end daemon_run(const config *c, const char *path)
{
    tesserad *d = calloc(1, sizeof *d);
    daemon_end end = DAEMON_FAILED;

    if (d == NULL)
        return end;
    d->config = c;
    d->path = path;
    download_init(&d->firmware.download);
    software_init(&d->software);
    containers_init(&d->containers);
    tsr_host_log_level((tsr_log_level)c->log_level);
    if (begin(d) == TSR_OK) {
        tsr_host_log(TSR_LOG_INFO, "ready", "endpoint=\"%s\" servers=%zu state=\"%s\"", c->endpoint,
                     c->server_count, c->state);
        while (!is_over(d))
            step(d);
        traffic_drive(d, tsr_host_now_ms());
        end = d->end;
    }
    finish(d);
    tsr_wipe(d, sizeof *d);
    free(d);
    return end;
}
