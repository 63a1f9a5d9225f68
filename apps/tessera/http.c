/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera/tessera.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { DEFAULT_WAIT_S = 30, GRACE_S = 15, CONNECT_S = 5, TOKEN_MAX = 512 };

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

bool interrupted(void) { return signalled != 0; }

typedef struct {
    char *text;
    size_t len;
} growing;

static size_t collect(char *data, size_t size, size_t count, void *arg)
{
    growing *g = arg;
    char *more = realloc(g->text, g->len + size * count + 1);

    if (more == NULL)
        return 0;
    g->text = more;
    memcpy(g->text + g->len, data, size * count);
    g->len += size * count;
    g->text[g->len] = '\0';
    return size * count;
}

/* "Authorization: Bearer ..." from the token file. */
static int add_token(const options *o, struct curl_slist **headers)
{
    char line[TOKEN_MAX + 64] = "Authorization: Bearer ";
    size_t head = strlen(line);

    if (o->token_file == NULL)
        return EXIT_DONE;
    FILE *in = fopen(o->token_file, "re");

    if (in == NULL || fgets(line + head, (int)(sizeof line - head), in) == NULL) {
        (void)fprintf(stderr, "tessera: the token file %s cannot be read: %s\n", o->token_file,
                      in == NULL ? strerror(errno) : "it is empty");
        if (in != NULL)
            (void)fclose(in);
        return EXIT_USAGE;
    }
    (void)fclose(in);
    line[head + strcspn(line + head, " \t\r\n")] = '\0';
    *headers = need(curl_slist_append(*headers, line));
    tsr_wipe(line, sizeof line);
    return EXIT_DONE;
}

/* The list's copies of the token go with it. */
static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h != NULL; h = h->next)
        tsr_wipe(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

static CURL *prepare(const options *o, const char *path, struct curl_slist *headers)
{
    CURL *c = need(curl_easy_init());
    size_t base = strlen(o->server);
    size_t len = base + strlen(path) + 16;
    char *url = need(malloc(len));

    while (base > 0 && o->server[base - 1] == '/')
        base--;
    (void)snprintf(url, len, "%.*s/api/v1%s", (int)base, o->server, path);
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    free(url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "tessera/" TSR_VERSION);
    return c;
}

static int unreachable(const options *o, const char *why)
{
    (void)fprintf(stderr,
                  "tessera: the server at %s cannot be reached: %s\n"
                  "Is tessera-server running? --server or TESSERA_SERVER names another one.\n",
                  o->server, why);
    return EXIT_UNREACHABLE;
}

/* A text that was sent, and where it came from. */
typedef struct {
    const char *file; /* NULL: from nowhere that a place could be told of */
    tsr_bytes text;
} source;

/* The number behind these words. */
static bool number_after(const char *detail, const char *words, size_t *n)
{
    const char *at = strstr(detail, words);
    char *end;

    if (at == NULL)
        return false;
    at += strlen(words);
    *n = strtoul(at, &end, 10);
    return end != at;
}

/* Where in the text a complaint begins: at a step of a plan, or where it is no JSON. False: it does not say. */
static bool find_place(tsr_bytes text, const char *detail, size_t *at)
{
    tsr_json root, steps, step;
    tsr_json_walk walk;
    size_t n;

    if (number_after(detail, "at byte ", at))
        return *at <= text.len;
    if (!number_after(detail, "steps[", &n) || tsr_json_parse(text, &root, NULL) != TSR_OK ||
        tsr_json_find(&root, "steps", &steps) != TSR_OK)
        return false;
    for (walk = tsr_json_items(&steps); tsr_json_next(&walk, NULL, &step);)
        if (n-- == 0) {
            *at = (size_t)(step.text.ptr - text.ptr);
            return true;
        }
    return false;
}

static void put_place(const source *from, const char *detail)
{
    size_t at, line = 1, column = 1;

    if (from->file == NULL || !find_place(from->text, detail, &at))
        return;
    for (size_t i = 0; i < at; i++) {
        column = from->text.ptr[i] == '\n' ? 1 : column + 1;
        line += from->text.ptr[i] == '\n';
    }
    (void)fprintf(stderr, "%s:%zu:%zu: ", strcmp(from->file, "-") == 0 ? "standard input" : from->file, line, column);
}

/* Says what the server's problem document says, and finds the exit code for it. */
static int failed(const answer *a, const source *from)
{
    tsr_json p = a->json;
    const char *type = text_of(&p, "type"), *detail = text_of(&p, "detail");
    const char *title = text_of(&p, "title"), *code = text_of(&p, "coap_code");

    (void)fprintf(stderr, "tessera: ");
    put_place(from, detail);
    (void)fprintf(stderr, "%s", title[0] != '\0' ? title : "the server refused");
    if (title[0] == '\0')
        (void)fprintf(stderr, " (HTTP %ld)", a->status);
    (void)fprintf(stderr, "%s%s\n", detail[0] != '\0' ? ": " : "", detail);
    if (code[0] != '\0')
        return strcmp(code, "4.04") == 0 ? EXIT_NOT_FOUND : EXIT_DEVICE;
    if (strstr(type, ":device-timeout") != NULL)
        return EXIT_TIMEOUT;
    if (strstr(type, ":device-garbled") != NULL || strstr(type, ":device-gone") != NULL)
        return EXIT_DEVICE;
    if (a->status == 401 || a->status == 403)
        return EXIT_DENIED;
    return a->status == 404 ? EXIT_NOT_FOUND : EXIT_SERVER;
}

static int judge(answer *a, const source *from)
{
    if (a->len > 0 && tsr_json_parse(tsr_view(a->text, a->len), &a->json, NULL) != TSR_OK)
        a->json = (tsr_json){ 0 };
    return a->status >= 200 && a->status < 300 ? EXIT_DONE : failed(a, from);
}

int http_call(const options *o, const char *method, const char *path, const char *body, answer *a)
{
    return http_call_file(o, method, path, body, NULL, a);
}

int http_show(const options *o, const char *path, void (*print)(const tsr_json *))
{
    answer a;
    int code = http_call(o, "GET", path, NULL, &a);

    if (code == EXIT_DONE && o->json)
        print_json(&a);
    else if (code == EXIT_DONE)
        print(&a.json);
    http_free(&a);
    return code;
}

int http_call_file(const options *o, const char *method, const char *path, const char *body, const char *file,
                   answer *a)
{
    source from = { file, body != NULL ? tsr_text(body) : (tsr_bytes){ 0 } };
    struct curl_slist *headers = NULL;
    growing text = { 0 };
    char error[CURL_ERROR_SIZE] = "";
    unsigned wait = o->timeout_s != 0 && !o->queue ? o->timeout_s : DEFAULT_WAIT_S;

    *a = (answer){ 0 };
    headers = need(curl_slist_append(headers, body != NULL ? "Content-Type: application/json"
                                                           : "Accept: application/json"));
    int code = add_token(o, &headers);

    if (code != EXIT_DONE) {
        free_headers(headers);
        return code;
    }
    CURL *c = prepare(o, path, headers);

    (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)wait + GRACE_S);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, &text);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
    if (body != NULL)
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    CURLcode result = curl_easy_perform(c);

    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_cleanup(c);
    free_headers(headers);
    a->text = text.text;
    a->len = text.len;
    if (result != CURLE_OK) {
        http_free(a);
        return unreachable(o, error[0] != '\0' ? error : curl_easy_strerror(result));
    }
    code = judge(a, &from);
    if (code != EXIT_DONE)
        http_free(a);
    return code;
}

void http_free(answer *a)
{
    free(a->text);
    *a = (answer){ 0 };
}

/* --- the event stream --------------------------------------------------------------------- */

typedef struct {
    growing line, data;
    char event[32], id[24];
    CURL *curl;
    stream_fn *fn;
    void *arg;
    bool stop, good; /* good: the server answers 200 */
    growing refusal;
} stream;

static void put(growing *g, const char *text, size_t len)
{
    if (collect((char *)(uintptr_t)text, 1, len, g) != len)
        (void)need(NULL);
}

static void dispatch(stream *s)
{
    tsr_json data;

    if (s->data.len > 0 &&
        tsr_json_parse(tsr_view(s->data.text, s->data.len), &data, NULL) == TSR_OK)
        s->stop = s->stop || !s->fn(s->arg, s->event, &data);
    s->data.len = 0;
    s->event[0] = '\0';
}

static void take_line(stream *s, const char *line)
{
    if (line[0] == '\0')
        dispatch(s);
    else if (strncmp(line, "data: ", 6) == 0)
        put(&s->data, line + 6, strlen(line + 6));
    else if (strncmp(line, "event: ", 7) == 0)
        (void)snprintf(s->event, sizeof s->event, "%s", line + 7);
    else if (strncmp(line, "id: ", 4) == 0)
        (void)snprintf(s->id, sizeof s->id, "%s", line + 4);
}

static size_t on_stream(char *data, size_t size, size_t count, void *arg)
{
    stream *s = arg;
    size_t len = size * count;
    long status = 0;

    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return collect(data, size, count, &s->refusal);
    s->good = true;
    for (size_t i = 0; i < len && !s->stop; i++) {
        if (data[i] != '\n') {
            put(&s->line, data + i, 1);
            continue;
        }
        put(&s->line, "", 0);
        take_line(s, s->line.len > 0 ? s->line.text : "");
        s->line.len = 0;
        if (s->line.text != NULL)
            s->line.text[0] = '\0';
    }
    return s->stop ? 0 : len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)arg;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return signalled != 0;
}

/* One connection, from its beginning to its end. */
static CURLcode follow(const options *o, stream *s, const char *path, long *status, char *error)
{
    struct curl_slist *headers = need(curl_slist_append(NULL, "Accept: text/event-stream"));
    char resume[64];

    if (add_token(o, &headers) != EXIT_DONE)
        exit(EXIT_USAGE);
    if (s->id[0] != '\0') {
        (void)snprintf(resume, sizeof resume, "Last-Event-ID: %s", s->id);
        headers = need(curl_slist_append(headers, resume));
    }
    s->curl = prepare(o, path, headers);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_stream);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
    (void)curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, error);
    (void)curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    /* the server says something every 15 seconds */
    (void)curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, 45L);
    CURLcode result = curl_easy_perform(s->curl);

    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(s->curl);
    free_headers(headers);
    return result;
}

static int follow_all(const options *o, stream *s, const char *path)
{
    bool connected = false;

    for (unsigned wait = 1;; wait = wait < 8 ? wait * 2 : 8) {
        char error[CURL_ERROR_SIZE] = "";
        long status = 0;
        CURLcode result = follow(o, s, path, &status, error);

        if (s->stop || signalled != 0)
            return EXIT_DONE;
        if (status != 0 && status != 200) {
            answer a = { .status = status, .text = s->refusal.text, .len = s->refusal.len };

            return judge(&a, &(source){ 0 });
        }
        if (!s->good && !connected)
            return unreachable(o, error[0] != '\0' ? error : curl_easy_strerror(result));
        if (s->good)
            wait = 1;
        connected = true;
        s->good = false;
        s->line.len = s->data.len = 0;
        (void)fprintf(stderr, "tessera: the stream was cut, trying again\n");
        (void)nanosleep(&(struct timespec){ .tv_sec = wait }, NULL);
        if (signalled != 0)
            return EXIT_DONE;
    }
}

int http_stream(const options *o, const char *endpoint, const char *after, stream_fn *fn, void *arg)
{
    stream s = { .fn = fn, .arg = arg };
    struct sigaction action = { .sa_handler = on_signal };
    char *name = endpoint != NULL ? need(curl_easy_escape(NULL, endpoint, 0)) : NULL;
    size_t len = 64 + (name != NULL ? strlen(name) : 0);
    char *path = need(malloc(len));

    (void)snprintf(path, len, "/events%s%s", name != NULL ? "?endpoint=" : "",
                   name != NULL ? name : "");
    if (after != NULL)
        (void)snprintf(s.id, sizeof s.id, "%s", after);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    int code = follow_all(o, &s, path);

    free(s.line.text);
    free(s.data.text);
    free(s.refusal.text);
    free(path);
    curl_free(name);
    return code;
}

char *device_path(const char *endpoint, const char *rest, ...)
{
    char tail[256];
    va_list args;
    char *name = need(curl_easy_escape(NULL, endpoint, 0));
    size_t len = strlen(name) + sizeof tail + 16;
    char *path = need(malloc(len));

    va_start(args, rest);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(tail, sizeof tail, rest, args);
    va_end(args);
    (void)snprintf(path, len, "/devices/%s%s", name, tail);
    curl_free(name);
    return path;
}
