/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose an endpoint name is: one document for each, named DEVICE/ENDPOINT, with the endpoint as the second
 * key that no two have. It is there before a credential is, and goes after it. */
#define _GNU_SOURCE
#include "server/fdo/handover.h"

#include <stdio.h>

#include "server/fdo/module.h"
#include "tessera/base/hex.h"

enum { NAMES_MOST = 64, OURS = 4, RANDOM = 16 };

static const char ours[] = "fdo-"; /* how identities begin that are made here */

/* --- names ------------------------------------------------------------------------------ */

static void keep(tsr_bytes text, char out[FDO_ENDPOINT_MAX + 1])
{
    if (text.len <= FDO_ENDPOINT_MAX && text.len > 0 && memchr(text.ptr, 0, text.len) == NULL)
        memcpy(out, text.ptr, text.len);
}

tsr_err fdo_handover_begin(fdo_handover *h, const fdo_subject *who, const char *serial)
{
    tsr_err err;

    *h = (fdo_handover){ 0 };
    err = fdo_key_digits(who->key, h->device);
    if (err != TSR_OK)
        return err;
    fdo_guid_text(who->guid, h->guid);
    keep(who->info, h->info);
    keep(tsr_text(serial), h->serial);
    return TSR_OK;
}

/* The device's key as UUID, version 8. RFC 9562 §5.8 */
static void put_uuid(tsr_buf *out, const char *hex)
{
    tsr_bytes in = tsr_text(hex);

    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            tsr_put_u8(out, '-');
        tsr_put_u8(out, i == 12 ? '8' : i == 16 ? 'a' : in.ptr[i]);
    }
}

/* What may stand in braces; NULL: nothing known. */
static const char *word_of(const fdo_handover *h, tsr_bytes name)
{
    if (tsr_same(name, tsr_text("guid")))
        return h->guid;
    if (tsr_same(name, tsr_text("key")))
        return h->device;
    if (tsr_same(name, tsr_text("device_info")))
        return h->info;
    return tsr_same(name, tsr_text("serial")) ? h->serial : NULL;
}

static const char *expand(const fdo_handover *h, const char *pattern, tsr_buf *out)
{
    for (tsr_bytes rest = tsr_text(pattern); rest.len > 0;) {
        const uint8_t *end;
        const char *word;

        if (*rest.ptr != '{') {
            tsr_put_u8(out, *rest.ptr);
            rest = tsr_skip(rest, 1);
            continue;
        }
        end = memchr(rest.ptr, '}', rest.len);
        if (end == NULL)
            return "`endpoint` has a { without a }";

        tsr_bytes name = tsr_view(rest.ptr + 1, (size_t)(end - rest.ptr) - 1);

        word = word_of(h, name);
        if (word == NULL)
            return "`endpoint` has something in braces that is none of {guid}, {key}, {device_info} and "
                   "{serial}";
        if (tsr_same(name, tsr_text("key")) && *word != 0)
            put_uuid(out, word);
        else
            tsr_put_text(out, word);
        if (*word == 0)
            return "what `endpoint` has in braces is not known of this device";
        rest = tsr_skip(rest, name.len + 2);
    }
    return NULL;
}

static const char *pattern_of(const tsr_json *plan, char room[FDO_NAME_MAX + 1])
{
    tsr_json item;

    if (tsr_json_find(plan, "endpoint", &item) == TSR_E_NOT_FOUND)
        return "urn:uuid:{key}";
    return fdo_step_text(plan, "endpoint", room) ? room : NULL;
}

/* As devices take it. */
static bool usable(const tsr_buf *name)
{
    for (size_t i = 0; i < name->len; i++)
        if (name->ptr[i] < ' ' || name->ptr[i] == 0x7f || name->ptr[i] == '"')
            return false;
    return name->err == TSR_OK && name->len > 0;
}

const char *fdo_endpoint_wrong(const tsr_json *plan)
{
    static const fdo_handover any = { .device = "00000000000000000000000000000000", .guid = "0",
                                      .info = "i", .serial = "s" };
    char room[FDO_NAME_MAX + 1], name[FDO_ENDPOINT_MAX];
    tsr_buf out = tsr_buf_over(name, sizeof name);
    const char *pattern = pattern_of(plan, room), *wrong;

    if (pattern == NULL)
        return "`endpoint` is a text of 1 to 127 bytes";
    wrong = expand(&any, pattern, &out);
    if (wrong == NULL && !usable(&out))
        wrong = "`endpoint` is a text of 1 to 127 bytes, without control characters and quotation marks";
    return wrong;
}

/* --- claims ----------------------------------------------------------------------------- */

typedef struct {
    char name[FDO_KEY_DIGITS + FDO_ENDPOINT_MAX + 2];
} claim;

static bool copy_name(void *arg, const tsr_store_document *row)
{
    (void)snprintf(((claim *)arg)->name, sizeof ((claim *)arg)->name, "%s", row->name);
    return false;
}

/* Who has the name. errors TSR_E_NOT_FOUND, TSR_E_IO */
static tsr_err find_claim(tsr_fdo *f, const char *endpoint, claim *c)
{
    tsr_err err;

    pthread_mutex_lock(&f->read_lock);
    err = tsr_store_documents(f->reader, TSR_STORE_FDO_ACCOUNT, TSR_STORE_BY_ALIAS, endpoint, 1,
                              copy_name, c);
    pthread_mutex_unlock(&f->read_lock);
    return err;
}

static bool is_own(const fdo_handover *h, const claim *c)
{
    return strncmp(c->name, h->device, FDO_KEY_DIGITS - 1) == 0 &&
           c->name[FDO_KEY_DIGITS - 1] == '/';
}

/* A credential that no onboarding gave is an operator's. */
static const char *foreign(tsr_fdo *f, const char *endpoint)
{
    const tsr_fdo_lwm2m *l = f->config.lwm2m;
    char identity[TSR_FDO_IDENTITY_MAX + 1];

    for (tsr_fdo_door door = 0; door < TSR_FDO_DOORS; door++) {
        tsr_err err = l->identity(l->arg, door, endpoint, identity);

        if (err == TSR_OK)
            return "the endpoint's name has a credential already that no onboarding gave: `replace` says "
                   "that it may go";
        if (err != TSR_E_NOT_FOUND)
            return "the credentials cannot be read";
    }
    return NULL;
}

static const char *find_name(tsr_fdo *f, fdo_handover *h, const tsr_json *plan)
{
    char room[FDO_NAME_MAX + 1];
    tsr_buf out = tsr_buf_over(h->endpoint, sizeof h->endpoint - 1);
    const char *pattern = pattern_of(plan, room), *wrong;
    claim c;
    tsr_err err;

    (void)tsr_json_find_bool(plan, "replace", &h->replace);
    wrong = pattern != NULL ? expand(h, pattern, &out) : "`endpoint` is no text";
    if (wrong == NULL && !usable(&out))
        wrong = "the plan makes no usable endpoint name for this device";
    h->endpoint[wrong == NULL ? out.len : 0] = 0;
    if (wrong != NULL || h->replace)
        return wrong;
    err = find_claim(f, h->endpoint, &c);
    if (err == TSR_E_NOT_FOUND)
        return foreign(f, h->endpoint);
    if (err != TSR_OK)
        return "the endpoint names cannot be read";
    return is_own(h, &c) ? NULL
                         : "another device has the endpoint's name: `replace` says that it may lose it";
}

const char *fdo_handover_name(tsr_fdo *f, fdo_handover *h, const tsr_json *plan)
{
    const char *wrong = h->endpoint[0] == 0 ? find_name(f, h, plan) : NULL;

    if (wrong != NULL)
        h->endpoint[0] = 0; /* a name that was refused is none of this run's */
    return wrong;
}

/* --- grants ----------------------------------------------------------------------------- */

const char *fdo_handover_grant(fdo_handover *h, tsr_fdo_door door, bool psk)
{
    fdo_grant *g = &h->grants[door];
    uint8_t random[RANDOM];
    tsr_buf text = tsr_buf_over(g->identity, sizeof g->identity - 1);

    *g = (fdo_grant){ .given = false };
    tsr_put_text(&text, psk ? ours : h->endpoint);
    if (!psk)
        return NULL;
    if (psa_generate_random(random, sizeof random) != PSA_SUCCESS ||
        psa_generate_random(g->key, sizeof g->key) != PSA_SUCCESS)
        return "no random numbers for a key";
    g->key_len = sizeof g->key;
    tsr_hex_put(&text, tsr_view(random, sizeof random));
    return NULL;
}

/* --- the end of a run ------------------------------------------------------------------- */

static tsr_err claim_name(tsr_fdo *f, const fdo_handover *h)
{
    static const char body[] = "{}";
    char name[FDO_KEY_DIGITS + FDO_ENDPOINT_MAX + 2];
    claim c;
    tsr_err err = TSR_OK;

    if (h->replace && find_claim(f, h->endpoint, &c) == TSR_OK && !is_own(h, &c))
        err = fdo_forget(f, TSR_STORE_FDO_ACCOUNT, c.name);
    (void)snprintf(name, sizeof name, "%s/%s", h->device, h->endpoint);
    return err == TSR_OK ? fdo_keep(f, TSR_STORE_FDO_ACCOUNT, name, h->endpoint, 0, tsr_text(body))
                         : err;
}

static tsr_err set_credentials(tsr_fdo *f, const fdo_handover *h)
{
    const tsr_fdo_lwm2m *l = f->config.lwm2m;
    tsr_err err = TSR_OK;

    for (tsr_fdo_door door = 0; err == TSR_OK && door < TSR_FDO_DOORS; door++) {
        const fdo_grant *g = &h->grants[door];

        if (g->given && g->identity[0] != 0)
            err = l->set(l->arg, door, h->endpoint, g->identity, tsr_view(g->key, g->key_len));
    }
    return err;
}

/* What an earlier onboarding gave at an endpoint, but for what this one gave. */
static tsr_err take_back(tsr_fdo *f, const fdo_handover *h, const char *endpoint)
{
    const tsr_fdo_lwm2m *l = f->config.lwm2m;
    bool same = strcmp(endpoint, h->endpoint) == 0;
    char identity[TSR_FDO_IDENTITY_MAX + 1];
    tsr_err err = TSR_OK;

    for (tsr_fdo_door door = 0; err == TSR_OK && door < TSR_FDO_DOORS; door++) {
        if (same && h->grants[door].given && h->grants[door].identity[0] != 0)
            continue;
        err = l->identity(l->arg, door, endpoint, identity);
        if (err == TSR_OK && strncmp(identity, ours, OURS) == 0)
            err = l->remove(l->arg, door, endpoint);
        err = err == TSR_E_NOT_FOUND ? TSR_OK : err;
    }
    return err == TSR_OK ? l->revoke_others(l->arg, endpoint, same ? h->certificate : "") : err;
}

typedef struct {
    const fdo_handover *h;
    size_t count;
    claim list[NAMES_MOST];
} claims;

static bool add_claim(void *arg, const tsr_store_document *row)
{
    claims *all = arg;
    claim *c = &all->list[all->count];

    (void)snprintf(c->name, sizeof c->name, "%s", row->name);
    all->count += is_own(all->h, c);
    return is_own(all->h, c) && all->count < NAMES_MOST;
}

tsr_err fdo_handover_settle(tsr_fdo *f, fdo_handover *h)
{
    static const claims none;
    char prefix[FDO_KEY_DIGITS + 1];
    claims all = none;
    tsr_err err;

    if (f->config.lwm2m == NULL)
        return TSR_OK;
    err = h->endpoint[0] != 0 ? claim_name(f, h) : TSR_OK;
    if (err == TSR_OK)
        err = set_credentials(f, h);
    all.h = h;
    (void)snprintf(prefix, sizeof prefix, "%s/", h->device);
    if (err == TSR_OK)
        err = fdo_list(f, TSR_STORE_FDO_ACCOUNT, prefix, NAMES_MOST, add_claim, &all);
    for (size_t i = 0; err == TSR_OK && i < all.count; i++) {
        const char *endpoint = all.list[i].name + FDO_KEY_DIGITS;

        err = take_back(f, h, endpoint);
        if (err == TSR_OK && strcmp(endpoint, h->endpoint) != 0)
            err = fdo_forget(f, TSR_STORE_FDO_ACCOUNT, all.list[i].name);
    }
    if (err == TSR_OK && h->endpoint[0] != 0)
        fdo_log(f, false, "fdo: device %s is endpoint %s", h->guid, h->endpoint);
    if (err == TSR_OK)
        h->certificate[0] = 0; /* it stays */
    return err;
}

void fdo_handover_drop(tsr_fdo *f, fdo_handover *h)
{
    const tsr_fdo_lwm2m *l = f->config.lwm2m;

    if (h->certificate[0] != 0 && l->revoke(l->arg, h->certificate) != TSR_OK)
        fdo_log(f, true, "fdo: certificate %s of an onboarding that failed could not be revoked",
                h->certificate);
    tsr_wipe(h, sizeof *h);
}
