/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device keeps of FDO: its credential and the accounts that its owner handed over, as one asset
 * of Protected Storage; its attestation key and the secret of its HMACs, as keys behind PSA.
 *
 * Whatever changes does so by one replacement of that asset, which is old or new after a power cut. A
 * change that makes keys makes them first, under numbers that the asset does not name, and removes the
 * old ones last; keys that no asset names go when it is loaded. So a device has its old credential, with
 * its secret and its accounts, or the new one with its own. */
#ifndef PORTS_LINUX_FDO_STORE_H
#define PORTS_LINUX_FDO_STORE_H

#include "tessera/base/bytes.h"

enum {
    TSR_FDO_STORE_MAX = 8000,   /* bytes of the asset */
    TSR_FDO_STORE_KEYS = 16,  /* for the accounts of one owner */
    TSR_FDO_STORE_FIRST_KEY = 0x3f560000,
};

/** The asset's number in Protected Storage. */
#define TSR_FDO_STORE_UID UINT64_C(0x5453460000000001)

typedef enum {
    TSR_FDO_STORE_BLANK,        /* never initialised, or emptied */
    TSR_FDO_STORE_MANUFACTURED, /* has a credential, and an owner to look for */
    TSR_FDO_STORE_ONBOARDED,    /* has an owner, and looks for none */
} tsr_fdo_store_state;

/** Zeroed memory, then tsr_fdo_store_load(). */
typedef struct {
    /* read only */
    tsr_fdo_store_state state;
    tsr_bytes credential; /* the engine's; points into `asset` */
    tsr_bytes accounts;   /* the host's own */
    /* private */
    uint8_t secret, set; /* which of two numbers is in force: the secret's, the account keys' */
    uint8_t asset[TSR_FDO_STORE_MAX], room[TSR_FDO_STORE_MAX];
} tsr_fdo_store;

/** Reads what is kept, and removes keys that it does not name.
 *
 *  errors  TSR_OK also for a blank device
 *          TSR_E_MALFORMED  the asset is damaged or was put back: the device needs a new one
 *                           (tsr_fdo_store_erase), which is an operator's decision
 *          TSR_E_CRYPTO     the secure service does not answer, or refused */
tsr_err tsr_fdo_store_load(tsr_fdo_store *s);

/** The number of the attestation key, whether it exists or not. */
uint32_t tsr_fdo_store_device_key(void);

/** Makes the attestation key, unless there is one of that size: ECDSA, sign only, never exported.
 *  units   bits: 256 or 384
 *  errors  TSR_E_CRYPTO */
tsr_err tsr_fdo_store_make_device_key(uint16_t bits);

/** The secret in force. */
uint32_t tsr_fdo_store_secret(const tsr_fdo_store *s);

/** Makes the secret of the next credential: an HMAC key of 32 bytes, never exported. One that was
 *  made before for that is replaced.
 *
 *  units   bits: of the hash, 256 or 384
 *  errors  TSR_E_CRYPTO */
tsr_err tsr_fdo_store_make_secret(const tsr_fdo_store *s, uint16_t bits, uint32_t *key_id);

/** The number of an account key: of the set in force, or of the next one, n below
 *  TSR_FDO_STORE_KEYS. */
uint32_t tsr_fdo_store_account_key(const tsr_fdo_store *s, bool next, size_t n);

/** Removes the keys of the next set that may be left of an attempt that failed.
 *  errors  TSR_E_CRYPTO */
tsr_err tsr_fdo_store_clear_next(const tsr_fdo_store *s);

typedef struct {
    tsr_fdo_store_state state;
    tsr_bytes credential;
    bool new_secret;   /* the one that tsr_fdo_store_make_secret() made */
    bool new_accounts; /* `accounts`, and the keys of the next set; else both stay */
    tsr_bytes accounts;
} tsr_fdo_change;

/** Puts all of it into force at once. After an error nothing is changed.
 *  errors  TSR_E_SPACE   longer than the asset may be
 *          TSR_E_IO      Protected Storage refused: full, or its medium failed
 *          TSR_E_CRYPTO  the secure service does not answer */
tsr_err tsr_fdo_store_commit(tsr_fdo_store *s, const tsr_fdo_change *change);

/** Asset and all keys go, the attestation key as well.
 *  errors  TSR_E_IO, TSR_E_CRYPTO  something may be left; do it again */
tsr_err tsr_fdo_store_erase(tsr_fdo_store *s);

#endif
