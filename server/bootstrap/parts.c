/* SPDX-License-Identifier: Apache-2.0
 *
 * From accounts to writes: which instances they get, and which records go into which write. */
#include "server/bootstrap/session_in.h"

#include "server/lwm2m/internal.h"
#include "tessera/lwm2m/format/format.h"

#include <stdlib.h>

/* --- instances -------------------------------------------------------------------------- */

enum { SECURITY = 0, SERVER = 1, OSCORE = 21 };

typedef struct {
    uint16_t security, server, oscore;
} places;

static uint16_t place_in(const places *p, uint16_t object)
{
    return object == SECURITY ? p->security : object == SERVER ? p->server : p->oscore;
}

/* The instance that the profile says, or BS_ANY_INSTANCE. */
static int32_t fixed_in(const bs_account *a, uint16_t object)
{
    return object == SECURITY ? a->security_instance
           : object == SERVER ? a->server_instance
                              : BS_ANY_INSTANCE;
}

static bool has_part(const bs_account *a, uint16_t object)
{
    return object == SECURITY || (object == SERVER ? !a->bootstrap : a->mode == BS_OSCORE);
}

static bool goes(const bs_session *s, const bs_found *f)
{
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(f->object, f->instance);

    for (size_t i = 0; i < s->profile->delete_count; i++)
        if (tsr_lwm2m_path_contains(s->profile->deletes[i], at))
            return true;
    return false;
}

/* The bootstrap server's own instances always stay; those that are not known are taken to be /0/0 and
 * /21/0. */
static bool is_own(const bs_session *s, uint16_t object, uint32_t instance)
{
    bool known = object == SECURITY && s->own_known;

    for (size_t i = 0; i < s->found_count; i++) {
        const bs_found *f = &s->found[i];

        if (object == SERVER || f->object != object || f->short_id != 0)
            continue;
        if (f->instance == instance)
            return true;
        known = true;
    }
    return object != SERVER && !known && instance == 0;
}

/* Is the instance somebody's who stays? */
static bool is_kept(const bs_session *s, uint16_t object, uint32_t instance)
{
    for (size_t i = 0; i < s->found_count; i++) {
        const bs_found *f = &s->found[i];

        if (f->object == object && f->instance == instance)
            return is_own(s, object, instance) || !goes(s, f);
    }
    return is_own(s, object, instance);
}

static bool is_given(const bs_session *s, const places *given, size_t count, uint16_t object,
                     uint32_t instance)
{
    for (size_t i = 0; i < s->profile->server_count; i++) {
        const bs_account *a = &s->profile->servers[i];

        if (has_part(a, object) && (fixed_in(a, object) == (int32_t)instance ||
                                    (i < count && place_in(&given[i], object) == instance)))
            return true;
    }
    return false;
}

/* Where an account of that short server id stands already, or -1. */
static int32_t standing(const bs_session *s, uint16_t object, uint16_t short_id)
{
    for (size_t i = 0; i < s->found_count; i++)
        if (s->found[i].object == object && s->found[i].short_id == short_id)
            return s->found[i].instance;
    return -1;
}

static uint16_t place(const bs_session *s, const places *given, size_t n, uint16_t object)
{
    const bs_account *a = &s->profile->servers[n];
    int32_t fixed = fixed_in(a, object);
    int32_t old = standing(s, object, a->bootstrap ? 0 : a->short_id);
    uint32_t i = 0;

    if (fixed >= 0)
        return (uint16_t)fixed;
    if (a->bootstrap)
        return old >= 0 ? (uint16_t)old : 0;
    if (old >= 0 && is_kept(s, object, (uint32_t)old) &&
        !is_given(s, given, n, object, (uint32_t)old))
        return (uint16_t)old; /* the account is renewed where it is */
    while (is_kept(s, object, i) || is_given(s, given, n, object, i))
        i++;
    return (uint16_t)i;
}

/* --- records ---------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
    return tsr_lwm2m_path_compare(((const tsr_server_record *)a)->path,
                                  ((const tsr_server_record *)b)->path);
}

/* Appends to the last part, or to a new one of that base. */
static bs_part *part_for(bs_session *s, tsr_lwm2m_path base, size_t more)
{
    bs_part *part = s->part_count ? &s->parts[s->part_count - 1] : NULL;
    tsr_server_record *bigger;

    if (!part || !tsr_lwm2m_path_same(part->base, base)) {
        part = &s->parts[s->part_count++];
        *part = (bs_part){ .base = base };
    }
    bigger = realloc(part->records, (part->count + more) * sizeof *bigger);
    if (!bigger)
        return NULL;
    part->records = bigger;
    return part;
}

static tsr_lwm2m_path base_of(const bs_session *s, tsr_lwm2m_path at)
{
    return s->profile->whole_object && at.depth == 2 ? tsr_lwm2m_at_object(at.object) : at;
}

static bs_part *add_values(bs_session *s, tsr_lwm2m_path at, const bs_values *v, size_t room)
{
    bs_part *part = part_for(s, base_of(s, at), v->values.count + room);

    for (size_t i = 0; part && i < v->values.count; i++) {
        tsr_server_record record = v->values.records[i];

        record.path.instance = at.instance;
        part->records[part->count++] = record;
    }
    return part;
}

static void add_bytes(bs_part *part, tsr_lwm2m_path at, uint16_t resource, tsr_bytes bytes)
{
    part->records[part->count++] = (tsr_server_record){
        tsr_lwm2m_at_resource(at.object, at.instance, resource), tsr_lwm2m_opaque(bytes), 0
    };
}

static tsr_err add_security(bs_session *s, size_t n, const places *given)
{
    const bs_account *a = &s->profile->servers[n];
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(SECURITY, given->security);
    bs_part *part = add_values(s, at, &a->security, 2);

    if (!part)
        return TSR_E_SPACE;
    if (a->mode == BS_PSK) {
        add_bytes(part, at, 3, tsr_text(s->identities[n]));
        add_bytes(part, at, 5,
                  a->generate ? tsr_view(s->key, sizeof s->key) : tsr_view(a->key, a->key_len));
    }
    if (a->mode == BS_OSCORE)
        part->records[part->count++] = (tsr_server_record){
            tsr_lwm2m_at_resource(SECURITY, given->security, 17),
            tsr_lwm2m_objlnk(OSCORE, given->oscore), 0
        };
    return TSR_OK;
}

static tsr_err add_oscore(bs_session *s, const bs_account *a, uint16_t instance)
{
    static const bs_values none;
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(OSCORE, instance);
    tsr_server_oscore o = bs_session_oscore(s, a);
    bs_part *part = add_values(s, at, &none, 6);

    if (!part)
        return TSR_E_SPACE;
    add_bytes(part, at, 0, o.secret);
    add_bytes(part, at, 1, o.device_id);
    add_bytes(part, at, 2, o.server_id);
    if (o.aead != 0)
        part->records[part->count++] = (tsr_server_record){
            tsr_lwm2m_at_resource(OSCORE, instance, 3), tsr_lwm2m_int(o.aead), 0
        };
    if (o.salt.len != 0)
        add_bytes(part, at, 5, o.salt);
    if (o.id_context.ptr)
        add_bytes(part, at, 6, o.id_context);
    return TSR_OK;
}

static void place_all(const bs_session *s, places *given)
{
    for (size_t i = 0; i < s->profile->server_count; i++) {
        const bs_account *a = &s->profile->servers[i];

        given[i].security = place(s, given, i, SECURITY);
        given[i].server = has_part(a, SERVER) ? place(s, given, i, SERVER) : 0;
        given[i].oscore = has_part(a, OSCORE) ? place(s, given, i, OSCORE) : 0;
    }
}

tsr_err parts_make(bs_session *s)
{
    const bs_profile *p = s->profile;
    places given[BS_SERVERS_MAX] = { { 0 } };
    tsr_err err = TSR_OK;

    if (s->parts) /* made before, for the pack */
        return TSR_OK;
    s->parts = calloc(3 * p->server_count + p->write_count + 1, sizeof *s->parts);
    if (!s->parts)
        return TSR_E_SPACE;
    place_all(s, given);
    for (size_t i = 0; i < p->server_count && err == TSR_OK; i++)
        err = add_security(s, i, &given[i]);
    for (size_t i = 0; i < p->server_count && err == TSR_OK; i++)
        if (!p->servers[i].bootstrap &&
            !add_values(s, tsr_lwm2m_at_instance(1, given[i].server), &p->servers[i].server, 0))
            err = TSR_E_SPACE;
    for (size_t i = 0; i < p->server_count && err == TSR_OK; i++)
        if (has_part(&p->servers[i], OSCORE))
            err = add_oscore(s, &p->servers[i], given[i].oscore);
    for (size_t i = 0; i < p->write_count && err == TSR_OK; i++)
        if (!add_values(s, p->writes[i].base, &p->writes[i].values, 0))
            err = TSR_E_SPACE;
    for (size_t i = 0; i < s->part_count; i++) /* the formats want tree order */
        if (s->parts[i].records)
            qsort(s->parts[i].records, s->parts[i].count, sizeof(tsr_server_record), by_path);
    return err;
}

void parts_free(bs_session *s)
{
    for (size_t i = 0; i < s->part_count; i++)
        free(s->parts[i].records);
    free(s->parts);
    s->parts = NULL;
    s->part_count = 0;
}

/* --- Bootstrap-Pack --------------------------------------------------------------------- */

void bs_session_own(bs_session *s, tsr_bytes acc)
{
    tsr_link link;

    while (tsr_link_next(&acc, &link) == TSR_OK) {
        tsr_lwm2m_path path;

        if (tsr_lwm2m_path_parse(link.target, &path) != TSR_OK || path.depth != 2 ||
            (path.object != SECURITY && path.object != OSCORE) || s->found_count == BS_FOUND_MAX)
            continue;
        s->found[s->found_count++] = (bs_found){ path.object, path.instance, 0 };
        s->own_known = s->own_known || path.object == SECURITY;
    }
}

static tsr_err gather(const bs_session *s, tsr_server_record **all, size_t *count)
{
    size_t n = 0;

    for (size_t i = 0; i < s->part_count; i++)
        n += s->parts[i].count;
    *all = calloc(n + 1, sizeof **all);
    *count = 0;
    for (size_t i = 0; *all && i < s->part_count; i++)
        for (size_t k = 0; k < s->parts[i].count; k++)
            (*all)[(*count)++] = s->parts[i].records[k];
    if (*all)
        qsort(*all, n, sizeof **all, by_path);
    return *all ? TSR_OK : TSR_E_SPACE;
}

tsr_err bs_session_pack(bs_session *s, uint16_t format, tsr_bytes *payload)
{
    tsr_server_record *all = NULL;
    size_t count = 0;
    tsr_err err = parts_make(s);

    if (err == TSR_OK)
        err = gather(s, &all, &count);
    if (err == TSR_OK)
        err = records_write(all, count, format, tsr_lwm2m_at_root(), "", &s->payload);
    free(all);
    if (err == TSR_OK)
        *payload = tsr_buf_view(&s->payload);
    return err == TSR_OK || err == TSR_E_SPACE ? err : TSR_E_UNSUPPORTED;
}
