/* SPDX-License-Identifier: Apache-2.0
 *
 * A device engine, and beside it a manufacturer, a rendezvous server and an owner in one, built on
 * the codec. Answers can be damaged. */
#ifndef TESTS_FDO_RIG_H
#define TESTS_FDO_RIG_H

#include "tests/fdo/trace.h"

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/device.h"

typedef enum {
    RIG_WHOLE = 0,
    RIG_ENCODING,  /* the first bytes random, the rest zero */
    RIG_NONCE,
    RIG_SIGNATURE,
    RIG_PAYLOAD,   /* of the COSE_Sign1, and signed */
    RIG_SIG_INFO,
    RIG_HEADER,    /* OVHeader */
    RIG_HASH,      /* of message 60 */
    RIG_NUMBER,
    RIG_BYTES,     /* what is encrypted */
    RIG_WRAPPING,  /* the encryption */
    RIG_STRANGER,  /* signed by another key */
    RIG_SIZE,      /* of service info: too small */
    RIG_HMAC,
    RIG_MAKER,     /* another manufacturer's key */
    RIG_TYPE,      /* another message */
    RIG_ERROR,     /* message 255 */
    RIG_LOST,      /* no answer */
    RIG_TRUNCATED,
    RIG_OVERLONG,  /* bytes behind it */
} rig_damage;

typedef struct {
    tsr_cose_key_id id;
    uint8_t room[512];
    tsr_bytes encoded;
    tsr_fdo_key key;
} rig_key;

enum { RIG_ENTRIES = 2 };

typedef struct {
    tsr_fdo_device device;
    tsr_fdo_device_config config;
    tsr_fdo_buffers buffers;
    uint8_t room[7][4096];
    uint8_t stored[1024];
    size_t stored_len;
    unsigned stores;
    tsr_err store_err;
    uint64_t now;

    rig_key maker, owner[RIG_ENTRIES], stranger, device_key;
    tsr_cose_key_id secret;
    uint8_t voucher[8192], spare[8192];
    size_t voucher_len;
    tsr_fdo_hash hmac; /* of the replacement */
    uint8_t hmac_room[TSR_FDO_HASH_MAX];

    /* the services */
    uint8_t rv[128];
    size_t rv_len;
    bool reuse, chain; /* chain: a header with the hash of certificates */
    rig_damage damage;
    unsigned damaged; /* message */
    uint8_t nonce_rv[16], nonce_dv[16], nonce_ov[16], nonce_setup[16];
    uint8_t new_guid[16];
    tsr_fdo_kex kex;
    tsr_fdo_session session;
    tsr_fdo_svk svk;
    uint8_t plain[8192];
    unsigned rounds;
    /* what the owner says in its 69s, after devmod; and what it heard */
    tsr_err (*owner_says)(void *user, unsigned round, tsr_fdo_info *heard, tsr_buf *pairs,
                          uint64_t *count, bool *more, bool *done);
    void *user;
    uint64_t owner_limit; /* maxDeviceServiceInfoSz; 0: null */
    unsigned longest;     /* plaintext of a 68 */

    uint8_t answer[8192];
    unsigned last; /* message sent by the device */
    unsigned sent[256];
    tsr_fdo_event failure;
    bool failed, onboarded;
} rig;

/** Keys and engine; `type` of owners' keys, the device has P-256 or P-384. */
void rig_make(rig *r, tsr_fdo_key_type type, bool p384, const tsr_fdo_kex_method *kex,
              const tsr_fdo_cipher *cipher);
void rig_drop(rig *r);

/** DI, and the voucher extended to owner[1]. */
void rig_di(rig *r);

/** TO1 and TO2, until the engine is done or an attempt failed. */
void rig_onboard(rig *r);

/** The same with an engine that is made anew from what is stored. */
void rig_restart(rig *r);

/** One exchange; false: nothing to send now. */
bool rig_step(rig *r);

#endif
