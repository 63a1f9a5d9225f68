/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device maker includes: the client, the objects that are there already, and what it takes to
 * write one (docs/OBJECTS.md). The parts say more, each at its place:
 *
 *     client/client.h         the engine: feed, poll, event_next, due_ms; Send; what a host is told
 *     client/dtls_channel.h   DTLS below an account, with its keys behind PSA
 *     client/bootstrap.h      accounts that a bootstrap server brings
 *     model/object.h          an object: a table and one function per operation
 *
 * An object defined by an OMA file gets its table from generated/lwm2m_objects.h, or from the program
 * tessera-objects for a file that is not among them.
 * On Linux, ports/linux/device/device.h has socket, clock, files and loop: examples/ are whole programs. */
#ifndef TESSERA_LWM2M_CLIENT_H
#define TESSERA_LWM2M_CLIENT_H

#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/client/dtls_channel.h"
#include "tessera/lwm2m/model/object.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/light.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/lwm2m/objects/sensor.h"
#include "tessera/lwm2m/objects/server.h"

#endif
