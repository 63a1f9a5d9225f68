/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera package inspect and verify: what a package says, and whether it is true. */
#include "apps/tessera/package.h"

#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "ports/linux/bundle/bundle.h"
#include "tessera/cose/cose.h"
#include "tessera/suit/mcuboot.h"
#include "tessera/suit/run.h"

/* --- the report: lines for people, or one JSON object -------------------------------------- */

typedef struct {
    bool json;
    tsr_json_out out;
    tsr_buf buf;
    unsigned refusals; /* checks that failed */
} report;

static void put_text(report *r, const char *name, tsr_bytes value)
{
    if (value.ptr == NULL || value.len == 0)
        return;
    if (r->json) {
        tsr_json_put_key(&r->out, name);
        tsr_json_put_string(&r->out, value);
        return;
    }
    (void)printf("%-18s ", name);
    print_visible(value);
    (void)putchar('\n');
}

static void put_cstring(report *r, const char *name, const char *value)
{
    put_text(r, name, tsr_text(value));
}

static void put_number(report *r, const char *name, uint64_t value)
{
    if (r->json) {
        tsr_json_put_key(&r->out, name);
        tsr_json_put_uint(&r->out, value);
    } else {
        (void)printf("%-18s %llu\n", name, (unsigned long long)value);
    }
}

static void put_hex(report *r, const char *name, tsr_bytes value)
{
    char hex[2 * 64 + 1] = "";

    for (size_t i = 0; i < value.len && i < 64; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", value.ptr[i]);
    put_cstring(r, name, hex);
}

static void put_uuid(report *r, const char *name, tsr_bytes value)
{
    char text[37];

    if (value.len != 16) {
        put_hex(r, name, value);
        return;
    }
    package_uuid_text(value.ptr, text);
    put_cstring(r, name, text);
}

/* A check and how it went; `why` says more about a failure. */
static void put_check(report *r, const char *name, bool good, const char *why)
{
    r->refusals += !good;
    if (r->json) {
        tsr_json_put_key(&r->out, name);
        tsr_json_put_bool(&r->out, good);
    } else {
        (void)printf("%-18s %s\n", name, good ? "yes" : "NO");
    }
    if (!good)
        (void)package_say(0, "%s", why);
}

static void begin(report *r, bool json)
{
    enum { ROOM = 1 << 20 };

    *r = (report){ .json = json };
    if (!json)
        return;
    r->buf = tsr_buf_over(need(malloc(ROOM)), ROOM);
    r->out = tsr_json_to(&r->buf);
    tsr_json_open_object(&r->out);
}

static int end(report *r)
{
    int code = r->refusals == 0 ? PACKAGE_DONE : PACKAGE_REFUSED;

    if (!r->json)
        return code;
    tsr_json_put_key(&r->out, "good");
    tsr_json_put_bool(&r->out, r->refusals == 0);
    tsr_json_close(&r->out);
    if (tsr_json_end(&r->out) == TSR_OK)
        (void)printf("%.*s\n", (int)r->buf.len, (const char *)r->buf.ptr);
    else
        code = package_say(PACKAGE_FAILED, "the package says more than a report can hold");
    free(r->buf.ptr);
    return code;
}

/* --- the signature ------------------------------------------------------------------------ */

typedef struct {
    psa_key_id_t key; /* 0: nobody in particular */
    uint8_t key_name[32];
    tsr_cose_message block; /* the last one that was looked at */
    bool seen;
} signer;

static tsr_err sha256(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST])
{
    (void)self;
    package_sha256(in, out);
    return TSR_OK;
}

static tsr_err verify_block(void *self, tsr_bytes cose, tsr_bytes payload,
                            uint8_t name[TSR_SUIT_DIGEST])
{
    signer *s = self;
    tsr_cose_message m;
    tsr_err err = tsr_cose_read(cose, TSR_COSE_SIGN1, &m);

    if (err != TSR_OK)
        return err;
    s->block = m;
    s->seen = true;
    memcpy(name, s->key_name, 32);
    if (s->key == 0)
        return TSR_OK;
    return tsr_cose_sign1_verify(&m, s->key, payload, (tsr_bytes){ 0 });
}

/* --- the manifest ------------------------------------------------------------------------- */

/* Runs the sequences of a manifest only to learn their parameters. */
typedef struct {
    bool vendor, class_id, match, version; /* which conditions stand there */
    tsr_suit_params needs[PACKAGE_NEEDS + 1];
    size_t need_component[PACKAGE_NEEDS + 1], need_count;
} conditions;

static tsr_err note_condition(void *self, tsr_suit_condition what, size_t component,
                              const tsr_suit_params *p)
{
    conditions *c = self;

    c->vendor |= what == TSR_SUIT_VENDOR_ID;
    c->class_id |= what == TSR_SUIT_CLASS_ID;
    c->match |= what == TSR_SUIT_IMAGE_MATCH && component == 0;
    if (what == TSR_SUIT_VERSION && c->need_count < PACKAGE_NEEDS) {
        c->need_component[c->need_count] = component;
        c->needs[c->need_count++] = *p;
    }
    return TSR_OK;
}

static tsr_err do_nothing(void *self, tsr_suit_directive what, size_t component,
                          const tsr_suit_params *p)
{
    (void)self;
    (void)what;
    (void)component;
    (void)p;
    return TSR_OK;
}

/* [h'name'] as text; anything else as hexadecimal digits. */
static tsr_bytes component_name(const tsr_suit_manifest *m, size_t i)
{
    tsr_bytes id = m->component[i];

    for (size_t head = 2; head <= 3 && head < id.len; head++) {
        tsr_bytes name = tsr_skip(id, head);

        if (tsr_suit_named(m, i, name))
            return name;
    }
    return (tsr_bytes){ 0 };
}

static void show_component(report *r, const tsr_suit_manifest *m)
{
    tsr_bytes name = component_name(m, 0), text;
    static const struct {
        unsigned key;
        const char *name;
    } texts[] = { { 1, "vendor_name" }, { 2, "model_name" }, { 5, "description" }, { 6, "version" } };

    if (name.len != 0)
        put_text(r, "component", name);
    else
        put_hex(r, "component_id", m->component[0]);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (tsr_suit_text(m, 0, texts[i].key, &text) == TSR_OK)
            put_text(r, texts[i].name, text);
}

static void show_needs(report *r, const tsr_suit_manifest *m, const conditions *c)
{
    static const char *const signs[] = { "?", ">", ">=", "=", "<=", "<" };

    if (c->need_count == 0)
        return;
    if (r->json) {
        tsr_json_put_key(&r->out, "needs");
        tsr_json_open_array(&r->out);
    }
    for (size_t i = 0; i < c->need_count; i++) {
        const tsr_suit_params *p = &c->needs[i];
        tsr_bytes name = component_name(m, c->need_component[i]);
        char text[128];
        int n = snprintf(text, sizeof text, "%.*s %s ", (int)(name.len < 64 ? name.len : 64),
                         (const char *)name.ptr, signs[p->version.how <= 5 ? p->version.how : 0]);

        for (size_t k = 0; k < p->version.count; k++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%lu", k == 0 ? "" : k == 3 ? "+" : ".",
                          (unsigned long)p->version.number[k]);
        if (r->json)
            tsr_json_put_cstring(&r->out, text);
        else
            put_cstring(r, "needs", text);
    }
    if (r->json)
        tsr_json_close(&r->out);
}

/* --- the image ---------------------------------------------------------------------------- */

static void show_file(report *r, const tsr_bundle_file *f)
{
    char mode[8];

    (void)snprintf(mode, sizeof mode, "%04o", (unsigned)f->mode);
    if (!r->json) {
        (void)printf("%-18s %s %10zu ", "file", mode, f->content.len);
        print_visible(tsr_text(f->name));
        (void)putchar('\n');
        return;
    }
    tsr_json_open_object(&r->out);
    put_cstring(r, "name", f->name);
    put_cstring(r, "mode", mode);
    put_number(r, "size", f->content.len);
    tsr_json_close(&r->out);
}

static void show_bundle(report *r, tsr_bytes image)
{
    tsr_bundle walk = { image };
    tsr_bundle_file f;
    tsr_err err;

    put_cstring(r, "image", "bundle");
    if (r->json) {
        tsr_json_put_key(&r->out, "files");
        tsr_json_open_array(&r->out);
    }
    while ((err = tsr_bundle_next(&walk, &f)) == TSR_OK)
        show_file(r, &f);
    if (r->json)
        tsr_json_close(&r->out);
    if (err != TSR_END)
        put_check(r, "bundle_whole", false, "the bundle is damaged, or holds more than plain files");
}

static void show_image(report *r, tsr_bytes image)
{
    tsr_mcuboot_header h;

    if (image.len > 262 && memcmp(image.ptr + 257, "ustar", 5) == 0) {
        show_bundle(r, image);
        return;
    }
    if (!tsr_mcuboot_is_image(image) || tsr_mcuboot_header_read(image, &h) != TSR_OK) {
        put_cstring(r, "image", "raw");
        return;
    }
    char version[32];

    package_version_text(&(package_version){ h.major, h.minor, h.patch, h.build }, version);
    put_cstring(r, "image", "mcuboot");
    put_cstring(r, "mcuboot_version", version);
    put_number(r, "mcuboot_image_size", h.image_len);
}

/* The image that the envelope means: inside it, behind it, or given apart. */
static const char *find_image(const tsr_suit_envelope *e, const tsr_suit_params *p, tsr_bytes file,
                              const package_bytes *apart, tsr_bytes *image)
{
    for (size_t i = 0; i < e->payload_count; i++)
        if (tsr_same(e->payloads[i].name, p->uri)) {
            *image = tsr_first(tsr_skip(file, (size_t)e->payloads[i].at),
                               (size_t)e->payloads[i].len);
            return "integrated";
        }
    if (file.len > e->len) {
        *image = tsr_skip(file, (size_t)e->len);
        return "bundled";
    }
    *image = package_view(*apart);
    return "detached";
}

static void check_image(report *r, const tsr_suit_params *p, tsr_bytes image)
{
    uint8_t digest[32];

    put_check(r, "size_matches", image.len == p->size,
              "the image is not as long as the manifest says: it was cut, or more follows it");
    package_sha256(image, digest);
    put_check(r, "digest_matches", tsr_same(tsr_view(digest, 32), p->digest),
              "the image is not the one that was signed");
}

/* --- an encrypted image --------------------------------------------------------------------- */

static void show_recipients(report *r, const tsr_cose_encrypted *e)
{
    tsr_cose_encrypted left = *e;
    tsr_cose_message m;

    if (r->json) {
        tsr_json_put_key(&r->out, "recipients");
        tsr_json_open_array(&r->out);
    }
    while (tsr_cose_recipient_next(&left, &m) == TSR_OK) {
        char text[160];
        int n = snprintf(text, sizeof text, "%s", m.alg == TSR_COSE_A128KW ? "A128KW" : "another");

        for (size_t i = 0; i < m.kid.len && i < 64; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%02x", i == 0 ? " " : "",
                          m.kid.ptr[i]);
        if (r->json)
            tsr_json_put_cstring(&r->out, text);
        else
            put_cstring(r, "recipient", text);
    }
    if (r->json)
        tsr_json_close(&r->out);
}

/* `image` becomes what was encrypted; NULL: nobody can say. */
static int open_image(const package_options *o, report *r, const tsr_suit_params *p, bool wanted,
                      tsr_bytes *image, package_bytes *plain)
{
    tsr_cose_encrypted e;
    tsr_bytes sealed = *image;
    int code;

    *image = (tsr_bytes){ 0 };
    if (tsr_cose_encrypted_read(p->encryption, &e) != TSR_OK) {
        put_check(r, "encryption_known", false, "the image is encrypted in a way not known here");
        return PACKAGE_DONE;
    }
    put_cstring(r, "encryption", "A128GCM");
    show_recipients(r, &e);
    if (o->decrypt_with == NULL || sealed.ptr == NULL) {
        if (wanted)
            put_check(r, "image_readable", false,
                      "the image is encrypted; name a key of its recipients with --decrypt-with");
        return PACKAGE_DONE;
    }
    code = package_decrypt(o->decrypt_with, &e, sealed, plain);
    if (code == PACKAGE_DONE)
        *image = package_view(*plain);
    else if (code == PACKAGE_REFUSED)
        r->refusals++;
    return code == PACKAGE_REFUSED ? PACKAGE_DONE : code;
}

/* --- what the caller demands -------------------------------------------------------------- */

static int check_demands(report *r, const package_options *o, const tsr_suit_manifest *m,
                         const tsr_suit_params *p)
{
    uint8_t vendor[16], class_id[16];
    int code = PACKAGE_DONE;

    if (o->vendor != NULL) {
        code = package_uuid(o->vendor, package_uuid_dns, vendor);
        put_check(r, "vendor_matches", tsr_same(tsr_view(vendor, 16), p->vendor),
                  "the package is for another vendor's devices");
    }
    if (code == PACKAGE_DONE && o->class_name != NULL && o->vendor != NULL) {
        code = package_uuid(o->class_name, vendor, class_id);
        put_check(r, "class_matches", tsr_same(tsr_view(class_id, 16), p->class_id),
                  "the package is for another class of devices");
    }
    if (o->component != NULL)
        put_check(r, "component_matches", tsr_suit_named(m, 0, tsr_text(o->component)),
                  "the package is for another component");
    if (o->sequence != 0)
        put_check(r, "sequence_allowed", m->sequence >= o->sequence,
                  "the package is older than --sequence allows");
    return code;
}

/* --- all of it ---------------------------------------------------------------------------- */

static const char *reason(tsr_err err)
{
    switch (err) {
    case TSR_E_CRYPTO: return "it is not signed by this key, or was changed afterwards";
    case TSR_E_UNSUPPORTED: return "it uses something that is not supported here";
    case TSR_E_SPACE: return "it is cut short";
    default: return "it is damaged, or no package at all";
    }
}

static int show(const package_options *o, report *r, tsr_bytes file, const package_bytes *apart,
                signer *s, package_bytes *plain)
{
    tsr_suit_crypto crypto = { s, sha256, verify_block };
    conditions c = { 0 };
    tsr_suit_device device = { &c, note_condition, do_nothing };
    tsr_suit_run_state run;
    tsr_suit_envelope e;
    tsr_suit_manifest m = { 0 };
    const char *layout;
    uint8_t name[32];
    tsr_bytes image;
    bool encrypted;
    int code = PACKAGE_DONE;
    tsr_err err = tsr_suit_open(file, file.len, &e);

    if (err == TSR_OK && e.block_count > TSR_SUIT_BLOCKS) {
        put_check(r, "signatures_few", false,
                  "it has more than 8 signatures, and no device takes it; sign it with fewer");
        return PACKAGE_REFUSED;
    }
    if (err == TSR_OK)
        err = tsr_suit_check(&e, &crypto, name);
    if (err == TSR_OK)
        err = tsr_suit_read(&e, &crypto, &m);
    if (err == TSR_OK) {
        tsr_suit_begin(&run, &m, &device);
        err = tsr_suit_run(&run, m.install.bytes);
    }
    if (err == TSR_OK && m.validate.len != 0)
        err = tsr_suit_run(&run, m.validate);
    if (err != TSR_OK) {
        put_check(r, "package_reads", false, reason(err));
        return PACKAGE_REFUSED;
    }
    const tsr_suit_params *p = &run.params[0];

    put_cstring(r, "format", "SUIT envelope");
    put_number(r, "sequence", m.sequence);
    show_component(r, &m);
    put_uuid(r, "vendor_id", p->vendor);
    put_uuid(r, "class_id", p->class_id);
    put_hex(r, "digest", p->digest);
    put_number(r, "size", p->size);
    put_text(r, "uri", p->uri);
    show_needs(r, &m, &c);
    put_hex(r, "manifest_digest", e.digest);
    put_number(r, "envelope_size", e.len);
    put_cstring(r, "algorithm", s->block.alg == TSR_COSE_ES256 ? "ES256" : "another");
    put_hex(r, "signer", s->key != 0 ? tsr_view(name, 32) : s->block.kid);
    layout = find_image(&e, p, file, apart, &image);
    put_cstring(r, "layout", layout);
    if (file.len > e.len && strcmp(layout, "bundled") != 0)
        put_check(r, "nothing_follows", false, "there are bytes behind the envelope");
    if (s->key != 0) {
        put_check(r, "signature_good", true, "");
        put_check(r, "conditions_there", c.vendor && c.class_id && c.match,
                  "the manifest lacks a condition on vendor, class or digest");
    }
    encrypted = tsr_suit_has(p, TSR_SUIT_P_ENCRYPTION);
    if (encrypted)
        code = open_image(o, r, p, s->key != 0, &image, plain);
    if (code != PACKAGE_DONE)
        return code;
    if (image.ptr != NULL) {
        show_image(r, image);
        check_image(r, p, image);
    } else if (s->key != 0 && !encrypted) {
        put_check(r, "image_there", false, "the image is apart; name it with --payload");
    }
    return check_demands(r, o, &m, p);
}

int package_show(const package_options *o, const char *path, const char *key)
{
    package_bytes file = { 0 }, apart = { 0 }, plain = { 0 };
    signer s = { 0 };
    report r;
    int code = PACKAGE_DONE, result;

    if (o->class_name != NULL && o->vendor == NULL)
        return package_say(PACKAGE_USAGE, "--class takes --vendor, whose id is its name space");
    if (key != NULL)
        code = package_public_key(key, &s.key);
    if (code == PACKAGE_DONE && key != NULL)
        code = package_key_name(s.key, s.key_name);
    if (code == PACKAGE_DONE)
        code = package_read(path, &file);
    if (code == PACKAGE_DONE && o->payload != NULL)
        code = package_read(o->payload, &apart);
    if (code == PACKAGE_DONE) {
        begin(&r, o->json);
        code = show(o, &r, package_view(file), &apart, &s, &plain);
        result = end(&r);
        code = code == PACKAGE_DONE ? result : code;
    }
    if (s.key != 0)
        (void)psa_destroy_key(s.key);
    free(file.ptr);
    free(apart.ptr);
    free(plain.ptr);
    return code;
}
