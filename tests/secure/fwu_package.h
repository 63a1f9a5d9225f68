/* SPDX-License-Identifier: Apache-2.0
 *
 * Update packages for tests, signed with keys of their own; in any way they can be packed, and
 * wrong in any way. */
#ifndef TESTS_SECURE_FWU_PACKAGE_H
#define TESTS_SECURE_FWU_PACKAGE_H

#include "tessera/cose/recipient.h"
#include "tessera/suit/write.h"

#define PACKAGE_KEYS         3u /* 0 may sign everything, 1 only component 1, 2 nothing */
#define PACKAGE_MANIFEST_MAX 4096u

extern const uint8_t package_vendor[16], package_class[16];

typedef enum { /* of an encrypted package, which is signed with it */
    PACKAGE_FLAWLESS,
    PACKAGE_FLIP_WRAPPED, /* a bit of the wrapped key */
    PACKAGE_CUT_INFO,     /* the encryption info ends early */
    PACKAGE_OTHER_ALG,    /* an algorithm that is not done */
    PACKAGE_OTHER_IV,     /* another nonce than the one that was used */
} package_flaw;

typedef struct {
    size_t component; /* its number; names are c0, c1, ... */
    uint64_t sequence;
    const char *version; /* NULL: no text */
    uint8_t seed;        /* of the payload */
    size_t len;          /* of the payload; 0: 3000 */
    bool following;      /* the payload comes behind the envelope, not in it */
    bool detached;       /* the envelope is apart */
    bool sever;          /* the text is severed */
    unsigned key;        /* who signs */
    bool other_vendor, other_class, other_digest;
    int size_off; /* the manifest's size is wrong by so much */
    bool encrypted; /* to package_kek(); len is said */
    bool other_kek; /* to another device's key */
    package_flaw flaw;
    unsigned strangers; /* signature blocks by nobody in front of the good one */
    const tsr_suit_need *needs;
    size_t need_count;
} package;

typedef struct {
    uint8_t bytes[32768];
    size_t len;
    uint8_t manifest[PACKAGE_MANIFEST_MAX];
    size_t manifest_len; /* 0: bundled */
} packed;

/** Keys and PSA core; once per program. */
void package_world(void);
/** The public half of a key, as an uncompressed point. */
const uint8_t *package_point(unsigned key);

/** The key encryption key of devices, as a key of this process. */
tsr_cose_key_id package_kek(void);

/** p->len bytes in clear. */
void package_payload(const package *p, uint8_t *payload);

void package_make(const package *p, packed *out);

#endif
