/* SPDX-License-Identifier: Apache-2.0
 *
 * psa_calls_wall SOCKET WAY PAIRS PID INSIDE: what PSA calls cost across the wall; WAY is socket or
 * shm, PID the service's, INSIDE the program with the core in the process.
 *
 * A short block of one call across the wall stands between one of bare ping-pongs of the same way
 * and one of the same call in the process: what else the machine does then, it does to all three,
 * and what it interrupts is one pair of many. For each pair the ratio is taken of what the call
 * takes beyond the same call in the process to a ping-pong, for each message that it sends; once
 * by the clock and once by the time that both ends are on a core. Where the scheduler has a choice,
 * a block of calls goes with the nearest block of ping-pongs that it treated alike (both ends on
 * one core, or on two) and counts only if there is one and nobody was moved meanwhile: that choice
 * is worth several times what is measured, and is not ours. Prints medians of the pairs that
 * count, in microseconds a call: "NAME trip= ping= inside= ratio= cpu= cpu_ping= cpu_inside=
 * cpu_ratio= crossings= counted= together=", the last two as shares. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "benches/ping.h"
#include "benches/psa_calls.h"
#include "ports/linux/gate/gate.h"

#define BLOCK 20u /* calls: shorter than what a scheduler gives at a time */
#define WARM  3u /* calls before a block */
#define NEAR  8   /* pairs: how far away a block of ping-pongs may be */

typedef struct {
    psa_taken across, ping, inside, ratio;
    bool across_together, ping_together; /* both ends on one core */
    double across_moves, ping_moves;     /* of both ends to another core, in the block */
    double crossings;
} pair;

typedef struct { /* the other end: its files in /proc */
    int schedstat, stat, sched;
} other_end;

static struct {
    other_end self, service, ping;
    int orders, answers;
    pid_t inside;
    pair *pairs, *kept;
    double *sorted;
} here;

static void read_text(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);

    if (n <= 0)
        exit(1);
    text[n] = '\0';
}

/* Time on a core in microseconds; complete if the process sleeps. */
static double other_cpu(const other_end *o)
{
    char text[80];

    read_text(o->schedstat, text, sizeof text);
    return strtod(text, NULL) * 1e-3; /* the first number is nanoseconds */
}

/* Whether it was last on the core that we are on: field 39, counted from behind the name. */
static bool together(const other_end *o)
{
    char text[1024];
    const char *at;

    read_text(o->stat, text, sizeof text);
    at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 39; field++)
        at = strchr(at + 1, ' ');
    return at != NULL && strtol(at, NULL, 10) == sched_getcpu();
}

/* How often the scheduler moved it to another core so far. */
static double moves(const other_end *o)
{
    char text[4096];
    const char *at;

    read_text(o->sched, text, sizeof text);
    at = strstr(text, "nr_migrations");
    at = at != NULL ? strchr(at, ':') : NULL;
    return at != NULL ? strtod(at + 1, NULL) : 0;
}

static bool open_end(other_end *o, pid_t pid)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pid);
    o->schedstat = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    o->stat = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/%ld/sched", (long)pid);
    o->sched = open(path, O_RDONLY | O_CLOEXEC);
    return o->schedstat >= 0 && o->stat >= 0 && o->sched >= 0;
}

static bool start_inside(const char *program)
{
    int down[2], up[2];

    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0)
        return false;
    here.inside = fork();
    if (here.inside == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(down[0], STDIN_FILENO);
        (void)dup2(up[1], STDOUT_FILENO);
        (void)execl(program, program, (char *)NULL);
        _exit(127);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    here.orders = down[1];
    here.answers = up[0];
    return here.inside > 0;
}

static bool ping_some(size_t which, unsigned n)
{
    (void)which;
    for (unsigned i = 0; i < n; i++)
        if (!ping())
            return false;
    return true;
}

/* On another core the other end may still be looking for a next call. That it does so for nothing
 * counts too. */
static void let_it_sleep(const other_end *o)
{
    const struct timespec while_it_looks = { 0, 200000 };

    if (!together(o))
        (void)nanosleep(&while_it_looks, NULL);
}

/* One block; of both ends. The first calls find what others left in the caches, and are not
 * counted. */
static bool block(bool (*make)(size_t, unsigned), size_t which, unsigned n, const other_end *other,
                  psa_taken *t, double *moved)
{
    double before = moves(&here.self) + moves(other), there;
    psa_taken begun, now;
    bool done = make(which, WARM);

    there = other_cpu(other);
    begun = psa_calls_now();
    done = done && make(which, n);
    now = psa_calls_now();
    let_it_sleep(other);
    t->trip = (now.trip - begun.trip) / n;
    t->cpu = (now.cpu - begun.cpu + other_cpu(other) - there) / n;
    *moved = moves(&here.self) + moves(other) - before;
    return done;
}

static bool inside_block(size_t which, unsigned n, psa_taken *t)
{
    psa_calls_order order = { (uint32_t)which, n };

    if (write(here.orders, &order, sizeof order) != (ssize_t)sizeof order ||
        read(here.answers, t, sizeof *t) != (ssize_t)sizeof *t)
        return false;
    t->trip /= n;
    t->cpu /= n;
    return true;
}

static bool across_block(size_t which, unsigned n, pair *p)
{
    uint64_t before = tsr_gate_crossings();
    bool done = block(psa_calls_make, which, n, &here.service, &p->across, &p->across_moves);

    p->across_together = together(&here.service);
    p->crossings = (double)(tsr_gate_crossings() - before) / (n + WARM);
    return done;
}

static bool ping_block(pair *p)
{
    bool done = block(ping_some, 0, BLOCK, &here.ping, &p->ping, &p->ping_moves);

    p->ping_together = together(&here.ping);
    return done;
}

/* Which goes first changes: after the one the caches are warm for it and not for the other. */
static bool take_pair(size_t which, unsigned n, bool ping_first, pair *p)
{
    if (ping_first && !ping_block(p))
        return false;
    if (!across_block(which, n, p))
        return false;
    if (!ping_first && !ping_block(p))
        return false;
    return inside_block(which, n, &p->inside);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of one member of all pairs. */
static double middle(const pair *pairs, size_t n, size_t member)
{
    for (size_t i = 0; i < n; i++)
        memcpy(&here.sorted[i], (const char *)&pairs[i] + member, sizeof(double));
    qsort(here.sorted, n, sizeof here.sorted[0], by_value);
    return n > 0 ? here.sorted[n / 2] : 0;
}

#define MIDDLE(member) middle(pairs, n, offsetof(pair, member))

static bool alike(const pair *across, const pair *ping)
{
    return across->across_together == ping->ping_together && ping->ping_moves < 1;
}

/* The ping-pongs to set pair `at` beside; NULL: none are near. */
static const pair *ping_for(const pair *pairs, size_t n, size_t at)
{
    for (size_t away = 0; away <= NEAR; away++) {
        if (at >= away && alike(&pairs[at], &pairs[at - away]))
            return &pairs[at - away];
        if (at + away < n && alike(&pairs[at], &pairs[at + away]))
            return &pairs[at + away];
    }
    return NULL;
}

/* Those that count, with their ratios. */
static size_t counted(const pair *pairs, size_t n, pair *kept)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        const pair *ping = ping_for(pairs, n, i);
        pair p = pairs[i];

        if (ping == NULL || p.across_moves >= 1)
            continue;
        p.ping = ping->ping;
        p.ratio.trip = (p.across.trip - p.inside.trip) / p.ping.trip;
        p.ratio.cpu = (p.across.cpu - p.inside.cpu) / p.ping.cpu;
        kept[count++] = p;
    }
    return count;
}

static void print(const char *name, const pair *taken, size_t all)
{
    pair *pairs = here.kept;
    size_t n = counted(taken, all, pairs);
    double sent = 0, same = 0;

    for (size_t i = 0; i < n; i++) {
        sent += pairs[i].crossings / (double)n;
        same += (pairs[i].across_together ? 1.0 : 0.0) / (double)n;
    }

    double each = sent >= 1 ? sent : 1;

    (void)printf("%s trip=%.3f ping=%.3f inside=%.3f ratio=%.3f cpu=%.3f cpu_ping=%.3f "
                 "cpu_inside=%.3f cpu_ratio=%.3f crossings=%.3f counted=%.3f together=%.3f\n",
                 name, MIDDLE(across.trip), MIDDLE(ping.trip), MIDDLE(inside.trip),
                 MIDDLE(ratio.trip) / each, MIDDLE(across.cpu), MIDDLE(ping.cpu),
                 MIDDLE(inside.cpu), MIDDLE(ratio.cpu) / each, sent, (double)n / (double)all, same);
}

static bool measure_all(size_t count)
{
    size_t kinds = psa_calls_count();

    here.pairs = calloc(count * kinds, sizeof *here.pairs);
    here.kept = calloc(count, sizeof *here.kept);
    here.sorted = calloc(count, sizeof *here.sorted);
    if (here.pairs == NULL || here.kept == NULL || here.sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < kinds; k++)
            if (!take_pair(k, psa_calls_share(k, BLOCK), i % 2 == 0, &here.pairs[k * count + i]))
                return false;
    for (size_t k = 0; k < kinds; k++)
        print(psa_calls_name(k), here.pairs + k * count, count);
    return true;
}

static bool same_cores(pid_t as, pid_t of)
{
    cpu_set_t cores;

    return sched_getaffinity(as, sizeof cores, &cores) == 0 &&
           sched_setaffinity(of, sizeof cores, &cores) == 0;
}

static bool start(char **argv, bool shared)
{
    pid_t service = (pid_t)strtol(argv[4], NULL, 10);

    tsr_gate_use(shared ? TSR_GATE_SHARED : TSR_GATE_SOCKET);
    if (tsr_gate_socket(argv[1]) != PSA_SUCCESS || !start_inside(argv[5]) || !ping_start(shared))
        return false;
    if (!same_cores(service, ping_other()))
        return false;
    return open_end(&here.self, getpid()) && open_end(&here.service, service) &&
           open_end(&here.ping, ping_other()) && psa_calls_prepare();
}

int main(int argc, char **argv)
{
    bool shared = argc == 6 && strcmp(argv[2], "shm") == 0, done;
    size_t count = argc == 6 ? strtoul(argv[3], NULL, 10) : 0;

    if (count == 0)
        return 2;
    done = start(argv, shared) && measure_all(count) &&
           (tsr_gate_used() == TSR_GATE_SHARED) == shared;
    ping_stop();
    if (!done)
        (void)fputs("the service, the program with the core inside, or /proc failed\n", stderr);
    (void)close(here.orders);
    if (here.inside > 0)
        (void)waitpid(here.inside, NULL, 0);
    return done ? 0 : 1;
}
