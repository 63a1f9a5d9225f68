/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define OBJECTS 16

typedef struct {
    const life_device *device;
    const life_step *steps;
    size_t count;
    const life_object *objects[OBJECTS]; /* in the order of their first step */
    const char *values[OBJECTS];         /* acknowledged last */
    size_t objects_count;
    life_result result;
    uint64_t cut; /* for messages */
} life;

static size_t index_of(life *l, const life_object *o)
{
    for (size_t i = 0; i < l->objects_count; i++)
        if (l->objects[i] == o)
            return i;
    assert_true(l->objects_count < OBJECTS);
    l->objects[l->objects_count] = o;
    l->values[l->objects_count] = NULL;
    return l->objects_count++;
}

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* the media are memory: all of it is ours */
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void restore(life *l)
{
    for (size_t i = l->device->media_count; i-- > 0;)
        sim_restore(l->device->media[i]);
}

static bool power_on(life *l)
{
    uint64_t before = now_us();
    bool up = l->device->open();
    uint64_t took = now_us() - before;

    if (up && took > l->result.worst_us)
        l->result.worst_us = took;
    return up;
}

static void fail_at(const life *l, const char *why, const char *object)
{
    print_error("cut %llu: %s: %s\n", (unsigned long long)l->cut, why, object);
    fail();
}

static const char *reset(const life_object *o, const char *value)
{
    return o->after_reset != NULL ? o->after_reset(value) : value;
}

/* Whether object i has this value, or what up to `resets` resets made of it; a reset that was cut
 * short may have done its work or not, but the last one has. */
static bool has(life *l, size_t i, const char *value, unsigned resets)
{
    const life_object *o = l->objects[i];

    for (unsigned n = 0; n <= resets; n++) {
        if ((n > 0 || resets == 0) && o->holds(value)) {
            l->values[i] = value;
            return true;
        }
        value = reset(o, value);
    }
    return false;
}

static void check_all(life *l, const life_step *cut_in, unsigned resets)
{
    for (size_t i = 0; i < l->objects_count; i++) {
        const life_object *o = l->objects[i];
        bool cut = cut_in != NULL && cut_in->object == o;

        if (has(l, i, l->values[i], resets))
            l->result.olds += cut;
        else if (cut && has(l, i, cut_in->to, resets))
            l->result.news++;
        else
            fail_at(l, "neither the old nor the new value", o->name);
    }
}

/* Recovers, and has the power cut once more while doing so, at the `second`th operation. */
static void recover(life *l, const life_step *cut_in, uint64_t second)
{
    sim *leader = l->device->media[0];

    restore(l);
    leader->cut_at = leader->count + second;
    bool up = power_on(l);
    unsigned resets = 1;

    if (leader->off) {
        resets++;
        l->result.second_cuts++;
        l->device->close();
        restore(l);
        up = power_on(l);
    }
    leader->cut_at = UINT64_MAX;
    if (!up)
        fail_at(l, "the device does not start", cut_in != NULL ? cut_in->what : "start");
    check_all(l, cut_in, resets);
}

/* From the step where the power went to the end: the device goes on working. */
static void finish(life *l, size_t from)
{
    for (size_t i = from; i < l->count; i++) {
        const life_step *s = &l->steps[i];
        size_t object = index_of(l, s->object);

        if (l->values[object] == s->to)
            continue; /* it was done before the cut */
        if (!s->run(s->to))
            fail_at(l, "a step fails after recovery", s->what);
        l->values[object] = s->to;
    }
    check_all(l, NULL, 0);
}

/* Returns the first step that was not acknowledged; *within: the power went while it ran. */
static size_t run_until_cut(life *l, bool *within)
{
    *within = false;
    for (size_t i = 0; i < l->count; i++) {
        const life_step *s = &l->steps[i];
        size_t object = index_of(l, s->object);
        bool done = s->run(s->to);

        if (l->device->media[0]->off && !done) {
            *within = true;
            return i;
        }
        if (!done)
            fail_at(l, "a step fails", s->what);
        l->values[object] = s->to;
        if (l->device->media[0]->off) {
            l->result.told++;
            return i + 1;
        }
    }
    return l->count;
}

life_result life_run(const life_device *device, void (*fresh)(uint64_t seed),
                     const life_step *steps, size_t step_count)
{
    life l = { .device = device, .steps = steps, .count = step_count };
    sim *leader = device->media[0];

    for (bool went = true; went; l.cut++) {
        fresh(l.cut + 1);
        l.objects_count = 0;
        if (!device->open())
            fail_at(&l, "the blank device does not start", "start");
        leader->cut_at = leader->count + l.cut;
        bool within;
        size_t at = run_until_cut(&l, &within);
        went = leader->off;
        device->close();
        if (went)
            l.result.cuts++;
        recover(&l, within ? &steps[at] : NULL, l.cut % 7);
        finish(&l, at);
        device->close();
        for (size_t i = 0; i < device->media_count; i++)
            if (device->media[i]->bad_manners != NULL)
                fail_at(&l, "bad manners", device->media[i]->bad_manners);
    }
    return l.result;
}
