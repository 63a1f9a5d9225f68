/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera package: makes, signs and inspects firmware packages. */
#include "apps/tessera/package.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "apps/tessera/tessera.h"

static const char help[] =
    "tessera package: firmware packages for PSA Firmware Update\n"
    "\n"
    "usage:\n"
    "  tessera package keygen  --out KEY.pem [--public PUBLIC.pem]\n"
    "  tessera package keygen  --symmetric --out KEY.hex\n"
    "  tessera package make    DIRECTORY --out IMAGE\n"
    "  tessera package sign    IMAGE --key KEY.pem --out PACKAGE --vendor V --class C\n"
    "                          --component NAME --sequence N --version X.Y.Z[+BUILD]\n"
    "                          [--layout integrated|bundled|detached] [--uri URI]\n"
    "                          [--needs NAME=X.Y.Z] [--model TEXT] [--description TEXT]\n"
    "                          [--encrypt-to KEY.hex]\n"
    "  tessera package inspect PACKAGE [--payload IMAGE] [--decrypt-with KEY.hex] [--json]\n"
    "  tessera package verify  PACKAGE --key PUBLIC.pem [--payload IMAGE] [--vendor V --class C]\n"
    "                          [--component NAME] [--sequence N] [--decrypt-with KEY.hex]\n"
    "                          [--json]\n"
    "\n"
    "make puts the files of DIRECTORY into a bundle, the image of a device on Linux: a ustar archive\n"
    "in which owners, times and order say nothing about where it was made. tessera-boot starts its\n"
    "bin/tesserad. Any other file is an image as it is: an MCUboot image, or raw bytes.\n"
    "sign writes a SUIT envelope: signed by ES256, good for devices of one vendor and class.\n"
    "inspect prints every field and checks digests; verify also wants the signature of a key, and\n"
    "ends with 3 when anything is not as it was signed or not as the options demand.\n"
    "\n"
    "  --key FILE       sign: P-256 private key, PEM or DER, SEC1 or PKCS#8; verify: the public one\n"
    "  --vendor V       a UUID, or a domain name that becomes one (version 5, name space DNS)\n"
    "  --class C        a UUID, or a name that becomes one (version 5, name space: the vendor's id)\n"
    "  --component N    the component that the image is for, as the device's update service calls it\n"
    "  --sequence N     a device never goes back to a smaller one (verify: the smallest allowed)\n"
    "  --version V      of the image; default for an MCUboot image: what its header says\n"
    "  --layout L       integrated: the image is in the envelope (default);\n"
    "                   bundled: it follows the envelope; detached: the package is the envelope alone\n"
    "  --uri URI        detached: where the image is (default #firmware: given beside it)\n"
    "  --needs N=V      another component that must have this version or a later one; repeatable\n"
    "  --payload IMAGE  inspect, verify: the image of a detached package\n"
    "  --encrypt-to F   encrypt the image to the key in F, which devices got from the factory\n"
    "                   (tessera-factory --update-key); repeatable\n"
    "  --decrypt-with F look into an encrypted image with one of these keys; verify needs it\n"
    "  --json           print JSON\n"
    "\n"
    "With layout detached and --encrypt-to, the encrypted image goes to PACKAGE.image.\n"
    "The same inputs and key give the same package, byte by byte (RFC 6979); an encrypted one has a\n"
    "new key each time.\n"
    "\n"
    "exit codes:\n"
    "  0  done\n"
    "  1  the command line is wrong\n"
    "  2  a file cannot be read or written\n"
    "  3  the package is damaged, or is not what it should be\n"
    "  4  the key cannot be used\n"
    "  5  anything else\n";

int package_say(int code, const char *format, ...)
{
    char text[700];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(stderr, "tessera package: %s\n", text);
    return code;
}

static bool number(const char **text, uint64_t max, uint64_t *v)
{
    size_t len = strspn(*text, "0123456789");
    bool good = tsr_dec(tsr_view(*text, len), v) == TSR_OK && *v <= max;

    *text += len;
    return good;
}

bool package_version_read(const char *text, package_version *v)
{
    uint64_t part[4] = { 0 };
    static const uint64_t max[4] = { UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX };

    for (size_t i = 0; i < 4; i++) {
        if (!number(&text, max[i], &part[i]))
            return false;
        if (i >= 2 && *text == 0)
            break;
        if (*text != (i < 2 ? '.' : '+') || i == 3)
            return false;
        text++;
    }
    *v = (package_version){ (uint8_t)part[0], (uint8_t)part[1], (uint16_t)part[2],
                            (uint32_t)part[3] };
    return true;
}

void package_version_text(const package_version *v, char text[32])
{
    int n = snprintf(text, 32, "%u.%u.%u", v->major, v->minor, v->patch);

    if (v->build != 0)
        (void)snprintf(text + n, 32 - (size_t)n, "+%lu", (unsigned long)v->build);
}

enum {
    OPT_OUT = 256, OPT_KEY, OPT_PUBLIC, OPT_PAYLOAD, OPT_VENDOR, OPT_CLASS, OPT_COMPONENT,
    OPT_SEQUENCE, OPT_VERSION, OPT_LAYOUT, OPT_URI, OPT_NEEDS, OPT_MODEL, OPT_DESCRIPTION, OPT_JSON,
    OPT_ENCRYPT, OPT_DECRYPT, OPT_SYMMETRIC, OPT_HELP,
};

static const struct option words[] = {
    { "out", required_argument, NULL, OPT_OUT },
    { "key", required_argument, NULL, OPT_KEY },
    { "public", required_argument, NULL, OPT_PUBLIC },
    { "payload", required_argument, NULL, OPT_PAYLOAD },
    { "vendor", required_argument, NULL, OPT_VENDOR },
    { "class", required_argument, NULL, OPT_CLASS },
    { "component", required_argument, NULL, OPT_COMPONENT },
    { "sequence", required_argument, NULL, OPT_SEQUENCE },
    { "version", required_argument, NULL, OPT_VERSION },
    { "layout", required_argument, NULL, OPT_LAYOUT },
    { "uri", required_argument, NULL, OPT_URI },
    { "needs", required_argument, NULL, OPT_NEEDS },
    { "model", required_argument, NULL, OPT_MODEL },
    { "description", required_argument, NULL, OPT_DESCRIPTION },
    { "encrypt-to", required_argument, NULL, OPT_ENCRYPT },
    { "decrypt-with", required_argument, NULL, OPT_DECRYPT },
    { "symmetric", no_argument, NULL, OPT_SYMMETRIC },
    { "json", no_argument, NULL, OPT_JSON },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

static int take_layout(package_options *o, const char *value)
{
    static const char *const names[] = { "integrated", "bundled", "detached" };

    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(names[i], value) != 0)
            continue;
        o->layout = (package_layout)i;
        return PACKAGE_DONE;
    }
    return package_say(PACKAGE_USAGE, "--layout is integrated, bundled or detached, not '%s'", value);
}

static int take_need(package_options *o, char *value)
{
    char *equals = strchr(value, '=');

    if (o->need_count == PACKAGE_NEEDS)
        return package_say(PACKAGE_USAGE, "at most %d --needs", PACKAGE_NEEDS);
    if (equals == NULL || equals == value ||
        !package_version_read(equals + 1, &o->needs[o->need_count].version))
        return package_say(PACKAGE_USAGE, "--needs takes COMPONENT=X.Y.Z, not '%s'", value);
    *equals = 0;
    o->needs[o->need_count++].component = value;
    return PACKAGE_DONE;
}

static int take_recipient(package_options *o, const char *file)
{
    if (o->recipient_count == PACKAGE_RECIPIENTS)
        return package_say(PACKAGE_USAGE, "at most %d --encrypt-to", PACKAGE_RECIPIENTS);
    o->recipients[o->recipient_count++] = file;
    return PACKAGE_DONE;
}

static int take_sequence(package_options *o, const char *value)
{
    if (tsr_dec(tsr_text(value), &o->sequence) != TSR_OK || o->sequence == 0)
        return package_say(PACKAGE_USAGE, "--sequence is a whole number from 1 on, not '%s'", value);
    return PACKAGE_DONE;
}

static int take(package_options *o, int which)
{
    switch (which) {
    case OPT_OUT: o->out = optarg; break;
    case OPT_KEY: o->key = optarg; break;
    case OPT_PUBLIC: o->public_key = optarg; break;
    case OPT_PAYLOAD: o->payload = optarg; break;
    case OPT_VENDOR: o->vendor = optarg; break;
    case OPT_CLASS: o->class_name = optarg; break;
    case OPT_COMPONENT: o->component = optarg; break;
    case OPT_VERSION: o->version = optarg; break;
    case OPT_URI: o->uri = optarg; break;
    case OPT_MODEL: o->model = optarg; break;
    case OPT_DESCRIPTION: o->description = optarg; break;
    case OPT_JSON: o->json = true; break;
    case OPT_DECRYPT: o->decrypt_with = optarg; break;
    case OPT_SYMMETRIC: o->symmetric = true; break;
    case OPT_ENCRYPT: return take_recipient(o, optarg);
    case OPT_SEQUENCE: return take_sequence(o, optarg);
    case OPT_LAYOUT: return take_layout(o, optarg);
    case OPT_NEEDS: return take_need(o, optarg);
    case OPT_HELP: (void)fputs(help, stdout); exit(PACKAGE_DONE);
    default: (void)fputs("See tessera package --help.\n", stderr); return PACKAGE_USAGE;
    }
    return PACKAGE_DONE;
}

static int run_make(const package_options *o, const char *directory)
{
    package_bytes bundle;
    struct stat st;

    if (o->out == NULL)
        return package_say(PACKAGE_USAGE, "make takes --out IMAGE");
    if (stat(directory, &st) == 0 && !S_ISDIR(st.st_mode))
        return package_say(PACKAGE_USAGE, "%s is no directory; sign takes a file as it is", directory);
    int code = package_bundle(directory, &bundle);

    if (code == PACKAGE_DONE)
        code = package_write(o->out, package_view(bundle), false);
    if (code == PACKAGE_DONE)
        (void)printf("%s: %zu bytes\n", o->out, bundle.len);
    free(bundle.ptr);
    return code;
}

static int run_keygen(const package_options *o, const char *unused)
{
    (void)unused;
    if (o->out == NULL)
        return package_say(PACKAGE_USAGE, "keygen takes --out KEY.pem");
    if (o->symmetric)
        return package_new_kek(o->out);
    return package_new_key(o->out, o->public_key);
}

static int run_inspect(const package_options *o, const char *package)
{
    return package_show(o, package, NULL);
}

static int run_verify(const package_options *o, const char *package)
{
    if (o->key == NULL)
        return package_say(PACKAGE_USAGE, "verify takes --key PUBLIC.pem");
    return package_show(o, package, o->key);
}

int tool_package(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const package_options *o, const char *file);
        int files;
    } verbs[] = { { "keygen", run_keygen, 0 },   { "make", run_make, 1 },
                  { "sign", package_sign, 1 },   { "inspect", run_inspect, 1 },
                  { "verify", run_verify, 1 } };
    package_options o = { 0 };
    int which, code;

    while ((which = getopt_long(argc, argv, "h", words, NULL)) != -1)
        if ((code = take(&o, which == 'h' ? OPT_HELP : which)) != PACKAGE_DONE)
            return code;
    if (optind == argc) {
        (void)fputs(help, stderr);
        return PACKAGE_USAGE;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, argv[optind]) != 0)
            continue;
        if (argc - optind - 1 != verbs[i].files)
            return package_say(PACKAGE_USAGE, "%s takes %s; see tessera package --help",
                               verbs[i].name, verbs[i].files == 0 ? "no file" : "one file");
        code = verbs[i].run(&o, argv[optind + 1]);
        return code == PACKAGE_DONE && fflush(stdout) != 0 ? PACKAGE_FILE : code;
    }
    return package_say(PACKAGE_USAGE, "there is no command %s; see tessera package --help",
                       argv[optind]);
}
