/* SPDX-License-Identifier: Apache-2.0
 *
 * An object of one's own: 26241, Volume, written by hand (from a definition in OMA's XML the program
 * tessera-objects makes the table). Which file system, how much of it is free, and an Execute that syncs.
 *
 *     example-custom --server coap://127.0.0.1 [PATH] */
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ports/linux/device/device.h"

enum { VOLUME = 26241, PATH = 0, SIZE_KB = 1, FREE_KB = 2, SYNC = 3 };

typedef struct {
    char path[128];
    uint64_t size_kb, free_kb;
} volume;

static const tsr_lwm2m_resource_info resources[] = {
    { PATH, TSR_LWM2M_STRING, TSR_LWM2M_READ | TSR_LWM2M_WRITE | TSR_LWM2M_MANDATORY },
    { SIZE_KB, TSR_LWM2M_UNSIGNED, TSR_LWM2M_READ | TSR_LWM2M_MANDATORY },
    { FREE_KB, TSR_LWM2M_UNSIGNED, TSR_LWM2M_READ | TSR_LWM2M_MANDATORY },
    { SYNC, TSR_LWM2M_NONE, TSR_LWM2M_EXECUTE },
};
static const tsr_lwm2m_object_info self = { .id = VOLUME, .version_major = 1,
                                            .resource_count = 4, .resources = resources };

/* True if the figures are others than before; false also if there is no such path. */
static bool look(volume *v)
{
    struct statvfs s;
    uint64_t free_kb = v->free_kb;

    if (statvfs(v->path, &s) != 0)
        return false;
    v->size_kb = (uint64_t)s.f_blocks * s.f_frsize / 1024;
    v->free_kb = (uint64_t)s.f_bavail * s.f_frsize / 1024;
    return v->free_kb != free_kb;
}

static tsr_err read_one(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const volume *v = state;

    switch (at.resource) {
    case PATH:    return tsr_lwm2m_put_text(out, at, tsr_text(v->path));
    case SIZE_KB: return tsr_lwm2m_put_uint(out, at, v->size_kb);
    case FREE_KB: return tsr_lwm2m_put_uint(out, at, v->free_kb);
    default:      return TSR_E_NOT_FOUND;
    }
}

/* Only a path that is there is taken; nothing changes in the first phase. */
static tsr_err write_one(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                         tsr_lwm2m_phase phase)
{
    volume fresh = { .path = "" };

    (void)at; /* PATH is the one that can be written */
    if (value == NULL || value->as.bytes.len >= sizeof fresh.path)
        return TSR_E_TYPE;
    memcpy(fresh.path, value->as.bytes.ptr, value->as.bytes.len);
    if (phase == TSR_LWM2M_CHECK)
        return access(fresh.path, F_OK) == 0 ? TSR_OK : TSR_E_TYPE;
    *(volume *)state = fresh;
    (void)look(state);
    return TSR_OK;
}

static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    (void)state;
    (void)at;
    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    sync();
    return TSR_OK;
}

int main(int argc, char *argv[])
{
    static const tsr_lwm2m_handlers handlers = { .read = read_one, .write = write_one, .execute = execute };
    volume disk = { .path = "/" };
    const tsr_lwm2m_object objects[] = { { &self, &handlers, &disk } };
    tsr_linux_config config = { .endpoint = "example-custom", .model = "Volume" };
    int rest = tsr_linux_options(&config, argc, argv);
    tsr_linux_device *device;

    if (rest > 0 && rest < argc)
        (void)stpncpy(disk.path, argv[rest], sizeof disk.path - 1);
    (void)look(&disk);
    device = rest < 0 ? NULL : tsr_linux_open(&config, objects, 1);
    while (device != NULL && tsr_linux_run(device, 1000)) {
        if (look(&disk))
            tsr_lwm2m_client_changed(tsr_linux_client(device), tsr_lwm2m_at_instance(VOLUME, 0));
    }
    return tsr_linux_close(device);
}
