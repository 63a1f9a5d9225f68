/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera voucher: ownership vouchers of FIDO Device Onboard, as files and at a server. */
#include <errno.h>
#include <getopt.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "apps/tessera/voucher.h"
#include "tessera/base/hex.h"
#include "tessera/fdo/rendezvous.h"

static const char usage[] =
    "usage:\n"
    "  tessera voucher show    FILE\n"
    "  tessera voucher verify  FILE [--trust FILE]\n"
    "  tessera voucher extend  FILE --key FILE --to FILE [--out FILE] [--cbor]\n"
    "  tessera voucher convert FILE [--out FILE] [--cbor]\n"
    "  tessera voucher import  FILE [--trust FILE]\n"
    "  tessera voucher export  GUID [--trust FILE] [--out FILE] [--cbor]\n"
    "\n"
    "show believes nothing and checks no signature; verify checks all that can be told without the\n"
    "device's secret; extend hands the device over to the next owner; convert prints PEM or CBOR;\n"
    "import and export verify, and give it to a server or fetch it from there.\n"
    "FILE is PEM (OWNERSHIP VOUCHER) or CBOR, - is standard input.\n"
    "\n"
    "  --trust FILE  CA certificates (PEM) that the device's certificate has to lead to\n"
    "  --key FILE    the present owner's private key, PEM or DER\n"
    "  --to FILE     the next owner's public key or certificate, PEM or DER, of the same type\n"
    "  --out FILE    default: standard output\n"
    "  --cbor        CBOR in place of PEM\n"
    "  --server URL, --token-file FILE\n"
    "                of import and export; default: TESSERA_SERVER, http://127.0.0.1:8080, and\n"
    "                TESSERA_TOKEN_FILE\n"
    "  --help\n"
    "\n"
    "exit codes:\n"
    "  0  done; verify: every check passed\n"
    "  1  the command line is wrong\n"
    "  2  a file cannot be read or written, or is not what it should be\n"
    "  3  verify: the voucher was refused; extend: the key is not its owner's, or of another type\n"
    "  4  the server cannot be reached, or refused\n";

int voucher_complain(int code, const char *text, const char *more)
{
    (void)fprintf(stderr, "tessera voucher: %s%s%s\n", text, more[0] != '\0' ? ": " : "", more);
    return code;
}

int voucher_load(const char *file, tsr_buf *room, tsr_fdo_voucher *v)
{
    tsr_bytes content;
    uint8_t *data = read_file("voucher", file, &content);
    tsr_err err;

    if (data == NULL)
        return VOUCHER_NO_FILE;
    err = fdo_voucher_decode(content, room);
    free(data);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(room), v);
    if (err == TSR_E_UNSUPPORTED)
        return voucher_complain(VOUCHER_NO_FILE, file,
                        "a voucher of another version than FDO 1.1, or with a key that is not known");
    return err == TSR_OK ? VOUCHER_DONE : voucher_complain(VOUCHER_NO_FILE, file, "no ownership voucher");
}

int voucher_save(const voucher_options *o, tsr_bytes voucher)
{
    tsr_buf pem = { 0 };
    FILE *f = o->out != NULL ? fopen(o->out, "wb") : stdout;
    bool good;

    if (f == NULL)
        return voucher_complain(VOUCHER_NO_FILE, o->out, strerror(errno));
    if (!o->cbor)
        fdo_voucher_put_pem(&pem, voucher);
    good = pem.err == TSR_OK;
    if (good && !o->cbor)
        voucher = tsr_buf_view(&pem);
    good = good && fwrite(voucher.ptr, 1, voucher.len, f) == voucher.len && fflush(f) == 0;
    if (o->out != NULL)
        good = fclose(f) == 0 && good;
    free(pem.ptr);
    return good ? VOUCHER_DONE : voucher_complain(VOUCHER_NO_FILE, o->out != NULL ? o->out : "standard output",
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

static void print_key(const char *name, const tsr_fdo_key *k)
{
    char words[FDO_KEY_WORDS];

    fdo_key_words(k, words);
    (void)printf("%-14s %s\n", name, words);
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
    int code = voucher_load(o->file, &room, &v);

    if (code == VOUCHER_DONE) {
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

int voucher_check(const voucher_options *o, const char *name, const tsr_fdo_voucher *v,
                  tsr_fdo_key *owner)
{
    mbedtls_x509_crt roots;
    const char *wrong;
    int code = VOUCHER_DONE;

    mbedtls_x509_crt_init(&roots);
    if (o->trust != NULL && mbedtls_x509_crt_parse_file(&roots, o->trust) != 0)
        code = voucher_complain(VOUCHER_NO_FILE, o->trust, "no certificates can be read from it");
    if (code == VOUCHER_DONE) {
        wrong = fdo_voucher_wrong(o->trust != NULL ? &roots : NULL, v, owner);
        if (wrong != NULL)
            code = voucher_complain(VOUCHER_REFUSED, name, wrong);
    }
    mbedtls_x509_crt_free(&roots);
    return code;
}

static int verify(const voucher_options *o)
{
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    int code = voucher_load(o->file, &room, &v);

    if (code == VOUCHER_DONE)
        code = voucher_check(o, o->file, &v, &owner);
    if (code == VOUCHER_DONE) {
        (void)printf("good: %zu entries, hashes, signatures%s\n", v.count,
                     o->trust != NULL ? ", certificate of the device"
                                      : "; the device's certificate was not led to an anchor");
        print_key("owner", &owner);
    }
    free(room.ptr);
    return code;
}

static int do_extend(const voucher_options *o, tsr_buf *room, const fdo_key *key)
{
    uint8_t public[TSR_FDO_DER_KEY_MAX + 16];
    tsr_buf next = tsr_buf_over(public, sizeof public);
    char why[400] = "";

    if (fdo_public_read(o->to, &next, why, sizeof why) != TSR_OK)
        return voucher_complain(VOUCHER_NO_FILE, why, "");
    switch (fdo_voucher_extend(room, key, tsr_buf_view(&next))) {
    case TSR_OK: return voucher_save(o, tsr_buf_view(room));
    case TSR_E_DENIED: return voucher_complain(VOUCHER_REFUSED, "the key is not that of the voucher's owner", o->key);
    case TSR_E_TYPE:
        return voucher_complain(VOUCHER_REFUSED, "the next owner's key is of another type than the manufacturer's",
                        o->to);
    default: return voucher_complain(VOUCHER_REFUSED, "the voucher does not verify, or is full", o->file);
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
        return voucher_complain(VOUCHER_USAGE, "extend takes --key and --to", "");
    key = need(calloc(1, sizeof *key));
    code = voucher_load(o->file, &room, &v);
    if (code == VOUCHER_DONE && fdo_key_open(o->key, key, why, sizeof why) != TSR_OK)
        code = voucher_complain(VOUCHER_NO_FILE, why, "");
    if (code == VOUCHER_DONE)
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
    int code = voucher_load(o->file, &room, &v);

    if (code == VOUCHER_DONE)
        code = voucher_save(o, tsr_buf_view(&room));
    free(room.ptr);
    return code;
}

/* --- the command line ------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*run)(const voucher_options *o);
} verbs[] = { { "show", show }, { "verify", verify }, { "extend", extend }, { "convert", convert },
            { "import", voucher_import }, { "export", voucher_export } };

static bool read_options(int argc, char **argv, voucher_options *o, bool *help)
{
    static const struct option longs[] = {
        { "trust", required_argument, NULL, 't' }, { "key", required_argument, NULL, 'k' },
        { "to", required_argument, NULL, 'n' },    { "out", required_argument, NULL, 'o' },
        { "server", required_argument, NULL, 's' },
        { "token-file", required_argument, NULL, 'f' },
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
        case 's': o->server = optarg; break;
        case 'f': o->token_file = optarg; break;
        case 'c': o->cbor = true; break;
        case 'h': *help = true; break;
        default: return false;
        }
    return true;
}

int tool_voucher(int argc, char **argv)
{
    voucher_options o = { .server = getenv("TESSERA_SERVER"),
                          .token_file = getenv("TESSERA_TOKEN_FILE") };
    bool help = false;

    if (o.server == NULL || o.server[0] == '\0')
        o.server = "http://127.0.0.1:8080";
    if (o.token_file != NULL && o.token_file[0] == '\0')
        o.token_file = NULL;

    if (!read_options(argc, argv, &o, &help))
        return VOUCHER_USAGE;
    if (help || argc - optind != 2) {
        (void)fputs(usage, help ? stdout : stderr);
        return help ? VOUCHER_DONE : VOUCHER_USAGE;
    }
    o.file = argv[optind + 1];
    if (psa_crypto_init() != PSA_SUCCESS)
        return voucher_complain(VOUCHER_NO_FILE, "the crypto library does not start", "");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[optind]) == 0)
            return verbs[i].run(&o);
    return voucher_complain(VOUCHER_USAGE, "there is no such command; see tessera voucher --help", argv[optind]);
}
