/* SPDX-License-Identifier: Apache-2.0
 *
 * A bootstrap profile: what devices of some names get. It comes as the JSON of docs/openapi.yaml
 * (BootstrapProfile), is checked once as a whole when it is set, kept as that JSON, and read again
 * for each session. */
#ifndef SERVER_BOOTSTRAP_PROFILE_H
#define SERVER_BOOTSTRAP_PROFILE_H

#include "server/rest/values.h"

enum {
    BS_SERVERS_MAX = 8,
    BS_PATHS_MAX = 32,  /* of what is read, of what is deleted */
    BS_WRITES_MAX = 64, /* access control instances and further writes together */
    BS_BODY_MAX = 65536,
    BS_KEY_MAX = 64,      /* bytes, Transport 5.2.9.1 */
    BS_IDENTITY_MAX = 128,
    BS_ANY_INSTANCE = -1,
};

/* Values of the Security object's resource 2. */
typedef enum {
    BS_PSK = 0, BS_RPK = 1, BS_X509 = 2, BS_NOSEC = 3, BS_EST = 4,
    BS_OSCORE = 5, /* none of them: NoSec, its messages under an instance of Object 21 */
} bs_mode;

/** Up to 64 bytes that were given in hexadecimal digits. */
typedef struct {
    uint8_t bytes[64];
    uint8_t len;
    bool given;
} bs_bytes;

/** Values with the text that they point into. */
typedef struct {
    tsr_buf text;
    rest_values values;
} bs_values;

/** A server account. Its records stand at /0/0 and /1/0; the session gives the instances. */
typedef struct {
    bs_mode mode;
    bool bootstrap, generate;
    uint16_t short_id;
    int32_t security_instance, server_instance; /* BS_ANY_INSTANCE: a free one */
    char identity[BS_IDENTITY_MAX + 1];         /* of a PSK; may hold "{endpoint}" */
    uint8_t key[BS_KEY_MAX];
    size_t key_len;
    bs_bytes device_id, server_id, salt, id_context; /* of OSCORE, whose Master Secret is `key` */
    uint8_t aead;
    bs_values security, server;
} bs_account;

typedef struct {
    tsr_lwm2m_path base;
    bs_values values;
} bs_write;

typedef struct {
    bool discover;     /* ask first what is there */
    bool pack;         /* may be fetched as a Bootstrap-Pack */
    bool plain;        /* secrets may go over plain CoAP */
    bool whole_object; /* one write for all instances of an object */
    tsr_lwm2m_path reads[BS_PATHS_MAX], deletes[BS_PATHS_MAX];
    size_t read_count, delete_count;
    bs_account servers[BS_SERVERS_MAX];
    size_t server_count;
    bs_write writes[BS_WRITES_MAX];
    size_t write_count;
} bs_profile;

/** Reads and checks the whole profile.
 *  owner   *p: bs_profile_free, also after a failure; large, so put it on the heap
 *  errors  TSR_E_ARGUMENT  `why` names member, cause and remedy
 *          TSR_E_SPACE     out of memory */
tsr_err bs_profile_read(tsr_bytes json, bs_profile *p, char *why, size_t why_cap);
void bs_profile_free(bs_profile *p); /* wipes what is secret */

/** Writes the JSON again without what is secret: a key becomes "key_bytes". `out` grows. */
void bs_profile_put(tsr_buf *out, tsr_bytes json);

/** Fills the keys that `json` leaves out, as it may when it says "key_bytes", from the profile that
 *  is stored under the same name: the account of the same short server id. `out` grows.
 *  errors  TSR_E_SPACE */
tsr_err bs_profile_keep_keys(tsr_bytes json, tsr_bytes stored, tsr_buf *out);

#endif
