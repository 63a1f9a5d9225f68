/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/storage/ps.h"

#include "secure/storage/log.h"
#include "secure/storage/ps_object.h"

#define FLAGS_KNOWN                                                                                \
    (PSA_STORAGE_FLAG_WRITE_ONCE | PSA_STORAGE_FLAG_NO_CONFIDENTIALITY |                           \
     PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION)

typedef struct { /* an asset that a call is about */
    tsr_ps_name name;
    tsr_ps_facts anchor; /* version 0: there is none */
} asset;

static size_t asset_max(const tsr_ps *ps) { return ps->work_len - TSR_PS_OVERHEAD; }

/* Whether the asset is there is not an error here: see anchor.version. */
static psa_status_t find(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, bool make, asset *a)
{
    psa_status_t status;

    *a = (asset){ .name = { client, 0, uid } };
    if (uid == 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (client == 0)
        return PSA_ERROR_NOT_PERMITTED;
    status = tsr_ps_slot_of(ps, client, make, &a->name.slot);
    if (status == PSA_SUCCESS)
        status = tsr_ps_anchor_read(ps, &a->name, &a->anchor);
    if (status != PSA_SUCCESS)
        a->anchor = (tsr_ps_facts){ .version = 0 };
    return status == PSA_ERROR_DOES_NOT_EXIST ? PSA_SUCCESS : status;
}

static psa_status_t find_existing(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, asset *a)
{
    psa_status_t status = find(ps, client, uid, false, a);

    return status == PSA_SUCCESS && a->anchor.version == 0 ? PSA_ERROR_DOES_NOT_EXIST : status;
}

static bool locked(const tsr_ps *ps, const asset *a)
{
    return a->anchor.version != 0 && (a->anchor.flags & PSA_STORAGE_FLAG_WRITE_ONCE) != 0 &&
           !ps->its->provisioning;
}

/* Assets that a client may have: each takes a place in both indices. */
static uint32_t share(const tsr_ps *ps)
{
    uint32_t here = tsr_store_share(ps->medium, ps->quota);
    uint32_t there = tsr_store_share(ps->its->store, ps->its->quota);

    return here < there ? here : there;
}

static bool over_quota(const tsr_ps *ps, const asset *a, uint32_t capacity)
{
    tsr_store *s = ps->medium;
    uint64_t used = (uint64_t)tsr_store_used_by(s, tsr_ps_place(&a->name, 0).space) +
                    tsr_store_used_by(s, tsr_ps_place(&a->name, 1).space);
    tsr_store_info old;

    if (ps->quota == 0 || a->name.client > 0)
        return false;
    if (a->anchor.version == 0 && tsr_ps_anchors(ps, &a->name) >= share(ps))
        return true;
    for (uint64_t parity = 0; parity < 2; parity++)
        if (tsr_store_info_of(s, tsr_ps_place(&a->name, parity), &old) == TSR_OK)
            used -= tsr_store_footprint(s, old.len);
    return used + tsr_store_footprint(s, capacity + TSR_PS_SEALED) > ps->quota;
}

/* Damage that a collection comes upon makes the store read-only. Here it need not stay so: what a
 * repair loses is known by its anchor. */
static bool healed(tsr_ps *ps)
{
    tsr_store *s = ps->medium;

    return s->report.damaged > 0 &&
           tsr_store_repair(s, s->flash, s->index, s->index_cap, s->value_max) == TSR_OK;
}

static psa_status_t put(tsr_ps *ps, tsr_store_key place, tsr_bytes sealed)
{
    tsr_err err = tsr_store_set(ps->medium, place, 0, sealed);

    if ((err == TSR_E_MALFORMED || err == TSR_E_IO) && healed(ps))
        err = tsr_store_set(ps->medium, place, 0, sealed);
    switch (err) {
    case TSR_OK: return PSA_SUCCESS;
    case TSR_E_SPACE:
    case TSR_E_ARGUMENT: return PSA_ERROR_INSUFFICIENT_STORAGE;
    default: return PSA_ERROR_STORAGE_FAILURE;
    }
}

/* What nobody asks for any more; if it stays, tsr_ps_open() finds it. */
static void drop(tsr_ps *ps, const tsr_ps_name *name, uint64_t version)
{
    (void)tsr_store_remove(ps->medium, tsr_ps_place(name, version));
}

static psa_status_t seal_and_put(tsr_ps *ps, const tsr_ps_name *name, tsr_ps_facts *next,
                                 const uint8_t *anchor_salt)
{
    tsr_bytes sealed;
    psa_status_t status = psa_generate_random(next->salt, sizeof next->salt);

    if (status != PSA_SUCCESS)
        return PSA_ERROR_GENERIC_ERROR;
    status = tsr_ps_seal(ps, name, next, anchor_salt, &sealed);
    return status == PSA_SUCCESS ? put(ps, tsr_ps_place(name, next->version), sealed) : status;
}

/* The new version beside the old one, then the anchor, then the old one goes: see ps.h. When ITS
 * fails with an error of the medium, either anchor may be found later, so both versions stay. */
static psa_status_t commit(tsr_ps *ps, const asset *a, tsr_ps_facts *next)
{
    psa_status_t status;

    next->version = a->anchor.version + 1;
    status = seal_and_put(ps, &a->name, next, next->salt);
    if (status != PSA_SUCCESS)
        return status;
    status = tsr_ps_anchor_write(ps, &a->name, next);
    if (status == PSA_SUCCESS)
        drop(ps, &a->name, a->anchor.version);
    else if (!ps->its->store->failed)
        drop(ps, &a->name, next->version);
    return status;
}

/* Writes what tsr_ps_content() holds, `next->capacity` bytes. */
static psa_status_t store(tsr_ps *ps, const asset *a, tsr_ps_facts *next)
{
    psa_status_t status;

    if (over_quota(ps, a, next->capacity)) {
        status = PSA_ERROR_INSUFFICIENT_STORAGE;
    } else if (a->anchor.version != 0 && a->anchor.flags == next->flags &&
               (next->flags & PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION) != 0) {
        next->version = a->anchor.version; /* the store replaces it, old or new */
        status = seal_and_put(ps, &a->name, next, a->anchor.salt);
    } else {
        status = commit(ps, a, next);
    }
    tsr_ps_forget(ps);
    return status;
}

psa_status_t tsr_ps_set(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t len,
                        const void *data, psa_storage_create_flags_t flags)
{
    tsr_ps_facts next = { .flags = flags };
    asset a;
    psa_status_t status;

    if (data == NULL && len > 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (uid != 0 && (flags & ~(psa_storage_create_flags_t)FLAGS_KNOWN) != 0)
        return PSA_ERROR_NOT_SUPPORTED;
    status = find(ps, client, uid, uid != 0 && len <= asset_max(ps), &a);
    if (status != PSA_SUCCESS)
        return status;
    if (locked(ps, &a))
        return PSA_ERROR_NOT_PERMITTED;
    if (len > asset_max(ps))
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    next.size = next.capacity = (uint32_t)len;
    if (len > 0)
        memcpy(tsr_ps_content(ps), data, len);
    return store(ps, &a, &next);
}

psa_status_t tsr_ps_create(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t capacity,
                           psa_storage_create_flags_t flags)
{
    tsr_ps_facts next = { .flags = flags };
    asset a;
    psa_status_t status;

    if (uid != 0 && (flags & ~(psa_storage_create_flags_t)FLAGS_KNOWN) != 0)
        return PSA_ERROR_NOT_SUPPORTED;
    if (uid != 0 && (flags & PSA_STORAGE_FLAG_WRITE_ONCE) != 0) /* it could never be filled */
        return PSA_ERROR_NOT_SUPPORTED;
    status = find(ps, client, uid, uid != 0 && capacity <= asset_max(ps), &a);
    if (status != PSA_SUCCESS)
        return status;
    if (a.anchor.version != 0)
        return PSA_ERROR_ALREADY_EXISTS;
    if (capacity > asset_max(ps))
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    next.capacity = (uint32_t)capacity;
    memset(tsr_ps_content(ps), 0, capacity);
    return store(ps, &a, &next);
}

psa_status_t tsr_ps_set_extended(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t offset,
                                 size_t len, const void *data)
{
    tsr_ps_facts next;
    asset a;
    psa_status_t status = find_existing(ps, client, uid, &a);

    if (status != PSA_SUCCESS)
        return status;
    if (data == NULL && len > 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (locked(ps, &a))
        return PSA_ERROR_NOT_PERMITTED;
    status = tsr_ps_load(ps, &a.name, &a.anchor, &next);
    if (status != PSA_SUCCESS)
        return status;
    if (offset > next.size || len > next.capacity - offset)
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status != PSA_SUCCESS || len == 0) {
        tsr_ps_forget(ps);
        return status;
    }
    memcpy(tsr_ps_content(ps) + offset, data, len);
    if (offset + len > next.size)
        next.size = (uint32_t)(offset + len);
    return store(ps, &a, &next);
}

psa_status_t tsr_ps_get(tsr_ps *ps, int32_t client, psa_storage_uid_t uid, size_t offset,
                        size_t size, void *data, size_t *len)
{
    tsr_ps_facts facts;
    asset a;
    psa_status_t status;

    if (len == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    *len = 0;
    if (size >= ps->buffer_max || (data == NULL && size > 0))
        return PSA_ERROR_INVALID_ARGUMENT;
    status = find_existing(ps, client, uid, &a);
    if (status == PSA_SUCCESS)
        status = tsr_ps_load(ps, &a.name, &a.anchor, &facts);
    if (status != PSA_SUCCESS)
        return status;
    if (offset > facts.size) {
        status = PSA_ERROR_INVALID_ARGUMENT;
    } else {
        *len = facts.size - offset < size ? facts.size - offset : size;
        if (*len > 0)
            memcpy(data, tsr_ps_content(ps) + offset, *len);
    }
    tsr_ps_forget(ps);
    return status;
}

psa_status_t tsr_ps_get_info(tsr_ps *ps, int32_t client, psa_storage_uid_t uid,
                             struct psa_storage_info_t *info)
{
    tsr_ps_facts facts;
    asset a;
    psa_status_t status = find_existing(ps, client, uid, &a);

    if (status != PSA_SUCCESS)
        return status;
    if (info == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    facts = a.anchor;
    if ((facts.flags & PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION) != 0) {
        status = tsr_ps_load(ps, &a.name, &a.anchor, &facts); /* its anchor knows no sizes */
        tsr_ps_forget(ps);
    }
    if (status == PSA_SUCCESS)
        *info = (struct psa_storage_info_t){ facts.capacity, facts.size, facts.flags };
    return status;
}

psa_status_t tsr_ps_remove(tsr_ps *ps, int32_t client, psa_storage_uid_t uid)
{
    asset a;
    psa_status_t status = find_existing(ps, client, uid, &a);

    if (status != PSA_SUCCESS)
        return status;
    if (locked(ps, &a))
        return PSA_ERROR_NOT_PERMITTED;
    status = tsr_ps_anchor_remove(ps, &a.name);
    if (status != PSA_SUCCESS)
        return status;
    drop(ps, &a.name, a.anchor.version);
    drop(ps, &a.name, a.anchor.version + 1);
    return PSA_SUCCESS;
}

uint32_t tsr_ps_get_support(void) { return PSA_STORAGE_SUPPORT_SET_EXTENDED; }

tsr_err tsr_ps_mount(tsr_store *medium, const tsr_flash *flash, tsr_store_entry *index,
                     size_t index_cap, size_t asset_bytes, tsr_ps_found *found)
{
    size_t value_max = asset_bytes + TSR_PS_SEALED;
    tsr_err err = tsr_store_mount(medium, flash, index, index_cap, value_max);

    *found = (tsr_ps_found){ 0 };
    if (err == TSR_E_NOT_FOUND) {
        found->made = true;
        err = tsr_store_format(flash);
        if (err == TSR_OK)
            err = tsr_store_mount(medium, flash, index, index_cap, value_max);
    } else if (err == TSR_E_MALFORMED) {
        found->repaired = true;
        err = tsr_store_repair(medium, flash, index, index_cap, value_max);
        found->lost = medium->report.damaged;
    }
    return err;
}

/* Whether a content could still be asked for: its asset is there, and if two versions are, then
 * this is the one that the anchor names. */
static bool wanted(tsr_ps *ps, tsr_store_key key)
{
    tsr_ps_name name = { .slot = key.space >> 1, .uid = key.uid };
    tsr_ps_facts anchor;
    tsr_store_info other;

    if (!tsr_ps_anchored(ps, name.slot, name.uid))
        return false;
    if (tsr_store_info_of(ps->medium, tsr_ps_place(&name, ~key.space & 1u), &other) != TSR_OK)
        return true;
    return tsr_ps_anchor_read(ps, &name, &anchor) != PSA_SUCCESS ||
           ((anchor.version ^ key.space) & 1u) == 0;
}

uint32_t tsr_ps_open(tsr_ps *ps)
{
    uint32_t removed = 0;

    for (size_t i = tsr_store_slots(ps->medium); i-- > 0;) {
        const tsr_store_entry *e = tsr_store_slot(ps->medium, i);
        tsr_store_key key = e != NULL ? e->key : (tsr_store_key){ 0, 0 };

        if (e != NULL && !wanted(ps, key) && tsr_store_remove(ps->medium, key) == TSR_OK)
            removed++;
    }
    return removed;
}
