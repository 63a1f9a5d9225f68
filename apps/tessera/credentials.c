/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials. Keys come from a file or from standard input, never from the arguments, which
 * every user of the machine can read. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "tessera/base/hex.h"
#include "tessera/json/base64.h"

enum { KEY_MAX = 64 };

/* Each service has credentials of its own. */
static const char *service(const options *o) { return o->bootstrap ? "/bootstrap" : ""; }

static char *credential_path(const options *o, const char *endpoint)
{
    char *name = need(curl_easy_escape(NULL, endpoint, 0));
    size_t cap = strlen(name) + 48;
    char *path = need(malloc(cap));

    (void)snprintf(path, cap, "%s/credentials/%s", service(o), name);
    curl_free(name);
    return path;
}

static void credential_row(table *t, const tsr_json *item)
{
    table_row(t, (const char *const[]){ text_of(item, "endpoint"), text_of(item, "mode"), text_of(item, "identity"),
                                        text_of(item, "key_bytes"), ago(text_of(item, "changed_at")) });
}

static int list_all(const options *o)
{
    table t = { .columns = 5 };
    char path[64];

    (void)snprintf(path, sizeof path, "%s/credentials", service(o));
    table_row(&t, (const char *const[]){ "ENDPOINT", "MODE", "IDENTITY", "KEY BYTES", "CHANGED" });
    return list_pages(o, path, &t, credential_row, "no credential is stored");
}

/* --- the key ------------------------------------------------------------------------------ */

static bool decode(const char *format, tsr_bytes text, tsr_buf *key)
{
    if (strcmp(format, "raw") == 0) {
        tsr_put_bytes(key, text);
        return key->err == TSR_OK && key->len > 0;
    }
    while (text.len > 0 && text.ptr[text.len - 1] <= ' ')
        text.len--;
    tsr_err err =
        strcmp(format, "base64") == 0 ? tsr_base64_get(text, key) : tsr_hex_get(text, key);

    return err == TSR_OK && key->err == TSR_OK && key->len > 0;
}

static int read_key(const options *o, const char *file, tsr_buf *key)
{
    uint8_t text[4 * KEY_MAX];
    const char *format = o->key_format != NULL ? o->key_format : "hex";
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");

    if (strcmp(format, "hex") != 0 && strcmp(format, "base64") != 0 && strcmp(format, "raw") != 0) {
        (void)fprintf(stderr, "tessera: --key-format is hex, base64 or raw\n");
        return EXIT_USAGE;
    }
    if (in == NULL) {
        (void)fprintf(stderr, "tessera: the key file %s cannot be read: %s\n", file,
                      strerror(errno));
        return EXIT_USAGE;
    }
    (void)setvbuf(in, NULL, _IONBF, 0); /* no second copy of the key in a buffer */
    size_t len = fread(text, 1, sizeof text, in);

    if (in != stdin)
        (void)fclose(in);
    bool good = decode(format, tsr_view(text, len), key);

    tsr_wipe(text, sizeof text);
    if (good)
        return EXIT_DONE;
    (void)fprintf(stderr, "tessera: %s must hold 1 to %d bytes as %s\n",
                  in == stdin ? "the key file" : file, KEY_MAX, format);
    return EXIT_USAGE;
}

static void put_member(tsr_json_out *j, const char *name, const char *value)
{
    if (value == NULL)
        return;
    tsr_json_put_key(j, name);
    tsr_json_put_cstring(j, value);
}

static void put_key(tsr_json_out *j, tsr_bytes key)
{
    char hex[2 * KEY_MAX + 1];

    for (size_t i = 0; i < key.len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", key.ptr[i]);
    put_member(j, "key", hex);
    tsr_wipe(hex, sizeof hex);
}

static void put_oscore(const options *o, tsr_json_out *j)
{
    put_member(j, "device_id", o->device_id);
    put_member(j, "server_id", o->server_id);
    put_member(j, "salt", o->salt);
    put_member(j, "id_context", o->id_context);
}

/* OSCORE besides: its own key and ids. */
static int put_besides(const options *o, tsr_json_out *j)
{
    uint8_t room[KEY_MAX];
    tsr_buf key = tsr_buf_over(room, sizeof room);
    int code = read_key(o, o->oscore_key_file, &key);

    if (code != EXIT_DONE)
        return code;
    tsr_json_put_key(j, "oscore");
    tsr_json_open_object(j);
    put_oscore(o, j);
    tsr_json_put_key(j, "required");
    tsr_json_put_bool(j, !o->oscore_optional);
    put_key(j, tsr_buf_view(&key));
    tsr_json_close(j);
    tsr_wipe(room, sizeof room);
    return EXIT_DONE;
}

static int set(const options *o, const char *endpoint)
{
    uint8_t key_room[KEY_MAX];
    char body[2000];
    tsr_buf key = tsr_buf_over(key_room, sizeof key_room);
    tsr_buf out = tsr_buf_over(body, sizeof body - 1);
    tsr_json_out j = tsr_json_to(&out);

    if (o->key_file == NULL || o->arg_count != 2) {
        (void)fprintf(stderr, "tessera: credentials set EP [--identity ID | --device-id HEX --server-id HEX] "
                      "--key-file FILE|- [--oscore-key-file FILE]\n");
        return EXIT_USAGE;
    }
    int code = read_key(o, o->key_file, &key);

    if (code != EXIT_DONE)
        return code;
    tsr_json_open_object(&j);
    if (o->oscore_key_file == NULL && (o->device_id != NULL || o->server_id != NULL)) {
        put_member(&j, "mode", "oscore");
        put_oscore(o, &j);
    } else {
        put_member(&j, "mode", "psk");
        put_member(&j, "identity", o->identity != NULL ? o->identity : endpoint);
    }
    put_key(&j, tsr_buf_view(&key));
    tsr_wipe(key_room, sizeof key_room);
    if (o->oscore_key_file != NULL)
        code = put_besides(o, &j);
    if (code != EXIT_DONE) {
        tsr_wipe(body, sizeof body);
        return code;
    }
    tsr_json_close(&j);
    if (tsr_json_end(&j) == TSR_OK) {
        answer a;
        char *path = credential_path(o, endpoint);

        body[out.len] = '\0';
        code = http_call(o, "PUT", path, body, &a);
        free(path);
        if (code == EXIT_DONE && o->json)
            print_json(&a);
        else if (code == EXIT_DONE)
            (void)printf("%s may connect with identity %s\n", endpoint,
                         text_of(&a.json, "identity"));
        http_free(&a);
    } else {
        (void)fprintf(stderr, "tessera: the identity is longer than 128 bytes, or an id, salt or context "
                      "than 64\n");
        code = EXIT_USAGE;
    }
    tsr_wipe(body, sizeof body);
    return code;
}

static int one(const options *o, const char *method, const char *endpoint)
{
    answer a;
    char *path = credential_path(o, endpoint);
    int code = http_call(o, method, path, NULL, &a);

    free(path);
    if (code == EXIT_DONE && a.len > 0 && o->json)
        print_json(&a);
    else if (code == EXIT_DONE && a.len > 0)
        (void)printf("%s: %s, identity %s, %s key bytes, changed %s\n",
                     text_of(&a.json, "endpoint"), text_of(&a.json, "mode"),
                     text_of(&a.json, "identity"), text_of(&a.json, "key_bytes"),
                     ago(text_of(&a.json, "changed_at")));
    else if (code == EXIT_DONE && !o->json)
        (void)printf("the credential of %s was deleted\n", endpoint);
    http_free(&a);
    return code;
}

int cmd_credentials(const options *o)
{
    const char *what = o->args[0];

    if (strcmp(what, "list") == 0 && o->arg_count == 1)
        return list_all(o);
    if (strcmp(what, "set") == 0 && o->arg_count >= 2)
        return set(o, o->args[1]);
    if (strcmp(what, "get") == 0 && o->arg_count == 2)
        return one(o, "GET", o->args[1]);
    if (strcmp(what, "delete") == 0 && o->arg_count == 2)
        return one(o, "DELETE", o->args[1]);
    (void)fprintf(stderr, "tessera: credentials list | get EP | set EP ... | delete EP\n");
    return EXIT_USAGE;
}
