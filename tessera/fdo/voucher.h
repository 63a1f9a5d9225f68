/* SPDX-License-Identifier: Apache-2.0
 *
 * The ownership voucher: the manufacturer's header, the device's HMAC over it, the device's
 * certificates, and one signed entry for every time the device changed hands. */
#ifndef TESSERA_FDO_VOUCHER_H
#define TESSERA_FDO_VOUCHER_H

#include "tessera/fdo/message.h"

enum { TSR_FDO_ENTRIES_MAX = 255 };

/** OVHeader. Slices point into it. */
typedef struct {
    tsr_bytes encoded;
    tsr_bytes guid;
    tsr_bytes rv_info; /* encoded, checked */
    tsr_bytes device_info;
    tsr_fdo_key manufacturer; /* writing: manufacturer.encoded alone */
    tsr_fdo_hash chain_hash;  /* alg 0: null, a device without certificates */
} tsr_fdo_ov_header;

/** Reads the header's bytes, the content of its byte string. `encoded` may be NULL for writing.
 *  errors  those of types.h; TSR_E_UNSUPPORTED also for another version */
tsr_err tsr_fdo_ov_header_read(tsr_bytes in, tsr_fdo_ov_header *h);
void tsr_fdo_ov_header_write(tsr_buf *out, const tsr_fdo_ov_header *h);

/** One entry. */
typedef struct {
    tsr_bytes encoded; /* the tagged COSE_Sign1 */
    tsr_cose_message cose;
    tsr_fdo_hash previous, header_info;
    tsr_bytes extra; /* content of its byte string; NULL: null */
    tsr_fdo_key next;
} tsr_fdo_ov_entry;

tsr_err tsr_fdo_ov_entry_read(tsr_bytes in, tsr_fdo_ov_entry *e);

/* ---- entry by entry ----------------------------------------------------------------------- */

/** What of a chain of entries was verified so far; keeps copies, so that the messages may go. */
typedef struct { /* private */
    int32_t alg;  /* 0: no entry yet */
    uint8_t previous[2][TSR_FDO_HASH_MAX]; /* by SHA-256 and SHA-384: the first entry chooses */
    uint8_t header_info[2][TSR_FDO_HASH_MAX];
    size_t count;
    tsr_fdo_key owner; /* into `owner_room` */
    uint8_t owner_room[398];
} tsr_fdo_ov_chain;

/** Which check said no; a short text for a log, NULL: none did. */
typedef struct {
    const char *what;
    size_t entry;
} tsr_fdo_fault;

/** Begins with the header and the HMac as they were encoded; the manufacturer is the first owner.
 *  errors  TSR_E_CRYPTO  (a PSA call failed) */
tsr_err tsr_fdo_ov_begin(tsr_fdo_ov_chain *c, const tsr_fdo_ov_header *h, tsr_bytes hmac_encoded);

/** Verifies the next entry: signed by the owner so far, over the hash of what stands before it and
 *  of GUID and DeviceInfo. Then its key is the owner's. The chain is unchanged on failure.
 *  errors  those of a reader; TSR_E_CRYPTO, TSR_E_TYPE, TSR_E_DENIED, TSR_E_UNSUPPORTED when a
 *          check fails; `fault` (which may be NULL) says which */
tsr_err tsr_fdo_ov_next(tsr_fdo_ov_chain *c, tsr_bytes entry, tsr_fdo_fault *fault);

/* ---- the whole ---------------------------------------------------------------------------- */

/** OwnershipVoucher; slices point into it. */
typedef struct {
    tsr_bytes encoded;
    tsr_fdo_ov_header header;
    tsr_fdo_hash hmac;
    tsr_bytes hmac_encoded;
    tsr_bytes certificates; /* the encoded array, leaf first; NULL: null */
    tsr_bytes front;        /* private: everything before the entries' array */
    tsr_bytes entries;      /* the entries, behind one another */
    size_t count;
} tsr_fdo_voucher;

/** Takes a voucher apart; each entry can be read, nothing is verified.
 *  errors  those of types.h; TSR_E_UNSUPPORTED for another version (FDO 1.0: also TSR_E_TYPE) */
tsr_err tsr_fdo_voucher_read(tsr_bytes in, tsr_fdo_voucher *v);

/** The entry at a place. errors  TSR_E_NOT_FOUND */
tsr_err tsr_fdo_voucher_entry(const tsr_fdo_voucher *v, size_t index, tsr_bytes *entry);

/** The device's own key, from the leaf certificate.
 *  errors  TSR_E_NOT_FOUND  the voucher has no certificates */
tsr_err tsr_fdo_voucher_device(const tsr_fdo_voucher *v, tsr_fdo_key *device);

/** The key that owns it: the last entry's, or with no entries the manufacturer's. Nothing is
 *  verified: for a voucher that was, when it came in.
 *  errors  those of a reader */
tsr_err tsr_fdo_voucher_owner(const tsr_fdo_voucher *v, tsr_fdo_key *owner);

/** Verifies everything a voucher says of itself: DeviceInfo and rendezvous are not empty, the
 *  certificates have the header's hash, every entry follows the one before it. The certificates'
 *  own signatures and the header's HMAC are not looked at: nobody but the device knows its secret.
 *
 *  owner   *owner (may be NULL) points into the voucher, as tsr_fdo_voucher_owner
 *  errors  as tsr_fdo_ov_next; `fault` may be NULL */
tsr_err tsr_fdo_voucher_verify(const tsr_fdo_voucher *v, tsr_fdo_key *owner, tsr_fdo_fault *fault);

/** Checks the header's HMAC with the device's secret. errors TSR_E_CRYPTO, TSR_E_TYPE */
tsr_err tsr_fdo_voucher_check_hmac(const tsr_fdo_voucher *v, tsr_cose_key_id secret);

/** The hash of a chain of certificates: of the DER encodings behind one another.
 *  errors  those of a reader */
tsr_err tsr_fdo_chain_hash(int32_t alg, tsr_bytes certificates, uint8_t room[TSR_FDO_HASH_MAX],
                           tsr_fdo_hash *h);

/** Appends a voucher without entries. certificates: encoded array, or NULL. */
void tsr_fdo_voucher_write(tsr_buf *out, tsr_bytes header, const tsr_fdo_hash *hmac,
                           tsr_bytes certificates);

/** Appends the voucher with one more entry, signed by its owner, for the next.
 *
 *  units   next: an encoded PublicKey; extra: an encoded map, NULL: null
 *  errors  (also in out->err) TSR_E_CRYPTO  the key is not the owner's; TSR_E_SPACE; TSR_E_DENIED
 *          255 entries; out->len is as before */
tsr_err tsr_fdo_voucher_extend(tsr_buf *out, const tsr_fdo_voucher *v, tsr_cose_key_id owner_key,
                               tsr_bytes next, tsr_bytes extra);

#endif
