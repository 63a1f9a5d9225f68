/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch_host [-m METHOD] [-d FILE] [-o FILE] [-f] [-w MS] URL...: the URLs one after the other over one
 * connection where it is kept; a line for each. -f follows redirections.
 * With -s SOCKET, that of a tessera-secured, https is there: -a FILE CA certificates, -A anyone, -H HEX
 * and -C HEX the SHA-256 of the server's certificate and of a CA's. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "ports/linux/gate/gate.h"
#include "ports/linux/host/system.h"
#include "ports/linux/http/anchors.h"
#include "ports/linux/http/fetch.h"
#include "ports/linux/http/secure.h"
#include "tessera/base/hex.h"

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "fetch_host: %s\n", what);
        exit(2);
    }
}

static tsr_bytes slurp(const char *path)
{
    static uint8_t room[4 << 20];
    FILE *in = fopen(path, "rb");
    size_t len;

    must(in != NULL, path);
    len = fread(room, 1, sizeof room, in);
    (void)fclose(in);
    return tsr_view(room, len);
}

static void wait_for(const tsr_fetch *f)
{
    struct pollfd fd = { tsr_fetch_fd(f), tsr_fetch_watches(f), 0 };
    uint64_t now_ms = tsr_host_now_ms(), due_ms = tsr_fetch_due_ms(f);

    (void)poll(&fd, 1, due_ms <= now_ms ? 0 : (int)(due_ms - now_ms));
}

static tsr_err run(tsr_fetch *f, FILE *out)
{
    tsr_http_event e;

    for (;;) {
        tsr_err err = tsr_fetch_next(f, &e, tsr_host_now_ms());

        if (err == TSR_END) {
            wait_for(f);
            continue;
        }
        if (err != TSR_OK)
            return err;
        if (e.kind == TSR_HTTP_FIELD)
            (void)printf("%.*s: %.*s\n", (int)e.field.name.len, (const char *)e.field.name.ptr,
                         (int)e.field.value.len, (const char *)e.field.value.ptr);
        if (e.kind == TSR_HTTP_BODY && out != NULL)
            must(fwrite(e.body.ptr, 1, e.body.len, out) == e.body.len, "cannot write");
        if (e.kind == TSR_HTTP_DONE)
            return TSR_OK;
    }
}

static tsr_web_hash hash_of(const char *hex, uint8_t room[32])
{
    tsr_buf out = tsr_buf_over(room, 32);

    must(tsr_hex_get(tsr_text(hex), &out) == TSR_OK && out.len == 32, "no SHA-256");
    return (tsr_web_hash){ TSR_DTLS_PIN_SHA256, tsr_buf_view(&out) };
}

/* True: an option of https. */
static bool take_trust(int ch, tsr_fetch_trust *trust)
{
    static tsr_anchors anchors;
    static uint8_t hash[2][32];

    if (ch == 's')
        must(tsr_gate_socket(optarg) == PSA_SUCCESS && psa_crypto_init() == PSA_SUCCESS,
             "no secure service");
    if (ch == 'a') {
        must(tsr_anchors_read(&anchors, optarg) == TSR_OK, "no CA certificates");
        trust->anchors = anchors.list;
        trust->anchor_count = anchors.count;
    }
    if (ch == 'A')
        trust->anyone = true;
    if (ch == 'H')
        trust->server = hash_of(optarg, hash[0]);
    if (ch == 'C')
        trust->ca = hash_of(optarg, hash[1]);
    return ch == 's';
}

int main(int argc, char **argv)
{
    static tsr_fetch_secure secure;
    static tsr_fetch f;
    tsr_fetch_trust trust = { .anyone = false };
    bool has_secure = false, follow = false;
    uint32_t wait_ms = 10000;
    const char *method = "GET";
    tsr_bytes body;
    bool has_body = false;
    FILE *out = NULL;
    int ch;

    while ((ch = getopt(argc, argv, "m:d:o:fw:s:a:AH:C:")) != -1) {
        has_secure |= take_trust(ch, &trust);
        follow |= ch == 'f';
        if (ch == 'w')
            wait_ms = (uint32_t)strtoul(optarg, NULL, 10);
        if (ch == 'm')
            method = optarg;
        if (ch == 'd') {
            body = slurp(optarg);
            has_body = true;
        }
        if (ch == 'o')
            must((out = fopen(optarg, "wb")) != NULL, "cannot open");
    }
    tsr_fetch_init(&f, wait_ms);
    f.follow = follow;
    tsr_fetch_secure_init(&secure, &trust);
    if (has_secure)
        tsr_fetch_use(&f, &tsr_fetch_secure_layer, &secure);
    for (; optind < argc; optind++) {
        tsr_http_field type = { tsr_text("Content-Type"), tsr_text("application/octet-stream") };
        tsr_http_request r = { .method = method, .fields = &type, .field_count = has_body };
        tsr_http_url url;
        tsr_err err;

        must(tsr_http_url_parse(tsr_text(argv[optind]), &url) == TSR_OK, "bad URL");
        err = tsr_fetch_begin(&f, &url, &r, has_body ? &body : NULL, tsr_host_now_ms());
        if (err == TSR_OK)
            err = run(&f, out);
        (void)printf("RESULT %s status=%u keep=%d cause=\"%s\"\n", tsr_err_name(err), f.http.status,
                     err == TSR_OK && f.http.keep, f.cause);
    }
    tsr_fetch_end(&f);
    if (out != NULL)
        (void)fclose(out);
    return 0;
}
