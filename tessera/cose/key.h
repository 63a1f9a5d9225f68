/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Key (RFC 9052 §7, RFC 9053 §7): keys as CBOR maps, into and out of PSA. */
#ifndef TESSERA_COSE_KEY_H
#define TESSERA_COSE_KEY_H

#include "tessera/cose/cose.h"

typedef enum { TSR_COSE_EC2 = 2, TSR_COSE_SYMMETRIC = 4 } tsr_cose_kty;
typedef enum { TSR_COSE_P256 = 1, TSR_COSE_P384 = 2 } tsr_cose_curve;

enum { /* bits of tsr_cose_key.ops: 1 << (value of RFC 9052 §7.1) */
       TSR_COSE_OP_SIGN = 1 << 1,
       TSR_COSE_OP_VERIFY = 1 << 2,
       TSR_COSE_OP_ENCRYPT = 1 << 3,
       TSR_COSE_OP_DECRYPT = 1 << 4,
       TSR_COSE_OP_DERIVE_KEY = 1 << 7,
       TSR_COSE_OP_MAC_CREATE = 1 << 9,
       TSR_COSE_OP_MAC_VERIFY = 1 << 10,
};

/** A key as its map says it. Absent: NULL pointer, alg TSR_COSE_ALG_NONE, ops 0. */
typedef struct {
    tsr_cose_kty kty;
    tsr_bytes kid;
    int64_t alg;
    uint32_t ops;
    tsr_cose_curve crv; /* EC2 */
    tsr_bytes x, y;     /* EC2; each as long as the curve's field */
    tsr_bytes d;        /* EC2, private; secret */
    tsr_bytes k;        /* symmetric; secret */
} tsr_cose_key;

/** Takes a key apart.
 *
 *  owner   k points into `in`
 *  errors  TSR_E_MALFORMED    no such map, a label twice, a coordinate of the wrong length,
 *                             a part that is missing, bytes behind it
 *          TSR_E_UNSUPPORTED  another key type or curve, a compressed point, alg as text
 */
tsr_err tsr_cose_key_read(tsr_bytes in, tsr_cose_key *k);

/** Appends the map, labels in deterministic order; the private part only when it is there. */
void tsr_cose_key_write(tsr_buf *out, const tsr_cose_key *k);

/** Makes a volatile PSA key for algorithm `alg`, usable for what `ops` says
 *  (SIGN|VERIFY, ENCRYPT|DECRYPT, MAC_CREATE|MAC_VERIFY).
 *
 *  errors  TSR_E_TYPE    the key is not for this algorithm: type, curve, size, its own alg
 *          TSR_E_DENIED  the key's own key_ops do not allow `ops`, or the private part is absent
 *          TSR_E_UNSUPPORTED  alg;  TSR_E_CRYPTO  PSA refused (a point that is not on the curve)
 */
tsr_err tsr_cose_key_import(const tsr_cose_key *k, int64_t alg, uint32_t ops, tsr_cose_key_id *id);

/** Makes a volatile public key from an uncompressed point (04 || x || y), for verifying `alg`.
 *  errors  as tsr_cose_key_import */
tsr_err tsr_cose_point_import(tsr_bytes point, int64_t alg, tsr_cose_key_id *id);

/** The public half of a PSA key pair as a COSE_Key.
 *  owner   k points into `room`, which needs 97 bytes at most
 *  errors  TSR_E_TYPE  not an elliptic-curve key of a curve above;  TSR_E_CRYPTO;  TSR_E_SPACE */
tsr_err tsr_cose_key_public(tsr_cose_key_id id, tsr_buf *room, tsr_cose_key *k);

#endif
