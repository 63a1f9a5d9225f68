/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 16, Portfolio 1.0: what servers want to note about the device. Its instances are theirs
 * to create and delete. */
#ifndef TESSERA_LWM2M_OBJECTS_PORTFOLIO_H
#define TESSERA_LWM2M_OBJECTS_PORTFOLIO_H

#include "tessera/lwm2m/model/object.h"

enum { TSR_LWM2M_IDENTITIES = 4, TSR_LWM2M_IDENTITY_LEN = 48 };

/** One instance: Identity has instances 0 (host device id), 1 (manufacturer), 2 (model) and
 *  3 (software version), and the server says what they are. */
typedef struct {
    uint16_t id;
    bool used;
    uint8_t there; /* a bit per identity */
    uint8_t len[TSR_LWM2M_IDENTITIES];
    uint8_t text[TSR_LWM2M_IDENTITIES][TSR_LWM2M_IDENTITY_LEN];
} tsr_lwm2m_portfolio;

typedef struct {
    tsr_lwm2m_portfolio *items; /* placed by the caller, zeroed; in no order */
    size_t count;
} tsr_lwm2m_portfolios;

tsr_lwm2m_object tsr_lwm2m_portfolio_object(tsr_lwm2m_portfolios *portfolios);

#endif
