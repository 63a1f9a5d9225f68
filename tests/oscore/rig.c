/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/oscore/rig.h"

static const uint8_t secret_bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t salt[] = { 0x9e, 0x7c, 0xa9, 0x22, 0x23, 0x78, 0x63, 0x40 };

tsr_err rig_save(void *slot, tsr_bytes state)
{
    rig_slot *s = slot;

    if (s->broken)
        return TSR_E_IO;
    assert_true(state.len <= sizeof s->bytes);
    memcpy(s->bytes, state.ptr, state.len);
    s->len = state.len;
    s->saves++;
    return TSR_OK;
}

psa_key_id_t rig_secret(psa_algorithm_t hkdf)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, hkdf);
    assert_int_equal(psa_import_key(&a, secret_bytes, sizeof secret_bytes, &id), PSA_SUCCESS);
    return id;
}

tsr_oscore_params rig_params(bool client, psa_key_id_t secret)
{
    tsr_bytes one = tsr_view("\x01", 1), none = tsr_view("", 0);

    return (tsr_oscore_params){ .master_secret = secret,
                                .salt = tsr_view(salt, sizeof salt),
                                .sender_id = client ? none : one,
                                .recipient_id = client ? one : none };
}

void rig_pair(tsr_oscore *client, tsr_oscore *server)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    tsr_oscore_params c = rig_params(true, secret), s = rig_params(false, secret);
    tsr_bytes fresh = { NULL, 0 };

    assert_int_equal(tsr_oscore_init(client, &c, fresh), TSR_OK);
    assert_int_equal(tsr_oscore_init(server, &s, fresh), TSR_OK);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS); /* what was derived lives on */
}

void rig_hex(rig_message *m, const char *hex)
{
    m->buf = tsr_buf_over(m->bytes, sizeof m->bytes);
    m->buf.len = from_hex(hex, m->bytes, sizeof m->bytes).len;
}

tsr_bytes rig_view(const rig_message *m) { return tsr_view(m->bytes, m->buf.len); }

bool rig_is(const rig_message *m, const char *hex)
{
    uint8_t room[RIG_ROOM];

    if (tsr_same(rig_view(m), from_hex(hex, room, sizeof room)))
        return true;
    print_error("not %s but ", hex);
    for (size_t i = 0; i < m->buf.len; i++)
        print_error("%02x", m->bytes[i]);
    print_error("\n");
    return false;
}

typedef tsr_err protector(tsr_oscore *, tsr_oscore_exchange *, tsr_buf *, tsr_buf *);

static tsr_err protect(protector *how, tsr_oscore *c, tsr_oscore_exchange *x, const char *hex,
                       rig_message *out)
{
    rig_message in;

    rig_hex(&in, hex);
    out->buf = tsr_buf_over(out->bytes, in.buf.len + TSR_OSCORE_OVERHEAD);
    return how(c, x, &in.buf, &out->buf);
}

tsr_err rig_request(tsr_oscore *c, tsr_oscore_exchange *x, const char *hex, rig_message *out)
{
    return protect(tsr_oscore_protect_request_datagram, c, x, hex, out);
}

tsr_err rig_response(tsr_oscore *c, tsr_oscore_exchange *x, const char *hex, rig_message *out)
{
    return protect(tsr_oscore_protect_response_datagram, c, x, hex, out);
}

/* With no byte more of room than the header asks for. */
tsr_err rig_take_request(tsr_oscore *c, tsr_oscore_exchange *x, const rig_message *in,
                         rig_message *out)
{
    out->buf = tsr_buf_over(out->bytes, in->buf.len);
    return tsr_oscore_unprotect_request_datagram(c, x, rig_view(in), &out->buf);
}

tsr_err rig_take_response(tsr_oscore *c, tsr_oscore_exchange *x, const rig_message *in,
                          rig_message *out)
{
    out->buf = tsr_buf_over(out->bytes, in->buf.len);
    return tsr_oscore_unprotect_response_datagram(c, x, rig_view(in), &out->buf);
}
