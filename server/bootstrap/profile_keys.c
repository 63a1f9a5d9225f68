/* SPDX-License-Identifier: Apache-2.0
 *
 * The security of a server account: its mode, its keys and its certificates. */
#include "server/bootstrap/profile_in.h"

#include "tessera/base/hex.h"

#include <stdio.h>

bool bs_is_plain(const bs_account *a) { return a->mode == BS_NOSEC || a->mode == BS_OSCORE; }

tsr_err bs_read_mode(const reading *r, const tsr_json *object, bs_account *a)
{
    static const struct {
        const char *name;
        bs_mode mode;
    } modes[] = { { "psk", BS_PSK },
                  { "rpk", BS_RPK },
                  { "x509", BS_X509 },
                  { "nosec", BS_NOSEC },
                  { "est", BS_EST },
                  { "oscore", BS_OSCORE } };
    char name[8] = "";

    (void)tsr_json_find_cstring(object, "security", name, sizeof name);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, modes[i].name) == 0) {
            a->mode = modes[i].mode;
            return TSR_OK;
        }
    return bs_bad(r, "`security` must be psk, rpk, x509, nosec, est or oscore");
}

static bool has_key(const bs_account *a) { return a->mode == BS_PSK || a->mode == BS_OSCORE; }

/* 0: no hexadecimal digits, or none at all. */
static size_t from_hex(const char *text, uint8_t *bytes, size_t most)
{
    tsr_buf out = tsr_buf_over(bytes, most);

    return tsr_hex_get(tsr_text(text), &out) == TSR_OK ? out.len : 0;
}

static tsr_err read_key(const reading *r, const tsr_json *object, bs_account *a)
{
    char text[2 * BS_KEY_MAX + 1] = "";
    tsr_err err = tsr_json_find_cstring(object, "key", text, sizeof text);

    a->key_len = err == TSR_OK ? from_hex(text, a->key, sizeof a->key) : 0;
    tsr_wipe(text, sizeof text);
    if (err == TSR_E_NOT_FOUND && has_key(a) && !a->generate)
        return bs_bad(r, "psk and oscore need `key`, or `generate`: true for a fresh one for each "
                      "device");
    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (a->key_len == 0)
        return bs_bad(r, "`key` must be 1 to %d bytes in hexadecimal digits", BS_KEY_MAX);
    if (!has_key(a) || a->generate)
        return bs_bad(r, "`key` is for psk and oscore without `generate`; remove one of them");
    return TSR_OK;
}

tsr_err bs_read_psk(const reading *r, const tsr_json *object, bs_account *a)
{
    tsr_err err = tsr_json_find_cstring(object, "identity", a->identity, sizeof a->identity);

    if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        return bs_bad(r, "`identity` must be a string of at most %d bytes", BS_IDENTITY_MAX);
    if (a->mode != BS_PSK && a->identity[0])
        return bs_bad(r, "`identity` is for psk; for x509 the certificate names the device");
    if (a->mode == BS_PSK && !a->identity[0])
        (void)snprintf(a->identity, sizeof a->identity, "{endpoint}");
    if (a->generate && (!has_key(a) || a->bootstrap))
        return bs_bad(r, "`generate` is for psk and oscore of a server that is not the bootstrap "
                      "server");
    return read_key(r, object, a);
}

static tsr_err read_bytes(const reading *r, const tsr_json *object, const char *name, size_t most,
                          bs_bytes *out)
{
    char text[2 * sizeof out->bytes + 1] = "";
    tsr_err err = tsr_json_find_cstring(object, name, text, 2 * most + 1);

    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    out->len = err == TSR_OK ? (uint8_t)from_hex(text, out->bytes, most) : 0;
    out->given = true;
    return err == TSR_OK && (out->len != 0 || text[0] == 0)
               ? TSR_OK
               : bs_bad(r, "`%s` must be at most %zu bytes in hexadecimal digits", name, most);
}

static tsr_err check_oscore(const reading *r, const bs_account *a)
{
    bool any = a->device_id.given || a->server_id.given || a->salt.given || a->id_context.given ||
               a->aead != 0;

    if (a->mode != BS_OSCORE)
        return any ? bs_bad(r, "`device_id`, `server_id`, `salt`, `id_context` and `aead` are for "
                            "oscore")
                   : TSR_OK;
    if (a->generate)
        return a->device_id.given || a->salt.given
                   ? bs_bad(r, "with `generate` each device gets a `device_id` and a `salt` of its "
                            "own; leave them out")
                   : TSR_OK;
    return a->device_id.len == a->server_id.len &&
                   memcmp(a->device_id.bytes, a->server_id.bytes, a->device_id.len) == 0
               ? bs_bad(r, "`device_id` and `server_id` are the same; give each end its own")
               : TSR_OK;
}

/* RFC 8613 §3.2: what the two ends agree on. */
tsr_err bs_read_oscore(const reading *r, const tsr_json *object, bs_account *a)
{
    int64_t aead = 0;
    tsr_err err;

    if ((err = read_bytes(r, object, "device_id", 7, &a->device_id)) != TSR_OK ||
        (err = read_bytes(r, object, "server_id", 7, &a->server_id)) != TSR_OK ||
        (err = read_bytes(r, object, "salt", 64, &a->salt)) != TSR_OK ||
        (err = read_bytes(r, object, "id_context", 64, &a->id_context)) != TSR_OK ||
        (err = bs_number(r, object, "aead", 1, 255, &aead)) != TSR_OK)
        return err;
    a->aead = (uint8_t)aead;
    return check_oscore(r, a);
}

tsr_err bs_check_certificates(const reading *r, const tsr_json *object, const bs_account *a)
{
    bool own = bs_given(object, "certificate") && bs_given(object, "private_key");

    if ((a->mode == BS_PSK || bs_is_plain(a)) &&
        (bs_given(object, "certificate") || bs_given(object, "private_key") ||
         bs_given(object, "server_certificate")))
        return bs_bad(r, "certificates and `private_key` are for x509, rpk and est");
    if (a->mode == BS_EST && (bs_given(object, "certificate") ||
                               bs_given(object, "private_key")))
        return bs_bad(r, "with est the device enrols its own: leave out `certificate` and "
                      "`private_key`");
    if ((a->mode == BS_X509 || a->mode == BS_RPK) && !own)
        return bs_bad(r, "x509 and rpk need `certificate` and `private_key` in Base64; est lets "
                      "the device make its own");
    if ((a->mode == BS_X509 || a->mode == BS_RPK || a->mode == BS_EST) &&
        !bs_given(object, "server_certificate"))
        return bs_bad(r, "`server_certificate` in Base64 is what the device checks the server by");
    return TSR_OK;
}
