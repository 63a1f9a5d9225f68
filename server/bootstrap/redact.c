/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile's JSON with its secrets taken out for those who read it, and put back for those who
 * changed something else and send it again. */
#include "server/bootstrap/profile.h"

#include "server/rest/room.h"

#include <stdlib.h>

/* Security, OSCORE, COSE and MQTT Server: what is opaque or unreadable there is a secret. */
static bool holds_secrets(const tsr_json *path)
{
    char text[TSR_LWM2M_PATH_TEXT + 8];
    tsr_lwm2m_path at;

    if (tsr_json_cstring(path, text, sizeof text) != TSR_OK ||
        tsr_lwm2m_path_parse(tsr_text(text), &at) != TSR_OK)
        return true;
    return at.object == 0 || at.object == 21 || at.object == 23 || at.object == 24;
}

static bool is_secret(const tsr_json *key, const tsr_json *object)
{
    tsr_json path;

    if (tsr_json_is(key, "key") || tsr_json_is(key, "private_key"))
        return true;
    return tsr_json_is(key, "value") && tsr_json_find(object, "path", &path) == TSR_OK &&
           holds_secrets(&path);
}

static void put(tsr_json_out *j, tsr_buf *out, const tsr_json *value);

static void put_secret(tsr_json_out *j, const tsr_json *key, const tsr_json *value)
{
    size_t digits = value->text.len > 2 ? value->text.len - 2 : 0; /* without the quotes */

    if (tsr_json_is(key, "key")) {
        tsr_json_put_key(j, "key_bytes");
        tsr_json_put_uint(j, digits / 2);
    } else if (tsr_json_is(key, "private_key")) {
        tsr_json_put_key(j, "private_key_bytes");
        tsr_json_put_uint(j, digits / 4 * 3);
    } else {
        tsr_json_put_key(j, "secret");
        tsr_json_put_bool(j, true);
    }
}

static void put_object(tsr_json_out *j, tsr_buf *out, const tsr_json *object)
{
    tsr_json_walk walk = tsr_json_items(object);
    tsr_json key, value;

    tsr_json_open_object(j);
    while (tsr_json_next(&walk, &key, &value)) {
        rest_room(out, key.text.len + 64);
        if (is_secret(&key, object)) {
            put_secret(j, &key, &value);
        } else if (!tsr_json_is(&key, "key_bytes") && !tsr_json_is(&key, "private_key_bytes")) {
            tsr_json_put_key_bytes(j, tsr_view(key.text.ptr + 1, key.text.len - 2));
            put(j, out, &value);
        }
    }
    rest_room(out, 16);
    tsr_json_close(j);
}

static void put(tsr_json_out *j, tsr_buf *out, const tsr_json *value)
{
    tsr_json_walk walk;
    tsr_json item;

    rest_room(out, value->text.len + 16);
    if (value->kind == TSR_JSON_OBJECT) {
        put_object(j, out, value);
    } else if (value->kind == TSR_JSON_ARRAY) {
        tsr_json_open_array(j);
        walk = tsr_json_items(value);
        while (tsr_json_next(&walk, NULL, &item))
            put(j, out, &item);
        rest_room(out, 16);
        tsr_json_close(j);
    } else {
        tsr_json_put_raw(j, value->text);
    }
}

void bs_profile_put(tsr_buf *out, tsr_bytes json)
{
    tsr_json root;
    tsr_json_out j = tsr_json_to(out);

    if (tsr_json_parse(json, &root, NULL) == TSR_OK)
        put(&j, out, &root);
}

/* --- keys that stay --------------------------------------------------------------------- */

static bool same_account(const tsr_json *a, const tsr_json *b)
{
    uint64_t left = 0, right = 0;

    (void)tsr_json_find_uint(a, "short_server_id", &left);
    (void)tsr_json_find_uint(b, "short_server_id", &right);
    return left == right; /* 0: the bootstrap server */
}

static tsr_err kept_key(const tsr_json *account, const tsr_json *stored, const char *name,
                        tsr_json *key)
{
    tsr_json servers, item;

    if (account->kind != TSR_JSON_OBJECT || tsr_json_find(account, name, key) == TSR_OK ||
        tsr_json_find(stored, "servers", &servers) != TSR_OK)
        return TSR_E_NOT_FOUND;

    tsr_json_walk walk = tsr_json_items(&servers);

    while (tsr_json_next(&walk, NULL, &item))
        if (item.kind == TSR_JSON_OBJECT && same_account(account, &item))
            return tsr_json_find(&item, name, key);
    return TSR_E_NOT_FOUND;
}

static void put_member(tsr_json_out *j, tsr_buf *out, const char *name, tsr_bytes value)
{
    rest_room(out, value.len + 40);
    tsr_json_put_key(j, name);
    tsr_json_put_raw(j, value);
}

/* `account` as it is, or with keys in place of what says how long they are. */
static void put_account(tsr_json_out *j, tsr_buf *out, const tsr_json *account,
                        const tsr_json *stored)
{
    tsr_json_walk walk = tsr_json_items(account);
    tsr_json name, value, key;

    rest_room(out, account->text.len + 32);
    if (account->kind != TSR_JSON_OBJECT) {
        tsr_json_put_raw(j, account->text);
        return;
    }
    tsr_json_open_object(j);
    while (tsr_json_next(&walk, &name, &value)) {
        if (tsr_json_is(&name, "key_bytes") && kept_key(account, stored, "key", &key) == TSR_OK) {
            put_member(j, out, "key", key.text);
        } else if (tsr_json_is(&name, "private_key_bytes") &&
                   kept_key(account, stored, "private_key", &key) == TSR_OK) {
            put_member(j, out, "private_key", key.text);
        } else {
            rest_room(out, name.text.len + value.text.len + 16);
            tsr_json_put_key_bytes(j, tsr_view(name.text.ptr + 1, name.text.len - 2));
            tsr_json_put_raw(j, value.text);
        }
    }
    rest_room(out, 16);
    tsr_json_close(j);
}

tsr_err bs_profile_keep_keys(tsr_bytes json, tsr_bytes stored, tsr_buf *out)
{
    tsr_json root, old, name, value, item;
    tsr_json_out j = tsr_json_to(out);

    if (tsr_json_parse(json, &root, NULL) != TSR_OK || root.kind != TSR_JSON_OBJECT ||
        tsr_json_parse(stored, &old, NULL) != TSR_OK) {
        rest_room(out, json.len + 1); /* whatever is wrong with it is said by who reads it */
        tsr_put_bytes(out, json);
        return out->err;
    }

    tsr_json_walk walk = tsr_json_items(&root);

    rest_room(out, 16);
    tsr_json_open_object(&j);
    while (tsr_json_next(&walk, &name, &value)) {
        rest_room(out, name.text.len + value.text.len + 16);
        tsr_json_put_key_bytes(&j, tsr_view(name.text.ptr + 1, name.text.len - 2));
        if (!tsr_json_is(&name, "servers") || value.kind != TSR_JSON_ARRAY) {
            tsr_json_put_raw(&j, value.text);
            continue;
        }

        tsr_json_walk list = tsr_json_items(&value);

        tsr_json_open_array(&j);
        while (tsr_json_next(&list, NULL, &item))
            put_account(&j, out, &item, &old);
        rest_room(out, 16);
        tsr_json_close(&j);
    }
    rest_room(out, 16);
    tsr_json_close(&j);
    return out->err;
}
