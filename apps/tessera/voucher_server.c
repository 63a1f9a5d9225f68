/* SPDX-License-Identifier: Apache-2.0
 *
 * Vouchers into a server and out of it, over REST. Both ways they are verified here, too. */
#include "apps/tessera/voucher.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "server/rest/room.h"
#include "tessera/base/hex.h"

static int call(const voucher_options *v, const char *method, const char *path, const char *body,
                answer *a)
{
    options o = { .server = v->server, .token_file = v->token_file };
    int code;

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    code = http_call(&o, method, path, body, a); /* it says what went wrong */
    curl_global_cleanup();
    return code == EXIT_DONE ? VOUCHER_DONE : VOUCHER_SERVER;
}

static void put_body(tsr_buf *out, tsr_bytes voucher)
{
    tsr_buf pem = { 0 };
    tsr_json_out j = tsr_json_to(out);

    fdo_voucher_put_pem(&pem, voucher);
    rest_room(out, 2 * pem.len + 64);
    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "voucher");
    tsr_json_put_string(&j, tsr_buf_view(&pem));
    tsr_json_close(&j);
    rest_room(out, 1);
    tsr_put_u8(out, 0);
    free(pem.ptr);
}

int voucher_import(const voucher_options *o)
{
    tsr_buf room = { 0 }, body = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    answer a = { 0 };
    int code = voucher_load(o->file, &room, &v);

    if (code == VOUCHER_DONE)
        code = voucher_check(o, o->file, &v, &owner);
    if (code == VOUCHER_DONE) {
        put_body(&body, tsr_buf_view(&room));
        code = body.err == TSR_OK ? call(o, "POST", "/fdo/vouchers", (const char *)body.ptr, &a)
                                  : voucher_complain(VOUCHER_NO_FILE, "out of memory", "");
    }
    if (code == VOUCHER_DONE)
        (void)printf("%s\n", text_of(&a.json, "guid"));
    http_free(&a);
    free(body.ptr);
    free(room.ptr);
    return code;
}

bool guid_of(const char *text, char guid[33])
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        int digit = tsr_hex_digit((uint8_t)*text);

        if (*text == '-')
            continue;
        if (digit < 0 || n == 32)
            return false;
        guid[n++] = "0123456789abcdef"[digit];
    }
    guid[n] = '\0';
    return n == 32;
}

static int take(const voucher_options *o, const answer *a)
{
    tsr_buf room = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key owner;
    char *pem = need(malloc(a->len + 1));
    int code = VOUCHER_DONE;

    if (tsr_json_find_cstring(&a->json, "voucher", pem, a->len + 1) != TSR_OK ||
        fdo_voucher_decode(tsr_text(pem), &room) != TSR_OK ||
        tsr_fdo_voucher_read(tsr_buf_view(&room), &v) != TSR_OK)
        code = voucher_complain(VOUCHER_SERVER, o->server, "what it gave is no ownership voucher");
    if (code == VOUCHER_DONE)
        code = voucher_check(o, o->file, &v, &owner);
    if (code == VOUCHER_DONE)
        code = voucher_save(o, tsr_buf_view(&room));
    free(room.ptr);
    free(pem);
    return code;
}

int voucher_export(const voucher_options *o)
{
    char guid[33], path[80];
    answer a = { 0 };
    int code;

    if (!guid_of(o->file, guid))
        return voucher_complain(VOUCHER_USAGE, o->file, "a GUID has 32 hexadecimal digits");
    (void)snprintf(path, sizeof path, "/fdo/devices/%s/voucher", guid);
    code = call(o, "GET", path, NULL, &a);
    if (code == VOUCHER_DONE)
        code = take(o, &a);
    http_free(&a);
    return code;
}
