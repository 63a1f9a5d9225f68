/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/crypto/internal.h"

/* What a function finds done before it runs, and after it. */
enum {
    KEY = 1,   /* r->key is the key that the block names; it lives here, not at another location */
    OPENS = 2, /* r->op is a new operation, whose number is answered if all goes well */
    LAST = 4,  /* the operation ends with this call, whatever comes of it */
    STAYS = 8, /* a failure leaves the operation open: every other function's ends it, so that a
                  client which forgets to abort holds nothing */
};

#define ANY 0xffu /* kind of operation */

typedef struct {
    uint8_t type;
    uint8_t in : 4, out : 4; /* vectors, the parameter block included */
    uint8_t op;              /* the kind of operation, or 0: none */
    uint8_t how;
    tsr_crypto_fn *fn; /* NULL: the core has nothing for it */
} entry;

#define WHEN(can, fn) ((can) ? (fn) : NULL)

/* In ascending order of numbers: it is searched by halves. */
static const entry functions[] = {
    { TSR_CRYPTO_INIT, 1, 0, 0, 0, tsr_do_init },
    { TSR_CRYPTO_IMPORT_KEY, 2, 1, 0, 0, tsr_do_import },
    { TSR_CRYPTO_DESTROY_KEY, 1, 0, 0, 0, tsr_do_destroy },
    { TSR_CRYPTO_GET_ATTRIBUTES, 1, 1, 0, 0, tsr_do_attributes },
    { TSR_CRYPTO_COPY_KEY, 1, 1, 0, KEY, tsr_do_copy },
    { TSR_CRYPTO_EXPORT_KEY, 1, 1, 0, 0, tsr_do_export },
    { TSR_CRYPTO_EXPORT_PUBLIC, 1, 1, 0, 0, tsr_do_export_public },
    { TSR_CRYPTO_GENERATE_KEY, 1, 1, 0, 0, tsr_do_generate },
    { TSR_CRYPTO_PURGE_KEY, 1, 0, 0, 0, tsr_do_purge },
    { TSR_CRYPTO_RANDOM, 1, 1, 0, 0, tsr_do_random },
    { TSR_CRYPTO_GENERATE_CUSTOM, 2, 1, 0, 0, tsr_do_generate_custom },
    { TSR_CRYPTO_LEAVE, 1, 0, 0, 0, tsr_do_leave },
    { TSR_CRYPTO_AEAD_ENCRYPT, 3, 1, 0, KEY, tsr_do_aead_encrypt },
    { TSR_CRYPTO_AEAD_DECRYPT, 3, 1, 0, KEY, tsr_do_aead_decrypt },
    { TSR_CRYPTO_MAC_COMPUTE, 2, 1, 0, 0, tsr_do_mac_compute },
    { TSR_CRYPTO_MAC_VERIFY, 3, 0, 0, 0, tsr_do_mac_verify },
    { TSR_CRYPTO_CIPHER_ENCRYPT, 2, 1, 0, KEY, WHEN(TSR_CAN_CIPHER, tsr_do_cipher_encrypt) },
    { TSR_CRYPTO_CIPHER_DECRYPT, 2, 1, 0, KEY, WHEN(TSR_CAN_CIPHER, tsr_do_cipher_decrypt) },
    { TSR_CRYPTO_SIGN_HASH, 2, 1, 0, 0, tsr_do_sign_hash },
    { TSR_CRYPTO_VERIFY_HASH, 3, 0, 0, 0, tsr_do_verify_hash },
    { TSR_CRYPTO_SIGN_MESSAGE, 2, 1, 0, 0, tsr_do_sign_message },
    { TSR_CRYPTO_VERIFY_MESSAGE, 3, 0, 0, 0, tsr_do_verify_message },
    { TSR_CRYPTO_RAW_AGREEMENT, 2, 1, 0, 0, tsr_do_agreement },
    { TSR_CRYPTO_AGREEMENT_KEY, 2, 1, 0, 0, tsr_do_agreement_key },
    { TSR_CRYPTO_ASYM_ENCRYPT, 3, 1, 0, 0, WHEN(TSR_CAN_ENCIPHER, tsr_do_asym_encrypt) },
    { TSR_CRYPTO_ASYM_DECRYPT, 3, 1, 0, 0, WHEN(TSR_CAN_ENCIPHER, tsr_do_asym_decrypt) },
    { TSR_CRYPTO_HASH_COMPUTE, 2, 1, 0, 0, tsr_do_hash_compute },
    { TSR_CRYPTO_MAC_SETUP, 1, 1, TSR_OP_MAC, KEY | OPENS, tsr_do_mac_setup },
    { TSR_CRYPTO_MAC_UPDATE, 2, 0, TSR_OP_MAC, 0, tsr_do_mac_update },
    { TSR_CRYPTO_MAC_SIGN_FINISH, 1, 1, TSR_OP_MAC, LAST, tsr_do_mac_sign_finish },
    { TSR_CRYPTO_MAC_VERIFY_FINISH, 2, 0, TSR_OP_MAC, LAST, tsr_do_mac_verify_finish },
    { TSR_CRYPTO_CIPHER_SETUP, 1, 1, TSR_OP_CIPHER, KEY | OPENS,
      WHEN(TSR_CAN_CIPHER, tsr_do_cipher_setup) },
    { TSR_CRYPTO_CIPHER_GENERATE_IV, 1, 1, TSR_OP_CIPHER, 0,
      WHEN(TSR_CAN_CIPHER, tsr_do_cipher_generate_iv) },
    { TSR_CRYPTO_CIPHER_SET_IV, 2, 0, TSR_OP_CIPHER, 0,
      WHEN(TSR_CAN_CIPHER, tsr_do_cipher_set_iv) },
    { TSR_CRYPTO_CIPHER_UPDATE, 2, 1, TSR_OP_CIPHER, 0,
      WHEN(TSR_CAN_CIPHER, tsr_do_cipher_update) },
    { TSR_CRYPTO_CIPHER_FINISH, 1, 1, TSR_OP_CIPHER, LAST,
      WHEN(TSR_CAN_CIPHER, tsr_do_cipher_finish) },
    { TSR_CRYPTO_AEAD_SETUP, 1, 1, TSR_OP_AEAD, KEY | OPENS, tsr_do_aead_setup },
    { TSR_CRYPTO_AEAD_GENERATE_NONCE, 1, 1, TSR_OP_AEAD, 0, tsr_do_aead_generate_nonce },
    { TSR_CRYPTO_AEAD_SET_NONCE, 2, 0, TSR_OP_AEAD, 0, tsr_do_aead_set_nonce },
    { TSR_CRYPTO_AEAD_SET_LENGTHS, 1, 0, TSR_OP_AEAD, 0, tsr_do_aead_set_lengths },
    { TSR_CRYPTO_AEAD_UPDATE_AD, 2, 0, TSR_OP_AEAD, 0, tsr_do_aead_update_ad },
    { TSR_CRYPTO_AEAD_UPDATE, 2, 1, TSR_OP_AEAD, 0, tsr_do_aead_update },
    { TSR_CRYPTO_AEAD_FINISH, 1, 2, TSR_OP_AEAD, LAST, tsr_do_aead_finish },
    { TSR_CRYPTO_AEAD_VERIFY, 2, 1, TSR_OP_AEAD, LAST, tsr_do_aead_verify },
    { TSR_CRYPTO_ABORT, 1, 0, ANY, LAST, tsr_do_abort },
    { TSR_CRYPTO_HASH_SETUP, 1, 1, TSR_OP_HASH, OPENS, tsr_do_hash_setup },
    { TSR_CRYPTO_HASH_UPDATE, 2, 0, TSR_OP_HASH, 0, tsr_do_hash_update },
    { TSR_CRYPTO_HASH_FINISH, 1, 1, TSR_OP_HASH, LAST, tsr_do_hash_finish },
    { TSR_CRYPTO_HASH_CLONE, 1, 1, TSR_OP_HASH, STAYS, tsr_do_hash_clone },
    { TSR_CRYPTO_SIGN_START, 2, 1, TSR_OP_SIGN, KEY | OPENS,
      WHEN(TSR_CAN_STEP, tsr_do_sign_start) },
    { TSR_CRYPTO_SIGN_COMPLETE, 1, 2, TSR_OP_SIGN, LAST, WHEN(TSR_CAN_STEP, tsr_do_sign_complete) },
    { TSR_CRYPTO_VERIFY_START, 3, 1, TSR_OP_VERIFY, KEY | OPENS,
      WHEN(TSR_CAN_STEP, tsr_do_verify_start) },
    { TSR_CRYPTO_VERIFY_COMPLETE, 1, 1, TSR_OP_VERIFY, LAST,
      WHEN(TSR_CAN_STEP, tsr_do_verify_complete) },
    { TSR_CRYPTO_WORK_DONE, 1, 1, ANY, STAYS, WHEN(TSR_CAN_STEP, tsr_do_work_done) },
    { TSR_CRYPTO_DERIVE_ONCE, 2, 1, 0, 0, tsr_do_derive_once },
    { TSR_CRYPTO_DERIVE_OPEN, 2, 1, TSR_OP_DERIVE, OPENS, tsr_do_derive_open },
    { TSR_CRYPTO_DERIVE_INPUT, 3, 0, TSR_OP_DERIVE, 0, tsr_do_derive_input },
    { TSR_CRYPTO_DERIVE_AGREEMENT, 2, 0, TSR_OP_DERIVE, 0, tsr_do_derive_agreement },
    { TSR_CRYPTO_DERIVE_GET_CAPACITY, 1, 1, TSR_OP_DERIVE, 0, tsr_do_derive_get_capacity },
    { TSR_CRYPTO_DERIVE_SET_CAPACITY, 1, 0, TSR_OP_DERIVE, STAYS, tsr_do_derive_set_capacity },
    { TSR_CRYPTO_DERIVE_BYTES, 1, 1, TSR_OP_DERIVE, 0, tsr_do_derive_bytes },
    { TSR_CRYPTO_DERIVE_KEY, 2, 1, TSR_OP_DERIVE, 0, tsr_do_derive_key },
    { TSR_CRYPTO_DERIVE_VERIFY_BYTES, 2, 0, TSR_OP_DERIVE, 0, tsr_do_derive_verify_bytes },
    { TSR_CRYPTO_DERIVE_VERIFY_KEY, 1, 0, TSR_OP_DERIVE, KEY,
      WHEN(TSR_CAN_STRETCH, tsr_do_derive_verify_key) },
    { TSR_CRYPTO_PAKE_SETUP, 1, 1, TSR_OP_PAKE, KEY | OPENS,
      WHEN(TSR_CAN_PAKE, tsr_do_pake_setup) },
    { TSR_CRYPTO_PAKE_SET_ROLE, 1, 0, TSR_OP_PAKE, 0, WHEN(TSR_CAN_PAKE, tsr_do_pake_set_role) },
    { TSR_CRYPTO_PAKE_SET_USER, 2, 0, TSR_OP_PAKE, 0, WHEN(TSR_CAN_PAKE, tsr_do_pake_set_user) },
    { TSR_CRYPTO_PAKE_SET_PEER, 2, 0, TSR_OP_PAKE, 0, WHEN(TSR_CAN_PAKE, tsr_do_pake_set_peer) },
    { TSR_CRYPTO_PAKE_SET_CONTEXT, 2, 0, TSR_OP_PAKE, 0,
      WHEN(TSR_CAN_PAKE, tsr_do_pake_set_context) },
    { TSR_CRYPTO_PAKE_OUTPUT, 1, 1, TSR_OP_PAKE, 0, WHEN(TSR_CAN_PAKE, tsr_do_pake_output) },
    { TSR_CRYPTO_PAKE_INPUT, 2, 0, TSR_OP_PAKE, 0, WHEN(TSR_CAN_PAKE, tsr_do_pake_input) },
    { TSR_CRYPTO_PAKE_SHARED_KEY, 1, 1, TSR_OP_PAKE, LAST,
      WHEN(TSR_CAN_PAKE, tsr_do_pake_shared_key) },
};

static const entry *find(int32_t type)
{
    size_t low = 0, high = sizeof functions / sizeof functions[0];

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (functions[middle].type == type)
            return &functions[middle];
        if (functions[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static psa_status_t prepare(const entry *e, tsr_crypto_request *r)
{
    psa_status_t status = PSA_SUCCESS;

    if (e->op != 0 && (e->how & OPENS) == 0) {
        tsr_crypto_op *op = tsr_op_find(r);

        if (op == NULL || (e->op != ANY && op->kind != e->op))
            return PSA_ERROR_INVALID_HANDLE;
        r->op = op;
    }
    if ((e->how & KEY) != 0)
        status = tsr_key_resolve(r, r->p.key, &r->key);
    if (status == PSA_SUCCESS && (e->how & OPENS) != 0) {
        r->op = tsr_op_open(r, e->op);
        if (r->op == NULL)
            status = PSA_ERROR_INSUFFICIENT_MEMORY;
    }
    return status;
}

static bool ends(const entry *e, psa_status_t status)
{
    if (status == PSA_OPERATION_INCOMPLETE)
        return false;
    return status == PSA_SUCCESS ? (e->how & LAST) != 0 : (e->how & STAYS) == 0;
}

static psa_status_t run(const entry *e, tsr_crypto_request *r)
{
    psa_status_t status = prepare(e, r);

    if (status == PSA_SUCCESS)
        status = e->fn(r);
    if (status == PSA_SUCCESS && (e->how & OPENS) != 0)
        status = tsr_answer_u32(r, r->op->id);
    if (r->op != NULL && ends(e, status))
        tsr_op_close(r->op);
    return status;
}

psa_status_t tsr_crypto_call(void *self, tsr_spm_msg *msg)
{
    tsr_crypto_request r = { .c = self, .msg = msg };
    const entry *e = find(msg->type);

    if (e == NULL || msg->in_len != e->in || msg->out_len != e->out ||
        tsr_wire_params_read(msg->in[0], &r.p) != TSR_OK)
        return PSA_ERROR_PROGRAMMER_ERROR;

    psa_status_t status = e->fn != NULL ? run(e, &r) : PSA_ERROR_NOT_SUPPORTED;

    tsr_passing_leave(r.c);

    if (status != PSA_SUCCESS) /* what the core says of a length then means nothing */
        for (size_t i = 0; i < msg->out_len; i++)
            msg->out[i].len = 0;
    return status;
}

psa_status_t tsr_crypto_open(tsr_crypto *c)
{
    psa_status_t status = psa_crypto_init();
    uint32_t start[2];

    if (status == PSA_SUCCESS)
        status = psa_generate_random((uint8_t *)start, sizeof start);
    if (status != PSA_SUCCESS)
        return status;
    c->next_key =
        PSA_KEY_ID_VENDOR_MIN + start[0] % (PSA_KEY_ID_VENDOR_MAX - PSA_KEY_ID_VENDOR_MIN);
    c->next_op = start[1] & INT32_MAX;
    return PSA_SUCCESS;
}

void tsr_crypto_close(tsr_crypto *c)
{
    for (size_t i = 0; i < c->op_count; i++)
        if (c->ops[i].id != 0)
            tsr_op_close(&c->ops[i]);
    for (size_t i = 0; i < c->key_count; i++)
        tsr_wipe(&c->keys[i], sizeof c->keys[i]);
    mbedtls_psa_crypto_free(); /* wipes every key it holds */
}
