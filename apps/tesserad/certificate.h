/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates of a device: reading their files, and asking for one. */
#ifndef APPS_TESSERAD_CERTIFICATE_H
#define APPS_TESSERAD_CERTIFICATE_H

#include "apps/tesserad/config.h"

enum { CERTIFICATE_MAX = 2048 }; /* bytes of DER */

/** Reads the first certificate of a file, PEM or DER.
 *
 *  owner   *der points into room
 *  errors  TSR_E_IO         it cannot be read; errno says why
 *          TSR_E_SPACE      longer than CERTIFICATE_MAX
 *          TSR_E_MALFORMED  empty, or PEM without a certificate
 */
tsr_err certificate_read(const char *path, uint8_t room[CERTIFICATE_MAX], tsr_bytes *der);

/** `tesserad request`: a key pair is born behind the wall under the number of the server's section, if
 *  it is not there yet, and a certificate signing request for it goes to a file. The private key
 *  never leaves.
 *
 *  path     where the request goes; NULL: standard output
 *  replace  gives up the key that is there, and makes a new one
 *  returns the exit code; says the cause and the remedy on standard error */
int certificate_request(const config *c, uint32_t short_id, const char *path, bool replace);

#endif
