/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest's own sequences are run, and this file is the device they run on. Signatures are
 * verified behind the wall. */
#include "apps/tesserad/package.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/fwu/trust.h"
#include "ports/linux/host/pem.h"
#include "psa/crypto.h"
#include "tessera/cose/cose.h"
#include "tessera/cose/key.h"
#include "tessera/suit/run.h"

enum { PIECE = 16384 };

/* SubjectPublicKeyInfo of P-256 up to the point (RFC 5480 §2.1.1). */
static const uint8_t spki_head[26] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};

/* ---- who is trusted ---- */

static tsr_err read_anchor(uint8_t point[65], const char *path, const char **reason)
{
    uint8_t text[4096];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t n;
    tsr_bytes der;

    *reason = "anchor: the file cannot be read";
    if (fd < 0)
        return TSR_E_IO;
    *reason = tsr_untrusted(fd, S_IFREG); /* whoever wrote it decides who may sign */
    n = *reason == NULL ? read(fd, text, sizeof text) : 0;
    (void)close(fd);
    if (*reason != NULL)
        return TSR_E_DENIED;
    *reason = "anchor: no public key of P-256 as PEM or DER SubjectPublicKeyInfo";
    if (n <= 0)
        return TSR_E_MALFORMED;
    der = tsr_view(text, (size_t)n);
    if (text[0] != 0x30 && tsr_host_pem(text, (size_t)n, "PUBLIC KEY", &der) != TSR_OK)
        return TSR_E_MALFORMED;
    if (der.len != sizeof spki_head + 65 || memcmp(der.ptr, spki_head, sizeof spki_head) != 0 ||
        der.ptr[sizeof spki_head] != 4)
        return TSR_E_MALFORMED;
    memcpy(point, der.ptr + sizeof spki_head, 65);
    return TSR_OK;
}

static int nibble(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = (char)(ch | 0x20);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* 32 digits, with dashes where people put them. */
static tsr_err read_uuid(uint8_t uuid[16], const char *text)
{
    size_t digits = 0;

    for (; *text != '\0'; text++) {
        int v = nibble(*text);

        if (*text == '-')
            continue;
        if (v < 0 || digits == 32)
            return TSR_E_MALFORMED;
        uuid[digits / 2] = (uint8_t)(digits % 2 == 0 ? v << 4 : uuid[digits / 2] | v);
        digits++;
    }
    return digits == 32 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err package_trust_read(package_trust *t, const char *anchor, const char *vendor,
                           const char *class_id, const char **reason)
{
    *reason = "vendor and class: each is a UUID of 32 hexadecimal digits";
    if (read_uuid(t->vendor, vendor) != TSR_OK || read_uuid(t->class_id, class_id) != TSR_OK)
        return TSR_E_MALFORMED;
    return read_anchor(t->point, anchor, reason);
}

/* ---- one package ---- */

typedef struct {
    const package_trust *trust;
    const tsr_suit_envelope *e;
    tsr_bytes package;
    package_says *says;
    package_verdict verdict; /* with reason, of what was refused */
    bool vendor, class_id, matched;
} check;

static tsr_err refuse(check *c, package_verdict verdict, const char *reason)
{
    c->verdict = verdict;
    c->says->reason = reason;
    return TSR_E_DENIED;
}

static tsr_err sha256(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST])
{
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);
    size_t len;

    (void)self;
    while (status == PSA_SUCCESS && in.len != 0) {
        tsr_bytes piece = tsr_first(in, PIECE);

        status = psa_hash_update(&hash, piece.ptr, piece.len);
        in = tsr_skip(in, piece.len);
    }
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&hash, out, TSR_SUIT_DIGEST, &len);
    if (status == PSA_SUCCESS)
        return TSR_OK;
    (void)psa_hash_abort(&hash);
    return TSR_E_CRYPTO;
}

static tsr_err verify(void *self, tsr_bytes cose, tsr_bytes payload,
                      uint8_t signer[TSR_SUIT_DIGEST])
{
    const check *c = self;
    tsr_cose_message m;
    tsr_cose_key_id key;
    tsr_err err = tsr_cose_read(cose, TSR_COSE_SIGN1, &m);

    if (err == TSR_OK && !m.detached)
        err = TSR_E_CRYPTO; /* SUIT 8.3 */
    if (err == TSR_OK)
        err = tsr_cose_point_import(tsr_view(c->trust->point, 65), TSR_COSE_ES256, &key);
    if (err != TSR_OK)
        return err;
    err = tsr_cose_sign1_verify(&m, key, payload, tsr_view(NULL, 0));
    (void)psa_destroy_key(key);
    if (err == TSR_OK)
        err = sha256(NULL, tsr_view(c->trust->point, 65), signer);
    return err;
}

/* In the envelope, or right behind it, up to the end of the package. */
static tsr_err locate(check *c, const tsr_suit_params *p)
{
    const tsr_suit_envelope *e = c->e;
    uint64_t at = e->len, len = tsr_suit_has(p, TSR_SUIT_P_SIZE) ? p->size : 0;

    if (tsr_suit_has(p, TSR_SUIT_P_ENCRYPTION))
        return refuse(c, PACKAGE_FORMAT, "encrypted");
    if (e->payload_count > 1)
        return refuse(c, PACKAGE_FORMAT, "more than one payload");
    if (e->payload_count == 1) {
        at = e->payloads[0].at;
        if (tsr_suit_has(p, TSR_SUIT_P_SIZE) && p->size != e->payloads[0].len)
            return refuse(c, PACKAGE_UNTRUSTED, "not as long as its manifest says");
        len = e->payloads[0].len;
    }
    if (at > c->package.len || len > c->package.len - at ||
        (e->payload_count == 1 ? e->len : at + len) != c->package.len)
        return refuse(c, PACKAGE_UNTRUSTED, "not as long as its manifest says");
    c->says->bundle = tsr_first(tsr_skip(c->package, (size_t)at), (size_t)len);
    return TSR_OK;
}

static tsr_err match(check *c, const tsr_suit_params *p)
{
    uint8_t digest[TSR_SUIT_DIGEST];
    tsr_err err = locate(c, p);

    if (err == TSR_OK && sha256(NULL, c->says->bundle, digest) != TSR_OK)
        err = refuse(c, PACKAGE_UNTRUSTED, "the secure service cannot hash");
    if (err == TSR_OK && !tsr_same(p->digest, tsr_view(digest, sizeof digest)))
        err = refuse(c, PACKAGE_UNTRUSTED, "changed on its way");
    c->matched |= err == TSR_OK;
    return err;
}

static tsr_err on_test(void *self, tsr_suit_condition what, size_t component,
                       const tsr_suit_params *p)
{
    check *c = self;

    (void)component; /* there is one */
    switch (what) {
    case TSR_SUIT_VENDOR_ID:
        c->vendor = tsr_same(p->vendor, tsr_view(c->trust->vendor, 16));
        return c->vendor ? TSR_OK : refuse(c, PACKAGE_FORMAT, "for another vendor's devices");
    case TSR_SUIT_CLASS_ID:
        c->class_id = tsr_same(p->class_id, tsr_view(c->trust->class_id, 16));
        return c->class_id ? TSR_OK : refuse(c, PACKAGE_FORMAT, "for another kind of device");
    case TSR_SUIT_IMAGE_MATCH: return match(c, p);
    default:                   return refuse(c, PACKAGE_FORMAT, "conditions that software has not");
    }
}

static tsr_err on_act(void *self, tsr_suit_directive what, size_t component,
                      const tsr_suit_params *p)
{
    (void)component;
    (void)p;
    return what == TSR_SUIT_FETCH || what == TSR_SUIT_INVOKE
               ? TSR_OK
               : refuse(self, PACKAGE_FORMAT, "commands that software has not");
}

static tsr_err run(check *c, const tsr_suit_manifest *m)
{
    const tsr_suit_device ops = { c, on_test, on_act };
    tsr_suit_run_state r;
    tsr_err err;

    tsr_suit_begin(&r, m, &ops);
    err = tsr_suit_run(&r, tsr_view(NULL, 0));
    if (err == TSR_OK)
        err = tsr_suit_run(&r, m->fetch.bytes);
    if (err == TSR_OK)
        err = tsr_suit_run(&r, m->install.bytes);
    if (err == TSR_OK)
        err = tsr_suit_run(&r, m->validate);
    if (err != TSR_OK)
        return err;
    if (!c->vendor || !c->class_id) /* SUIT 6.2: else it is for nobody */
        return refuse(c, PACKAGE_FORMAT, "does not say for which devices");
    return c->matched ? TSR_OK : refuse(c, PACKAGE_UNTRUSTED, "does not say what its content is");
}

/* The one component's identifier, [h'name'], which becomes part of no path. */
static tsr_err take_name(package_says *says, const tsr_suit_manifest *m)
{
    for (size_t head = 2; head <= 3 && head < m->component[0].len; head++) {
        tsr_bytes name = tsr_skip(m->component[0], head);

        if (name.len > PACKAGE_NAME || !tsr_suit_named(m, 0, name))
            continue;
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f)
                return TSR_E_MALFORMED;
        }
        memcpy(says->name, name.ptr, name.len);
        says->name[name.len] = '\0';
        return TSR_OK;
    }
    return TSR_E_MALFORMED;
}

static void take_version(package_says *says, const tsr_suit_manifest *m)
{
    tsr_bytes text;

    if (tsr_suit_text(m, 0, 6, &text) == TSR_OK && text.len <= PACKAGE_VERSION &&
        (text.len == 0 || memchr(text.ptr, 0, text.len) == NULL))
        (void)snprintf(says->version, sizeof says->version, "%.*s", (int)text.len,
                       (const char *)text.ptr);
    else
        (void)snprintf(says->version, sizeof says->version, "%llu",
                       (unsigned long long)m->sequence);
}

static tsr_err check_signed(check *c, const tsr_suit_crypto *crypto)
{
    uint8_t signer[TSR_SUIT_DIGEST];
    tsr_suit_manifest m;
    tsr_err err;

    if (tsr_suit_check(c->e, crypto, signer) != TSR_OK)
        return refuse(c, PACKAGE_UNTRUSTED, "not signed by whom this device trusts");
    err = tsr_suit_read(c->e, crypto, &m);
    if (err == TSR_OK && (m.components != 1 || take_name(c->says, &m) != TSR_OK))
        err = TSR_E_UNSUPPORTED;
    if (err != TSR_OK)
        return err;
    c->says->sequence = m.sequence;
    take_version(c->says, &m);
    return run(c, &m);
}

package_verdict package_check(const package_trust *t, tsr_bytes package, package_says *says)
{
    tsr_suit_envelope e;
    check c = { .trust = t, .e = &e, .package = package, .says = says,
                .verdict = PACKAGE_FORMAT };
    const tsr_suit_crypto crypto = { &c, sha256, verify };
    tsr_err err;

    *says = (package_says){ .reason = "no package of software" };
    if (psa_crypto_init() != PSA_SUCCESS) {
        (void)refuse(&c, PACKAGE_UNTRUSTED, "the secure service does not answer");
        return c.verdict;
    }
    err = tsr_suit_open(package, package.len, &e);
    if (err == TSR_E_SPACE)
        (void)refuse(&c, PACKAGE_UNTRUSTED, "not as long as its manifest says");
    if (err == TSR_OK)
        err = check_signed(&c, &crypto);
    return err == TSR_OK ? PACKAGE_GOOD : c.verdict;
}
