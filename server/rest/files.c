/* SPDX-License-Identifier: Apache-2.0
 *
 * The console's files. They are constant, so they are served without a copy. */
#include "server/rest/files.h"

#include <stdlib.h>

#include "server/rest/daemon.h"

/* Nothing inline, nothing from elsewhere, in nobody's frame. */
#define POLICY                                                                                     \
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "                 \
    "frame-ancestors 'none'"

static int by_path(const void *key, const void *file)
{
    return strcmp(key, ((const rest_file *)file)->path);
}

static const rest_file *find(const char *path)
{
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    return bsearch(path, rest_files, rest_file_count, sizeof rest_files[0], by_path);
}

static bool header_has(rest_exchange *x, const char *name, const char *word)
{
    const char *value = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);

    return value != NULL && strstr(value, word) != NULL;
}

static void add(rest_exchange *x, const char *name, const char *value)
{
    (void)MHD_add_response_header(x->response, name, value);
}

void rest_get_file(rest_exchange *x, const char *path)
{
    const rest_file *file = find(path);

    if (file == NULL) {
        rest_fail(x, REST_NO_SUCH_PATH,
                  "the console is at /, the REST interface at /api/v1/, its document at "
                  "/api/v1/openapi.yaml");
        return;
    }
    bool same = header_has(x, "If-None-Match", file->etag);
    bool packed = file->gzip != NULL && header_has(x, "Accept-Encoding", "gzip");
    const uint8_t *data = packed ? file->gzip : file->data;
    size_t len = packed ? file->gzip_len : file->len;

    /* the library takes a pointer to what it does not change */
    x->response = MHD_create_response_from_buffer(same ? 0 : len, (void *)(uintptr_t)data,
                                                  MHD_RESPMEM_PERSISTENT);
    x->status = same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
    if (x->response == NULL)
        return;
    add(x, "Content-Type", file->content_type);
    add(x, "ETag", file->etag);
    add(x, "Cache-Control", file->hashed ? "public, max-age=31536000, immutable" : "no-cache");
    add(x, "Content-Security-Policy", POLICY);
    add(x, "X-Content-Type-Options", "nosniff");
    add(x, "Referrer-Policy", "no-referrer");
    add(x, "Cross-Origin-Opener-Policy", "same-origin");
    if (file->gzip != NULL)
        add(x, "Vary", "Accept-Encoding");
    if (packed && !same)
        add(x, "Content-Encoding", "gzip");
}
