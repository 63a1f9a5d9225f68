/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera.lwm2m: the owner hands over accounts, of a bootstrap server or of servers that manage. */
#include "ports/linux/fdo/handover.h"
#include "tessera/cbor/cbor.h"
#include "tessera/net/certs_only.h"

enum { USAGE_ANCHOR = 2, USAGE_EXACT = 3, USAGE_NONE = 255 };

static const char module[] = "tessera.lwm2m";

/* A certificate may come ahead of its account, in as many blocks as it takes. */
static tsr_err take_block(tsr_bytes value, uint8_t *room, size_t cap, size_t *len)
{
    tsr_bytes block;

    if (tsr_cbor_get_bytes(&value, &block) != TSR_OK)
        return TSR_E_MALFORMED;
    if (block.len > cap - *len)
        return TSR_E_SPACE;
    memcpy(room + *len, block.ptr, block.len);
    *len += block.len;
    return TSR_OK;
}

/* What is not in the account came ahead of it, or by fdo.csr, whose authority is the anchor then. */
static void complete(const tsr_info_lwm2m *m, tsr_fdo_account *a)
{
    tsr_bytes authorities = m->csr != NULL ? m->csr->authorities : tsr_view(NULL, 0);

    if (a->certificate.len == 0)
        a->certificate = tsr_view(m->own, m->own_len);
    if (a->server_certificate.len == 0)
        a->server_certificate = tsr_view(m->server, m->server_len);
    if (a->mode != TSR_LWM2M_MODE_CERTIFICATE)
        return;
    if (a->certificate.len == 0 && a->key.len == 0 && m->csr != NULL && m->csr->certificate.len != 0) {
        a->certificate = m->csr->certificate;
        a->key_id = m->csr->key_id;
    }
    if (a->usage == USAGE_NONE)
        a->usage = a->server_certificate.len != 0 ? USAGE_EXACT : USAGE_ANCHOR;
    if (a->server_certificate.len == 0)
        (void)tsr_certs_only_next(&authorities, &a->server_certificate);
}

/* The bytes are copied, for PSA's way in wipes them. */
static tsr_err import(const tsr_info_lwm2m *m, tsr_fdo_account *a)
{
    uint8_t key[TSR_LWM2M_PRIVATE_KEY_MAX];
    size_t len = a->key.len;
    uint32_t id = m->first_key_id != 0 ? m->first_key_id + (uint32_t)m->count : 0;
    tsr_err err;

    if (len == 0)
        return TSR_OK;
    if (len > sizeof key)
        return TSR_E_TYPE;
    memcpy(key, a->key.ptr, len);
    err = a->mode == TSR_LWM2M_MODE_CERTIFICATE ? tsr_lwm2m_security_import_private(&id, key, len)
                                                : tsr_lwm2m_security_import(&id, key, len);
    tsr_wipe(key, sizeof key);
    if (err == TSR_OK)
        a->key_id = id;
    return err;
}

static bool is_taken(const tsr_info_lwm2m *m, const tsr_fdo_account *a)
{
    tsr_bytes in = tsr_buf_view(&m->accounts);
    tsr_fdo_account other;

    while (in.len != 0 && tsr_fdo_account_get(&in, &other) == TSR_OK) {
        if (a->bootstrap ? other.bootstrap : !other.bootstrap && other.short_id == a->short_id)
            return true;
    }
    return false;
}

static const char *keep(tsr_info_lwm2m *m, tsr_fdo_account *a)
{
    size_t before = m->accounts.len;
    const char *lacks;
    tsr_err err;

    if (m->count == TSR_HANDOVER_ACCOUNTS)
        return "too many accounts";
    if (is_taken(m, a))
        return "there is an account of that short id";
    complete(m, a);
    err = import(m, a);
    if (err == TSR_E_CRYPTO)
        return "the key cannot be kept";
    lacks = err != TSR_OK ? "no such key" : tsr_fdo_account_lacks(a);
    if (lacks != NULL)
        return lacks;
    tsr_fdo_account_put(&m->accounts, a);
    if (m->accounts.err == TSR_OK) {
        m->count++;
        return NULL;
    }
    m->accounts.len = before;
    m->accounts.err = TSR_OK;
    return "too long";
}

/* An owner may send accounts one after the other and hear of them later. */
static tsr_err take_account(tsr_info_lwm2m *m, tsr_bytes value)
{
    tsr_fdo_account a;
    const char *error;
    tsr_err err = tsr_fdo_account_get(&value, &a);

    if (err != TSR_OK && err != TSR_E_SPACE)
        return TSR_E_MALFORMED;
    if (m->answer_count == TSR_HANDOVER_ANSWERS)
        return TSR_E_STATE;
    a.key_id = 0; /* stands in what is kept: no owner names a key that others put here */
    error = err != TSR_OK ? "too long" : keep(m, &a);
    m->own_len = m->server_len = 0;
    m->answers[m->answer_count].error = error;
    m->answers[m->answer_count++].count = m->count;
    tsr_info_log(module, error == NULL ? "account" : "account-refused",
                 error == NULL ? (a.bootstrap ? "bootstrap" : "server") : error,
                 error == NULL ? TSR_OK : TSR_E_DENIED);
    return TSR_OK;
}

static tsr_err lwm2m_take(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms)
{
    tsr_info_lwm2m *m = self;

    (void)now_ms;
    if (tsr_same(message, tsr_text("account")))
        return take_account(m, value);
    if (tsr_same(message, tsr_text("certificate")))
        return take_block(value, m->own, sizeof m->own, &m->own_len);
    if (tsr_same(message, tsr_text("server-certificate")))
        return take_block(value, m->server, sizeof m->server, &m->server_len);
    return TSR_E_UNSUPPORTED;
}

static tsr_err lwm2m_give(void *self, const char **message, tsr_buf *value, uint64_t now_ms)
{
    tsr_info_lwm2m *m = self;

    (void)now_ms;
    if (m->answer_count == 0)
        return TSR_END;
    *message = m->answers[0].error != NULL ? "error" : "done";
    if (m->answers[0].error != NULL)
        tsr_cbor_put_text(value, tsr_text(m->answers[0].error));
    else
        tsr_cbor_put_uint(value, m->answers[0].count);
    if (value->err == TSR_OK)
        memmove(m->answers, m->answers + 1, --m->answer_count * sizeof *m->answers);
    return value->err;
}

/* Keys of the next set are the store's to remove. */
static void lwm2m_drop(void *self)
{
    tsr_info_lwm2m *m = self;

    m->accounts = tsr_buf_over(m->room, sizeof m->room);
    m->count = m->own_len = m->server_len = m->answer_count = 0;
}

void tsr_info_lwm2m_init(tsr_info_lwm2m *m, const tsr_info_csr *csr, uint32_t first_key_id,
                         tsr_info *info)
{
    memset(m, 0, sizeof *m);
    m->csr = csr;
    m->first_key_id = first_key_id;
    m->accounts = tsr_buf_over(m->room, sizeof m->room);
    *info = (tsr_info){ module, NULL, lwm2m_take, lwm2m_give, tsr_info_never, lwm2m_drop, m };
}
