/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

#include <errno.h>

static tsr_err read_certificate(const char *path, uint8_t *room, tsr_bytes *der)
{
    tsr_err err = certificate_read(path, room, der);
    const char *cause = err == TSR_E_IO      ? strerror(errno)
                        : err == TSR_E_SPACE ? "too long"
                                             : "neither DER nor PEM with a certificate";

    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "certificate", "file=\"%s\" cause=\"%s\" remedy=\"name a "
                     "certificate of at most %d bytes, PEM or DER\"", path, cause, CERTIFICATE_MAX);
    return err;
}

static tsr_err papers_read(papers *p, const config_server *from)
{
    tsr_err err;

    if (from->mode != TSR_LWM2M_MODE_CERTIFICATE && from->mode != TSR_LWM2M_MODE_ENROL)
        return TSR_OK;
    err = from->mode == TSR_LWM2M_MODE_CERTIFICATE
              ? read_certificate(from->certificate, p->room[0], &p->own)
              : TSR_OK;
    return err == TSR_OK ? read_certificate(from->server_certificate, p->room[1], &p->server) : err;
}

tsr_err accounts_read_papers(tesserad *d)
{
    size_t n = d->config->server_count;
    tsr_err err = d->config->trust[0] != '\0'
                      ? read_certificate(d->config->trust, d->trust_room, &d->trust)
                      : TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < n; i++)
        err = papers_read(&d->papers[i], &d->config->servers[i]);
    return err == TSR_OK && d->config->has_bootstrap
               ? papers_read(&d->papers[n], &d->config->bootstrap)
               : err;
}

void accounts_configure(tesserad *d)
{
    device_configure_security(&d->device);
    device_configure_oscore(&d->device);
    device_configure_servers(&d->device);
    for (size_t i = 0; i < CONFIG_ACCOUNTS; i++) {
        d->device.security[i].certificate = d->papers[i].own;
        d->device.security[i].server_certificate = d->papers[i].server;
    }
}

void accounts_reset(tesserad *d)
{
    device_configure_access(&d->device, true);
    if (!d->config->has_bootstrap) {
        device_configure_servers(&d->device);
        return;
    }
    accounts_configure(d);
    (void)tsr_lwm2m_bootstrap_reset(&d->client);
}
