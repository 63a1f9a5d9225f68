/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/flash_sim.h"

#include <stdlib.h>

uint32_t sim_random(uint64_t *state) /* xorshift64* */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545f4914f6cdd1dull) >> 32);
}

static sim *power(sim *s) { return s->leader != NULL ? s->leader : s; }

static bool cut(sim *s)
{
    sim *p = power(s);

    if (!p->off && p->count++ == p->cut_at)
        p->off = true;
    return p->off;
}

static void remember(sim *s, bool erase, uint32_t at, const void *data, size_t len)
{
    if (s->pending_count == s->pending_cap) {
        s->pending_cap = s->pending_cap * 2 + 16;
        s->pending = realloc(s->pending, s->pending_cap * sizeof *s->pending);
        if (s->pending == NULL)
            abort();
    }
    sim_op *op = &s->pending[s->pending_count++];
    *op = (sim_op){ erase, at, len, malloc(len) };
    if (op->data == NULL)
        abort();
    if (erase)
        memset(op->data, 0xff, len);
    else
        memcpy(op->data, data, len);
}

static void forget(sim *s)
{
    for (size_t i = 0; i < s->pending_count; i++)
        free(s->pending[i].data);
    s->pending_count = 0;
}

static tsr_err sim_read(void *self, uint32_t at, void *data, size_t len)
{
    sim *s = self;

    if (at > s->flash.size || len > s->flash.size - at) {
        s->bad_manners = "read outside the device";
        return TSR_E_IO;
    }
    memcpy(data, s->now + at, len);
    return power(s)->off ? TSR_E_IO : TSR_OK;
}

static bool all_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

static tsr_err sim_program(void *self, uint32_t at, const void *data, size_t len)
{
    sim *s = self;
    uint32_t unit = s->flash.unit;
    const uint8_t *in = data;

    if (at % unit != 0 || len % unit != 0 || at > s->flash.size || len > s->flash.size - at) {
        s->bad_manners = "program outside the units";
        return TSR_E_IO;
    }
    for (size_t i = 0; i < len; i += unit) {
        bool *used = &s->used[(at + i) / unit];

        if (*used && !(s->flash.overwrite && all_zero(in + i, unit)))
            s->bad_manners = "programmed a unit twice";
    }
    if (s->refuse != TSR_OK)
        return s->refuse;
    remember(s, false, at, data, len);
    bool weak = s->count == s->weak_at;
    if (cut(s))
        return TSR_E_IO;
    for (size_t i = 0; i < len; i++) {
        uint8_t was = s->now[at + i], all = (uint8_t)(was & in[i]);
        uint8_t changing = (uint8_t)(was ^ all);

        if (weak && changing != 0) {
            all |= (uint8_t)(changing & -changing);
            weak = false;
        }
        s->now[at + i] = all;
        s->used[(at + i) / unit] = true;
    }
    return TSR_OK;
}

static tsr_err sim_erase(void *self, uint32_t at)
{
    sim *s = self;

    if (at % s->flash.block != 0 || at >= s->flash.size) {
        s->bad_manners = "erase outside the blocks";
        return TSR_E_IO;
    }
    if (s->refuse != TSR_OK)
        return s->refuse;
    remember(s, true, at, NULL, s->flash.block);
    if (cut(s))
        return TSR_E_IO;
    memset(s->now + at, 0xff, s->flash.block);
    memset(s->used + at / s->flash.unit, 0, s->flash.block / s->flash.unit);
    s->erases[at / s->flash.block]++;
    return TSR_OK;
}

static tsr_err sim_sync(void *self)
{
    sim *s = self;

    if (s->refuse != TSR_OK)
        return s->refuse;
    if (cut(s))
        return TSR_E_IO;
    memcpy(s->durable, s->now, s->flash.size);
    forget(s);
    return TSR_OK;
}

static void land(sim *s, const sim_op *op)
{
    uint8_t *to = s->durable + op->at;
    uint32_t how = sim_random(&s->rng) % 5;
    size_t part = op->len > 0 ? sim_random(&s->rng) % op->len : 0;

    for (size_t i = 0; i < op->len; i++) {
        uint8_t rubbish = (uint8_t)sim_random(&s->rng);
        uint8_t full = op->erase ? 0xff : (uint8_t)(to[i] & op->data[i]);

        if (how == 0 || (how == 1 && i < part) || (how == 2 && i >= part))
            to[i] = full;
        else if (how == 3) /* bits on their way */
            to[i] = op->erase ? (uint8_t)(to[i] | rubbish) : (uint8_t)(to[i] & (full | rubbish));
    }
    for (uint32_t u = op->at / s->flash.unit; u < (op->at + op->len) / s->flash.unit; u++)
        s->used[u] = true; /* half-programmed cells may read as erased; they are not */
}

void sim_restore(sim *s)
{
    for (size_t i = 0; i < s->pending_count; i++)
        land(s, &s->pending[i]);
    forget(s);
    memcpy(s->now, s->durable, s->flash.size);
    s->off = false;
    s->cut_at = UINT64_MAX;
}

void sim_open(sim *s, uint32_t size, uint32_t block, uint32_t unit, bool overwrite, uint64_t seed)
{
    *s = (sim){
        .flash = { sim_read, sim_program, sim_erase, sim_sync, s, "sim", size, block, unit,
                   overwrite },
        .now = malloc(size),
        .durable = malloc(size),
        .used = calloc(size / unit, sizeof(bool)),
        .erases = calloc(size / block, sizeof(uint32_t)),
        .cut_at = UINT64_MAX,
        .weak_at = UINT64_MAX,
        .rng = seed * 2654435761u + 88172645463325252ull,
    };
    if (s->now == NULL || s->durable == NULL || s->used == NULL || s->erases == NULL)
        abort();
    memset(s->now, 0xff, size);
    memset(s->durable, 0xff, size);
}

void sim_close(sim *s)
{
    forget(s);
    free(s->pending);
    free(s->now);
    free(s->durable);
    free(s->used);
    free(s->erases);
}
