/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier of PSA attestation tokens: bytes in, a list of checks out, one for every claim, each
 * with what was expected and what was found. Both profiles are read: RFC 9783
 * (tag:psacertified.org, 2023:psa#tfm) and the older PSA_IOT_PROFILE_1.
 *
 * It keeps no state and opens no file; it needs psa_crypto_init() to have succeeded. */
#ifndef SERVER_ATTEST_VERIFY_H
#define SERVER_ATTEST_VERIFY_H

#include "server/attest/reference.h"
#include "server/attest/trust.h"

enum {
    TSR_ATTEST_CHECKS = 96,
    TSR_ATTEST_COMPONENTS = 16,
};

typedef enum {
    TSR_ATTEST_PASS,
    TSR_ATTEST_FAIL,
    TSR_ATTEST_NOTED, /* present and well formed; nobody asked for a certain value */
} tsr_attest_verdict;

typedef struct {
    char claim[40];     /* "nonce", "component PRoT: signer" */
    char expected[200]; /* as text; cut with "..." when longer */
    char found[200];
    tsr_attest_verdict verdict;
    char text[160]; /* a sentence: what was compared, and what a failure means */
} tsr_attest_check;

typedef struct {
    bool passed; /* every check passed or was only noted, and none had to be left out */
    size_t count;
    tsr_attest_check check[TSR_ATTEST_CHECKS];
} tsr_attest_report;

/** Verifies a token.
 *
 *  source  RFC 9783 §8, §5.1.1, §5.2; RFC 9052 §4.4
 *  units   nonce: the challenge that was sent, 32, 48 or 64 bytes
 *  owner   everything is the caller's; the report holds copies
 *  note    a broken token is no error of this call: the report says what is broken, and `passed`
 *          is false. The signature is checked before any claim is believed; claims of a token
 *          whose signature fails are not evaluated.
 *  errors  TSR_E_ARGUMENT  the nonce has another length */
tsr_err tsr_attest_verify(tsr_bytes token, tsr_bytes nonce, const tsr_attest_reference *reference,
                          const tsr_attest_trust *trust, tsr_attest_report *report);

/** Lists what a token says without believing any of it: every claim is NOTED (or FAIL where it is
 *  malformed), the signature is not verified, and `passed` is always false. */
void tsr_attest_show(tsr_bytes token, tsr_attest_report *report);

#endif
