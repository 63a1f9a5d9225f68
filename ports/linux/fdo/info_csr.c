/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.csr: the payloads of EST (RFC 7030), as base64 in texts. The device asks for the authority's
 * certificates and then for one of its own; the key is born behind PSA. */
#include "ports/linux/fdo/handover.h"
#include "tessera/cbor/cbor.h"
#include "tessera/json/base64.h"
#include "tessera/net/certs_only.h"
#include "tessera/net/csr.h"
#include "tessera/net/issued.h"

enum { IDLE, ASK_AUTHORITIES, AUTHORITIES, ASK, CERTIFICATE, ENROLLED };
enum { FORMAT_CERTS_ONLY = 281 };

static const char module[] = "fdo.csr";

static tsr_err csr_begin(void *self)
{
    tsr_info_csr *m = self;

    if (m->step != IDLE)
        return TSR_OK;
    if (m->key_id != 0 && tsr_lwm2m_security_forget(m->key_id) != TSR_OK)
        return TSR_E_CRYPTO;
    if (m->is_volatile)
        m->key_id = 0;
    m->step = ASK_AUTHORITIES;
    return tsr_lwm2m_security_generate(&m->key_id);
}

/* Base64 in a text; some send the bytes themselves. Appended to what is kept. */
static tsr_err take_payload(tsr_info_csr *m, tsr_bytes value, tsr_bytes *payload)
{
    size_t at = (size_t)(m->authorities.ptr != NULL ? m->authorities.ptr - m->room : 0) + m->authorities.len;
    tsr_buf out = tsr_buf_over(m->room + at, sizeof m->room - at);
    tsr_bytes in = value;
    tsr_err err;

    if (tsr_cbor_get_bytes(&value, &in) == TSR_OK) {
        tsr_put_bytes(&out, in);
        err = out.err;
    } else {
        err = tsr_cbor_get_text(&value, &in) == TSR_OK ? tsr_base64_get(in, &out) : TSR_E_MALFORMED;
    }
    *payload = tsr_buf_view(&out);
    return err;
}

static tsr_err take_authorities(tsr_info_csr *m, tsr_bytes value)
{
    tsr_bytes payload, bag = { NULL, 0 }, der, rest;
    tsr_err err = take_payload(m, value, &payload);

    if (err == TSR_OK)
        err = tsr_certs_only_open(payload, &bag);
    for (rest = bag; err == TSR_OK && rest.len != 0;)
        err = tsr_certs_only_next(&rest, &der);
    if (err != TSR_OK)
        return err == TSR_END ? TSR_E_MALFORMED : err;
    m->authorities = bag;
    m->step = ASK;
    return TSR_OK;
}

/* One certificate; some send it in the form of a list. */
static tsr_err take_certificate(tsr_info_csr *m, tsr_bytes value)
{
    tsr_bytes payload, bag, der;
    tsr_err err = take_payload(m, value, &payload);

    if (err != TSR_OK)
        return err;
    if (tsr_certs_only_open(payload, &bag) != TSR_OK)
        bag = payload;
    err = TSR_E_MALFORMED;
    while (err != TSR_OK && tsr_certs_only_next(&bag, &der) == TSR_OK)
        err = tsr_issued_judge(der, m->key_id, m->authorities);
    tsr_info_log(module, err == TSR_OK ? "enrolled" : "enrol-failed", m->common_name, err);
    if (err != TSR_OK)
        return err;
    m->certificate = der;
    m->step = ENROLLED;
    return TSR_OK;
}

static tsr_err csr_take(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms)
{
    tsr_info_csr *m = self;
    uint64_t code;

    (void)now_ms;
    if (m->step == AUTHORITIES && tsr_same(message, tsr_text("cacerts-res")))
        return take_authorities(m, value);
    if (m->step == CERTIFICATE && tsr_same(message, tsr_text("simpleenroll-res")))
        return take_certificate(m, value);
    if (tsr_same(message, tsr_text("error")) && tsr_cbor_get_uint(&value, &code) == TSR_OK) {
        tsr_info_log(module, "enrol-failed", m->common_name, TSR_E_DENIED);
        return TSR_E_DENIED;
    }
    return tsr_same(message, tsr_text("cacerts-res")) || tsr_same(message, tsr_text("simpleenroll-res"))
               ? TSR_E_STATE
               : TSR_E_UNSUPPORTED;
}

static tsr_err give_request(const tsr_info_csr *m, tsr_buf *value)
{
    uint8_t room[TSR_CSR_MAX], text[TSR_CSR_MAX * 4 / 3 + 4];
    tsr_buf der = tsr_buf_over(room, sizeof room), out = tsr_buf_over(text, sizeof text);
    tsr_err err = tsr_csr_write_der(m->key_id, m->common_name, &der);

    if (err != TSR_OK)
        return err;
    tsr_base64_put(&out, tsr_buf_view(&der));
    tsr_cbor_put_text(value, tsr_buf_view(&out));
    return out.err != TSR_OK ? out.err : value->err;
}

static tsr_err csr_give(void *self, const char **message, tsr_buf *value, uint64_t now_ms)
{
    tsr_info_csr *m = self;
    tsr_err err;

    (void)now_ms;
    if (m->step == ASK_AUTHORITIES) {
        tsr_cbor_put_uint(value, FORMAT_CERTS_ONLY);
        *message = "cacerts-req";
        err = value->err;
    } else if (m->step == ASK) {
        *message = "simpleenroll-req";
        err = give_request(m, value);
    } else {
        return TSR_END;
    }
    if (err == TSR_OK)
        m->step++;
    return err;
}

static void csr_drop(void *self)
{
    tsr_info_csr *m = self;

    m->step = IDLE;
    m->authorities = m->certificate = tsr_view(NULL, 0);
}

void tsr_info_csr_init(tsr_info_csr *m, uint32_t key_id, const char *common_name, tsr_info *info)
{
    memset(m, 0, sizeof *m);
    m->key_id = key_id;
    m->is_volatile = key_id == 0;
    m->common_name = common_name;
    *info = (tsr_info){ module, csr_begin, csr_take, csr_give, tsr_info_never, csr_drop, m };
}
