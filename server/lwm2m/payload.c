/* SPDX-License-Identifier: Apache-2.0
 *
 * Payloads: which format to ask for and to send, and values to and from bytes. */
#include "server/lwm2m/internal.h"

#include "server/model.h"
#include "tessera/lwm2m/format/format.h"

#include <stdlib.h>

/* --- which format ----------------------------------------------------------------------- */

static bool is_1_0(const device *dev) { return strcmp(dev->info->version, "1.0") == 0; }

/* What a device is asked for, best first: what its root link lists, then what its version must or
 * should know. After a 4.06 the next one is tried. Core 7.5: a server must read all of them. */
static uint16_t choose_multiple(const device *dev, uint8_t attempt)
{
    static const struct {
        uint32_t bit;
        uint16_t format;
    } order[] = {
        { TSR_FORMATS_SENML_CBOR, TSR_LWM2M_FORMAT_SENML_CBOR },
        { TSR_FORMATS_LWM2M_CBOR, TSR_LWM2M_FORMAT_LWM2M_CBOR },
        { TSR_FORMATS_SENML_JSON, TSR_LWM2M_FORMAT_SENML_JSON },
        { TSR_FORMATS_TLV, TSR_LWM2M_FORMAT_TLV },
    };
    static const uint16_t by_1_1[] = { TSR_LWM2M_FORMAT_SENML_CBOR, TSR_LWM2M_FORMAT_SENML_JSON,
                                       TSR_LWM2M_FORMAT_TLV };

    if (is_1_0(dev))
        return attempt == 0 ? TSR_LWM2M_FORMAT_TLV : TSR_SERVER_FORMAT_AUTO;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if ((dev->info->formats & order[i].bit) && attempt-- == 0)
            return order[i].format;
    if (dev->info->formats)
        attempt++; /* the list is used up: the usual ones follow */
    return attempt < 3 ? by_1_1[attempt] : TSR_SERVER_FORMAT_AUTO;
}

uint16_t format_for_read(const device *dev, tsr_lwm2m_path path, uint8_t attempt)
{
    uint16_t format = choose_multiple(dev, attempt);

    if (format == TSR_LWM2M_FORMAT_TLV && path.depth == 0)
        return TSR_SERVER_FORMAT_AUTO; /* it cannot say of which object a value is */
    if (is_1_0(dev) && attempt == 1)
        return TSR_LWM2M_FORMAT_OMA_JSON;

    if (format == TSR_SERVER_FORMAT_AUTO && path.depth >= 3)
        return TSR_LWM2M_FORMAT_TEXT;
    return format;
}

uint16_t format_for_write(const device *dev, const operation *op, uint8_t attempt)
{
    bool single =
        op->path.depth >= 3 && op->record_count == 1 && op->records[0].path.depth == op->path.depth;

    /* Every client must know text and octets (Core 7.5). */
    if (single) {
        bool bytes = op->records[0].value.type == TSR_LWM2M_OPAQUE ||
                     op->records[0].value.type == TSR_LWM2M_RAW_BYTES;

        if (attempt == 0)
            return bytes ? TSR_LWM2M_FORMAT_OCTETS : TSR_LWM2M_FORMAT_TEXT;
        attempt--;
    }
    return choose_multiple(dev, attempt);
}

/* --- decoding --------------------------------------------------------------------------- */

static tsr_err add_record(record_list *r, const tsr_server_record *record)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        tsr_server_record *bigger = realloc(r->records, cap * sizeof *bigger);

        if (!bigger)
            return TSR_E_SPACE;
        r->records = bigger;
        r->cap = cap;
    }
    r->records[r->count++] = *record;
    return TSR_OK;
}

/* Text and TLV carry no types, and SenML has only numbers: the object model knows. A value that
 * does not fit its model stays as it came, for the operator to see. */
static void type_value(tsr_server_record *record, tsr_buf *scratch)
{
    const tsr_model_resource *model = tsr_model_at(record->path);

    if (model && model->type != TSR_LWM2M_NONE && record->value.type != TSR_LWM2M_NONE)
        (void)tsr_lwm2m_value_as(&record->value, (tsr_lwm2m_type)model->type, scratch,
                                 &record->value);
}

static const char *read_error(tsr_err err)
{
    switch (err) {
    case TSR_E_MALFORMED: return "the device's payload breaks its format";
    case TSR_E_NOT_FOUND: return "the device's payload names paths that were not asked for";
    case TSR_E_UNSUPPORTED: return "the device answered in a format this server does not read";
    case TSR_E_SPACE: return "out of memory";
    default: return "the device's payload cannot be read";
    }
}

static tsr_err read_values(record_list *r, tsr_lwm2m_in *in, tsr_buf *scratch)
{
    tsr_server_record record;
    tsr_err err;

    while ((err = tsr_lwm2m_in_next(in, &record.path, &record.value)) == TSR_OK) {
        uint64_t unix_ms;

        if (record.path.depth < 3 && record.value.type != TSR_LWM2M_NONE)
            return TSR_E_MALFORMED; /* a value of an object or an instance: text where a list is due */
        record.unix_ms = 0;
        if (tsr_lwm2m_in_time(in, (uint64_t)unix_now_ms(), &unix_ms))
            record.unix_ms = (int64_t)unix_ms;
        type_value(&record, scratch);
        if ((err = add_record(r, &record)) != TSR_OK)
            return err;
    }
    return err == TSR_END ? TSR_OK : err;
}

tsr_err records_read(record_list *r, uint16_t format, tsr_lwm2m_path base, const char *root,
                     tsr_bytes payload, const char **why)
{
    size_t room = payload.len * 2 + 64; /* once for the reader, once for conversions */
    tsr_lwm2m_format known;
    tsr_lwm2m_in in;
    tsr_buf scratch;
    tsr_err err;

    *r = (record_list){ 0 };
    err = tsr_lwm2m_format_from(format, &known);
    if (err == TSR_OK && (r->scratch = malloc(room)) == NULL)
        err = TSR_E_SPACE;
    if (err == TSR_OK) {
        scratch = tsr_buf_over(r->scratch, room);
        err = tsr_lwm2m_in_begin(&in, known, base, payload, &scratch);
    }
    if (err == TSR_OK) {
        if (root[0])
            tsr_lwm2m_in_prefix(&in, tsr_text(root));
        err = read_values(r, &in, &scratch);
    }
    if (err != TSR_OK) {
        *why = read_error(err);
        records_free(r);
    }
    return err;
}

void records_free(record_list *r)
{
    free(r->records);
    free(r->scratch);
    *r = (record_list){ 0 };
}

/* --- encoding --------------------------------------------------------------------------- */

static size_t payload_room(const tsr_server_record *records, size_t count)
{
    size_t room = 64;

    for (size_t i = 0; i < count; i++) {
        room += 96;
        switch (records[i].value.type) {
        case TSR_LWM2M_STRING:
        case TSR_LWM2M_OPAQUE:
        case TSR_LWM2M_CORELNK:
        case TSR_LWM2M_RAW_TEXT:
        case TSR_LWM2M_RAW_BYTES:
            room += records[i].value.as.bytes.len * 6; /* JSON escapes */
            break;
        default: break;
        }
    }
    return room;
}

/* SenML-ETCH is written as SenML is. */
uint16_t senml_of(uint16_t format)
{
    return format == TSR_LWM2M_FORMAT_ETCH_CBOR   ? TSR_LWM2M_FORMAT_SENML_CBOR
           : format == TSR_LWM2M_FORMAT_ETCH_JSON ? TSR_LWM2M_FORMAT_SENML_JSON
                                                  : format;
}

tsr_err records_write(const tsr_server_record *records, size_t count, uint16_t format,
                      tsr_lwm2m_path base, const char *root, tsr_buf *body)
{
    size_t room = payload_room(records, count) + 2 * strlen(root);
    uint8_t *memory = malloc(room * 2);
    tsr_buf out = tsr_buf_over(memory, room), scratch;
    tsr_lwm2m_format known;
    tsr_lwm2m_out writer;
    tsr_err err = memory ? tsr_lwm2m_format_from(senml_of(format), &known) : TSR_E_SPACE;

    if (err == TSR_OK) {
        scratch = tsr_buf_over(memory + room, room);
        err = tsr_lwm2m_out_begin(&writer, known, base, &out);
    }
    if (err == TSR_OK) {
        tsr_lwm2m_out_prefix(&writer, tsr_text(root));
        for (size_t i = 0; i < count && err == TSR_OK; i++) {
            tsr_server_record typed = records[i];

            type_value(&typed, &scratch);
            err = typed.value.type == TSR_LWM2M_NONE
                      ? tsr_lwm2m_put_null(&writer, typed.path)
                      : tsr_lwm2m_put(&writer, typed.path, &typed.value);
        }
        /* A new instance may be created without a value. */
        if (count == 0 && base.depth == 2)
            err = tsr_lwm2m_put_instance(&writer, base);

        tsr_err end = tsr_lwm2m_out_end(&writer);

        err = err != TSR_OK ? err : end;
    }
    if (err != TSR_OK) {
        free(memory);
        return err;
    }
    *body = out;
    return TSR_OK;
}
