/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/pem.h"

#include <ctype.h>
#include <stdio.h>

#include "tessera/json/base64.h"

static uint8_t *find(uint8_t *in, size_t len, const char *word, const char *label)
{
    char line[96];
    int n = snprintf(line, sizeof line, "-----%s %s-----", word, label);

    return memmem(in, len, line, (size_t)n);
}

/* Base64 in lines. What is decoded is shorter than what it came from, and takes its place. */
tsr_err tsr_host_pem(uint8_t *text, size_t len, const char *label, tsr_bytes *der)
{
    uint8_t *from = find(text, len, "BEGIN", label), *to;
    size_t n = 0;
    tsr_buf out = tsr_buf_over(text, len);

    if (from == NULL)
        return TSR_E_MALFORMED;
    from += strlen("-----BEGIN -----") + strlen(label);
    to = find(from, len - (size_t)(from - text), "END", label);
    if (to == NULL)
        return TSR_E_MALFORMED;
    for (uint8_t *at = from; at != to; at++)
        if (!isspace(*at))
            from[n++] = *at;
    if (tsr_base64_get(tsr_view(from, n), &out) != TSR_OK || out.len == 0)
        return TSR_E_MALFORMED;
    *der = tsr_buf_view(&out);
    return TSR_OK;
}
