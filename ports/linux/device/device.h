/* SPDX-License-Identifier: Apache-2.0
 *
 * A Linux program as an LwM2M device: objects of its own beside 0, 1 and 3, one server, and a loop that
 * returns whenever there is something to do. The client itself is in tessera/lwm2m/client.h; who needs
 * several servers, bootstrap or queue mode drives it as apps/tesserad does.
 *
 *     tsr_linux_device *device = tsr_linux_open(&config, objects, count);
 *
 *     while (tsr_linux_run(device, 1000))
 *         measure, or act on what a server wrote
 *     return tsr_linux_close(device);
 *
 * One thread. What happens is logged on standard error. */
#ifndef PORTS_LINUX_DEVICE_DEVICE_H
#define PORTS_LINUX_DEVICE_DEVICE_H

#include "tessera/lwm2m/client.h"

enum { TSR_LINUX_OBJECTS = 32 }; /* of the program */

/** The texts must stay as long as the device is open. */
typedef struct {
    const char *endpoint;
    const char *server;   /* "coap://host[:port]", or "coaps://..." with a pre-shared key */
    const char *identity; /* of that key; NULL: the endpoint */
    const char *key_file; /* brings the key, in hexadecimal digits, to the secure service: once is
                             enough, the file may go afterwards; NULL: it is there */
    uint32_t key;         /* its number there; 0: 1 */
    const char *secured;  /* socket of tessera-secured; NULL: see psa/api */
    const char *state;    /* directory for what is to outlive a restart; NULL: nothing does */
    uint32_t lifetime_s;  /* 0: 300 */
    const char *manufacturer, *model, *firmware; /* of object 3; NULL: what the host says */
} tsr_linux_config;

typedef struct tsr_linux_device tsr_linux_device;

/** Reads --endpoint, --server, --identity, --key-file, --key, --secured, --state and --lifetime over
 *  what `config` holds already.
 *
 *  errors  -1: something is wrong and was said on standard error; else the index in argv of the first
 *          word that is no option */
int tsr_linux_options(tsr_linux_config *config, int argc, char *argv[]);

/** Opens a device. `objects` are ascending by object id, and none is 0, 1 or 3; their states must stay.
 *  errors  NULL; the cause was logged */
tsr_linux_device *tsr_linux_open(const tsr_linux_config *config, const tsr_lwm2m_object *objects,
                                 size_t count);

/** Goes on for at most that long. Returns true early when a server has written, executed, created or
 *  deleted something: it is acknowledged by the next call, after the program has acted; or when
 *  a signal handler of the program's ran.
 *
 *  errors  false: it is over, by SIGTERM or SIGINT, or because a server asked for a reboot; the server
 *          has been told */
bool tsr_linux_run(tsr_linux_device *device, uint32_t for_ms);

/** For tsr_lwm2m_client_changed(), tsr_lwm2m_send() (the server is account 0) and the like. */
tsr_lwm2m_client *tsr_linux_client(tsr_linux_device *device);

/** De-registers, if that was not done, and frees everything. NULL is allowed.
 *  Returns what main() should: 0, or 1 if there was no device or it ended without a good-bye. */
int tsr_linux_close(tsr_linux_device *device);

#endif
