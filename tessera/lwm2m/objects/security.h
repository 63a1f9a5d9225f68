/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 0, LwM2M Security 1.2. No server may touch it; provisioning and bootstrap write it. A key
 * that is written goes into PSA before the call returns, and what stays here is its key id. */
#ifndef TESSERA_LWM2M_OBJECTS_SECURITY_H
#define TESSERA_LWM2M_OBJECTS_SECURITY_H

#include "tessera/lwm2m/model/object.h"

enum {
    TSR_LWM2M_URI_LEN = 255,
    TSR_LWM2M_IDENTITY_MAX = 128, /* Transport 5.2.9.1 */
    TSR_LWM2M_PSK_MAX = 64,
    TSR_LWM2M_SUITES = 8, /* instances of /0/x/16, 0 to 7 */
    TSR_LWM2M_PRIVATE_KEY_MAX = 256, /* DER of a P-256 key with all that may stand beside it */
};

/** Security modes of /0/x/2. */
typedef enum {
    TSR_LWM2M_MODE_PSK = 0,
    TSR_LWM2M_MODE_RPK = 1,
    TSR_LWM2M_MODE_CERTIFICATE = 2,
    TSR_LWM2M_MODE_NOSEC = 3,
    TSR_LWM2M_MODE_ENROL = 4, /* a certificate by enrolment; then as CERTIFICATE */
} tsr_lwm2m_security_mode;

/** One instance. Certificates are views that the host places; they are public. */
typedef struct {
    uint16_t id; /* instance */
    bool used, bootstrap;
    uint16_t short_id; /* /0/x/10 */
    tsr_lwm2m_security_mode mode;
    char uri[TSR_LWM2M_URI_LEN + 1];
    uint8_t identity[TSR_LWM2M_IDENTITY_MAX]; /* /0/x/3 in mode PSK */
    uint8_t identity_len;
    uint32_t key_id;       /* PSA; what became of /0/x/5. 0: none */
    tsr_bytes certificate; /* /0/x/3 in mode CERTIFICATE, DER; in mode ENROL what was enrolled */
    tsr_bytes server_certificate; /* /0/x/4: what /0/x/13 and /0/x/15 say it is */
    uint8_t certificate_usage;    /* /0/x/15 */
    uint8_t matching_type;        /* /0/x/13 */
    char server_name[64];         /* /0/x/14; "": the host of the URI */
    bool factory;        /* placed by the host, which knows it after a restart too */
    bool private_key;    /* the key is a private one, not a pre-shared one */
    bool proved;         /* a bootstrap from here succeeded: timeout_s counts */
    uint32_t hold_off_s; /* /0/x/11 */
    uint32_t timeout_s;  /* /0/x/12; 0: the account stays */
    uint32_t left_s;     /* of it, once it counts; 0: all */
    bool open;           /* the mode may yet come, and say what keys and certificates are */
    bool oscore;         /* messages are under the keys of /21/oscore_id (/0/x/17) as well */
    uint16_t oscore_id;
    uint16_t suites[TSR_LWM2M_SUITES]; /* /0/x/16, IANA numbers; 0: none; all 0: that of the mode */
} tsr_lwm2m_security;

/** Where what is written to instances goes: keys into PSA, certificates into memory. */
typedef struct {
    uint32_t first_key_id; /* key n is kept for good under first_key_id + n; 0: keys are volatile,
                              for a service that keeps none */
    uint32_t *keys; /* numbers of the keys that were written: 3 places for each instance */
    size_t key_count;
    uint8_t *certificates; /* two for each instance; NULL: none can be written */
    size_t certificate_len; /* bytes of each */
    /* private */
    uint8_t mode; /* of the instance that is written, plus 1; 0: what it says */
} tsr_lwm2m_credentials;

typedef struct {
    tsr_lwm2m_security *items;
    size_t count;
    tsr_lwm2m_credentials *credentials; /* NULL: keys are volatile, certificates are the host's */
} tsr_lwm2m_securities;

/** Puts a pre-shared key into PSA, in the place of one that is there, and wipes the bytes.
 *
 *  units   key: 1 to TSR_LWM2M_PSK_MAX bytes; *key_id: 1 to 0x3fffffff is kept for good under that
 *          number; 0 makes a volatile key and sets the number
 *  owner   key is overwritten with zeros, also on failure
 *  errors  TSR_E_TYPE    empty or too long
 *          TSR_E_CRYPTO  a PSA call failed
 */
tsr_err tsr_lwm2m_security_import(uint32_t *key_id, uint8_t *key, size_t key_len);

/** The same with a private key on P-256: DER of a PrivateKeyInfo (RFC 5958) or an ECPrivateKey
 *  (RFC 5915). errors  TSR_E_TYPE also for any other key */
tsr_err tsr_lwm2m_security_import_private(uint32_t *key_id, uint8_t *der, size_t der_len);

/** Makes a key pair on P-256 behind PSA that signs and cannot be exported.
 *  units   *key_id as above
 *  errors  TSR_E_CRYPTO  a PSA call failed, or there is a key of that number */
tsr_err tsr_lwm2m_security_generate(uint32_t *key_id);

/** Does a private key stand in these bytes, of the kind that the latter takes? */
bool tsr_lwm2m_security_is_private(tsr_bytes key);

/** Removes a key from PSA; TSR_OK as well if there is none. */
tsr_err tsr_lwm2m_security_forget(uint32_t key_id);

/** Removes those of a->credentials->keys that neither `a` nor `b` names; both have the same credentials. What cannot be
 *  removed now stays in the table for the next time. */
void tsr_lwm2m_security_sweep(const tsr_lwm2m_securities *a, const tsr_lwm2m_securities *b);

/** Gives an instance in mode ENROL the key pair for its certificate, unless it has one. A number that
 *  the host has set (`factory`) is kept, and its key made if there is none.
 *  errors  TSR_E_SPACE   all places of credentials->keys are taken
 *          TSR_E_CRYPTO  a PSA call failed */
tsr_err tsr_lwm2m_security_key_pair(const tsr_lwm2m_securities *securities, tsr_lwm2m_security *s);

/** The certificate for that key has come. From now on save keeps the instance whole.
 *  owner   der is copied to credentials->certificates
 *  errors  TSR_E_SPACE  it is longer than credentials->certificate_len */
tsr_err tsr_lwm2m_security_enrolled(const tsr_lwm2m_securities *securities, tsr_lwm2m_security *s,
                                    tsr_bytes der);

/** Does /0/x/16 say anything? */
static inline bool tsr_lwm2m_security_says_suites(const tsr_lwm2m_security *s)
{
    uint16_t any = 0;

    for (size_t i = 0; i < TSR_LWM2M_SUITES; i++)
        any |= s->suites[i];
    return any != 0;
}

/** Of what was written before its mode was known, drops what the mode has no use for. */
void tsr_lwm2m_security_settle(const tsr_lwm2m_securities *securities);

/** The instance that is a bootstrap server's account, or NULL. */
tsr_lwm2m_security *tsr_lwm2m_security_bootstrap(const tsr_lwm2m_securities *securities);

/** The instance that is the account of that Short Server ID, or NULL. */
tsr_lwm2m_security *tsr_lwm2m_security_find(const tsr_lwm2m_securities *securities,
                                            uint16_t short_id);

/** The registry entry; it has no readable resource. save tells of instances with `factory` only that
 *  they are still there. */
tsr_lwm2m_object tsr_lwm2m_security_object(tsr_lwm2m_securities *securities);

/** The same for accounts that are part of the firmware: nobody can write them, no key is taken. */
tsr_lwm2m_object tsr_lwm2m_security_fixed(tsr_lwm2m_securities *securities);

#endif
