/* SPDX-License-Identifier: Apache-2.0
 *
 * Trust anchors out of PEM (RFC 7468 §13) and the factory's JSON records. */
#include "server/attest/trust.h"

#include "psa/crypto.h"
#include "tessera/base/hex.h"
#include "tessera/json/base64.h"
#include "tessera/json/json.h"

static tsr_err stop(const char **why, const char *text, tsr_err err)
{
    *why = text;
    return err;
}

tsr_err tsr_attest_trust_add(tsr_attest_trust *trust, tsr_bytes point)
{
    tsr_attest_anchor *a;
    size_t len;

    if ((point.len != 65 && point.len != 97) || point.ptr[0] != 4)
        return TSR_E_MALFORMED;
    if (trust->count == TSR_ATTEST_ANCHORS)
        return TSR_E_SPACE;
    a = &trust->anchor[trust->count];
    memcpy(a->point, point.ptr, point.len);
    a->point_len = point.len;
    a->instance[0] = 1; /* RFC 9783 §4.2.1 */
    if (psa_hash_compute(PSA_ALG_SHA_256, point.ptr, point.len, a->instance + 1,
                         sizeof a->instance - 1, &len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    trust->count++;
    return TSR_OK;
}

const tsr_attest_anchor *tsr_attest_trust_find(const tsr_attest_trust *trust, tsr_bytes instance)
{
    for (size_t i = 0; i < trust->count; i++)
        if (tsr_same(tsr_view(trust->anchor[i].instance, TSR_ATTEST_INSTANCE), instance))
            return &trust->anchor[i];
    return NULL;
}

/* RFC 5480 §2: what stands before an uncompressed point in a SubjectPublicKeyInfo. */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t p384_head[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                     0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                     0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };

static bool point_of(tsr_bytes der, tsr_bytes head, size_t point_len, tsr_bytes *point)
{
    if (der.len != head.len + point_len || !tsr_same(tsr_first(der, head.len), head))
        return false;
    *point = tsr_skip(der, head.len);
    return true;
}

/* Base64 with line ends between. */
static tsr_err add_block(tsr_bytes text, tsr_attest_trust *trust, const char **why)
{
    uint8_t compact[512], der[256];
    tsr_buf one = tsr_buf_over(compact, sizeof compact), out = tsr_buf_over(der, sizeof der);
    tsr_bytes point;
    tsr_err err;

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] > ' ')
            tsr_put_u8(&one, text.ptr[i]);
    if (one.err != TSR_OK)
        return stop(why, "a PUBLIC KEY block is too long", TSR_E_UNSUPPORTED);
    if (tsr_base64_get(tsr_buf_view(&one), &out) != TSR_OK)
        return stop(why, "a PUBLIC KEY block is no Base64", TSR_E_MALFORMED);
    if (!point_of(tsr_buf_view(&out), tsr_view(p256_head, sizeof p256_head), 65, &point) &&
        !point_of(tsr_buf_view(&out), tsr_view(p384_head, sizeof p384_head), 97, &point))
        return stop(why, "a key is neither P-256 nor P-384 (uncompressed)", TSR_E_UNSUPPORTED);
    err = tsr_attest_trust_add(trust, point);
    if (err == TSR_E_SPACE)
        *why = "too many keys";
    else if (err != TSR_OK)
        *why = "a key is no uncompressed point";
    return err;
}

/* Where `word` begins in `in`, or in.len. */
static size_t find(tsr_bytes in, const char *word)
{
    tsr_bytes w = tsr_text(word);

    for (size_t i = 0; i + w.len <= in.len; i++)
        if (memcmp(in.ptr + i, w.ptr, w.len) == 0)
            return i;
    return in.len;
}

static const char begin[] = "-----BEGIN PUBLIC KEY-----";
static const char end[] = "-----END PUBLIC KEY-----";

static tsr_err add_pem(tsr_bytes file, tsr_attest_trust *trust, const char **why)
{
    size_t at;

    while ((at = find(file, begin)) < file.len) {
        tsr_bytes rest = tsr_skip(file, at + sizeof begin - 1);
        size_t stop_at = find(rest, end);
        tsr_err err;

        if (stop_at == rest.len)
            return stop(why, "a PUBLIC KEY block has no end", TSR_E_MALFORMED);
        err = add_block(tsr_first(rest, stop_at), trust, why);
        if (err != TSR_OK)
            return err;
        file = tsr_skip(rest, stop_at + sizeof end - 1);
    }
    return TSR_OK;
}

/* One record of the factory. */
static tsr_err add_record(const tsr_json *record, tsr_attest_trust *trust, const char **why)
{
    char text[512], instance[80];
    uint8_t point[TSR_ATTEST_POINT], id[TSR_ATTEST_INSTANCE];
    tsr_buf out = tsr_buf_over(point, sizeof point), id_out = tsr_buf_over(id, sizeof id);
    size_t before = trust->count;
    tsr_err err;

    if (tsr_json_find_cstring(record, "attestation_public_key", text, sizeof text) != TSR_OK)
        return stop(why, "a record has no member \"attestation_public_key\"", TSR_E_MALFORMED);
    if (strstr(text, begin) != NULL) {
        err = add_pem(tsr_text(text), trust, why);
    } else {
        if (tsr_hex_get(tsr_text(text), &out) != TSR_OK)
            return stop(why, "\"attestation_public_key\" is neither PEM nor hex", TSR_E_MALFORMED);
        err = tsr_attest_trust_add(trust, tsr_buf_view(&out));
        if (err != TSR_OK)
            *why = err == TSR_E_SPACE ? "too many keys" : "a key is no uncompressed point";
    }
    if (err != TSR_OK)
        return err;
    if (trust->count != before + 1)
        return stop(why, "a record has not exactly one key", TSR_E_MALFORMED);
    if (tsr_json_find_cstring(record, "instance_id", instance, sizeof instance) != TSR_OK)
        return TSR_OK;
    if (tsr_hex_get(tsr_text(instance), &id_out) != TSR_OK || id_out.len != TSR_ATTEST_INSTANCE)
        return stop(why, "an \"instance_id\" is not hex of 33 bytes", TSR_E_MALFORMED);
    memcpy(trust->anchor[before].instance, id, sizeof id);
    return TSR_OK;
}

static tsr_err add_json(tsr_bytes text, tsr_attest_trust *trust, const char **why)
{
    tsr_json root, item;
    tsr_json_walk walk;
    tsr_err err = TSR_OK;

    if (tsr_json_parse(text, &root, NULL) != TSR_OK)
        return stop(why, "it is neither PEM nor JSON", TSR_E_MALFORMED);
    if (root.kind == TSR_JSON_OBJECT)
        return add_record(&root, trust, why);
    if (root.kind != TSR_JSON_ARRAY)
        return stop(why, "its JSON is neither a record nor an array of records", TSR_E_MALFORMED);
    walk = tsr_json_items(&root);
    while (err == TSR_OK && tsr_json_next(&walk, NULL, &item))
        err = add_record(&item, trust, why);
    return err;
}

/* One JSON object a line, as a log of the factory's has them. */
static tsr_err add_lines(tsr_bytes file, tsr_attest_trust *trust, const char **why)
{
    tsr_err err = TSR_OK;

    while (err == TSR_OK && file.len > 0) {
        size_t len = find(file, "\n");
        tsr_bytes line = tsr_first(file, len);

        file = tsr_skip(file, len + 1);
        while (line.len > 0 && line.ptr[0] <= ' ')
            line = tsr_skip(line, 1);
        if (line.len > 0)
            err = add_json(line, trust, why);
    }
    return err;
}

tsr_err tsr_attest_trust_read(tsr_bytes file, tsr_attest_trust *trust, const char **why)
{
    size_t before = trust->count;
    tsr_json root;
    tsr_err err;

    *why = "";
    if (tsr_json_parse(file, &root, NULL) == TSR_OK)
        err = add_json(file, trust, why);
    else if (find(file, begin) < file.len && find(file, "\"attestation_public_key\"") == file.len)
        err = add_pem(file, trust, why);
    else
        err = add_lines(file, trust, why);
    if (err == TSR_OK && trust->count == before)
        err = stop(why, "there is no public key in it", TSR_E_NOT_FOUND);
    if (err != TSR_OK)
        trust->count = before;
    return err;
}
