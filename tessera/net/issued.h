/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates that an authority has issued to us, judged before they are used. */
#ifndef TESSERA_NET_ISSUED_H
#define TESSERA_NET_ISSUED_H

#include "tessera/base/bytes.h"

/** Whether a certificate is for our key, and vouched for by one of these. The dates are not judged: a
 *  device may learn the time later than its name.
 *
 *  authorities  whole certificates, DER, one after the other
 *  errors  TSR_E_MALFORMED  no certificate
 *          TSR_E_DENIED     for another key
 *          TSR_E_CRYPTO     not signed by any of them */
tsr_err tsr_issued_judge(tsr_bytes der, uint32_t key_id, tsr_bytes authorities);

#endif
