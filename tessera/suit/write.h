/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes envelopes for one component; the same input gives the same bytes (RFC 8949 §4.2.1).
 *
 *     tsr_suit_put_manifest(&m, &plan);                      the manifest
 *     SHA-256 over tsr_suit_put_wrapped(&w, view of m)       its digest
 *     tsr_suit_put_digest(&d, digest)                        what is to be signed
 *     COSE_Sign1 with detached payload d                     (tessera/cose)
 *     tsr_suit_put_envelope(&e, &parts)                      the envelope; the payload follows */
#ifndef TESSERA_SUIT_WRITE_H
#define TESSERA_SUIT_WRITE_H

#include "tessera/suit/run.h"

typedef struct {
    tsr_bytes component; /* name of a component that must not be older */
    uint32_t version[4]; /* major, minor, patch, build */
} tsr_suit_need;

typedef struct {
    tsr_bytes component; /* its name; the identifier is [name] */
    uint64_t sequence;
    uint8_t vendor[TSR_SUIT_UUID], class_id[TSR_SUIT_UUID];
    uint8_t digest[TSR_SUIT_DIGEST]; /* SHA-256 of the payload */
    uint64_t size;                   /* bytes of the payload */
    tsr_bytes uri;                   /* "#firmware": integrated or behind the envelope; or a URL */
    tsr_bytes text;                  /* what tsr_suit_put_text() made; len 0: none */
    bool sever_text;                 /* only its digest goes into the manifest */
    uint8_t text_digest[TSR_SUIT_DIGEST]; /* sever_text: SHA-256 of the text with its head */
    tsr_bytes encryption; /* a COSE_Encrypt: the payload is stored encrypted, digest and size above
                             are those of its plaintext; len 0: it is not */
    const tsr_suit_need *needs;
    size_t need_count; /* at most TSR_SUIT_COMPONENTS - 1 */
} tsr_suit_plan;

typedef struct {
    tsr_bytes vendor_name, model_name, description, version; /* len 0: left out */
} tsr_suit_texts;

/** The text map about the component `name`, in English.
 *  errors  out->err TSR_E_SPACE */
void tsr_suit_put_text(tsr_buf *out, tsr_bytes name, const tsr_suit_texts *texts);

/** The encoded manifest: vendor and class are conditions of the shared sequence, the payload is
 *  fetched and matched by install, matched again by validate, started by invoke.
 *  errors  out->err TSR_E_SPACE; TSR_E_ARGUMENT for too many needs */
void tsr_suit_put_manifest(tsr_buf *out, const tsr_suit_plan *plan);

/** `in` as a byte string: what a digest in SUIT covers. */
void tsr_suit_put_wrapped(tsr_buf *out, tsr_bytes in);

/** The encoded SUIT_Digest of SHA-256. */
void tsr_suit_put_digest(tsr_buf *out, const uint8_t digest[TSR_SUIT_DIGEST]);

typedef struct {
    tsr_bytes manifest;
    tsr_bytes signed_digest; /* from tsr_suit_put_digest() */
    tsr_bytes cose;          /* a tagged COSE_Sign1, nil payload */
    tsr_bytes text;          /* severed text; len 0: none */
    tsr_bytes payload_name;  /* len 0: no payload is integrated */
    uint64_t payload_len;    /* integrated: its bytes follow what is written here */
} tsr_suit_parts;

/** errors  out->err TSR_E_SPACE */
void tsr_suit_put_envelope(tsr_buf *out, const tsr_suit_parts *parts);

#endif
