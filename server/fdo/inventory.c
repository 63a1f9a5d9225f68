/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fdo/inventory.h"
#include "server/fdo/to0.h"

#include <stdlib.h>

#include "server/rest/moment.h"
#include "server/rest/put.h"
#include "server/rest/room.h"
#include "tessera/base/hex.h"
#include "tessera/json/json.h"

/* A member as it was; "" when there was none. */
static void keep_text(const tsr_json *old, const char *key, const char *now,
                      char out[FDO_TEXT_MAX + 1])
{
    out[0] = 0;
    if (now != NULL)
        memcpy(out, now, strlen(now) + 1);
    else if (old->kind == TSR_JSON_OBJECT)
        (void)tsr_json_find_cstring(old, key, out, FDO_TEXT_MAX + 1);
}

static tsr_err put_device(tsr_buf *out, const char *guid, const fdo_device *d, const tsr_json *old,
                          uint64_t entries)
{
    char serial[FDO_TEXT_MAX + 1], info[FDO_TEXT_MAX + 1], since[FDO_TEXT_MAX + 1];
    char group[FDO_TEXT_MAX + 1], state[FDO_TEXT_MAX + 1];
    char next[FDO_TEXT_MAX + 1], again[FDO_TEXT_MAX + 1], endpoint[FDO_TEXT_MAX + 1];
    const tsr_json none = { 0 }, *same = d->state == NULL ? old : &none; /* it stays what it is */
    tsr_json_out j = tsr_json_to(out);

    keep_text(old, "serial", d->serial, serial);
    keep_text(old, "device_info", d->info, info);
    keep_text(old, "since", NULL, since);
    keep_text(old, "group", d->group, group);
    keep_text(old, "state", d->state, state);
    keep_text(old, "endpoint", d->endpoint, endpoint);
    keep_text(same, "replaced_by", d->next, next);
    keep_text(same, "made_again_as", d->made_again, again);
    rest_room(out, 4096);
    tsr_json_open_object(&j);
    rest_put_text(&j, "guid", guid);
    rest_put_text(&j, "state", state);
    if (next[0] != 0)
        rest_put_text(&j, "replaced_by", next);
    if (again[0] != 0)
        rest_put_text(&j, "made_again_as", again);
    rest_put_text(&j, "serial", serial);
    rest_put_text(&j, "device_info", info);
    if (endpoint[0] != 0)
        rest_put_text(&j, "endpoint", endpoint);
    if (group[0] != 0)
        rest_put_text(&j, "group", group);
    rest_put_count(&j, "entries", entries);
    if (since[0] != 0)
        rest_put_text(&j, "since", since);
    else
        rest_put_moment(&j, "since", fdo_now_ms());
    rest_put_moment(&j, "changed_at", fdo_now_ms());
    tsr_json_close(&j);
    return tsr_json_end(&j) == TSR_OK ? out->err : TSR_E_SPACE;
}

/* What is known of a device; nothing: no object. `room` is on the heap. */
static tsr_json known(tsr_fdo *f, const char *name, tsr_buf *room)
{
    tsr_json root = { 0 };

    if (fdo_fetch(f, TSR_STORE_FDO_DEVICE, name, room) == TSR_OK)
        (void)tsr_json_parse(tsr_buf_view(room), &root, NULL);
    return root;
}

/* --- changes ---------------------------------------------------------------------------- */

typedef struct {
    tsr_store_document documents[FDO_KEEP_MAX];
    char groups[FDO_KEEP_MAX][FDO_TEXT_MAX + 1]; /* of those that are devices: their labels */
    size_t count;
    tsr_err err; /* the first */
} changes;

static void change(changes *c, int kind, const char *name, tsr_bytes body)
{
    c->documents[c->count++] = (tsr_store_document){ .kind = kind, .name = name, .alias = "",
                                                     .body = body };
}

static void change_device(changes *c, tsr_buf *room, const char *name, const fdo_device *d,
                          const tsr_json *old, uint64_t entries)
{
    tsr_store_document *row = &c->documents[c->count];
    char *group = c->groups[c->count], state[FDO_TEXT_MAX + 1];
    tsr_err err = put_device(room, name, d, old, entries);

    if (c->err == TSR_OK)
        c->err = err;
    change(c, TSR_STORE_FDO_DEVICE, name, tsr_buf_view(room));
    keep_text(old, "group", d->group, group);
    keep_text(old, "state", d->state, state);
    row->label = group;
    row->rank = strcmp(state, "replaced") == 0 ? -1 : 0;
}

static tsr_err settle(tsr_fdo *f, changes *c, const char *name, const char *state)
{
    tsr_err err = c->err == TSR_OK ? fdo_keep_all(f, c->documents, c->count) : c->err;

    if (err == TSR_OK)
        fdo_to0_note(f, name);
    fdo_log(f, err != TSR_OK, "fdo: device %s %s%s", name, state,
            err != TSR_OK ? ", but the store failed" : "");
    return err;
}

/* Of those, the one for what these digits stand for; what is none shares one. */
static pthread_mutex_t *lock_of(pthread_mutex_t locks[FDO_LOCKS], const char *digits)
{
    uint8_t first = 0;
    tsr_buf out = tsr_buf_over(&first, 1);

    (void)tsr_hex_get(tsr_first(tsr_text(digits), 2), &out);
    return &locks[first % FDO_LOCKS];
}

/* What is known of a device is read, changed and written: two at once would undo one another. */
static pthread_mutex_t *lock_of_device(tsr_fdo *f, const char *guid) { return lock_of(f->noting, guid); }

static uint64_t entries_of(tsr_bytes voucher, tsr_err *err)
{
    tsr_fdo_voucher v = { .count = 0 };

    *err = tsr_fdo_voucher_read(voucher, &v);
    return v.count;
}

tsr_err fdo_inventory_add(tsr_fdo *f, tsr_bytes guid, tsr_bytes voucher, const fdo_device *device)
{
    char name[FDO_GUID_TEXT];
    tsr_buf room = { 0 }, body = { 0 };
    changes c = { .err = TSR_OK };
    uint64_t entries = entries_of(voucher, &c.err);
    tsr_json old;
    tsr_err err;

    fdo_guid_text(guid, name);
    pthread_mutex_lock(lock_of_device(f, name));
    old = known(f, name, &room);
    change(&c, TSR_STORE_FDO_VOUCHER, name, voucher);
    change_device(&c, &body, name, device, &old, entries);
    err = settle(f, &c, name, device->state);
    pthread_mutex_unlock(lock_of_device(f, name));
    free(room.ptr);
    free(body.ptr);
    return err;
}

tsr_err fdo_inventory_note(tsr_fdo *f, const char *guid, const fdo_device *device)
{
    tsr_buf old = { 0 }, out = { 0 };
    changes c = { .err = TSR_OK };
    tsr_json root = { 0 };
    uint64_t entries = 0;
    tsr_err err;

    pthread_mutex_lock(lock_of_device(f, guid));
    err = fdo_fetch(f, TSR_STORE_FDO_DEVICE, guid, &old);
    if (err == TSR_OK)
        err = tsr_json_parse(tsr_buf_view(&old), &root, NULL);
    if (err == TSR_OK) {
        (void)tsr_json_find_uint(&root, "entries", &entries);
        change_device(&c, &out, guid, device, &root, entries);
        err = c.err == TSR_OK ? fdo_keep_all(f, c.documents, c.count) : c.err;
    }
    pthread_mutex_unlock(lock_of_device(f, guid));
    free(old.ptr);
    free(out.ptr);
    return err;
}

/* --- made here -------------------------------------------------------------------------- */

/* The manufacture before, when nothing has followed it, and its lock: false, there is none. */
static bool lost_before(tsr_fdo *f, const char *key, char name[FDO_GUID_TEXT], tsr_buf *room,
                        tsr_json *old, uint64_t *entries)
{
    tsr_buf guid = { 0 };
    char state[16];
    bool found = fdo_fetch(f, TSR_STORE_FDO_MADE, key, &guid) == TSR_OK &&
                 guid.len == FDO_GUID_TEXT - 1;

    if (found) {
        memcpy(name, guid.ptr, guid.len);
        name[guid.len] = 0;
        pthread_mutex_lock(lock_of_device(f, name));
        *old = known(f, name, room);
        found = old->kind == TSR_JSON_OBJECT &&
                tsr_json_find_cstring(old, "state", state, sizeof state) == TSR_OK &&
                strcmp(state, "manufactured") == 0 &&
                tsr_json_find_uint(old, "entries", entries) == TSR_OK;
        if (!found)
            pthread_mutex_unlock(lock_of_device(f, name));
    }
    free(guid.ptr);
    return found;
}

/* A device that was cut off begins again while the message before is still on its way: both would see no
 * manufacture before theirs, and one voucher be nobody's. Other devices do not wait. */
static pthread_mutex_t *lock_of_key(tsr_fdo *f, const char *key) { return lock_of(f->making, key); }

tsr_err fdo_inventory_make(tsr_fdo *f, tsr_bytes guid, tsr_bytes voucher, const fdo_device *device,
                           const tsr_fdo_key *key)
{
    char name[FDO_GUID_TEXT], before[FDO_GUID_TEXT], made[FDO_KEY_DIGITS];
    tsr_buf room = { 0 }, lost = { 0 }, body = { 0 };
    tsr_json old = { 0 }, none = { 0 };
    changes c = { .err = TSR_OK };
    uint64_t entries = entries_of(voucher, &c.err), entries_before = 0;
    tsr_err err = c.err == TSR_OK ? fdo_key_digits(key, made) : c.err;
    bool again;

    if (err != TSR_OK)
        return err;
    fdo_guid_text(guid, name);
    pthread_mutex_lock(lock_of_key(f, made));
    again = lost_before(f, made, before, &room, &old, &entries_before);
    if (again)
        change_device(&c, &lost, before, &(fdo_device){ .state = "replaced", .made_again = name }, &old,
                      entries_before);
    change(&c, TSR_STORE_FDO_MADE, made, tsr_text(name));
    change(&c, TSR_STORE_FDO_VOUCHER, name, voucher);
    change_device(&c, &body, name, device, &none, entries);
    err = settle(f, &c, name, device->state);
    if (again)
        pthread_mutex_unlock(lock_of_device(f, before));
    pthread_mutex_unlock(lock_of_key(f, made));
    free(room.ptr);
    free(lost.ptr);
    free(body.ptr);
    return err;
}

/* --- onboarded -------------------------------------------------------------------------- */

static bool is_there(tsr_fdo *f, const char *name, tsr_bytes voucher)
{
    tsr_buf room = { 0 }, of_it = { 0 };
    tsr_fdo_voucher there, made;
    bool same = known(f, name, &of_it).kind == TSR_JSON_OBJECT &&
                fdo_fetch(f, TSR_STORE_FDO_VOUCHER, name, &room) == TSR_OK &&
                tsr_fdo_voucher_read(tsr_buf_view(&room), &there) == TSR_OK &&
                tsr_fdo_voucher_read(voucher, &made) == TSR_OK &&
                tsr_same(there.header.encoded, made.header.encoded) &&
                there.hmac.alg == made.hmac.alg && tsr_same(there.hmac.value, made.hmac.value);

    free(of_it.ptr);
    free(room.ptr);
    return same;
}

/* The old one first: whatever a kill leaves out, the device that comes again finds where it was to go. */
tsr_err fdo_inventory_replace(tsr_fdo *f, const tsr_fdo_voucher *old, tsr_bytes guid,
                              tsr_bytes voucher, const fdo_device *onboarded)
{
    char name[FDO_GUID_TEXT], before[FDO_GUID_TEXT];
    tsr_buf room = { 0 }, bodies[2] = { { 0 }, { 0 } };
    const fdo_device replaced = { .state = "replaced", .next = name };
    changes c = { .err = TSR_OK };
    tsr_json known_of_it;
    tsr_err err;

    fdo_guid_text(guid, name);
    fdo_guid_text(old->header.guid, before);
    pthread_mutex_lock(lock_of_device(f, before));
    known_of_it = known(f, before, &room);
    change_device(&c, &bodies[0], before, &replaced, &known_of_it, old->count);
    if (!is_there(f, name, voucher)) {
        change(&c, TSR_STORE_FDO_VOUCHER, name, voucher);
        change_device(&c, &bodies[1], name, onboarded, &known_of_it, 0);
    }
    err = settle(f, &c, name, onboarded->state);
    pthread_mutex_unlock(lock_of_device(f, before));
    free(room.ptr);
    for (size_t i = 0; i < 2; i++)
        free(bodies[i].ptr);
    return err;
}

tsr_err fdo_inventory_next(tsr_fdo *f, tsr_bytes guid, uint8_t next[TSR_FDO_GUID])
{
    char name[FDO_GUID_TEXT], text[FDO_GUID_TEXT];
    tsr_buf room = { 0 }, out = tsr_buf_over(next, TSR_FDO_GUID);
    tsr_json root;
    tsr_err err;

    fdo_guid_text(guid, name);
    root = known(f, name, &room);
    err = root.kind == TSR_JSON_OBJECT &&
                  tsr_json_find_cstring(&root, "replaced_by", text, sizeof text) == TSR_OK &&
                  tsr_hex_get(tsr_text(text), &out) == TSR_OK && out.len == TSR_FDO_GUID
              ? TSR_OK
              : TSR_E_NOT_FOUND;
    free(room.ptr);
    return err;
}

bool fdo_inventory_is_over(tsr_fdo *f, const char *guid, int64_t now_ms)
{
    char state[16], next[FDO_GUID_TEXT], moment[40];
    tsr_buf room = { 0 };
    tsr_json root = known(f, guid, &room);
    int64_t since_ms;
    bool is_over = root.kind == TSR_JSON_OBJECT &&
                   tsr_json_find_cstring(&root, "state", state, sizeof state) == TSR_OK &&
                   strcmp(state, "replaced") == 0 &&
                   tsr_json_find_cstring(&root, "replaced_by", next, sizeof next) == TSR_OK &&
                   tsr_json_find_cstring(&root, "changed_at", moment, sizeof moment) == TSR_OK &&
                   rest_get_moment_ms(tsr_text(moment), &since_ms) == TSR_OK &&
                   now_ms - since_ms >= FDO_COME_AGAIN_MS;

    free(room.ptr);
    return is_over;
}

/* --- vouchers --------------------------------------------------------------------------- */

tsr_err fdo_inventory_voucher(tsr_fdo *f, tsr_bytes guid, tsr_buf *voucher)
{
    char name[FDO_GUID_TEXT];

    fdo_guid_text(guid, name);
    return fdo_fetch(f, TSR_STORE_FDO_VOUCHER, name, voucher);
}
