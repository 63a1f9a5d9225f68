/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/handover/handover.h"

#include <stdio.h>

#include "server/bootstrap/bootstrap.h"
#include "server/lwm2m/api.h"

static tsr_err set(void *arg, tsr_fdo_door door, const char *endpoint, const char *identity, tsr_bytes key)
{
    tsr_server_security mode = key.len != 0 ? TSR_SERVER_PSK : TSR_SERVER_X509;

    return door == TSR_FDO_BOOTSTRAP
               ? tsr_bootstrap_credential_set(arg, endpoint, mode, identity, key)
               : tsr_server_credential_set(arg, endpoint, mode, identity, key);
}

static void keep_identity(void *arg, const tsr_server_credential *c)
{
    (void)snprintf(arg, TSR_FDO_IDENTITY_MAX + 1, "%s", c->identity);
}

static tsr_err identity(void *arg, tsr_fdo_door door, const char *endpoint,
                        char text[TSR_FDO_IDENTITY_MAX + 1])
{
    text[0] = 0;
    return door == TSR_FDO_BOOTSTRAP
               ? tsr_bootstrap_credential_get(arg, endpoint, keep_identity, text)
               : tsr_server_credential_get(arg, endpoint, keep_identity, text);
}

static tsr_err forget(void *arg, tsr_fdo_door door, const char *endpoint)
{
    return door == TSR_FDO_BOOTSTRAP ? tsr_bootstrap_credential_delete(arg, endpoint)
                                     : tsr_server_credential_delete(arg, endpoint);
}

static tsr_bytes authority(void *arg) { return tsr_bootstrap_authority(arg); }

static tsr_err enrol(void *arg, const char *endpoint, const char *device, tsr_bytes request, tsr_buf *der,
                     char serial[TSR_FDO_SERIAL_TEXT], const char **why)
{
    char by[80];

    (void)snprintf(by, sizeof by, "fdo:%s", device);
    return tsr_bootstrap_enrol(arg, endpoint, by, request, der, serial, why);
}

static tsr_err revoke(void *arg, const char *serial) { return tsr_bootstrap_certificate_revoke(arg, serial); }

static tsr_err revoke_others(void *arg, const char *endpoint, const char *but)
{
    return tsr_bootstrap_certificates_revoke(arg, endpoint, "fdo:", but);
}

tsr_fdo_lwm2m tsr_handover_of(tsr_server *s)
{
    return (tsr_fdo_lwm2m){ .arg = s, .set = set, .identity = identity, .remove = forget,
                            .authority = authority, .enrol = enrol, .revoke = revoke,
                            .revoke_others = revoke_others };
}
