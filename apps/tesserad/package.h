/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose software a package is, and whether it may be installed here. The same packages as those of
 * firmware (docs/WIRE.md, "Update packages"): a SUIT envelope around or before a bundle. */
#ifndef APPS_TESSERAD_PACKAGE_H
#define APPS_TESSERAD_PACKAGE_H

#include "tessera/base/bytes.h"

enum { PACKAGE_NAME = 32, PACKAGE_VERSION = 63 };

/** Who may sign, and for which devices. */
typedef struct {
    uint8_t point[65]; /* of P-256, uncompressed */
    uint8_t vendor[16], class_id[16];
} package_trust;

typedef enum {
    PACKAGE_GOOD,
    PACKAGE_FORMAT,     /* nothing that we read, or for another kind of device */
    PACKAGE_UNTRUSTED,  /* changed, or signed by somebody else */
} package_verdict;

typedef struct {
    char name[PACKAGE_NAME + 1], version[PACKAGE_VERSION + 1];
    uint64_t sequence;
    tsr_bytes bundle;   /* within the package */
    const char *reason; /* not good: why */
} package_says;

/** Reads the key and the ids of the configuration.
 *  errors  TSR_E_IO, TSR_E_MALFORMED, TSR_E_DENIED  *reason says what is wrong with which */
tsr_err package_trust_read(package_trust *t, const char *anchor, const char *vendor,
                           const char *class_id, const char **reason);

/** Verifies signature, device and content. Nothing is said of the sequence number.
 *  source  draft-ietf-suit-manifest-37, 6.2 and 8 */
package_verdict package_check(const package_trust *t, tsr_bytes package, package_says *says);

#endif
