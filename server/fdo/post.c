/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "server/rest/room.h"
#include "tessera/fdo/error.h"

enum { ANSWER_MAX = 65535, TIMEOUT_S = 20 };

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    fdo_post *p = arg;

    if (size * n > ANSWER_MAX - p->answer.len)
        return 0;
    rest_room(&p->answer, size * n + 1);
    tsr_put_bytes(&p->answer, tsr_view(data, size * n));
    return p->answer.err == TSR_OK ? size * n : 0;
}

/* The value of a header field without white space around it; false: another field. */
static bool value_of(tsr_bytes line, const char *name, tsr_bytes *value)
{
    size_t n = strlen(name);

    if (line.len <= n || strncasecmp((const char *)line.ptr, name, n) != 0 || line.ptr[n] != ':')
        return false;
    line = tsr_skip(line, n + 1);
    while (line.len > 0 && line.ptr[0] <= ' ')
        line = tsr_skip(line, 1);
    while (line.len > 0 && line.ptr[line.len - 1] <= ' ')
        line.len--;
    *value = line;
    return true;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    fdo_post *p = arg;
    tsr_bytes line = tsr_view(data, size * n), value;
    uint32_t type = 0;

    if (value_of(line, "Message-Type", &value) && tsr_dec_upto(value, UINT8_MAX, &type) == TSR_OK)
        p->type = (uint8_t)type;
    if (value_of(line, "Authorization", &value) && value.len < sizeof p->token) {
        memcpy(p->token, value.ptr, value.len);
        p->token[value.len] = 0;
    }
    return size * n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const fdo_post *p = arg;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(p->stop) ? 1 : 0;
}

tsr_err fdo_post_open(fdo_post *p, const char *base, const atomic_bool *stop)
{
    *p = (fdo_post){ .base = base, .stop = stop, .curl = curl_easy_init() };
    if (p->curl == NULL)
        return TSR_E_SPACE;
    (void)curl_easy_setopt(p->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(p->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    (void)curl_easy_setopt(p->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(p->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(p->curl, CURLOPT_WRITEDATA, p);
    (void)curl_easy_setopt(p->curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(p->curl, CURLOPT_HEADERDATA, p);
    (void)curl_easy_setopt(p->curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(p->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(p->curl, CURLOPT_XFERINFODATA, p);
    return TSR_OK;
}

void fdo_post_close(fdo_post *p)
{
    if (p->curl != NULL)
        curl_easy_cleanup(p->curl);
    free(p->answer.ptr);
    p->answer = (tsr_buf){ 0 };
    p->curl = NULL;
}

static CURLcode perform(fdo_post *p, tsr_bytes body)
{
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/cbor");
    CURLcode code = CURLE_OUT_OF_MEMORY;

    if (p->token[0] != 0) {
        (void)snprintf(p->line, sizeof p->line, "Authorization: %s", p->token);
        fields = curl_slist_append(fields, p->line);
    }
    if (fields != NULL) {
        (void)curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, fields);
        (void)curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, (const char *)body.ptr);
        (void)curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
        code = curl_easy_perform(p->curl);
    }
    curl_slist_free_all(fields);
    return code;
}

tsr_err fdo_post_message(fdo_post *p, uint8_t type, tsr_bytes body)
{
    char url[400];
    tsr_fdo_error e = { 0 };
    CURLcode code;

    (void)snprintf(url, sizeof url, "%s/fdo/101/msg/%u", p->base, type);
    (void)curl_easy_setopt(p->curl, CURLOPT_URL, url);
    p->answer.len = 0;
    p->type = 0;
    code = perform(p, body);
    if (code != CURLE_OK) {
        (void)snprintf(p->why, sizeof p->why, "%s", curl_easy_strerror(code));
        return TSR_E_IO;
    }
    if (p->type == type + 1)
        return TSR_OK;
    if (p->type == UINT8_MAX && tsr_fdo_error_read(tsr_buf_view(&p->answer), &e) == TSR_OK)
        (void)snprintf(p->why, sizeof p->why, "refused with error %llu",
                       (unsigned long long)e.code);
    else
        (void)snprintf(p->why, sizeof p->why, "answered message %u with %u", type, p->type);
    return TSR_E_DENIED;
}
