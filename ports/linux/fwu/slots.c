/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "ports/linux/fwu/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/fwu/internal.h"
#include "ports/linux/fwu/trust.h"

static tsr_err io_error(void)
{
    return errno == ENOSPC || errno == EDQUOT ? TSR_E_SPACE : TSR_E_IO;
}

static tsr_err slot_read(void *self, uint32_t at, void *data, size_t len)
{
    tsr_slot_file *s = self;
    uint8_t *out = data;

    while (len > 0) {
        ssize_t n = pread(s->fd, out, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return TSR_E_IO;
        if (n == 0) { /* behind the end */
            memset(out, 0xff, len);
            return TSR_OK;
        }
        out += n;
        at += (uint32_t)n;
        len -= (size_t)n;
    }
    return TSR_OK;
}

static tsr_err slot_program(void *self, uint32_t at, const void *data, size_t len)
{
    tsr_slot_file *s = self;
    const uint8_t *in = data;

    while (len > 0) {
        ssize_t n = pwrite(s->fd, in, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return io_error();
        in += n;
        at += (uint32_t)n;
        len -= (size_t)n;
        if (at > s->end)
            s->end = at;
    }
    return TSR_OK;
}

/* The last block is cut off; one within is overwritten. Blocks are erased from the end on. */
static tsr_err slot_erase(void *self, uint32_t at)
{
    tsr_slot_file *s = self;
    uint8_t erased[4096];
    tsr_err err = TSR_OK;

    if (at >= s->end)
        return TSR_OK;
    if (s->end - at <= s->flash.block) {
        if (ftruncate(s->fd, (off_t)at) != 0)
            return io_error();
        s->end = at;
        return TSR_OK;
    }
    memset(erased, 0xff, sizeof erased);
    for (uint32_t done = 0; err == TSR_OK && done < s->flash.block; done += (uint32_t)sizeof erased)
        err = slot_program(s, at + done, erased, sizeof erased);
    return err;
}

static tsr_err slot_sync(void *self)
{
    const tsr_slot_file *s = self;

    return fdatasync(s->fd) == 0 ? TSR_OK : io_error();
}

/* Whoever may write to a directory may put another file, or another directory, in its place. */
static tsr_err trust_directory(tsr_slots *s, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *why;

    if (fd < 0)
        return tsr_slots_say(s, TSR_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
    why = tsr_untrusted(fd, S_IFDIR);
    (void)close(fd);
    return why == NULL ? TSR_OK : tsr_slots_say(s, TSR_E_DENIED, "%s: %s", path, why);
}

static tsr_err make_directory(tsr_slots *s, const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return trust_directory(s, path);
    return tsr_slots_say(s, TSR_E_IO, "%s: cannot be made: %s", path, strerror(errno));
}

static tsr_err sync_directory(tsr_slots *s, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;

    if (fd >= 0)
        (void)close(fd);
    return failed ? tsr_slots_say(s, TSR_E_IO, "%s: cannot be synced: %s", path, strerror(errno))
                  : TSR_OK;
}

static tsr_err open_file(tsr_slots *s, const char *dir, tsr_slot_file *file, const char *name,
                         uint32_t size)
{
    const char *why;
    struct stat st;

    (void)snprintf(file->path, sizeof file->path, "%s/%s", dir, name);
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file->fd < 0 || fstat(file->fd, &st) != 0)
        return tsr_slots_say(s, TSR_E_IO, "%s: cannot be opened: %s", file->path, strerror(errno));
    why = tsr_untrusted(file->fd, S_IFREG);
    if (why != NULL)
        return tsr_slots_say(s, TSR_E_DENIED, "%s: %s", file->path, why);
    if (st.st_size > (off_t)size)
        return tsr_slots_say(s, TSR_E_MALFORMED, "%s: is longer than its slot; raise \"size\"",
                             file->path);
    file->end = (uint32_t)st.st_size;
    file->flash = (tsr_flash){ slot_read,  slot_program, slot_erase,     slot_sync, file,
                               file->path, size,         TSR_SLOT_BLOCK, 1,         true };
    return TSR_OK;
}

static tsr_err open_component(tsr_slots *s, const char *slots, size_t id)
{
    tsr_fwu_component *c = &s->components[id];
    char dir[480];
    tsr_err err;

    if ((size_t)snprintf(dir, sizeof dir, "%s/%s", slots, c->name) >= sizeof dir)
        return tsr_slots_say(s, TSR_E_ARGUMENT, "%s: the path is too long", slots);
    err = make_directory(s, dir);
    for (size_t i = 0; err == TSR_OK && i < 2; i++) {
        err = open_file(s, dir, &s->files[id][i], i == 0 ? "a.img" : "b.img", s->sizes[id]);
        c->slots[i] = &s->files[id][i].flash;
    }
    return err == TSR_OK ? sync_directory(s, dir) : err;
}

tsr_err tsr_slots_open(tsr_slots *s, const char *dir)
{
    char slots[400];
    tsr_err err;

    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < TSR_FWU_COMPONENTS; i++)
        s->files[i][0].fd = s->files[i][1].fd = -1;
    if ((size_t)snprintf(slots, sizeof slots, "%s/slots", dir) >= sizeof slots)
        return tsr_slots_say(s, TSR_E_ARGUMENT, "%s: the path is too long", dir);
    err = tsr_slots_configure(s, dir);
    if (err == TSR_OK)
        err = trust_directory(s, dir);
    if (err == TSR_OK)
        err = make_directory(s, slots);
    for (size_t i = 0; err == TSR_OK && i < s->count; i++)
        err = open_component(s, slots, i);
    if (err == TSR_OK)
        err = sync_directory(s, slots);
    if (err != TSR_OK)
        tsr_slots_close(s);
    return err;
}

void tsr_slots_close(tsr_slots *s)
{
    for (size_t i = 0; i < TSR_FWU_COMPONENTS; i++)
        for (size_t k = 0; k < 2; k++) {
            if (s->files[i][k].fd >= 0)
                (void)close(s->files[i][k].fd);
            s->files[i][k].fd = -1;
        }
}

void tsr_slots_give(tsr_slots *s, tsr_fwu *f)
{
    f->components = s->components;
    f->count = s->count;
    f->anchors = s->anchors;
    f->anchor_count = s->anchor_count;
    f->work = s->work;
    f->work_len = sizeof s->work;
    if (s->client_count > 0) {
        f->clients = s->clients;
        f->client_count = s->client_count;
    }
}

int tsr_slots_fd(const tsr_slots *s, psa_fwu_component_t id, uint8_t slot)
{
    return id < s->count && slot < 2 ? s->files[id][slot].fd : -1;
}
