/* SPDX-License-Identifier: Apache-2.0
 *
 * FIDO Device Onboard before the daemon's own life: a blank device is initialised by its manufacturer,
 * looks for its owner, and is handed accounts, with which it then registers. docs/FDO.md */
#ifndef APPS_TESSERAD_ONBOARD_H
#define APPS_TESSERAD_ONBOARD_H

#include "apps/tesserad/config.h"
#include "ports/linux/fdo/carrier.h"
#include "ports/linux/fdo/handover.h"
#include "ports/linux/fdo/store.h"
#include "ports/linux/http/anchors.h"
#include "tessera/fdo/device.h"

enum { ONBOARD_MODULES = 6 };

/** A module of ports/linux/fdo as the engine takes it. */
typedef struct {
    tsr_info info;
    tsr_fdo_module module;
    struct onboard *of;
} onboard_module;

typedef struct onboard {
    const config *config;
    tsr_fdo_store store;
    tsr_carrier carrier;
    tsr_anchors trust, web_trust; /* of the services; for fdo.wget */
    tsr_carrier_place place;
    tsr_fdo_device device;
    tsr_fdo_device_config how;
    tsr_fdo_devmod devmod;
    bool reselling;

    tsr_info_bounds bounds;
    tsr_info_download download;
    tsr_info_upload upload;
    tsr_info_command command;
    tsr_info_wget wget;
    tsr_info_csr csr;
    tsr_info_lwm2m lwm2m;
    onboard_module modules[ONBOARD_MODULES];
    const tsr_fdo_module *list[ONBOARD_MODULES];
    size_t module_count;
} onboard;

/** Places the modules that the configuration allows. */
void onboard_modules(onboard *o);

/** Whether a module is at work, and until when at most to wait for it; adds what to poll(2). */
bool onboard_busy(const onboard *o, uint64_t now_ms, uint64_t *due_ms, int *fd, short *events);

typedef enum {
    ONBOARD_DONE,   /* the accounts are in the configuration; or there is no section [fdo] */
    ONBOARD_ENDED,  /* by a signal */
    ONBOARD_RELOAD, /* SIGHUP */
    ONBOARD_FAILED, /* the log says why */
} onboard_end;

/** Onboards the device, unless it is, however long that takes, and adds the accounts that it has from
 *  its owner to the configuration. */
onboard_end onboard_run(config *c);

/** Adds accounts to the configuration; certificates become files in the state directory.
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE; TSR_E_IO  errno says why */
tsr_err onboard_accounts(config *c, tsr_bytes accounts);

/** `tesserad fdo`: says what state the device is in; with reset, drops what its owner gave and looks for
 *  an owner again; with erase, nothing of FDO stays; with guid, says the credential's GUID, if there is one.
 *  Returns the exit code. */
int onboard_command(config *c, bool reset, bool erase, bool guid);

#endif
