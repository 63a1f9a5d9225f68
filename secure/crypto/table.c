/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers under which clients know volatile keys and operations. A number's slot is the number
 * modulo the table's size, so finding one costs the same however many there are. */
#include "secure/crypto/internal.h"

static bool persistent_id(uint32_t id)
{
    return id >= PSA_KEY_ID_USER_MIN && id <= PSA_KEY_ID_USER_MAX;
}

tsr_crypto_key *tsr_key_find(const tsr_crypto_request *r, uint32_t id)
{
    tsr_crypto_key *k = &r->c->keys[id % r->c->key_count];

    return id != 0 && k->id == id && k->owner.connection == r->msg->caller.connection ? k : NULL;
}

psa_status_t tsr_key_any(const tsr_crypto_request *r, uint32_t id, mbedtls_svc_key_id_t *key,
                         bool *held)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    if (persistent_id(id)) {
        *key = mbedtls_svc_key_id_make(r->msg->caller.client, id);

        psa_status_t status = psa_get_key_attributes(*key, &a);

        *held = psa_get_key_algorithm(&a) == TSR_ALG_HELD;
        return status;
    }

    const tsr_crypto_key *k = tsr_key_find(r, id);

    if (k == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    *key = k->key;
    *held = k->held;
    return PSA_SUCCESS;
}

psa_status_t tsr_key_resolve(const tsr_crypto_request *r, uint32_t id, mbedtls_svc_key_id_t *key)
{
    bool held = false;
    psa_status_t status = tsr_key_any(r, id, key, &held);

    return status == PSA_SUCCESS && held ? PSA_ERROR_NOT_SUPPORTED : status;
}

static uint32_t following_key(uint32_t id)
{
    return id >= PSA_KEY_ID_VENDOR_MAX || id < PSA_KEY_ID_VENDOR_MIN ? PSA_KEY_ID_VENDOR_MIN
                                                                     : id + 1;
}

/* A free slot with its number and connection filled in and no key yet, or NULL. */
tsr_crypto_key *tsr_key_slot(tsr_crypto_request *r)
{
    tsr_crypto *c = r->c;
    tsr_spm_caller caller = r->msg->caller;
    tsr_crypto_account *account = tsr_account_of(c, caller.client);

    if (account->keys >= c->keys_each)
        return NULL;
    for (size_t i = 0; i < c->key_count; i++) {
        c->next_key = following_key(c->next_key);

        tsr_crypto_key *k = &c->keys[c->next_key % c->key_count];

        if (k->id == 0) {
            *k = (tsr_crypto_key){ .id = c->next_key, .owner = caller };
            account->keys++;
            return k;
        }
    }
    return NULL;
}

void tsr_key_release(tsr_crypto *c, tsr_crypto_key *slot)
{
    tsr_account_of(c, slot->owner.client)->keys--;
    tsr_wipe(slot, sizeof *slot);
}

tsr_crypto_op *tsr_op_find(const tsr_crypto_request *r)
{
    tsr_crypto_op *op = &r->c->ops[r->p.operation % r->c->op_count];

    return r->p.operation != 0 && op->id == r->p.operation &&
                   op->owner.connection == r->msg->caller.connection
               ? op
               : NULL;
}

tsr_crypto_op *tsr_op_open(tsr_crypto_request *r, tsr_crypto_op_kind kind)
{
    tsr_crypto *c = r->c;
    tsr_spm_caller caller = r->msg->caller;
    uint32_t held = 0;

    for (size_t i = 0; i < c->op_count; i++)
        held += c->ops[i].id != 0 && c->ops[i].owner.client == caller.client;
    if (held >= c->ops_each)
        return NULL;
    for (size_t i = 0; i < c->op_count; i++) {
        c->next_op = c->next_op >= INT32_MAX ? 1 : c->next_op + 1;

        tsr_crypto_op *op = &c->ops[c->next_op % c->op_count];

        if (op->id == 0) {
            memset(op, 0, sizeof *op); /* what every PSA operation starts from */
            op->id = c->next_op;
            op->owner = caller;
            op->kind = kind;
            return op;
        }
    }
    return NULL;
}

void tsr_op_close(tsr_crypto_op *op)
{
    switch (op->kind) {
    case TSR_OP_MAC: (void)psa_mac_abort(&op->u.mac); break;
    case TSR_OP_CIPHER:
        if (TSR_CAN_CIPHER)
            (void)psa_cipher_abort(&op->u.cipher);
        break;
    case TSR_OP_AEAD: (void)psa_aead_abort(&op->u.aead); break;
    case TSR_OP_DERIVE: (void)psa_key_derivation_abort(&op->u.derive.core); break;
    case TSR_OP_HASH: (void)psa_hash_abort(&op->u.hash); break;
    case TSR_OP_SIGN:
        if (TSR_CAN_STEP)
            (void)psa_sign_hash_abort(&op->u.sign);
        break;
    case TSR_OP_VERIFY:
        if (TSR_CAN_STEP)
            (void)psa_verify_hash_abort(&op->u.verify);
        break;
    case TSR_OP_PAKE:
        if (TSR_CAN_PAKE)
            tsr_pake_end(&op->u.pake);
        break;
    }
    tsr_wipe(op, sizeof *op);
}

void tsr_crypto_gone(void *self, uint32_t connection)
{
    tsr_crypto *c = self;

    for (size_t i = 0; i < c->op_count; i++)
        if (c->ops[i].id != 0 && c->ops[i].owner.connection == connection)
            tsr_op_close(&c->ops[i]);
    for (size_t i = 0; i < c->key_count; i++) {
        tsr_crypto_key *k = &c->keys[i];

        if (k->id != 0 && k->owner.connection == connection) {
            if (tsr_is_held(k->held))
                tsr_held_forget(c, k->key);
            (void)psa_destroy_key(k->key);
            tsr_key_release(c, k);
        }
    }
}

size_t tsr_crypto_keys_held(const tsr_crypto *c)
{
    size_t held = 0;

    for (size_t i = 0; i < c->key_count; i++)
        held += c->keys[i].id != 0;
    return held;
}

size_t tsr_crypto_ops_held(const tsr_crypto *c)
{
    size_t held = 0;

    for (size_t i = 0; i < c->op_count; i++)
        held += c->ops[i].id != 0;
    return held;
}

psa_status_t tsr_answer_u32(tsr_crypto_request *r, uint32_t value)
{
    tsr_buf out = tsr_buf_over(r->msg->out[0].base, r->msg->out[0].len);

    tsr_put_u32(&out, value);
    r->msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}
