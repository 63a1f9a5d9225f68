/* SPDX-License-Identifier: Apache-2.0
 *
 * A device in memory for update tests: ITS and two slots for each component on flashes that lose
 * power together, and packages made for it with keys of its own. */
#ifndef TESTS_SECURE_FWU_DEVICE_H
#define TESTS_SECURE_FWU_DEVICE_H

#include "secure/fwu/boot.h"
#include "secure/fwu/crypto.h"
#include "tessera/suit/write.h"
#include "tests/secure/flash_sim.h"

#define DEVICE_ENTRIES 64u
#define DEVICE_KEYS    3u /* 0 may sign everything, 1 only component 1, 2 nothing */

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
} device;

typedef struct {
    size_t component; /* its number; names are c0, c1, ... */
    uint64_t sequence;
    const char *version; /* NULL: no text */
    uint8_t seed;        /* of the payload */
    size_t len;          /* of the payload; 0: 3000 */
    bool following;      /* the payload comes behind the envelope, not in it */
    bool detached;       /* the envelope is apart */
    bool sever;          /* the text is severed */
    unsigned key;        /* who signs */
    bool other_vendor, other_class, other_digest;
    int size_off; /* the manifest's size is wrong by so much */
    const tsr_suit_need *needs;
    size_t need_count;
} package;

typedef struct {
    uint8_t bytes[32768];
    size_t len;
    uint8_t manifest[TSR_FWU_MANIFEST_MAX];
    size_t manifest_len; /* 0: bundled */
} packed;

/** Keys and PSA core; once per program. */
void device_world(void);
const uint8_t *device_point(unsigned key);

/** Makes a device; `factory` is put into slot a of every component, as version 1.0.0, sequence 1.
 */
void device_make(device *d, const uint32_t *properties, size_t count, bool factory);
void device_end(device *d);

/** Power (again): what was not synced is lost or torn; boot. */
psa_status_t device_boot(device *d, psa_status_t cause);
/** The same without the decision: the service alone starts again. */
psa_status_t device_open(device *d);

void package_make(const package *p, packed *out);
/** start and write, in parts of `part` bytes. */
psa_status_t device_write(device *d, const package *p, packed *out, size_t part);
/** start, write, finish. */
psa_status_t device_prepare(device *d, const package *p);
uint8_t device_state(const device *d, size_t id);
psa_fwu_component_info_t device_info(const device *d, size_t id);
/** NULL, or what the flashes complain of. */
const char *device_manners(const device *d);

#endif
