/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS 1.2 as the layer of a TCP channel (coaps+tcp, RFC 8323 §8.2): credentials as those of DTLS, by
 * key numbers of PSA. */
#ifndef TESSERA_LWM2M_CLIENT_TLS_CHANNEL_H
#define TESSERA_LWM2M_CLIENT_TLS_CHANNEL_H

#include "tessera/lwm2m/client/tcp_channel.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/net/tls_kept.h"

/** The layer's state: zeroed, then the options by the caller or by tsr_lwm2m_tls_from(). Must not be
 *  moved once opened. */
typedef struct {
    tsr_dtls_options options; /* role CLIENT, stream; what it points to must stay */
    tsr_tls_kept kept;        /* a place for the session, that the next connection goes on with it */
    /* private */
    tsr_dtls_config config;
    tsr_tls session;
    bool configured, live, closed, up;
} tsr_lwm2m_tls;

extern const tsr_lwm2m_tcp_layer tsr_lwm2m_tls_layer;

/** Fills the options from an instance of Security, which must outlive the channel.
 *  errors  TSR_E_UNSUPPORTED  its mode has no TLS (NoSec), or is RPK */
tsr_err tsr_lwm2m_tls_from(tsr_lwm2m_tls *tls, const tsr_lwm2m_security *security);

/** Whether the connection went on with an earlier session. RFC 5246 §7.3 */
bool tsr_lwm2m_tls_is_resumed(const tsr_lwm2m_tls *tls);

/** Frees what open took, silently, and wipes the session that is kept. Harmless twice. */
void tsr_lwm2m_tls_free(tsr_lwm2m_tls *tls);

#endif
