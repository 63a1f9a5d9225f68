/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of FIDO Device Onboard of any bytes, without what is signed or encrypted around them;
 * what was read is written, and read again alike. */
#include "fuzz/fuzz.h"
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/credential.h"
#include "tessera/fdo/error.h"
#include "tessera/fdo/message.h"

static uint8_t room[1 << 16];

static tsr_buf empty(void) { return tsr_buf_over(room, sizeof room); }

static bool inside(tsr_bytes part, tsr_bytes whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             (size_t)(part.ptr - whole.ptr) <= whole.len - part.len);
}

static void manufacture(tsr_bytes in)
{
    tsr_fdo_mfg_info m, again;
    tsr_buf out = empty();
    tsr_fdo_hash h;
    tsr_bytes header;

    if (tsr_fdo_app_start_read(in, &m) == TSR_OK) {
        must(inside(m.csr, in) && inside(m.serial, in));
        tsr_fdo_app_start_write(&out, &m);
        must(tsr_fdo_app_start_read(tsr_buf_view(&out), &again) == TSR_OK);
        must(tsr_same(m.csr, again.csr) && m.key_type == again.key_type);
    }
    if (tsr_fdo_set_credentials_read(in, &header) == TSR_OK)
        must(inside(header, in));
    if (tsr_fdo_set_hmac_read(in, &h) == TSR_OK)
        must(h.value.len == tsr_fdo_hash_len(h.alg));
}

static void redirect(tsr_bytes in)
{
    tsr_bytes a, b;
    tsr_fdo_to0d to0d;
    tsr_fdo_to1d to1d;
    tsr_fdo_hello_rv h;
    tsr_fdo_eat eat;
    tsr_fdo_addr addr;

    (void)tsr_fdo_owner_sign_read(in, &a, &b);
    (void)tsr_fdo_to0d_read(in, &to0d);
    (void)tsr_fdo_hello_rv_read(in, &h);
    if (tsr_fdo_to1d_read(in, &to1d) == TSR_OK) {
        must(to1d.count > 0 && inside(to1d.addrs, in));
        for (size_t i = 0; i < to1d.count; i++)
            must(tsr_fdo_addr_at(to1d.addrs, i, &addr) == TSR_OK);
        must(tsr_fdo_addr_at(to1d.addrs, to1d.count, &addr) == TSR_E_NOT_FOUND);
    }
    if (tsr_fdo_eat_read(in, &eat) == TSR_OK)
        must(eat.guid.len == TSR_FDO_GUID && inside(eat.guid, in) && inside(eat.kex, in));
}

static void onboard(tsr_bytes in)
{
    tsr_fdo_hello_device hello;
    tsr_fdo_prove_ov prove;
    tsr_cose_message m;
    tsr_fdo_setup setup;
    tsr_fdo_hash hmac;
    tsr_fdo_key key;
    tsr_bytes v;
    uint64_t n;

    (void)tsr_fdo_hello_device_read(in, &hello);
    if (tsr_fdo_prove_ov_read(in, &prove) == TSR_OK)
        must(inside(prove.header, in) && inside(prove.hmac_encoded, in));
    if (tsr_cose_read(in, TSR_COSE_SIGN1, &m) == TSR_OK) {
        (void)tsr_fdo_prove_ov_header_read(&m, &v, &key);
        (void)tsr_fdo_prove_device_header_read(&m, &v);
    }
    (void)tsr_fdo_number_read(in, 255, &n);
    (void)tsr_fdo_next_entry_read(in, &n, &v);
    if (tsr_fdo_setup_read(in, &setup) == TSR_OK)
        must(inside(setup.owner.encoded, in) && inside(setup.rv_info, in));
    (void)tsr_fdo_device_ready_read(in, &hmac, &n);
    if (tsr_fdo_owner_ready_read(in, &n) == TSR_OK)
        must(n == 0 || n >= TSR_FDO_SIZE_LEAST);
    (void)tsr_fdo_nonce_read(in, &v);
    (void)tsr_fdo_empty_read(in);
}

static void info(tsr_bytes in, bool from_owner)
{
    tsr_bytes module, message, value;
    tsr_fdo_info i;

    if (tsr_fdo_info_read(in, from_owner, &i) != TSR_OK)
        return;
    while (i.left > 0) {
        must(tsr_fdo_info_next(&i, &module, &message, &value) == TSR_OK);
        must(inside(module, in) && inside(message, in) && inside(value, in));
    }
    must(tsr_fdo_info_next(&i, &module, &message, &value) == TSR_END);
}

/* The same message twice, as if the owner had more to say: what it ends with may go on. */
static void values(tsr_bytes in)
{
    static uint8_t room[64];
    tsr_bytes module, message, value;
    tsr_fdo_values v;
    tsr_fdo_info i;
    tsr_err err = TSR_END;

    tsr_fdo_values_begin(&v, tsr_buf_over(room, sizeof room));
    for (int round = 0; round < 2 && err == TSR_END; round++) {
        if (tsr_fdo_info_read(in, true, &i) != TSR_OK)
            return;
        do {
            err = tsr_fdo_values_next(&v, &i, &module, &message, &value);
            must(err != TSR_OK || (tsr_cbor_check(value) == TSR_OK && inside(message, in)));
        } while (err == TSR_OK);
        must(err == TSR_END || err == TSR_E_MALFORMED);
    }
}

static void rendezvous(tsr_bytes in)
{
    tsr_fdo_directive d, again;
    tsr_buf out = empty();
    tsr_bytes list;
    size_t count;

    if (tsr_fdo_rv_check(in, &count) != TSR_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        must(tsr_fdo_rv_at(in, i, &d) == TSR_OK);
        must(inside(d.ip, in) && inside(d.dns, in) && inside(d.ext, in));
    }
    if (count == 0)
        return;
    tsr_put_u8(&out, 0x81);
    tsr_fdo_put_directive(&out, &d);
    if (out.err != TSR_OK) /* longer than what we write */
        return;
    list = tsr_buf_view(&out);
    must(tsr_fdo_rv_at(list, 0, &again) == TSR_OK);
    must(tsr_same(d.dns, again.dns) && tsr_same(d.ip, again.ip) && d.delay_s == again.delay_s);
}

static void rest(tsr_bytes in)
{
    tsr_fdo_error e;
    tsr_fdo_credential c, again;
    tsr_buf out = empty();
    tsr_fdo_key k;
    tsr_bytes at = in;

    (void)tsr_fdo_error_read(in, &e);
    (void)tsr_fdo_key_of_certificate(in, &k);
    if (tsr_fdo_get_key(&at, &k) == TSR_OK) {
        must(inside(k.encoded, in) && inside(k.rsa, in) && inside(k.x, in));
        must((k.rsa.ptr == NULL) == (k.x.len * 8 == k.bits));
    }
    if (tsr_fdo_credential_read(in, &c) == TSR_OK) {
        tsr_fdo_credential_write(&out, &c);
        must(tsr_fdo_credential_read(tsr_buf_view(&out), &again) == TSR_OK);
        must(tsr_same(c.guid, again.guid) && c.active == again.active);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);

    manufacture(in);
    redirect(in);
    onboard(in);
    info(in, true);
    info(in, false);
    values(in);
    rendezvous(in);
    rest(in);
    return 0;
}
