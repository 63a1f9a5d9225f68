/* SPDX-License-Identifier: Apache-2.0
 *
 * One asset of Protected Storage: its anchor in ITS and its sealed content on the medium
 * (docs/WIRE.md, "Protected storage, byte by byte"). Private to secure/storage. */
#ifndef SECURE_STORAGE_PS_OBJECT_H
#define SECURE_STORAGE_PS_OBJECT_H

#include "secure/storage/ps.h"

typedef struct {
    int32_t client;
    uint32_t slot; /* the client's number in the two stores, 1 to TSR_PS_SLOTS */
    psa_storage_uid_t uid;
} tsr_ps_name;

typedef struct { /* what anchor and content both say */
    uint32_t flags, capacity, size;
    uint64_t version; /* 0: no asset */
    uint8_t salt[TSR_PS_SALT];
} tsr_ps_facts;

/** The slot of a client; `make` gives it one.
 *  errors  PSA_ERROR_DOES_NOT_EXIST (unless `make`), PSA_ERROR_INSUFFICIENT_STORAGE, or of ITS */
psa_status_t tsr_ps_slot_of(tsr_ps *ps, int32_t client, bool make, uint32_t *slot);

/** errors PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_ps_anchor_read(tsr_ps *ps, const tsr_ps_name *name, tsr_ps_facts *anchor);
psa_status_t tsr_ps_anchor_write(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *anchor);
psa_status_t tsr_ps_anchor_remove(tsr_ps *ps, const tsr_ps_name *name);

/** Whether slot and uid have an anchor; costs no read of the medium. */
bool tsr_ps_anchored(const tsr_ps *ps, uint32_t slot, psa_storage_uid_t uid);

/** How many assets the client of this name has; counts no medium, the anchors say it. */
uint32_t tsr_ps_anchors(const tsr_ps *ps, const tsr_ps_name *name);

/** Where the plain content lies between load and seal: `capacity` bytes. */
uint8_t *tsr_ps_content(const tsr_ps *ps);

/** Where the content of this version lies on the medium. */
tsr_store_key tsr_ps_place(const tsr_ps_name *name, uint64_t version);

/** Seals the content in `work` under `facts`, bound to the anchor's salt. The sealed bytes are
 *  *out, in `work`. errors PSA_ERROR_BAD_STATE (no root key), PSA_ERROR_GENERIC_ERROR */
psa_status_t tsr_ps_seal(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *facts,
                         const uint8_t anchor_salt[TSR_PS_SALT], tsr_bytes *out);

/** Reads and opens the content that the anchor names; leaves it in `work`, for tsr_ps_forget().
 *
 *  units   *facts: the content's own, which differ from the anchor's only without replay protection
 *  errors  PSA_ERROR_INVALID_SIGNATURE, PSA_ERROR_DATA_CORRUPT, PSA_ERROR_STORAGE_FAILURE,
 *          PSA_ERROR_BAD_STATE, PSA_ERROR_GENERIC_ERROR; `work` is wiped then */
psa_status_t tsr_ps_load(tsr_ps *ps, const tsr_ps_name *name, const tsr_ps_facts *anchor,
                         tsr_ps_facts *facts);

/** Wipes `work`. */
void tsr_ps_forget(tsr_ps *ps);

#endif
