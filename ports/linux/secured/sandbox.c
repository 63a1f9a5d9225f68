/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ports/linux/secured/log.h"

#define LOCKED_ENOUGH (64u << 20) /* bytes: several times what the service ever uses */

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
    struct rlimit none = { 0, 0 };

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

/* Every file we need is open by now, so the rules are: none. */
static void close_files(void)
{
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = (LANDLOCK_ACCESS_FS_REFER << 1) - 1, /* all that this header names */
    };
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 2)
        attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;

    long fd = version < 1 ? -1 : syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);

    if (fd < 0 || syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
        tsr_log("warning", "landlock.absent", "cause=\"%s\"", strerror(errno));
    else
        tsr_log("info", "landlock.closed", "abi=%ld", version);
    if (fd >= 0)
        (void)close((int)fd);
}

static const int allowed[] = {
    /* serving */
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockopt),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    /* the store, which is open */
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fsync),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(flock),
    /* memory, time, random numbers */
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    /* the end of it */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),
    SCMP_SYS(geteuid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* mprotect is left to the allocator, but nothing ever becomes executable. */
static int allow_mprotect(scmp_filter_ctx ctx)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static tsr_err close_system_calls(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    /* a search tree instead of a list, so that the filter costs each call little */
    int bad = ctx == NULL || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0;

    for (size_t i = 0; !bad && i < sizeof allowed / sizeof allowed[0]; i++)
        bad = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0) != 0;
    if (!bad)
        bad = allow_mprotect(ctx) != 0 || seccomp_load(ctx) != 0;
    if (ctx != NULL)
        seccomp_release(ctx);
    return bad ? TSR_E_IO : TSR_OK;
}

tsr_err tsr_sandbox_close(void)
{
    close_files();

    tsr_err err = close_system_calls();

    if (err == TSR_OK)
        tsr_log("info", "seccomp.closed", "calls=%zu", sizeof allowed / sizeof allowed[0] + 1);
    else
        tsr_log("error", "seccomp.failed",
                "cause=\"the kernel refused the filter\" remedy=\"--no-sandbox, if you must\"");
    return err;
}
