/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service of probe.c tries, by the type of the call. */
#ifndef TESTS_PSA_PROBE_H
#define TESTS_PSA_PROBE_H

#define PROBE_HANDLE 900

enum {
    PROBE_NOTHING,
    PROBE_ALLOWED, /* a system call of the list */
    PROBE_OPEN,    /* from here on: killed */
    PROBE_CREATE,
    PROBE_UNLINK,
    PROBE_SOCKET,
    PROBE_CONNECT,
    PROBE_BIND,
    PROBE_EXEC,
    PROBE_PTRACE,
    PROBE_CLONE,
    PROBE_CLONE3,
    PROBE_KILL,
    PROBE_READ_OTHER,
    PROBE_EXEC_MAP,
    PROBE_EXEC_PROTECT,
    PROBE_DUMPABLE,
    PROBE_SETUID,
    PROBE_UNSEAL,
    PROBE_UNSHARE,
    PROBE_IO_URING,
    PROBE_BPF,
    PROBE_MOUNT,
    PROBE_FSTAT, /* as libc makes it, which is fstat or newfstatat: it would tell of any path */
    PROBE_FSTAT_ITSELF,
    PROBE_NAMELESS,
    PROBE_COUNT,
};

#endif
