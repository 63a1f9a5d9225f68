/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts whose certificate the device gets by itself (mode est): the bootstrap server is asked for it
 * over coaps, under the credentials of the bootstrap account, and again before it ends. One at a time. */
#ifndef APPS_TESSERAD_ENROL_H
#define APPS_TESSERAD_ENROL_H

#include "apps/tesserad/device.h"
#include "ports/linux/host/udp.h"
#include "tessera/lwm2m/client/dtls_channel.h"
#include "tessera/net/est.h"

enum { ENROL_MEMORY = 32768 };

typedef struct {
    const config *config;
    device *device;
    tsr_lwm2m_channel channel; /* of such an account: opens once there is a certificate */
    bool active, up, renewing;
    uint16_t short_id; /* whose certificate is asked for, */
    uint32_t key_id;   /* and for which key */
    tsr_udp_uri uri;
    tsr_udp udp;
    tsr_lwm2m_dtls dtls;
    uint8_t plain[TSR_DTLS_PLAIN_MAX];
    tsr_est est;
    tsr_coap_config coap;
    uint64_t memory[ENROL_MEMORY / sizeof(uint64_t)];
    uint8_t room[TSR_EST_ROOM];
    uint64_t next_ms; /* the next attempt */
    unsigned failures;
    size_t turn; /* which account is looked at first */
} enrol;

/** What the daemon has to do after a step. */
typedef struct {
    uint16_t short_id;     /* 0: nothing */
    tsr_bytes certificate; /* for that account; until the next step */
} enrol_news;

void enrol_begin(enrol *e, device *d, const config *c);

/** Starts what is due, moves what is under way. */
enrol_news enrol_step(enrol *e, uint64_t now_ms);

/** An account of mode est is new: it need not wait for the next look. */
void enrol_hurry(enrol *e);

/** -1: nothing to wait for. */
int enrol_descriptor(const enrol *e);
uint64_t enrol_due_ms(const enrol *e);
void enrol_end(enrol *e);

#endif
