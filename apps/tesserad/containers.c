/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/containers.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "ports/linux/host/system.h"
#include "tessera/base/hash.h"

enum {
    PRIORITY = 1, DESCRIPTION = 3, FORMAT = 4, APP = 5, /* resources */
    LOOK_MS = 100, OPEN_MS = 10000,
};

static tsr_lwm2m_app_data *item_of(const containers *s, size_t i)
{
    return tsr_lwm2m_app_data_find(s->all, s->config->containers[i].id);
}

void containers_init(containers *s)
{
    s->inotify = -1;
}

/* ---- instances ---- */

static uint32_t mark_of(const config_container *c)
{
    uint64_t mark = tsr_hash(tsr_hash(1, tsr_text(c->description)), tsr_text(c->format));

    mark = tsr_hash_u64(mark, (uint64_t)c->priority << 32 | c->app);
    return (uint32_t)(mark ^ mark >> 32) | 1;
}

static uint8_t put_text(uint8_t to[TSR_LWM2M_APP_TEXT], const char *from)
{
    tsr_bytes text = tsr_text(from);

    if (text.len != 0)
        memcpy(to, text.ptr, text.len);
    return (uint8_t)text.len;
}

static void configure(tsr_lwm2m_app_data *item, const config_container *c)
{
    unsigned set = item->set & ~(1u << PRIORITY | 1u << DESCRIPTION | 1u << FORMAT | 1u << APP);

    if (item->mark == mark_of(c))
        return;
    item->mark = mark_of(c);
    item->description_len = put_text(item->description, c->description);
    item->format_len = put_text(item->format, c->format);
    item->priority = (uint8_t)c->priority;
    item->app = (uint16_t)c->app;
    set |= (c->priority != CONFIG_NONE ? 1u << PRIORITY : 0) | (c->app != CONFIG_NONE ? 1u << APP : 0) |
           (item->description_len != 0 ? 1u << DESCRIPTION : 0) | (item->format_len != 0 ? 1u << FORMAT : 0);
    item->set = (uint8_t)set;
}

static bool is_configured(const containers *s, uint16_t id)
{
    for (size_t i = 0; i < s->config->container_count; i++) {
        if (s->config->containers[i].id == id)
            return true;
    }
    return false;
}

/* What an earlier configuration had goes first, so that there is room. */
void containers_furnish(containers *s)
{
    for (size_t n = 0; n < s->all->count; n++) {
        if (s->all->items[n].mark != 0 && !is_configured(s, s->all->items[n].id))
            s->all->items[n].used = false;
    }
    for (size_t i = 0; i < s->config->container_count; i++) {
        tsr_lwm2m_app_data *item = item_of(s, i);

        if (item == NULL)
            item = tsr_lwm2m_app_data_add(s->all, s->config->containers[i].id);
        if (item != NULL)
            configure(item, &s->config->containers[i]);
        else
            tsr_host_log(TSR_LOG_WARNING, "container-full", "id=%u cause=\"servers have created too many\" "
                         "remedy=\"delete one, and restart\"", s->config->containers[i].id);
    }
}

/* ---- folders ---- */

static tsr_err whose(tsr_host_container *to, const config_container *from)
{
    const struct passwd *user = from->user[0] != '\0' ? getpwnam(from->user) : NULL;
    const struct group *group = from->group[0] != '\0' ? getgrnam(from->group) : NULL;

    *to = (tsr_host_container){ .path = from->directory, .user = TSR_HOST_SAME, .group = TSR_HOST_SAME };
    if ((from->user[0] != '\0' && user == NULL) || (from->group[0] != '\0' && group == NULL)) {
        tsr_host_log(TSR_LOG_ERROR, "container-failed", "id=%u cause=\"no such %s\" remedy=\"correct [container %u]\"",
                     from->id, user == NULL && from->user[0] != '\0' ? "user" : "group", from->id);
        return TSR_E_NOT_FOUND;
    }
    if (user != NULL)
        to->user = user->pw_uid;
    if (group != NULL)
        to->group = group->gr_gid;
    return TSR_OK;
}

tsr_err containers_place(containers *s, const config *c, tsr_lwm2m_app_datas *all)
{
    tsr_err err = TSR_OK;

    s->config = c;
    s->all = all;
    if (c->container_count == 0)
        return TSR_OK;
    s->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (s->inotify < 0) {
        tsr_host_log(TSR_LOG_ERROR, "container-failed", "cause=\"inotify: %s\"", strerror(errno));
        return TSR_E_IO;
    }
    for (size_t i = 0; err == TSR_OK && i < c->container_count; i++)
        err = whose(&s->items[i], &c->containers[i]);
    containers_furnish(s);
    return err;
}

static void say_failed(containers *s, size_t i, tsr_err err)
{
    if (!s->failed[i])
        tsr_host_log(TSR_LOG_WARNING, "container-failed", "id=%u folder=\"%s\" cause=\"%s\" "
                     "remedy=\"make it a folder of that user, which others cannot write\"", s->config->containers[i].id, s->items[i].path,
                     err == TSR_E_DENIED ? "it is somebody else's, or no folder" : strerror(errno));
    s->failed[i] = true;
}

static void open_folders(containers *s, uint64_t now_ms)
{
    for (size_t i = 0; i < s->config->container_count; i++) {
        tsr_err err = tsr_host_container_open(&s->items[i], s->inotify);

        if (err != TSR_OK)
            say_failed(s, i, err);
        else
            s->failed[i] = false;
    }
    s->open_at_ms = now_ms + OPEN_MS;
}

static bool all_watched(const containers *s)
{
    for (size_t i = 0; i < s->config->container_count; i++) {
        if (!tsr_host_container_watched(&s->items[i]))
            return false;
    }
    return true;
}

static bool any_due(const containers *s)
{
    for (size_t i = 0; i < s->config->container_count; i++) {
        if (s->items[i].due != 0)
            return true;
    }
    return false;
}

static void take(containers *s)
{
    for (size_t i = 0; i < s->config->container_count; i++) {
        tsr_lwm2m_app_data *item = item_of(s, i);
        uint8_t taken = item != NULL ? tsr_host_container_take(&s->items[i], item) : 0;

        if (taken == 0)
            continue;
        tsr_host_log(TSR_LOG_DEBUG, "container", "path=/19/%u/0 taken=0x%x", item->id, taken);
        tsr_lwm2m_client_changed(s->client, tsr_lwm2m_at_instance(19, item->id));
    }
}

void containers_resume(containers *s, tsr_lwm2m_client *client, uint64_t now_ms)
{
    s->client = client;
    tsr_lwm2m_client_relink(client); /* another configuration may have others */
    containers_step(s, now_ms);
}

int containers_descriptor(const containers *s)
{
    return any_due(s) ? -1 : s->inotify; /* what is due is looked at soon, however often it changes */
}

void containers_receive(containers *s)
{
    _Alignas(struct inotify_event) char room[4096];
    ssize_t n = read(s->inotify, room, sizeof room);

    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(room + at);

        for (size_t i = 0; i < s->config->container_count; i++)
            tsr_host_container_heard(&s->items[i], event);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

void containers_step(containers *s, uint64_t now_ms)
{
    if (s->client == NULL || s->inotify < 0)
        return;
    if (now_ms >= s->open_at_ms && !all_watched(s))
        open_folders(s, now_ms);
    if (!any_due(s) || now_ms < s->look_at_ms)
        return;
    take(s);
    s->look_at_ms = now_ms + LOOK_MS;
}

uint64_t containers_due_ms(const containers *s)
{
    if (s->client == NULL || s->inotify < 0)
        return UINT64_MAX;
    return any_due(s) ? s->look_at_ms : all_watched(s) ? UINT64_MAX : s->open_at_ms;
}

/* ---- what servers write ---- */

void containers_abort(containers *s)
{
    for (size_t i = 0; i < s->config->container_count; i++)
        tsr_host_container_abort(&s->items[i]);
}

static tsr_err say_not_written(const containers *s, size_t i, tsr_err err)
{
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_WARNING, "container-not-written", "id=%u folder=\"%s\" cause=\"%s\" "
                     "remedy=\"the server may try again\"", s->config->containers[i].id, s->items[i].path,
                     err == TSR_E_DENIED ? "it is somebody else's, or no folder" : strerror(errno));
    return err;
}

tsr_err containers_prepare(containers *s)
{
    tsr_err err = TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < s->config->container_count; i++) {
        const tsr_lwm2m_app_data *item = item_of(s, i);

        if (item != NULL)
            err = say_not_written(s, i, tsr_host_container_prepare(&s->items[i], item));
    }
    return err;
}

tsr_err containers_commit(containers *s)
{
    tsr_err err = TSR_OK, one;

    for (size_t i = 0; i < s->config->container_count; i++) {
        tsr_lwm2m_app_data *item = item_of(s, i);

        one = item == NULL ? TSR_OK : say_not_written(s, i, tsr_host_container_commit(&s->items[i], item));
        if (one != TSR_OK)
            err = one;
    }
    return err;
}

void containers_end(containers *s)
{
    if (s->inotify >= 0)
        (void)close(s->inotify);
    s->inotify = -1;
}
