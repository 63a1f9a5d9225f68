/* SPDX-License-Identifier: Apache-2.0
 *
 * DTLS 1.2 as the channel of an account, with the session kept over restarts. */
#ifndef TESSERA_LWM2M_CLIENT_DTLS_CHANNEL_H
#define TESSERA_LWM2M_CLIENT_DTLS_CHANNEL_H

#include "tessera/lwm2m/client/channel.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/net/tls_kept.h"

/** Where the image of the session is kept: as secret as the traffic it opens (net/dtls.h). Both may
 *  be NULL; then every start begins with a handshake. */
typedef struct {
    void *user;
    /** errors  TSR_E_NOT_FOUND  there is none; any other: not now, and a handshake follows */
    tsr_err (*load)(void *user, tsr_buf *image);
    /** Makes it durable before it returns; an empty image is to be forgotten. */
    tsr_err (*save)(void *user, tsr_bytes image);
} tsr_lwm2m_session_store;

/** The channel's state: zeroed, then the first part set by the caller or by
 *  tsr_lwm2m_dtls_from(). Must not be moved once opened. */
typedef struct {
    tsr_dtls_options options; /* role CLIENT; what it points to must stay */
    tsr_lwm2m_session_store store;
    uint8_t *image; /* TSR_DTLS_SAVED_MAX bytes, or NULL: nothing is saved */
    size_t image_len;
    tsr_tls_kept kept; /* a place for what the next handshake goes on with */
    /* private */
    tsr_dtls_config config;
    tsr_dtls session;
    bool configured, live, tell_up, proved, saved, sends_cid;
    bool older, dead; /* the stored session: from before the present one, and to be erased */
} tsr_lwm2m_dtls;

extern const tsr_lwm2m_channel tsr_lwm2m_dtls_channel;

/** Fills options from an instance of Security: identity and key id, or certificates. CIDs are on.
 *
 *  plain   memory for one record, TSR_DTLS_PLAIN_MAX bytes
 *  owner   `security` and `plain` must outlive the channel
 *  errors  TSR_E_UNSUPPORTED  its mode has no DTLS (NoSec), or is RPK; or /0/x/16 lists suites and none that
 *                             we have for it
 */
tsr_err tsr_lwm2m_dtls_from(tsr_lwm2m_dtls *channel, const tsr_lwm2m_security *security,
                            uint8_t *plain, size_t plain_len);

/** The same for the credentials alone: those of `o`, whatever it is for. */
tsr_err tsr_lwm2m_dtls_credentials(tsr_dtls_options *o, const tsr_lwm2m_security *security);

/** Frees what open took, silently, and wipes what is kept; the saved session stays. Harmless twice. */
void tsr_lwm2m_dtls_free(tsr_lwm2m_dtls *channel);

/** True when the present session came from the store, without a handshake. */
bool tsr_lwm2m_dtls_is_restored(const tsr_lwm2m_dtls *channel);

/** Whether its handshake went on with an earlier session. RFC 5246 §7.3 */
bool tsr_lwm2m_dtls_is_resumed(const tsr_lwm2m_dtls *channel);

#endif
