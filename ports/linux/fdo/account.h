/* SPDX-License-Identifier: Apache-2.0
 *
 * An account for LwM2M, as an owner hands it over in tessera.lwm2m and as the device keeps it: a map of
 * CBOR (docs/FDO.md). A key stands in what the owner sends only; what is kept names it, and of an owner no name is
 * taken. */
#ifndef PORTS_LINUX_FDO_ACCOUNT_H
#define PORTS_LINUX_FDO_ACCOUNT_H

#include "tessera/lwm2m/objects/security.h"

enum { /* keys of the map */
    TSR_FDO_ACCOUNT_URI = 1,
    TSR_FDO_ACCOUNT_SHORT_ID = 2,
    TSR_FDO_ACCOUNT_MODE = 3,
    TSR_FDO_ACCOUNT_IDENTITY = 4,
    TSR_FDO_ACCOUNT_KEY = 5,
    TSR_FDO_ACCOUNT_CERTIFICATE = 6,
    TSR_FDO_ACCOUNT_SERVER_CERTIFICATE = 7,
    TSR_FDO_ACCOUNT_USAGE = 8,
    TSR_FDO_ACCOUNT_LIFETIME = 9,
    TSR_FDO_ACCOUNT_BOOTSTRAP = 10,
    TSR_FDO_ACCOUNT_SERVER_NAME = 11,
    TSR_FDO_ACCOUNT_ENDPOINT = 12,
    TSR_FDO_ACCOUNT_KEY_ID = -1,
};

/** What is absent is an empty slice or 0; usage is 255 when it is not said. */
typedef struct {
    bool bootstrap;
    uint16_t short_id;
    uint8_t mode;  /* tsr_lwm2m_security_mode: PSK, CERTIFICATE or NOSEC */
    uint8_t usage; /* tsr_dtls_cert_usage */
    uint32_t lifetime_s;
    uint32_t key_id; /* PSA */
    tsr_bytes uri, server_name, endpoint; /* text */
    tsr_bytes identity, key;
    tsr_bytes certificate, server_certificate; /* DER */
} tsr_fdo_account;

/** Takes one account. Keys of the map that are not known are passed over.
 *
 *  owner   slices point into `in`
 *  errors  TSR_E_MALFORMED, TSR_E_TYPE, or TSR_E_SPACE for a text longer than may be;
 *          `in` is unchanged */
tsr_err tsr_fdo_account_get(tsr_bytes *in, tsr_fdo_account *a);

/** Appends one without `key`, in deterministic encoding. */
void tsr_fdo_account_put(tsr_buf *out, const tsr_fdo_account *a);

/** Whether a device can use it: scheme and mode agree, keys and certificates are there as the mode
 *  wants them; NULL: yes, else what is wrong. */
const char *tsr_fdo_account_lacks(const tsr_fdo_account *a);

#endif
