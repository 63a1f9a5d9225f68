/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-token: on the device, fetches an attestation token by psa_initial_attest_get_token(), or
 * prints the public key that verifies its tokens. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ports/linux/gate/gate.h"
#include "psa/client/attest.h"
#include "psa/crypto.h"
#include "tessera/json/base64.h"

static const char help[] =
    "usage: tessera-token --nonce HEX [--out FILE]\n"
    "       tessera-token --public-key [--json] [--out FILE]\n"
    "\n"
    "  --nonce HEX    fetch a token over this challenge: 32, 48 or 64 bytes\n"
    "  --public-key   print the public half of the attestation key, as PEM, for a verifier\n"
    "  --json         the public key as a record: instance id and key\n"
    "  --out FILE     where to; default: standard output (a token is binary)\n"
    "  --socket PATH  of tessera-secured; default $TESSERA_SECURED_SOCKET, "
    "else " TSR_GATE_SOCKET_DEFAULT "\n"
    "  --help, --version\n"
    "\n"
    "exit codes: 0 done, 1 wrong command line, 2 the file cannot be written, 3 refused,\n"
    "            4 tessera-secured cannot be reached\n";

enum { DONE, USAGE, NO_FILE, REFUSED, UNREACHABLE };

typedef struct {
    const char *nonce, *out;
    bool public_key, json;
} options;

static int complain(int code, const char *text, const char *more)
{
    (void)fprintf(stderr, "tessera-token: %s%s%s\n", text, more[0] != '\0' ? ": " : "", more);
    return code;
}

static int refused(psa_status_t status)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%d", (int)status);
    switch (status) {
    case PSA_ERROR_COMMUNICATION_FAILURE:
        return complain(UNREACHABLE, "tessera-secured does not answer; start it, or use --socket",
                        "");
    case PSA_ERROR_SERVICE_FAILURE:
        return complain(REFUSED,
                        "this device has no attestation key and may not make one, or is "
                        "decommissioned",
                        "");
    default: return complain(REFUSED, "the service refused with PSA status", number);
    }
}

static int write_out(const char *path, tsr_bytes data)
{
    bool named = path != NULL && strcmp(path, "-") != 0;
    FILE *f = named ? fopen(path, "wb") : stdout;
    bool good = f != NULL && fwrite(data.ptr, 1, data.len, f) == data.len && fflush(f) == 0;

    if (named && f != NULL)
        good = fclose(f) == 0 && good;
    return good ? DONE : complain(NO_FILE, named ? path : "standard output", strerror(errno));
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at;

    if (c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static int read_nonce(const char *hex, tsr_buf *out)
{
    for (; hex[0] != '\0'; hex += 2) {
        int high = digit(hex[0]), low = high >= 0 ? digit(hex[1]) : -1;

        if (low < 0)
            return complain(USAGE, "--nonce takes pairs of hex digits", "");
        tsr_put_u8(out, (uint8_t)(high * 16 + low));
    }
    if (out->err != TSR_OK || (out->len != 32 && out->len != 48 && out->len != 64))
        return complain(USAGE, "--nonce takes 32, 48 or 64 bytes", "");
    return DONE;
}

static int fetch_token(const options *o)
{
    static uint8_t token[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
    uint8_t room[64];
    tsr_buf nonce = tsr_buf_over(room, sizeof room);
    int code = read_nonce(o->nonce, &nonce);
    size_t len;
    psa_status_t status;

    if (code != DONE)
        return code;
    status = psa_initial_attest_get_token(nonce.ptr, nonce.len, token, sizeof token, &len);
    return status == PSA_SUCCESS ? write_out(o->out, tsr_view(token, len)) : refused(status);
}

static void put_hex(tsr_buf *out, tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        tsr_put_u8(out, (uint8_t) "0123456789abcdef"[in.ptr[i] >> 4]);
        tsr_put_u8(out, (uint8_t) "0123456789abcdef"[in.ptr[i] & 15]);
    }
}

/* RFC 7468 §13 around RFC 5480 §2. */
static void put_pem(tsr_buf *out, tsr_bytes point)
{
    static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
    uint8_t der[sizeof head + 65], text[128];
    tsr_buf whole = tsr_buf_over(der, sizeof der), base64 = tsr_buf_over(text, sizeof text);

    tsr_put_bytes(&whole, tsr_view(head, sizeof head));
    tsr_put_bytes(&whole, point);
    tsr_base64_put(&base64, tsr_buf_view(&whole));
    tsr_put_text(out, "-----BEGIN PUBLIC KEY-----\n");
    for (tsr_bytes rest = tsr_buf_view(&base64); rest.len > 0; rest = tsr_skip(rest, 64)) {
        tsr_put_bytes(out, tsr_first(rest, 64));
        tsr_put_u8(out, '\n');
    }
    tsr_put_text(out, "-----END PUBLIC KEY-----\n");
}

/* A trust anchor as the verifier reads it (docs/WIRE.md, "Trust anchors"). */
static psa_status_t put_record(tsr_buf *out, tsr_bytes point)
{
    uint8_t hash[32];
    size_t len;
    psa_status_t status =
        psa_hash_compute(PSA_ALG_SHA_256, point.ptr, point.len, hash, sizeof hash, &len);

    tsr_put_text(out, "{\"instance_id\":\"01");
    put_hex(out, tsr_view(hash, sizeof hash));
    tsr_put_text(out, "\",\"attestation_public_key\":\"");
    put_hex(out, point);
    tsr_put_text(out, "\"}\n");
    return status;
}

static int print_key(const options *o)
{
    uint8_t point[65], text[512];
    tsr_buf out = tsr_buf_over(text, sizeof text);
    size_t len;
    psa_status_t status = tsr_attest_public_key(point, sizeof point, &len);

    if (status == PSA_SUCCESS && o->json)
        status = put_record(&out, tsr_view(point, len));
    else if (status == PSA_SUCCESS)
        put_pem(&out, tsr_view(point, len));
    return status == PSA_SUCCESS ? write_out(o->out, tsr_buf_view(&out)) : refused(status);
}

enum { OPT_NONCE = 256, OPT_PUBLIC, OPT_JSON, OPT_OUT, OPT_SOCKET, OPT_HELP, OPT_VERSION };

static const struct option words[] = {
    { "nonce", required_argument, NULL, OPT_NONCE },
    { "public-key", no_argument, NULL, OPT_PUBLIC },
    { "json", no_argument, NULL, OPT_JSON },
    { "out", required_argument, NULL, OPT_OUT },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { NULL, 0, NULL, 0 },
};

/* -1: go on. */
static int take(options *o, int which)
{
    switch (which) {
    case OPT_NONCE: o->nonce = optarg; return -1;
    case OPT_PUBLIC: o->public_key = true; return -1;
    case OPT_JSON: o->json = true; return -1;
    case OPT_OUT: o->out = optarg; return -1;
    case OPT_SOCKET:
        return tsr_gate_socket(optarg) == PSA_SUCCESS
                   ? -1
                   : complain(USAGE, "--socket: the path is too long", "");
    case OPT_HELP: (void)fputs(help, stdout); return DONE;
    case OPT_VERSION: (void)puts("tessera-token " TSR_VERSION); return DONE;
    default: (void)fputs("See tessera-token --help.\n", stderr); return USAGE;
    }
}

int main(int argc, char **argv)
{
    options o = { .nonce = NULL };
    int which, code;

    while ((which = getopt_long(argc, argv, "", words, NULL)) != -1)
        if ((code = take(&o, which)) >= 0)
            return code;
    if (optind < argc || (o.nonce != NULL) == o.public_key) {
        (void)fputs(help, stderr);
        return USAGE;
    }
    if (psa_crypto_init() != PSA_SUCCESS)
        return refused(PSA_ERROR_COMMUNICATION_FAILURE);
    return o.nonce != NULL ? fetch_token(&o) : print_key(&o);
}
