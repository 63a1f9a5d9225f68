/* SPDX-License-Identifier: Apache-2.0
 *
 * SUIT envelopes: who may install what, read in place.
 * source  draft-ietf-suit-manifest-37 ("SUIT" below); RFC 9019 and RFC 9124 say why
 *
 * An envelope is read in this order: tsr_suit_open() finds its parts, tsr_suit_check() its signer,
 * and only then tsr_suit_read() looks into the manifest and tsr_suit_run() (run.h) runs it. */
#ifndef TESSERA_SUIT_SUIT_H
#define TESSERA_SUIT_SUIT_H

#include "tessera/base/bytes.h"

enum {
    TSR_SUIT_COMPONENTS = 8, /* of one manifest */
    TSR_SUIT_PAYLOADS = 4,   /* integrated in one envelope */
    TSR_SUIT_BLOCKS = 8,     /* authentication blocks that are checked; with more it is refused */
    TSR_SUIT_DIGEST = 32,    /* bytes of SHA-256, the one digest that is read */
    TSR_SUIT_UUID = 16,
};

/** A payload inside the envelope. */
typedef struct {
    tsr_bytes name;   /* its key, which is what a URI calls it: "#firmware" */
    uint64_t at, len; /* bytes from the envelope's begin; may reach beyond the window */
} tsr_suit_payload;

typedef struct {
    tsr_bytes signed_digest; /* the encoded SUIT_Digest: what the signatures are about */
    tsr_bytes digest;        /* TSR_SUIT_DIGEST bytes: SHA-256 of manifest_whole */
    tsr_bytes blocks;        /* the authentication blocks, each a byte string (COSE) */
    uint64_t block_count;
    tsr_bytes manifest;             /* the encoded manifest */
    tsr_bytes manifest_whole;       /* the same with the head of its byte string */
    tsr_bytes fetch, install, text; /* severed members with their heads; len 0: not there */
    tsr_suit_payload payloads[TSR_SUIT_PAYLOADS];
    size_t payload_count;
    uint64_t len; /* bytes of the whole envelope, integrated payloads included */
} tsr_suit_envelope;

/** Finds the parts of an envelope, tagged (107) or not. Nothing is believed yet.
 *
 *  source  SUIT 8.2, 8.3
 *  units   window: the first bytes of a stream that has `total` bytes in all. Everything but the
 *          content of a last, integrated payload has to lie in the window
 *  owner   the parts point into the window
 *  errors  TSR_E_MALFORMED    no envelope
 *          TSR_E_SPACE        well formed so far, but the window (or `total`) ends too early
 *          TSR_E_UNSUPPORTED  a digest other than SHA-256, too many payloads */
tsr_err tsr_suit_open(tsr_bytes window, uint64_t total, tsr_suit_envelope *e);

/** True when a stream begins like an envelope; 3 bytes are enough to tell. */
bool tsr_suit_is_envelope(tsr_bytes begin);

/** What checking needs of cryptography; the caller's. */
typedef struct {
    void *self;
    /** errors  any: the check fails with it */
    tsr_err (*sha256)(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST]);
    /** Verifies one COSE structure with a detached payload, and names its signer.
     *  errors  TSR_E_CRYPTO       not signed by anybody we trust
     *          TSR_E_UNSUPPORTED  not a kind of authentication we do */
    tsr_err (*verify)(void *self, tsr_bytes cose, tsr_bytes payload,
                      uint8_t signer[TSR_SUIT_DIGEST]);
} tsr_suit_crypto;

/** Checks the manifest's digest, and that one authentication block at least is by a trusted signer.
 *
 *  source  SUIT 8.3, 6.2 (before anything in the manifest is looked at)
 *  errors  TSR_E_CRYPTO       the digest is wrong, or no trusted signer
 *          TSR_E_MALFORMED    the list of blocks is broken
 *          TSR_E_UNSUPPORTED  more than TSR_SUIT_BLOCKS blocks: whoever sends an envelope decides how
 *                             many there are, and each costs a verification for each anchor
 *          any error of sha256 */
tsr_err tsr_suit_check(const tsr_suit_envelope *e, const tsr_suit_crypto *crypto,
                       uint8_t signer[TSR_SUIT_DIGEST]);

typedef struct {      /* a member that may have been moved out to the envelope */
    tsr_bytes bytes;  /* its content; len 0 and severed: the envelope does not have it */
    tsr_bytes digest; /* severed: TSR_SUIT_DIGEST bytes, over the member with its head */
    bool there, severed;
} tsr_suit_member;

typedef struct {
    uint64_t sequence;
    tsr_bytes reference_uri;                  /* len 0: none */
    tsr_bytes component[TSR_SUIT_COMPONENTS]; /* encoded identifiers: arrays of byte strings */
    size_t components;
    tsr_bytes shared, validate, load, invoke; /* encoded sequences; len 0: none */
    tsr_suit_member fetch, install, text;
} tsr_suit_manifest;

/** Reads the manifest and joins the severed members that the envelope has; their digests are
 *  checked here.
 *
 *  source  SUIT 8.4, 8.4.12, 8.6
 *  owner   everything points into the envelope's window
 *  errors  TSR_E_MALFORMED    no manifest, a member twice, no component
 *          TSR_E_UNSUPPORTED  another manifest version, an unknown critical member, or more than
 *                             TSR_SUIT_COMPONENTS
 *          TSR_E_CRYPTO       a severed member is not the one that was signed */
tsr_err tsr_suit_read(const tsr_suit_envelope *e, const tsr_suit_crypto *crypto,
                      tsr_suit_manifest *m);

/** The text about a component: 1 vendor name, 2 model, 5 description, 6 version (SUIT 8.4.4).
 *  The first language is taken.
 *  errors  TSR_E_NOT_FOUND  no text, or not that one; TSR_E_MALFORMED */
tsr_err tsr_suit_text(const tsr_suit_manifest *m, size_t component, unsigned key, tsr_bytes *text);

/** True when the component's identifier is the one byte string `name`. */
bool tsr_suit_named(const tsr_suit_manifest *m, size_t component, tsr_bytes name);

#endif
