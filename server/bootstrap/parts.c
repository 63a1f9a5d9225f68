/* SPDX-License-Identifier: Apache-2.0
 *
 * From accounts to writes: which instances they get, and which records go into which write. */
#include "server/bootstrap/session_in.h"

#include "server/lwm2m/internal.h"
#include "tessera/lwm2m/format/format.h"

#include <stdlib.h>

/* --- instances -------------------------------------------------------------------------- */

typedef struct {
    uint16_t security, server;
} places;

static bool goes(const bs_session *s, const bs_found *f)
{
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(f->object, f->instance);

    for (size_t i = 0; i < s->profile->delete_count; i++)
        if (tsr_lwm2m_path_contains(s->profile->deletes[i], at))
            return true;
    return false;
}

/* Is the instance somebody's who stays? The bootstrap server's own always stays. */
static bool is_kept(const bs_session *s, uint16_t object, uint32_t instance)
{
    if (!s->own_known && object == 0 && instance == 0)
        return true;
    for (size_t i = 0; i < s->found_count; i++) {
        const bs_found *f = &s->found[i];

        if (f->object == object && f->instance == instance)
            return (object == 0 && f->short_id == 0) || !goes(s, f);
    }
    return false;
}

static bool is_given(const bs_session *s, const places *given, size_t count, uint16_t object,
                     uint32_t instance)
{
    for (size_t i = 0; i < s->profile->server_count; i++) {
        const bs_account *a = &s->profile->servers[i];
        int32_t fixed = object == 0 ? a->security_instance : a->server_instance;

        if (object == 1 && a->bootstrap)
            continue;
        if (fixed == (int32_t)instance ||
            (i < count && (object == 0 ? given[i].security : given[i].server) == instance))
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
    int32_t fixed = object == 0 ? a->security_instance : a->server_instance;
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

static void add_bytes(bs_part *part, uint16_t instance, uint16_t resource, tsr_bytes bytes)
{
    part->records[part->count++] = (tsr_server_record){
        tsr_lwm2m_at_resource(0, instance, resource), tsr_lwm2m_opaque(bytes), 0
    };
}

static tsr_err add_security(bs_session *s, size_t n, uint16_t instance)
{
    const bs_account *a = &s->profile->servers[n];
    bs_part *part = add_values(s, tsr_lwm2m_at_instance(0, instance), &a->security, 2);

    if (!part)
        return TSR_E_SPACE;
    if (a->mode == BS_PSK) {
        add_bytes(part, instance, 3, tsr_text(s->identities[n]));
        add_bytes(part, instance, 5,
                  a->generate ? tsr_view(s->key, sizeof s->key) : tsr_view(a->key, a->key_len));
    }
    return TSR_OK;
}

tsr_err parts_make(bs_session *s)
{
    const bs_profile *p = s->profile;
    places given[BS_SERVERS_MAX] = { { 0, 0 } };
    tsr_err err = TSR_OK;

    if (s->parts) /* made before, for the pack */
        return TSR_OK;
    s->parts = calloc(2 * p->server_count + p->write_count + 1, sizeof *s->parts);
    if (!s->parts)
        return TSR_E_SPACE;
    for (size_t i = 0; i < p->server_count; i++) {
        given[i].security = place(s, given, i, 0);
        given[i].server = p->servers[i].bootstrap ? 0 : place(s, given, i, 1);
    }
    for (size_t i = 0; i < p->server_count && err == TSR_OK; i++)
        err = add_security(s, i, given[i].security);
    for (size_t i = 0; i < p->server_count && err == TSR_OK; i++)
        if (!p->servers[i].bootstrap &&
            !add_values(s, tsr_lwm2m_at_instance(1, given[i].server), &p->servers[i].server, 0))
            err = TSR_E_SPACE;
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

        if (tsr_lwm2m_path_parse(link.target, &path) == TSR_OK && path.depth == 2 &&
            path.object == 0 && s->found_count < BS_FOUND_MAX)
            s->found[s->found_count++] = (bs_found){ 0, path.instance, 0 };
    }
    s->own_known = s->found_count > 0;
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
        err = records_write(all, count, format, tsr_lwm2m_at_root(), &s->payload);
    free(all);
    if (err == TSR_OK)
        *payload = tsr_buf_view(&s->payload);
    return err == TSR_OK || err == TSR_E_SPACE ? err : TSR_E_UNSUPPORTED;
}
