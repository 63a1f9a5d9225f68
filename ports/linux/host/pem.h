/* SPDX-License-Identifier: Apache-2.0
 *
 * Text around DER, as people keep keys and certificates. */
#ifndef PORTS_LINUX_HOST_PEM_H
#define PORTS_LINUX_HOST_PEM_H

#include "tessera/base/bytes.h"

/** Takes the first part with this label ("CERTIFICATE") out of a text, and decodes it in its place.
 *
 *  source  RFC 7468 §3
 *  owner   *der points into text
 *  errors  TSR_E_MALFORMED  there is none, or it is no Base64 */
tsr_err tsr_host_pem(uint8_t *text, size_t len, const char *label, tsr_bytes *der);

#endif
