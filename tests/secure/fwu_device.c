/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/fwu_device.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- flashes that go dark together ---- */

static bool dark(device_part *p)
{
    if (p->power->off)
        return true;
    if (p->power->count++ == p->power->cut_at) {
        p->s.cut_at = p->s.count; /* this call is torn, as the simulator does it */
        p->power->off = true;
    }
    return false;
}

static tsr_err part_read(void *self, uint32_t at, void *data, size_t len)
{
    device_part *p = self;

    return p->power->off ? TSR_E_IO : p->s.flash.read(&p->s, at, data, len);
}

static tsr_err part_program(void *self, uint32_t at, const void *data, size_t len)
{
    device_part *p = self;

    return dark(p) ? TSR_E_IO : p->s.flash.program(&p->s, at, data, len);
}

static tsr_err part_erase(void *self, uint32_t at)
{
    device_part *p = self;

    return dark(p) ? TSR_E_IO : p->s.flash.erase(&p->s, at);
}

static tsr_err part_sync(void *self)
{
    device_part *p = self;

    return dark(p) ? TSR_E_IO : p->s.flash.sync(&p->s);
}

static void part_open(device_part *p, device_power *power, uint32_t size, uint32_t block,
                      uint32_t unit, uint64_t seed)
{
    sim_open(&p->s, size, block, unit, false, seed);
    p->power = power;
    p->flash = p->s.flash;
    p->flash.read = part_read;
    p->flash.program = part_program;
    p->flash.erase = part_erase;
    p->flash.sync = part_sync;
    p->flash.self = p;
}

static tsr_err count_reboot(void *self)
{
    device *d = self;

    d->reboots++;
    return TSR_OK;
}

void device_make(device *d, const uint32_t *properties, size_t count, bool factory)
{
    static uint64_t seed = 1;

    memset(d, 0, sizeof *d);
    d->power.cut_at = UINT64_MAX;
    d->count = count;
    part_open(&d->its_part, &d->power, 8 * 4096, 4096, 8, seed++);
    MUST(tsr_store_format(&d->its_part.flash) == TSR_OK);
    for (size_t i = 0; i < count; i++) {
        tsr_fwu_component *c = &d->components[i];

        snprintf(c->name, sizeof c->name, "c%zu", i);
        memcpy(c->vendor, package_vendor, 16);
        memcpy(c->class_id, package_class, 16);
        c->properties = properties != NULL ? properties[i] : 0;
        c->progress = 4096;
        for (size_t k = 0; k < 2; k++) {
            part_open(&d->slot[i][k], &d->power, 6 * 4096, 4096, 8, seed++);
            c->slots[k] = &d->slot[i][k].flash;
        }
        if (factory) {
            package p = { .component = i, .sequence = 1, .version = "1.0.0", .seed = 1 };
            packed out;

            package_make(&p, &out);
            out.len = (out.len + 15) / 16 * 16;
            MUST(d->slot[i][0].flash.program(&d->slot[i][0], 0, out.bytes, out.len) == TSR_OK);
            MUST(d->slot[i][0].flash.sync(&d->slot[i][0]) == TSR_OK);
        }
    }
}

void device_end(device *d)
{
    sim_close(&d->its_part.s);
    for (size_t i = 0; i < d->count; i++)
        for (size_t k = 0; k < 2; k++)
            sim_close(&d->slot[i][k].s);
}

psa_status_t device_open(device *d)
{
    if (d->power.off) {
        sim_restore(&d->its_part.s);
        for (size_t i = 0; i < d->count; i++)
            for (size_t k = 0; k < 2; k++)
                sim_restore(&d->slot[i][k].s);
    }
    d->power.off = false;
    d->power.cut_at = UINT64_MAX;
    MUST(tsr_store_mount(&d->store, &d->its_part.flash, d->index, DEVICE_ENTRIES, 1024) == TSR_OK);
    d->its = (tsr_its){ .store = &d->store, .buffer_max = 1u << 20 };
    memcpy(d->anchors[0].point, package_point(0), 65);
    memcpy(d->anchors[1].point, package_point(1), 65);
    d->anchors[0].components = UINT32_MAX;
    d->anchors[1].components = 2;
    tsr_fwu_psa_open(&d->crypto);
    if (d->with_key)
        MUST(tsr_fwu_psa_decrypts(&d->crypto, package_kek()));
    d->fwu = (tsr_fwu){
        .its = &d->its,
        .components = d->components,
        .count = d->count,
        .anchors = d->anchors,
        .anchor_count = 2,
        .crypto = &d->crypto.crypto,
        .work = d->work,
        .work_len = sizeof d->work,
        .reboot = count_reboot,
        .reboot_self = d,
    };
    return tsr_fwu_open(&d->fwu);
}

psa_status_t device_boot(device *d, psa_status_t cause)
{
    psa_status_t status = device_open(d);

    return status == PSA_SUCCESS ? tsr_fwu_boot(&d->fwu, cause, d->choices) : status;
}

psa_status_t device_write(device *d, const package *p, packed *out, size_t part)
{
    psa_fwu_component_t id = (psa_fwu_component_t)p->component;
    psa_status_t status;

    package_make(p, out);
    status = tsr_fwu_start(&d->fwu, id, tsr_view(out->manifest, out->manifest_len));
    for (size_t at = 0; status == PSA_SUCCESS && at < out->len; at += part)
        status = tsr_fwu_write(&d->fwu, id, at,
                               tsr_first(tsr_view(out->bytes + at, out->len - at), part));
    return status;
}

psa_status_t device_prepare(device *d, const package *p)
{
    packed out;
    psa_status_t status = device_write(d, p, &out, 1024);

    return status == PSA_SUCCESS ? tsr_fwu_finish(&d->fwu, (psa_fwu_component_t)p->component)
                                 : status;
}

psa_fwu_component_info_t device_info(const device *d, size_t id)
{
    psa_fwu_component_info_t info;

    MUST(tsr_fwu_query(&d->fwu, (psa_fwu_component_t)id, &info) == PSA_SUCCESS);
    return info;
}

uint8_t device_state(const device *d, size_t id) { return device_info(d, id).state; }

const char *device_manners(const device *d)
{
    const char *bad = d->its_part.s.bad_manners;

    for (size_t i = 0; bad == NULL && i < d->count; i++)
        for (size_t k = 0; bad == NULL && k < 2; k++)
            bad = d->slot[i][k].s.bad_manners;
    return bad;
}
