/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 9 on Linux: signed packages in a directory, and their programs as processes of their own. */
#ifndef APPS_TESSERAD_SOFTWARE_H
#define APPS_TESSERAD_SOFTWARE_H

#include <poll.h>
#include <sys/types.h>

#include "apps/tesserad/device.h"
#include "apps/tesserad/download.h"
#include "apps/tesserad/package.h"
#include "ports/linux/software/run.h"
#include "ports/linux/software/store.h"
#include "tessera/lwm2m/client/stream.h"
#include "tessera/lwm2m/objects/protocol.h"
#include "tessera/lwm2m/objects/software.h"

enum { SOFTWARE_FDS = 3 * CONFIG_SOFTWARE };

struct software;

/* What belongs to the instance at the same place. */
typedef struct {
    struct software *of;
    tsr_lwm2m_software *item;
    tsr_lwm2m_stream stream;
    download download;
    pid_t keeper; /* 0: none */
    int end;
    pid_t installer; /* 0: none */
    int installed;   /* readable when it has ended */
    package_says installs; /* what it is about; its bundle is not there any more */
    unsigned failures;     /* that came soon, in a row */
    uint64_t start_at_ms;  /* active, and no keeper: when it is started again */
    uint64_t started_ms;
} software_seat;

typedef struct software {
    const config *config;
    const download_place *place;
    tsr_lwm2m_client *client; /* NULL: there is no such object */
    package_trust trust;
    tsr_software_store store;
    tsr_lwm2m_softwares all;
    tsr_lwm2m_software items[CONFIG_SOFTWARE];
    software_seat seats[CONFIG_SOFTWARE];
} software;

/** Nothing is open yet. */
void software_init(software *s);

/** Places the object among the device's, where the configuration has a directory.
 *  errors  any: the directory or the key is not as it must be; it is logged */
tsr_err software_place(software *s, const config *c, const download_place *place, device *d);

/** When the client is there and has its state back: what stands where; starts what is active. */
void software_resume(software *s, tsr_lwm2m_client *client);

/** Tells the client what changed; before anything is sent. */
void software_tell(software *s);

/** Checks what is downloaded, downloads, starts again what ended. The second says when it wants that
 *  again (UINT64_MAX: never). */
void software_step(software *s, uint64_t now_ms);
uint64_t software_due_ms(const software *s);

/** What to wait for, SOFTWARE_FDS of them, and what came there. */
void software_fds(const software *s, struct pollfd *fds);
void software_receive(software *s, const struct pollfd *fds, uint64_t now_ms);

/** Ends all processes; what is active is so after the next start. */
void software_end(software *s);

#endif
