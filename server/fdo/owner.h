/* SPDX-License-Identifier: Apache-2.0
 *
 * One TO2 under way. Private to server/fdo. */
#ifndef SERVER_FDO_OWNER_H
#define SERVER_FDO_OWNER_H

#include "server/fdo/inventory.h"
#include "server/fdo/plan.h"
#include "tessera/fdo/session.h"

enum {
    FDO_ROUNDS_MAX = 20000,          /* pairs of 68 and 69 */
    FDO_INFO_MAX = 64 * 1024 * 1024, /* bytes of service info from the device */
    FDO_OWNER_SIZE = 4096,           /* bytes of a message 68 that this owner takes */
    FDO_SPLIT_MAX = 16 * 1024,       /* bytes of an item that a device sends in parts */
};

typedef struct {
    tsr_buf voucher_bytes;
    tsr_fdo_voucher voucher;
    const fdo_key *owner;
    tsr_fdo_key as_owner; /* that key as the voucher has it */
    tsr_fdo_key device;
    const tsr_fdo_cipher *cipher;
    tsr_fdo_kex kex;
    tsr_fdo_session session;
    uint8_t nonce_device[TSR_FDO_NONCE], nonce_setup[TSR_FDO_NONCE], guid[TSR_FDO_GUID];
    bool reuse;          /* the device is asked to keep its credential */
    tsr_buf header;      /* of the new voucher */
    tsr_fdo_hash hmac;   /* over it; alg 0: the device keeps what it has */
    uint8_t hmac_room[TSR_FDO_HASH_MAX];
    uint64_t size;       /* bytes of a message 69 that the device takes */
    uint64_t rounds, bytes;
    uint64_t *heard;     /* the ends of all encrypted messages: their tags */
    size_t heard_size, heard_count;
    bool more, done;     /* what the last 69 said */
    tsr_fdo_values values;
    fdo_plan_run plan;
} fdo_to2;

/** Takes a message from 66 on out of its encryption; the plain text is on the heap, in every case.
 *  false: refused */
bool fdo_to2_open(fdo_to2 *t, tsr_bytes in, tsr_buf *plain, fdo_reply *r);

/** Encrypts an answer. */
void fdo_to2_seal(fdo_to2 *t, uint8_t type, tsr_bytes plain, fdo_reply *r);

#endif
