/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/host/log.h"
#include "ports/linux/host/write.h"

enum {
    ALL = (1 << TSR_LWM2M_APP_PARTS) - 1,
    CREATED = 2, /* resource */
    NAME = 16,
    HEARD = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF,
};

/* ---- the folder ---- */

static uid_t user_of(const tsr_host_container *c)
{
    return c->user == TSR_HOST_SAME ? geteuid() : c->user;
}

/* Whose folder it is decides, not how its path leads there: a program that may rename what lies above can
 * lead us to folders of its own only. */
static tsr_err check(const tsr_host_container *c, int folder)
{
    struct stat st;

    if (fstat(folder, &st) != 0)
        return TSR_E_IO;
    return st.st_uid != user_of(c) || (st.st_mode & S_IWOTH) != 0 ? TSR_E_DENIED : TSR_OK;
}

static tsr_err enter(const tsr_host_container *c, int *folder)
{
    int dir = open(c->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    tsr_err err;

    if (dir < 0)
        return errno == ELOOP || errno == ENOTDIR ? TSR_E_DENIED : TSR_E_IO;
    err = check(c, dir);
    if (err != TSR_OK) {
        (void)close(dir);
        return err;
    }
    *folder = dir;
    return TSR_OK;
}

/* ---- making it ---- */

/* The folder that it is to lie in, opened, and its name there. */
static int open_above(const char *path, char name[NAME_MAX + 1])
{
    char above[PATH_MAX];
    size_t end = strlen(path), begin;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';)
        begin--;
    (void)snprintf(name, NAME_MAX + 1, "%.*s", (int)(end - begin), path + begin);
    (void)snprintf(above, sizeof above, "%.*s", (int)begin, path);
    return open(begin == 0 ? "." : above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool give(const tsr_host_container *c, int folder)
{
    return fchmod(folder, c->group != TSR_HOST_SAME ? 02770 : 0700) == 0 && fchown(folder, c->user, c->group) == 0;
}

static tsr_err make_in(const tsr_host_container *c, int above, const char *name)
{
    char beside[NAME_MAX + 1];
    int folder = -1;
    bool good;

    (void)snprintf(beside, sizeof beside, ".%.*s.new", NAME_MAX - 5, name);
    (void)unlinkat(above, beside, AT_REMOVEDIR); /* one that a kill left */
    if (mkdirat(above, beside, 0700) == 0)
        folder = openat(above, beside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return TSR_E_IO;
    good = give(c, folder) && renameat(above, beside, above, name) == 0 && fsync(above) == 0;
    (void)close(folder);
    return good ? TSR_OK : TSR_E_IO;
}

/* Only what has just been made is given away: whoever may write above could lead us to a folder of ours that he
 * wants to have. It gets its name when it is whose it is to be, so that a kill leaves nothing half done. */
static tsr_err make(const tsr_host_container *c)
{
    char name[NAME_MAX + 1];
    int above = open_above(c->path, name);
    tsr_err err;

    if (above < 0)
        return TSR_E_IO;
    err = make_in(c, above, name);
    (void)close(above);
    return err;
}

tsr_err tsr_host_container_open(tsr_host_container *c, int inotify)
{
    tsr_err err = TSR_OK;
    int folder;

    if (c->watch > 0)
        return TSR_OK;
    if (access(c->path, F_OK) != 0 && errno == ENOENT)
        err = make(c);
    if (err == TSR_OK)
        err = enter(c, &folder);
    if (err != TSR_OK)
        return err;
    (void)close(folder);
    c->watch = inotify_add_watch(inotify, c->path, HEARD | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK);
    c->inotify = inotify;
    c->due = ALL;
    return c->watch > 0 ? TSR_OK : TSR_E_IO;
}

bool tsr_host_container_watched(const tsr_host_container *c)
{
    return c->watch > 0;
}

static void name_of(size_t part, char name[NAME])
{
    (void)snprintf(name, NAME, "%zu", part);
}

static void beside_of(size_t part, char name[NAME])
{
    (void)snprintf(name, NAME, ".%zu.new", part);
}

void tsr_host_container_heard(tsr_host_container *c, const struct inotify_event *event)
{
    char name[NAME];

    if ((event->mask & IN_Q_OVERFLOW) != 0)
        c->due = ALL;
    if (c->watch <= 0 || event->wd != c->watch)
        return;
    if ((event->mask & IN_MOVE_SELF) != 0) /* what it leads to now is another folder, or none */
        (void)inotify_rm_watch(c->inotify, c->watch);
    if ((event->mask & (IN_MOVE_SELF | IN_IGNORED)) != 0)
        c->watch = 0;
    if (event->len == 0) /* of the folder itself */
        c->due = ALL;
    for (size_t i = 0; event->len != 0 && i < TSR_LWM2M_APP_PARTS; i++) {
        name_of(i, name);
        if (strcmp(name, event->name) == 0)
            c->due = (uint8_t)(c->due | 1u << i);
    }
}

/* ---- from the folder ---- */

typedef enum { THERE, GONE, CLOSED, NOT_PLAIN, TOO_LONG } found;

static const char *const causes[] = { [CLOSED] = "it cannot be read", [NOT_PLAIN] = "no plain file with one name",
                                      [TOO_LONG] = "too long" };

typedef struct {
    uint8_t data[TSR_LWM2M_APP_PART_LEN + 1]; /* one more than may be there */
    size_t len;
    tsr_host_stamp stamp;
} content;

/* It may grow while it is read; what counts is what was read. */
static found read_all(int fd, content *to)
{
    to->len = 0;
    while (to->len < sizeof to->data) {
        ssize_t n = read(fd, to->data + to->len, sizeof to->data - to->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return CLOSED;
        if (n == 0)
            return THERE;
        to->len += (size_t)n;
    }
    return TOO_LONG;
}

/* A second name could be that of a file which the program itself may not read. */
static found look(int folder, const char *name, content *to)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    found what;

    if (fd < 0)
        return errno == ENOENT                      ? GONE
               : errno == ELOOP || errno == ENXIO ? NOT_PLAIN /* a link; a socket */
                                                    : CLOSED;
    if (fstat(fd, &st) != 0)
        what = CLOSED;
    else if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        what = NOT_PLAIN;
    else
        what = read_all(fd, to);
    (void)close(fd);
    if (what == THERE)
        to->stamp = (tsr_host_stamp){ true, st.st_ino,
                                      (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
    return what;
}

/* Once for each cause: programs can repeat it as often as they like. */
static void say(tsr_host_container *c, const tsr_lwm2m_app_data *item, size_t part, found what)
{
    if ((c->said[part] >> what & 1) != 0)
        return;
    c->said[part] = (uint8_t)(c->said[part] | 1u << what);
    tsr_host_log(TSR_LOG_WARNING, "container-refused", "path=/19/%u/0/%zu folder=\"%s\" cause=\"%s\" remedy=\"a plain "
                 "file of %d bytes at most, which we may read\"", item->id, part, c->path, causes[what],
                 TSR_LWM2M_APP_PART_LEN);
}

static bool same_stamp(const tsr_host_stamp *a, const tsr_host_stamp *b)
{
    return a->inode == b->inode && a->changed_ns == b->changed_ns;
}

/* Written again with the same content is news, too, unless we see it for the first time. */
static bool take_content(tsr_host_container *c, tsr_lwm2m_app_data *item, size_t i, const content *from)
{
    tsr_host_stamp before = c->stamps[i];
    bool same = (item->there >> i & 1) != 0 &&
                tsr_same(tsr_view(item->data[i], item->len[i]), tsr_view(from->data, from->len));

    c->stamps[i] = from->stamp;
    if (same && (!before.known || same_stamp(&before, &from->stamp)))
        return false;
    item->there = (uint8_t)(item->there | 1u << i);
    item->len[i] = (uint16_t)from->len;
    memcpy(item->data[i], from->data, from->len);
    item->created_s = from->stamp.changed_ns / 1000000000;
    item->set = (uint8_t)(item->set | 1u << CREATED);
    return true;
}

static bool take_part(tsr_host_container *c, tsr_lwm2m_app_data *item, size_t i, found what, const content *from)
{
    if (what == THERE)
        return take_content(c, item, i, from);
    if (what != GONE)
        say(c, item, i, what);
    c->stamps[i].known = false;
    if ((item->there >> i & 1) == 0)
        return false;
    item->there &= (uint8_t)~(1u << i);
    return true;
}

/* What a server wrote meanwhile, and is not in its place yet, gives way. */
uint8_t tsr_host_container_take(tsr_host_container *c, tsr_lwm2m_app_data *item)
{
    content room;
    uint8_t taken = 0, due = c->due;
    int folder = -1;
    int64_t newest_s = INT64_MIN;

    c->due = 0;
    if (due != 0 && enter(c, &folder) != TSR_OK)
        folder = -1;
    for (size_t i = 0; i < TSR_LWM2M_APP_PARTS; i++) {
        char name[NAME];
        found what = GONE;

        name_of(i, name);
        if ((due >> i & 1) == 0)
            continue;
        if (folder >= 0)
            what = look(folder, name, &room);
        if (!take_part(c, item, i, what, &room))
            continue;
        taken = (uint8_t)(taken | 1u << i);
        if (what == THERE && item->created_s > newest_s)
            newest_s = item->created_s;
    }
    if (newest_s != INT64_MIN)
        item->created_s = newest_s;
    item->changed &= (uint8_t)~taken;
    if (folder >= 0)
        (void)close(folder);
    return taken;
}

/* ---- to the folder ---- */

/* A name that was left by a kill is ours to remove; whatever takes it meanwhile is refused. */
static tsr_err lay(const tsr_host_container *c, int folder, size_t part, tsr_bytes data)
{
    char name[NAME];
    bool good;
    int fd;

    beside_of(part, name);
    (void)unlinkat(folder, name, 0);
    fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return TSR_E_IO;
    good = tsr_host_write_all(fd, data) && fchmod(fd, c->group != TSR_HOST_SAME ? 0660 : 0600) == 0 &&
           fchown(fd, geteuid() == 0 ? c->user : TSR_HOST_SAME, c->group) == 0 && fsync(fd) == 0;
    return close(fd) == 0 && good ? TSR_OK : TSR_E_IO;
}

static void remove_beside(int folder, uint8_t parts)
{
    char name[NAME];

    for (size_t i = 0; i < TSR_LWM2M_APP_PARTS; i++) {
        beside_of(i, name);
        if ((parts >> i & 1) != 0)
            (void)unlinkat(folder, name, 0);
    }
}

tsr_err tsr_host_container_prepare(tsr_host_container *c, const tsr_lwm2m_app_data *item)
{
    int folder;
    tsr_err err;

    c->put = 0;
    if (item->changed == 0)
        return TSR_OK;
    err = enter(c, &folder);
    if (err != TSR_OK)
        return err;
    for (size_t i = 0; err == TSR_OK && i < TSR_LWM2M_APP_PARTS; i++) {
        if ((item->changed & item->there) >> i & 1) {
            c->put = (uint8_t)(c->put | 1u << i);
            err = lay(c, folder, i, tsr_view(item->data[i], item->len[i]));
        }
    }
    if (err != TSR_OK) {
        int saved = errno;

        remove_beside(folder, c->put);
        c->put = 0;
        errno = saved;
    }
    (void)close(folder);
    return err;
}

void tsr_host_container_abort(tsr_host_container *c)
{
    int folder;

    if (c->put != 0 && enter(c, &folder) == TSR_OK) {
        remove_beside(folder, c->put);
        (void)close(folder);
    }
    c->put = 0;
}

/* A folder of a part's name is the program's own mistake: it stays, and the request fails. */
static bool place(tsr_host_container *c, int folder, size_t part)
{
    char name[NAME], beside[NAME];
    struct stat st;

    name_of(part, name);
    beside_of(part, beside);
    if (renameat(folder, beside, folder, name) != 0 || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    c->stamps[part] = (tsr_host_stamp){ true, st.st_ino,
                                        (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
    return true;
}

static bool remove_part(tsr_host_container *c, int folder, size_t part)
{
    char name[NAME];

    name_of(part, name);
    c->stamps[part].known = false;
    return unlinkat(folder, name, 0) == 0 || errno == ENOENT;
}

tsr_err tsr_host_container_commit(tsr_host_container *c, tsr_lwm2m_app_data *item)
{
    bool good = true;
    int folder;

    if (item->changed == 0)
        return TSR_OK;
    if (enter(c, &folder) != TSR_OK) {
        c->due = ALL;
        return TSR_E_IO;
    }
    for (size_t i = 0; i < TSR_LWM2M_APP_PARTS; i++) {
        if ((item->changed >> i & 1) == 0)
            continue;
        good &= (c->put >> i & 1) != 0 ? place(c, folder, i) : remove_part(c, folder, i);
    }
    good &= fsync(folder) == 0;
    if (!good) {
        int saved = errno;

        remove_beside(folder, c->put);
        c->due = ALL;
        errno = saved;
    }
    c->put = 0;
    item->changed = 0;
    (void)close(folder);
    return good ? TSR_OK : TSR_E_IO;
}
