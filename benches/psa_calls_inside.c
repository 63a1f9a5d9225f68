/* SPDX-License-Identifier: Apache-2.0
 *
 * In the process: Mbed TLS's core, and ITS on the same store in a file as the service's. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "benches/psa_calls.h"
#include "ports/linux/flash/flash.h"
#include "psa/internal_trusted_storage.h"
#include "secure/storage/its.h"

static struct {
    char path[64];
    tsr_flash_file file;
    tsr_store store;
    tsr_store_entry index[64];
    tsr_its its;
} here;

bool psa_calls_start(const char *socket, bool shared)
{
    int fd;

    (void)socket;
    (void)shared;
    (void)snprintf(here.path, sizeof here.path, "/tmp/tessera-bench-XXXXXX");
    fd = mkstemp(here.path);
    if (fd < 0 || close(fd) != 0 || unlink(here.path) != 0 ||
        tsr_flash_file_open(&here.file, here.path, (tsr_flash_geometry){ 0, 0, 0 }) != TSR_OK ||
        tsr_store_format(&here.file.flash) != TSR_OK ||
        tsr_store_mount(&here.store, &here.file.flash, here.index, 64, 2048) != TSR_OK)
        return false;
    here.its = (tsr_its){ .store = &here.store, .buffer_max = 4096 };
    return true;
}

bool psa_calls_end(void)
{
    tsr_flash_file_close(&here.file);
    return unlink(here.path) == 0;
}

uint64_t psa_calls_crossings(void) { return 0; }

bool psa_calls_ping(void) { return true; }

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    return tsr_its_set(&here.its, -1, uid, data_length, p_data, create_flags);
}

psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length)
{
    return tsr_its_get(&here.its, -1, uid, data_offset, data_size, p_data, p_data_length);
}
