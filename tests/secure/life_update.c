/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/life_update.h"

#include <stdio.h>
#include <stdlib.h>

#include "secure/fwu/boot.h"
#include "secure/fwu/crypto.h"
#include "tests/secure/core.h"
#include "tests/secure/fwu_package.h"

#define PART  1024u /* of a write, a block, and a step of progress */
#define PARTS 4u
#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

const char life_update_written_0[] = "1 writing 0", life_update_written_1[] = "1 writing 1024",
           life_update_written_2[] = "1 writing 2048", life_update_written_3[] = "1 writing 3072",
           life_update_written_4[] = "1 writing 4096", life_update_candidate[] = "1 candidate",
           life_update_staged[] = "1 staged", life_update_trial[] = "2 trial",
           life_update_accepted[] = "2 updated", life_update_cleaned[] = "2 ready";

static const char failed[] = "1 failed";

/* In the order of an update that nothing disturbs. */
static const char *const way[] = {
    "1 ready",
    life_update_written_0,
    life_update_written_1,
    life_update_written_2,
    life_update_written_3,
    life_update_written_4,
    life_update_candidate,
    life_update_staged,
    life_update_trial,
    life_update_accepted,
    life_update_cleaned,
};

static packed factory, second;
static tsr_fwu_component component;
static tsr_fwu_anchor anchor;
static tsr_fwu_psa crypto;
static uint8_t work[TSR_FWU_WORK_MIN];
static tsr_fwu fwu;
static tsr_fwu_choice choice;
static bool (*restart_device)(void);

void life_update_prepare(void)
{
    package p = { .sequence = 1, .version = "1.0.0", .seed = 1 };

    package_world();
    package_make(&p, &factory);
    factory.len = (factory.len + 15) / 16 * 16;
    p = (package){ .sequence = 2, .version = "2.0.0", .seed = 8, .len = 3000 };
    package_make(&p, &second);
    p.len += PARTS * PART - second.len; /* whole parts: each of them outlives a reset */
    package_make(&p, &second);
    MUST(second.len == PARTS * PART);
}

void life_update_fresh(sim slots[2], sim *leader, uint64_t seed)
{
    for (size_t i = 0; i < 2; i++) {
        sim_open(&slots[i], 10 * PART, PART, 8, false, seed + i);
        slots[i].leader = leader;
        component.slots[i] = &slots[i].flash;
    }
    MUST(slots[0].flash.program(&slots[0], 0, factory.bytes, factory.len) == TSR_OK);
    MUST(slots[0].flash.sync(&slots[0]) == TSR_OK);
}

void life_update_end(sim slots[2])
{
    sim_close(&slots[0]);
    sim_close(&slots[1]);
}

bool life_update_open(bool (*restart)(void))
{
    restart_device = restart;
    memcpy(component.name, "c0", 3);
    memcpy(component.vendor, package_vendor, 16);
    memcpy(component.class_id, package_class, 16);
    component.progress = PART;
    memcpy(anchor.point, package_point(0), 65);
    anchor.components = 1;
    tsr_fwu_psa_open(&crypto);
    fwu = (tsr_fwu){
        .its = &core_here()->its,
        .components = &component,
        .count = 1,
        .anchors = &anchor,
        .anchor_count = 1,
        .crypto = &crypto.crypto,
        .work = work,
        .work_len = sizeof work,
    };
    return tsr_fwu_open(&fwu) == PSA_SUCCESS && tsr_fwu_boot(&fwu, 0, &choice) == PSA_SUCCESS;
}

static psa_fwu_component_info_t info(void)
{
    psa_fwu_component_info_t i;

    MUST(tsr_fwu_query(&fwu, 0, &i) == PSA_SUCCESS);
    return i;
}

static void tell(char *text, size_t cap)
{
    static const char *const states[] = { "ready",  "writing", "candidate", "staged",
                                          "failed", "trial",   "rejected",  "updated" };
    psa_fwu_component_info_t i = info();
    int n = snprintf(text, cap, "%u %s", i.version.major, states[i.state]);

    if (i.state == PSA_FWU_WRITING)
        (void)snprintf(text + n, cap - (size_t)n, " %u", (unsigned)i.impl.written);
}

/* The image that was started is the one that the state tells of, and the anti-rollback counter rose
 * when that was accepted, not before. */
static bool holds(const char *value)
{
    char now[32];
    uint64_t counter = 0;

    if (value == NULL)
        value = way[0];
    if (value == life_update_accepted || value == life_update_cleaned)
        counter = 2;
    tell(now, sizeof now);
    return strcmp(now, value) == 0 && info().impl.sequence == counter && choice.there &&
           choice.image.version.major == (unsigned)(value[0] - '0') &&
           choice.slot == (value[0] == '1' ? 0 : 1);
}

/* A reset starts what is installed, and ends a trial (Firmware Update 1.0.1 §4.6). */
static const char *after_reset(const char *value)
{
    if (value == life_update_staged)
        return life_update_trial;
    return value == life_update_trial ? failed : value;
}

const life_object life_update = { "update", holds, after_reset };

static int place(const char *value)
{
    for (int i = 0; i < (int)(sizeof way / sizeof *way); i++)
        if (strcmp(way[i], value) == 0)
            return i;
    return -1;
}

static bool write_part(uint32_t at)
{
    return at < second.len &&
           tsr_fwu_write(&fwu, 0, at, tsr_view(second.bytes + at, PART)) == PSA_SUCCESS;
}

/* The one call that leads on from here. */
static bool go_on(void)
{
    psa_fwu_component_info_t i = info();

    switch (i.state) {
    case PSA_FWU_READY: return tsr_fwu_start(&fwu, 0, tsr_view(NULL, 0)) == PSA_SUCCESS;
    case PSA_FWU_WRITING:
        return i.impl.written < second.len ? write_part(i.impl.written)
                                           : tsr_fwu_finish(&fwu, 0) == PSA_SUCCESS;
    case PSA_FWU_CANDIDATE: return tsr_fwu_install(&fwu) == PSA_SUCCESS_REBOOT;
    case PSA_FWU_STAGED: return restart_device();
    case PSA_FWU_TRIAL: return tsr_fwu_accept(&fwu) == PSA_SUCCESS;
    case PSA_FWU_UPDATED:
    case PSA_FWU_FAILED: return tsr_fwu_clean(&fwu, 0) == PSA_SUCCESS;
    default: return false;
    }
}

bool life_update_to(const char *to)
{
    char now[32];

    tell(now, sizeof now);
    while (place(now) < place(to)) {
        if (!go_on())
            return false;
        tell(now, sizeof now);
    }
    return true;
}
