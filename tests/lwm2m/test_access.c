/* SPDX-License-Identifier: Apache-2.0
 *
 * Access Control among several servers (Core 8): each operation, each right, who owns what. */
#include "tests/lwm2m/rig.h"

#include "tests/vectors.h"

enum {
    ALL = TSR_LWM2M_MAY_ALL, R = TSR_LWM2M_MAY_READ, W = TSR_LWM2M_MAY_WRITE,
    E = TSR_LWM2M_MAY_EXECUTE, D = TSR_LWM2M_MAY_DELETE, C = TSR_LWM2M_MAY_CREATE,
    FIRST = 0, SECOND = 1, THIRD = 2, /* servers; their Short Server IDs are 101 to 103 */
};

/* The answer's code as "405" is written. */
static int ask_as(rig *r, size_t server, uint8_t method, const char *path, int format, int observe,
                  tsr_bytes payload)
{
    const rig_message *m = rig_send(r, server, &(rig_request){ method, path, -1, format, observe,
                                                               payload, { NULL, 0 } });

    return (m->code >> 5) * 100 + (m->code & 31);
}

static int ask(rig *r, size_t server, uint8_t method, const char *path, const char *text)
{
    return ask_as(r, server, method, path, text != NULL ? 0 : -1, -1,
                  text != NULL ? tsr_text(text) : tsr_view(NULL, 0));
}

static int ask_json(rig *r, size_t server, uint8_t method, const char *path, const char *json)
{
    return ask_as(r, server, method, path, 110, -1, tsr_text(json));
}

static int observe(rig *r, size_t server, const char *path)
{
    return ask_as(r, server, TSR_COAP_GET, path, -1, 0, tsr_view(NULL, 0));
}

static int fetch(rig *r, size_t server, const char *json, int observing)
{
    return ask_as(r, server, TSR_COAP_FETCH, "/", 320, observing, tsr_text(json));
}

static void grant(rig *r, uint16_t object, uint16_t instance, uint16_t server, uint8_t rights)
{
    tsr_lwm2m_access *a = tsr_lwm2m_access_find(&r->accesses, object, instance);

    assert_non_null(a);
    assert_int_equal(tsr_lwm2m_access_set(&r->accesses, a, server, rights), TSR_OK);
}

static void furnish(rig *r, uint16_t owner, const tsr_lwm2m_acl *acl, size_t count)
{
    assert_int_equal(tsr_lwm2m_access_furnish(&r->accesses, &r->registry, &r->server_state, owner,
                                              acl, count), TSR_OK);
}

/* The first server may do everything, others nothing. */
static rig *two_servers(void)
{
    static const tsr_lwm2m_acl acl[] = { { 101, ALL } };
    rig *r = rig_new_access(2);

    r->portfolio[0] = (tsr_lwm2m_portfolio){ .used = true, .id = 0 };
    furnish(r, TSR_LWM2M_NOBODY, acl, 1);
    rig_register(r);
    return r;
}

static int create(rig *r, size_t server);

/* ---- when rights are asked for at all ------------------------------------------------------- */

static void test_access_single_server_may_everything(void **state)
{
    rig *r = rig_new_access(1);

    (void)state;
    furnish(r, TSR_LWM2M_NOBODY, NULL, 0);
    rig_register(r);
    assert_int_equal(ask(r, 0, TSR_COAP_GET, "/3/0/0", NULL), 205);
    assert_int_equal(ask(r, 0, TSR_COAP_PUT, "/3/0/15", "Europe/Vienna"), 204);
    assert_int_equal(ask(r, 0, TSR_COAP_POST, "/3/0/4", NULL), 204);
    assert_int_equal(create(r, 0), 201);
    assert_null(tsr_lwm2m_access_find(&r->accesses, 16, 1));
    assert_int_equal(ask(r, 0, TSR_COAP_DELETE, "/16/1", NULL), 202);
    rig_free(r);
}

static void test_access_without_instances_is_open(void **state)
{
    rig *r = rig_new_access(2);

    (void)state;
    rig_register(r);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/3/0/0", NULL), 205);
    assert_int_equal(create(r, SECOND), 201);
    assert_int_equal(ask(r, FIRST, TSR_COAP_DELETE, "/16/1", NULL), 202);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/1/1/1", NULL), 205);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/1/0/1", NULL), 401);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/2", NULL), 205);
    rig_free(r);
}

static void test_access_accounts_belong_to_their_servers(void **state)
{
    rig *r = two_servers();

    (void)state;
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/1/1/1", NULL), 205);
    assert_int_equal(ask(r, SECOND, TSR_COAP_PUT, "/1/1/1", "400"), 204);
    assert_int_equal(ask(r, SECOND, TSR_COAP_POST, "/1/1/8", NULL), 204);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/1/0/1", NULL), 401);
    assert_int_equal(ask(r, SECOND, TSR_COAP_PUT, "/1/0/1", "400"), 401);
    assert_int_equal(ask(r, SECOND, TSR_COAP_POST, "/1/0/8", NULL), 401);
    grant(r, 1, 0, 102, R | W | E); /* an Update of another server's is not for it to ask for */
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/1/0/1", NULL), 205);
    assert_int_equal(ask(r, SECOND, TSR_COAP_POST, "/1/0/8", NULL), 401);
    rig_free(r);
}

/* ---- every operation ------------------------------------------------------------------------ */

typedef struct {
    const char *name;
    uint8_t right;
    int done; /* the code when it is allowed */
    int (*ask)(rig *r, size_t server);
} operation;

static int read_resource(rig *r, size_t s) { return ask(r, s, TSR_COAP_GET, "/3311/0/5851", NULL); }
static int read_instance(rig *r, size_t s) { return ask(r, s, TSR_COAP_GET, "/3311/0", NULL); }
static int read_object(rig *r, size_t s) { return ask(r, s, TSR_COAP_GET, "/3311", NULL); }
static int observe_resource(rig *r, size_t s) { return observe(r, s, "/3311/0/5851"); }
static int observe_instance(rig *r, size_t s) { return observe(r, s, "/3311/0"); }
static int observe_object(rig *r, size_t s) { return observe(r, s, "/3311"); }
static int cancel(rig *r, size_t s)
{
    return ask_as(r, s, TSR_COAP_GET, "/3311/0/5851", -1, 1, tsr_view(NULL, 0));
}
static int attributes(rig *r, size_t s)
{
    return ask(r, s, TSR_COAP_PUT, "/3311/0?pmin=1", NULL);
}
static int attributes_resource(rig *r, size_t s)
{
    return ask(r, s, TSR_COAP_PUT, "/3311/0/5851?pmin=1", NULL);
}
static int write_resource(rig *r, size_t s)
{
    return ask(r, s, TSR_COAP_PUT, "/3311/0/5851", "40");
}
static int update_instance(rig *r, size_t s)
{
    return ask_json(r, s, TSR_COAP_POST, "/3311/0", "[{\"bn\":\"/3311/0/\",\"n\":\"5851\",\"v\":40}]");
}
static int replace_instance(rig *r, size_t s)
{
    return ask_json(r, s, TSR_COAP_PUT, "/3311/0",
                    "[{\"bn\":\"/3311/0/\",\"n\":\"5850\",\"vb\":true},{\"n\":\"5851\",\"v\":40}]");
}
static int read_composite(rig *r, size_t s) { return fetch(r, s, "[{\"n\":\"/3311/0/5851\"}]", -1); }
static int observe_composite(rig *r, size_t s) { return fetch(r, s, "[{\"n\":\"/3311/0\"}]", 0); }
static int cancel_composite(rig *r, size_t s) { return fetch(r, s, "[{\"n\":\"/3311/0\"}]", 1); }
static int write_composite(rig *r, size_t s)
{
    return ask_as(r, s, TSR_COAP_IPATCH, "/", 320, -1,
                  tsr_text("[{\"n\":\"/3311/0/5851\",\"v\":40}]"));
}
static int execute(rig *r, size_t s) { return ask(r, s, TSR_COAP_POST, "/3/0/12", NULL); }
static int delete(rig *r, size_t s) { return ask(r, s, TSR_COAP_DELETE, "/16/0", NULL); }
static int create(rig *r, size_t s)
{
    return ask_json(r, s, TSR_COAP_POST, "/16", "[{\"bn\":\"/16/1/0/\",\"n\":\"0\",\"vs\":\"x\"}]");
}

static const operation operations[] = {
    { "read resource", R, 205, read_resource }, { "read instance", R, 205, read_instance },
    { "read object", R, 205, read_object }, { "observe resource", R, 205, observe_resource },
    { "observe instance", R, 205, observe_instance }, { "observe object", R, 205, observe_object },
    { "cancel", R, 205, cancel }, { "attributes of an instance", R, 204, attributes },
    { "attributes of a resource", R, 204, attributes_resource },
    { "read composite", R, 205, read_composite }, { "observe composite", R, 205, observe_composite },
    { "cancel composite", R, 205, cancel_composite },
    { "write", W, 204, write_resource }, { "update", W, 204, update_instance },
    { "replace", W, 204, replace_instance }, { "write composite", W, 204, write_composite },
    { "execute", E, 204, execute }, { "create", C, 201, create }, { "delete", D, 202, delete },
};

static void assert_operations(uint8_t rights)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const operation *op = &operations[i];
        const int expected = (op->right & rights) != 0 ? op->done : 401;
        rig *r = two_servers();
        int got;

        grant(r, 3311, 0, 102, rights);
        grant(r, 3, 0, 102, rights);
        grant(r, 16, 0, 102, rights);
        grant(r, 16, TSR_LWM2M_WHOLE_OBJECT, 102, rights);
        got = op->ask(r, SECOND);
        if (got != expected)
            fail_msg("%s with rights %u: %d, not %d", op->name, rights, got, expected);
        assert_true(r->light[0].dimmer == (op->right == W && (rights & W) != 0 ? 40 : 100));
        rig_free(r);
    }
}

/* Core 8.2.2 */
static void test_access_without_right_each_is_unauthorized(void **state)
{
    (void)state;
    assert_operations(0);
}

/* Core 8.2, Core 8.2.2 */
static void test_access_each_right_opens_its_operations(void **state)
{
    (void)state;
    assert_operations(R);
    assert_operations(W);
    assert_operations(E);
    assert_operations(D);
    assert_operations(C);
    assert_operations(ALL & ~R);
    assert_operations(ALL);
}

/* Core 8.2, Core 8.2.3 */
static void test_access_discover_needs_no_right(void **state)
{
    rig *r = two_servers();
    const rig_message *m;

    (void)state;
    m = rig_send(r, SECOND, &(rig_request){ TSR_COAP_GET, "/16", 40, -1, -1, { NULL, 0 }, { NULL, 0 } });
    assert_code(m, 2, 5);
    assert_text(m, "</16>,</16/0>");
    m = rig_send(r, SECOND, &(rig_request){ TSR_COAP_GET, "/1", 40, -1, -1, { NULL, 0 }, { NULL, 0 } });
    assert_non_null(strstr(m->text, "</1/0/1>"));
    assert_non_null(strstr(m->text, "</1/1/1>"));
    rig_free(r);
}

/* Core 8.2.3 */
static void test_access_attributes_of_an_object_need_no_right(void **state)
{
    rig *r = two_servers();

    (void)state;
    assert_int_equal(ask(r, SECOND, TSR_COAP_PUT, "/3?pmin=1", NULL), 204);
    rig_free(r);
}

/* Core 8.2: unauthorized comes before what else is wrong; but what is not there is simply not there. */
static void test_access_order_of_refusals(void **state)
{
    rig *r = two_servers();

    (void)state;
    assert_int_equal(ask(r, SECOND, TSR_COAP_PUT, "/3/0/0", "x"), 401);
    assert_int_equal(ask(r, FIRST, TSR_COAP_PUT, "/3/0/0", "x"), 405);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/3/0/99", NULL), 401);
    assert_int_equal(ask(r, FIRST, TSR_COAP_GET, "/3/0/99", NULL), 404);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/3/9", NULL), 404);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/9999/0", NULL), 404);
    assert_int_equal(ask(r, FIRST, TSR_COAP_GET, "/0/0", NULL), 401);
    rig_free(r);
}

/* ---- whose right it is ---------------------------------------------------------------------- */

/* Core 8.1.2.2, Core 8.2.1 */
static void test_access_default_acl(void **state)
{
    static const tsr_lwm2m_acl acl[] = { { 0, R }, { 102, W } };
    rig *r = rig_new_access(3);

    (void)state;
    furnish(r, 101, acl, 2);
    rig_register(r);
    assert_int_equal(read_resource(r, FIRST), 205);   /* the owner */
    assert_int_equal(write_resource(r, FIRST), 204);
    assert_int_equal(read_resource(r, SECOND), 401);  /* has an ACL of its own */
    assert_int_equal(write_resource(r, SECOND), 204);
    assert_int_equal(read_resource(r, THIRD), 205);   /* the default */
    assert_int_equal(write_resource(r, THIRD), 401);
    rig_free(r);
}

static void test_access_owner_with_an_acl_has_what_it_says(void **state)
{
    static const tsr_lwm2m_acl acl[] = { { 101, R } };
    rig *r = rig_new_access(2);

    (void)state;
    furnish(r, 101, acl, 1);
    rig_register(r);
    assert_int_equal(read_resource(r, FIRST), 205);
    assert_int_equal(write_resource(r, FIRST), 401);
    rig_free(r);
}

/* The default is for instances: who may create is named (Core 8.1.2.1, Core 8.2.1). */
static void test_access_create_is_never_by_default(void **state)
{
    rig *r = two_servers();

    (void)state;
    grant(r, 16, TSR_LWM2M_WHOLE_OBJECT, 0, C);
    assert_int_equal(create(r, SECOND), 401);
    grant(r, 16, TSR_LWM2M_WHOLE_OBJECT, 102, C);
    assert_int_equal(create(r, SECOND), 201);
    rig_free(r);
}

static void test_access_without_instance_for_it_nobody_may(void **state)
{
    rig *r = two_servers();

    (void)state;
    tsr_lwm2m_access_find(&r->accesses, 3311, 0)->used = false;
    r->accesses.revision++;
    assert_int_equal(read_resource(r, FIRST), 401);
    furnish(r, 101, NULL, 0);
    assert_int_equal(read_resource(r, FIRST), 205);
    rig_free(r);
}

/* ---- create and delete ---------------------------------------------------------------------- */

/* Core 8.1.2.2 */
static void test_access_creator_owns_and_shares(void **state)
{
    rig *r = two_servers();
    const tsr_lwm2m_access *a;
    char path[32];

    (void)state;
    grant(r, 16, TSR_LWM2M_WHOLE_OBJECT, 102, C);
    assert_int_equal(ask_json(r, SECOND, TSR_COAP_POST, "/16",
                              "[{\"bn\":\"/16/7/0/\",\"n\":\"0\",\"vs\":\"mine\"}]"), 201);
    a = tsr_lwm2m_access_find(&r->accesses, 16, 7);
    assert_non_null(a);
    assert_int_equal(a->owner, 102);
    assert_int_equal(a->count, 0);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/16/7/0/0", NULL), 205);
    assert_int_equal(ask(r, FIRST, TSR_COAP_GET, "/16/7/0/0", NULL), 401);
    snprintf(path, sizeof path, "/2/%u/2/101", a->id);
    assert_int_equal(ask(r, FIRST, TSR_COAP_PUT, path, "1"), 401);
    snprintf(path, sizeof path, "/2/%u", a->id);
    assert_int_equal(ask_json(r, SECOND, TSR_COAP_POST, path, "[{\"n\":\"/2\",\"v\":1}]"), 404);
    snprintf(path, sizeof path, "/2/%u/2", a->id);
    {
        char json[80];

        snprintf(json, sizeof json, "[{\"n\":\"/2/%u/2/101\",\"v\":1}]", a->id);
        assert_int_equal(ask_json(r, SECOND, TSR_COAP_POST, path, json), 204);
    }
    assert_int_equal(ask(r, FIRST, TSR_COAP_GET, "/16/7/0/0", NULL), 205);
    assert_int_equal(ask(r, FIRST, TSR_COAP_DELETE, "/16/7", NULL), 401);
    assert_int_equal(ask(r, SECOND, TSR_COAP_DELETE, "/16/7", NULL), 202);
    assert_null(tsr_lwm2m_access_find(&r->accesses, 16, 7));
    rig_free(r);
}

/* A new instance of an old number has a new owner, even if the old entry was still there. */
static void test_access_new_instance_takes_nothing_over(void **state)
{
    rig *r = two_servers();

    (void)state;
    assert_non_null(tsr_lwm2m_access_add(&r->accesses, 16, 1, 102));
    assert_int_equal(create(r, FIRST), 201);
    assert_int_equal(tsr_lwm2m_access_find(&r->accesses, 16, 1)->owner, 101);
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, "/16/1", NULL), 401);
    rig_free(r);
}

static void test_access_create_without_room_is_refused(void **state)
{
    rig *r = two_servers();

    (void)state;
    for (uint16_t i = 0; tsr_lwm2m_access_add(&r->accesses, 9999, i, 101) != NULL; i++)
        ;
    assert_int_equal(create(r, FIRST), 405);
    assert_false(r->portfolio[1].used);
    rig_free(r);
}

static void test_access_what_cannot_be_kept_has_not_happened(void **state)
{
    rig *r = two_servers();

    (void)state;
    r->save_err = TSR_E_IO;
    assert_int_equal(create(r, FIRST), 500);
    assert_null(tsr_lwm2m_access_find(&r->accesses, 16, 1));
    assert_int_equal(delete(r, FIRST), 500);
    assert_non_null(tsr_lwm2m_access_find(&r->accesses, 16, 0));
    assert_true(r->portfolio[0].used);
    r->save_err = TSR_OK;
    assert_int_equal(delete(r, FIRST), 202);
    rig_free(r);
}

/* When servers have deleted all that was said about, what is left is not open. */
static void test_access_stays_on_when_the_last_instance_goes(void **state)
{
    rig *r = rig_new_access(2);

    (void)state;
    r->portfolio[0] = (tsr_lwm2m_portfolio){ .used = true, .id = 0 };
    assert_non_null(tsr_lwm2m_access_add(&r->accesses, 16, 0, 101));
    rig_register(r);
    assert_int_equal(delete(r, FIRST), 202);
    assert_int_equal(read_resource(r, FIRST), 401);
    rig_restart(r);
    rig_run(r);
    assert_int_equal(read_resource(r, FIRST), 401);
    rig_free(r);
}

/* ---- object 2 itself ------------------------------------------------------------------------ */

/* Core 8.1.2.1, Core 8.1.2.2 */
static void test_access_object_is_its_owners(void **state)
{
    rig *r = rig_new_access(2);
    const tsr_lwm2m_access *mine;
    char path[32], text[64];
    const rig_message *m;

    (void)state;
    furnish(r, TSR_LWM2M_NOBODY, NULL, 0);
    rig_register(r);
    mine = tsr_lwm2m_access_find(&r->accesses, 1, 0); /* of the first server */
    snprintf(path, sizeof path, "/2/%u/3", mine->id);
    assert_int_equal(ask(r, FIRST, TSR_COAP_GET, path, NULL), 205);
    assert_text(&r->server[FIRST].answer, "101");
    assert_int_equal(ask(r, SECOND, TSR_COAP_GET, path, NULL), 401);
    assert_int_equal(ask(r, SECOND, TSR_COAP_PUT, path, "102"), 401);
    assert_int_equal(observe(r, SECOND, path), 401);
    snprintf(path, sizeof path, "/2/%u/0", mine->id);
    assert_int_equal(ask(r, FIRST, TSR_COAP_PUT, path, "3"), 405);
    snprintf(path, sizeof path, "/2/%u", mine->id);
    assert_int_equal(ask(r, FIRST, TSR_COAP_DELETE, path, NULL), 401);
    assert_int_equal(ask(r, FIRST, TSR_COAP_POST, "/2", NULL), 401);
    snprintf(path, sizeof path, "/2/%u/2/102", mine->id);
    snprintf(text, sizeof text, "[{\"n\":\"%s\",\"v\":32}]", path);
    path[strlen(path) - 4] = '\0';
    assert_int_equal(ask_json(r, FIRST, TSR_COAP_PUT, path, text), 400);
    text[strlen(text) - 4] = '0';
    m = rig_send(r, FIRST, &(rig_request){ TSR_COAP_GET, "/2", 110, -1, -1, { NULL, 0 }, { NULL, 0 } });
    assert_code(m, 2, 5); /* its own alone */
    assert_null(strstr(m->text, "65535"));
    assert_non_null(strstr(m->text, "101"));
    rig_free(r);
}

/* More servers than there is room for: nothing of the request has happened. */
static void test_access_too_many_acls_change_nothing(void **state)
{
    rig *r = rig_new_access(2);
    const tsr_lwm2m_access *mine;
    char path[32], json[512];
    size_t n;

    (void)state;
    furnish(r, 101, NULL, 0);
    grant(r, 3311, 0, 102, R);
    rig_register(r);
    mine = tsr_lwm2m_access_find(&r->accesses, 3311, 0);
    snprintf(path, sizeof path, "/2/%u/2", mine->id);
    n = (size_t)snprintf(json, sizeof json, "[{\"bn\":\"/2/%u/2/\",\"n\":\"1\",\"v\":1}", mine->id);
    for (int i = 2; i <= 10; i++)
        n += (size_t)snprintf(json + n, sizeof json - n, ",{\"n\":\"%d\",\"v\":1}", i);
    snprintf(json + n, sizeof json - n, "]");
    assert_int_equal(ask_json(r, FIRST, TSR_COAP_PUT, path, json), 413);
    mine = tsr_lwm2m_access_find(&r->accesses, 3311, 0);
    assert_int_equal(mine->count, 1);
    assert_int_equal(mine->acl[0].server, 102);
    rig_free(r);
}

/* ---- several targets at once ---------------------------------------------------------------- */

/* Core 8.2.3 */
static void test_access_object_shows_the_instances_that_may_be_read(void **state)
{
    rig *r = two_servers();
    const rig_message *m;

    (void)state;
    grant(r, 3303, 5, 102, R);
    m = rig_send(r, SECOND, &(rig_request){ TSR_COAP_GET, "/3303", 110, -1, -1, { NULL, 0 }, { NULL, 0 } });
    assert_code(m, 2, 5);
    assert_non_null(strstr(m->text, "5/5701"));
    assert_null(strstr(m->text, "0/57"));
    rig_free(r);
}

/* Core 8.2.1, Core 8.2.2 */
static void test_access_composite_leaves_out_or_refuses(void **state)
{
    rig *r = two_servers();

    (void)state;
    grant(r, 3311, 0, 102, R | W);
    assert_int_equal(fetch(r, SECOND, "[{\"n\":\"/3311/0/5851\"},{\"n\":\"/3/0/0\"}]", -1), 205);
    assert_non_null(strstr(r->server[SECOND].answer.text, "5851"));
    assert_null(strstr(r->server[SECOND].answer.text, "Mobile"));
    assert_int_equal(fetch(r, SECOND, "[{\"n\":\"/\"}]", -1), 205);
    assert_null(strstr(r->server[SECOND].answer.text, "Mobile"));
    assert_int_equal(fetch(r, SECOND, "[{\"n\":\"/3/0/0\"},{\"n\":\"/4/0/0\"}]", -1), 401);
    assert_int_equal(fetch(r, SECOND, "[{\"n\":\"/9999/0/0\"}]", -1), 404);
    assert_int_equal(ask_as(r, SECOND, TSR_COAP_IPATCH, "/", 320, -1,
                            tsr_text("[{\"n\":\"/3311/0/5851\",\"v\":40},"
                                     "{\"n\":\"/3/0/15\",\"vs\":\"UTC\"}]")), 401);
    assert_int_equal(r->light[0].dimmer, 100);
    rig_free(r);
}

static void test_access_send_leaves_out(void **state)
{
    const tsr_lwm2m_path paths[] = { { 3311, 0, 5851, 0, 3 }, { 3, 0, 0, 0, 3 } };
    rig *r = two_servers();

    (void)state;
    tsr_lwm2m_server_set(&r->server_item[1], TSR_LWM2M_S_MUTE_SEND, 0);
    grant(r, 3311, 0, 102, R);
    assert_int_equal(tsr_lwm2m_send(&r->client, SECOND, paths, 2, true, 0), TSR_OK);
    rig_run(r);
    assert_string_equal(rig_last(r, SECOND)->path, "/dp");
    assert_null(strstr(rig_last(r, SECOND)->text, "Mobile"));
    assert_int_equal(tsr_lwm2m_send(&r->client, SECOND, paths + 1, 1, true, 0), TSR_E_NOT_FOUND);
    rig_free(r);
}

/* ---- reporting ------------------------------------------------------------------------------ */

static void dim(rig *r, int64_t percent)
{
    r->light[0].dimmer = (uint8_t)percent;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3311, 0));
    rig_wait(r, 1000);
}

/* Core 8.2.4 */
static void test_access_notify_stops_and_goes_on_with_the_right(void **state)
{
    rig *r = two_servers();
    rig_server *second = &r->server[SECOND];

    (void)state;
    grant(r, 3311, 0, 102, R);
    assert_int_equal(observe(r, SECOND, "/3311/0/5851"), 205);
    assert_int_equal(observe(r, FIRST, "/3311/0/5851"), 205);
    dim(r, 50);
    assert_int_equal(second->note_count, 1);
    assert_int_equal(r->server[FIRST].note_count, 1);
    grant(r, 3311, 0, 102, 0);
    dim(r, 60);
    rig_wait(r, 100000);
    assert_int_equal(second->note_count, 1);
    assert_int_equal(r->server[FIRST].note_count, 2);
    rig_restart(r); /* refused still, and the observation is kept */
    grant(r, 3311, 0, 102, 0);
    dim(r, 70);
    assert_int_equal(second->note_count, 1);
    grant(r, 3311, 0, 102, R);
    rig_wait(r, 1000);
    assert_int_equal(second->note_count, 2);
    assert_string_equal(second->note[1].text, "70");
    rig_free(r);
}

/* Core 8.2.4 */
static void test_access_notify_of_an_object_and_composite_leaves_out(void **state)
{
    rig *r = two_servers();
    rig_server *second = &r->server[SECOND];

    (void)state;
    grant(r, 3311, 0, 102, R);
    grant(r, 3, 0, 102, R);
    assert_int_equal(fetch(r, SECOND, "[{\"n\":\"/3311/0/5851\"},{\"n\":\"/3/0/0\"}]", 0), 205);
    assert_non_null(strstr(second->answer.text, "Mobile"));
    grant(r, 3, 0, 102, 0);
    dim(r, 50);
    assert_int_equal(second->note_count, 1);
    assert_null(strstr(second->note[0].text, "Mobile"));
    grant(r, 3311, 0, 102, 0);
    dim(r, 60);
    assert_int_equal(second->note_count, 1);
    rig_free(r);
}

static void test_access_cancel_without_right_ends_it(void **state)
{
    rig *r = two_servers();
    rig_request q = { TSR_COAP_GET, "/3311/0/5851", -1, -1, 0, { NULL, 0 }, { NULL, 0 } };
    const uint8_t token[] = { 1, 2, 3 };

    (void)state;
    q.token = tsr_view(token, sizeof token);
    grant(r, 3311, 0, 102, R);
    (void)rig_send(r, SECOND, &q);
    assert_int_equal(r->client.observed, 1);
    grant(r, 3311, 0, 102, 0);
    q.observe = 1;
    assert_code(rig_send(r, SECOND, &q), 4, 1);
    assert_int_equal(r->client.observed, 0);
    rig_free(r);
}

/* ---- kept ----------------------------------------------------------------------------------- */

static void test_access_survives_a_restart(void **state)
{
    rig *r = two_servers();
    tsr_lwm2m_accesses all;
    tsr_lwm2m_access items[RIG_ACCESSES];

    (void)state;
    grant(r, 16, TSR_LWM2M_WHOLE_OBJECT, 102, C);
    grant(r, 3311, 0, 102, R);
    assert_int_equal(attributes(r, SECOND), 204);
    assert_int_equal(observe(r, SECOND, "/3311/0/5851"), 205);
    assert_int_equal(create(r, SECOND), 201);
    memcpy(items, r->access, sizeof items);
    all = r->accesses;
    rig_restart(r);
    rig_run(r);
    assert_true(r->accesses.active);
    for (size_t i = 0; i < all.count; i++) {
        const tsr_lwm2m_access *a = &items[i], *b;

        if (!a->used)
            continue;
        b = tsr_lwm2m_access_find(&r->accesses, a->object, a->instance);
        assert_non_null(b);
        assert_int_equal(a->id, b->id);
        assert_int_equal(a->owner, b->owner);
        assert_int_equal(a->count, b->count);
        assert_memory_equal(a->acl, b->acl, a->count * sizeof *a->acl);
    }
    assert_int_equal(r->client.observed, 1);
    assert_int_equal(ask(r, SECOND, TSR_COAP_DELETE, "/16/1", NULL), 202);
    assert_int_equal(read_resource(r, SECOND), 205);
    assert_int_equal(write_resource(r, SECOND), 401);
    rig_free(r);
}

static void test_access_damaged_state_changes_nothing(void **state)
{
    rig *r = two_servers();
    const tsr_lwm2m_object o = tsr_lwm2m_access_object(&r->accesses);
    uint8_t room[2048], bad[] = { 1, 0, 1, 0, 3, 0 };
    tsr_buf before = tsr_buf_over(room, 1024), after = tsr_buf_over(room + 1024, 1024);

    (void)state;
    o.handlers->save(o.state, &before);
    for (size_t n = 0; n <= sizeof bad; n++) {
        if (n == 1)
            continue; /* no instances */
        assert_int_equal(o.handlers->load(o.state, tsr_view(bad, n)), TSR_E_MALFORMED);
    }
    bad[0] = 2;
    assert_int_equal(o.handlers->load(o.state, tsr_view(bad, 1)), TSR_E_MALFORMED);
    o.handlers->save(o.state, &after);
    assert_true(tsr_same(tsr_buf_view(&before), tsr_buf_view(&after)));
    rig_free(r);
}

/* ---- accounts that go ----------------------------------------------------------------------- */

static void test_access_of_a_server_that_is_gone(void **state)
{
    rig *r = rig_new_access(3);
    tsr_lwm2m_access *a;

    (void)state;
    for (uint16_t i = 0; i < 2; i++)
        r->portfolio[i] = (tsr_lwm2m_portfolio){ .used = true, .id = i };
    furnish(r, 103, NULL, 0);
    grant(r, 16, 0, 101, R | W);
    grant(r, 16, 0, 102, R | W | D);
    grant(r, 3311, 0, 101, R);
    grant(r, 3311, 0, 103, R);
    r->server_item[2].used = false;
    assert_true(tsr_lwm2m_access_settle(&r->accesses, &r->registry, &r->server_state));
    assert_int_equal(tsr_lwm2m_access_find(&r->accesses, 16, 0)->owner, 102); /* most rights */
    assert_null(tsr_lwm2m_access_find(&r->accesses, 16, 1)); /* nobody else's: gone with it */
    assert_false(r->portfolio[1].used);
    a = tsr_lwm2m_access_find(&r->accesses, 3311, 0);
    assert_int_equal(a->owner, 101);
    assert_int_equal(a->count, 1);
    a = tsr_lwm2m_access_find(&r->accesses, 4, 0); /* is the device's own, so it stays */
    assert_int_equal(a->owner, TSR_LWM2M_NOBODY);
    assert_false(tsr_lwm2m_access_settle(&r->accesses, &r->registry, &r->server_state));
    rig_free(r);
}

static void test_access_several_accounts_need_the_part(void **state)
{
    rig *r = rig_new_access(2);
    tsr_lwm2m_parts parts = tsr_lwm2m_whole;
    tsr_lwm2m_client_config config = r->client.config;

    (void)state;
    parts.access = NULL;
    config.coap = &r->coap;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &parts), TSR_E_ARGUMENT);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_single_server_may_everything),
        cmocka_unit_test(test_access_without_instances_is_open),
        cmocka_unit_test(test_access_accounts_belong_to_their_servers),
        cmocka_unit_test(test_access_without_right_each_is_unauthorized),
        cmocka_unit_test(test_access_each_right_opens_its_operations),
        cmocka_unit_test(test_access_discover_needs_no_right),
        cmocka_unit_test(test_access_attributes_of_an_object_need_no_right),
        cmocka_unit_test(test_access_order_of_refusals),
        cmocka_unit_test(test_access_default_acl),
        cmocka_unit_test(test_access_owner_with_an_acl_has_what_it_says),
        cmocka_unit_test(test_access_create_is_never_by_default),
        cmocka_unit_test(test_access_without_instance_for_it_nobody_may),
        cmocka_unit_test(test_access_creator_owns_and_shares),
        cmocka_unit_test(test_access_new_instance_takes_nothing_over),
        cmocka_unit_test(test_access_create_without_room_is_refused),
        cmocka_unit_test(test_access_what_cannot_be_kept_has_not_happened),
        cmocka_unit_test(test_access_stays_on_when_the_last_instance_goes),
        cmocka_unit_test(test_access_object_is_its_owners),
        cmocka_unit_test(test_access_too_many_acls_change_nothing),
        cmocka_unit_test(test_access_object_shows_the_instances_that_may_be_read),
        cmocka_unit_test(test_access_composite_leaves_out_or_refuses),
        cmocka_unit_test(test_access_send_leaves_out),
        cmocka_unit_test(test_access_notify_stops_and_goes_on_with_the_right),
        cmocka_unit_test(test_access_notify_of_an_object_and_composite_leaves_out),
        cmocka_unit_test(test_access_cancel_without_right_ends_it),
        cmocka_unit_test(test_access_survives_a_restart),
        cmocka_unit_test(test_access_damaged_state_changes_nothing),
        cmocka_unit_test(test_access_of_a_server_that_is_gone),
        cmocka_unit_test(test_access_several_accounts_need_the_part),
    };

    return cmocka_run_group_tests_name("lwm2m_access", tests, NULL, NULL);
}
