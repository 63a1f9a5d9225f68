/* SPDX-License-Identifier: Apache-2.0
 *
 * What devices get from the bootstrap server, and how it went. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

static char *path_to(const char *what, const char *name)
{
    char *escaped = need(curl_easy_escape(NULL, name, 0));
    size_t cap = strlen(what) + strlen(escaped) + 16;
    char *path = need(malloc(cap));

    (void)snprintf(path, cap, "/bootstrap/%s/%s", what, escaped);
    curl_free(escaped);
    return path;
}

/* --- lists ------------------------------------------------------------------------------ */

static void profile_row(table *t, const tsr_json *item)
{
    tsr_json servers;
    char count[24] = "0";

    if (tsr_json_find(item, "servers", &servers) == TSR_OK)
        (void)snprintf(count, sizeof count, "%zu", tsr_json_count(&servers));
    table_row(t, (const char *const[]){ text_of(item, "name"), count, text_of(item, "plain"),
                                        ago(text_of(item, "changed_at")) });
}

static void state_row(table *t, const tsr_json *item)
{
    table_row(t, (const char *const[]){ text_of(item, "endpoint"), text_of(item, "state"),
                                        text_of(item, "profile"), text_of(item, "way"),
                                        ago(text_of(item, "started_at")),
                                        text_of(item, "cause") });
}

static void certificate_row(table *t, const tsr_json *item)
{
    const char *revoked = text_of(item, "revoked_at");

    table_row(t, (const char *const[]){ text_of(item, "serial"), text_of(item, "endpoint"),
                                        text_of(item, "not_before"), text_of(item, "not_after"),
                                        revoked });
}

static int list_profiles(const options *o)
{
    table t = { .columns = 4 };

    table_row(&t, (const char *const[]){ "PROFILE", "SERVERS", "PLAIN", "CHANGED" });
    return list_pages(o, "/bootstrap/profiles", &t, profile_row, "there is no bootstrap profile");
}

static int list_states(const options *o)
{
    table t = { .columns = 6 };

    table_row(&t, (const char *const[]){ "ENDPOINT", "STATE", "PROFILE", "WAY", "STARTED",
                                         "CAUSE" });
    return list_pages(o, "/bootstrap/devices", &t, state_row, "no device came to the bootstrap server yet");
}

/* --- one -------------------------------------------------------------------------------- */

static int one(const options *o, const char *method, const char *what, const char *name,
               const char *body, const char *done)
{
    answer a;
    char *path = path_to(what, name);
    int code = http_call(o, method, path, body, &a);

    free(path);
    if (code == EXIT_DONE && (done == NULL || o->json) && a.len > 0)
        print_json(&a);
    else if (code == EXIT_DONE && done != NULL && !o->json)
        (void)printf("%s %s\n", name, done);
    http_free(&a);
    return code;
}

static int set(const options *o, const char *name)
{
    enum { MAX = 65536 };
    char *text;
    FILE *in;
    size_t len;
    int code;

    if (o->file == NULL) {
        (void)fprintf(stderr, "tessera: bootstrap set NAME --file FILE|- (a profile in JSON)\n");
        return EXIT_USAGE;
    }
    in = strcmp(o->file, "-") == 0 ? stdin : fopen(o->file, "re");
    if (in == NULL) {
        (void)fprintf(stderr, "tessera: %s cannot be opened\n", o->file);
        return EXIT_USAGE;
    }
    text = need(malloc(MAX + 2));
    (void)setvbuf(in, NULL, _IONBF, 0); /* no second copy of its keys in a buffer */
    len = fread(text, 1, MAX + 1, in);
    text[len] = '\0';
    if (in != stdin)
        (void)fclose(in);
    code = one(o, "PUT", "profiles", name, text, "is set; the next bootstrap goes by it");
    tsr_wipe(text, MAX + 2);
    free(text);
    return code;
}

int cmd_bootstrap(const options *o)
{
    const char *what = o->args[0], *name = o->arg_count == 2 ? o->args[1] : NULL;

    if (strcmp(what, "list") == 0 && !name)
        return list_profiles(o);
    if (strcmp(what, "show") == 0 && name)
        return one(o, "GET", "profiles", name, NULL, NULL);
    if (strcmp(what, "set") == 0 && name)
        return set(o, name);
    if (strcmp(what, "remove") == 0 && name)
        return one(o, "DELETE", "profiles", name, NULL, "is removed");
    if (strcmp(what, "state") == 0)
        return name ? one(o, "GET", "devices", name, NULL, NULL) : list_states(o);
    (void)fprintf(stderr, "tessera: bootstrap list | show NAME | set NAME --file FILE|- | "
                          "remove NAME | state [EP]\n");
    return EXIT_USAGE;
}

int cmd_certificates(const options *o)
{
    const char *what = o->args[0], *serial = o->arg_count == 2 ? o->args[1] : NULL;
    table t = { .columns = 5 };

    if (strcmp(what, "list") == 0 && !serial) {
        table_row(&t, (const char *const[]){ "SERIAL", "ENDPOINT", "FROM", "TO", "REVOKED" });
        return list_pages(o, "/bootstrap/certificates", &t, certificate_row, "no certificate was issued");
    }
    if (strcmp(what, "show") == 0 && serial)
        return one(o, "GET", "certificates", serial, NULL, NULL);
    if (strcmp(what, "revoke") == 0 && serial)
        return one(o, "DELETE", "certificates", serial, NULL, "is revoked");
    (void)fprintf(stderr, "tessera: certificates list | show SERIAL | revoke SERIAL\n");
    return EXIT_USAGE;
}
