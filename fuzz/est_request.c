/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests for certificates at the server's authority. First byte: 0, any bytes as a request; else
 * what stands in it before its signature, which is made here, so that the rest is looked at. What
 * nothing is wrong with is signed: the certificate is the authority's, for that key and that name
 * alone, and no authority itself. */
#include "fuzz/keys.h"
#include "server/bootstrap/authority.h"
#include "tessera/base/der.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "lamp"

static bs_authority *authority;
static mbedtls_x509_crt ca;
static mbedtls_pk_context device;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[] = "/tmp/fuzz-key-XXXXXX", why[400] = "";
    int fd = mkstemp(path);
    tsr_bytes der;

    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS && fd >= 0);
    (void)close(fd);
    fuzz_write_key(path, "dtls/ca.key");
    if (bs_authority_open(TSR_SOURCE_DIR "/tests/vectors/dtls/ca.der", path, &authority, why,
                          sizeof why) != TSR_OK)
        (void)fprintf(stderr, "%s\n", why);
    (void)unlink(path);
    must(authority != NULL);
    der = bs_authority_certificate(authority);
    mbedtls_x509_crt_init(&ca);
    must(mbedtls_x509_crt_parse_der(&ca, der.ptr, der.len) == 0);
    mbedtls_pk_init(&device);
    must(mbedtls_pk_setup_opaque(&device, fuzz_device_key()) == 0);
    return 0;
}

static int random_bytes(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

/* The bytes in a request of theirs, signed with the key of dtls/device.der. */
static tsr_bytes sign(tsr_bytes info, uint8_t *room, size_t cap)
{
    static const uint8_t algorithm[] = { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 };
    uint8_t digest[32], signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    tsr_buf out = tsr_buf_over(room, cap);
    size_t len, bits, whole;

    must(psa_hash_compute(PSA_ALG_SHA_256, info.ptr, info.len, digest, sizeof digest, &len) ==
         PSA_SUCCESS);
    must(mbedtls_pk_sign(&device, MBEDTLS_MD_SHA256, digest, sizeof digest, signature,
                         sizeof signature, &len, random_bytes, NULL) == 0);
    bits = len + 1;
    whole = info.len + sizeof algorithm + tsr_der_len(bits);
    tsr_der_put_head(&out, TSR_DER_SEQUENCE, whole);
    tsr_put_bytes(&out, info);
    tsr_put_bytes(&out, tsr_view(algorithm, sizeof algorithm));
    tsr_der_put_head(&out, 0x03, bits);
    tsr_put_u8(&out, 0);
    tsr_put_bytes(&out, tsr_view(signature, len));
    must(out.err == TSR_OK);
    return tsr_buf_view(&out);
}

static void issue(tsr_bytes request)
{
    static const char name[] = "CN=" NAME;
    bs_issued issued = { .from_s = 1700000000, .to_s = 1800000000 };
    mbedtls_x509_csr csr;
    mbedtls_x509_crt crt;
    char subject[128];
    uint32_t flags = 0;

    if (bs_authority_issue(authority, request, NAME, &issued) != TSR_OK)
        return; /* more names than a certificate of ours has room for */
    mbedtls_x509_csr_init(&csr);
    mbedtls_x509_crt_init(&crt);
    must(issued.der_len <= sizeof issued.der && issued.to_s <= 1800000000);
    must(mbedtls_x509_csr_parse_der(&csr, request.ptr, request.len) == 0);
    must(mbedtls_x509_crt_parse_der(&crt, issued.der, issued.der_len) == 0);
    must(mbedtls_x509_dn_gets(subject, sizeof subject, &crt.subject) > 0);
    must(strcmp(subject, name) == 0 && mbedtls_x509_crt_get_ca_istrue(&crt) == 0);
    must(crt.pk_raw.len != 0 && mbedtls_pk_get_bitlen(&crt.pk) == mbedtls_pk_get_bitlen(&csr.pk));
    (void)mbedtls_x509_crt_verify(&crt, &ca, NULL, NULL, &flags, NULL, NULL);
    must((flags & ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) == 0);
    for (const mbedtls_x509_sequence *s = &crt.subject_alt_names; s != NULL && s->buf.p != NULL;
         s = s->next)
        must(tsr_same(tsr_view(s->buf.p, s->buf.len), tsr_text(NAME)));
    mbedtls_x509_crt_free(&crt);
    mbedtls_x509_csr_free(&csr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[4096];
    tsr_bytes in = tsr_view(data, size);
    const char *wrong;

    if (size > 3000)
        return 0;
    if (take(&in) != 0)
        in = sign(in, room, sizeof room);
    wrong = bs_authority_wrong(in, NAME);
    must(wrong == NULL || wrong[0] != '\0');
    if (wrong == NULL)
        issue(in);
    return 0;
}
