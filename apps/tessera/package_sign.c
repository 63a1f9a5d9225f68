/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera package sign: the SUIT envelope of an image. */
#include "apps/tessera/package.h"

#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "ports/linux/bundle/bundle.h"
#include "tessera/cose/cose.h"
#include "tessera/suit/mcuboot.h"
#include "tessera/suit/write.h"

enum { PART = 4096 }; /* bytes of any part of an envelope but the payload */

static const char payload_name[] = "#firmware";

/* What is missing on the command line; NULL: nothing. */
static const char *missing(const package_options *o)
{
    return o->key == NULL          ? "--key KEY.pem"
           : o->out == NULL        ? "--out PACKAGE"
           : o->vendor == NULL     ? "--vendor NAME or UUID"
           : o->class_name == NULL ? "--class NAME or UUID"
           : o->component == NULL  ? "--component NAME"
           : o->sequence == 0      ? "--sequence N"
                                   : NULL;
}

static int find_version(const package_options *o, tsr_bytes image, package_version *v)
{
    tsr_mcuboot_header h;

    if (o->version != NULL)
        return package_version_read(o->version, v)
                   ? PACKAGE_DONE
                   : package_say(PACKAGE_USAGE, "--version is X.Y.Z or X.Y.Z+BUILD (at most "
                                                "255.255.65535+4294967295), not '%s'", o->version);
    if (!tsr_mcuboot_is_image(image) || tsr_mcuboot_header_read(image, &h) != TSR_OK)
        return package_say(PACKAGE_USAGE, "sign takes --version X.Y.Z");
    *v = (package_version){ h.major, h.minor, h.patch, h.build };
    return PACKAGE_DONE;
}

/* A damaged image is told here, not on ten thousand devices. */
static void warn_of_image(tsr_bytes image)
{
    tsr_bundle_file f;
    bool ustar = image.len > 262 && memcmp(image.ptr + 257, "ustar", 5) == 0;
    tsr_err err = ustar ? tsr_bundle_find(image, "bin/tesserad", &f) : TSR_OK;

    if (err == TSR_E_NOT_FOUND)
        (void)package_say(0, "warning: the bundle has no bin/tesserad; tessera-boot cannot start it");
    else if (err != TSR_OK)
        (void)package_say(0, "warning: the image looks like a bundle, but is none (%s); make it "
                             "with tessera package make", tsr_err_name(err));
}

static int put_manifest(const package_options *o, tsr_bytes image, tsr_bytes encryption,
                        const package_version *v, tsr_buf *manifest)
{
    char version[32];
    uint8_t text_room[1024];
    tsr_buf text = tsr_buf_over(text_room, sizeof text_room);
    tsr_suit_need needs[PACKAGE_NEEDS];
    tsr_suit_plan plan = {
        .component = tsr_text(o->component),
        .sequence = o->sequence,
        .size = image.len,
        .uri = tsr_text(o->layout == PACKAGE_DETACHED && o->uri != NULL ? o->uri : payload_name),
        .encryption = encryption,
        .needs = needs,
        .need_count = o->need_count,
    };
    int code = package_uuid(o->vendor, package_uuid_dns, plan.vendor);

    if (code == PACKAGE_DONE)
        code = package_uuid(o->class_name, plan.vendor, plan.class_id);
    if (code != PACKAGE_DONE)
        return code;
    for (size_t i = 0; i < o->need_count; i++) {
        const package_version *n = &o->needs[i].version;

        needs[i] = (tsr_suit_need){ tsr_text(o->needs[i].component),
                                    { n->major, n->minor, n->patch, n->build } };
    }
    package_version_text(v, version);
    tsr_suit_put_text(&text, plan.component,
                      &(tsr_suit_texts){
                          .vendor_name = tsr_text(o->vendor),
                          .model_name = tsr_text(o->model != NULL ? o->model : o->class_name),
                          .description = tsr_text(o->description != NULL ? o->description : ""),
                          .version = tsr_text(version) });
    plan.text = tsr_buf_view(&text);
    package_sha256(image, plan.digest);
    if (text.err == TSR_OK)
        tsr_suit_put_manifest(manifest, &plan);
    if (text.err != TSR_OK || manifest->err != TSR_OK)
        return package_say(PACKAGE_USAGE, "names, texts and needs together are too long");
    return PACKAGE_DONE;
}

/* COSE_Sign1 over the digest of the manifest, which stands beside it (SUIT 8.3). */
static int sign(const package_options *o, tsr_bytes manifest, tsr_buf *signed_digest, tsr_buf *cose)
{
    uint8_t room[PART + 16], digest[32], name[32];
    tsr_buf wrapped = tsr_buf_over(room, sizeof room);
    psa_key_id_t key;
    int code = package_private_key(o->key, &key);

    if (code != PACKAGE_DONE)
        return code;
    tsr_suit_put_wrapped(&wrapped, manifest);
    package_sha256(tsr_buf_view(&wrapped), digest);
    tsr_suit_put_digest(signed_digest, digest);
    (void)package_key_name(key, name);
    tsr_cose_params params = { .alg = TSR_COSE_ES256, .kid = tsr_view(name, sizeof name),
                               .detached = true };

    if (tsr_cose_sign1(cose, &params, key, tsr_buf_view(signed_digest), (tsr_bytes){ 0 }) != TSR_OK)
        code = package_say(PACKAGE_KEY, "the key could not sign (%s)", tsr_err_name(cose->err));
    (void)psa_destroy_key(key);
    return code;
}

static int write_package(const package_options *o, tsr_bytes image, const tsr_suit_parts *parts)
{
    size_t cap = 4 * (size_t)PART + image.len;
    uint8_t *room = need(malloc(cap));
    tsr_buf out = tsr_buf_over(room, cap);

    tsr_suit_put_envelope(&out, parts);
    if (o->layout != PACKAGE_DETACHED)
        tsr_put_bytes(&out, image);
    int code = out.err == TSR_OK ? package_write(o->out, tsr_buf_view(&out), false)
                                 : package_say(PACKAGE_FAILED, "the envelope became too large");

    if (code == PACKAGE_DONE)
        (void)printf("%s: %zu bytes\n", o->out, out.len);
    free(room);
    return code;
}

/* What a detached package means is not the file that was given. */
static int write_apart(const package_options *o, tsr_bytes payload)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s.image", o->out);
    int code = n > 0 && (size_t)n < sizeof path
                   ? package_write(path, payload, false)
                   : package_say(PACKAGE_USAGE, "the name of --out is too long");

    if (code == PACKAGE_DONE)
        (void)printf("%s: %zu bytes\n", path, payload.len);
    return code;
}

int package_sign(const package_options *o, const char *path)
{
    uint8_t manifest_room[PART], digest_room[64], cose_room[256], info_room[1024];
    tsr_buf info = tsr_buf_over(info_room, sizeof info_room);
    tsr_buf manifest = tsr_buf_over(manifest_room, sizeof manifest_room);
    tsr_buf digest = tsr_buf_over(digest_room, sizeof digest_room);
    tsr_buf cose = tsr_buf_over(cose_room, sizeof cose_room);
    package_version version;
    package_bytes image, sealed = { 0 };
    tsr_bytes payload;

    if (missing(o) != NULL)
        return package_say(PACKAGE_USAGE, "sign takes %s; see tessera package --help", missing(o));
    if (o->uri != NULL && o->layout != PACKAGE_DETACHED)
        return package_say(PACKAGE_USAGE, "--uri is for --layout detached");
    int code = package_read(path, &image);

    if (code != PACKAGE_DONE)
        return code;
    if (image.len == 0)
        code = package_say(PACKAGE_FILE, "%s is empty", path);
    if (code == PACKAGE_DONE)
        code = find_version(o, package_view(image), &version);
    if (code == PACKAGE_DONE) {
        warn_of_image(package_view(image));
        if (o->recipient_count > 0)
            code = package_encrypt(o, package_view(image), &info, &sealed);
    }
    payload = package_view(o->recipient_count > 0 ? sealed : image);
    if (code == PACKAGE_DONE)
        code = put_manifest(o, package_view(image), tsr_buf_view(&info), &version, &manifest);
    if (code == PACKAGE_DONE)
        code = sign(o, tsr_buf_view(&manifest), &digest, &cose);
    if (code == PACKAGE_DONE)
        code = write_package(o, payload,
                             &(tsr_suit_parts){
                                 .manifest = tsr_buf_view(&manifest),
                                 .signed_digest = tsr_buf_view(&digest),
                                 .cose = tsr_buf_view(&cose),
                                 .payload_name = tsr_text(o->layout == PACKAGE_INTEGRATED
                                                              ? payload_name : ""),
                                 .payload_len = o->layout == PACKAGE_INTEGRATED ? payload.len : 0 });
    if (code == PACKAGE_DONE && o->recipient_count > 0 && o->layout == PACKAGE_DETACHED)
        code = write_apart(o, payload);
    free(image.ptr);
    free(sealed.ptr);
    return code;
}
