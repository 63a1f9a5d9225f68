/* SPDX-License-Identifier: Apache-2.0
 *
 * The record for the manufacturer (docs/WIRE.md, "The factory's record"): what a verifier and a
 * device database need to know, and nothing secret. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "apps/tessera-factory/device.h"
#include "secure/fwu/crypto.h"
#include "tessera/json/base64.h"
#include "tessera/json/json.h"

/* SubjectPublicKeyInfo of a P-256 key (RFC 5480 §2) up to the point. */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

static void put_pem(tsr_buf *out, const uint8_t point[TSR_ATTEST_POINT])
{
    uint8_t der[sizeof spki_head + TSR_ATTEST_POINT], text[160];
    tsr_buf base64 = tsr_buf_over(text, sizeof text);

    memcpy(der, spki_head, sizeof spki_head);
    memcpy(der + sizeof spki_head, point, TSR_ATTEST_POINT);
    tsr_base64_put(&base64, tsr_view(der, sizeof der));
    tsr_put_text(out, "-----BEGIN PUBLIC KEY-----\n");
    for (tsr_bytes rest = tsr_buf_view(&base64); rest.len > 0; rest = tsr_skip(rest, 64)) {
        tsr_put_bytes(out, tsr_first(rest, 64));
        tsr_put_text(out, "\n");
    }
    tsr_put_text(out, "-----END PUBLIC KEY-----\n");
}

static void put_hex(tsr_json_out *j, const char *name, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char text[80];

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    tsr_json_put_key(j, name);
    tsr_json_put_string(j, tsr_view(text, 2 * len));
}

static void put_text(tsr_json_out *j, const char *name, tsr_bytes text)
{
    if (text.len == 0)
        return;
    tsr_json_put_key(j, name);
    tsr_json_put_string(j, text);
}

static psa_status_t public_key(uint8_t point[TSR_ATTEST_POINT], uint8_t instance[33])
{
    mbedtls_svc_key_id_t id = mbedtls_svc_key_id_make(TSR_ITS_ATTEST, TSR_ATTEST_KEY_ID);
    size_t len = 0;
    psa_status_t status = psa_export_public_key(id, point, TSR_ATTEST_POINT, &len);

    instance[0] = 1; /* RAND type, RFC 9783 §4.2.1 */
    if (status == PSA_SUCCESS)
        status = psa_hash_compute(PSA_ALG_SHA_256, point, len, instance + 1, 32, &len);
    return status;
}

static void put_attestation(tsr_json_out *j)
{
    uint8_t point[TSR_ATTEST_POINT], instance[33], text[320];
    tsr_buf pem = tsr_buf_over(text, sizeof text);

    if (public_key(point, instance) != PSA_SUCCESS)
        return; /* it has none */
    put_hex(j, "instance_id", instance, sizeof instance);
    put_pem(&pem, point);
    put_text(j, "attestation_public_key", tsr_buf_view(&pem));
    put_hex(j, "signer_id", instance + 1, 32);
}

static void put_settings(tsr_json_out *j, factory_device *d)
{
    tsr_attest_settings s;

    if (tsr_attest_settings_load(&d->store.its, &s) != PSA_SUCCESS || !s.provisioned)
        return;
    put_hex(j, "implementation_id", s.implementation, sizeof s.implementation);
    put_text(j, "certification_reference", tsr_view(s.certification, s.certification_len));
    put_text(j, "verification_service", tsr_view(s.verification, s.verification_len));
}

/* As a package names it among its recipients. */
static void put_update_key(tsr_json_out *j)
{
    uint8_t name[TSR_COSE_KEK_NAME];

    if (tsr_cose_kek_name(mbedtls_svc_key_id_make(TSR_ITS_FWU, TSR_FWU_KEY_ID), name) == TSR_OK)
        put_hex(j, "update_key_id", name, sizeof name);
}

static void put_secrets(tsr_json_out *j, const factory_options *o)
{
    if (o->secret_count == 0)
        return;
    tsr_json_put_key(j, "secrets");
    tsr_json_open_array(j);
    for (size_t i = 0; i < o->secret_count; i++) {
        tsr_json_open_object(j);
        tsr_json_put_key(j, "kind");
        tsr_json_put_cstring(j, o->secrets[i].asset ? "asset" : "psk");
        tsr_json_put_key(j, "uid");
        tsr_json_put_uint(j, o->secrets[i].uid);
        tsr_json_put_key(j, "id");
        tsr_json_put_uint(j, o->secrets[i].id);
        tsr_json_close(j);
    }
    tsr_json_close(j);
}

tsr_err factory_record(factory_device *d, const factory_options *o)
{
    static uint8_t memory[8192];
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "record");
    tsr_json_put_cstring(&j, "tessera-device/1");
    put_attestation(&j);
    put_settings(&j, d);
    put_update_key(&j);
    tsr_json_put_key(&j, "lifecycle");
    tsr_json_put_cstring(&j, tsr_lifecycle_name(tsr_lifecycle_get(&d->lifecycle)));
    put_secrets(&j, o);
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK)
        return factory_complain(TSR_E_SPACE, "record", "too long");
    tsr_put_text(&out, "\n");
    if (o->record != NULL)
        return factory_write(o->record, tsr_buf_view(&out), 0644);
    return write(STDOUT_FILENO, out.ptr, out.len) == (ssize_t)out.len
               ? TSR_OK
               : factory_complain(TSR_E_IO, "standard output", strerror(errno));
}
