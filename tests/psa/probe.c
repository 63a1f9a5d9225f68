/* SPDX-License-Identifier: Apache-2.0
 *
 * A service that breaks out, or tries to: linked into a tessera-secured of the tests' own, which is
 * otherwise the product object by object (the linker's --wrap puts it behind the first part). One
 * call makes one system call from inside, past every check there is but the sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/tessera-secured/world.h"
#include "tests/psa/probe.h"

tsr_err __real_tsr_part_its_open(tsr_world *w);
tsr_err __wrap_tsr_part_its_open(tsr_world *w);

static uint8_t page[4096] __attribute__((aligned(4096)));

static long attempt(int32_t what)
{
    static const char *const words[] = { "/bin/true", NULL };
    struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/tmp/x" };
    struct stat st;

    switch (what) {
    case PROBE_NOTHING: return 0;
    case PROBE_OPEN: return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    case PROBE_CREATE: return syscall(SYS_openat, AT_FDCWD, "/tmp/x", O_CREAT | O_RDWR, 0600);
    case PROBE_UNLINK: return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/x", 0);
    case PROBE_SOCKET: return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    case PROBE_CONNECT: return syscall(SYS_connect, 1, &to, sizeof to);
    case PROBE_BIND: return syscall(SYS_bind, 1, &to, sizeof to);
    case PROBE_EXEC: return syscall(SYS_execve, words[0], words, NULL);
    case PROBE_PTRACE: return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    case PROBE_CLONE: return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    case PROBE_CLONE3: return syscall(SYS_clone3, NULL, 0);
    case PROBE_KILL: return syscall(SYS_kill, getpid(), 0);
    case PROBE_READ_OTHER: return syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0);
    case PROBE_EXEC_MAP:
        return syscall(SYS_mmap, NULL, sizeof page, PROT_READ | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    case PROBE_EXEC_PROTECT: return syscall(SYS_mprotect, page, sizeof page, PROT_READ | PROT_EXEC);
    case PROBE_DUMPABLE: return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    case PROBE_SETUID: return syscall(SYS_setresuid, 0, 0, 0);
    case PROBE_UNSEAL: return syscall(SYS_fcntl, 1, F_GETFL);
    case PROBE_UNSHARE: return syscall(SYS_unshare, CLONE_NEWUSER);
    case PROBE_IO_URING: return syscall(SYS_io_uring_setup, 1, NULL);
    case PROBE_BPF: return syscall(SYS_bpf, 0, NULL, 0);
    case PROBE_MOUNT: return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
    case PROBE_FSTAT: return fstat(1, &st);
    case PROBE_FSTAT_ITSELF: return syscall(SYS_fstat, 1, &st);
    case PROBE_NAMELESS: return syscall(1000);
    case PROBE_ALLOWED: return syscall(SYS_eventfd2, 0, EFD_CLOEXEC);
    default: return -2;
    }
}

static psa_status_t probe(void *self, tsr_spm_msg *msg)
{
    (void)self;
    return attempt(msg->type) == -2 ? PSA_ERROR_NOT_SUPPORTED : PSA_SUCCESS;
}

tsr_err __wrap_tsr_part_its_open(tsr_world *w)
{
    tsr_err err = __real_tsr_part_its_open(w);

    return err == TSR_OK ? tsr_world_serve(w, (tsr_spm_service){ PROBE_HANDLE, w, probe, NULL })
                         : err;
}
