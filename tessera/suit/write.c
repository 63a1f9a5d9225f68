/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/suit/write.h"

#include "tessera/cbor/cbor.h"
#include "tessera/suit/internal.h"

enum { REPORT_ALL = 15, REPORT_FAILURE = 2 }; /* SUIT 8.4.7; the values of the draft's examples */

/* The content of a byte string is written first and then moved behind its head. */
static void wrap(tsr_buf *out, size_t begin)
{
    uint8_t room[9];
    tsr_buf head = tsr_buf_over(room, sizeof room);
    size_t len = out->len - begin;

    tsr_cbor_put_head(&head, TSR_CBOR_BYTES, len);
    if (tsr_buf_claim(out, head.len) == NULL)
        return;
    memmove(out->ptr + begin + head.len, out->ptr + begin, len);
    memcpy(out->ptr + begin, room, head.len);
}

void tsr_suit_put_wrapped(tsr_buf *out, tsr_bytes in) { tsr_cbor_put_bytes(out, in); }

void tsr_suit_put_digest(tsr_buf *out, const uint8_t digest[TSR_SUIT_DIGEST])
{
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_int(out, TSR_SUIT_SHA256);
    tsr_cbor_put_bytes(out, tsr_view(digest, TSR_SUIT_DIGEST));
}

static void put_identifier(tsr_buf *out, tsr_bytes name)
{
    tsr_cbor_put_array(out, 1);
    tsr_cbor_put_bytes(out, name);
}

static void put_pair(tsr_buf *out, unsigned key, tsr_bytes text)
{
    if (text.len == 0)
        return;
    tsr_cbor_put_uint(out, key);
    tsr_cbor_put_text(out, text);
}

void tsr_suit_put_text(tsr_buf *out, tsr_bytes name, const tsr_suit_texts *t)
{
    size_t pairs = 0u + (t->vendor_name.len > 0) + (t->model_name.len > 0) +
                   (t->description.len > 0) + (t->version.len > 0);

    tsr_cbor_put_map(out, 1);
    tsr_cbor_put_text(out, tsr_text("en"));
    tsr_cbor_put_map(out, 1);
    put_identifier(out, name);
    tsr_cbor_put_map(out, pairs);
    put_pair(out, 1, t->vendor_name);
    put_pair(out, 2, t->model_name);
    put_pair(out, 5, t->description);
    put_pair(out, 6, t->version);
}

static void put_command(tsr_buf *out, unsigned command, unsigned policy)
{
    tsr_cbor_put_uint(out, command);
    tsr_cbor_put_uint(out, policy);
}

/* SUIT 6.2: with several components a sequence begins with one. */
static void put_index(tsr_buf *out, const tsr_suit_plan *p, size_t index)
{
    if (p->need_count > 0)
        put_command(out, TSR_SUIT_SET_INDEX, (unsigned)index);
}

/* Commands count as two items each; an index is one of them. */
static void open_sequence(tsr_buf *out, const tsr_suit_plan *p, size_t commands)
{
    tsr_cbor_put_array(out, 2 * (commands + (p->need_count > 0)));
    put_index(out, p, 0);
}

static void put_shared(tsr_buf *out, const tsr_suit_plan *p)
{
    size_t begin = out->len, digest;

    open_sequence(out, p, 3);
    tsr_cbor_put_uint(out, TSR_SUIT_OVERRIDE);
    tsr_cbor_put_map(out, p->encryption.len > 0 ? 5 : 4);
    tsr_cbor_put_uint(out, TSR_SUIT_P_VENDOR);
    tsr_cbor_put_bytes(out, tsr_view(p->vendor, sizeof p->vendor));
    tsr_cbor_put_uint(out, TSR_SUIT_P_CLASS);
    tsr_cbor_put_bytes(out, tsr_view(p->class_id, sizeof p->class_id));
    tsr_cbor_put_uint(out, TSR_SUIT_P_DIGEST);
    digest = out->len;
    tsr_suit_put_digest(out, p->digest);
    wrap(out, digest);
    tsr_cbor_put_uint(out, TSR_SUIT_P_SIZE);
    tsr_cbor_put_uint(out, p->size);
    if (p->encryption.len > 0) {
        tsr_cbor_put_uint(out, TSR_SUIT_P_ENCRYPTION);
        tsr_cbor_put_bytes(out, p->encryption);
    }
    put_command(out, TSR_SUIT_VENDOR_ID, REPORT_ALL);
    put_command(out, TSR_SUIT_CLASS_ID, REPORT_ALL);
    wrap(out, begin);
}

static void put_common(tsr_buf *out, const tsr_suit_plan *p)
{
    size_t begin = out->len;

    tsr_cbor_put_map(out, 2);
    tsr_cbor_put_uint(out, 2);
    tsr_cbor_put_array(out, 1 + p->need_count);
    put_identifier(out, p->component);
    for (size_t i = 0; i < p->need_count; i++)
        put_identifier(out, p->needs[i].component);
    tsr_cbor_put_uint(out, 4);
    put_shared(out, p);
    wrap(out, begin);
}

static void put_need(tsr_buf *out, const tsr_suit_plan *p, size_t i)
{
    size_t begin;

    put_index(out, p, i + 1);
    tsr_cbor_put_uint(out, TSR_SUIT_OVERRIDE);
    tsr_cbor_put_map(out, 1);
    tsr_cbor_put_uint(out, TSR_SUIT_P_VERSION);
    begin = out->len;
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_uint(out, TSR_SUIT_AT_LEAST);
    tsr_cbor_put_array(out, 4);
    for (size_t n = 0; n < 4; n++)
        tsr_cbor_put_uint(out, p->needs[i].version[n]);
    wrap(out, begin);
    put_command(out, TSR_SUIT_VERSION, REPORT_ALL);
}

static void put_install(tsr_buf *out, const tsr_suit_plan *p)
{
    size_t begin = out->len;

    open_sequence(out, p, 3 + 3 * p->need_count);
    tsr_cbor_put_uint(out, TSR_SUIT_OVERRIDE);
    tsr_cbor_put_map(out, 1);
    tsr_cbor_put_uint(out, TSR_SUIT_P_URI);
    tsr_cbor_put_text(out, p->uri);
    put_command(out, TSR_SUIT_FETCH, REPORT_FAILURE);
    put_command(out, TSR_SUIT_IMAGE_MATCH, REPORT_ALL);
    for (size_t i = 0; i < p->need_count; i++)
        put_need(out, p, i);
    wrap(out, begin);
}

static void put_single(tsr_buf *out, const tsr_suit_plan *p, unsigned command, unsigned policy)
{
    size_t begin = out->len;

    open_sequence(out, p, 1);
    put_command(out, command, policy);
    wrap(out, begin);
}

static void put_text_member(tsr_buf *out, const tsr_suit_plan *p)
{
    if (p->text.len == 0)
        return;
    tsr_cbor_put_uint(out, 23);
    if (p->sever_text)
        tsr_suit_put_digest(out, p->text_digest);
    else
        tsr_cbor_put_bytes(out, p->text);
}

void tsr_suit_put_manifest(tsr_buf *out, const tsr_suit_plan *p)
{
    if (p->need_count > TSR_SUIT_COMPONENTS - 1) {
        if (out->err == TSR_OK)
            out->err = TSR_E_ARGUMENT;
        return;
    }
    tsr_cbor_put_map(out, p->text.len > 0 ? 7 : 6);
    tsr_cbor_put_uint(out, 1);
    tsr_cbor_put_uint(out, 1);
    tsr_cbor_put_uint(out, 2);
    tsr_cbor_put_uint(out, p->sequence);
    tsr_cbor_put_uint(out, 3);
    put_common(out, p);
    tsr_cbor_put_uint(out, 7);
    put_single(out, p, TSR_SUIT_IMAGE_MATCH, REPORT_ALL);
    tsr_cbor_put_uint(out, 9);
    put_single(out, p, TSR_SUIT_INVOKE, REPORT_FAILURE);
    tsr_cbor_put_uint(out, 20);
    put_install(out, p);
    put_text_member(out, p);
}

void tsr_suit_put_envelope(tsr_buf *out, const tsr_suit_parts *parts)
{
    size_t begin;

    tsr_cbor_put_tag(out, 107);
    tsr_cbor_put_map(out, 2u + (parts->text.len > 0) + (parts->payload_name.len > 0));
    tsr_cbor_put_uint(out, 2);
    begin = out->len;
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_bytes(out, parts->signed_digest);
    tsr_cbor_put_bytes(out, parts->cose);
    wrap(out, begin);
    tsr_cbor_put_uint(out, 3);
    tsr_cbor_put_bytes(out, parts->manifest);
    if (parts->text.len > 0) {
        tsr_cbor_put_uint(out, 23);
        tsr_cbor_put_bytes(out, parts->text);
    }
    if (parts->payload_name.len > 0) {
        tsr_cbor_put_text(out, parts->payload_name);
        tsr_cbor_put_head(out, TSR_CBOR_BYTES, parts->payload_len);
    }
}
