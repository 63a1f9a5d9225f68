/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles are strict: a member with a wrong name would go unnoticed and devices be left without
 * what the operator believes they have. */
#include "server/bootstrap/profile_in.h"

#include "server/rest/room.h"

#include <stdio.h>

typedef tsr_err item_fn(reading *r, const tsr_json *item);

static tsr_err each(reading *r, const tsr_json *root, const char *name, size_t max, item_fn *fn)
{
    tsr_json list, item;
    tsr_json_walk walk;
    tsr_err err = TSR_OK;

    if (tsr_json_find(root, name, &list) != TSR_OK)
        return TSR_OK;
    if (list.kind != TSR_JSON_ARRAY || tsr_json_count(&list) > max)
        return bs_bad(r, "`%s` must be an array of at most %zu", name, max);
    walk = tsr_json_items(&list);
    for (unsigned i = 0; err == TSR_OK && tsr_json_next(&walk, NULL, &item); i++) {
        (void)snprintf(r->where, sizeof r->where, "%s[%u]", name, i);
        err = fn(r, &item);
    }
    if (err == TSR_OK)
        r->where[0] = 0;
    return err;
}

static tsr_err read_server(reading *r, const tsr_json *item)
{
    bs_account *a = &r->p->servers[r->p->server_count++];
    tsr_err err = bs_read_account(r, item, a);

    for (bs_account *b = r->p->servers; err == TSR_OK && b < a; b++) {
        if (a->bootstrap && b->bootstrap)
            return bs_bad(r, "there is one bootstrap server already; a device has one");
        if (!a->bootstrap && a->short_id == b->short_id)
            return bs_bad(r, "`short_server_id` %u is there twice; give each server its own",
                          a->short_id);
        if (a->generate && b->generate)
            return bs_bad(r, "only one server can `generate`: this one");
        if ((a->security_instance >= 0 && a->security_instance == b->security_instance) ||
            (a->server_instance >= 0 && a->server_instance == b->server_instance))
            return bs_bad(r, "two servers name the same instance; leave it out, or change one");
    }
    return err;
}

static tsr_err path_of(const reading *r, const tsr_json *item, tsr_lwm2m_path *path)
{
    char text[TSR_LWM2M_PATH_TEXT + 8];

    if (tsr_json_cstring(item, text, sizeof text) != TSR_OK || text[0] != '/' ||
        tsr_lwm2m_path_parse(tsr_text(text), path) != TSR_OK)
        return bs_bad(r, "it must be a path as \"/1\" or \"/1/0\"");
    return TSR_OK;
}

/* Core 6.1.7.4: a Bootstrap-Read goes to /1 and /2 only. */
static tsr_err read_read(reading *r, const tsr_json *item)
{
    tsr_lwm2m_path *path = &r->p->reads[r->p->read_count++];
    tsr_err err = path_of(r, item, path);

    if (err == TSR_OK && (path->depth < 1 || path->depth > 2 || path->object < 1 ||
                          path->object > 2))
        return bs_bad(r, "only /1 and /2, and their instances, may be read in a bootstrap");
    return err;
}

static tsr_err read_delete(reading *r, const tsr_json *item)
{
    tsr_lwm2m_path *path = &r->p->deletes[r->p->delete_count++];
    tsr_err err = path_of(r, item, path);

    if (err == TSR_OK && path->depth > 2)
        return bs_bad(r, "only \"/\", objects and instances can be deleted in a bootstrap");
    return err;
}

static tsr_err check_target(const reading *r, const bs_write *w)
{
    if (w->base.depth < 2)
        return bs_bad(r, "`path` must name an instance or a resource");
    if (w->base.object < 2)
        return bs_bad(r, "/0 and /1 are written by `servers`");
    for (const bs_write *b = r->p->writes; b < w; b++)
        if (tsr_lwm2m_path_contains(b->base, w->base) ||
            tsr_lwm2m_path_contains(w->base, b->base))
            return bs_bad(r, "an earlier write goes to the same place; put them together");
    return TSR_OK;
}

static tsr_err read_write(reading *r, const tsr_json *item)
{
    static const char *const members[] = { "path", "value", "values", "type", NULL };
    bs_write *w;
    tsr_json path;
    tsr_err err = bs_only(r, item, members);

    if (err != TSR_OK)
        return err;
    if (r->p->write_count == BS_WRITES_MAX)
        return bs_bad(r, "at most %d access control instances and writes", BS_WRITES_MAX);
    w = &r->p->writes[r->p->write_count++];
    if (tsr_json_find(item, "path", &path) != TSR_OK)
        return bs_bad(r, "`path` is missing: an instance or a resource");
    if ((err = path_of(r, &path, &w->base)) != TSR_OK || (err = check_target(r, w)) != TSR_OK)
        return err;
    /* The values point into a text of their own: the profile's goes before they do. */
    rest_room(&w->values.text, item->text.len);
    tsr_put_bytes(&w->values.text, item->text);
    if (w->values.text.err != TSR_OK)
        return TSR_E_SPACE;

    tsr_json own;

    if ((err = tsr_json_parse(tsr_buf_view(&w->values.text), &own, NULL)) == TSR_OK)
        err = rest_values_for_write(&own, w->base, &w->values.values);
    return err == TSR_E_ARGUMENT ? bs_bad(r, "%s", w->values.values.detail) : err;
}

static tsr_err read_writing(const reading *r, const tsr_json *root)
{
    char how[16] = "instance";
    tsr_err err = tsr_json_find_cstring(root, "write", how, sizeof how);

    r->p->whole_object = strcmp(how, "object") == 0;
    if ((err == TSR_OK || err == TSR_E_NOT_FOUND) &&
        (r->p->whole_object || strcmp(how, "instance") == 0))
        return TSR_OK;
    return bs_bad(r, "`write` must be \"instance\" or \"object\"");
}

static tsr_err check_whole(const reading *r)
{
    const bs_profile *p = r->p;
    bool server = false;

    for (size_t i = 0; i < p->server_count; i++)
        server = server || !p->servers[i].bootstrap;
    if (!server && (bs_deletes(p, tsr_lwm2m_at_object(0)) ||
                    bs_deletes(p, tsr_lwm2m_at_object(1))))
        return bs_bad(r, "the device would be left without a server: name one in `servers`, or "
                      "leave /0 and /1 out of `delete`");
    return TSR_OK;
}

static bool has_oscore(const bs_profile *p)
{
    for (size_t i = 0; i < p->server_count; i++)
        if (p->servers[i].mode == BS_OSCORE)
            return true;
    return false;
}

static tsr_err read_all(reading *r, const tsr_json *root)
{
    static const char *const members[] = { "discover", "pack",           "plain",  "write", "read",
                                           "delete",   "servers",        "writes", "name",
                                           "changed_at", "access_control", NULL };
    tsr_json list;
    tsr_err err = bs_only(r, root, members);

    r->p->discover = r->p->pack = true;
    if (err != TSR_OK || (err = bs_flag(r, root, "discover", &r->p->discover)) != TSR_OK ||
        (err = bs_flag(r, root, "pack", &r->p->pack)) != TSR_OK ||
        (err = bs_flag(r, root, "plain", &r->p->plain)) != TSR_OK ||
        (err = read_writing(r, root)) != TSR_OK ||
        (err = each(r, root, "read", BS_PATHS_MAX, read_read)) != TSR_OK ||
        (err = each(r, root, "delete", BS_PATHS_MAX, read_delete)) != TSR_OK ||
        (err = each(r, root, "servers", BS_SERVERS_MAX, read_server)) != TSR_OK)
        return err;
    if (tsr_json_find(root, "delete", &list) != TSR_OK && r->p->server_count > 0) {
        r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(0);
        r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(1);
        if (has_oscore(r->p))
            r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(21);
        if (tsr_json_find(root, "access_control", &list) == TSR_OK)
            r->p->deletes[r->p->delete_count++] = tsr_lwm2m_at_object(2);
    }
    if ((err = each(r, root, "access_control", BS_WRITES_MAX, bs_read_access)) != TSR_OK ||
        (err = each(r, root, "writes", BS_WRITES_MAX, read_write)) != TSR_OK)
        return err;
    return check_whole(r);
}

tsr_err bs_profile_read(tsr_bytes json, bs_profile *p, char *why, size_t why_cap)
{
    reading r = { p, why, why_cap, "" };
    tsr_json root;

    *p = (bs_profile){ 0 };
    if (json.len > BS_BODY_MAX)
        return bs_bad(&r, "a profile has at most %d bytes", BS_BODY_MAX);
    if (tsr_json_parse(json, &root, NULL) != TSR_OK)
        return bs_bad(&r, "it must be a JSON object");
    return read_all(&r, &root);
}

void bs_profile_free(bs_profile *p)
{
    for (size_t i = 0; i < BS_SERVERS_MAX; i++) {
        bs_free_values(&p->servers[i].security);
        bs_free_values(&p->servers[i].server);
    }
    for (size_t i = 0; i < BS_WRITES_MAX; i++)
        bs_free_values(&p->writes[i].values);
    tsr_wipe(p, sizeof *p);
}
