/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Encrypt of any bytes: nobody has our key, so none of them gives a content key. And one of
 * our own with a byte replaced gives it only where the wrapped key is as it was. */
#include "fuzz/fuzz.h"
#include "tessera/cose/recipient.h"

static psa_key_id_t kek;
static uint8_t own[256];
static size_t own_len;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t iv[12] = { 1 }, cek[TSR_COSE_CEK] = { 2 };
    psa_key_attributes_t a = tsr_cose_kek_attributes();
    tsr_buf out = tsr_buf_over(own, sizeof own);

    (void)argc;
    (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS && psa_generate_key(&a, &kek) == PSA_SUCCESS);
    must(tsr_cose_put_encrypted(&out, iv, cek, &kek, 1) == TSR_OK);
    own_len = out.len;
    return 0;
}

static void inside(tsr_bytes part, tsr_bytes whole)
{
    must(part.ptr == NULL || part.len == 0 ||
         (part.ptr >= whole.ptr && part.len <= whole.len &&
          (size_t)(part.ptr - whole.ptr) <= whole.len - part.len));
}

/* As many recipients as there are said to be, whatever they are. */
static void read_recipients(tsr_cose_encrypted left, tsr_bytes in)
{
    uint64_t said = left.count;
    tsr_cose_message r;

    while (tsr_cose_recipient_next(&left, &r) == TSR_OK) {
        must(said-- > 0);
        inside(r.kid, in);
        inside(r.payload, in);
    }
    must(said == 0 && left.recipients.len == 0);
}

static bool read_any(tsr_bytes in, psa_key_id_t *cek)
{
    uint8_t room[TSR_COSE_AAD_MAX];
    tsr_buf aad = tsr_buf_over(room, sizeof room);
    tsr_cose_encrypted e;

    if (tsr_cose_encrypted_read(in, &e) != TSR_OK)
        return false;
    must(e.body.alg == TSR_COSE_A128GCM && e.body.iv.len == 12);
    inside(e.body.protected_map, in);
    inside(e.body.iv, in);
    inside(e.recipients, in);
    read_recipients(e, in);
    tsr_cose_encrypted_aad(&aad, &e);
    must(aad.err == TSR_OK || e.body.protected_map.len > sizeof room / 2);
    return tsr_cose_encrypted_key(&e, &kek, 1, cek) == TSR_OK;
}

static void read_own(size_t at, uint8_t change)
{
    uint8_t copy[sizeof own];
    size_t wrapped = own_len - TSR_COSE_WRAPPED;
    psa_key_id_t cek;

    memcpy(copy, own, sizeof own);
    copy[at] ^= change;
    if (!read_any(tsr_view(copy, own_len), &cek))
        return;
    must(memcmp(copy + wrapped, own + wrapped, TSR_COSE_WRAPPED) == 0);
    must(psa_destroy_key(cek) == PSA_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    psa_key_id_t cek;

    must(!read_any(tsr_view(data, size), &cek));
    if (size >= 2)
        read_own(data[0] % own_len, data[1]);
    return 0;
}
