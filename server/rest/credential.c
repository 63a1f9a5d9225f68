/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials: a key goes in and never comes out again, and no copy of it stays here. */
#include "server/rest/handlers.h"
#include "server/rest/page.h"

#include "server/bootstrap/bootstrap.h"
#include "tessera/base/hex.h"
#include "tessera/oscore/oscore.h"

enum { KEY_MAX = 64, IDENTITY_MAX = 128 };

/* Each service has credentials of its own; the path says whose are meant. */
typedef struct {
    tsr_err (*set)(tsr_server *s, const char *endpoint, tsr_server_security mode,
                   const char *identity, tsr_bytes key);
    tsr_err (*set_oscore)(tsr_server *s, const char *endpoint, const tsr_server_oscore *oscore);
    tsr_err (*set_both)(tsr_server *s, const char *endpoint, tsr_server_security mode,
                        const char *identity, tsr_bytes key, const tsr_server_oscore *oscore,
                        bool required); /* NULL: one credential only */
    tsr_err (*drop)(tsr_server *s, const char *endpoint);
    tsr_err (*get)(tsr_server *s, const char *endpoint, tsr_server_credential_fn *fn, void *arg);
    tsr_err (*list)(tsr_server *s, const char *after, size_t limit, tsr_server_credential_fn *fn,
                    void *arg);
} service;

static const service management = { tsr_server_credential_set, tsr_server_credential_set_oscore,
                                    tsr_server_credential_set_both, tsr_server_credential_delete, tsr_server_credential_get, tsr_server_credential_list };
static const service bootstrap = { tsr_bootstrap_credential_set, tsr_bootstrap_credential_set_oscore,
                                   NULL, tsr_bootstrap_credential_delete, tsr_bootstrap_credential_get, tsr_bootstrap_credential_list };

static const service *service_of(const rest_exchange *x)
{
    return strncmp(x->route->pattern, "/bootstrap/", 11) == 0 ? &bootstrap : &management;
}

static void put_credential(rest_page *l, const tsr_server_credential *c)
{
    rest_room(&l->out, 384 + 6 * (strlen(c->endpoint) + strlen(c->identity)) +
                           (c->oscore ? strlen(c->oscore) : 0));
    tsr_json_open_object(&l->j);
    rest_put_text(&l->j, "endpoint", c->endpoint);
    rest_put_text(&l->j, "mode", tsr_server_security_name(c->mode));
    rest_put_text(&l->j, "identity", c->identity);
    rest_put_count(&l->j, "key_bytes", c->key_len);
    rest_put_moment(&l->j, "changed_at", c->changed_unix_ms);
    if (c->oscore) {
        tsr_json_put_key(&l->j, "oscore");
        tsr_json_open_object(&l->j);
        rest_put_text(&l->j, "identity", c->oscore);
        rest_put_count(&l->j, "key_bytes", c->oscore_key_len);
        tsr_json_put_key(&l->j, "required");
        tsr_json_put_bool(&l->j, c->oscore_required);
        tsr_json_close(&l->j);
    }
    tsr_json_close(&l->j);
}

static void put_listed(void *arg, const tsr_server_credential *c)
{
    rest_page *page = arg;

    if (rest_page_takes(page, c->endpoint))
        put_credential(page, c);
}

void rest_list_credentials(rest_exchange *x)
{
    rest_page page = { 0 };

    if (!rest_page_open(&page, x))
        return;
    rest_page_give(&page, x,
                   service_of(x)->list(rest_server(x), rest_query(x, "cursor"),
                                       rest_page_asks(&page), put_listed, &page));
}

static void put_one(void *arg, const tsr_server_credential *c) { put_credential(arg, c); }

void rest_get_credential(rest_exchange *x)
{
    rest_page row = { 0 };

    rest_row_open(&row);
    rest_row_give(&row, x, service_of(x)->get(rest_server(x), x->endpoint, put_one, &row),
                  REST_UNKNOWN_CREDENTIAL, "no credential is stored; set one with PUT");
}

void rest_delete_credential(rest_exchange *x)
{
    tsr_err err = service_of(x)->drop(rest_server(x), x->endpoint);

    if (err == TSR_OK)
        rest_reply_empty(x);
    else if (err == TSR_E_NOT_FOUND)
        rest_fail(x, REST_UNKNOWN_CREDENTIAL, "none is stored for %s", x->endpoint);
    else
        rest_fail_err(x, err, x->endpoint);
}

/* An optional member in hexadecimal digits; len 0 and ptr NULL when it is not there. */
static tsr_err bytes_of(rest_exchange *x, const tsr_json *body, const char *name, size_t most,
                        uint8_t *room, tsr_bytes *out)
{
    char text[2 * KEY_MAX + 1];
    tsr_buf bytes = tsr_buf_over(room, most);
    tsr_err err = tsr_json_find_cstring(body, name, text, sizeof text);

    *out = tsr_view(NULL, 0);
    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (err == TSR_OK)
        err = tsr_hex_get(tsr_text(text), &bytes);
    if (err != TSR_OK) {
        rest_fail(x, REST_BAD_BODY, "`%s` must be a string of up to %zu bytes in hexadecimal digits",
                  name, most);
        return TSR_E_ARGUMENT;
    }
    *out = tsr_buf_view(&bytes);
    return TSR_OK;
}

/* The key of the body into `key`. errors TSR_E_ARGUMENT: the exchange has been answered */
static tsr_err key_of(rest_exchange *x, const tsr_json *body, bool psk, tsr_buf *key)
{
    char text[2 * KEY_MAX + 1];
    tsr_err err = tsr_json_find_cstring(body, "key", text, sizeof text);

    if (!psk && err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (!psk) {
        rest_fail(x, REST_BAD_BODY, "`key` is for psk; with x509 the device proves its own key");
        err = TSR_E_ARGUMENT;
    } else if (err != TSR_OK || tsr_hex_get(tsr_text(text), key) != TSR_OK || key->len == 0) {
        rest_fail(x, REST_BAD_BODY, "`key` must be a string of 1 to %d bytes in hexadecimal digits",
                  KEY_MAX);
        err = TSR_E_ARGUMENT;
    }
    tsr_wipe(text, sizeof text);
    return err;
}

static void answer_set(rest_exchange *x, tsr_err err)
{
    switch (err) {
    case TSR_OK: rest_get_credential(x); break;
    case TSR_E_EXISTS:
        rest_fail(x, REST_IDENTITY_TAKEN,
                  "choose another identity, or delete the credential that has it first");
        break;
    case TSR_E_ARGUMENT:
        rest_fail(x, REST_BAD_BODY,
                  "identity of 1 to %d bytes, key of 1 to %d bytes; with oscore two ids that differ",
                  IDENTITY_MAX, KEY_MAX);
        break;
    case TSR_E_UNSUPPORTED:
        rest_fail(x, REST_BAD_BODY, "`aead` is none that this server has; 10 is AES-CCM-16-64-128");
        break;
    default:
        rest_fail(x, REST_UNAVAILABLE,
                  "the store failed and nothing was changed; GET /api/v1/health says why");
    }
}

/* What a body says of OSCORE, and where it stands. */
typedef struct {
    tsr_server_oscore o;
    uint8_t ids[2][TSR_OSCORE_ID_MAX], salt[KEY_MAX], context[KEY_MAX], secret[KEY_MAX];
} oscore_room;

/* errors TSR_E_ARGUMENT: the exchange has been answered */
static tsr_err oscore_of(rest_exchange *x, const tsr_json *body, oscore_room *room)
{
    tsr_buf key = tsr_buf_over(room->secret, sizeof room->secret);
    uint64_t aead = 0;
    bool echo = true;
    tsr_err err = tsr_json_find_uint(body, "aead", &aead);

    if ((err != TSR_OK && err != TSR_E_NOT_FOUND) || aead > 255) {
        rest_fail(x, REST_BAD_BODY, "`aead` must be a COSE algorithm number, 1 to 255");
        return TSR_E_ARGUMENT;
    }
    err = tsr_json_find_bool(body, "echo", &echo);
    if (err != TSR_OK && err != TSR_E_NOT_FOUND) {
        rest_fail(x, REST_BAD_BODY, "`echo` must be true or false");
        return TSR_E_ARGUMENT;
    }
    room->o = (tsr_server_oscore){ .aead = (int32_t)aead, .no_echo = !echo };
    if (bytes_of(x, body, "device_id", sizeof room->ids[0], room->ids[0], &room->o.device_id) != TSR_OK ||
        bytes_of(x, body, "server_id", sizeof room->ids[1], room->ids[1], &room->o.server_id) != TSR_OK ||
        bytes_of(x, body, "salt", sizeof room->salt, room->salt, &room->o.salt) != TSR_OK ||
        bytes_of(x, body, "id_context", sizeof room->context, room->context, &room->o.id_context) != TSR_OK ||
        key_of(x, body, true, &key) != TSR_OK)
        return TSR_E_ARGUMENT;
    room->o.secret = tsr_buf_view(&key);
    return TSR_OK;
}

static void set_oscore(rest_exchange *x, const tsr_json *body)
{
    oscore_room room;

    if (oscore_of(x, body, &room) == TSR_OK)
        answer_set(x, service_of(x)->set_oscore(rest_server(x), x->endpoint, &room.o));
    tsr_wipe(&room, sizeof room);
}

/* With a member `oscore`, one of each kind. */
static void set_session(rest_exchange *x, const tsr_json *body, bool psk, const char *identity,
                        tsr_bytes key)
{
    tsr_server_security mode = psk ? TSR_SERVER_PSK : TSR_SERVER_X509;
    const service *of = service_of(x);
    bool required = true;
    oscore_room room;
    tsr_json besides;
    tsr_err err;

    if (tsr_json_find(body, "oscore", &besides) != TSR_OK) {
        answer_set(x, of->set(rest_server(x), x->endpoint, mode, identity, key));
        return;
    }
    err = tsr_json_find_bool(&besides, "required", &required);
    if (of->set_both == NULL)
        rest_fail(x, REST_BAD_BODY, "a bootstrap server takes one credential of a device");
    else if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        rest_fail(x, REST_BAD_BODY, "`required` must be true or false");
    else if (oscore_of(x, &besides, &room) == TSR_OK)
        answer_set(x, of->set_both(rest_server(x), x->endpoint, mode, identity, key, &room.o, required));
    tsr_wipe(&room, sizeof room);
}

void rest_set_credential(rest_exchange *x)
{
    tsr_json body;
    char mode[8], identity[IDENTITY_MAX + 1];
    uint8_t room[KEY_MAX];
    tsr_buf key = tsr_buf_over(room, sizeof room);

    if (rest_body_json(x, &body) != TSR_OK)
        return;
    if (tsr_json_find_cstring(&body, "mode", mode, sizeof mode) != TSR_OK ||
        (strcmp(mode, "psk") != 0 && strcmp(mode, "x509") != 0 && strcmp(mode, "oscore") != 0)) {
        rest_fail(x, REST_BAD_BODY, "`mode` must be \"psk\", \"x509\" or \"oscore\"");
        return;
    }
    if (strcmp(mode, "oscore") == 0) {
        set_oscore(x, &body);
        tsr_wipe(x->body.ptr, x->body.len);
        return;
    }
    if (tsr_json_find_cstring(&body, "identity", identity, sizeof identity) != TSR_OK ||
        identity[0] == '\0') {
        rest_fail(x, REST_BAD_BODY, "`identity` must be a string of 1 to %d bytes", IDENTITY_MAX);
        return;
    }
    bool psk = strcmp(mode, "psk") == 0;

    if (key_of(x, &body, psk, &key) == TSR_OK)
        set_session(x, &body, psk, identity, tsr_buf_view(&key));
    tsr_wipe(room, sizeof room);
    tsr_wipe(x->body.ptr, x->body.len);
}
