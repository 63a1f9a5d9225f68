/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox of software: Landlock for files, seccomp for calls. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ports/linux/host/log.h"
#include "ports/linux/software/run.h"

/* The rights of files by version of the interface (the kernel's header may be older than it). */
enum {
    EXECUTE = 1 << 0, WRITE = 1 << 1, READ = 1 << 2, LIST = 1 << 3, TRUNCATE = 1 << 14,
    IOCTL = 1 << 15,
};

static const uint8_t rights[] = { 0, 13, 14, 15, 15, 16 };

static uint64_t all_rights(long abi) { return (UINT64_C(1) << rights[abi < 5 ? abi : 5]) - 1; }

/* `folder` and what is below it; nothing where there is none. */
static tsr_err allow(int rules, const char *folder, const char *below, uint64_t access)
{
    struct landlock_path_beneath_attr at = { .allowed_access = access };
    char path[512];
    struct stat st;
    long done;

    (void)snprintf(path, sizeof path, "%s%s", folder, below);
    at.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (at.parent_fd < 0)
        return TSR_OK;
    if (fstat(at.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        at.allowed_access &= EXECUTE | WRITE | READ | TRUNCATE | IOCTL;
    done = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &at, 0);
    (void)close(at.parent_fd);
    return done == 0 ? TSR_OK : TSR_E_IO;
}

static tsr_err allow_all(int rules, const char *folder, char *const *shared, long abi)
{
    static const char *const programs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32" };
    static const char *const texts[] = { "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime",
                                         "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                         "/etc/ssl/certs" };
    static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/urandom",
                                           "/dev/random" };
    uint64_t seen = all_rights(abi);
    tsr_err err = allow(rules, folder, "/app", EXECUTE | READ | LIST);

    if (err == TSR_OK)
        err = allow(rules, folder, "/data", seen & ~(uint64_t)(EXECUTE | IOCTL));
    for (; err == TSR_OK && *shared != NULL; shared++)
        err = allow(rules, *shared, "", seen & ~(uint64_t)(EXECUTE | IOCTL));
    for (size_t i = 0; err == TSR_OK && i < sizeof programs / sizeof *programs; i++)
        err = allow(rules, programs[i], "", EXECUTE | READ | LIST);
    for (size_t i = 0; err == TSR_OK && i < sizeof texts / sizeof *texts; i++)
        err = allow(rules, texts[i], "", READ | LIST);
    for (size_t i = 0; err == TSR_OK && i < sizeof devices / sizeof *devices; i++)
        err = allow(rules, devices[i], "", (READ | WRITE | TRUNCATE) & seen);
    return err;
}

static tsr_err close_files(const char *folder, char *const *shared)
{
    struct {
        uint64_t files, net, scopes;
    } kept = { 0, 0, 0 };
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int rules;
    tsr_err err;

    if (abi < 1) {
        tsr_host_log(TSR_LOG_WARNING, "software-files-open", "cause=\"%s\" remedy=\"a kernel with "
                     "Landlock\"", strerror(errno));
        return TSR_OK;
    }
    kept.files = all_rights(abi);
    if (abi >= 6)
        kept.scopes = 3; /* abstract sockets of others, signals to others */
    rules = (int)syscall(SYS_landlock_create_ruleset, &kept, abi >= 6 ? sizeof kept : 8, 0);
    if (rules < 0)
        return TSR_E_IO;
    err = allow_all(rules, folder, shared, abi);
    if (err == TSR_OK && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        err = TSR_E_IO;
    (void)close(rules);
    return err;
}

static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    (void)syscall(SYS_capset, &head, none);
}

/* Calls that reach other processes, or the system's configuration, and those by which a process would
 * leave its keeper's sight. A call that this machine's libseccomp does not know is passed over. */
static const char *const forbidden[] = {
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
    "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen",
    "fsconfig", "fsmount", "mount_setattr", "swapon", "swapoff", "quotactl", "reboot", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "bpf", "perf_event_open",
    "keyctl", "add_key", "request_key", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "setsid", "setpgid", "unshare", "setns", "personality", "acct", "syslog",
    "open_by_handle_at", "name_to_handle_at", "settimeofday", "clock_settime", "clock_adjtime",
    "adjtimex", "sethostname", "setdomainname", "iopl", "ioperm", "vhangup", "nfsservctl",
    "lookup_dcookie", "memfd_secret",
};

/* Forbids a call whose first argument compares so. */
static int forbid_some(scmp_filter_ctx f, int call, int error, enum scmp_compare how, uint64_t a,
                       uint64_t b)
{
    const struct scmp_arg_cmp first = { 0, how, a, b };

    return seccomp_rule_add_array(f, SCMP_ACT_ERRNO((uint32_t)error), call, 1, &first);
}

static int forbid_sockets(scmp_filter_ctx f, bool network)
{
    int bad = 0;

    if (!network)
        return seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 0);
    /* only AF_INET and AF_INET6 pass: 2 and 10 */
    bad |= forbid_some(f, SCMP_SYS(socket), EACCES, SCMP_CMP_LT, AF_INET, 0);
    for (uint32_t family = AF_INET + 1; family < AF_INET6; family++)
        bad |= forbid_some(f, SCMP_SYS(socket), EACCES, SCMP_CMP_EQ, family, 0);
    bad |= forbid_some(f, SCMP_SYS(socket), EACCES, SCMP_CMP_GT, AF_INET6, 0);
    return bad;
}

/* clone3 hides its flags behind a pointer; libc goes back to clone, whose flags can be seen. */
static int forbid_namespaces(scmp_filter_ctx f)
{
    static const uint64_t spaces[] = { CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                                       CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP };
    int bad = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        bad |= forbid_some(f, SCMP_SYS(clone), EPERM, SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]);
    return bad;
}

static tsr_err close_calls(bool network)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    int bad;

    if (f == NULL)
        return TSR_E_IO;
    bad = forbid_sockets(f, network) | forbid_namespaces(f);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        int call = seccomp_syscall_resolve_name(forbidden[i]);

        if (call != __NR_SCMP_ERROR)
            bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), call, 0);
    }
    if (bad == 0)
        bad = seccomp_load(f);
    seccomp_release(f);
    return bad == 0 ? TSR_OK : TSR_E_IO;
}

tsr_err tsr_software_cage(const char *folder, bool network, char *const *shared)
{
    tsr_err err;

    drop_capabilities();
    err = close_files(folder, shared);
    if (err == TSR_OK)
        err = close_calls(network);
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "software-not-started", "cause=\"no sandbox: %s\"",
                     strerror(errno));
    return err;
}
