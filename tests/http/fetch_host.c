/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch_host [-m METHOD] [-d FILE] [-o FILE] URL...: the URLs one after the other over one
 * connection where it is kept; a line for each. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ports/linux/host/system.h"
#include "ports/linux/http/fetch.h"

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

int main(int argc, char **argv)
{
    static tsr_fetch f;
    const char *method = "GET";
    tsr_bytes body;
    bool has_body = false;
    FILE *out = NULL;
    int ch;

    while ((ch = getopt(argc, argv, "m:d:o:")) != -1) {
        if (ch == 'm')
            method = optarg;
        if (ch == 'd') {
            body = slurp(optarg);
            has_body = true;
        }
        if (ch == 'o')
            must((out = fopen(optarg, "wb")) != NULL, "cannot open");
    }
    tsr_fetch_init(&f, 10000);
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
