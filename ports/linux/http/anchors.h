/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of CA certificates, as distributions and operators keep them. */
#ifndef PORTS_LINUX_HTTP_ANCHORS_H
#define PORTS_LINUX_HTTP_ANCHORS_H

#include "tessera/base/bytes.h"

enum { TSR_ANCHORS_MOST = 512, TSR_ANCHORS_BYTES = 1 << 20 };

#define TSR_ANCHORS_SYSTEM "/etc/ssl/certs/ca-certificates.crt"

/** What was read; zeroed: nothing. */
typedef struct {
    tsr_bytes *list; /* DER */
    size_t count;
    uint8_t *text;
} tsr_anchors;

/** Reads all certificates of a file: PEM, one after the other, or one in DER.
 *
 *  errors  TSR_E_IO         errno says why
 *          TSR_E_MALFORMED  there is none; TSR_E_SPACE  more than 512, or 1 MB, or no memory */
tsr_err tsr_anchors_read(tsr_anchors *a, const char *path);

/** Frees; harmless twice. */
void tsr_anchors_free(tsr_anchors *a);

#endif
