/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/hex.h"
#include "tessera/lwm2m/client/internal.h"

/* tsr_lwm2m_account.brief: a refusal counts it down, so that the next Register has the list. */
enum { BRIEF_REFUSED = 1, BRIEF_SAID = 2 };

/* RFC 6920 §9.4: bytes of the hash that a suite keeps. */
static size_t kept_of(tsr_lwm2m_profile_suite suite)
{
    static const uint8_t kept[] = { 8, 32, 16, 15, 12, 8, 4 };

    return (size_t)suite < sizeof kept ? kept[suite] : kept[0];
}

/* What it is made from is nowhere defined: it is our list, in which all versions stand. */
static tsr_err computed_put(const tsr_lwm2m_profile *p, tsr_bytes list, tsr_buf *out)
{
    uint8_t digest[32];
    tsr_err err = p->sha256 != NULL ? p->sha256(list, digest) : TSR_E_UNSUPPORTED;

    if (err != TSR_OK)
        return err;
    tsr_put_dec(out, p->suite != 0 ? p->suite : TSR_LWM2M_PROFILE_SHA256_64);
    tsr_put_u8(out, ':');
    tsr_hex_put(out, tsr_view(digest, kept_of(p->suite)));
    return out->err;
}

static tsr_err profile_put(const tsr_lwm2m_profile *p, tsr_bytes list, queries *q)
{
    tsr_buf text = q->text;
    tsr_err err = TSR_OK;

    tsr_put_text(&text, "pid=");
    if (p->id != NULL)
        tsr_put_text(&text, p->id);
    else
        err = computed_put(p, list, &text);
    if (err != TSR_OK || text.err != TSR_OK)
        return err != TSR_OK ? err : text.err;
    q->items[q->count++].ptr = text.ptr + q->text.len;
    q->text = text;
    return TSR_OK;
}

/* The next link of a list of ours, up to the one behind it: commas in it are within quotes. */
static tsr_bytes link_take(tsr_bytes *list)
{
    bool quoted = false;
    size_t n = 0;

    for (; n < list->len && (quoted || list->ptr[n] != ','); n++)
        quoted ^= list->ptr[n] == '"';

    tsr_bytes link = tsr_first(*list, n);

    *list = tsr_skip(*list, n < list->len ? n + 1 : n);
    return link;
}

/* Targets stand between < and >, so none is a part of another. */
static bool is_covered(tsr_bytes link, tsr_bytes covers)
{
    size_t n = 0;

    while (n < link.len && link.ptr[n++] != '>')
        ;
    for (; covers.len >= n; covers = tsr_skip(covers, 1)) {
        if (memcmp(covers.ptr, link.ptr, n) == 0)
            return true;
    }
    return false;
}

/* What is left of the list at the start of config.body, in its place. */
static tsr_bytes rest_of(const tsr_lwm2m_client *c, tsr_bytes list, tsr_bytes covers)
{
    uint8_t *out = c->config.body;
    size_t len = 0;

    while (list.len != 0) {
        tsr_bytes link = link_take(&list);

        if (is_covered(link, covers))
            continue;
        if (len != 0)
            out[len++] = ',';
        memmove(out + len, link.ptr, link.len);
        len += link.len;
    }
    return tsr_view(out, len);
}

static void profile_tell(const tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_coap_request *request,
                         queries *q)
{
    const tsr_lwm2m_profile *p = c->config.profile;
    bool refused = a->brief == BRIEF_REFUSED;

    if (a->location[0] != '\0')
        return;
    a->brief = 0;
    if (refused || a->version_minor < 2 || profile_put(p, request->payload, q) != TSR_OK)
        return;
    a->brief = BRIEF_SAID;
    request->payload = p->id != NULL && p->covers != NULL
                           ? rest_of(c, request->payload, tsr_text(p->covers))
                           : tsr_view(NULL, 0);
    request->content_format.set = request->payload.len != 0;
}

/* Core 6.2.1: Q, sms, and pid of 1.2. */
void tsr_lwm2m_all_parameters(const tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                              tsr_coap_request *request, struct tsr_lwm2m_queries *q)
{
    tsr_lwm2m_queue_parameters(c, a, request, q);
    if (c->config.sms != NULL && a->location[0] == '\0') {
        query_open(q, "sms=");
        tsr_put_text(&q->text, c->config.sms);
    }
    if (c->config.profile != NULL)
        profile_tell(c, a, request, q);
}
