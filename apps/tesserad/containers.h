/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 19 and the programs of this host: containers of the configuration, each of which is a folder. */
#ifndef APPS_TESSERAD_CONTAINERS_H
#define APPS_TESSERAD_CONTAINERS_H

#include "apps/tesserad/config.h"
#include "ports/linux/host/container.h"
#include "tessera/lwm2m/client/client.h"

typedef struct {
    const config *config;
    tsr_lwm2m_app_datas *all;
    tsr_lwm2m_client *client; /* NULL: nothing is told yet */
    int inotify;
    uint64_t look_at_ms; /* not earlier: programs may write as fast as they like */
    uint64_t open_at_ms; /* what is not watched is opened again */
    tsr_host_container items[CONFIG_CONTAINERS];
    bool failed[CONFIG_CONTAINERS]; /* and it was logged */
} containers;

/** Nothing is open yet. */
void containers_init(containers *s);

/** Makes the instances of the configuration.
 *  errors  any: logged; a user or group that is not there, no inotify */
tsr_err containers_place(containers *s, const config *c, tsr_lwm2m_app_datas *all);

/** After the state came back: instances are those of the configuration again. A section that was changed wins over what
 *  servers wrote. */
void containers_furnish(containers *s);

/** Opens the folders and takes what is in them. */
void containers_resume(containers *s, tsr_lwm2m_client *client, uint64_t now_ms);

/** What to wait for (-1: nothing), what came there, and what is to do then. */
int containers_descriptor(const containers *s);
void containers_receive(containers *s);
void containers_step(containers *s, uint64_t now_ms);
uint64_t containers_due_ms(const containers *s);

/** Around the storing of the state: what servers wrote lies beside its place, and then in it, or not at all.
 *  errors  any: logged */
tsr_err containers_prepare(containers *s);
tsr_err containers_commit(containers *s);
void containers_abort(containers *s);

void containers_end(containers *s);

#endif
