/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA Protected Storage: assets on a medium that others may read, write and put back as it was.
 * source  PSA Secure Storage API 1.0.4 (docs/WIRE.md, "Protected storage, byte by byte")
 *
 * Two stores: ITS, which is trusted, and `medium`, a store of the same engine on a device of its
 * own, which is not. Of each asset the medium has the content, sealed with AES-256-GCM (AES-256-CCM
 * on a core that has no GCM); ITS has an
 * anchor: flags, size, capacity, version, and a salt of 16 random bytes. An asset exists while its
 * anchor does.
 *
 * Fresh key and nonce (requirement PS 3): every content is sealed under a key of its own, derived
 * from the root key, the salt, client, uid and version; the nonce is the version. A version alone
 * would come twice: after a power cut between the two stores, and where an asset is removed and
 * made again. The salt alone would hang on the random generator. Header and anchor are
 * authenticated, so a content belongs to one client, uid, version, size, capacity and set of flags.
 *
 * A power cut at any operation leaves the old or the new content, and at every moment there is
 * exactly one content that would be accepted, so nobody can put back one that was acknowledged and
 * replaced, nor one that was never acknowledged:
 *   set      version v + 1 is written beside version v (the place is the version's lowest bit), and
 *            is durable; then the anchor is replaced, which is the commit; then v is removed
 *   remove   the anchor is removed, which is the commit; then the content
 * Before the commit the anchor names v and v + 1 is rubbish; after it the anchor names v + 1 and v
 * is rubbish. The salt in the anchor tells the v + 1 that was committed from another v + 1 that a
 * power cut left. tsr_ps_open() removes rubbish; nothing depends on that.
 *
 * PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION: the anchor is written when the asset is made and when it
 * is removed, not by each set; so a set costs one write, and an older content of the same asset
 * that is put back passes. Removed assets do not come back, and existing ones are missed when they
 * are gone. PSA_STORAGE_FLAG_NO_CONFIDENTIALITY: the content is authenticated, not encrypted. */
#ifndef SECURE_STORAGE_PS_H
#define SECURE_STORAGE_PS_H

#include "secure/root/root.h"
#include "secure/storage/its.h"

#define TSR_PS_SALT     16u
#define TSR_PS_HEADER   52u
#define TSR_PS_TAG      16u
#define TSR_PS_SEALED   (TSR_PS_HEADER + TSR_PS_TAG)  /* bytes on the medium besides the content */
#define TSR_PS_OVERHEAD (TSR_PS_SALT + TSR_PS_SEALED) /* bytes of `work` besides the content */
#define TSR_PS_SLOTS    0xffffu                       /* clients that may ever own an asset */

typedef struct {
    tsr_its *its;
    tsr_store *medium; /* mounted by tsr_ps_mount() */
    const tsr_root *root;
    uint8_t *work;     /* holds one asset while it is sealed or opened */
    size_t work_len;   /* TSR_PS_OVERHEAD + bytes of the longest asset */
    size_t buffer_max; /* no client has a buffer this long or longer; longer gets are refused */
    uint32_t quota;    /* bytes (footprints) one normal-world client may hold; 0: no limit */
} tsr_ps;

/** What tsr_ps_mount() found. */
typedef struct {
    bool made;     /* the medium was blank */
    bool repaired; /* it was damaged; what is lost is reported when it is asked for */
    uint32_t lost; /* records that were lost then */
} tsr_ps_found;

/** Mounts the medium: makes a store on a blank one, repairs a damaged one (the anchors tell what is
 *  missing, so nothing is lost in silence).
 *
 *  units   asset_max: bytes of the longest asset
 *  owner   as tsr_store_mount
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE  damaged beyond repair; the caller may erase the medium and
 *                                        mount again: every asset then is PSA_ERROR_DATA_CORRUPT
 *          TSR_E_ARGUMENT, TSR_E_IO      as tsr_store_mount */
tsr_err tsr_ps_mount(tsr_store *medium, const tsr_flash *flash, tsr_store_entry *index,
                     size_t index_cap, size_t asset_max, tsr_ps_found *found);

/** Removes from the medium what a power cut left there. Best effort; call it once, after ps->medium
 *  is mounted and the struct is filled in. Returns how many contents were removed. */
uint32_t tsr_ps_open(tsr_ps *ps);

/* The functions of psa/api/psa/protected_storage.h for one client: its errors, and
 * PSA_ERROR_STORAGE_FAILURE when ITS or the medium failed, PSA_ERROR_BAD_STATE without a root key.
 */
psa_status_t tsr_ps_set(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t len,
                        const void *data, psa_storage_create_flags_t flags);
psa_status_t tsr_ps_get(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t offset,
                        size_t size, void *data, size_t *len);
psa_status_t tsr_ps_get_info(tsr_ps *ps, int32_t client, psa_storage_uid_t uid,
                             struct psa_storage_info_t *info);
psa_status_t tsr_ps_remove(tsr_ps *ps, int32_t client, psa_storage_uid_t uid);
psa_status_t tsr_ps_create(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t capacity,
                           psa_storage_create_flags_t flags);
psa_status_t tsr_ps_set_extended(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t offset,
                                 size_t len, const void *data);
uint32_t tsr_ps_get_support(void);

#endif
