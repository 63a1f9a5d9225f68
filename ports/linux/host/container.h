/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder that shows one BinaryAppDataContainer (object 19) to programs on this host: the file `0` is
 * /19/N/0/0, `1` is /19/N/0/1, and so on; names that are no such number are nobody's business. The
 * folder is the truth. What programs put there by rename, or close after writing, is taken when
 * inotify says so; what a server writes is put there by rename, all of a request or nothing.
 *
 * Programs are not trusted: a part is a plain file with one name and of bounded length, no link is
 * followed, and a folder that is not of the owner it should be is left alone. */
#ifndef PORTS_LINUX_HOST_CONTAINER_H
#define PORTS_LINUX_HOST_CONTAINER_H

#include <sys/inotify.h>
#include <sys/types.h>

#include "tessera/lwm2m/objects/app_data.h"

#define TSR_HOST_SAME UINT32_MAX /* a user or group: as we are; chown(2) leaves it */

/** Where a file stood when it was last looked at. */
typedef struct {
    bool known;
    ino_t inode;
    int64_t changed_ns; /* its modification time */
} tsr_host_stamp;

typedef struct {
    const char *path;
    uid_t user;  /* of the folder, and of what servers write; or TSR_HOST_SAME */
    gid_t group; /* may read and write there, too; or TSR_HOST_SAME: nobody may */
    /* private */
    int inotify, watch;
    uint8_t due; /* a bit per part that is to be looked at */
    uint8_t put; /* ... that lies beside, to be put in its place */
    tsr_host_stamp stamps[TSR_LWM2M_APP_PARTS];
    uint8_t said[TSR_LWM2M_APP_PARTS]; /* a bit per cause that was logged */
} tsr_host_container;

/** Makes the folder with its owner and mode, if it is not there (its parent is), and watches it with `inotify`. One
 *  that is there stays as it is. Everything in it is due. Harmless when it is watched already.
 *
 *  errors  TSR_E_DENIED  it is no folder, others may write there, or it is somebody else's
 *          TSR_E_IO      errno says why */
tsr_err tsr_host_container_open(tsr_host_container *c, int inotify);

/** False: the folder is gone or was never there; open it again. */
bool tsr_host_container_watched(const tsr_host_container *c);

/** What inotify says, of whichever folder. */
void tsr_host_container_heard(tsr_host_container *c, const struct inotify_event *event);

/** Brings what is due into `item`, with the time of the newest file as Data Creation Time.
 *  returns a bit per part that has changed, come or gone */
uint8_t tsr_host_container_take(tsr_host_container *c, tsr_lwm2m_app_data *item);

/** Lays what a server has written (item->changed) beside its place, synced. Nothing is to be seen yet;
 *  either of the next two must follow.
 *  errors  TSR_E_IO, TSR_E_DENIED, as above: nothing is left there */
tsr_err tsr_host_container_prepare(tsr_host_container *c, const tsr_lwm2m_app_data *item);

/** Puts it in its place, and removes the files of what is gone.
 *  errors  TSR_E_IO  some of it; what the folder has now is due */
tsr_err tsr_host_container_commit(tsr_host_container *c, tsr_lwm2m_app_data *item);
void tsr_host_container_abort(tsr_host_container *c);

#endif
