/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages of DI, TO0, TO1 and TO2, without their signatures and encryption: what a message
 * holds, or what its COSE payload holds. Readers take a whole message and refuse bytes behind it;
 * slices point into it. Errors as types.h says. */
#ifndef TESSERA_FDO_MESSAGE_H
#define TESSERA_FDO_MESSAGE_H

#include "tessera/fdo/rendezvous.h"

typedef enum {
    TSR_FDO_DI_APP_START = 10,
    TSR_FDO_DI_SET_CREDENTIALS = 11,
    TSR_FDO_DI_SET_HMAC = 12,
    TSR_FDO_DI_DONE = 13,
    TSR_FDO_TO0_HELLO = 20,
    TSR_FDO_TO0_HELLO_ACK = 21,
    TSR_FDO_TO0_OWNER_SIGN = 22,
    TSR_FDO_TO0_ACCEPT_OWNER = 23,
    TSR_FDO_TO1_HELLO_RV = 30,
    TSR_FDO_TO1_HELLO_RV_ACK = 31,
    TSR_FDO_TO1_PROVE_TO_RV = 32,
    TSR_FDO_TO1_RV_REDIRECT = 33,
    TSR_FDO_TO2_HELLO_DEVICE = 60,
    TSR_FDO_TO2_PROVE_OV_HDR = 61,
    TSR_FDO_TO2_GET_OV_NEXT_ENTRY = 62,
    TSR_FDO_TO2_OV_NEXT_ENTRY = 63,
    TSR_FDO_TO2_PROVE_DEVICE = 64,
    TSR_FDO_TO2_SETUP_DEVICE = 65, /* from here on encrypted */
    TSR_FDO_TO2_DEVICE_INFO_READY = 66,
    TSR_FDO_TO2_OWNER_INFO_READY = 67,
    TSR_FDO_TO2_DEVICE_INFO = 68,
    TSR_FDO_TO2_OWNER_INFO = 69,
    TSR_FDO_TO2_DONE = 70,
    TSR_FDO_TO2_DONE2 = 71,
    TSR_FDO_ERROR = 255,
} tsr_fdo_msg;

/** Labels of COSE headers and EAT claims. */
enum {
    TSR_FDO_CUPH_NONCE = 256,
    TSR_FDO_CUPH_OWNER_KEY = 257,
    TSR_FDO_EUPH_NONCE = -259,
    TSR_FDO_EAT_NONCE = 10,
    TSR_FDO_EAT_UEID = 256,
    TSR_FDO_EAT_FDO = -257,
};

/** 13, 20: an empty array. */
tsr_err tsr_fdo_empty_read(tsr_bytes in);
void tsr_fdo_empty_write(tsr_buf *out);

/** 21, 70, 71: [nonce]. */
tsr_err tsr_fdo_nonce_read(tsr_bytes in, tsr_bytes *nonce);
void tsr_fdo_nonce_write(tsr_buf *out, tsr_bytes nonce);

/** 23: [seconds]; 62: [number of the entry]. */
tsr_err tsr_fdo_number_read(tsr_bytes in, uint64_t most, uint64_t *n);
void tsr_fdo_number_write(tsr_buf *out, uint64_t n);

/* ---- DI ----------------------------------------------------------------------------------- */

/** What the device tells of itself; the manufacturer's own choice, and this is what all send. */
typedef struct {
    tsr_fdo_key_type key_type;         /* of the manufacturer's key that is asked for */
    tsr_fdo_key_encoding key_encoding;
    tsr_bytes serial, device_info; /* text */
    tsr_bytes csr;                 /* PKCS#10, DER */
} tsr_fdo_mfg_info;

/** 10. errors  TSR_E_UNSUPPORTED  key type or encoding */
tsr_err tsr_fdo_app_start_read(tsr_bytes in, tsr_fdo_mfg_info *m);
void tsr_fdo_app_start_write(tsr_buf *out, const tsr_fdo_mfg_info *m);

/** 11: the voucher's header. */
tsr_err tsr_fdo_set_credentials_read(tsr_bytes in, tsr_bytes *header);
void tsr_fdo_set_credentials_write(tsr_buf *out, tsr_bytes header);

/** 12: the HMAC over it. */
tsr_err tsr_fdo_set_hmac_read(tsr_bytes in, tsr_fdo_hash *hmac);
void tsr_fdo_set_hmac_write(tsr_buf *out, const tsr_fdo_hash *hmac);

/* ---- TO0 ---------------------------------------------------------------------------------- */

typedef struct {
    tsr_bytes voucher; /* encoded */
    uint32_t wait_s;
    tsr_bytes nonce;
} tsr_fdo_to0d;

/** 22: to0d is what to1d's hash covers; to1d is an encoded COSE_Sign1. */
tsr_err tsr_fdo_owner_sign_read(tsr_bytes in, tsr_bytes *to0d, tsr_bytes *to1d);
void tsr_fdo_owner_sign_write(tsr_buf *out, tsr_bytes to0d, tsr_bytes to1d);

tsr_err tsr_fdo_to0d_read(tsr_bytes in, tsr_fdo_to0d *d);
void tsr_fdo_to0d_write(tsr_buf *out, const tsr_fdo_to0d *d);

/** Payload of to1d. */
typedef struct {
    tsr_bytes addrs; /* encoded array of RVTO2Addr, at least one; each was read */
    size_t count;
    tsr_fdo_hash to0d_hash;
} tsr_fdo_to1d;

tsr_err tsr_fdo_to1d_read(tsr_bytes payload, tsr_fdo_to1d *d);
void tsr_fdo_to1d_write(tsr_buf *out, const tsr_fdo_addr *addrs, size_t count,
                        const tsr_fdo_hash *to0d_hash);

/* ---- TO1 ---------------------------------------------------------------------------------- */

/** 30: [GUID, SigInfo]; 31: [nonce, SigInfo]. */
typedef struct {
    tsr_bytes id;
    tsr_fdo_sig_info sig;
} tsr_fdo_hello_rv;

tsr_err tsr_fdo_hello_rv_read(tsr_bytes in, tsr_fdo_hello_rv *h);
void tsr_fdo_hello_rv_write(tsr_buf *out, const tsr_fdo_hello_rv *h);

/** Payload of 32 and 64. */
typedef struct {
    tsr_bytes nonce;
    tsr_bytes guid;
    tsr_bytes kex; /* xB; 32: none, NULL */
} tsr_fdo_eat;

tsr_err tsr_fdo_eat_read(tsr_bytes payload, tsr_fdo_eat *e);
void tsr_fdo_eat_write(tsr_buf *out, const tsr_fdo_eat *e);

/* ---- TO2 ---------------------------------------------------------------------------------- */

/** 60 */
typedef struct {
    uint64_t max_message; /* 0: not limited */
    tsr_bytes guid, nonce;
    tsr_bytes kex; /* text */
    int64_t cipher;
    tsr_fdo_sig_info sig;
} tsr_fdo_hello_device;

tsr_err tsr_fdo_hello_device_read(tsr_bytes in, tsr_fdo_hello_device *h);
void tsr_fdo_hello_device_write(tsr_buf *out, const tsr_fdo_hello_device *h);

/** Payload of 61. */
typedef struct {
    tsr_bytes header; /* OVHeader */
    uint8_t entries;
    tsr_fdo_hash hmac;
    tsr_bytes hmac_encoded; /* reading: as it came, for the first entry's hash */
    tsr_bytes nonce;
    tsr_fdo_sig_info sig;
    tsr_bytes kex; /* xA */
    tsr_fdo_hash hello_hash;
    uint64_t max_message;
} tsr_fdo_prove_ov;

tsr_err tsr_fdo_prove_ov_read(tsr_bytes payload, tsr_fdo_prove_ov *p);
void tsr_fdo_prove_ov_write(tsr_buf *out, const tsr_fdo_prove_ov *p);

/** Unprotected header of 61: nonce, and the owner's key, which is worth nothing until it is the one
 *  of the last entry. */
tsr_err tsr_fdo_prove_ov_header_read(const tsr_cose_message *m, tsr_bytes *nonce,
                                     tsr_fdo_key *owner);
/** Appends both as pairs for tsr_cose_params.unprotected_more (count 2). */
void tsr_fdo_prove_ov_header_write(tsr_buf *out, tsr_bytes nonce, tsr_bytes owner_key);

/** Unprotected header of 64. */
tsr_err tsr_fdo_prove_device_header_read(const tsr_cose_message *m, tsr_bytes *nonce);
void tsr_fdo_prove_device_header_write(tsr_buf *out, tsr_bytes nonce); /* count 1 */

/** 63 */
tsr_err tsr_fdo_next_entry_read(tsr_bytes in, uint64_t *n, tsr_bytes *entry);
void tsr_fdo_next_entry_write(tsr_buf *out, uint64_t n, tsr_bytes entry);

/** Payload of 65. */
typedef struct {
    tsr_bytes rv_info; /* checked */
    tsr_bytes guid, nonce;
    tsr_fdo_key owner; /* writing: owner.encoded */
} tsr_fdo_setup;

tsr_err tsr_fdo_setup_read(tsr_bytes payload, tsr_fdo_setup *s);
void tsr_fdo_setup_write(tsr_buf *out, const tsr_fdo_setup *s);

/** 66: hmac.alg 0: the credential is kept. 67 has the size alone. max_size 0: null.
 *  errors  also TSR_E_DENIED  a size below TSR_FDO_SIZE_LEAST */
tsr_err tsr_fdo_device_ready_read(tsr_bytes in, tsr_fdo_hash *hmac, uint64_t *max_size);
void tsr_fdo_device_ready_write(tsr_buf *out, const tsr_fdo_hash *hmac, uint64_t max_size);
tsr_err tsr_fdo_owner_ready_read(tsr_bytes in, uint64_t *max_size);
void tsr_fdo_owner_ready_write(tsr_buf *out, uint64_t max_size);

/** 68 and 69 (`done` is of 69 alone). */
typedef struct {
    bool more, done;
    tsr_bytes rest; /* private: the pairs that were not taken yet */
    uint64_t left;
} tsr_fdo_info;

/** Reads the head and checks the form of every pair, not what their values hold. */
tsr_err tsr_fdo_info_read(tsr_bytes in, bool from_owner, tsr_fdo_info *i);

/** The next pair: "module:message", and a value that is not empty. errors  TSR_END */
tsr_err tsr_fdo_info_next(tsr_fdo_info *i, tsr_bytes *module, tsr_bytes *message,
                          tsr_bytes *value);

enum { TSR_FDO_KEY_NAME = 97 }; /* bytes of "module:message" */

/** The items in the values of a run's messages. Zeroed at its start, but for `held`. */
typedef struct {
    tsr_buf held; /* the caller's memory for an item that comes in parts; cap 0: none may */
    /* private */
    size_t given, key_len;
    tsr_bytes fresh, module, message;
    char key[TSR_FDO_KEY_NAME];
} tsr_fdo_values;

/** The next item of a message's pairs. Call until TSR_END, message after message.
 *  owner   *value lives until the next call; module and message as long as the message does
 *  errors  TSR_END          no whole item is left
 *          TSR_E_MALFORMED  not well formed, or the rest of an item does not follow, or it is
 *                           longer than there is memory for */
tsr_err tsr_fdo_values_next(tsr_fdo_values *v, tsr_fdo_info *i, tsr_bytes *module,
                            tsr_bytes *message, tsr_bytes *value);

/** Begins a run: nothing is held. */
static inline void tsr_fdo_values_begin(tsr_fdo_values *v, tsr_buf held)
{
    *v = (tsr_fdo_values){ .held = held };
    v->held.len = 0;
}

/** Appends a whole 68 or 69: `pairs` are encoded [key, value]. */
void tsr_fdo_info_write(tsr_buf *out, bool from_owner, bool more, bool done, tsr_bytes pairs,
                        uint64_t count);

/** Appends one pair. */
void tsr_fdo_put_info(tsr_buf *out, const char *module, const char *message, tsr_bytes value);

#endif
