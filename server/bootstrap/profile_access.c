/* SPDX-License-Identifier: Apache-2.0
 *
 * Rights that a profile hands out: an instance of Access Control (Core 8.2). */
#include "server/bootstrap/profile_in.h"

static bool is_known(const bs_profile *p, uint64_t short_id)
{
    for (size_t i = 0; i < p->server_count; i++)
        if (!p->servers[i].bootstrap && p->servers[i].short_id == short_id)
            return true;
    return short_id == 0 || short_id == 65535;
}

bool bs_deletes(const bs_profile *p, tsr_lwm2m_path path)
{
    for (size_t i = 0; i < p->delete_count; i++)
        if (tsr_lwm2m_path_contains(p->deletes[i], path))
            return true;
    return false;
}

/* A right for a server that will not be there is a mistake in one of the two. */
static tsr_err check_short_id(const reading *r, uint64_t short_id)
{
    if (is_known(r->p, short_id) || !bs_deletes(r->p, tsr_lwm2m_at_object(0)))
        return TSR_OK;
    return bs_bad(r, "no server of this profile has the short server id %llu",
                  (unsigned long long)short_id);
}

static tsr_err put_rights(const reading *r, const tsr_json *acl, bs_values *v, uint16_t instance)
{
    tsr_json_walk walk = tsr_json_items(acl);
    tsr_json key, value;
    tsr_err err = TSR_OK;

    while (err == TSR_OK && tsr_json_next(&walk, &key, &value)) {
        char text[8] = "";
        uint64_t id = 0, rights = 0;

        if (tsr_json_cstring(&key, text, sizeof text) != TSR_OK ||
            tsr_dec(tsr_text(text), &id) != TSR_OK || id > 65535 ||
            tsr_json_uint(&value, &rights) != TSR_OK || rights > 31)
            return bs_bad(r, "`acl` maps short server ids (0: all others) to rights from 0 to 31: "
                          "1 read, 2 write, 4 execute, 8 delete, 16 create");
        err = check_short_id(r, id);
        bs_put_number(v, tsr_lwm2m_at_resource_instance(2, instance, 2, (uint16_t)id), rights);
    }
    return err;
}

tsr_err bs_read_access(reading *r, const tsr_json *item)
{
    static const char *const members[] = { "object", "instance", "owner", "acl", NULL };
    uint16_t n = (uint16_t)r->p->write_count;
    bs_write *w = &r->p->writes[r->p->write_count++];
    int64_t object = -1, instance = 65535, owner = -1;
    tsr_json acl;
    tsr_err err = bs_only(r, item, members);

    if (err != TSR_OK || (err = bs_number(r, item, "object", 1, 65534, &object)) != TSR_OK ||
        (err = bs_number(r, item, "instance", 0, 65535, &instance)) != TSR_OK ||
        (err = bs_number(r, item, "owner", 1, 65535, &owner)) != TSR_OK)
        return err;
    if (object < 0 || owner < 0)
        return bs_bad(r, "`object` and `owner` (a short server id) are needed");
    if ((err = check_short_id(r, (uint64_t)owner)) != TSR_OK)
        return err;
    w->base = tsr_lwm2m_at_instance(2, n);
    bs_begin_values(&w->values);
    bs_put_number(&w->values, tsr_lwm2m_at_resource(2, n, 0), (uint64_t)object);
    bs_put_number(&w->values, tsr_lwm2m_at_resource(2, n, 1), (uint64_t)instance);
    bs_put_number(&w->values, tsr_lwm2m_at_resource(2, n, 3), (uint64_t)owner);
    if (tsr_json_find(item, "acl", &acl) == TSR_OK) {
        if (acl.kind != TSR_JSON_OBJECT)
            return bs_bad(r, "`acl` must be an object as {\"1\": 15}");
        err = put_rights(r, &acl, &w->values, n);
    }
    return err != TSR_OK ? err : bs_end_values(r, &w->values, w->base);
}
