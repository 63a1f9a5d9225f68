/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure world of this process: its partitions, and which stands on which.
 *
 * A partition is a context of its own in this struct, opened by its own file (part_NAME.c) and
 * listed in parts.c, lower ones first:
 *
 *     TPM  <  store, ITS  <  crypto  <  root, lifecycle, platform  <  PS  <  attestation  <  update
 *
 * What keeps the border between partitions, so that each can become a process of its own:
 * - A partition's code reaches another one only through the other's public header, by a pointer
 *   that its part_NAME.c put into its context; it never sees the world.
 * - It calls ITS and the PSA core under its own partition number (TSR_ITS_PS and the like, positive
 *   as FF-M has it), so that it finds its own assets and keys and nobody else's.
 * - It knows its caller by tsr_spm_msg.caller alone, and answers only through the message. */
#ifndef APPS_TESSERA_SECURED_WORLD_H
#define APPS_TESSERA_SECURED_WORLD_H

#include "ports/linux/root/sealed.h"
#include "ports/linux/fwu/slots.h"
#include "ports/linux/secured/boot.h"
#include "ports/linux/secured/options.h"
#include "ports/linux/secured/ps.h"
#include "ports/linux/secured/store.h"
#include "ports/linux/tpm/tpm.h"
#include "secure/attest/attest.h"
#include "secure/crypto/service.h"
#include "secure/fwu/crypto.h"
#include "secure/spm/platform_service.h"
#include "secure/spm/spm.h"

#define TSR_WORLD_SERVICES   8u
#define TSR_WORLD_KEYS       16384u
#define TSR_WORLD_OPERATIONS 256u

typedef struct {
    const tsr_secured_options *options; /* set before tsr_world_open() */
    tsr_spm spm;                        /* what the gate calls */
    /* one context per partition */
    tsr_tpm tpm;             /* without --tpm: of zeros */
    tsr_secured_store store; /* the log, and ITS on it */
    tsr_crypto crypto;
    tsr_lifecycle lifecycle;
    tsr_platform platform;
    tsr_root root; /* closed where the lifecycle allows no secrets */
    tsr_secured_ps ps;
    tsr_secured_boot boot; /* what was measured */
    tsr_attest attest;
    struct {
        tsr_slots slots;
        tsr_fwu_psa crypto;
        tsr_fwu fwu;
    } fwu; /* without --slots: not served */
    /* private */
    const tsr_location *places[1]; /* of keys off the chip */
    tsr_root_source root_source;   /* where `root` comes from */
    tsr_root_sealed sealed;
    size_t opened; /* rows of tsr_world_parts */
    tsr_spm_service services[TSR_WORLD_SERVICES];
    tsr_crypto_key keys[TSR_WORLD_KEYS];
    tsr_crypto_op ops[TSR_WORLD_OPERATIONS];
} tsr_world;

typedef struct {
    const char *name;
    /** Makes the partition's context and announces its service. It logs the cause and the remedy of
     *  its failure, and leaves nothing open then. Files are opened here and nowhere later: the
     *  sandbox closes behind the last part (a rule for one directory: see sandbox.h). */
    tsr_err (*open)(tsr_world *w);
    /** May be NULL. Called in the opposite order, and only if open() said TSR_OK. */
    void (*close)(tsr_world *w);
} tsr_world_part;

/** Every partition, in the order of opening (parts.c). */
extern const tsr_world_part tsr_world_parts[];
extern const size_t tsr_world_part_count;

/** The world of this process: the one object that the port keeps. */
tsr_world *tsr_world_here(void);

/** Opens all parts, or none: the error is the one of the part that failed. */
tsr_err tsr_world_open(tsr_world *w);
void tsr_world_close(tsr_world *w);

/** For a part's open(): from now on `call` answers calls to `handle` (psa/client.h).
 *  errors  TSR_E_SPACE   more than TSR_WORLD_SERVICES
 *          TSR_E_EXISTS  the handle has a service */
tsr_err tsr_world_serve(tsr_world *w, tsr_spm_service service);

/** Logs damage or failure that a call came upon; after every round of the gate. */
void tsr_world_watch(tsr_world *w);

/* The parts */
tsr_err tsr_part_tpm_open(tsr_world *w);
void tsr_part_tpm_close(tsr_world *w);
tsr_err tsr_part_its_open(tsr_world *w);
void tsr_part_its_close(tsr_world *w);
tsr_err tsr_part_crypto_open(tsr_world *w);
void tsr_part_crypto_close(tsr_world *w);
tsr_err tsr_part_attest_open(tsr_world *w);
tsr_err tsr_part_root_open(tsr_world *w); /* lifecycle, platform service, root key */
void tsr_part_root_close(tsr_world *w);
tsr_err tsr_part_ps_open(tsr_world *w);
void tsr_part_ps_close(tsr_world *w);
tsr_err tsr_part_fwu_open(tsr_world *w);
void tsr_part_fwu_close(tsr_world *w);

#endif
