/* SPDX-License-Identifier: Apache-2.0
 *
 * In the process: the core of the service, built as it is there, and ITS on a store in a file like
 * the service's. Takes orders from its standard input and answers what they took. */
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

static bool open_store(void)
{
    int fd;

    (void)snprintf(here.path, sizeof here.path, "/tmp/tessera-bench-XXXXXX");
    fd = mkstemp(here.path);
    if (fd < 0 || close(fd) != 0 || unlink(here.path) != 0 ||
        tsr_flash_file_open(&here.file, here.path, (tsr_flash_geometry){ 0, 0, 0 }) != TSR_OK)
        return false;
    (void)unlink(here.path); /* it goes with the process */
    if (tsr_store_format(&here.file.flash) != TSR_OK ||
        tsr_store_mount(&here.store, &here.file.flash, here.index, 64, 2048) != TSR_OK)
        return false;
    here.its = (tsr_its){ .store = &here.store, .buffer_max = 4096 };
    return true;
}

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

/* The core keeps persistent keys there; none is made here. */
psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    return tsr_its_get_info(&here.its, -1, uid, p_info);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid) { return tsr_its_remove(&here.its, -1, uid); }

int main(void)
{
    psa_calls_order order;

    if (!open_store() || !psa_calls_prepare())
        return 1;
    while (read(STDIN_FILENO, &order, sizeof order) == (ssize_t)sizeof order) {
        /* as in the other process, the first call is not counted */
        psa_taken begun, taken;

        if (order.which >= psa_calls_count() || !psa_calls_make(order.which, 1))
            return 1;
        begun = psa_calls_now();
        if (!psa_calls_make(order.which, order.n))
            return 1;
        taken = psa_calls_now();
        taken = (psa_taken){ taken.trip - begun.trip, taken.cpu - begun.cpu };
        if (write(STDOUT_FILENO, &taken, sizeof taken) != (ssize_t)sizeof taken)
            return 1;
    }
    tsr_flash_file_close(&here.file);
    return 0;
}
