/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device sends without being asked, how often, and how it lasts over a restart: section [send]. */
#ifndef APPS_TESSERAD_REPORT_H
#define APPS_TESSERAD_REPORT_H

#include "apps/tesserad/config.h"
#include "tessera/lwm2m/client/client.h"

enum { REPORT_MEMORY = 16384 };

typedef struct {
    const config *config;
    tsr_lwm2m_outbox outbox; /* goes into the client's configuration */
    tsr_lwm2m_sending sendings[CONFIG_ACCOUNTS];
    uint8_t memory[REPORT_MEMORY];
    uint64_t next_ms;        /* when values are taken again; UINT64_MAX: never */
    uint64_t changed_ms;     /* since when the outbox is another than what is stored, if `changed` */
    uint32_t stored;         /* its revision */
    bool changed;
    bool has_file;           /* what is stored is not empty */
} report;

void report_init(report *r, const config *c, uint64_t now_ms);

/** Takes back what waited when the daemon ended. */
void report_restore(report *r, tsr_lwm2m_client *client);

/** Takes values when it is time, and keeps on disk what waits for longer than a moment. */
void report_step(report *r, tsr_lwm2m_client *client, uint64_t now_ms);
uint64_t report_due_ms(const report *r);

/** Keeps what waits, now. */
void report_keep(report *r);

#endif
