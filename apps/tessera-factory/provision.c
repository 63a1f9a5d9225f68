/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "apps/tessera-factory/device.h"
#include "ports/linux/fwu/slots.h"
#include "secure/fwu/crypto.h"

#define SECRET_MAX 1024u
#define ASSET_MAX  8192u
#define CONF_MAX   16384u

static tsr_err failed(const char *what, psa_status_t status)
{
    char why[48];

    (void)snprintf(why, sizeof why, "the secure world answers %d", (int)status);
    return factory_complain(TSR_E_CRYPTO, what, why);
}

/* Root key */
static tsr_err make_root(factory_device *d, const factory_options *o)
{
    const tsr_root_wrap *wrap = o->tpm != NULL ? &d->tpm.wrap : NULL;
    uint8_t huk[TSR_ROOT_BYTES];
    size_t len = 0;
    tsr_err err;

    if (o->root_secret == NULL)
        return tsr_root_sealed_open_wrapped(&d->sealed, d->root_path, true, wrap);
    err = factory_read_hex(o->root_secret, huk, sizeof huk, &len);
    if (err == TSR_OK && len != sizeof huk)
        err = factory_complain(TSR_E_ARGUMENT, o->root_secret, "64 hexadecimal digits are wanted");
    if (err == TSR_OK)
        err = tsr_root_sealed_make_wrapped(&d->sealed, d->root_path, huk, wrap);
    tsr_wipe(huk, sizeof huk);
    return err;
}

tsr_err factory_root(factory_device *d, const factory_options *o)
{
    psa_status_t status;
    tsr_err err = make_root(d, o);

    if (err != TSR_OK)
        return d->sealed.cause != NULL
                   ? factory_explain(err, d->root_path, d->sealed.cause, d->sealed.remedy)
                   : err;
    status = tsr_its_set(&d->store.its, TSR_ITS_PLATFORM, TSR_PLATFORM_ROOT, 0, NULL, 0);
    if (status == PSA_SUCCESS)
        status = tsr_root_open(&d->root, &d->sealed.source);
    return status == PSA_SUCCESS ? TSR_OK : failed(d->root_path, status);
}

/* Attestation */
static bool has_attest_key(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    return psa_get_key_attributes(mbedtls_svc_key_id_make(TSR_ITS_ATTEST, TSR_ATTEST_KEY_ID), &a) ==
           PSA_SUCCESS;
}

static tsr_err attest_key(const factory_options *o)
{
    uint8_t key[32];
    size_t len = 0;
    psa_status_t status;
    tsr_err err;

    if (o->attest_key == NULL) {
        status = has_attest_key() ? PSA_SUCCESS : tsr_attest_make_key();
        return status == PSA_SUCCESS ? TSR_OK : failed("attestation key", status);
    }
    if (has_attest_key())
        return factory_complain(TSR_E_EXISTS, o->attest_key,
                                "the device has an attestation key already");
    err = factory_read_hex(o->attest_key, key, sizeof key, &len);
    if (err == TSR_OK && len != sizeof key)
        err = factory_complain(TSR_E_ARGUMENT, o->attest_key, "64 hexadecimal digits are wanted");
    if (err == TSR_OK && (status = tsr_attest_import_key(key, len)) != PSA_SUCCESS)
        err = status == PSA_ERROR_INVALID_ARGUMENT
                  ? factory_complain(TSR_E_ARGUMENT, o->attest_key, "this is no P-256 private key")
                  : failed(o->attest_key, status);
    tsr_wipe(key, sizeof key);
    return err;
}

static tsr_err take_text(const char *word, const char *text, char *out, size_t cap, size_t *len)
{
    if (text == NULL)
        return TSR_OK;
    *len = strlen(text);
    if (*len > cap)
        return factory_complain(TSR_E_ARGUMENT, word, "too long");
    memcpy(out, text, *len);
    return TSR_OK;
}

static tsr_err settings(factory_device *d, const factory_options *o)
{
    tsr_attest_settings s;
    psa_status_t status = tsr_attest_settings_load(&d->store.its, &s);
    size_t len = 0;
    tsr_err err = TSR_OK;

    if (status != PSA_SUCCESS)
        return failed("attestation settings", status);
    if (o->implementation != NULL &&
        (factory_hex(tsr_text(o->implementation), s.implementation, 32, &len) != TSR_OK ||
         len != 32))
        return factory_complain(TSR_E_ARGUMENT, "--implementation",
                                "64 hexadecimal digits are wanted");
    err = take_text("--certification", o->certification, s.certification, sizeof s.certification,
                    &s.certification_len);
    if (err == TSR_OK)
        err = take_text("--verification", o->verification, s.verification, sizeof s.verification,
                        &s.verification_len);
    if (err != TSR_OK)
        return err;
    s.provisioned = s.provisioned || o->implementation != NULL;
    if (!s.provisioned)
        return factory_complain(TSR_E_ARGUMENT, "--implementation", "it is needed");
    status = tsr_attest_settings_store(&d->store.its, &s);
    if (status == PSA_ERROR_INVALID_ARGUMENT)
        return factory_complain(TSR_E_ARGUMENT, "--certification, --verification",
                                "EAN-13, a hyphen and 5 digits; printable ASCII");
    return status == PSA_SUCCESS ? TSR_OK : failed("attestation settings", status);
}

tsr_err factory_attest(factory_device *d, const factory_options *o)
{
    tsr_err err = attest_key(o);

    return err == TSR_OK ? settings(d, o) : err;
}

/* First secrets */
static tsr_err psk(int32_t client, const factory_secret *s)
{
    mbedtls_svc_key_id_t id = mbedtls_svc_key_id_make(client, s->id), made;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t key[SECRET_MAX];
    size_t len = 0;
    psa_status_t status = PSA_SUCCESS;
    tsr_err err = factory_read_hex(s->file, key, sizeof key, &len);

    psa_set_key_id(&a, id);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    if (err == TSR_OK) {
        (void)psa_destroy_key(id); /* of an earlier run */
        status = psa_import_key(&a, key, len, &made);
    }
    tsr_wipe(key, sizeof key);
    return status == PSA_SUCCESS ? err : failed(s->file, status);
}

static tsr_err asset(factory_device *d, int32_t client, const factory_secret *s)
{
    static uint8_t value[ASSET_MAX];
    size_t len = 0;
    psa_status_t status = PSA_SUCCESS;
    tsr_err err = factory_read(s->file, value, sizeof value, &len);

    if (err == TSR_OK)
        status = tsr_its_set(&d->store.its, client, s->id, len, value, PSA_STORAGE_FLAG_WRITE_ONCE);
    tsr_wipe(value, sizeof value);
    return status == PSA_SUCCESS ? err : failed(s->file, status);
}

tsr_err factory_secrets(factory_device *d, const factory_options *o)
{
    tsr_err err = TSR_OK;

    for (size_t i = 0; i < o->secret_count && err == TSR_OK; i++) {
        const factory_secret *s = &o->secrets[i];
        int32_t client;

        if (tsr_spm_client_of(&o->clients, s->uid, &client) != TSR_OK)
            return factory_complain(TSR_E_DENIED, s->file, "this user is no client");
        err = s->asset ? asset(d, client, s) : psk(client, s);
    }
    return err;
}

/* The key that images are encrypted to: of this device, or of its class. */
tsr_err factory_update_key(const factory_options *o)
{
    mbedtls_svc_key_id_t id = mbedtls_svc_key_id_make(TSR_ITS_FWU, TSR_FWU_KEY_ID), made;
    psa_key_attributes_t a = tsr_cose_kek_attributes();
    uint8_t key[TSR_COSE_CEK];
    size_t len = 0;
    psa_status_t status;
    tsr_err err;

    if (o->update_key == NULL)
        return TSR_OK;
    err = factory_read_hex(o->update_key, key, sizeof key, &len);
    if (err == TSR_OK && len != sizeof key)
        err = factory_complain(TSR_E_ARGUMENT, o->update_key, "32 hexadecimal digits are wanted");
    psa_set_key_id(&a, id);
    psa_set_key_lifetime(&a, PSA_KEY_LIFETIME_PERSISTENT);
    if (err == TSR_OK) {
        (void)psa_destroy_key(id); /* of an earlier run */
        status = psa_import_key(&a, key, len, &made);
        if (status != PSA_SUCCESS)
            err = failed(o->update_key, status);
    }
    tsr_wipe(key, sizeof key);
    return err;
}

/* Firmware update: the configuration and the keys that it names beside it */
static tsr_err copy(const char *from_dir, size_t from_len, const char *name, size_t name_len,
                    const char *to_dir)
{
    static uint8_t data[CONF_MAX];
    char from[4096], to[4096];
    size_t len = 0;
    tsr_err err;

    if (memchr(name, '/', name_len) != NULL)
        return factory_complain(TSR_E_ARGUMENT, "--update",
                                "an anchor's file must lie beside the configuration");
    if (snprintf(from, sizeof from, "%.*s%.*s", (int)from_len, from_dir, (int)name_len, name) >=
            (int)sizeof from ||
        snprintf(to, sizeof to, "%s/%.*s", to_dir, (int)name_len, name) >= (int)sizeof to)
        return factory_complain(TSR_E_ARGUMENT, "--update", "a path is too long");
    err = factory_read(from, data, sizeof data, &len);
    return err == TSR_OK ? factory_write(to, tsr_view(data, len), 0644) : err;
}

static tsr_err copy_anchors(const char *conf, size_t dir_len, tsr_bytes text, const char *to)
{
    tsr_err err = TSR_OK;

    while (text.len > 0 && err == TSR_OK) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        char line[256] = "", word[16] = "", name[200] = "";

        memcpy(line, text.ptr, len < sizeof line - 1 ? len : sizeof line - 1);
        /* NOLINTNEXTLINE(cert-err34-c): words alone, no number is converted */
        if (sscanf(line, "%15s %199s", word, name) == 2 && strcmp(word, "anchor") == 0)
            err = copy(conf, dir_len, name, strlen(name), to);
        text = tsr_skip(text, len + 1);
    }
    return err;
}

tsr_err factory_update(const factory_options *o)
{
    static uint8_t text[CONF_MAX];
    static tsr_slots slots;
    char to[4096];
    const char *slash;
    size_t len = 0;
    tsr_err err;

    if (o->update == NULL)
        return TSR_OK;
    slash = strrchr(o->update, '/');
    if (mkdir(o->slots, 0755) != 0 && errno != EEXIST)
        return factory_complain(TSR_E_IO, o->slots, strerror(errno));
    if (snprintf(to, sizeof to, "%s/update.conf", o->slots) >= (int)sizeof to)
        return factory_complain(TSR_E_ARGUMENT, "--slots", "the path is too long");
    err = factory_read(o->update, text, sizeof text, &len);
    if (err == TSR_OK)
        err = copy_anchors(o->update, slash != NULL ? (size_t)(slash - o->update) + 1 : 0,
                           tsr_view(text, len), o->slots);
    if (err == TSR_OK)
        err = factory_write(to, tsr_view(text, len), 0644);
    if (err == TSR_OK && (err = tsr_slots_open(&slots, o->slots)) != TSR_OK)
        return factory_complain(err, o->update, slots.error);
    tsr_slots_close(&slots);
    return err;
}

/* Lifecycle */
tsr_err factory_advance(factory_device *d, const factory_options *o)
{
    tsr_lifecycle_state now = tsr_lifecycle_get(&d->lifecycle);
    psa_status_t status;

    if (o->state == TSR_LIFECYCLE_UNKNOWN || o->state == now)
        return TSR_OK;
    status = tsr_lifecycle_advance(&d->lifecycle, o->state);
    if (status == PSA_ERROR_NOT_PERMITTED)
        return factory_complain(TSR_E_DENIED, tsr_lifecycle_name(o->state),
                                "the device is in a later state already");
    return status == PSA_SUCCESS ? TSR_OK : failed("lifecycle", status);
}
