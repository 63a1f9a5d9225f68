/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.download: the owner sends a file. A file that cannot be taken is answered by -1, and what still
 * comes of it is passed over; whether that matters is the owner's decision. */
#include "ports/linux/fdo/info.h"
#include "tessera/cbor/cbor.h"

static const char module[] = "fdo.download";

/* An owner may send files one after the other and hear of them later; take_name() sees to the room. */
static void answer(tsr_info_download *m, int64_t done) { m->done[m->done_count++] = done; }

static void give_up(tsr_info_download *m, tsr_err err)
{
    tsr_info_log(module, "download-failed", m->file.name, err);
    tsr_beneath_drop(&m->file);
    answer(m, -1);
    m->failed = true;
    m->has_length = m->has_hash = false; /* were this file's */
}

static void finish(tsr_info_download *m)
{
    tsr_bytes hash = tsr_view(m->sha384, m->has_hash ? sizeof m->sha384 : 0);
    uint64_t len = m->file.len;
    char name[TSR_BENEATH_NAME];
    tsr_err err;

    memcpy(name, m->file.name, sizeof name);
    err = tsr_beneath_commit(&m->file, hash);
    tsr_info_log(module, err == TSR_OK ? "downloaded" : "download-failed", name, err);
    answer(m, err == TSR_OK ? (int64_t)len : -1);
    m->has_length = m->has_hash = false;
}

static tsr_err take_name(tsr_info_download *m, tsr_bytes value)
{
    char name[TSR_BENEATH_NAME];
    tsr_err err = tsr_info_text(value, name, sizeof name);

    if (err == TSR_E_MALFORMED)
        return err;
    tsr_beneath_drop(&m->file); /* that was not finished */
    if (m->done_count == TSR_INFO_ANSWERS)
        return TSR_E_STATE;
    if (err == TSR_OK)
        err = tsr_beneath_begin(&m->file, m->bounds->root, tsr_text(name), m->bounds->most_bytes);
    m->failed = err != TSR_OK;
    if (err != TSR_OK) {
        tsr_info_log(module, "download-failed", name, err);
        answer(m, -1);
    }
    return TSR_OK;
}

/* Without a length an empty block ends the file. */
static tsr_err take_data(tsr_info_download *m, tsr_bytes value)
{
    tsr_bytes data;
    tsr_err err;

    if (tsr_cbor_get_bytes(&value, &data) != TSR_OK || value.len != 0)
        return TSR_E_MALFORMED;
    if (m->failed) {
        m->has_length = m->has_hash = false; /* that came before its data were this file's, too */
        return TSR_OK;
    }
    if (!tsr_beneath_open(&m->file))
        return TSR_E_STATE;
    err = tsr_beneath_write(&m->file, data);
    if (err == TSR_OK && m->has_length && m->file.len > m->length)
        err = TSR_E_SPACE;
    if (err != TSR_OK) {
        give_up(m, err);
    } else if (m->has_length ? m->file.len == m->length : data.len == 0) {
        finish(m);
    }
    return TSR_OK;
}

static tsr_err download_take(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms)
{
    tsr_info_download *m = self;

    (void)now_ms;
    if (tsr_same(message, tsr_text("name")))
        return take_name(m, value);
    if (tsr_same(message, tsr_text("data")))
        return take_data(m, value);
    if (tsr_same(message, tsr_text("length"))) {
        m->has_length = true;
        return tsr_cbor_get_uint(&value, &m->length);
    }
    if (tsr_same(message, tsr_text("sha-384"))) {
        m->has_hash = true;
        return tsr_info_sha384(value, m->sha384);
    }
    return TSR_E_UNSUPPORTED;
}

/* For a file without content some owners send no block at all. */
static tsr_err download_give(void *self, const char **message, tsr_buf *value, uint64_t now_ms)
{
    tsr_info_download *m = self;

    (void)now_ms;
    if (tsr_beneath_open(&m->file) && m->has_length && m->length == 0)
        finish(m);
    if (m->done_count == 0)
        return TSR_END;
    tsr_cbor_put_int(value, m->done[0]);
    if (value->err != TSR_OK)
        return value->err;
    *message = "done";
    memmove(m->done, m->done + 1, --m->done_count * sizeof *m->done);
    return TSR_OK;
}

static void download_drop(void *self)
{
    tsr_info_download *m = self;

    tsr_beneath_drop(&m->file);
    m->has_length = m->has_hash = m->failed = false;
    m->done_count = 0;
}

void tsr_info_download_init(tsr_info_download *m, const tsr_info_bounds *bounds, tsr_info *info)
{
    *m = (tsr_info_download){ .bounds = bounds };
    tsr_beneath_init(&m->file);
    *info = (tsr_info){ module, NULL, download_take, download_give, tsr_info_never, download_drop, m };
}
