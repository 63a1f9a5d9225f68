/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-server as a process: killed at any moment, on a full disk, with a damaged store, with a
 * wrong configuration. Its path is argv[1]. */
#define _GNU_SOURCE
#include "server/lwm2m/codec.h"
#include "server/store/store.h"
#include "tests/server/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <psa/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/ports.h"

#define KEY "0123456789abcdef"

static const char *program;

typedef struct {
    char dir[64], data[96], log[96], out[96];
    pid_t pid;
    uint16_t coap, coaps;
    rlim_t file_limit; /* 0: none */
} process;

/* --- the process ------------------------------------------------------------------------ */

static char *file_text(const char *name)
{
    static char text[65536];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void run_child(process *p, char *const *arguments)
{
    int out = open(p->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    dup2(out, 1);
    dup2(log, 2);
    if (p->file_limit) {
        struct rlimit limit = { p->file_limit, RLIM_INFINITY };

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    execv(program, arguments);
    _exit(127);
}

static void start(process *p)
{
    char coap[32], coaps[32];
    char *arguments[] = { (char *)(uintptr_t)program,
                          "--coap",
                          coap,
                          "--coaps",
                          coaps,
                          "--http",
                          "off",
                          "--data",
                          p->data,
                          "--allow-nosec",
                          "--shards",
                          "2",
                          "--devices",
                          "1024",
                          NULL };

    snprintf(coap, sizeof coap, "127.0.0.1:%u", p->coap);
    snprintf(coaps, sizeof coaps, "127.0.0.1:%u", p->coaps);
    p->pid = fork();
    if (p->pid == 0)
        run_child(p, arguments);
    for (int i = 0; i < 2000; i++) {
        const char *ready = strstr(file_text(p->out), "tessera-server ready"), *at;
        unsigned port, secure;

        if (ready && strchr(ready, '\n') && (at = strstr(ready, "coap=127.0.0.1:")) != NULL &&
            sscanf(at, "coap=127.0.0.1:%u coaps=127.0.0.1:%u", &port, &secure) == 2) {
            p->coap = (uint16_t)port;
            p->coaps = (uint16_t)secure;
            return;
        }
        usleep(5000);
    }
    fail_msg("the server did not become ready: %s", file_text(p->log));
}

static int stop(process *p, int with)
{
    int status = 0;

    if (!p->pid)
        return 0;
    kill(p->pid, with);
    waitpid(p->pid, &status, 0);
    p->pid = 0;
    unlink(p->out);
    return status;
}

static int run_to_end(process *p, char *const *arguments)
{
    int status = 0;

    p->pid = fork();
    if (p->pid == 0)
        run_child(p, arguments);
    waitpid(p->pid, &status, 0);
    p->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int set_up(void **state)
{
    process *p = calloc(1, sizeof *p);

    p->coap = test_port();
    p->coaps = test_port();
    strcpy(p->dir, "/tmp/tsr_process_XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->data, sizeof p->data, "%s/data", p->dir);
    snprintf(p->log, sizeof p->log, "%s/log", p->dir);
    snprintf(p->out, sizeof p->out, "%s/out", p->dir);
    *state = p;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    process *p = *state;

    stop(p, SIGKILL);
    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static void put_credential(process *p, const char *endpoint, const char *identity)
{
    tsr_store_config config = { .directory = p->data };
    tsr_store_credential c = { .endpoint = endpoint, .mode = 1, .identity = identity,
                               .key = tsr_text(KEY), .changed_ms = 1 };
    tsr_store *s;
    char why[400];

    assert_int_equal(tsr_store_open_sqlite(&config, &s, why, sizeof why), TSR_OK);
    assert_int_equal(tsr_store_put_credential(s, &c, NULL, NULL), TSR_OK);
    tsr_store_close(s);
}

static bool forget_session(void *arg, const tsr_store_session *row)
{
    (void)tsr_store_delete_session(arg, row->cid, NULL, NULL);
    return true;
}

static void forget_sessions(process *p)
{
    tsr_store_config config = { .directory = p->data };
    tsr_store_reader *r;
    tsr_store *s;
    char why[400];

    assert_int_equal(tsr_store_open_sqlite(&config, &s, why, sizeof why), TSR_OK);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_sessions(r, forget_session, s), TSR_OK);
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

static unsigned pick(unsigned below) { return (unsigned)rand() % below; }

/* --- killed ----------------------------------------------------------------------------- */

enum { DEVICES = 12, KILLS = 25 };

typedef struct {
    test_peer *peer;
    char name[16], location[64];
    bool acknowledged;
} member;

/* One step of a member's life; false: the server is gone and nothing was answered. */
static bool step(member *m)
{
    char queries[64];
    uint8_t code;

    if (m->acknowledged && pick(3)) {
        code = peer_request(m->peer, TSR_COAP_POST, m->location, pick(2) ? "" : "lt=300", NULL);
        if (code == 0)
            return false;
        if (code == TSR_COAP_NOT_FOUND)
            fail_msg("the acknowledged registration of %s is lost", m->name);
        assert_int_equal(code, TSR_COAP_CHANGED);
        return true;
    }
    snprintf(queries, sizeof queries, "ep=%s&lt=300&lwm2m=1.1", m->name);
    m->acknowledged = false; /* while it is open, either location may be the one */
    code = peer_register(m->peer, queries);
    if (code == 0)
        return false;
    assert_int_equal(code, TSR_COAP_CREATED);
    m->acknowledged = true;
    snprintf(m->location, sizeof m->location, "%s", m->peer->location);
    return true;
}

static void kill_later(pid_t pid, unsigned ms)
{
    pid_t killer = fork();

    if (killer == 0) {
        usleep(ms * 1000);
        kill(pid, SIGKILL);
        _exit(0);
    }
}

/* What was answered 2.01 or 2.04 is there after kill -9 at a random moment. */
static void test_kill_loses_no_acknowledged_registration(void **state)
{
    process *p = *state;
    member members[DEVICES] = { 0 };
    unsigned steps = 0;

    srand(7);
    for (int round = 0; round < KILLS || (steps <= 100 && round < 20 * KILLS); round++) {
        bool alive = true; /* a slow disk needs more rounds for as many steps */
        int status;

        start(p);
        for (int i = 0; i < DEVICES; i++) {
            member *m = &members[i];

            if (!m->peer) {
                m->peer = peer_open(p->coap, NULL, NULL);
                snprintf(m->name, sizeof m->name, "dev%d", i);
            }
            m->peer->impatient_ms = 0; /* nobody kills it yet */
            if (m->acknowledged) /* before anything else: it must be known */
                assert_int_equal(peer_request(m->peer, TSR_COAP_POST, m->location, "", NULL),
                                 TSR_COAP_CHANGED);
            m->peer->impatient_ms = 400;
        }
        kill_later(p->pid, 5 + pick(120));
        while (alive) {
            alive = step(&members[pick(DEVICES)]);
            steps += alive;
        }
        waitpid(p->pid, &status, 0);
        p->pid = 0;
        unlink(p->out);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    print_message("%u acknowledged steps over %d kills and more, none lost\n", steps, KILLS);
    assert_true(steps > 100);
    for (int i = 0; i < DEVICES; i++)
        peer_close(members[i].peer);
}

/* --- notifications, killed as soon as they are acknowledged --- */

enum { NOTIFICATIONS = 40 };

static void put_observation(process *p)
{
    tsr_store_config config = { .directory = p->data };
    tsr_store_observation o = { .endpoint = "dev1", .path = "/3/0/9", .params = "",
                                .token = tsr_text("obs1"), .format = 112, .since_ms = 1 };
    tsr_store *s;
    char why[400];

    assert_int_equal(tsr_store_open_sqlite(&config, &s, why, sizeof why), TSR_OK);
    assert_int_equal(tsr_store_put_observation(s, &o, NULL, NULL), TSR_OK);
    tsr_store_close(s);
}

static bool mark_value(void *arg, const tsr_store_event *row)
{
    bool *there = arg;
    tsr_server_record records[4];
    tsr_server_event e;

    if (tsr_get_event(row->body, &e, records, 4) == TSR_OK &&
        e.type == TSR_SERVER_EV_NOTIFICATION && e.record_count == 1)
        there[records[0].value.as.i % NOTIFICATIONS] = true;
    return true;
}

static void stored_values(process *p, bool *there)
{
    tsr_store_config config = { .directory = p->data };
    tsr_store_reader *r;
    tsr_store *s;
    char why[400];

    assert_int_equal(tsr_store_open_sqlite(&config, &s, why, sizeof why), TSR_OK);
    assert_int_equal(tsr_store_reader_open(s, &r), TSR_OK);
    assert_int_equal(tsr_store_events(r, 0, 10000, "dev1", mark_value, there), TSR_OK);
    tsr_store_reader_close(r);
    tsr_store_close(s);
}

/* Some come while the store still has the one before, some after a pause. */
static void test_kill_loses_no_acknowledged_notification(void **state)
{
    process *p = *state;
    bool there[NOTIFICATIONS] = { false };
    test_peer *d;

    srand(11);
    start(p);
    d = peer_open(p->coap, NULL, NULL);
    assert_int_equal(peer_register(d, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    stop(p, SIGKILL);
    put_observation(p);
    memcpy(d->observe_token, "obs1", 4);
    d->observe_token_len = 4;
    for (int i = 0; i < NOTIFICATIONS;) {
        start(p);
        for (int burst = 1 + (int)pick(4); burst > 0 && i < NOTIFICATIONS; burst--) {
            d->battery = i++;
            peer_notify(d, true);
            peer_run(d, PEER_PATIENCE_MS, &d->notify_acked);
            assert_true(d->notify_acked);
        }
        stop(p, SIGKILL);
    }
    stored_values(p, there);
    for (int i = 0; i < NOTIFICATIONS; i++)
        assert_true(there[i]);
    assert_int_equal(d->notify_rejected, 0);
    peer_close(d);
}

/* The DTLS session, too: the device goes on with the keys it has, in both directions. */
static void test_kill_keeps_the_dtls_session(void **state)
{
    process *p = *state;
    test_peer *d;
    char location[64];

    put_credential(p, "dev1", "id1");
    start(p);
    d = peer_open(p->coaps, "id1", KEY);
    assert_true(peer_connect(d, 5000));
    assert_int_equal(peer_register(d, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", d->location);
    peer_run(d, 2000, NULL); /* the session is stored a commit later than the registration */
    for (int i = 0; i < 10; i++) {
        stop(p, SIGKILL);
        start(p);
        if (i % 2)
            peer_rebind(d);
        assert_int_equal(peer_request(d, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
        if (i % 3 == 0)
            peer_run(d, 50, NULL);
    }
    assert_int_equal(d->handshakes, 1);
    peer_close(d);
}

/* Killed so early that the session was not stored: the device notices by itself and shakes hands.
 */
static void test_kill_before_the_session_is_stored_recovers(void **state)
{
    process *p = *state;
    test_peer *d;
    char location[64];

    put_credential(p, "dev1", "id1");
    start(p);
    d = peer_open(p->coaps, "id1", KEY);
    assert_true(peer_connect(d, 5000));
    assert_int_equal(peer_register(d, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", d->location);
    stop(p, SIGTERM);
    forget_sessions(p);
    start(p);
    d->impatient_ms = 500;
    assert_int_equal(peer_request(d, TSR_COAP_POST, location, "", NULL), 0);
    d->impatient_ms = 0;
    assert_true(peer_connect(d, 5000));
    assert_int_equal(peer_request(d, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    peer_close(d);
}

/* --- the disk --------------------------------------------------------------------------- */

static void test_full_disk_answers_5_03_and_keeps_what_it_said(void **state)
{
    process *p = *state;
    test_peer *d;
    char locations[400][64];
    int acknowledged = 0;
    uint8_t code = TSR_COAP_CREATED;

    p->file_limit = 200 * 1024;
    start(p);
    d = peer_open(p->coap, NULL, NULL);
    while (acknowledged < 400 && code == TSR_COAP_CREATED) {
        char queries[64];

        snprintf(queries, sizeof queries, "ep=dev%d&lt=3000&lwm2m=1.1", acknowledged);
        code = peer_register(d, queries);
        if (code == TSR_COAP_CREATED)
            snprintf(locations[acknowledged++], 64, "%s", d->location);
    }
    assert_int_equal(code, TSR_COAP_UNAVAILABLE);
    print_message("%d registrations fitted\n", acknowledged);
    assert_true(acknowledged > 5);
    assert_non_null(strstr(file_text(p->log), "free space"));
    /* it still serves: an Update without change needs no write */
    assert_int_equal(peer_request(d, TSR_COAP_POST, locations[0], "", NULL), TSR_COAP_CHANGED);
    stop(p, SIGKILL);
    p->file_limit = 0;
    start(p);
    for (int i = 0; i < acknowledged; i++)
        assert_int_equal(peer_request(d, TSR_COAP_POST, locations[i], "", NULL), TSR_COAP_CHANGED);
    assert_int_equal(peer_register(d, "ep=more&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
    peer_close(d);
}

static void test_damaged_store_stops_the_start(void **state)
{
    process *p = *state;
    char db[128], junk[4096];
    char *arguments[] = { (char *)(uintptr_t)program,
                          "--coap",
                          "127.0.0.1:0",
                          "--http",
                          "off",
                          "--data",
                          p->data,
                          NULL };
    test_peer *d;
    int fd;

    start(p);
    d = peer_open(p->coap, NULL, NULL);
    assert_int_equal(peer_register(d, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
    peer_close(d);
    stop(p, SIGTERM);
    snprintf(db, sizeof db, "%s/tessera.db", p->data);
    memset(junk, 0x55, sizeof junk);
    fd = open(db, O_RDWR);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 4096), sizeof junk);
    close(fd);
    assert_int_equal(run_to_end(p, arguments), 1);
    assert_non_null(strstr(file_text(p->log), "damaged"));
    assert_non_null(strstr(file_text(p->log), "restore"));
}

/* --- configuration and signals ---------------------------------------------------------- */

static void test_configuration_errors_name_line_cause_and_remedy(void **state)
{
    process *p = *state;
    char file[96];
    char *arguments[] = { (char *)(uintptr_t)program, "--config", file, NULL };
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "# a comment\n\ncoap = nowhere\n", ":3: coap = \"nowhere\": it must be ADDRESS:PORT" },
        { "shards = 0\n", ":1: shards = \"0\": it must be a whole number" },
        { "shard = 1\n", ":1: there is no option \"shard\"; see" },
        { "data\n", ":1: \"data\" has no '='; write" },
        { "allow-nosec = perhaps\n", ":1: allow-nosec = \"perhaps\": it must be yes or no" },
        { "log-level = loud # x\n", "it must be error, warning, info or debug" },
    };

    snprintf(file, sizeof file, "%s/conf", p->dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *f = fopen(file, "w");

        fputs(cases[i].text, f);
        fclose(f);
        unlink(p->log);
        assert_int_equal(run_to_end(p, arguments), 2);
        if (!strstr(file_text(p->log), cases[i].says))
            fail_msg("%s: %s", cases[i].text, file_text(p->log));
    }
    snprintf(file, sizeof file, "%s/missing", p->dir);
    assert_int_equal(run_to_end(p, arguments), 2);
    assert_non_null(strstr(file_text(p->log), "No such file"));
}

static void test_argument_and_environment_errors(void **state)
{
    process *p = *state;
    char *unknown[] = { (char *)(uintptr_t)program, "--bogus", NULL };
    char *missing[] = { (char *)(uintptr_t)program, "--coap", NULL };
    char *place[] = {
        (char *)(uintptr_t)program, "--data", "/proc/nowhere", "--coap", "127.0.0.1:0", NULL
    };
    char *key[] = { (char *)(uintptr_t)program, "--data", p->data, "--certificate", p->log, NULL };

    assert_int_equal(run_to_end(p, unknown), 2);
    assert_non_null(strstr(file_text(p->log), "--bogus"));
    assert_int_equal(run_to_end(p, missing), 2);
    assert_non_null(strstr(file_text(p->log), "--coap needs a value"));
    assert_int_equal(run_to_end(p, place), 1);
    assert_non_null(strstr(file_text(p->log), "/proc/nowhere"));
    assert_int_equal(run_to_end(p, key), 1);
    assert_non_null(strstr(file_text(p->log), "give --certificate and --key"));
}

static void test_sigterm_ends_cleanly(void **state)
{
    process *p = *state;
    int status;

    start(p);
    status = stop(p, SIGTERM);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    start(p);
    status = stop(p, SIGINT);
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_kill_loses_no_acknowledged_registration),
        T(test_kill_loses_no_acknowledged_notification),
        T(test_kill_keeps_the_dtls_session),
        T(test_kill_before_the_session_is_stored_recovers),
        T(test_full_disk_answers_5_03_and_keeps_what_it_said),
        T(test_damaged_store_stops_the_start),
        T(test_configuration_errors_name_line_cause_and_remedy),
        T(test_argument_and_environment_errors),
        T(test_sigterm_ends_cleanly),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s path-of-tessera-server\n", argv[0]);
        return 2;
    }
    program = argv[1];
    if (psa_crypto_init() != PSA_SUCCESS)
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
