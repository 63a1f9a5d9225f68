/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera attest: verifies and shows attestation tokens, and shows what is trusted. Needs no
 * server. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/tessera/tessera.h"
#include "psa/crypto.h"
#include "server/attest/report.h"
#include "tessera/base/hex.h"

static const char help[] =
    "tessera attest: attestation tokens of devices\n"
    "\n"
    "usage:\n"
    "  tessera attest verify --token FILE --nonce HEX --reference FILE --trust FILE [--json]\n"
    "  tessera attest show   --token FILE [--json]\n"
    "  tessera attest key    --trust FILE\n"
    "\n"
    "verify says claim by claim what was checked; show believes nothing and checks no signature;\n"
    "key lists the devices that a file of trust anchors names.\n"
    "\n"
    "  --token FILE      the token, as the device made it; - for standard input\n"
    "  --nonce HEX       the challenge that was sent to the device: 32, 48 or 64 bytes\n"
    "  --reference FILE  what a good device says (JSON, see docs/WIRE.md, \"Reference values\")\n"
    "  --trust FILE      public keys: PEM, or the records of tessera-factory and tessera-token\n"
    "  --json            print JSON\n"
    "  --help\n"
    "\n"
    "exit codes:\n"
    "  0  verify: every check passed; show, key: done\n"
    "  1  the command line is wrong\n"
    "  2  a file cannot be read, or is not what it should be\n"
    "  3  the token was refused; show: it is no token\n";

enum { DONE, USAGE, NO_FILE, REFUSED };

typedef struct {
    const char *token, *nonce, *reference, *trust;
    bool json;
} attest_options;

static int complain(int code, const char *text, const char *more)
{
    (void)fprintf(stderr, "tessera attest: %s%s%s\n", text, more[0] != '\0' ? ": " : "", more);
    return code;
}

static int read_trust(const char *path, tsr_attest_trust *trust)
{
    tsr_bytes file;
    uint8_t *data = read_file("attest", path, &file);
    const char *why;
    tsr_err err;

    if (data == NULL)
        return NO_FILE;
    err = tsr_attest_trust_read(file, trust, &why);
    free(data);
    return err == TSR_OK ? DONE : complain(NO_FILE, path, why);
}

static int read_reference(const char *path, tsr_attest_reference *reference)
{
    char room[256];
    tsr_bytes file;
    uint8_t *data = read_file("attest", path, &file);
    const char *why;
    tsr_err err;

    if (data == NULL)
        return NO_FILE;
    err = tsr_attest_reference_read(file, reference, room, sizeof room, &why);
    free(data);
    return err == TSR_OK ? DONE : complain(NO_FILE, path, why);
}

/* ---- printing ----------------------------------------------------------------------------- */

static void print_json_report(const tsr_attest_report *report)
{
    size_t cap = 512 + report->count * 1024;
    tsr_buf out = tsr_buf_over(need(malloc(cap)), cap);

    tsr_attest_report_json(report, &out);
    (void)printf("%.*s\n", (int)out.len, (const char *)out.ptr);
    free(out.ptr);
}

static const char *mark(tsr_attest_verdict verdict)
{
    switch (verdict) {
    case TSR_ATTEST_PASS: return "ok    ";
    case TSR_ATTEST_NOTED: return "noted ";
    case TSR_ATTEST_FAIL: break;
    }
    return "FAILED";
}

static void print_report(const tsr_attest_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const tsr_attest_check *c = &report->check[i];
        bool differ = strcmp(c->expected, c->found) != 0;

        (void)printf("%s  %-28s %s\n", mark(c->verdict), c->claim, c->found);
        if (c->verdict == TSR_ATTEST_FAIL && c->expected[0] != '\0' && differ)
            (void)printf("        %-28s %s\n", "  expected", c->expected);
        if (c->text[0] != '\0')
            (void)printf("        %-28s %s\n", "", c->text);
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static int verify_with(const attest_options *o, const tsr_attest_reference *reference,
                       const tsr_attest_trust *trust, tsr_bytes nonce)
{
    tsr_attest_report *report = need(malloc(sizeof *report));
    tsr_bytes token;
    uint8_t *data = read_file("attest", o->token, &token);
    int code = NO_FILE;

    if (data != NULL && tsr_attest_verify(token, nonce, reference, trust, report) != TSR_OK)
        code = complain(USAGE, "--nonce takes 32, 48 or 64 bytes", "");
    else if (data != NULL) {
        code = report->passed ? DONE : REFUSED;
        if (o->json)
            print_json_report(report);
        else
            print_report(report);
        if (!o->json)
            (void)puts(report->passed ? "The token is good." : "The token is REFUSED.");
    }
    free(data);
    free(report);
    return code;
}

static int run_verify(const attest_options *o)
{
    tsr_attest_reference *reference = need(malloc(sizeof *reference));
    tsr_attest_trust *trust = need(calloc(1, sizeof *trust));
    uint8_t room[64];
    tsr_buf nonce = tsr_buf_over(room, sizeof room);
    int code = DONE;

    if (o->token == NULL || o->nonce == NULL || o->reference == NULL || o->trust == NULL)
        code = complain(USAGE, "verify takes --token, --nonce, --reference and --trust", "");
    else if (tsr_hex_get(tsr_text(o->nonce), &nonce) != TSR_OK)
        code = complain(USAGE, "--nonce takes pairs of hex digits, at most 64", "");
    if (code == DONE)
        code = read_reference(o->reference, reference);
    if (code == DONE)
        code = read_trust(o->trust, trust);
    if (code == DONE)
        code = verify_with(o, reference, trust, tsr_buf_view(&nonce));
    free(reference);
    free(trust);
    return code;
}

static int run_show(const attest_options *o)
{
    tsr_attest_report *report = need(malloc(sizeof *report));
    bool failed = false;
    uint8_t *data;
    tsr_bytes token;

    if (o->token == NULL) {
        free(report);
        return complain(USAGE, "show takes --token", "");
    }
    data = read_file("attest", o->token, &token);
    if (data != NULL) {
        tsr_attest_show(token, report);
        for (size_t i = 0; i < report->count; i++)
            failed |= report->check[i].verdict == TSR_ATTEST_FAIL;
        if (o->json)
            print_json_report(report);
        else {
            (void)puts("NOT VERIFIED: this is what the token says; anybody can have made it.");
            print_report(report);
        }
    }
    free(report);
    free(data);
    return data == NULL ? NO_FILE : failed ? REFUSED : DONE;
}

static int run_key(const attest_options *o)
{
    tsr_attest_trust *trust = need(calloc(1, sizeof *trust));
    int code =
        o->trust != NULL ? read_trust(o->trust, trust) : complain(USAGE, "key takes --trust", "");

    for (size_t i = 0; code == DONE && i < trust->count; i++) {
        const tsr_attest_anchor *a = &trust->anchor[i];
        char text[2 * TSR_ATTEST_POINT + 1];
        tsr_buf out = tsr_buf_over(text, sizeof text - 1);

        tsr_hex_put(&out, tsr_view(a->instance, sizeof a->instance));
        (void)printf("%.*s  %s\n", (int)out.len, text, a->point_len == 65 ? "P-256" : "P-384");
    }
    free(trust);
    return code;
}

/* ---- command line ------------------------------------------------------------------------- */

enum { OPT_TOKEN = 256, OPT_NONCE, OPT_REFERENCE, OPT_TRUST, OPT_JSON, OPT_HELP };

static const struct option words[] = {
    { "token", required_argument, NULL, OPT_TOKEN },
    { "nonce", required_argument, NULL, OPT_NONCE },
    { "reference", required_argument, NULL, OPT_REFERENCE },
    { "trust", required_argument, NULL, OPT_TRUST },
    { "json", no_argument, NULL, OPT_JSON },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

/* -1: go on. */
static int take(attest_options *o, int which)
{
    switch (which) {
    case OPT_TOKEN: o->token = optarg; return -1;
    case OPT_NONCE: o->nonce = optarg; return -1;
    case OPT_REFERENCE: o->reference = optarg; return -1;
    case OPT_TRUST: o->trust = optarg; return -1;
    case OPT_JSON: o->json = true; return -1;
    case OPT_HELP: (void)fputs(help, stdout); return DONE;
    default: (void)fputs("See tessera attest --help.\n", stderr); return USAGE;
    }
}

int tool_attest(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const attest_options *o);
    } verbs[] = { { "verify", run_verify }, { "show", run_show }, { "key", run_key } };
    attest_options o = { .token = NULL };
    int which, code;

    while ((which = getopt_long(argc, argv, "h", words, NULL)) != -1)
        if ((code = take(&o, which == 'h' ? OPT_HELP : which)) >= 0)
            return code;
    if (argc - optind != 1) {
        (void)fputs(help, stderr);
        return USAGE;
    }
    if (psa_crypto_init() != PSA_SUCCESS)
        return complain(NO_FILE, "the crypto library does not start", "");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, argv[optind]) == 0) {
            code = verbs[i].run(&o);
            return code == DONE && fflush(stdout) != 0 ? NO_FILE : code;
        }
    return complain(USAGE, "there is no such command; see tessera attest --help", argv[optind]);
}
