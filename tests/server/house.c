/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/server/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ports.h"

tsr_lwm2m_path at(const char *path)
{
    tsr_lwm2m_path p;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(path), &p), TSR_OK);
    return p;
}

static void log_line(void *arg, tsr_log_level level, const char *text)
{
    (void)arg;
    if (getenv("TSR_TEST_LOG"))
        fprintf(stderr, "# %d %s\n", (int)level, text);
}

void house_start(house *h)
{
    tsr_err err;

    h->config.data = h->dir;
    h->config.log = log_line;
    err = tsr_server_open(&h->config, &h->server, h->why, sizeof h->why);
    if (err != TSR_OK)
        print_message("%s: %s\n", tsr_err_name(err), h->why);
    assert_int_equal(err, TSR_OK);
    h->coap = h->config.coap[0].port; /* kept over a restart, as devices expect */
    h->coaps = h->config.coaps[0].port;
}

void house_stop(house *h)
{
    tsr_server_close(h->server);
    h->server = NULL;
}

void house_address(tsr_address *address)
{
    char text[32];

    (void)snprintf(text, sizeof text, "127.0.0.1:%u", test_port());
    assert_int_equal(tsr_address_parse(text, address), TSR_OK);
}

int house_up(void **state)
{
    house *h = calloc(1, sizeof *h);

    strcpy(h->dir, "/tmp/tsr_server_XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    h->config.shards = 2;
    h->config.devices = 256;
    h->config.allow_nosec = true;
    house_address(&h->config.coap[0]);
    house_address(&h->config.coaps[0]);
    h->config.coap_count = h->config.coaps_count = 1;
    house_start(h);
    *state = h;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void remove_tree(const char *dir) { nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

int house_down(void **state)
{
    house *h = *state;

    tsr_server_close(h->server);
    remove_tree(h->dir);
    free(h);
    return 0;
}

/* --- operations ------------------------------------------------------------------------- */

static void keep_links(house *h, const tsr_server_result *r)
{
    h->links[0] = 0;
    for (size_t i = 0; i < r->link_count; i++) {
        char text[TSR_LWM2M_PATH_TEXT + 1];
        tsr_buf out = tsr_buf_over(text, sizeof text - 1);

        tsr_lwm2m_path_put(&out, r->links[i].path);
        text[out.len] = 0;
        strncat(h->links, text, sizeof h->links - strlen(h->links) - 1);
        for (size_t k = 0; k < r->links[i].attr_count; k++)
            snprintf(h->links + strlen(h->links), sizeof h->links - strlen(h->links), ";%s=%s",
                     r->links[i].attrs[k].name,
                     r->links[i].attrs[k].value ? r->links[i].attrs[k].value : "");
        strncat(h->links, " ", sizeof h->links - strlen(h->links) - 1);
    }
}

static void keep_result(void *arg, const tsr_server_result *r)
{
    house *h = arg;

    h->outcome = r->outcome;
    h->code = r->code;
    h->format = r->format;
    h->record_count = r->record_count;
    h->link_count = r->link_count;
    snprintf(h->diagnostic, sizeof h->diagnostic, "%s", r->diagnostic);
    snprintf(h->location, sizeof h->location, "%s", r->location);
    keep_links(h, r);
    if (r->record_count) {
        h->first = r->records[0];
        if (h->first.value.type == TSR_LWM2M_STRING || h->first.value.type == TSR_LWM2M_OPAQUE) {
            size_t n = h->first.value.as.bytes.len;

            n = n < sizeof h->bytes ? n : sizeof h->bytes;
            memcpy(h->bytes, h->first.value.as.bytes.ptr, n);
            h->first.value.as.bytes = tsr_view(h->bytes, n);
        }
    }
    __atomic_store_n(&h->done, true, __ATOMIC_RELEASE);
}

tsr_server_outcome house_operate(house *h, test_peer *p, tsr_server_request request)
{
    h->done = false;
    request.format = request.format ? request.format : TSR_SERVER_FORMAT_AUTO;
    assert_int_equal(tsr_server_submit(h->server, &request, keep_result, h), TSR_OK);
    for (int i = 0; i < 4000 && !__atomic_load_n(&h->done, __ATOMIC_ACQUIRE); i++) {
        if (p)
            peer_run(p, 5, &h->done);
        else
            usleep(5000);
    }
    assert_true(h->done);
    return h->outcome;
}

tsr_server_outcome house_read(house *h, test_peer *p, const char *endpoint, const char *path)
{
    return house_operate(
        h, p,
        (tsr_server_request){ .kind = TSR_SERVER_READ, .endpoint = endpoint, .path = at(path) });
}

/* --- events ----------------------------------------------------------------------------- */

typedef struct {
    tsr_server_event_type type;
    uint64_t id;
    unsigned count;
} wanted;

static void look(void *arg, const tsr_server_event *e)
{
    wanted *w = arg;

    if (e->type == w->type) {
        w->count++;
        if (!w->id)
            w->id = e->id;
    }
}

uint64_t house_expect(house *h, test_peer *p, const char *endpoint, tsr_server_event_type type,
                      uint64_t after)
{
    wanted w = { type, 0, 0 };

    for (int i = 0; i < 3000; i++) {
        assert_int_equal(tsr_server_events(h->server, after, 1000, endpoint, look, &w, NULL),
                         TSR_OK);
        if (w.id)
            return w.id;
        if (p)
            peer_run(p, 10, NULL);
        else
            usleep(10000);
    }
    fail_msg("no event \"%s\" came", tsr_server_event_name(type));
    return 0;
}

void house_run_until(test_peer *p, const unsigned *count, unsigned there)
{
    for (int i = 0; i < 1000 && *count < there; i++)
        peer_run(p, 10, NULL);
    assert_int_equal(*count, there);
}

unsigned house_count_events(house *h, const char *endpoint, tsr_server_event_type type)
{
    wanted w = { type, 0, 0 };

    assert_int_equal(tsr_server_events(h->server, 0, 1000, endpoint, look, &w, NULL), TSR_OK);
    return w.count;
}

bool registered(house *h, const char *endpoint)
{
    tsr_server_registration *r;

    if (tsr_server_find(h->server, endpoint, &r) != TSR_OK)
        return false;
    tsr_server_registration_free(r);
    return true;
}
