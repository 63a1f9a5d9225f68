/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 21, OSCORE (Core E.9): which keys protect the messages of an account. Only bootstrap and
 * the host touch it; a master secret goes into PSA at once and only its key id stays. */
#ifndef TESSERA_LWM2M_OBJECTS_OSCORE_H
#define TESSERA_LWM2M_OBJECTS_OSCORE_H

#include "tessera/lwm2m/model/object.h"

enum {
    TSR_LWM2M_OSCORE_ID_MAX = 7, /* RFC 8613 §3.3 */
    TSR_LWM2M_OSCORE_BYTES_MAX = 64, /* Master Secret, Master Salt, ID Context */
};

/** One instance; the account that it belongs to names it (/0/x/17). */
typedef struct {
    uint16_t id;
    bool used;
    bool fixed; /* the host's, which knows it after a restart too */
    uint8_t sender_id[TSR_LWM2M_OSCORE_ID_MAX], sender_id_len;       /* the client's */
    uint8_t recipient_id[TSR_LWM2M_OSCORE_ID_MAX], recipient_id_len; /* the server's */
    uint8_t salt[TSR_LWM2M_OSCORE_BYTES_MAX], salt_len;
    uint8_t id_context[TSR_LWM2M_OSCORE_BYTES_MAX], id_context_len;
    bool has_id_context;
    int32_t aead;     /* COSE number; 0: the default, AES-CCM-16-64-128 */
    uint32_t key_id;  /* PSA; what became of /21/x/0. 0: none */
    uint32_t version; /* grows with each change: what was derived is void */
} tsr_lwm2m_oscore;

typedef struct {
    tsr_lwm2m_oscore *items;
    size_t count;
    uint32_t *keys; /* numbers of the keys that were written: 3 places for each instance. NULL: a key
                       that is written takes the place of the old one at once, for as long as the
                       service runs; and what is fixed stays */
    size_t key_count;
    uint32_t first_key_id; /* key n of `keys` is kept for good under first_key_id + n; 0: volatile */
    /* What is kept besides, as observations that go on after a restart; NULL: nothing. */
    void *more;
    void (*more_save)(const void *more, tsr_buf *out);
    tsr_err (*more_load)(void *more, tsr_bytes in);
} tsr_lwm2m_oscores;

/** Puts a master secret into PSA, in the place of one that is there, and wipes the bytes.
 *  units   as tsr_lwm2m_security_import
 *  errors  TSR_E_TYPE  empty or longer than 64 bytes;  TSR_E_CRYPTO  a PSA call failed */
tsr_err tsr_lwm2m_oscore_import(uint32_t *key_id, uint8_t *secret, size_t secret_len);

/** The instance, or NULL. */
tsr_lwm2m_oscore *tsr_lwm2m_oscore_find(const tsr_lwm2m_oscores *oscores, uint16_t instance);

/** Removes those of a->keys that neither `a` nor `b` names; both have the same table. */
void tsr_lwm2m_oscore_sweep(const tsr_lwm2m_oscores *a, const tsr_lwm2m_oscores *b);

/** The registry entry; it has no readable resource. save tells of instances with `fixed` only that
 *  they are still there, and only where they could have been removed (`keys`). */
tsr_lwm2m_object tsr_lwm2m_oscore_object(tsr_lwm2m_oscores *oscores);

#endif
