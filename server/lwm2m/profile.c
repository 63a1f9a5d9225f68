/* SPDX-License-Identifier: Apache-2.0
 *
 * Profile IDs: names of object lists, so that a Register need not carry its list (Core 6.2.1). What a
 * name is made from is nowhere defined, so it is an opaque key, learnt from a registration that gives
 * it together with its whole list, or that gives the list after a 4.09. The names live in memory: a
 * restarted server answers 4.09 once and knows them again. */
#include "server/lwm2m/internal.h"

#include <stdlib.h>

enum {
    NAME_MAX_LEN = 80,
    NAMES_MAX = 8, /* in one request */
    PROFILES_MAX = 1024,
    LINKS_MAX_LEN = 16384, /* of one profile */
    WANTED = 256,          /* endpoints that were told to send their list */
};

typedef struct profile {
    struct profile *next;
    size_t links_len;
    char name[NAME_MAX_LEN + 1];
    uint8_t links[];
} profile;

struct profile_book {
    pthread_mutex_t lock;
    profile *first;
    size_t count;
    struct {
        char endpoint[TSR_ENDPOINT_MAX + 1];
        char name[NAME_MAX_LEN + 1];
    } wanted[WANTED];
    unsigned turn;
};

/* --- the book: under the lock --------------------------------------------------------------- */

static const profile *find(const profile_book *b, tsr_bytes name)
{
    const profile *p = b->first;

    while (p && !tsr_same(name, tsr_text(p->name)))
        p = p->next;
    return p;
}

static void learn(profile_book *b, tsr_bytes name, tsr_bytes links)
{
    profile *p;

    if (name.len == 0 || name.len > NAME_MAX_LEN || links.len > LINKS_MAX_LEN ||
        b->count == PROFILES_MAX || find(b, name))
        return; /* the first list stays: nobody renames another's */
    p = calloc(1, sizeof *p + links.len);
    if (!p)
        return;
    memcpy(p->name, name.ptr, name.len);
    if (links.len)
        memcpy(p->links, links.ptr, links.len);
    p->links_len = links.len;
    p->next = b->first;
    b->first = p;
    b->count++;
}

static void want(profile_book *b, const char *endpoint, tsr_bytes name)
{
    unsigned i = b->turn++ % WANTED;

    if (name.len > NAME_MAX_LEN)
        return;
    memcpy(b->wanted[i].endpoint, endpoint, strlen(endpoint) + 1);
    memset(b->wanted[i].name, 0, sizeof b->wanted[i].name);
    memcpy(b->wanted[i].name, name.ptr, name.len);
}

/* --- names ---------------------------------------------------------------------------------- */

/* One name, or several in quotes with commas between them. */
static size_t split(tsr_bytes value, tsr_bytes names[NAMES_MAX])
{
    size_t n = 0;

    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = tsr_view(value.ptr + 1, value.len - 2);
    while (value.len && n < NAMES_MAX) {
        const uint8_t *comma = memchr(value.ptr, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.ptr) : value.len;

        if (len)
            names[n++] = tsr_first(value, len);
        value = tsr_skip(value, len + 1);
    }
    return n;
}

/* Server and Device are in every whole list, since both are mandatory (Core Appendix E). */
static bool is_whole(tsr_bytes links)
{
    tsr_link_list list = { 0 };
    bool server = false, dev = false;

    if (tsr_link_list_read(links, NULL, &list) != TSR_OK)
        return false;
    for (size_t i = 0; i < list.count; i++) {
        server = server || list.links[i].path.object == 1;
        dev = dev || list.links[i].path.object == 3;
    }
    tsr_link_list_free(&list);
    return server && dev;
}

static void append(tsr_buf *out, tsr_bytes links)
{
    if (links.len == 0 || tsr_same(tsr_buf_view(out), links))
        return;
    if (out->len)
        tsr_put_u8(out, ',');
    tsr_put_bytes(out, links);
}

/* The lists of all names, then what stood in the payload. */
static tsr_err gather(profile_book *b, const char *endpoint, const tsr_bytes *names, size_t count,
                      tsr_bytes payload, tsr_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const profile *p = find(b, names[i]);

        if (!p) {
            if (payload.len == 0) /* else it stands for a part of the list that follows, only */
                want(b, endpoint, names[i]);
            return TSR_E_NOT_FOUND;
        }
        append(out, tsr_view(p->links, p->links_len));
    }
    append(out, payload);
    return out->err;
}

tsr_err profile_links(tsr_server *s, const char *endpoint, const tsr_register_params *p,
                      tsr_buf *out)
{
    tsr_bytes names[NAMES_MAX];
    size_t count = split(p->profile, names), cap = p->links.len + count * (LINKS_MAX_LEN + 1) + 1;
    profile_book *b = s->profiles;
    uint8_t *room;
    tsr_err err;

    if (count == 0)
        return TSR_E_NOT_FOUND;
    room = malloc(cap);
    if (!room)
        return TSR_E_SPACE;
    *out = tsr_buf_over(room, cap);
    pthread_mutex_lock(&b->lock);
    if (count == 1 && !find(b, names[0]) && is_whole(p->links))
        learn(b, names[0], p->links);
    err = gather(b, endpoint, names, count, p->links, out);
    pthread_mutex_unlock(&b->lock);
    if (err == TSR_E_NOT_FOUND && count == 1 && is_whole(p->links)) {
        /* There is no room to learn it, but the list is here. */
        out->len = 0;
        append(out, p->links);
        err = out->err;
    }
    if (err != TSR_OK) {
        free(room);
        *out = (tsr_buf){ 0 };
    }
    return err;
}

void profile_given(tsr_server *s, const char *endpoint, tsr_bytes links)
{
    profile_book *b = s->profiles;

    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < WANTED; i++)
        if (b->wanted[i].name[0] && strcmp(b->wanted[i].endpoint, endpoint) == 0) {
            learn(b, tsr_text(b->wanted[i].name), links);
            b->wanted[i].name[0] = 0;
        }
    pthread_mutex_unlock(&b->lock);
}

tsr_err profiles_open(tsr_server *s)
{
    profile_book *b = calloc(1, sizeof *b);

    if (!b)
        return TSR_E_SPACE;
    pthread_mutex_init(&b->lock, NULL);
    /* The one of OMA's test case 110. */
    learn(b, tsr_text("6:27354b9a"), tsr_text("</1/0>,</3/0>"));
    s->profiles = b;
    return TSR_OK;
}

void profiles_close(tsr_server *s)
{
    profile_book *b = s->profiles;

    if (!b)
        return;
    while (b->first) {
        profile *p = b->first;

        b->first = p->next;
        free(p);
    }
    pthread_mutex_destroy(&b->lock);
    free(b);
    s->profiles = NULL;
}
