/* SPDX-License-Identifier: Apache-2.0
 *
 * What the owner service asks of the LwM2M server beside it, so that an account that it hands over opens
 * something. server/handover answers. */
#ifndef SERVER_FDO_LWM2M_H
#define SERVER_FDO_LWM2M_H

#include "tessera/base/bytes.h"

/** The two that a device has accounts for. */
typedef enum { TSR_FDO_BOOTSTRAP, TSR_FDO_MANAGEMENT, TSR_FDO_DOORS } tsr_fdo_door;

enum { TSR_FDO_IDENTITY_MAX = 128, TSR_FDO_SERIAL_TEXT = 2 * 20 + 1 };

/** Every function may be called from any thread, and what it changes is durable when it returns. */
typedef struct {
    void *arg;
    /** Sets (replaces) an endpoint's credential: a pre-shared key; without one, the certificate whose
     *  common name is the identity.
     *  errors  TSR_E_ARGUMENT, TSR_E_EXISTS (the identity is another's), TSR_E_IO */
    tsr_err (*set)(void *arg, tsr_fdo_door door, const char *endpoint, const char *identity,
                   tsr_bytes key);
    /** errors TSR_E_NOT_FOUND, TSR_E_IO */
    tsr_err (*identity)(void *arg, tsr_fdo_door door, const char *endpoint,
                        char identity[TSR_FDO_IDENTITY_MAX + 1]);
    /** errors TSR_E_NOT_FOUND, TSR_E_IO */
    tsr_err (*remove)(void *arg, tsr_fdo_door door, const char *endpoint);

    /** The certificate of the authority that devices enrol with. NULL-slice: there is none. */
    tsr_bytes (*authority)(void *arg);
    /** Signs a certificate for that endpoint, whatever name the request (PKCS #10) says.
     *  errors  TSR_E_DENIED  `why` says what is wrong with the request;  TSR_E_CRYPTO, TSR_E_IO */
    tsr_err (*enrol)(void *arg, const char *endpoint, const char *device, tsr_bytes request,
                     tsr_buf *der, char serial[TSR_FDO_SERIAL_TEXT], const char **why);
    /** Revokes one, by its serial number. errors TSR_E_NOT_FOUND, TSR_E_IO */
    tsr_err (*revoke)(void *arg, const char *serial);
    /** Revokes what `enrol` gave that endpoint, all but one ("": all). errors TSR_E_IO */
    tsr_err (*revoke_others)(void *arg, const char *endpoint, const char *but);
} tsr_fdo_lwm2m;

#endif
