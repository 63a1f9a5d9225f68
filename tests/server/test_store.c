/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <ftw.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char dir[64];
    char why[400];
} place;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);

    strcpy(p->dir, "/tmp/tsr_store_XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;

    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static tsr_store *open_store(place *p)
{
    tsr_store_config config = { .directory = p->dir, .event_ring = 10, .history = 4 };
    tsr_store *s = NULL;
    tsr_err err = tsr_store_open_sqlite(&config, &s, p->why, sizeof p->why);

    if (err != TSR_OK)
        print_message("%s: %s\n", tsr_err_name(err), p->why);
    assert_int_equal(err, TSR_OK);
    return s;
}

static void keep_err(void *arg, tsr_err err) { *(tsr_err *)arg = err; }

static tsr_store_registration device(const char *endpoint, const char *location)
{
    return (tsr_store_registration){ .endpoint = endpoint,
                                     .location = location,
                                     .version = "1.1",
                                     .binding = "U",
                                     .root = "",
                                     .address = "127.0.0.1:5000",
                                     .identity = "me",
                                     .security = 1,
                                     .queue_mode = true,
                                     .lifetime_s = 4294967295u,
                                     .registered_ms = 1,
                                     .updated_ms = 2,
                                     .expires_ms = 3,
                                     .links = tsr_text("</1/0>,</3/0>") };
}

typedef struct {
    int count;
    char endpoint[64], location[64], address[64];
    tsr_store_registration row;
    char links[64];
} seen_registration;

static bool see_registration(void *arg, const tsr_store_registration *r)
{
    seen_registration *seen = arg;

    seen->count++;
    seen->row = *r;
    snprintf(seen->endpoint, sizeof seen->endpoint, "%s", r->endpoint);
    snprintf(seen->location, sizeof seen->location, "%s", r->location);
    snprintf(seen->address, sizeof seen->address, "%s", r->address);
    snprintf(seen->links, sizeof seen->links, "%.*s", (int)r->links.len, r->links.ptr);
    return true;
}

static seen_registration registrations(tsr_store *s)
{
    seen_registration seen = { 0 };
    tsr_store_reader *r;

    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_registrations(r, see_registration, &seen), TSR_OK);
    tsr_store_reader_close(r);
    return seen;
}

static void test_store_registration_comes_back_after_reopening(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_registration d = device("dev1", "loc1");
    tsr_err err = TSR_E_STATE;

    assert_int_equal(tsr_store_put_registration(s, &d, keep_err, &err), TSR_OK);
    tsr_store_flush(s);
    assert_int_equal(err, TSR_OK);
    tsr_store_close(s);

    s = open_store(p);
    seen_registration seen = registrations(s);

    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.endpoint, "dev1");
    assert_string_equal(seen.links, "</1/0>,</3/0>");
    assert_int_equal(seen.row.lifetime_s, 4294967295u);
    assert_int_equal(seen.row.security, 1);
    assert_true(seen.row.queue_mode);
    assert_int_equal(seen.row.expires_ms, 3);

    assert_int_equal(
        tsr_store_touch_registration(s, "dev1", "loc1", "127.0.0.1:9", 20, 30, NULL, NULL), TSR_OK);
    seen = registrations(s);
    assert_string_equal(seen.address, "127.0.0.1:9");
    assert_int_equal(seen.row.expires_ms, 30);
    assert_string_equal(seen.links, "</1/0>,</3/0>");
    tsr_store_close(s);
}

static bool count_observation(void *arg, const tsr_store_observation *o)
{
    (void)o;
    ++*(int *)arg;
    return true;
}

static int observations(tsr_store *s, const char *endpoint)
{
    tsr_store_reader *r;
    int n = 0;

    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_observations(r, endpoint, count_observation, &n), TSR_OK);
    tsr_store_reader_close(r);
    return n;
}

static void test_store_late_delete_leaves_the_newer_registration(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_registration old = device("dev1", "old"), new = device("dev1", "new");
    tsr_store_observation o = { .endpoint = "dev1", .path = "/3/0", .token = tsr_text("tok") };

    tsr_store_put_registration(s, &old, NULL, NULL);
    tsr_store_put_registration(s, &new, NULL, NULL);
    tsr_store_put_observation(s, &o, NULL, NULL);
    tsr_store_delete_registration(s, "dev1", "old", NULL, NULL);

    seen_registration seen = registrations(s);

    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.location, "new");
    assert_int_equal(observations(s, "dev1"), 1);

    tsr_store_delete_registration(s, "dev1", "new", NULL, NULL);
    assert_int_equal(registrations(s).count, 0);
    assert_int_equal(observations(s, NULL), 0);
    tsr_store_close(s);
}

typedef struct {
    int count;
    char endpoint[40];
    uint8_t key[64];
    size_t key_len, key_given;
} seen_credential;

static bool see_credential(void *arg, const tsr_store_credential *c)
{
    seen_credential *seen = arg;

    seen->count++;
    snprintf(seen->endpoint, sizeof seen->endpoint, "%s", c->endpoint);
    seen->key_len = c->key_len;
    seen->key_given = c->key.len;
    if (c->key.len)
        memcpy(seen->key, c->key.ptr, c->key.len);
    return true;
}

typedef struct {
    char names[64];
    unsigned count;
} seen_documents;

static bool see_document(void *arg, const tsr_store_document *d)
{
    seen_documents *seen = arg;

    strcat(strcat(seen->names, d->name), " ");
    seen->count++;
    return true;
}

static void expect_documents(tsr_store_reader *r, tsr_store_lookup by, const char *key,
                             const char *names)
{
    seen_documents seen = { "", 0 };
    tsr_err err = tsr_store_documents(r, 1, by, key, 0, see_document, &seen);

    assert_int_equal(err, by <= TSR_STORE_BY_ALIAS && !names[0] ? TSR_E_NOT_FOUND : TSR_OK);
    assert_string_equal(seen.names, names);
}

static bool see_label(void *arg, const char *label, uint64_t counted)
{
    seen_documents *seen = arg;
    size_t at = strlen(seen->names);

    (void)snprintf(seen->names + at, sizeof seen->names - at, "%s:%d ", label, (int)counted);
    return true;
}

static void expect_labels(tsr_store_reader *r, int kind, const char *after, size_t limit, const char *wants)
{
    seen_documents seen = { "", 0 };

    assert_int_equal(tsr_store_labels(r, kind, after, limit, see_label, &seen), TSR_OK);
    assert_string_equal(seen.names, wants);
}

static void expect_labelled(tsr_store_reader *r, const char *label, const char *after, size_t limit, const char *wants)
{
    seen_documents seen = { "", 0 };

    assert_int_equal(tsr_store_labelled(r, 1, label, after, limit, see_document, &seen), TSR_OK);
    assert_string_equal(seen.names, wants);
}

static void test_store_documents_by_name_alias_and_rank(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_reader *r;
    tsr_err clash = TSR_OK;
    tsr_store_document rows[] = {
        { 1, "a*", "", 2, 7, tsr_text("1"), NULL },    { 1, "ab*", "", 3, 7, tsr_text("2"), NULL },
        { 1, "b*", "", 2, 7, tsr_text("3"), NULL },    { 1, "c", "mark", 0, 7, tsr_text("4"), NULL },
        { 2, "other", "mark", 9, 7, tsr_text("5"), NULL },
    };
    tsr_store_document thief = { 1, "d", "mark", 0, 7, tsr_text("6"), "lamps" };

    for (size_t i = 0; i < 5; i++)
        assert_int_equal(tsr_store_put_document(s, &rows[i], NULL, NULL), TSR_OK);
    assert_int_equal(tsr_store_put_document(s, &thief, keep_err, &clash), TSR_OK);
    tsr_store_flush(s);
    assert_int_equal(clash, TSR_E_EXISTS);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    expect_documents(r, TSR_STORE_BY_NAME, "ab*", "ab* ");
    expect_documents(r, TSR_STORE_BY_NAME, "d", "");
    expect_documents(r, TSR_STORE_BY_ALIAS, "mark", "c ");
    expect_documents(r, TSR_STORE_AFTER, "a*", "ab* b* c ");
    expect_documents(r, TSR_STORE_BY_RANK, NULL, "ab* a* b* ");
    assert_int_equal(tsr_store_delete_document(s, 1, "ab*", NULL, NULL), TSR_OK);
    tsr_store_flush(s);
    expect_documents(r, TSR_STORE_BY_RANK, NULL, "a* b* ");
    expect_labels(r, 1, NULL, 0, "");
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

static void label(tsr_store *s, const char *name, const char *of, int64_t rank)
{
    assert_int_equal(tsr_store_put_document(
                         s, &(tsr_store_document){ .kind = 1, .name = name, .label = of, .rank = rank }, NULL, NULL),
                     TSR_OK);
}

/* A row is under one label, wherever it was before; counts are of what is there. */
static void test_store_labels_list_and_count(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_reader *r;

    label(s, "a", "lamps", 0);
    label(s, "c", "lamps", 0);
    label(s, "d", "pumps", 0);
    label(s, "b", "lamps", -1);
    label(s, "e", NULL, 0);
    assert_int_equal(
        tsr_store_put_document(s, &(tsr_store_document){ .kind = 2, .name = "a", .label = "lamps" }, NULL, NULL), TSR_OK);
    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    expect_labels(r, 1, NULL, 0, "lamps:2 pumps:1 ");
    expect_labels(r, 1, NULL, 1, "lamps:2 ");
    expect_labels(r, 1, "lamps", 0, "pumps:1 ");
    expect_labels(r, 2, NULL, 0, "lamps:1 ");
    expect_labelled(r, "lamps", NULL, 0, "a b c ");
    expect_labelled(r, "lamps", NULL, 2, "a b ");
    expect_labelled(r, "lamps", "b", 0, "c ");
    expect_labelled(r, "", NULL, 0, "");
    label(s, "a", "lamps", 0);  /* as it was */
    label(s, "b", "lamps", 0);  /* it counts again */
    label(s, "c", "pumps", 5);  /* moved */
    label(s, "d", "pumps", -1); /* the last that counted, but for what moved */
    label(s, "e", "clocks", -1);
    tsr_store_flush(s);
    expect_labels(r, 1, NULL, 0, "clocks:0 lamps:2 pumps:1 ");
    assert_int_equal(tsr_store_delete_document(s, 1, "a", NULL, NULL), TSR_OK);
    assert_int_equal(tsr_store_delete_document(s, 1, "none", NULL, NULL), TSR_OK);
    label(s, "b", "", -1);
    tsr_store_flush(s);
    expect_labels(r, 1, NULL, 0, "clocks:0 pumps:1 ");
    expect_labelled(r, "lamps", NULL, 0, "");
    tsr_store_reader_close(r);
    tsr_store_close(s);
    s = open_store(p);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    expect_labels(r, 1, NULL, 0, "clocks:0 pumps:1 ");
    expect_labelled(r, "pumps", NULL, 0, "c d ");
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

static void test_store_credential_key_only_on_demand(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_credential c = { .endpoint = "dev1", .mode = 1, .identity = "id1", .key = tsr_text("0123456789abcdef"), .changed_ms = 7 };
    tsr_store_reader *r;
    seen_credential seen = { 0 };
    struct stat st;
    char file[128];

    assert_int_equal(tsr_store_put_credential(s, &c, NULL, NULL), TSR_OK);
    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_credential_get(r, "dev1", see_credential, &seen), TSR_OK);
    assert_int_equal(seen.key_len, 16);
    assert_int_equal(seen.key_given, 0);
    assert_int_equal(tsr_store_credential_key(r, 1, tsr_text("id1"), see_credential, &seen),
                     TSR_OK);
    assert_string_equal(seen.endpoint, "dev1");
    assert_memory_equal(seen.key, "0123456789abcdef", 16);
    assert_int_equal(tsr_store_credential_key(r, 2, tsr_text("id1"), see_credential, &seen),
                     TSR_E_NOT_FOUND);
    assert_int_equal(tsr_store_credential_key(r, 1, tsr_text("id"), see_credential, &seen),
                     TSR_E_NOT_FOUND);
    tsr_store_reader_close(r);
    tsr_store_close(s);

    snprintf(file, sizeof file, "%s/tessera.db", p->dir);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_store_identity_taken_refuses_only_that_row(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_credential a = { .endpoint = "a", .mode = 1, .identity = "same", .key = tsr_text("k"), .changed_ms = 7 };
    tsr_store_credential b = { .endpoint = "b", .mode = 1, .identity = "same", .key = tsr_text("k"), .changed_ms = 7 };
    tsr_store_credential c = { .endpoint = "c", .mode = 1, .identity = "other", .key = tsr_text("k"), .changed_ms = 7 };
    tsr_err ea = TSR_E_STATE, eb = TSR_E_STATE, ec = TSR_E_STATE;

    tsr_store_put_credential(s, &a, keep_err, &ea);
    tsr_store_put_credential(s, &b, keep_err, &eb);
    tsr_store_put_credential(s, &c, keep_err, &ec);
    tsr_store_flush(s);
    assert_int_equal(ea, TSR_OK);
    assert_int_equal(eb, TSR_E_EXISTS);
    assert_int_equal(ec, TSR_OK);
    tsr_store_close(s);
}

typedef struct {
    uint64_t ids[64];
    size_t count;
} seen_events;

static bool see_event(void *arg, const tsr_store_event *e)
{
    seen_events *seen = arg;

    seen->ids[seen->count++ % 64] = e->id;
    return true;
}

static seen_events events(tsr_store *s, uint64_t after, const char *endpoint)
{
    seen_events seen = { 0 };
    tsr_store_reader *r;

    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_events(r, after, 64, endpoint, see_event, &seen), TSR_OK);
    tsr_store_reader_close(r);
    return seen;
}

static void test_store_event_ring_is_bounded_and_ids_go_on(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_event even = { .endpoint = "even", .body = tsr_text("b") };
    tsr_store_event odd = { .endpoint = "odd", .body = tsr_text("b") };

    for (int i = 1; i <= 25; i++)
        tsr_store_put_event(s, i % 2 ? &odd : &even, NULL, NULL);
    seen_events seen = events(s, 0, NULL);

    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.ids[0], 16);
    assert_int_equal(tsr_store_event_oldest(s), 16);
    assert_int_equal(tsr_store_event_last(s), 25);
    assert_int_equal(events(s, 20, "odd").count, 3); /* 21, 23, 25 */
    tsr_store_close(s);

    s = open_store(p);
    assert_int_equal(tsr_store_event_last(s), 25);
    assert_int_equal(tsr_store_event_oldest(s), 16);
    tsr_store_put_event(s, &odd, NULL, NULL);
    assert_int_equal(events(s, 25, NULL).ids[0], 26);
    tsr_store_close(s);
}

typedef struct {
    char text[256];
} seen_values;

static bool see_value(void *arg, const tsr_store_value *v)
{
    seen_values *seen = arg;
    size_t n = strlen(seen->text);

    snprintf(seen->text + n, sizeof seen->text - n, "%.*s ", (int)v->body.len, v->body.ptr);
    return true;
}

static void test_store_values_by_prefix_and_bounded_history(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_reader *r;
    const uint8_t low[] = { 0, 3, 0, 0, 0, 9 }, high[] = { 0, 255, 0, 0, 0, 1 },
                  other[] = { 1, 0, 0, 0, 0, 1 };
    char body[8];
    seen_values seen = { { 0 } };

    for (int i = 0; i < 7; i++) {
        snprintf(body, sizeof body, "l%d", i);
        tsr_store_value v = { "d", tsr_view(low, 6), tsr_text(body), 100 + i };

        tsr_store_put_value(s, &v, NULL, NULL);
    }
    tsr_store_value h = { "d", tsr_view(high, 6), tsr_text("h"), 1 };
    tsr_store_value o = { "d", tsr_view(other, 6), tsr_text("o"), 1 };

    tsr_store_put_value(s, &o, NULL, NULL);
    tsr_store_put_value(s, &h, NULL, NULL);
    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_values(r, "d", tsr_view(NULL, 0), see_value, &seen), TSR_OK);
    assert_string_equal(seen.text, "l6 h o ");
    seen.text[0] = 0;
    tsr_store_values(r, "d", tsr_view(high, 2), see_value, &seen);
    assert_string_equal(seen.text, "h ");
    seen.text[0] = 0;
    tsr_store_history(r, "d", tsr_view(low, 6), 0, 100, see_value, &seen);
    assert_string_equal(seen.text, "l3 l4 l5 l6 ");
    seen.text[0] = 0;
    tsr_store_history(r, "d", tsr_view(low, 6), 104, 1, see_value, &seen);
    assert_string_equal(seen.text, "l6 ");
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

static bool see_session(void *arg, const tsr_store_session *p)
{
    snprintf(arg, 32, "%.*s=%.*s", (int)p->cid.len, p->cid.ptr, (int)p->body.len, p->body.ptr);
    return true;
}

static void test_store_session_put_and_deleted(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_session one = { tsr_text("cid"), tsr_text("image"), 1 };
    tsr_store_reader *r;
    char seen[32] = "";

    tsr_store_put_session(s, &one, NULL, NULL);
    tsr_store_flush(s);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    tsr_store_sessions(r, see_session, seen);
    assert_string_equal(seen, "cid=image");
    tsr_store_delete_session(s, tsr_text("cid"), NULL, NULL);
    tsr_store_flush(s);
    seen[0] = 0;
    tsr_store_sessions(r, see_session, seen);
    assert_string_equal(seen, "");
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

static void test_store_second_server_is_refused(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p), *other = NULL;
    tsr_store_config config = { .directory = p->dir };

    assert_int_equal(tsr_store_open_sqlite(&config, &other, p->why, sizeof p->why), TSR_E_STATE);
    assert_non_null(strstr(p->why, "another server"));
    tsr_store_close(s);
}

/* --- kill -9 ---------------------------------------------------------------------------- */

static int ack_pipe;

static void acknowledge(void *arg, tsr_err err)
{
    uint32_t n = (uint32_t)(uintptr_t)arg;

    if (err == TSR_OK)
        (void)!write(ack_pipe, &n, sizeof n);
}

static void write_until_killed(const char *dir, uint32_t from)
{
    tsr_store_config config = { .directory = dir };
    tsr_store *s;
    char why[200];

    if (tsr_store_open_sqlite(&config, &s, why, sizeof why) != TSR_OK)
        _exit(1);
    for (uint32_t n = from;; n++) {
        char endpoint[32], location[32];

        snprintf(endpoint, sizeof endpoint, "dev%u", n);
        snprintf(location, sizeof location, "loc%u", n);
        tsr_store_registration d = device(endpoint, location);

        while (tsr_store_put_registration(s, &d, acknowledge, (void *)(uintptr_t)n) != TSR_OK)
            usleep(1000);
    }
}

typedef struct {
    uint8_t *bits;
    uint32_t cap;
} endpoint_set;

static bool mark_endpoint(void *arg, const tsr_store_registration *r)
{
    endpoint_set *set = arg;
    unsigned long n = strtoul(r->endpoint + 3, NULL, 10);

    if (n < set->cap)
        set->bits[n] = 1;
    return true;
}

static void test_store_acknowledged_rows_survive_kill(void **state)
{
    place *p = *state;
    enum { CAP = 400000 };
    uint8_t *acked = calloc(CAP, 1);
    endpoint_set set = { calloc(CAP, 1), CAP };
    uint32_t from = 0, total = 0;

    for (int round = 0; round < 8; round++) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);

        pid_t pid = fork();

        if (pid == 0) {
            close(fds[0]);
            ack_pipe = fds[1];
            write_until_killed(p->dir, from);
        }
        close(fds[1]);
        usleep((useconds_t)(60000 + round * 37000));
        kill(pid, SIGKILL);

        uint32_t n;

        while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
            if (n < CAP)
                acked[n] = 1, total++, from = n + 1;
        close(fds[0]);
        waitpid(pid, NULL, 0);
    }
    assert_true(total > 100);

    tsr_store *s = open_store(p);
    tsr_store_reader *r;

    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_registrations(r, mark_endpoint, &set), TSR_OK);
    for (uint32_t i = 0; i < CAP; i++)
        if (acked[i] && !set.bits[i])
            fail_msg("acknowledged row %u is lost", i);
    print_message("%u rows acknowledged over 8 kills, none lost\n", total);
    tsr_store_reader_close(r);
    tsr_store_close(s);
    free(acked);
    free(set.bits);
}

/* --- full disk, damage ------------------------------------------------------------------ */

static void test_store_full_disk_fails_rows_and_recovers(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    struct rlimit old, small = { 300 * 1024, 300 * 1024 };
    tsr_err err = TSR_OK;
    tsr_store_stats stats;
    int kept = 0, i;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    for (i = 0; i < 20000 && err == TSR_OK; i++) {
        char endpoint[32];

        snprintf(endpoint, sizeof endpoint, "dev%d", i);
        tsr_store_registration d = device(endpoint, endpoint);

        assert_int_equal(tsr_store_put_registration(s, &d, keep_err, &err), TSR_OK);
        tsr_store_flush(s);
        kept += err == TSR_OK;
    }
    assert_int_equal(err, TSR_E_IO);
    tsr_store_stats_get(s, &stats);
    assert_false(stats.ok);
    print_message("after %d rows: %s\n", kept, stats.error);
    assert_non_null(strstr(stats.error, "free space"));

    setrlimit(RLIMIT_FSIZE, &old);
    tsr_store_registration d = device("after", "after");

    tsr_store_put_registration(s, &d, keep_err, &err);
    tsr_store_flush(s);
    assert_int_equal(err, TSR_OK);
    tsr_store_stats_get(s, &stats);
    assert_true(stats.ok);
    assert_int_equal(registrations(s).count, kept + 1);
    tsr_store_close(s);
}

static void overwrite(const char *dir, long at, size_t len)
{
    char file[128], junk[512];

    memset(junk, 0x5a, sizeof junk);
    snprintf(file, sizeof file, "%s/tessera.db", dir);

    int fd = open(file, O_RDWR);

    assert_true(fd >= 0);
    for (size_t n = 0; n < len; n += sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at + (long)n), sizeof junk);
    close(fd);
}

static void fill(place *p)
{
    tsr_store *s = open_store(p);

    for (int i = 0; i < 500; i++) {
        char endpoint[32];

        snprintf(endpoint, sizeof endpoint, "dev%d", i);
        tsr_store_registration d = device(endpoint, endpoint);

        tsr_store_put_registration(s, &d, NULL, NULL);
    }
    tsr_store_close(s);
}

static void expect_damaged(place *p)
{
    tsr_store_config config = { .directory = p->dir };
    tsr_store *s = NULL;

    assert_int_equal(tsr_store_open_sqlite(&config, &s, p->why, sizeof p->why), TSR_E_MALFORMED);
    print_message("%s\n", p->why);
    assert_non_null(strstr(p->why, "damaged"));
    assert_non_null(strstr(p->why, "restore"));
}

static void test_store_damaged_header_is_refused(void **state)
{
    place *p = *state;

    fill(p);
    overwrite(p->dir, 0, 512);
    expect_damaged(p);
}

static void test_store_damaged_page_is_refused(void **state)
{
    place *p = *state;

    fill(p);
    overwrite(p->dir, 4096 * 12, 4096);
    expect_damaged(p);
}

typedef struct {
    tsr_store_queued last;
    size_t count, request_len, result_len;
} seen_queued;

static bool see_queued(void *arg, const tsr_store_queued *row)
{
    seen_queued *q = arg;

    q->last = *row;
    q->request_len = row->request.len;
    q->result_len = row->result.len;
    q->count++;
    return true;
}

static void put_queued(tsr_store *s, uint64_t id, const char *endpoint)
{
    tsr_store_queued row = { .id = id,
                             .endpoint = endpoint,
                             .path = "/3/0",
                             .created_ms = 1,
                             .expires_ms = 2,
                             .request = tsr_text("request") };

    assert_int_equal(tsr_store_put_queued(s, &row, NULL, NULL), TSR_OK);
}

static size_t count_queued(tsr_store *s, seen_queued *q)
{
    tsr_store_reader *r;

    *q = (seen_queued){ 0 };
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_queued_list(r, NULL, false, UINT64_MAX, 100, see_queued, q), TSR_OK);
    tsr_store_reader_close(r);
    return q->count;
}

/* Documents that go from label to label, are counted and are not, and are deleted. */
static void move_until_killed(const char *dir, uint32_t seed)
{
    static const char *const labels[] = { "lamps", "pumps", "" };
    tsr_store_config config = { .directory = dir };
    tsr_store *s;
    char why[200], name[16];

    if (tsr_store_open_sqlite(&config, &s, why, sizeof why) != TSR_OK)
        _exit(1);
    for (uint32_t n = seed;; n = n * 1664525u + 1013904223u) {
        tsr_store_document d = { .kind = 1, .name = name, .label = labels[(n >> 8) % 3],
                                 .rank = (int64_t)((n >> 12) % 3) - 1 };

        (void)snprintf(name, sizeof name, "d%u", (n >> 16) % 50);
        while (((n >> 24) % 4 == 0 ? tsr_store_delete_document(s, 1, name, acknowledge, NULL)
                                   : tsr_store_put_document(s, &d, acknowledge, NULL)) != TSR_OK)
            (void)usleep(1000);
    }
}

static void kill_one_that_moves(const char *dir, uint32_t seed)
{
    uint32_t n;
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(fds[0]);
        ack_pipe = fds[1];
        move_until_killed(dir, seed);
    }
    (void)close(fds[1]);
    for (unsigned i = 0; i < 100 + seed % 900; i++) /* then in the midst of it */
        assert_int_equal(read(fds[0], &n, sizeof n), sizeof n);
    (void)kill(pid, SIGKILL);
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool count_label(void *arg, const char *label, uint64_t counted)
{
    uint64_t *counts = arg;

    counts[strcmp(label, "pumps") == 0] = counted;
    return true;
}

static bool count_member(void *arg, const tsr_store_document *d)
{
    uint64_t *count = arg;

    *count += d->rank >= 0;
    return true;
}

/* Whatever a kill cuts off, the count of a label is that of its documents. */
static void test_store_labels_are_right_after_kills(void **state)
{
    place *p = *state;

    for (uint32_t round = 1; round <= 6; round++) {
        uint64_t counts[2] = { 0, 0 }, members[2] = { 0, 0 };
        tsr_store_reader *r;
        tsr_store *s;

        kill_one_that_moves(p->dir, round * 7919);
        s = open_store(p);
        assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
        assert_int_equal(tsr_store_labels(r, 1, NULL, 0, count_label, counts), TSR_OK);
        assert_int_equal(tsr_store_labelled(r, 1, "lamps", NULL, 0, count_member, &members[0]), TSR_OK);
        assert_int_equal(tsr_store_labelled(r, 1, "pumps", NULL, 0, count_member, &members[1]), TSR_OK);
        assert_true(members[0] + members[1] > 0);
        assert_memory_equal(counts, members, sizeof counts);
        tsr_store_reader_close(r);
        tsr_store_close(s);
    }
}

static void test_store_foreign_database_is_refused(void **state)
{
    place *p = *state;
    char command[300];
    tsr_store_config config = { .directory = p->dir };
    tsr_store *s = NULL;

    fill(p);
    snprintf(command, sizeof command, "%s/tessera.db", p->dir);

    int fd = open(command, O_RDWR);
    const uint8_t zero[4] = { 0 };

    assert_int_equal(pwrite(fd, zero, 4, 68), 4); /* application_id, SQLite file format 1.3 */
    close(fd);
    assert_int_equal(tsr_store_open_sqlite(&config, &s, p->why, sizeof p->why), TSR_E_MALFORMED);
    assert_non_null(strstr(p->why, "another program"));
}

/* A store of version 1 is brought up to date, with what it holds; one of a later version is left. */
static void test_store_older_version_is_brought_up(void **state)
{
    place *p = *state;
    tsr_store_config config = { .directory = p->dir };
    char file[300];
    sqlite3 *db;
    tsr_store *s;
    seen_queued q = { 0 };

    fill(p);
    snprintf(file, sizeof file, "%s/tessera.db", p->dir);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE oscore; DROP TABLE document; DROP TABLE label; DROP TABLE queued;"
                                  "DROP INDEX credential_oscore; ALTER TABLE credential DROP COLUMN oscore;"
                                  "ALTER TABLE credential DROP COLUMN oscore_key;"
                                  "ALTER TABLE credential DROP COLUMN required;"
                                  "PRAGMA user_version=1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    s = open_store(p);
    put_queued(s, 1, "dev1");
    tsr_store_flush(s);
    assert_int_equal(count_queued(s, &q), 1);
    tsr_store_close(s);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(tsr_store_open_sqlite(&config, &s, p->why, sizeof p->why), TSR_E_MALFORMED);
    assert_non_null(strstr(p->why, "another version"));
}

/* Devices and plans of a version without labels are found under their groups, and counted. */
static void test_store_groups_of_version_5_are_taken_over(void **state)
{
    place *p = *state;
    char file[300];
    sqlite3 *db;
    tsr_store *s = open_store(p);
    tsr_store_reader *r;
    seen_documents seen = { "", 0 };

    tsr_store_close(s);
    (void)snprintf(file, sizeof file, "%s/tessera.db", p->dir);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER document_put; DROP TRIGGER document_deleted;"
                                  "DROP TRIGGER document_moved;"
                                  "DROP INDEX document_label; DROP TABLE label; ALTER TABLE document DROP COLUMN label;"
                                  "INSERT INTO document VALUES"
                                  "(6,'a',NULL,0,7,CAST('{\"state\":\"imported\",\"group\":\"lamps\"}' AS BLOB)),"
                                  "(6,'b',NULL,0,7,CAST('{\"state\":\"replaced\",\"group\":\"lamps\"}' AS BLOB)),"
                                  "(6,'c',NULL,0,7,CAST('{\"state\":\"replaced\",\"group\":\"old\"}' AS BLOB)),"
                                  "(6,'d',NULL,0,7,CAST('{\"state\":\"imported\"}' AS BLOB)),"
                                  "(6,'e',NULL,0,7,CAST('{\"group\":\"\"}' AS BLOB)), (6,'f',NULL,0,7,x'00ff'),"
                                  "(5,'a',NULL,0,7,CAST('{\"group\":\"lamps\"}' AS BLOB)),"
                                  "(8,'default',NULL,0,7,x'00'), (8,'lamps',NULL,3,7,x'00'),"
                                  "(8,'00112233445566778899aabbccddeeff',NULL,0,7,x'00'),"
                                  "(8,'00112233445566778899aabbccddeefg',NULL,0,7,x'00');"
                                  "PRAGMA user_version=5",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    s = open_store(p);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    expect_labels(r, 6, NULL, 0, "lamps:1 old:0 ");
    expect_labels(r, 5, NULL, 0, "");
    assert_int_equal(tsr_store_labelled(r, 6, "lamps", NULL, 0, see_document, &seen), TSR_OK);
    assert_string_equal(seen.names, "a b ");
    seen = (seen_documents){ "", 0 };
    assert_int_equal(tsr_store_labelled(r, 8, "group", NULL, 0, see_document, &seen), TSR_OK);
    assert_string_equal(seen.names, "00112233445566778899aabbccddeefg lamps ");
    expect_labels(r, 8, NULL, 0, "group:2 ");
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

/* Ids go on over a restart, results are forgotten by age and by number, and what is over keeps no
 * request: it may have held a key. */
static void test_store_queued_requests(void **state)
{
    place *p = *state;
    tsr_store *s = open_store(p);
    tsr_store_reader *r;
    seen_queued q = { 0 };
    uint64_t last = 0;

    for (uint64_t id = 1; id <= 6; id++)
        put_queued(s, id, id % 2 ? "dev1" : "dev2");
    for (uint64_t id = 1; id <= 5; id++) {
        tsr_store_queued over = { .id = id,
                                  .state = 2,
                                  .finished_ms = (int64_t)id * 1000,
                                  .attempts = 1,
                                  .code = 0x45,
                                  .detail = "well",
                                  .result = tsr_text("result") };

        assert_int_equal(tsr_store_update_queued(s, &over, NULL, NULL), TSR_OK);
    }
    tsr_store_flush(s);
    tsr_store_close(s);
    s = open_store(p);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_queued_last(r, &last), TSR_OK);
    assert_int_equal(last, 6);
    assert_int_equal(tsr_store_queued_get(r, 2, see_queued, &q), TSR_OK);
    assert_int_equal(q.result_len, 6);
    assert_int_equal(q.request_len, 0);
    assert_int_equal(q.last.attempts, 1);
    q = (seen_queued){ 0 };
    assert_int_equal(tsr_store_queued_list(r, "dev1", false, UINT64_MAX, 10, see_queued, &q),
                     TSR_OK);
    assert_int_equal(q.count, 3);
    assert_int_equal(q.last.id, 1); /* the oldest comes last */
    q = (seen_queued){ 0 };
    assert_int_equal(tsr_store_queued_open(r, see_queued, &q), TSR_OK);
    assert_int_equal(q.count, 1);
    assert_int_equal(q.request_len, 7);
    tsr_store_reader_close(r);
    assert_int_equal(tsr_store_purge_queued(s, 2000, 3, NULL, NULL), TSR_OK);
    tsr_store_flush(s);
    assert_int_equal(count_queued(s, &q), 4); /* 3, 4, 5 and the one that waits */
    assert_int_equal(tsr_store_purge_queued(s, 2000, 2, NULL, NULL), TSR_OK);
    tsr_store_flush(s);
    assert_int_equal(count_queued(s, &q), 3);
    tsr_store_close(s);
}

static void test_store_unwritable_directory_names_it(void **state)
{
    place *p = *state;
    tsr_store_config config = { .directory = "/proc/tessera" };
    tsr_store *s = NULL;

    assert_int_equal(tsr_store_open_sqlite(&config, &s, p->why, sizeof p->why), TSR_E_IO);
    assert_non_null(strstr(p->why, "/proc/tessera"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_store_registration_comes_back_after_reopening),
        T(test_store_late_delete_leaves_the_newer_registration),
        T(test_store_documents_by_name_alias_and_rank),
        T(test_store_labels_list_and_count),
        T(test_store_credential_key_only_on_demand),
        T(test_store_identity_taken_refuses_only_that_row),
        T(test_store_event_ring_is_bounded_and_ids_go_on),
        T(test_store_values_by_prefix_and_bounded_history),
        T(test_store_session_put_and_deleted),
        T(test_store_second_server_is_refused),
        T(test_store_acknowledged_rows_survive_kill),
        T(test_store_labels_are_right_after_kills),
        T(test_store_full_disk_fails_rows_and_recovers),
        T(test_store_damaged_header_is_refused),
        T(test_store_damaged_page_is_refused),
        T(test_store_foreign_database_is_refused),
        T(test_store_older_version_is_brought_up),
        T(test_store_groups_of_version_5_are_taken_over),
        T(test_store_queued_requests),
        T(test_store_unwritable_directory_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
