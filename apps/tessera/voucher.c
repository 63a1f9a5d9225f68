/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera voucher: ownership vouchers of FIDO Device Onboard, as files. */
#include <errno.h>
#include <getopt.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "server/fdo/vouchers.h"
#include "tessera/base/hex.h"
#include "tessera/fdo/rendezvous.h"

static const char usage[] =
    "usage:\n"
    "  tessera voucher show    FILE\n"
    "  tessera voucher verify  FILE [--trust FILE]\n"
    "  tessera voucher extend  FILE --key FILE --to FILE [--out FILE] [--cbor]\n"
    "  tessera voucher convert FILE [--out FILE] [--cbor]\n"
    "\n"
    "show believes nothing and checks no signature; verify checks all that can be told without the\n"
    "device's secret; extend hands the device over to the next owner; convert prints PEM or CBOR.\n"
    "FILE is PEM (OWNERSHIP VOUCHER) or CBOR, - is standard input.\n"
    "\n"
    "  --trust FILE  CA certificates (PEM) that the device's certificate has to lead to\n"
    "  --key FILE    the present owner's private key, PEM or DER\n"
    "  --to FILE     the next owner's public key or certificate, PEM or DER, of the same type\n"
    "  --out FILE    default: standard output\n"
    "  --cbor        CBOR in place of PEM\n"
    "  --help\n"
    "\n"
    "exit codes:\n"
    "  0  done; verify: every check passed\n"
    "  1  the command line is wrong\n"
    "  2  a file cannot be read or written, or is not what it should be\n"
    "  3  verify: the voucher was refused; extend: the key is not its owner's, or of another type\n";

enum { DONE, USAGE, NO_FILE, REFUSED };

typedef struct {
    const char *file, *trust, *key, *to, *out;
    bool cbor;
} voucher_options;

static int complain(int code, const char *text, const char *more)
{
    (void)fprintf(stderr, "tessera voucher: %s%s%s\n", text, more[0] != '\0' ? ": " : "", more);
    return code;
}

static int load(const char *file, tsr_buf *room, tsr_fdo_voucher *v)
{
    tsr_bytes content;
    uint8_t *data = read_file("voucher", file, &content);
    tsr_err err;

    if (data == NULL)
        return NO_FILE;
    err = fdo_voucher_decode(content, room);
    free(data);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(room), v);
    if (err == TSR_E_UNSUPPORTED)
        return complain(NO_FILE, file,
                        "a voucher of another version than FDO 1.1, or with a key that is not known");
    return err == TSR_OK ? DONE : complain(NO_FILE, file, "no ownership voucher");
}

static int save(const voucher_options *o, tsr_bytes voucher)
{
    tsr_buf pem = { 0 };
    FILE *f = o->out != NULL ? fopen(o->out, "wb") : stdout;
    bool good;

    if (f == NULL)
        return complain(NO_FILE, o->out, strerror(errno));
    if (!o->cbor)
        fdo_voucher_put_pem(&pem, voucher);
    good = pem.err == TSR_OK;
    if (good && !o->cbor)
        voucher = tsr_buf_view(&pem);
    good = good && fwrite(voucher.ptr, 1, voucher.len, f) == voucher.len && fflush(f) == 0;
    if (o->out != NULL)
        good = fclose(f) == 0 && good;
    free(pem.ptr);
    return good ? DONE : complain(NO_FILE, o->out != NULL ? o->out : "standard output",
                                  "cannot be written");
}

/* --- show ------------------------------------------------------------------------------- */

static void print_hex(const char *name, tsr_bytes bytes)
{
    char text[2 * 64 + 1];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1);

    tsr_hex_put(&out, tsr_first(bytes, 64));
    text[out.len] = 0;
    (void)printf("%-14s %s\n", name, text);
}

/* A key is known by the hash of its SubjectPublicKeyInfo, or of what stands for it. */
static void print_key(const char *name, const tsr_fdo_key *k)
{
    const char *type = k->type == TSR_FDO_SECP256R1   ? "P-256"
                       : k->type == TSR_FDO_SECP384R1 ? "P-384"
                                                      : "RSA";
    uint8_t room[TSR_FDO_HASH_MAX];
    const tsr_bytes parts[] = { k->x, k->y, k->rsa };
    tsr_fdo_hash h;
    char text[2 * 8 + 1];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1);

    if (tsr_fdo_hash_make(TSR_FDO_SHA256, parts, 3, room, &h) != TSR_OK)
        return;
    tsr_hex_put(&out, tsr_first(h.value, 8));
    text[out.len] = 0;
    (void)printf("%-14s %s, %u bits, %s\n", name, type, k->bits, text);
}

static void print_directive(const tsr_fdo_directive *d)
{
    tsr_buf line = { 0 };
    char room[400];

    line = tsr_buf_over(room, sizeof room);
    (void)printf("%-14s", "rendezvous");
    if (d->dns.len > 0)
        put_visible(&line, d->dns);
    (void)printf(" %.*s", (int)line.len, room);
    if (d->ip.len == 4)
        (void)printf(" %u.%u.%u.%u", d->ip.ptr[0], d->ip.ptr[1], d->ip.ptr[2], d->ip.ptr[3]);
    if (d->dev_port != 0)
        (void)printf(" port %u", d->dev_port);
    if (d->protocol != TSR_FDO_RV_NONE)
        (void)printf(" protocol %u", d->protocol);
    (void)printf("%s%s%s\n", d->dev_only ? " devices only" : "",
                 d->owner_only ? " owners only" : "", d->bypass ? " bypass" : "");
}

static int show(const voucher_options *o)
{
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_directive d;
    tsr_fdo_ov_entry e;
    tsr_bytes entry;
    char name[32];
    int code = load(o->file, &room, &v);

    if (code == DONE) {
        print_hex("guid", v.header.guid);
        (void)printf("%-14s ", "device");
        print_visible(v.header.device_info);
        (void)printf("\n");
        for (size_t i = 0; tsr_fdo_rv_at(v.header.rv_info, i, &d) == TSR_OK; i++)
            print_directive(&d);
        print_key("manufacturer", &v.header.manufacturer);
        (void)printf("%-14s %zu\n", "entries", v.count);
        for (size_t i = 0; i < v.count; i++) {
            (void)snprintf(name, sizeof name, "owner %zu", i + 1);
            if (tsr_fdo_voucher_entry(&v, i, &entry) == TSR_OK &&
                tsr_fdo_ov_entry_read(entry, &e) == TSR_OK)
                print_key(name, &e.next);
        }
    }
    free(room.ptr);
    return code;
}

/* --- verify, extend, convert ------------------------------------------------------------ */

static int verify(const voucher_options *o)
{
    mbedtls_x509_crt roots;
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    const char *wrong;
    int code = load(o->file, &room, &v);

    mbedtls_x509_crt_init(&roots);
    if (code == DONE && o->trust != NULL && mbedtls_x509_crt_parse_file(&roots, o->trust) != 0)
        code = complain(NO_FILE, o->trust, "no certificates can be read from it");
    if (code == DONE) {
        wrong = fdo_voucher_wrong(o->trust != NULL ? &roots : NULL, &v, &owner);
        if (wrong != NULL) {
            code = complain(REFUSED, o->file, wrong);
        } else {
            (void)printf("good: %zu entries, hashes, signatures%s\n", v.count,
                         o->trust != NULL ? ", certificate of the device"
                                          : "; the device's certificate was not led to an anchor");
            print_key("owner", &owner);
        }
    }
    mbedtls_x509_crt_free(&roots);
    free(room.ptr);
    return code;
}

static int do_extend(const voucher_options *o, tsr_buf *room, const fdo_key *key)
{
    uint8_t public[TSR_FDO_DER_KEY_MAX + 16];
    tsr_buf next = tsr_buf_over(public, sizeof public);
    char why[400] = "";

    if (fdo_public_read(o->to, &next, why, sizeof why) != TSR_OK)
        return complain(NO_FILE, why, "");
    switch (fdo_voucher_extend(room, key, tsr_buf_view(&next))) {
    case TSR_OK: return save(o, tsr_buf_view(room));
    case TSR_E_DENIED: return complain(REFUSED, "the key is not that of the voucher's owner", o->key);
    case TSR_E_TYPE:
        return complain(REFUSED, "the next owner's key is of another type than the manufacturer's",
                        o->to);
    default: return complain(REFUSED, "the voucher does not verify, or is full", o->file);
    }
}

static int extend(const voucher_options *o)
{
    char why[400] = "";
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    fdo_key *key;
    int code;

    if (o->key == NULL || o->to == NULL)
        return complain(USAGE, "extend takes --key and --to", "");
    key = need(calloc(1, sizeof *key));
    code = load(o->file, &room, &v);
    if (code == DONE && fdo_key_open(o->key, key, why, sizeof why) != TSR_OK)
        code = complain(NO_FILE, why, "");
    if (code == DONE)
        code = do_extend(o, &room, key);
    fdo_key_close(key);
    free(key);
    free(room.ptr);
    return code;
}

static int convert(const voucher_options *o)
{
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    int code = load(o->file, &room, &v);

    if (code == DONE)
        code = save(o, tsr_buf_view(&room));
    free(room.ptr);
    return code;
}

/* --- the command line ------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*run)(const voucher_options *o);
} verbs[] = { { "show", show }, { "verify", verify }, { "extend", extend }, { "convert", convert } };

static bool read_options(int argc, char **argv, voucher_options *o, bool *help)
{
    static const struct option longs[] = {
        { "trust", required_argument, NULL, 't' }, { "key", required_argument, NULL, 'k' },
        { "to", required_argument, NULL, 'n' },    { "out", required_argument, NULL, 'o' },
        { "cbor", no_argument, NULL, 'c' },        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int which;

    while ((which = getopt_long(argc, argv, "h", longs, NULL)) != -1)
        switch (which) {
        case 't': o->trust = optarg; break;
        case 'k': o->key = optarg; break;
        case 'n': o->to = optarg; break;
        case 'o': o->out = optarg; break;
        case 'c': o->cbor = true; break;
        case 'h': *help = true; break;
        default: return false;
        }
    return true;
}

int tool_voucher(int argc, char **argv)
{
    voucher_options o = { 0 };
    bool help = false;

    if (!read_options(argc, argv, &o, &help))
        return USAGE;
    if (help || argc - optind != 2) {
        (void)fputs(usage, help ? stdout : stderr);
        return help ? DONE : USAGE;
    }
    o.file = argv[optind + 1];
    if (psa_crypto_init() != PSA_SUCCESS)
        return complain(NO_FILE, "the crypto library does not start", "");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[optind]) == 0)
            return verbs[i].run(&o);
    return complain(USAGE, "there is no such command; see tessera voucher --help", argv[optind]);
}
