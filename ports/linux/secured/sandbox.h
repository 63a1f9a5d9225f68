/* SPDX-License-Identifier: Apache-2.0
 *
 * What the secure service gives up before it serves. */
#ifndef PORTS_LINUX_SECURED_SANDBOX_H
#define PORTS_LINUX_SECURED_SANDBOX_H

#include "tessera/base/bytes.h"

/** No core dumps, no debugger, memory locked where the limits allow it, no new privileges.
 *  Call it before any key is in memory; what could not be done is logged. */
void tsr_sandbox_memory(void);

/** Becomes another user, for good. errors TSR_E_NOT_FOUND (no such user), TSR_E_DENIED */
tsr_err tsr_sandbox_user(const char *name);

/** No file can be opened, made, changed or removed any more, no TCP connection made or taken, and no
 * process outside reached by a signal or an abstract socket, as far as the kernel's Landlock goes.
 * What is open stays so. Needs no_new_privs, which tsr_sandbox_memory() sets.
 *  returns the version of the interface; 0: there is none, errno says why */
long tsr_sandbox_files(void);

/** No capability is left, no file can be opened any more (Landlock, where the kernel has it), and
 * only the system calls of serving are left: any other kills the process. Call it last. errors
 * TSR_E_IO  the filter could not be installed; do not serve */
tsr_err tsr_sandbox_close(void);

/** Prints the system calls that are left then, and why each, on standard output. */
void tsr_sandbox_list(void);

#endif
