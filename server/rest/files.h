/* SPDX-License-Identifier: Apache-2.0
 *
 * What is built into the program: the console and the OpenAPI document. The tables come from
 * console/tools/embed.mjs at build time. Private to server/rest. */
#ifndef SERVER_REST_FILES_H
#define SERVER_REST_FILES_H

#include "tessera/base/bytes.h"

typedef struct {
    const char *path; /* "/index.html"; sorted bytewise */
    const char *content_type;
    const char *etag; /* with its quotes */
    bool hashed;      /* the name changes with the content: may be kept for ever */
    const uint8_t *data;
    size_t len;
    const uint8_t *gzip; /* NULL: not worth it */
    size_t gzip_len;
} rest_file;

extern const rest_file rest_files[];
extern const size_t rest_file_count;
extern const uint8_t rest_openapi[];
extern const size_t rest_openapi_len;

#endif
