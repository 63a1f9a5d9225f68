/* SPDX-License-Identifier: Apache-2.0
 *
 * What an owner hands over for good: certificates by fdo.csr and accounts by tessera.lwm2m. Their keys
 * are in PSA as soon as they are known, under numbers of the next set (store.h); nothing counts before
 * the onboarding is over and the host commits `accounts`. */
#ifndef PORTS_LINUX_FDO_HANDOVER_H
#define PORTS_LINUX_FDO_HANDOVER_H

#include "ports/linux/fdo/account.h"
#include "ports/linux/fdo/info.h"

enum {
    TSR_HANDOVER_ACCOUNTS = 4,
    TSR_HANDOVER_ANSWERS = 8, /* that are not given yet; an owner with more open is refused */
    TSR_HANDOVER_ROOM = 6144,
    TSR_HANDOVER_CERTIFICATES = 4096,
};

/** fdo.csr, as the device's side of a simple enrolment. */
typedef struct {
    const char *common_name;
    uint32_t key_id; /* of the key pair that is made; 0: volatile, then its number */
    bool is_volatile;
    uint8_t step;
    uint8_t room[TSR_HANDOVER_CERTIFICATES];
    tsr_bytes authorities, certificate; /* DER; empty until they came */
} tsr_info_csr;

/** key_id: where the key is to be kept; removed and made anew when the module becomes active.
 *  owner   common_name outlives it */
void tsr_info_csr_init(tsr_info_csr *m, uint32_t key_id, const char *common_name, tsr_info *info);

/** tessera.lwm2m. */
typedef struct {
    const tsr_info_csr *csr; /* whose certificate an account may use; NULL: none */
    uint32_t first_key_id;   /* account n has the key first_key_id + n; 0: volatile */
    size_t count;
    tsr_buf accounts; /* encoded, one after the other */
    uint8_t room[TSR_HANDOVER_ROOM];
    size_t own_len, server_len; /* of certificates that came ahead of their account */
    uint8_t own[1536], server[1536];
    struct {
        const char *error; /* NULL: it was taken */
        size_t count;      /* so many were, then */
    } answers[TSR_HANDOVER_ANSWERS]; /* one for each account, in their order */
    size_t answer_count;
} tsr_info_lwm2m;

void tsr_info_lwm2m_init(tsr_info_lwm2m *m, const tsr_info_csr *csr, uint32_t first_key_id,
                         tsr_info *info);

#endif
