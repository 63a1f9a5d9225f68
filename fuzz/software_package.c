/* SPDX-License-Identifier: Apache-2.0
 *
 * Packages of software, as the daemon takes them over object 9. First byte:
 *
 *   0  any bytes as a package, signatures being asked for: nobody has the key, so none is good
 *   1  (u16 length) a manifest in an envelope, whose signature is believed, and what follows: its
 *      payload, behind the envelope; 2: within it
 *   3  a bundle that was delivered, and is installed: all or nothing, and nothing beside its folder
 */
#include "apps/tesserad/package.h"
#include "fuzz/keys.h"
#include "ports/linux/software/store.h"
#include "ports/linux/software/tree.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/cose.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static package_trust trust = {
    .vendor = { 0xcf, 0xbf, 0xf0, 0xd1, 0x93, 0x75, 0x56, 0x85, 0x96, 0x8c, 0x48, 0xce, 0x8b, 0x15,
                0xae, 0x17 }, /* example.com */
    .class_id = { 0xdf, 0x26, 0x49, 0x88, 0xf3, 0x37, 0x5e, 0xf1, 0xa0, 0xcb, 0x7a, 0x4f, 0x2d,
                  0xe9, 0x64, 0x0a }, /* light */
};
static bool believe;
static char folder[64];
static tsr_software_store store;

/* The linker puts this in the place of the verification (--wrap). */
tsr_err __real_tsr_cose_sign1_verify(const tsr_cose_message *m, tsr_cose_key_id key,
                                     tsr_bytes detached, tsr_bytes external_aad);
tsr_err __wrap_tsr_cose_sign1_verify(const tsr_cose_message *m, tsr_cose_key_id key,
                                     tsr_bytes detached, tsr_bytes external_aad);
tsr_err __wrap_tsr_cose_sign1_verify(const tsr_cose_message *m, tsr_cose_key_id key,
                                     tsr_bytes detached, tsr_bytes external_aad)
{
    return believe ? TSR_OK : __real_tsr_cose_sign1_verify(m, key, detached, external_aad);
}

static void leave(void) { tsr_tree_remove(AT_FDCWD, folder); }

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[80];
    size_t len;

    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    must(psa_export_public_key(fuzz_device_key(), trust.point, sizeof trust.point, &len) ==
         PSA_SUCCESS);
    (void)snprintf(folder, sizeof folder, "/dev/shm/fuzz-software-XXXXXX");
    must(mkdtemp(folder) != NULL);
    (void)atexit(leave);
    (void)snprintf(path, sizeof path, "%s/store", folder);
    must(tsr_software_open(&store, path, 1 << 20) == TSR_OK);
    return 0;
}

static package_verdict judge(tsr_bytes package)
{
    package_says says;
    package_verdict verdict = package_check(&trust, package, &says);

    must(verdict == PACKAGE_GOOD || (says.reason != NULL && says.reason[0] != '\0'));
    if (verdict != PACKAGE_GOOD)
        return verdict;
    must(says.bundle.len <= package.len && says.bundle.ptr >= package.ptr &&
         says.bundle.ptr + says.bundle.len <= package.ptr + package.len);
    must(says.name[0] != '\0' && strlen(says.name) <= PACKAGE_NAME);
    must(strlen(says.version) <= PACKAGE_VERSION);
    for (const char *p = says.name; *p != '\0'; p++)
        must(*p > ' ' && *p < 0x7f);
    return verdict;
}

static void put_auth(tsr_buf *out, tsr_bytes manifest)
{
    static const uint8_t sign1[] = { 0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0xf6, 0x58, 0x40 };
    uint8_t digest[32], room[256], wrapped[128];
    tsr_buf auth = tsr_buf_over(room, sizeof room), inner = tsr_buf_over(wrapped, sizeof wrapped);
    static uint8_t whole[66000];
    tsr_buf string = tsr_buf_over(whole, sizeof whole);
    size_t len;

    tsr_cbor_put_bytes(&string, manifest); /* its digest is that of the string: SUIT 8.2 */
    must(string.err == TSR_OK && psa_hash_compute(PSA_ALG_SHA_256, whole, string.len, digest,
                                                  sizeof digest, &len) == PSA_SUCCESS);
    tsr_cbor_put_array(&inner, 2);
    tsr_cbor_put_int(&inner, -16);
    tsr_cbor_put_bytes(&inner, tsr_view(digest, sizeof digest));
    tsr_cbor_put_array(&auth, 2);
    tsr_cbor_put_bytes(&auth, tsr_buf_view(&inner));
    inner = tsr_buf_over(wrapped, sizeof wrapped);
    tsr_put_bytes(&inner, tsr_view(sign1, sizeof sign1));
    for (int i = 0; i < 64; i++)
        tsr_put_u8(&inner, (uint8_t)i);
    tsr_cbor_put_bytes(&auth, tsr_buf_view(&inner));
    must(auth.err == TSR_OK && inner.err == TSR_OK);
    tsr_cbor_put_uint(out, 2);
    tsr_cbor_put_bytes(out, tsr_buf_view(&auth));
}

static void as_manifest(tsr_bytes in, bool within)
{
    static uint8_t room[70000];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t len = 0;
    tsr_bytes manifest;

    (void)tsr_get_u16(&in, &len);
    manifest = take_some(&in, len);
    tsr_cbor_put_tag(&out, 107);
    tsr_cbor_put_map(&out, within ? 3 : 2);
    put_auth(&out, manifest);
    tsr_cbor_put_uint(&out, 3);
    tsr_cbor_put_bytes(&out, manifest);
    if (within) {
        tsr_cbor_put_text(&out, tsr_text("#firmware"));
        tsr_cbor_put_bytes(&out, in);
    } else {
        tsr_put_bytes(&out, in);
    }
    if (out.err == TSR_OK)
        (void)judge(tsr_buf_view(&out));
}

static unsigned entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned n = 0;

    must(dir != NULL);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static void as_bundle(tsr_bytes in)
{
    char path[128];
    tsr_software_stands stands;
    tsr_bytes content;
    struct stat st;
    bool is_good;

    must(tsr_software_begin(&store, 1) == TSR_OK);
    must(tsr_software_write(&store, 1, 0, in) == TSR_OK);
    must(tsr_software_keep(&store, 1) == TSR_OK);
    must(tsr_software_map(&store, 1, "package", &content) == TSR_OK && tsr_same(content, in));
    is_good = tsr_software_install(&store, 1, content) == TSR_OK;
    tsr_software_unmap(content);
    tsr_software_look(&store, 1, &stands);
    must(stands.package && stands.app == is_good && stands.part == 0);
    (void)snprintf(path, sizeof path, "%s/1", store.path);
    must(entries(path) == 3u + is_good); /* ".", "..", "package", and "app" */
    (void)snprintf(path, sizeof path, "%s/1/app/start", store.path);
    must(!is_good || (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & S_IXUSR));
    must(entries(store.path) == 3 && entries(folder) == 3);
    must(tsr_software_drop(&store, 1, true) == TSR_OK);
    must(entries(store.path) == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint8_t kind = take(&in) & 3;

    believe = kind == 1 || kind == 2;
    switch (kind) {
    case 0: must(judge(in) != PACKAGE_GOOD); break;
    case 1:
    case 2: as_manifest(in, kind == 2); break;
    default: as_bundle(in); break;
    }
    return 0;
}
