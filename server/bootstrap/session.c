/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a session and what their answers mean. */
#include "server/bootstrap/session_in.h"

#include "server/lwm2m/internal.h"
#include "tessera/coap/message.h"
#include "tessera/lwm2m/format/format.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { OSCORE = 21 };

/* --- beginning and end ------------------------------------------------------------------ */

/* "{endpoint}" in an identity is the device's name. What is too long is cut; the check is later. */
static size_t expand(const char *template, const char *endpoint, char out[BS_IDENTITY_MAX + 1])
{
    static const char mark[] = "{endpoint}";
    const char *at = strstr(template, mark);
    int before = at ? (int)(at - template) : (int)strlen(template);

    return (size_t)snprintf(out, BS_IDENTITY_MAX + 1, "%.*s%s%s", before, template,
                            at ? endpoint : "", at ? at + sizeof mark - 1 : "");
}

static void expand_identities(bs_session *s)
{
    for (size_t i = 0; i < s->profile->server_count; i++) {
        const bs_account *a = &s->profile->servers[i];

        if (expand(a->identity, s->endpoint, s->identities[i]) > BS_IDENTITY_MAX)
            bs_session_fail(s, "the identity that the profile makes of this endpoint's name is "
                               "longer than 128 bytes: shorten `identity`");
        if (a->generate) {
            s->generates = true;
            s->generating = a;
            memcpy(s->identity, s->identities[i], sizeof s->identity);
        }
    }
}

tsr_err bs_session_begin(bs_session *s, bs_profile *profile, const char *endpoint, uint16_t pct)
{
    *s = (bs_session){ .profile = profile,
                       .format = pct ? pct : TSR_LWM2M_FORMAT_SENML_CBOR,
                       .prefers = pct != 0 };
    s->identities = calloc(profile->server_count + 1, sizeof *s->identities);
    if (!s->identities)
        return TSR_E_SPACE;
    (void)snprintf(s->endpoint, sizeof s->endpoint, "%s", endpoint);
    expand_identities(s);
    if (s->generates && (psa_generate_random(s->key, sizeof s->key) != PSA_SUCCESS ||
                         psa_generate_random(s->device_id, sizeof s->device_id) != PSA_SUCCESS ||
                         psa_generate_random(s->salt, sizeof s->salt) != PSA_SUCCESS))
        bs_session_fail(s, "no random numbers for a key: the server's PSA core failed");
    return TSR_OK;
}

static tsr_bytes view(const bs_bytes *b) { return tsr_view(b->given ? b->bytes : NULL, b->len); }

tsr_server_oscore bs_session_oscore(const bs_session *s, const bs_account *a)
{
    tsr_server_oscore o = { .device_id = view(&a->device_id),
                            .server_id = view(&a->server_id),
                            .secret = tsr_view(a->key, a->key_len),
                            .salt = view(&a->salt),
                            .id_context = view(&a->id_context),
                            .aead = a->aead };

    if (a->generate) {
        o.device_id = tsr_view(s->device_id, sizeof s->device_id);
        o.secret = tsr_view(s->key, sizeof s->key);
        o.salt = tsr_view(s->salt, sizeof s->salt);
    }
    return o;
}

static void free_payload(bs_session *s)
{
    if (s->payload.ptr)
        tsr_wipe(s->payload.ptr, s->payload.len);
    free(s->payload.ptr);
    s->payload = (tsr_buf){ 0 };
}

void bs_session_free(bs_session *s)
{
    free_payload(s);
    parts_free(s);
    free(s->identities);
    if (s->profile) {
        bs_profile_free(s->profile);
        free(s->profile);
    }
    tsr_wipe(s, sizeof *s);
}

void bs_session_fail(bs_session *s, const char *cause)
{
    if (s->done)
        return;
    (void)snprintf(s->cause, sizeof s->cause, "%s", cause);
    s->done = true;
}

/* --- next ------------------------------------------------------------------------------- */

static void to_phase(bs_session *s, bs_phase phase)
{
    s->phase = phase;
    s->index = 0;
    s->refusals = 0;
}

/* How many steps a phase has. */
static size_t steps(const bs_session *s)
{
    switch (s->phase) {
    case BS_DISCOVER: return s->profile->discover;
    case BS_READ: return s->profile->read_count;
    case BS_DELETE: return s->profile->delete_count;
    case BS_KEYS: return s->generates;
    case BS_WRITE: return s->part_count;
    case BS_FINISH: return 1;
    case BS_END: break;
    }
    return 0;
}

static tsr_err advance(bs_session *s)
{
    while (!s->done && s->phase != BS_END && s->index >= steps(s)) {
        to_phase(s, (bs_phase)(s->phase + 1));
        if (s->phase == BS_WRITE && parts_make(s) != TSR_OK)
            bs_session_fail(s, "the server is out of memory");
    }
    if (s->phase == BS_END)
        s->done = true;
    return s->done ? TSR_END : TSR_OK;
}

static void ask_write(bs_session *s, bs_request *r)
{
    const bs_part *part = &s->parts[s->index];
    tsr_err err;

    free_payload(s);
    err = records_write(part->records, part->count, s->format, part->base, "", &s->payload);
    if (err != TSR_OK) {
        bs_session_fail(s, err == TSR_E_SPACE ? "the server is out of memory"
                                              : "the values of the profile cannot be written in "
                                                "the device's format: change them, or `write`");
        return;
    }
    *r = (bs_request){ .method = TSR_COAP_PUT,
                       .path = part->base,
                       .has_format = true,
                       .format = s->format,
                       .payload = tsr_buf_view(&s->payload) };
}

static void ask(bs_session *s, bs_request *r)
{
    switch (s->phase) {
    case BS_DISCOVER:
        *r = (bs_request){ .method = TSR_COAP_GET, .has_accept = true,
                           .accept = TSR_LWM2M_FORMAT_LINK };
        break;
    case BS_READ:
        *r = (bs_request){ .method = TSR_COAP_GET, .path = s->profile->reads[s->index],
                           .has_accept = true, .accept = s->format };
        break;
    case BS_DELETE:
        *r = (bs_request){ .method = TSR_COAP_DELETE, .path = s->profile->deletes[s->index] };
        break;
    case BS_WRITE: ask_write(s, r); break;
    case BS_FINISH: *r = (bs_request){ .method = TSR_COAP_POST, .finish = true }; break;
    case BS_KEYS:
    case BS_END: break;
    }
}

tsr_err bs_session_next(bs_session *s, bs_step *step)
{
    if (!s->done && s->asked)
        return TSR_E_STATE;
    *step = (bs_step){ 0 };
    if (advance(s) != TSR_OK)
        return TSR_END;
    ask(s, &step->request);
    if (s->done)
        return TSR_END;
    step->phase = s->phase;
    s->asked = true;
    return TSR_OK;
}

/* --- answers ---------------------------------------------------------------------------- */

static void say_step(const bs_session *s, tsr_buf *out)
{
    static const char *const verbs[] = { "Discover", "Read ", "Delete ", "", "Write ", "Finish" };
    tsr_lwm2m_path path;

    tsr_put_text(out, verbs[s->phase]);
    if (s->phase == BS_READ)
        path = s->profile->reads[s->index];
    else if (s->phase == BS_DELETE)
        path = s->profile->deletes[s->index];
    else if (s->phase == BS_WRITE)
        path = s->parts[s->index].base;
    else
        return;
    tsr_lwm2m_path_put(out, path);
}

static void refused(bs_session *s, uint8_t code, const char *diagnostic)
{
    char step[48] = "", cause[BS_CAUSE_MAX];
    tsr_buf out = tsr_buf_over(step, sizeof step - 1);

    say_step(s, &out);
    step[out.len] = 0;
    if (code == 0)
        (void)snprintf(cause, sizeof cause, "%s: %.160s", step, diagnostic);
    else
        (void)snprintf(cause, sizeof cause, "%s: the device refused with %u.%02u%s%.140s", step,
                       (unsigned)code >> 5, code & 31u, diagnostic[0] ? ": " : "", diagnostic);
    bs_session_fail(s, cause);
}

static void found(bs_session *s, tsr_lwm2m_path path, const tsr_link *link)
{
    tsr_link_param ssid;
    uint64_t id = 0;
    bs_found *f = &s->found[s->found_count];

    if (path.depth != 2 || (path.object > 1 && path.object != OSCORE) || s->found_count == BS_FOUND_MAX)
        return;
    if (tsr_link_param_find(link->params, "ssid", &ssid) == TSR_OK && ssid.has_value &&
        (tsr_dec(ssid.value, &id) != TSR_OK || id > 65534))
        return;
    *f = (bs_found){ path.object, path.instance, (uint16_t)id };
    s->found_count++;
    s->own_known = s->own_known || (path.object == 0 && id == 0);
}

static void note_version(bs_session *s, const tsr_link *link)
{
    tsr_link_param v;

    if (tsr_link_param_find(link->params, "lwm2m", &v) == TSR_OK && v.value.len == 3) {
        memcpy(s->version, v.value.ptr, 3);
        s->version[3] = 0;
    }
    /* TLV is what a 1.0 client must know; the other formats are of 1.1 and later. */
    if (!s->prefers && strcmp(s->version, "1.0") == 0)
        s->format = TSR_LWM2M_FORMAT_TLV;
}

/* Core 6.1.7.3: "lwm2m=1.0,</0/0>" of old clients is not RFC 6690, but understood. */
static tsr_bytes without_old_head(bs_session *s, tsr_bytes body)
{
    static const char head[] = "lwm2m=";
    size_t n = 0;

    if (body.len < sizeof head || memcmp(body.ptr, head, sizeof head - 1) != 0)
        return body;
    while (n < body.len && body.ptr[n] != ',')
        n++;
    note_version(s, &(tsr_link){ .params = tsr_first(body, n) });
    return tsr_skip(body, n < body.len ? n + 1 : n);
}

static void discovered(bs_session *s, tsr_bytes body)
{
    tsr_link link;

    body = without_old_head(s, body);
    while (tsr_link_next(&body, &link) == TSR_OK) {
        tsr_lwm2m_path path;

        if (tsr_same(link.target, tsr_text("/")))
            note_version(s, &link);
        else if (link.target.len && link.target.ptr[0] == '/' &&
                 tsr_lwm2m_path_parse(link.target, &path) == TSR_OK)
            found(s, path, &link);
    }
}

static void keep_read(bs_session *s, uint16_t format, tsr_bytes body, bs_keep *keep, void *arg)
{
    record_list list;
    const char *why = "";

    if (records_read(&list, format, s->profile->reads[s->index], "", body, &why) != TSR_OK)
        return; /* what is read is for the operator's eyes: no reason to stop */
    for (size_t i = 0; i < list.count && keep; i++)
        keep(arg, &list.records[i]);
    s->values_read += list.count;
    records_free(&list);
}

/* After a 4.15 (some say 4.06) the next format is tried; each is tried once. */
static bool try_other_format(bs_session *s, uint8_t code)
{
    static const uint16_t order[] = { TSR_LWM2M_FORMAT_SENML_CBOR, TSR_LWM2M_FORMAT_TLV,
                                      TSR_LWM2M_FORMAT_SENML_JSON, TSR_LWM2M_FORMAT_LWM2M_CBOR };
    size_t at = 0;

    if ((code != TSR_COAP_UNSUPPORTED_FORMAT && code != TSR_COAP_NOT_ACCEPTABLE) ||
        s->refusals >= 3)
        return false;
    while (at < 4 && order[at] != s->format)
        at++;
    s->refusals++;
    s->format = order[(at + 1) % 4];
    return true;
}

static bool is_success(uint8_t code) { return code >> 5 == 2; }

static void next_step(bs_session *s)
{
    s->index++;
    s->refusals = 0;
}

void bs_session_answer(bs_session *s, uint8_t code, uint16_t format, tsr_bytes body,
                       const char *diagnostic, bs_keep *keep, void *arg)
{
    bool optional = s->phase == BS_DISCOVER || s->phase == BS_READ;
    bool nothing_there = s->phase == BS_DELETE && code == TSR_COAP_NOT_FOUND;

    if (s->done || !s->asked || s->phase == BS_KEYS)
        return;
    s->asked = false;
    if (is_success(code)) {
        if (s->phase == BS_DISCOVER)
            discovered(s, body);
        else if (s->phase == BS_READ)
            keep_read(s, format, body, keep, arg);
        next_step(s);
    } else if ((optional && code != 0) || nothing_there) {
        next_step(s);
    } else if (s->phase != BS_WRITE || !try_other_format(s, code)) {
        refused(s, code, diagnostic);
    }
}

void bs_session_stored(bs_session *s, tsr_err err)
{
    if (s->done || !s->asked || s->phase != BS_KEYS)
        return;
    s->asked = false;
    s->stored = err == TSR_OK;
    if (err == TSR_E_EXISTS)
        bs_session_fail(s, "the identity of the new key belongs to another endpoint: put "
                           "{endpoint} into `identity`");
    else if (err != TSR_OK)
        bs_session_fail(s, "the store failed: nothing was written; GET /api/v1/health says why");
    next_step(s);
}
