/* SPDX-License-Identifier: Apache-2.0
 *
 * What fuzzers of the REST interface ask with, and what docs/openapi.yaml promises of every answer. */
#ifndef FUZZ_REST_LOOK_H
#define FUZZ_REST_LOOK_H

#include "fuzz/fuzz.h"
#include "tessera/json/json.h"

#include <stdio.h>
#include <string.h>

/** Text as it may stand in a request line. */
static inline void fuzz_rest_put_text(tsr_buf *out, tsr_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] > ' ' && text.ptr[i] < 0x7f) {
            tsr_put_u8(out, text.ptr[i]);
            continue;
        }
        tsr_put_u8(out, '%');
        tsr_put_u8(out, (uint8_t)digits[text.ptr[i] >> 4]);
        tsr_put_u8(out, (uint8_t)digits[text.ptr[i] & 15]);
    }
}

/** must(), and says what was wrong: threads make it hard to see it twice. */
static inline void fuzz_rest_promised(bool holds, const char *answer)
{
    if (!holds)
        (void)fprintf(stderr, "the answer: %.2000s\n", answer);
    must(holds);
}

/** A zero-terminated answer, whole unless it filled its room: a status, and JSON that is JSON. The status. */
static inline unsigned fuzz_rest_look(const char *answer, size_t len, bool is_head)
{
    const char *body = strstr(answer, "\r\n\r\n");
    unsigned status = 0;
    tsr_json root;

    fuzz_rest_promised(len > 12 && strncmp(answer, "HTTP/1.1 ", 9) == 0 && body != NULL, answer);
    status = (unsigned)strtoul(answer + 9, NULL, 10);
    fuzz_rest_promised(status >= 200 && status < 600 && status != 500, answer);
    body += 4;
    if (!is_head && len != (size_t)(body - answer) && strstr(answer, "json\r\n") != NULL)
        fuzz_rest_promised(tsr_json_parse(tsr_view(body, len - (size_t)(body - answer)), &root, NULL) == TSR_OK,
                           answer);
    return status;
}

#endif
