/* SPDX-License-Identifier: Apache-2.0
 *
 * Start-up, its opposite, and random bytes. Bytes are drawn ahead in blocks, handed out once and
 * wiped, so that the many short draws of a handshake cost one crossing together. */
#include "psa/client/call.h"

static psa_status_t draw(uint8_t *out, size_t len)
{
    tsr_wire_params p = { 0 };
    psa_outvec vec = { out, len };
    psa_status_t status = tsr_client_call(TSR_CRYPTO_RANDOM, &p, NULL, 0, &vec, 1);

    if (status == PSA_SUCCESS && vec.len != len)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    return status;
}

psa_status_t psa_crypto_init(void)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_wire_params p = { 0 };
    psa_status_t status = tsr_client_call(TSR_CRYPTO_INIT, &p, NULL, 0, NULL, 0);

    if (status == PSA_SUCCESS)
        c->started = true;
    tsr_client_refresh(c);
    tsr_gate_leave(c);
    return status;
}

/* Mbed TLS's way out: the secure world forgets what this process's connection held there. */
void mbedtls_psa_crypto_free(void)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_wire_params p = { 0 };

    if (c->started)
        (void)tsr_client_call(TSR_CRYPTO_LEAVE, &p, NULL, 0, NULL, 0);
    tsr_wipe(c->hash, sizeof c->hash);
    tsr_wipe(c->derivation, sizeof c->derivation);
    tsr_wipe(c->note, sizeof c->note);
    tsr_wipe(c->random, sizeof c->random);
    c->random_left = 0;
    c->started = false;
    tsr_gate_leave(c);
}

static psa_status_t from_block(tsr_psa_client *c, uint8_t *output, size_t len)
{
    if (len > c->random_left) {
        uint8_t block[TSR_PSA_RANDOM_BLOCK];
        psa_status_t status = draw(block, sizeof block);

        tsr_client_refresh(c); /* the draw itself may have opened a new connection */
        if (status != PSA_SUCCESS)
            return status;
        memcpy(c->random, block, sizeof block);
        tsr_wipe(block, sizeof block);
        c->random_left = sizeof block;
    }

    uint8_t *from = c->random + c->random_left - len;

    memcpy(output, from, len);
    tsr_wipe(from, len);
    c->random_left -= len;
    return PSA_SUCCESS;
}

static psa_status_t random_bytes(tsr_psa_client *c, uint8_t *output, size_t len)
{
    if (!c->started)
        return PSA_ERROR_BAD_STATE;
    if (len <= TSR_PSA_RANDOM_BLOCK / 2)
        return from_block(c, output, len);
    while (len > 0) {
        size_t n = len < TSR_CALL_BYTES ? len : TSR_CALL_BYTES;
        psa_status_t status = draw(output, n);

        if (status != PSA_SUCCESS)
            return status;
        output += n;
        len -= n;
    }
    return PSA_SUCCESS;
}

psa_status_t psa_generate_random(uint8_t *output, size_t output_size)
{
    if (output_size == 0)
        return PSA_SUCCESS;

    tsr_psa_client *c = tsr_gate_enter();

    tsr_client_refresh(c);

    psa_status_t status = random_bytes(c, output, output_size);

    tsr_gate_leave(c);
    return status;
}
