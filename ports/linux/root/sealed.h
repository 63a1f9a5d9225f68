/* SPDX-License-Identifier: Apache-2.0
 *
 * The root key in a sealed file: where the device has no better place for it.
 *
 * "Sealed" means by the file system's rights: a plain file of mode 0600 that belongs to the user
 * of the service. With a wrap, such as a TPM's, its content alone is of no use to anybody either.
 * Format: docs/WIRE.md, "The root key's file". */
#ifndef PORTS_LINUX_ROOT_SEALED_H
#define PORTS_LINUX_ROOT_SEALED_H

#include "secure/root/root.h"

#define TSR_ROOT_WRAPPED_MAX 1024u /* bytes that a wrap may make of the secret */

/* A device that keeps the secret's bytes from whoever reads the file. On failure, *cause and
 * *remedy become sentences (tsr_root_sealed). */
typedef struct {
    void *self;
    tsr_err (*wrap)(void *self, const uint8_t huk[TSR_ROOT_BYTES], tsr_buf *out, const char **cause,
                    const char **remedy);
    tsr_err (*unwrap)(void *self, tsr_bytes wrapped, uint8_t huk[TSR_ROOT_BYTES],
                      const char **cause, const char **remedy);
} tsr_root_wrap;

typedef struct {
    tsr_root_source source; /* hand &sealed->source to tsr_root_open; the struct must not move */
    const char *cause;      /* after a failure: an English sentence, and what to do about it */
    const char *remedy;
    int cause_errno; /* 0: none */
    bool made;       /* the file was made by this open */
    /* private */
    const tsr_root_wrap *wrap; /* NULL: the file holds the secret itself */
    int dir, fd;
    size_t len; /* of the file: the sandbox does not let ask for it */
    char path[4096], file[256];
} tsr_root_sealed;

/** Opens the file, or makes it with a fresh secret when there is none: written under a temporary
 *  name, synced, renamed, directory synced, so a power cut leaves no file or a whole one. Whatever
 *  file system calls unseal and destroy need later than that work on descriptors opened here.
 *
 *  units   path: at most 4,000 bytes; `make`: false, and a missing file is an error
 *  errors  TSR_E_DENIED     others have permissions on it, it belongs to another user, it is a
 *                           symbolic link or no plain file
 *          TSR_E_NOT_FOUND  there is none, and `make` is false
 *          TSR_E_MALFORMED  it is no such file, or it was damaged
 *          TSR_E_SPACE, TSR_E_IO  see cause_errno */
tsr_err tsr_root_sealed_open(tsr_root_sealed *sealed, const char *path, bool make);

/** As open for a file that must not be there yet, with a given secret (factory).
 *  errors  TSR_E_EXISTS, and as tsr_root_sealed_open */
tsr_err tsr_root_sealed_make(tsr_root_sealed *sealed, const char *path,
                             const uint8_t huk[TSR_ROOT_BYTES]);

/** The two for a file that a device wraps. One of the other kind is refused (TSR_E_DENIED): a
 *  device that was given a TPM must not be talked out of it by an exchanged file.
 *  owner   `wrap` must outlive `sealed`; NULL is as without it */
tsr_err tsr_root_sealed_open_wrapped(tsr_root_sealed *sealed, const char *path, bool make,
                                     const tsr_root_wrap *wrap);
tsr_err tsr_root_sealed_make_wrapped(tsr_root_sealed *sealed, const char *path,
                                     const uint8_t huk[TSR_ROOT_BYTES], const tsr_root_wrap *wrap);

void tsr_root_sealed_close(tsr_root_sealed *sealed);

#endif
