/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries are documents whose names count down, so that the newest sorts first; one that goes in
 * takes out the one that is too old. */
#define _GNU_SOURCE
#include "server/audit/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/rest/put.h"
#include "server/rest/room.h"
#include "server/store/wait.h"
#include "tessera/base/utf8.h"

enum { BOOKS = 2, KEEP = 20000, NAME = 17, TEXT_MAX = 400, PAGE = 256 };

static const int kinds[BOOKS] = { TSR_STORE_AUDIT, TSR_STORE_AUDIT_REFUSED };

struct tsr_audit {
    tsr_store *store;
    uint64_t keep;
    pthread_mutex_t lock; /* guards all below */
    tsr_store_reader *reader;
    uint64_t last[BOOKS];
    int64_t second;              /* in which refusals are counted */
    uint64_t written, left_out;  /* of them */
};

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void name_of(uint64_t id, char name[NAME])
{
    (void)snprintf(name, NAME, "%016llx", (unsigned long long)(UINT64_MAX - id));
}

static uint64_t id_of(const char *name) { return UINT64_MAX - strtoull(name, NULL, 16); }

/* --- opening ---------------------------------------------------------------------------- */

typedef struct {
    char name[NAME];
    size_t count;
} scan;

static bool take_name(void *arg, const tsr_store_document *row)
{
    scan *s = arg;

    (void)snprintf(s->name, sizeof s->name, "%s", row->name);
    s->count++;
    return true;
}

typedef struct {
    char names[PAGE][NAME];
    size_t count;
} page;

static bool take_page(void *arg, const tsr_store_document *row)
{
    page *p = arg;

    (void)snprintf(p->names[p->count++], NAME, "%s", row->name);
    return p->count < PAGE;
}

/* What is older than is to be kept: fewer may be kept than were before. */
static tsr_err forget_old(tsr_audit *a, int book)
{
    char from[NAME];
    page *p = calloc(1, sizeof *p);
    tsr_err err = p != NULL ? TSR_OK : TSR_E_SPACE;

    name_of(a->last[book] > a->keep ? a->last[book] - a->keep + 1 : 0, from);
    while (err == TSR_OK && a->last[book] > a->keep) {
        p->count = 0;
        err = tsr_store_documents(a->reader, kinds[book], TSR_STORE_AFTER, from, PAGE, take_page, p);
        for (size_t i = 0; err == TSR_OK && i < p->count; i++)
            err = tsr_store_delete_document(a->store, kinds[book], p->names[i], NULL, NULL);
        if (p->count < PAGE)
            break;
        memcpy(from, p->names[p->count - 1], NAME);
    }
    free(p);
    return err;
}

tsr_err tsr_audit_open(tsr_store *store, uint64_t keep, tsr_audit **out)
{
    tsr_audit *a = calloc(1, sizeof *a);
    tsr_err err;

    if (a == NULL)
        return TSR_E_SPACE;
    a->store = store;
    a->keep = keep != 0 ? keep : KEEP;
    (void)pthread_mutex_init(&a->lock, NULL);
    err = tsr_store_reader_open(store, &a->reader);
    for (int book = 0; err == TSR_OK && book < BOOKS; book++) {
        scan s = { .count = 0 };

        err = tsr_store_documents(a->reader, kinds[book], TSR_STORE_AFTER, NULL, 1, take_name, &s);
        a->last[book] = s.count > 0 ? id_of(s.name) : 0;
        if (err == TSR_OK)
            err = forget_old(a, book);
    }
    if (err == TSR_OK)
        *out = a;
    else
        tsr_audit_close(a);
    return err;
}

void tsr_audit_close(tsr_audit *a)
{
    if (a == NULL)
        return;
    if (a->reader != NULL)
        tsr_store_reader_close(a->reader);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* --- writing ---------------------------------------------------------------------------- */

static void put_part(tsr_json_out *j, const char *key, const char *text)
{
    tsr_bytes all = tsr_text(text != NULL ? text : ""), part = tsr_first(all, TEXT_MAX);

    while (part.len > 0 && !tsr_utf8_valid(part))
        part.len--;
    tsr_json_put_key(j, key);
    tsr_json_put_string(j, part);
}

static tsr_err put_entry(tsr_buf *out, uint64_t id, int64_t at, const tsr_audit_entry *e,
                         uint64_t left_out)
{
    tsr_json_out j;

    rest_room(out, 4 * 6 * (size_t)TEXT_MAX + 200);
    j = tsr_json_to(out);
    tsr_json_open_object(&j);
    rest_put_count(&j, "id", id);
    rest_put_moment(&j, "at", at);
    put_part(&j, "who", e->who);
    put_part(&j, "what", e->what);
    put_part(&j, "about", e->about);
    put_part(&j, "detail", e->detail);
    if (left_out > 0)
        rest_put_count(&j, "left_out", left_out);
    tsr_json_close(&j);
    return tsr_json_end(&j) == TSR_OK ? out->err : TSR_E_SPACE;
}

/* With the lock held. False: there were enough refusals in this second. */
static bool may_write(tsr_audit *a, tsr_audit_book book, int64_t at, uint64_t *left_out)
{
    *left_out = 0;
    if (book != TSR_AUDIT_REFUSED)
        return true;
    if (a->second != at / 1000) {
        a->second = at / 1000;
        a->written = 0;
    }
    if (++a->written > TSR_AUDIT_PER_SECOND) {
        a->left_out++;
        return false;
    }
    *left_out = a->left_out;
    a->left_out = 0;
    return true;
}

/* With the lock held, so that entries go in as they are numbered. */
static tsr_err write_down(tsr_audit *a, tsr_audit_book book, const tsr_audit_entry *e,
                          tsr_store_done *done, void *arg)
{
    char name[NAME];
    tsr_buf body = { 0 };
    int64_t at = now_ms();
    uint64_t left_out;
    tsr_err err;

    if (!may_write(a, book, at, &left_out))
        return TSR_END;
    err = put_entry(&body, a->last[book] + 1, at, e, left_out);
    if (err == TSR_OK) {
        uint64_t id = ++a->last[book];

        if (id > a->keep) {
            name_of(id - a->keep, name);
            (void)tsr_store_delete_document(a->store, kinds[book], name, NULL, NULL);
        }
        name_of(id, name);
        err = tsr_store_put_document(a->store,
                                     &(tsr_store_document){ .kind = kinds[book],
                                                            .name = name,
                                                            .alias = "",
                                                            .changed_ms = at,
                                                            .body = tsr_buf_view(&body) },
                                     done, arg);
    }
    free(body.ptr);
    return err;
}

bool tsr_audit_note(tsr_audit *a, tsr_audit_book book, const tsr_audit_entry *e)
{
    tsr_err err;

    if (a == NULL)
        return true;
    pthread_mutex_lock(&a->lock);
    err = write_down(a, book, e, NULL, NULL);
    pthread_mutex_unlock(&a->lock);
    return err != TSR_END;
}

tsr_err tsr_audit_put(tsr_audit *a, const tsr_audit_entry *e)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    tsr_err err;

    if (a == NULL)
        return TSR_OK;
    pthread_mutex_lock(&a->lock);
    err = write_down(a, TSR_AUDIT_DONE, e, tsr_store_wake, &w);
    pthread_mutex_unlock(&a->lock);
    return tsr_store_wait(&w, err);
}

/* --- reading ---------------------------------------------------------------------------- */

typedef struct {
    tsr_audit_fn *fn;
    void *arg;
} give;

static bool give_row(void *arg, const tsr_store_document *row)
{
    const give *g = arg;

    g->fn(g->arg, row->name, row->body);
    return true;
}

tsr_err tsr_audit_list(tsr_audit *a, tsr_audit_book book, const char *after, size_t limit,
                       tsr_audit_fn *fn, void *arg)
{
    give g = { fn, arg };
    tsr_err err;

    pthread_mutex_lock(&a->lock);
    err = tsr_store_documents(a->reader, kinds[book], TSR_STORE_AFTER, after,
                              limit != 0 ? limit : 100, give_row, &g);
    pthread_mutex_unlock(&a->lock);
    return err;
}
