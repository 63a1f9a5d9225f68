/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* RFC 3986 §3.1: schemes have no case; `known` is small. */
static bool same_scheme(const char *known, const char *uri, size_t len)
{
    if (strlen(known) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char ch = uri[i];

        if ((ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch) != known[i])
            return false;
    }
    return true;
}

int tsr_lwm2m_protocol_of(const char *uri)
{
    static const char *const schemes[] = { "coap", "coaps", "http", "https", "coap+tcp",
                                           "coaps+tcp" };
    size_t len = strcspn(uri, ":/?#");

    if (len == 0 || strncmp(uri + len, "://", 3) != 0 || uri[len + 3] == '\0' ||
        uri[len + 3] == '/')
        return -1;
    for (int i = 0; i < TSR_LWM2M_PROTOCOLS; i++) {
        if (same_scheme(schemes[i], uri, len))
            return i;
    }
    return TSR_LWM2M_PROTOCOLS;
}
