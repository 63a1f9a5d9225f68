/* SPDX-License-Identifier: Apache-2.0
 *
 * A device in memory for update tests: ITS and two slots for each component on flashes that lose
 * power together. */
#ifndef TESTS_SECURE_FWU_DEVICE_H
#define TESTS_SECURE_FWU_DEVICE_H

#include "secure/fwu/boot.h"
#include "secure/fwu/crypto.h"
#include "tests/secure/flash_sim.h"
#include "tests/secure/fwu_package.h"

#define DEVICE_ENTRIES 64u

typedef struct {
    uint64_t count;  /* program, erase and sync calls of all parts */
    uint64_t cut_at; /* UINT64_MAX: never */
    bool off;
} device_power;

typedef struct {
    tsr_flash flash; /* counts, then asks the simulator */
    sim s;
    device_power *power;
} device_part;

typedef struct {
    device_power power;
    device_part its_part, slot[TSR_FWU_COMPONENTS][2];
    tsr_store store;
    tsr_store_entry index[DEVICE_ENTRIES];
    tsr_its its;
    tsr_fwu_component components[TSR_FWU_COMPONENTS];
    size_t count;
    tsr_fwu_anchor anchors[2];
    tsr_fwu_psa crypto;
    uint8_t work[TSR_FWU_WORK_MIN];
    tsr_fwu fwu;
    tsr_fwu_choice choices[TSR_FWU_COMPONENTS];
    unsigned reboots; /* asked for */
    bool with_key;    /* it has the key that images are encrypted to */
} device;

/** Makes a device; `factory` is put into slot a of every component, as version 1.0.0, sequence 1.
 */
void device_make(device *d, const uint32_t *properties, size_t count, bool factory);
void device_end(device *d);

/** Power (again): what was not synced is lost or torn; boot. */
psa_status_t device_boot(device *d, psa_status_t cause);
/** The same without the decision: the service alone starts again. */
psa_status_t device_open(device *d);

/** start and write, in parts of `part` bytes. */
psa_status_t device_write(device *d, const package *p, packed *out, size_t part);
/** start, write, finish. */
psa_status_t device_prepare(device *d, const package *p);
uint8_t device_state(const device *d, size_t id);
psa_fwu_component_info_t device_info(const device *d, size_t id);
/** NULL, or what the flashes complain of. */
const char *device_manners(const device *d);

#endif
