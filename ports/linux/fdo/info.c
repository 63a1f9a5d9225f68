/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/fdo/info.h"

#include "ports/linux/host/log.h"
#include "tessera/cbor/cbor.h"

tsr_err tsr_info_text(tsr_bytes value, char *text, size_t cap)
{
    tsr_bytes in;
    tsr_err err = tsr_cbor_get_text(&value, &in);

    if (err != TSR_OK || value.len != 0)
        return TSR_E_MALFORMED;
    if (in.len >= cap)
        return TSR_E_SPACE;
    if (memchr(in.ptr, 0, in.len) != NULL)
        return TSR_E_MALFORMED;
    memcpy(text, in.ptr, in.len);
    text[in.len] = '\0';
    return TSR_OK;
}

tsr_err tsr_info_sha384(tsr_bytes value, uint8_t sha384[TSR_BENEATH_SHA384])
{
    tsr_bytes in;

    if (tsr_cbor_get_bytes(&value, &in) != TSR_OK || value.len != 0 || in.len != TSR_BENEATH_SHA384)
        return TSR_E_MALFORMED;
    memcpy(sha384, in.ptr, in.len);
    return TSR_OK;
}

static const char *cause_of(tsr_err err)
{
    switch (err) {
    case TSR_OK:          return "none";
    case TSR_E_DENIED:    return "the name leads out of the folder, through a link, or to no plain file";
    case TSR_E_NOT_FOUND: return "there is no such file or folder";
    case TSR_E_SPACE:     return "it is longer than allowed";
    case TSR_E_CRYPTO:    return "it has another hash";
    default:              return tsr_err_name(err);
    }
}

/* A name of the owner's is no text for a log before it is made so. */
void tsr_info_log(const char *module, const char *what, const char *name, tsr_err err)
{
    char plain[128];
    size_t n = 0;

    for (; name[n] != '\0' && n + 1 < sizeof plain; n++)
        plain[n] = (char)(name[n] < ' ' || name[n] > '~' || name[n] == '"' ? '?' : name[n]);
    plain[n] = '\0';
    if (err == TSR_OK)
        tsr_host_log(TSR_LOG_INFO, what, "module=%s name=\"%s\"", module, plain);
    else
        tsr_host_log(TSR_LOG_WARNING, what, "module=%s name=\"%s\" cause=\"%s\"", module, plain,
                     cause_of(err));
}

uint64_t tsr_info_never(const void *self, int *fd, short *events, uint64_t now_ms)
{
    (void)self, (void)now_ms;
    *fd = -1;
    *events = 0;
    return UINT64_MAX;
}
