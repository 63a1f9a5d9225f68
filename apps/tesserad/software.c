/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/software.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "ports/linux/host/system.h"
#include "psa/internal_trusted_storage.h"
#include "tessera/base/hash.h"

enum {
    BLOCK_MOST = 1024,  /* a download goes on at a whole block of any size */
    SOON_MS = 10000,    /* software that ends within is not well */
    FAILURES = 5,       /* after so many in a row it is deactivated */
    AGAIN_MS = 1000, AGAIN_MOST_MS = 60000,
};

static software_seat *seat_of(software *s, const tsr_lwm2m_software *item)
{
    return &s->seats[item - s->items];
}

static void tell_why(tsr_lwm2m_software *item, const char *why)
{
    (void)snprintf(item->reason, sizeof item->reason, "%s", why);
}

/* ---- packages ---- */

static tsr_lwm2m_software_result result_of(tsr_err err, tsr_lwm2m_software_result otherwise)
{
    switch (err) {
    case TSR_OK:      return TSR_LWM2M_SOFTWARE_NONE;
    case TSR_E_SPACE: return TSR_LWM2M_SOFTWARE_NO_STORAGE;
    default:          return otherwise;
    }
}

static tsr_lwm2m_software_result on_begin(void *user, tsr_lwm2m_software *item)
{
    const software *s = user;

    return result_of(tsr_software_begin(&s->store, item->id), TSR_LWM2M_SOFTWARE_OTHER);
}

static tsr_lwm2m_software_result on_write(void *user, tsr_lwm2m_software *item, uint32_t offset,
                                          tsr_bytes part)
{
    const software *s = user;

    return result_of(tsr_software_write(&s->store, item->id, offset, part),
                     TSR_LWM2M_SOFTWARE_OTHER);
}

/* The highest sequence number that was installed under a name; kept when the software goes. */
static psa_storage_uid_t counter_uid(const char *name)
{
    return 0x5453530000000000u | (tsr_hash(1, tsr_text(name)) & 0xffffffffffu);
}

static tsr_err counter_get(const char *name, uint64_t *sequence)
{
    uint8_t room[8];
    size_t len = 0;
    psa_status_t status = psa_its_get(counter_uid(name), 0, sizeof room, room, &len);
    tsr_bytes in = tsr_view(room, len);

    *sequence = 0;
    if (status == PSA_ERROR_DOES_NOT_EXIST)
        return TSR_OK;
    return status == PSA_SUCCESS ? tsr_get_u64(&in, sequence) : TSR_E_IO;
}

static tsr_err counter_raise(const char *name, uint64_t sequence)
{
    uint8_t room[8];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_put_u64(&out, sequence);
    return psa_its_set(counter_uid(name), sizeof room, room, PSA_STORAGE_FLAG_NONE) == PSA_SUCCESS
               ? TSR_OK
               : TSR_E_IO;
}

static tsr_lwm2m_software_result verify(software *s, tsr_lwm2m_software *item, tsr_bytes package,
                                        package_says *says, uint64_t *counter)
{
    package_verdict verdict = package_check(&s->trust, package, says);

    if (verdict == PACKAGE_GOOD && counter_get(says->name, counter) != TSR_OK) {
        tell_why(item, "the secure service does not answer");
        return TSR_LWM2M_SOFTWARE_OTHER;
    }
    if (verdict == PACKAGE_GOOD && says->sequence < *counter) {
        verdict = PACKAGE_FORMAT;
        says->reason = "older than what was installed before";
    }
    if (verdict == PACKAGE_GOOD)
        return TSR_LWM2M_SOFTWARE_NONE;
    tell_why(item, says->reason);
    tsr_host_log(TSR_LOG_WARNING, "software-refused", "instance=%u cause=\"%s\"", item->id,
                 says->reason);
    return verdict == PACKAGE_UNTRUSTED ? TSR_LWM2M_SOFTWARE_INTEGRITY : TSR_LWM2M_SOFTWARE_TYPE;
}

/* What is done with a verified package, while it is mapped. */
typedef tsr_lwm2m_software_result use(software *s, tsr_lwm2m_software *item,
                                      const package_says *says, uint64_t counter);

/* A package is never believed: it is verified when it has come, and again when it is installed. */
static tsr_lwm2m_software_result with_package(software *s, tsr_lwm2m_software *item,
                                              const char *file, use *then)
{
    package_says says;
    uint64_t counter;
    tsr_bytes package;
    tsr_lwm2m_software_result result;

    if (tsr_software_map(&s->store, item->id, file, &package) != TSR_OK)
        return TSR_LWM2M_SOFTWARE_OTHER;
    result = verify(s, item, package, &says, &counter);
    if (result == TSR_LWM2M_SOFTWARE_NONE)
        result = then(s, item, &says, counter);
    tsr_software_unmap(package);
    return result;
}

static tsr_lwm2m_software_result keep(software *s, tsr_lwm2m_software *item,
                                      const package_says *says, uint64_t counter)
{
    tsr_err err = tsr_software_keep(&s->store, item->id);

    (void)counter;
    if (err != TSR_OK)
        return result_of(err, TSR_LWM2M_SOFTWARE_OTHER);
    (void)snprintf(item->name, sizeof item->name, "%s", says->name);
    (void)snprintf(item->version, sizeof item->version, "%s", says->version);
    tsr_host_log(TSR_LOG_INFO, "software-verified", "instance=%u name=\"%s\" version=\"%s\"",
                 item->id, item->name, item->version);
    return TSR_LWM2M_SOFTWARE_NONE;
}

static tsr_lwm2m_software_result on_finish(void *user, tsr_lwm2m_software *item)
{
    return with_package(user, item, "part", keep);
}

/* What it has made so far is removed with the next install, or the whole folder. */
static void end_installer(software_seat *p)
{
    if (p->installer == 0)
        return;
    (void)kill(p->installer, SIGKILL);
    (void)tsr_software_install_end(p->installer, p->installed);
    p->installer = 0;
    p->installed = -1;
}

static void on_abort(void *user, tsr_lwm2m_software *item)
{
    software *s = user;

    end_installer(seat_of(s, item));
    (void)tsr_software_drop(&s->store, item->id, !item->replaces);
}

/* ---- from package to software ---- */

/* The bundle is read by the child, which has it mapped as we had. */
static tsr_lwm2m_software_result unpack(software *s, tsr_lwm2m_software *item,
                                        const package_says *says, uint64_t counter)
{
    software_seat *p = seat_of(s, item);

    (void)counter; /* it is read again when the number is kept */
    p->installs = *says;
    p->installs.bundle = tsr_view(NULL, 0);
    if (tsr_software_install_begin(&s->store, item->id, says->bundle, &p->installer, &p->installed) == TSR_OK)
        return TSR_LWM2M_SOFTWARE_LOADING;
    tell_why(item, strerror(errno));
    return TSR_LWM2M_SOFTWARE_NOT_INSTALLED;
}

static void say_install(const tsr_lwm2m_software *item, tsr_lwm2m_software_result result)
{
    tsr_host_log(result == TSR_LWM2M_SOFTWARE_NONE ? TSR_LOG_INFO : TSR_LOG_WARNING,
                 "software-install", "instance=%u name=\"%s\" result=%d cause=\"%s\"", item->id,
                 item->name, (int)result, item->reason);
}

static tsr_lwm2m_software_result on_install(void *user, tsr_lwm2m_software *item)
{
    tsr_lwm2m_software_result result = with_package(user, item, "package", unpack);

    if (result == TSR_LWM2M_SOFTWARE_LOADING)
        return result;
    if (result != TSR_LWM2M_SOFTWARE_NO_STORAGE)
        result = TSR_LWM2M_SOFTWARE_NOT_INSTALLED; /* it was good when it came */
    say_install(item, result);
    return result;
}

static tsr_err keep_number(tsr_lwm2m_software *item, const package_says *says)
{
    uint64_t counter;
    tsr_err err = counter_get(says->name, &counter);

    if (err == TSR_OK && says->sequence > counter)
        err = counter_raise(says->name, says->sequence);
    if (err != TSR_OK)
        tell_why(item, "the secure service does not keep the number");
    return err;
}

static void unpacked(software_seat *p)
{
    tsr_lwm2m_software_result result;
    tsr_err err = tsr_software_install_end(p->installer, p->installed);

    p->installer = 0;
    p->installed = -1;
    if (err == TSR_E_MALFORMED)
        tell_why(p->item, "no bundle with a program start");
    else if (err != TSR_OK)
        tell_why(p->item, strerror(errno));
    else
        err = keep_number(p->item, &p->installs);
    result = result_of(err, TSR_LWM2M_SOFTWARE_NOT_INSTALLED);
    say_install(p->item, result);
    tsr_lwm2m_software_installed(&p->of->all, p->item, result);
}

static tsr_lwm2m_software_result on_uninstall(void *user, tsr_lwm2m_software *item)
{
    software *s = user;

    end_installer(seat_of(s, item));
    return tsr_software_drop(&s->store, item->id, true) == TSR_OK
               ? TSR_LWM2M_SOFTWARE_NONE
               : TSR_LWM2M_SOFTWARE_NOT_REMOVED;
}

/* ---- processes ---- */

_Static_assert(CONFIG_CONTAINERS <= (int)TSR_SOFTWARE_SHARED, "a program may reach all containers");

/* Its containers, which its sandbox leaves open. */
static void find_shared(const software_seat *p, const char *shared[CONFIG_CONTAINERS + 1])
{
    const config *c = p->of->config;
    size_t n = 0;

    for (size_t i = 0; i < c->container_count; i++) {
        if (c->containers[i].software == p->item->id)
            shared[n++] = c->containers[i].directory;
    }
    shared[n] = NULL;
}

static tsr_err start(software_seat *p)
{
    const char *shared[CONFIG_CONTAINERS + 1];
    software *s = p->of;
    const config_software *c = &s->config->software;
    char folder[TSR_SOFTWARE_PATH + 8];
    const tsr_software_how how = { folder, c->user, c->memory_mb, c->data_mb, c->network == 1, shared };
    tsr_err err;

    find_shared(p, shared);
    (void)snprintf(folder, sizeof folder, "%s/%u", s->store.path, p->item->id);
    p->start_at_ms = 0;
    p->started_ms = tsr_host_now_ms();
    err = tsr_software_start(&how, &p->keeper, &p->end);
    if (err == TSR_OK)
        tsr_host_log(TSR_LOG_INFO, "software-started", "instance=%u name=\"%s\" pid=%d",
                     p->item->id, p->item->name, (int)p->keeper);
    return err;
}

static void stop(software_seat *p)
{
    if (p->keeper != 0)
        tsr_software_stop(p->keeper, p->end);
    p->keeper = 0;
    p->end = -1;
    p->start_at_ms = 0;
}

static tsr_err on_activate(void *user, tsr_lwm2m_software *item)
{
    software_seat *p = seat_of(user, item);

    p->failures = 0;
    item->result = TSR_LWM2M_SOFTWARE_DONE; /* what ended it before is over */
    item->reason[0] = '\0';
    return start(p);
}

static void on_deactivate(void *user, tsr_lwm2m_software *item)
{
    stop(seat_of(user, item));
    tsr_host_log(TSR_LOG_INFO, "software-stopped", "instance=%u", item->id);
}

static void give_up(software_seat *p)
{
    p->item->active = false;
    p->item->changed = true;
}

/* It ended by itself: again, ever more slowly; what always ends at once is given up. */
static void ended(software_seat *p, uint64_t now_ms)
{
    bool too_much;
    int status = tsr_software_ended(p->keeper, p->end, &too_much);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    uint64_t wait_ms = AGAIN_MS;

    p->keeper = 0;
    p->end = -1;
    p->failures = now_ms - p->started_ms < SOON_MS ? p->failures + 1 : 1;
    tsr_host_log(TSR_LOG_WARNING, "software-ended", "instance=%u code=%d", p->item->id, code);
    if (too_much) {
        give_up(p);
        p->item->result = TSR_LWM2M_SOFTWARE_NO_STORAGE;
        (void)snprintf(p->item->reason, sizeof p->item->reason, "its folders hold more than %u MB",
                       p->of->config->software.data_mb);
        return;
    }
    if (p->failures >= FAILURES) {
        give_up(p);
        (void)snprintf(p->item->reason, sizeof p->item->reason, "it ends with %d again and again",
                       code);
        return;
    }
    for (unsigned i = 1; i < p->failures; i++)
        wait_ms *= 2;
    p->start_at_ms = now_ms + (wait_ms < AGAIN_MOST_MS ? wait_ms : AGAIN_MOST_MS);
}

/* ---- what is downloaded, and pushed ---- */

/* The ETag is there before the first byte is stored, and saved with the state. */
static void pull_part(void *user, const download_part *part)
{
    const software_seat *p = user;
    tsr_lwm2m_software *item = p->item;

    if (part->offset == 0) {
        item->etag_len = (uint8_t)part->etag.len;
        if (part->etag.len != 0)
            memcpy(item->etag, part->etag.ptr, part->etag.len);
        item->changed = true;
    }
    (void)tsr_lwm2m_software_pull(&p->of->all, item, part->offset, part->part, part->last);
}

static void pull_failed(void *user, download_failure why)
{
    static const tsr_lwm2m_software_result results[] = {
        [DOWNLOAD_LOST] = TSR_LWM2M_SOFTWARE_CONNECTION_LOST,
        [DOWNLOAD_BAD_URI] = TSR_LWM2M_SOFTWARE_BAD_URI,
        [DOWNLOAD_TOO_LONG] = TSR_LWM2M_SOFTWARE_NO_STORAGE,
    };
    const software_seat *p = user;

    tsr_lwm2m_software_fail(&p->of->all, p->item, results[why]);
}

static void step_download(software_seat *p, uint64_t now_ms)
{
    const download_taker taker = { pull_part, pull_failed, p };
    tsr_lwm2m_software *item = p->item;

    if (item->used && item->fetch) {
        item->fetch = false;
        download_begin(&p->download, item->uri, item->offset,
                       tsr_view(item->etag, item->etag_len), &taker, p->of->place, now_ms);
    }
    download_step(&p->download, item->used && item->state == TSR_LWM2M_SOFTWARE_STARTED &&
                                    !item->pushed, now_ms);
}

static tsr_err push(void *user, uint32_t source, uint32_t offset, tsr_bytes part, bool last,
                    uint64_t now_ms)
{
    const software_seat *p = user;

    return p->item->used ? tsr_lwm2m_software_push(&p->of->all, p->item, source, offset, part,
                                                   last, now_ms)
                         : TSR_E_DENIED;
}

/* ---- the daemon's side ---- */

void software_init(software *s)
{
    s->store.fd = -1;
    for (size_t i = 0; i < CONFIG_SOFTWARE; i++) {
        s->seats[i] = (software_seat){ .of = s, .item = &s->items[i], .end = -1, .installed = -1 };
        download_init(&s->seats[i].download);
    }
}

tsr_err software_place(software *s, const config *c, const download_place *place, device *d)
{
    static const tsr_lwm2m_software_backend backend = { on_begin, on_write, on_finish, on_abort,
                                                        on_install, on_uninstall, on_activate,
                                                        on_deactivate };
    const config_software *from = &c->software;
    const char *reason = "directory: others may write there, or it is none";
    tsr_err err;

    s->config = c;
    s->place = place;
    if (from->directory[0] == '\0')
        return TSR_OK;
    err = tsr_software_open(&s->store, from->directory, from->size);
    if (err == TSR_E_IO)
        reason = strerror(errno);
    if (err == TSR_OK)
        err = package_trust_read(&s->trust, from->anchor, from->vendor, from->class_id, &reason);
    if (err != TSR_OK) {
        tsr_host_log(TSR_LOG_ERROR, "software", "directory=\"%s\" cause=\"%s\" remedy=\"correct the "
                     "section [software]\"", from->directory, reason);
        return err;
    }
    s->all = (tsr_lwm2m_softwares){ .items = s->items, .count = CONFIG_SOFTWARE,
                                    .backend = &backend, .user = s,
                                    .protocols = DOWNLOAD_PROTOCOLS,
                                    .push_wait_ms = (uint64_t)c->push_wait_s * 1000 };
    device_add(d, tsr_lwm2m_software_object(&s->all));
    return TSR_OK;
}

/* An instance is where its stream is. */
static void point_stream(software_seat *p)
{
    p->stream.at = (tsr_lwm2m_path){ 9, p->item->used ? p->item->id : TSR_LWM2M_NO_ID, 2, 0, 3 };
}

static void resume(software_seat *p)
{
    tsr_lwm2m_software_there there = { 0 };
    tsr_software_stands stands;
    software *s = p->of;

    tsr_software_look(&s->store, p->item->id, &stands);
    there.stored = stands.part & ~(BLOCK_MOST - 1u);
    there.whole = stands.package;
    there.installed = stands.app;
    if (p->item->active && stands.app)
        there.failed = start(p) != TSR_OK;
    tsr_lwm2m_software_resume(&s->all, p->item, &there);
}

void software_resume(software *s, tsr_lwm2m_client *client)
{
    if (s->all.items == NULL)
        return;
    s->client = client;
    for (uint16_t id = 0; id < s->config->software.instances; id++)
        (void)tsr_lwm2m_software_add(&s->all, id); /* NULL: it is there */
    for (size_t i = 0; i < CONFIG_SOFTWARE; i++) {
        software_seat *p = &s->seats[i];

        if (p->item->used)
            resume(p);
        p->stream = (tsr_lwm2m_stream){ .part = push, .user = p };
        point_stream(p);
        tsr_lwm2m_client_stream(client, &p->stream);
    }
}

/* What was installed is saved: only now its package may go. */
static void settle(const software *s, const tsr_lwm2m_software *item)
{
    if (item->state == TSR_LWM2M_SOFTWARE_INSTALLED)
        (void)tsr_software_drop(&s->store, item->id, false);
}

void software_tell(software *s)
{
    bool told[CONFIG_SOFTWARE] = { false }, any = false;

    for (size_t i = 0; s->client != NULL && i < CONFIG_SOFTWARE; i++) {
        tsr_lwm2m_software *item = &s->items[i];

        point_stream(&s->seats[i]);
        if (!item->used || !item->changed)
            continue;
        item->changed = false;
        told[i] = any = true;
        tsr_host_log(TSR_LOG_INFO, "software-state", "instance=%u state=%u result=%u active=%d",
                     item->id, item->state, item->result, item->active);
        tsr_lwm2m_client_changed(s->client, tsr_lwm2m_at_instance(9, item->id));
    }
    if (!any || tsr_lwm2m_client_save(s->client) != TSR_OK)
        return;
    for (size_t i = 0; i < CONFIG_SOFTWARE; i++) {
        if (told[i])
            settle(s, &s->items[i]);
    }
}

/* A process may have been started or ended for a request that was taken back, since it could not be saved. */
static void follow(software_seat *p, uint64_t now_ms)
{
    bool wanted = p->item->used && p->item->active;

    if (!wanted && (p->keeper != 0 || p->start_at_ms != 0))
        stop(p);
    if (wanted && p->keeper == 0 && p->start_at_ms == 0)
        p->start_at_ms = now_ms;
}

static void step(software_seat *p, uint64_t now_ms)
{
    tsr_lwm2m_software_step(&p->of->all, p->item, now_ms);
    step_download(p, now_ms);
    follow(p, now_ms);
    if (p->start_at_ms == 0 || now_ms < p->start_at_ms)
        return;
    if (start(p) != TSR_OK)
        p->start_at_ms = now_ms + AGAIN_MOST_MS;
}

void software_step(software *s, uint64_t now_ms)
{
    for (size_t i = 0; s->client != NULL && i < CONFIG_SOFTWARE; i++)
        step(&s->seats[i], now_ms);
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t software_due_ms(const software *s)
{
    uint64_t due_ms = UINT64_MAX;

    for (size_t i = 0; s->client != NULL && i < CONFIG_SOFTWARE; i++) {
        const software_seat *p = &s->seats[i];

        if (p->item->used && (p->item->changed || p->item->fetch))
            return 0;
        due_ms = earlier(due_ms, tsr_lwm2m_software_due_ms(&s->all, p->item));
        due_ms = earlier(due_ms, download_due_ms(&p->download));
        if (p->start_at_ms != 0)
            due_ms = earlier(due_ms, p->start_at_ms);
    }
    return due_ms;
}

void software_fds(const software *s, struct pollfd *fds)
{
    for (size_t i = 0; i < CONFIG_SOFTWARE; i++) {
        fds[3 * i] = download_watch(&s->seats[i].download);
        fds[3 * i + 1] = (struct pollfd){ s->seats[i].end, POLLIN, 0 };
        fds[3 * i + 2] = (struct pollfd){ s->seats[i].installed, POLLIN, 0 };
    }
}

void software_receive(software *s, const struct pollfd *fds, uint64_t now_ms)
{
    for (size_t i = 0; i < CONFIG_SOFTWARE; i++) {
        software_seat *p = &s->seats[i];

        if (fds[3 * i].revents != 0)
            download_receive(&p->download, now_ms);
        /* a server may have ended it, and started it anew, since */
        if (fds[3 * i + 1].revents != 0 && p->keeper != 0 && p->end == fds[3 * i + 1].fd)
            ended(p, now_ms);
        if (fds[3 * i + 2].revents != 0 && p->installer != 0 && p->installed == fds[3 * i + 2].fd)
            unpacked(p);
    }
}

void software_end(software *s)
{
    for (size_t i = 0; i < CONFIG_SOFTWARE; i++) {
        download_end(&s->seats[i].download);
        stop(&s->seats[i]);
        end_installer(&s->seats[i]); /* it is DELIVERED after the next start */
    }
    tsr_software_close(&s->store);
}
