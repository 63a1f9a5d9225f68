/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.upload: the device sends a file of the folder: its length, at least one block, and its hash when
 * it was asked for. */
#include <errno.h>
#include <unistd.h>

#include "ports/linux/fdo/info.h"
#include "tessera/cbor/cbor.h"

enum { IDLE, LENGTH, DATA, HASH };
enum { SMALL = 128 };

static const char module[] = "fdo.upload";

static void upload_drop(void *self)
{
    tsr_info_upload *m = self;

    if (m->fd >= 0)
        (void)close(m->fd);
    m->fd = -1;
    m->step = IDLE;
    (void)psa_hash_abort(&m->hash);
    m->hash = psa_hash_operation_init();
}

static tsr_err take_name(tsr_info_upload *m, tsr_bytes value)
{
    char name[TSR_BENEATH_NAME];
    tsr_err err = tsr_info_text(value, name, sizeof name);

    upload_drop(m);
    if (err == TSR_OK)
        err = tsr_beneath_read(m->bounds->root, tsr_text(name), &m->fd, &m->length);
    if (err == TSR_OK && m->length > m->bounds->most_bytes)
        err = TSR_E_SPACE;
    if (err == TSR_OK && psa_hash_setup(&m->hash, PSA_ALG_SHA_384) != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    if (err != TSR_E_MALFORMED)
        tsr_info_log(module, err == TSR_OK ? "upload" : "upload-failed", name, err);
    m->left = m->length;
    m->step = err == TSR_OK ? LENGTH : IDLE;
    return err;
}

static tsr_err upload_take(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms)
{
    tsr_info_upload *m = self;

    (void)now_ms;
    if (tsr_same(message, tsr_text("name")))
        return take_name(m, value);
    if (tsr_same(message, tsr_text("need-sha")))
        return tsr_cbor_get_bool(&value, &m->need_sha);
    return TSR_E_UNSUPPORTED;
}

/* A file that became shorter meanwhile cannot be sent as announced. */
static tsr_err give_data(tsr_info_upload *m, tsr_buf *value)
{
    uint8_t block[TSR_INFO_BLOCK];
    size_t room = value->cap - value->len, want;
    ssize_t n;

    if (room < SMALL && room < m->left + 5) /* better a whole block in the next message */
        return TSR_E_SPACE;
    want = room - 5 < sizeof block ? room - 5 : sizeof block;
    want = m->left < want ? (size_t)m->left : want;
    do
        n = want == 0 ? 0 : read(m->fd, block, want);
    while (n < 0 && errno == EINTR);
    if (n < 0 || (want != 0 && n == 0))
        return TSR_E_IO;
    if (n > 0 && psa_hash_update(&m->hash, block, (size_t)n) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    tsr_cbor_put_bytes(value, tsr_view(block, (size_t)n));
    m->left -= (size_t)n;
    if (m->left == 0)
        m->step = HASH;
    return value->err;
}

static tsr_err give_hash(tsr_info_upload *m, tsr_buf *value)
{
    uint8_t hash[TSR_BENEATH_SHA384];
    size_t len;

    if (value->cap - value->len < sizeof hash + 2)
        return TSR_E_SPACE;
    if (psa_hash_finish(&m->hash, hash, sizeof hash, &len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    tsr_cbor_put_bytes(value, tsr_view(hash, len));
    upload_drop(m);
    return value->err;
}

static tsr_err upload_give(void *self, const char **message, tsr_buf *value, uint64_t now_ms)
{
    tsr_info_upload *m = self;

    (void)now_ms;
    if (m->step == HASH && !m->need_sha)
        upload_drop(m);
    switch (m->step) {
    case LENGTH:
        tsr_cbor_put_uint(value, m->length);
        *message = "length";
        m->step = value->err == TSR_OK ? DATA : LENGTH;
        return value->err;
    case DATA: *message = "data"; return give_data(m, value);
    case HASH: *message = "sha-384"; return give_hash(m, value);
    default:   return TSR_END;
    }
}

void tsr_info_upload_init(tsr_info_upload *m, const tsr_info_bounds *bounds, tsr_info *info)
{
    *m = (tsr_info_upload){ .bounds = bounds, .fd = -1, .hash = psa_hash_operation_init() };
    *info = (tsr_info){ module, NULL, upload_take, upload_give, tsr_info_never, upload_drop, m };
}
