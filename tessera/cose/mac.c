/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Mac0. A short MAC_structure goes to PSA in one call, which is one crossing of the wall; a
 * long one in pieces, without a copy. */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

typedef struct {
    const tsr_cose_alg *alg;
    tsr_cose_key_id key;
    tsr_cose_structure structure;
} mac;

/* RFC 9052 §6.3: MAC_structure, context "MAC0". */
static void prepare(mac *m, const tsr_cose_alg *alg, tsr_cose_key_id key, tsr_bytes protected_map,
                    tsr_bytes aad, tsr_bytes payload)
{
    m->alg = alg;
    m->key = key;
    tsr_cose_structure_make(&m->structure, "MAC0", protected_map, aad, &payload);
}

static psa_status_t update(const mac *m, psa_mac_operation_t *op)
{
    psa_status_t status = PSA_SUCCESS;

    for (size_t i = 0; status == PSA_SUCCESS && i < m->structure.count; i++)
        if (m->structure.slice[i].len > 0)
            status = psa_mac_update(op, m->structure.slice[i].ptr, m->structure.slice[i].len);
    return status;
}

static psa_status_t verify_long(const mac *m, tsr_bytes proof)
{
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_status_t status = psa_mac_verify_setup(&op, m->key, m->alg->psa);

    if (status == PSA_SUCCESS)
        status = update(m, &op);
    if (status == PSA_SUCCESS)
        status = psa_mac_verify_finish(&op, proof.ptr, proof.len);
    (void)psa_mac_abort(&op);
    return status;
}

static psa_status_t compute_long(const mac *m, uint8_t *room)
{
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_status_t status = psa_mac_sign_setup(&op, m->key, m->alg->psa);
    size_t len;

    if (status == PSA_SUCCESS)
        status = update(m, &op);
    if (status == PSA_SUCCESS)
        status = psa_mac_sign_finish(&op, room, m->alg->proof, &len);
    (void)psa_mac_abort(&op);
    return status;
}

static psa_status_t verify(const mac *m, tsr_bytes proof)
{
    uint8_t room[TSR_COSE_AAD_MAX];
    tsr_buf joined = tsr_buf_over(room, sizeof room);

    if (tsr_cose_structure_join(&m->structure, &joined) != TSR_OK)
        return verify_long(m, proof);
    return psa_mac_verify(m->key, m->alg->psa, room, joined.len, proof.ptr, proof.len);
}

static psa_status_t compute(const mac *m, uint8_t *out)
{
    uint8_t room[TSR_COSE_AAD_MAX];
    tsr_buf joined = tsr_buf_over(room, sizeof room);
    size_t len;

    if (tsr_cose_structure_join(&m->structure, &joined) != TSR_OK)
        return compute_long(m, out);
    return psa_mac_compute(m->key, m->alg->psa, room, joined.len, out, m->alg->proof, &len);
}

tsr_err tsr_cose_mac0_verify(const tsr_cose_message *m, tsr_cose_key_id key, tsr_bytes detached,
                             tsr_bytes external_aad)
{
    const tsr_cose_alg *alg;
    psa_algorithm_t policy;
    tsr_bytes payload;
    mac work;
    tsr_err err = tsr_cose_ready(m, TSR_COSE_MAC0, detached, &payload, &alg);

    if (err == TSR_OK)
        err = tsr_cose_fits(alg, key, &policy);
    if (err != TSR_OK)
        return err;
    prepare(&work, alg, key, m->protected_map, external_aad, payload);
    return tsr_cose_status(verify(&work, m->proof));
}

/* Everything but the MAC is in `out`. */
static tsr_err put_mac(tsr_buf *out, const mac *m)
{
    uint8_t *room;

    tsr_cbor_put_head(out, TSR_CBOR_BYTES, m->alg->proof);
    room = tsr_buf_claim(out, m->alg->proof);
    return room != NULL ? tsr_cose_status(compute(m, room)) : out->err;
}

tsr_err tsr_cose_mac0(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                      tsr_bytes payload, tsr_bytes external_aad)
{
    const tsr_cose_alg *alg = tsr_cose_alg_find(p->alg);
    tsr_bytes protected_map = { NULL, 0 };
    psa_algorithm_t policy;
    size_t before = out->len;
    tsr_err err = out->err;
    mac work;

    if (err == TSR_OK && (alg == NULL || alg->kind != TSR_COSE_MAC0))
        err = TSR_E_UNSUPPORTED;
    if (err == TSR_OK)
        err = tsr_cose_fits(alg, key, &policy);
    if (err == TSR_OK) {
        tsr_cose_put_headers(out, TSR_COSE_MAC0, p, &protected_map);
        if (p->detached)
            tsr_cbor_put_null(out);
        else
            tsr_cbor_put_bytes(out, payload);
        err = out->err;
    }
    if (err == TSR_OK) {
        prepare(&work, alg, key, protected_map, external_aad, payload);
        err = put_mac(out, &work);
    }
    out->err = err;
    if (err != TSR_OK)
        out->len = before;
    return err;
}
