/* SPDX-License-Identifier: Apache-2.0
 *
 * Composite operations: which formats, bodies made of names, and how a composite observation is called in
 * the store (Core 6.3.8, Core 6.3.9, Core 6.4.4). */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include "tessera/lwm2m/format/format.h"

#include <stdlib.h>

static const char prefix[] = "composite";

/* --- formats ------------------------------------------------------------------------------ */

static bool deletes(const operation *op)
{
    for (size_t i = 0; i < op->record_count; i++)
        if (op->records[i].value.type == TSR_LWM2M_NONE)
            return true;
    return false;
}

/* Best first: what the root link lists, and SenML-ETCH for 1.2, which has one of the two unasked
 * (Core 7.5); then the others. A null deletes in SenML-ETCH only. */
uint16_t format_for_composite(const device *dev, const operation *op, uint8_t attempt)
{
    static const struct {
        uint32_t bit;
        uint16_t format;
        bool etch;
    } order[] = {
        { TSR_FORMATS_ETCH_CBOR, TSR_LWM2M_FORMAT_ETCH_CBOR, true },
        { TSR_FORMATS_ETCH_JSON, TSR_LWM2M_FORMAT_ETCH_JSON, true },
        { TSR_FORMATS_SENML_CBOR, TSR_LWM2M_FORMAT_SENML_CBOR, false },
        { TSR_FORMATS_SENML_JSON, TSR_LWM2M_FORMAT_SENML_JSON, false },
    };
    bool old = strncmp(dev->info->version, "1.0", 3) == 0 || strcmp(dev->info->version, "1.1") == 0;
    bool only_etch = deletes(op);

    for (size_t n = 0; n < 8; n++) {
        size_t i = n < 4 ? n : (n + 2) % 4; /* an old device that lists neither: SenML first */
        bool has = (dev->info->formats & order[i].bit) != 0 || (order[i].etch && !old);

        if (has == (n < 4) && (order[i].etch || !only_etch) && attempt-- == 0)
            return order[i].format;
    }
    return TSR_SERVER_FORMAT_AUTO;
}

tsr_err names_write(const tsr_lwm2m_path *paths, size_t count, const char *root, uint16_t format, tsr_buf *body)
{
    size_t room = 64 + (count + 1) * (TSR_LWM2M_PATH_TEXT + 16 + strlen(root));
    uint8_t *memory = malloc(room);
    tsr_buf out = tsr_buf_over(memory, memory ? room : 0);
    tsr_lwm2m_out writer;
    tsr_err err = memory ? tsr_lwm2m_out_begin(&writer, (tsr_lwm2m_format)senml_of(format),
                                               tsr_lwm2m_at_root(), &out)
                         : TSR_E_SPACE;

    if (err == TSR_OK)
        tsr_lwm2m_out_prefix(&writer, tsr_text(root));
    for (size_t i = 0; err == TSR_OK && i < count; i++)
        err = tsr_lwm2m_put_name(&writer, paths[i]);
    if (err == TSR_OK)
        err = tsr_lwm2m_out_end(&writer);
    if (err != TSR_OK) {
        free(memory);
        return err;
    }
    *body = out;
    return TSR_OK;
}

/* --- names in the store ------------------------------------------------------------------- */

char *observation_key(tsr_lwm2m_path path, const tsr_lwm2m_path *paths, size_t count)
{
    size_t room = sizeof prefix + (count + 1) * (TSR_LWM2M_PATH_TEXT + 1);
    char *key = malloc(room);
    tsr_buf out = tsr_buf_over(key, key ? room - 1 : 0);

    if (!key)
        return NULL;
    if (count == 0)
        tsr_lwm2m_path_put(&out, path);
    else
        tsr_put_text(&out, prefix);
    for (size_t i = 0; i < count; i++) {
        tsr_put_u8(&out, ' ');
        tsr_lwm2m_path_put(&out, paths[i]);
    }
    key[out.len] = 0;
    return key;
}

tsr_err observation_parse(const char *key, tsr_lwm2m_path *path, tsr_lwm2m_path **paths,
                          size_t *count)
{
    size_t n = 0;

    *paths = NULL;
    *count = 0;
    *path = tsr_lwm2m_at_root();
    if (strncmp(key, prefix, sizeof prefix - 1) != 0)
        return tsr_lwm2m_path_parse(tsr_text(key), path);
    for (const char *p = key; *p; p++)
        n += *p == ' ';
    if (n == 0 || n > TSR_SERVER_PATHS_MAX)
        return TSR_E_MALFORMED;
    *paths = malloc(n * sizeof **paths);
    if (!*paths)
        return TSR_E_SPACE;
    for (const char *p = key + strcspn(key, " "); *p == ' '; p += 1 + strcspn(p + 1, " ")) {
        tsr_bytes text = tsr_view(p + 1, strcspn(p + 1, " "));

        if (tsr_lwm2m_path_parse(text, &(*paths)[*count]) != TSR_OK) {
            free(*paths);
            *paths = NULL;
            return TSR_E_MALFORMED;
        }
        ++*count;
    }
    return TSR_OK;
}
