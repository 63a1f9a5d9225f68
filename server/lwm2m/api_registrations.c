/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-process API: copies of registrations out of the desks, ordered by endpoint over all shards. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <ctype.h>
#include <stdlib.h>

#define PAGE_MAX 1000u

size_t tsr_server_count(tsr_server *s)
{
    size_t n = 0;

    for (unsigned i = 0; i < s->count; i++)
        n += atomic_load(&s->desks[i].devices);
    return n;
}

static const char *copy_text(const char *text, char **at)
{
    size_t n = strlen(text) + 1;
    char *to = *at;

    memcpy(to, text, n);
    *at += n;
    return to;
}

/* One allocation; the desk's lock is held. */
static tsr_server_registration *snapshot(const device *dev)
{
    const info *i = dev->info;
    char address[TSR_ADDRESS_TEXT];
    const char *texts[] = { i->endpoint, dev->id, i->version, i->binding,
                            i->sms,      i->root, address,    i->identity };
    size_t head = (sizeof(tsr_server_registration) + 15) & ~(size_t)15;
    size_t size = head + tsr_links_size(i->links, i->link_count);
    char *block, *at;

    tsr_address_print(&dev->address, address);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        size += strlen(texts[k]) + 1;
    block = malloc(size);
    if (!block)
        return NULL;
    at = block + head;

    tsr_server_registration *r = (tsr_server_registration *)(void *)block;

    *r = (tsr_server_registration){
        .security = i->security,
        .queue_mode = i->queue_mode,
        .online = dev->online,
        .lifetime_s = i->lifetime_s,
        .registered_unix_ms = dev->registered_ms,
        .updated_unix_ms = dev->updated_ms,
        .expires_unix_ms = dev->expires_ms,
        .seen_unix_ms = dev->seen_ms,
        .observation_count = dev->observation_count,
        .link_count = i->link_count,
    };
    r->links = tsr_links_copy(i->links, i->link_count, &at);
    r->endpoint = copy_text(texts[0], &at);
    r->id = copy_text(texts[1], &at);
    r->version = copy_text(texts[2], &at);
    r->binding = copy_text(texts[3], &at);
    r->sms = copy_text(texts[4], &at);
    r->root = copy_text(texts[5], &at);
    r->address = copy_text(texts[6], &at);
    r->identity = copy_text(texts[7], &at);
    return r;
}

void tsr_server_registration_free(tsr_server_registration *r) { free(r); }

tsr_err tsr_server_find(tsr_server *s, const char *endpoint, tsr_server_registration **out)
{
    for (unsigned i = 0; i < s->count; i++) {
        desk *d = &s->desks[i];
        tsr_server_registration *r = NULL;
        device *dev;

        pthread_mutex_lock(&d->lock);
        dev = desk_by_endpoint(d, endpoint);
        if (dev)
            r = snapshot(dev);
        pthread_mutex_unlock(&d->lock);
        if (dev && !r)
            return TSR_E_SPACE;
        if (r) {
            *out = r;
            return TSR_OK;
        }
    }
    return TSR_E_NOT_FOUND;
}

static bool contains(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (; *text; text++) {
        size_t i = 0;

        while (i < n && text[i] &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

static bool wanted(const tsr_server_filter *f, const device *dev)
{
    return !dev->replaced && (!f->online_only || dev->online) &&
           (!f->contains || contains(dev->info->endpoint, f->contains));
}

/* The first of a desk after `after` that the filter wants. The lock is let go between devices, so
 * that a filter which finds little does not hold up the shard. */
static tsr_server_registration *next_of(desk *d, const tsr_server_filter *f, const char *after,
                                        bool inclusive)
{
    char cursor[TSR_ENDPOINT_MAX + 1];
    tsr_server_registration *r = NULL;
    bool more = true;

    while (more) {
        device *dev;
        int steps = 0;

        more = false;
        pthread_mutex_lock(&d->lock);
        dev = desk_first_after(d, after);
        if (inclusive && after) {
            device *same = desk_by_endpoint(d, after);

            dev = same ? same : dev;
            inclusive = false;
        }
        while (dev && !wanted(f, dev) && ++steps < 1000)
            dev = dev->forward[0];
        if (dev && f->prefix && strncmp(dev->info->endpoint, f->prefix, strlen(f->prefix)) != 0)
            dev = NULL;
        if (dev && wanted(f, dev)) {
            r = snapshot(dev);
        } else if (dev) {
            memcpy(cursor, dev->info->endpoint, strlen(dev->info->endpoint) + 1);
            after = cursor;
            more = true;
        }
        pthread_mutex_unlock(&d->lock);
    }
    return r;
}

static void advance(tsr_server *s, const tsr_server_filter *f, tsr_server_registration **heads,
                    unsigned i)
{
    tsr_server_registration *old = heads[i];

    heads[i] = next_of(&s->desks[i], f, old->endpoint, false);
}

static unsigned lowest(tsr_server_registration **heads, unsigned count)
{
    unsigned best = count;

    for (unsigned i = 0; i < count; i++)
        if (heads[i] && (best == count || strcmp(heads[i]->endpoint, heads[best]->endpoint) < 0))
            best = i;
    return best;
}

tsr_err tsr_server_list(tsr_server *s, const tsr_server_filter *filter,
                        tsr_server_registration ***page, size_t *count, bool *more)
{
    tsr_server_registration *heads[TSR_ENGINE_SHARDS_MAX] = { NULL };
    size_t limit = filter->limit == 0 ? 100 : filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
    tsr_server_registration **out = calloc(limit, sizeof(tsr_server_registration *));
    const char *start = filter->after;
    bool inclusive = false;
    size_t n = 0;
    unsigned i;

    if (!out)
        return TSR_E_SPACE;
    if (filter->prefix && (!start || strcmp(start, filter->prefix) < 0)) {
        start = filter->prefix;
        inclusive = true;
    }
    for (i = 0; i < s->count; i++)
        heads[i] = next_of(&s->desks[i], filter, start, inclusive);
    while (n < limit && (i = lowest(heads, s->count)) < s->count) {
        tsr_server_registration *r = heads[i];

        advance(s, filter, heads, i);
        if (n && strcmp(out[n - 1]->endpoint, r->endpoint) == 0)
            free(r); /* seen on two shards while it moved */
        else
            out[n++] = r;
    }
    *more = lowest(heads, s->count) < s->count;
    for (i = 0; i < s->count; i++)
        free(heads[i]);
    *page = out;
    *count = n;
    return TSR_OK;
}

void tsr_server_list_free(tsr_server_registration **page, size_t count)
{
    for (size_t i = 0; page && i < count; i++)
        free(page[i]);
    free(page);
}
