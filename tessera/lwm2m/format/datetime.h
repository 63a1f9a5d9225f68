/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESSERA_LWM2M_FORMAT_DATETIME_H
#define TESSERA_LWM2M_FORMAT_DATETIME_H

#include "tessera/base/bytes.h"

/** Reads "2013-03-21T20:04:00Z", with a fraction (dropped) or an offset if there is one.
 *
 *  source  RFC 8949 §3.4.1, RFC 3339 §5.6
 *  units   seconds since 1970
 *  errors  TSR_E_MALFORMED
 */
tsr_err tsr_lwm2m_datetime(tsr_bytes text, int64_t *unix_s);

#endif
