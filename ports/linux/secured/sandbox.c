/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ports/linux/secured/log.h"

#define LOCKED_ENOUGH (64u << 20) /* bytes: several times what the service ever uses */
#define FILES_ENOUGH  1024u       /* two for each connection, and a few */

/* With a small limit on locked memory, MCL_FUTURE would make a later allocation fail. */
static void lock_memory(void)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &limit);
    }
    if (limit.rlim_cur >= LOCKED_ENOUGH && mlockall(MCL_CURRENT | MCL_FUTURE) == 0)
        tsr_log("info", "memory.locked", "limit=%llu", (unsigned long long)limit.rlim_cur);
    else
        tsr_log("warning", "memory.unlocked",
                "limit=%llu remedy=\"raise the limit of locked memory to 64 MiB, give "
                "CAP_IPC_LOCK, or encrypt the swap space\"",
                (unsigned long long)limit.rlim_cur);
}

void tsr_sandbox_memory(void)
{
    struct rlimit none = { 0, 0 }, files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_ENOUGH) {
        files.rlim_cur = files.rlim_max < FILES_ENOUGH ? files.rlim_max : FILES_ENOUGH;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        tsr_log("warning", "memory.dumpable", "cause=\"%s\"", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        tsr_log("warning", "privileges.not-frozen", "cause=\"%s\"", strerror(errno));
    lock_memory();
}

tsr_err tsr_sandbox_user(const char *name)
{
    const struct passwd *pw = getpwnam(name);

    if (pw == NULL)
        return TSR_E_NOT_FOUND;
    if (setgroups(0, NULL) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
        return TSR_E_DENIED;
    /* changing the user makes a process dumpable as configured; take it back */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return TSR_OK;
}

/* A service that was started as root and told no user keeps nothing of root but its number. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    if (syscall(SYS_capset, &head, none) != 0)
        tsr_log("warning", "capabilities.kept", "cause=\"%s\"", strerror(errno));
}

/* What each version of the interface lets one give up: the kernel's struct and its bits, which the
 * headers of an older system do not have all. */
typedef struct {
    uint64_t files, net, scopes;
} landlock_given_up;

static landlock_given_up given_up_at(long abi)
{
    static const uint8_t file_rights[] = { 0, 13, 14, 15, 15, 16 }; /* by ABI */
    landlock_given_up all = { 0, 0, 0 };

    all.files = (UINT64_C(1) << file_rights[abi < 5 ? abi : 5]) - 1;
    if (abi >= 4)
        all.net = 3; /* bind and connect with TCP */
    if (abi >= 6)
        all.scopes = 3; /* abstract sockets of others, signals to others */
    return all;
}

long tsr_sandbox_files(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (abi < 1)
        return 0;

    landlock_given_up all = given_up_at(abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);

    if (fd < 0)
        return 0;

    /* every file we need is open by now, so the rules are: none */
    long restricted = syscall(SYS_landlock_restrict_self, fd, 0);

    (void)close(fd);
    return restricted == 0 ? abi : 0;
}

static void close_files(void)
{
    long abi = tsr_sandbox_files();

    if (abi == 0)
        tsr_log("warning", "landlock.absent", "cause=\"%s\"", strerror(errno));
    else
        tsr_log("info", "landlock.closed", "abi=%ld", abi);
}

/* The allow-list. Whatever is not here kills the process; `--sandbox-list` prints it. */
static const struct {
    int call;
    const char *name, *why;
} allowed[] = {
#define CALL(name, why)                                                                            \
    {                                                                                              \
        SCMP_SYS(name), #name, why                                                                 \
    }
    CALL(epoll_wait, "waits for clients"),
    CALL(epoll_pwait, "the same, where libc has no other"),
    CALL(epoll_ctl, "watches a client, or not while it is over its rate"),
    CALL(accept4, "takes a connection"),
    CALL(getsockopt, "asks the kernel who connected (SO_PEERCRED)"),
    CALL(recvfrom, "takes a request"),
    CALL(sendto, "gives a reply"),
    CALL(sendmsg, "hands shared memory to a client"),
    CALL(close, "ends a connection"),
    CALL(memfd_create, "memory to share with a client"),
    CALL(ftruncate, "its size, before it is sealed; empties a slot of an update"),
    CALL(eventfd2, "the bell of that memory"),
    CALL(futex, "wakes the client at that memory; locks of libc"),
    CALL(read, "signals that came (signalfd)"),
    CALL(write, "the log, and the line that says ready"),
    CALL(pread64, "the stores and slots, which are open"),
    CALL(pwrite64, "the same"),
    CALL(fdatasync, "the same"),
    CALL(fsync, "the same"),
    CALL(lseek, "the same"),
    CALL(flock, "lets go of the store at the end"),
    CALL(munmap, "allocator; shared memory of a client that left"),
    CALL(mremap, "allocator"),
    CALL(brk, "allocator"),
    CALL(madvise, "allocator"),
    CALL(getrandom, "keys, nonces"),
    CALL(clock_gettime, "time in the log, rates; mostly not a call at all"),
    CALL(gettimeofday, "the same"),
    CALL(getcpu, "the core that a client shares or not; mostly not a call at all"),
    CALL(rt_sigreturn, "return from a signal handler"),
    CALL(rt_sigprocmask, "abort() and exit()"),
    CALL(restart_syscall, "the kernel's own, after a stop"),
    CALL(getpid, "abort()"),
    CALL(gettid, "abort()"),
    CALL(tgkill, "abort(), at itself only: it may signal nobody else"),
    CALL(geteuid, "the log"),
    CALL(exit, "the end"),
    CALL(exit_group, "the end"),
#undef CALL
};

/* Calls of which only some uses are allowed. */
static const struct {
    const char *name, *use, *why;
} bounded[] = {
    { "mmap", "never executable", "allocator; shared memory" },
    { "mprotect", "never executable", "allocator" },
    { "fcntl", "F_ADD_SEALS", "seals the memory before a client gets it" },
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

void tsr_sandbox_list(void)
{
    for (size_t i = 0; i < COUNT(allowed); i++)
        (void)printf("%-16s %-18s %s\n", allowed[i].name, "", allowed[i].why);
    for (size_t i = 0; i < COUNT(bounded); i++)
        (void)printf("%-16s %-18s %s\n", bounded[i].name, bounded[i].use, bounded[i].why);
}

static int allow_bounded(scmp_filter_ctx ctx)
{
    const struct scmp_arg_cmp data = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 };
    const struct scmp_arg_cmp seal = { 1, SCMP_CMP_EQ, F_ADD_SEALS, 0 };

    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, data) != 0 ||
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, data) != 0 ||
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, seal) != 0;
}

static tsr_err close_system_calls(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    /* a search tree instead of a list, so that the filter costs each call little */
    int bad = ctx == NULL || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0;

    for (size_t i = 0; !bad && i < COUNT(allowed); i++)
        bad = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i].call, 0) != 0;
    if (!bad)
        bad = allow_bounded(ctx) || seccomp_load(ctx) != 0;
    if (ctx != NULL)
        seccomp_release(ctx);
    return bad ? TSR_E_IO : TSR_OK;
}

tsr_err tsr_sandbox_close(void)
{
    drop_capabilities();
    close_files();

    tsr_err err = close_system_calls();

    if (err == TSR_OK)
        tsr_log("info", "seccomp.closed", "calls=%zu", COUNT(allowed) + COUNT(bounded));
    else
        tsr_log("error", "seccomp.failed",
                "cause=\"the kernel refused the filter\" remedy=\"--no-sandbox, if you must\"");
    return err;
}
