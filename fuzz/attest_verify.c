/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens, reference values and trust anchors of any bytes. No token may pass that the key did not
 * sign; and as the fuzzer cannot sign, the claims are also read behind a signature that is made
 * here, over whatever bytes come. */
#include "fuzz/fuzz.h"
#include "server/attest/report.h"
#include "server/attest/verify.h"
#include "tessera/cose/cose.h"

static psa_key_id_t key;
static tsr_attest_trust trust;
static tsr_attest_reference reference;
static const uint8_t nonce[32] = { 1 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t point[65];
    size_t len;

    (void)argc;
    (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    must(psa_generate_key(&a, &key) == PSA_SUCCESS);
    must(psa_export_public_key(key, point, sizeof point, &len) == PSA_SUCCESS);
    must(tsr_attest_trust_add(&trust, tsr_view(point, len)) == TSR_OK);
    trust.anchor[0].instance[0] = 1;
    memset(trust.anchor[0].instance + 1, 2, 32); /* one that the seeds name */
    reference = (tsr_attest_reference){ .profiles = 3, .lifecycles = 0x7f };
    reference.component_count = 1;
    reference.other_components = true;
    memcpy(reference.component[0].type, "PRoT", 5);
    reference.implementations.count = 1;
    reference.implementations.value[0].len = 32;
    return 0;
}

static void check_report(const tsr_attest_report *r)
{
    bool failed = false;

    must(r->count > 0 && r->count <= TSR_ATTEST_CHECKS);
    for (size_t i = 0; i < r->count; i++)
        failed |= r->check[i].verdict == TSR_ATTEST_FAIL;
    must(!(failed && r->passed));
}

static void signed_here(tsr_bytes payload, tsr_attest_report *report)
{
    static uint8_t token[1u << 14];
    tsr_buf out = tsr_buf_over(token, sizeof token);
    tsr_cose_params p = { .alg = TSR_COSE_ES256 };

    if (payload.len > 4096)
        return;
    must(tsr_cose_sign1(&out, &p, key, payload, tsr_view(NULL, 0)) == TSR_OK);
    must(tsr_attest_verify(tsr_buf_view(&out), tsr_view(nonce, 32), &reference, &trust, report) ==
         TSR_OK);
    check_report(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tsr_attest_report report;
    static tsr_attest_reference read_reference;
    static tsr_attest_trust read_trust;
    tsr_bytes in = { data, size };
    tsr_cose_message m;
    char room[200];
    const char *why;

    must(tsr_attest_verify(in, tsr_view(nonce, 32), &reference, &trust, &report) == TSR_OK);
    check_report(&report);
    must(!report.passed);
    tsr_attest_show(in, &report);
    check_report(&report);
    must(!report.passed);
    if (tsr_cose_read(in, TSR_COSE_SIGN1, &m) == TSR_OK && !m.detached)
        signed_here(m.payload, &report);
    if (size > 0 && data[0] != '{' && data[0] != '[' && data[0] != '-')
        return 0;
    (void)tsr_attest_reference_read(in, &read_reference, room, sizeof room, &why);
    read_trust.count = 0;
    (void)tsr_attest_trust_read(in, &read_trust, &why);
    must(read_trust.count <= TSR_ATTEST_ANCHORS);
    return 0;
}
