/* SPDX-License-Identifier: Apache-2.0
 *
 * `tessera package`: what its files share. */
#ifndef APPS_TESSERA_PACKAGE_H
#define APPS_TESSERA_PACKAGE_H

#include <stdio.h>

#include "psa/crypto.h"
#include "tessera/base/bytes.h"
#include "tessera/cose/recipient.h"

/** Exit codes; `tessera package --help` lists them. */
enum {
    PACKAGE_DONE = 0,
    PACKAGE_USAGE = 1,   /* the command line is wrong */
    PACKAGE_FILE = 2,    /* a file cannot be read or written */
    PACKAGE_REFUSED = 3, /* the package is damaged, or does not verify */
    PACKAGE_KEY = 4,     /* no key that can be used */
    PACKAGE_FAILED = 5,  /* anything else */
};

enum {
    PACKAGE_MAX = 256 << 20, /* bytes of an image */
    PACKAGE_POINT = 65,      /* an uncompressed P-256 point */
};

/** Bytes on the heap; free(ptr). */
typedef struct {
    uint8_t *ptr;
    size_t len;
} package_bytes;

static inline tsr_bytes package_view(package_bytes b) { return tsr_view(b.ptr, b.len); }

/** Says "tessera package: ..." on standard error and returns `code`. */
int package_say(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- package_file.c ----------------------------------------------------------------------- */

/** Reads a whole file. Returns 0, or PACKAGE_FILE after it said why. */
int package_read(const char *path, package_bytes *out);

/** Writes a whole file: under its name there is the old or the new content, never a part.
 *  Secrets have mode 0600 and replace nothing. */
int package_write(const char *path, tsr_bytes content, bool secret);

/** Makes the bundle of a directory's files: sorted, without owners and times. */
int package_bundle(const char *directory, package_bytes *out);

/* --- package_key.c ------------------------------------------------------------------------ */

/** Loads a P-256 private key (PEM or DER; SEC1 or PKCS#8) that signs as RFC 6979 says, so that the
 *  same input always gives the same package. */
int package_private_key(const char *path, psa_key_id_t *key);

/** Loads a P-256 public key (PEM or DER SubjectPublicKeyInfo; or a private key's public half). */
int package_public_key(const char *path, psa_key_id_t *key);

/** Makes a P-256 key pair. `public_path` may be NULL. */
int package_new_key(const char *private_path, const char *public_path);

/** SHA-256 of the uncompressed point: the signer id in tokens and logs. */
int package_key_name(psa_key_id_t key, uint8_t id[32]);

/** SHA-256; exits only when the PSA core is broken. */
void package_sha256(tsr_bytes in, uint8_t digest[32]);

/* --- package_uuid.c ----------------------------------------------------------------------- */

/** A UUID given as such ("01234567-89ab-..."), or made from a name in the space of `space`.
 *  source  RFC 4122 §4.3 (version 5) */
int package_uuid(const char *text, const uint8_t space[16], uint8_t uuid[16]);

/** The name space of domain names (RFC 4122 appendix C). */
extern const uint8_t package_uuid_dns[16];

/** 36 characters and a zero. */
void package_uuid_text(const uint8_t uuid[16], char text[37]);

/* --- package_sign.c, package_show.c ------------------------------------------------------- */

/** major.minor.patch+build, as PSA Firmware Update and MCUboot count. */
typedef struct {
    uint8_t major, minor;
    uint16_t patch;
    uint32_t build;
} package_version;

/** Reads "1.2.3" or "1.2.3+4". */
bool package_version_read(const char *text, package_version *v);
void package_version_text(const package_version *v, char text[32]);

typedef enum { PACKAGE_INTEGRATED, PACKAGE_BUNDLED, PACKAGE_DETACHED } package_layout;

enum { PACKAGE_NEEDS = 7, PACKAGE_RECIPIENTS = TSR_COSE_RECIPIENTS };

typedef struct {
    bool json;
    package_layout layout;
    const char *out, *key, *public_key, *payload;
    const char *vendor, *class_name, *component, *version, *uri, *model, *description;
    const char *decrypt_with;
    bool symmetric; /* keygen: a key that images are encrypted to */
    const char *recipients[PACKAGE_RECIPIENTS]; /* files of such keys */
    size_t recipient_count;
    uint64_t sequence; /* 0: not given */
    struct {
        const char *component;
        package_version version;
    } needs[PACKAGE_NEEDS];
    size_t need_count;
} package_options;

int package_sign(const package_options *o, const char *image);

/** Loads a key that images are encrypted to: a file of 32 hexadecimal digits. */
int package_kek(const char *path, psa_key_id_t *kek);

/** Makes such a file. */
int package_new_kek(const char *path);

/** Encrypts the image to all of o->recipients; `info` is the COSE_Encrypt for the manifest. */
int package_encrypt(const package_options *o, tsr_bytes image, tsr_buf *info,
                    package_bytes *sealed);

/** The opposite, with the key in the file `path`. */
int package_decrypt(const char *path, const tsr_cose_encrypted *e, tsr_bytes sealed,
                    package_bytes *image);

/** `key`: a public key that must have signed it; NULL: only shows what the package says. */
int package_show(const package_options *o, const char *package, const char *key);

#endif
