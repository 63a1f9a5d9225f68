/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. */
#ifndef TESSERA_HTTP_INTERNAL_H
#define TESSERA_HTTP_INTERNAL_H

#include "tessera/http/http.h"

enum {
    HTTP_IDLE,
    HTTP_STATUS,     /* in the status line, or before it */
    HTTP_FIELDS,     /* in a line of the head */
    HTTP_FOLD,       /* behind one: the next byte says whether it goes on */
    HTTP_LENGTH,     /* in a body of known length */
    HTTP_TO_END,     /* in a body that ends with the stream */
    HTTP_CHUNK_SIZE, /* in the line before a chunk */
    HTTP_CHUNK,      /* in it */
    HTTP_CHUNK_END,  /* in the end of line behind it */
    HTTP_TRAILER,    /* in a line of the trailer */
    HTTP_DONE,
    HTTP_FAILED,
};

#define HTTP_GONE SIZE_MAX

/** Visible characters only, and at least one: a name of a field. */
bool tsr_http_token(tsr_bytes in);

/** No control characters but the tabulator. */
bool tsr_http_printable(tsr_bytes in);

void tsr_http_moved(tsr_http *h, uint64_t now_ms);
void tsr_http_failed(tsr_http *h);

/** Reads the status line that lies in the room. */
tsr_err tsr_http_status_line(tsr_http *h);

/** Reads a line of a head or trailer; fields of framing are remembered. */
tsr_err tsr_http_field_line(tsr_http *h, tsr_http_field *field);

#endif
