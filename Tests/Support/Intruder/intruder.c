// System calls as an intruder makes them: by number where libc would refuse some of it by itself.
#define _GNU_SOURCE
#include "intruder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static void tell(const char *name, long result) {
    printf("%s %d\n", name, result < 0 ? errno : 0);
    fflush(stdout);
}

static void *nothing(void *argument) { return argument; }

void intruder_try(const char *file, const char *socket_path, pid_t victim, int before) {
    char path[4096], secret[16];
    int pair[2];
    struct iovec here = {secret, sizeof secret}, there = {secret, sizeof secret};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strncpy(name.sun_path, socket_path, sizeof name.sun_path - 1);

    // What a courier needs.
    tell("certificates", open("/etc/ssl", O_RDONLY | O_DIRECTORY));
    tell("resolver", open("/etc/resolv.conf", O_RDONLY));
    tell("internet", socket(AF_INET, SOCK_STREAM, 0));
    tell("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    tell("thread", errno ? -1 : 0);
    if (!errno) pthread_join(thread, NULL);
    tell("own-signal", kill(getpid(), 0));

    // What it must not have.
    tell("file", open(file, O_RDONLY));
    tell("passwd", open("/etc/passwd", O_RDONLY));
    snprintf(path, sizeof path, "%s.new", file);
    tell("create", open(path, O_WRONLY | O_CREAT, 0600));
    // The spool it was given: to make files in, and for nothing else.
    struct stat spool;
    if (!fstat(4, &spool) && S_ISDIR(spool.st_mode)) {
        tell("spool-make", openat(4, "made-by-intruder", O_WRONLY | O_CREAT | O_EXCL, 0600));
        tell("spool-read", openat(4, "another", O_RDONLY));
        tell("spool-list", openat(4, ".", O_RDONLY | O_DIRECTORY));
        tell("spool-remove", unlinkat(4, "another", 0));
        tell("spool-rename", renameat(4, "another", 4, "other"));
        tell("spool-up", openat(4, "../vault.db", O_RDONLY));
        tell("spool-up-make", openat(4, "../made", O_WRONLY | O_CREAT, 0600));
        tell("spool-link", symlinkat("/etc/passwd", 4, "link"));
        tell("spool-directory", mkdirat(4, "directory", 0700));
    }
    snprintf(path, sizeof path, "/proc/%d/mem", victim);
    tell("memory-file", open(path, O_RDONLY));
    tell("unix", socket(AF_UNIX, SOCK_STREAM, 0));
    tell("unix-high-bits", syscall(SYS_socket, 0x700000001L, (long)SOCK_STREAM, 0L));
    tell("datagrams", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    tell("packet", socket(AF_PACKET, SOCK_RAW, 0));
    tell("fork", fork());
    tell("clone", syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L));
    tell("trace", syscall(SYS_ptrace, (long)PTRACE_ATTACH, (long)victim, 0L, 0L));
    tell("read-memory", process_vm_readv(victim, &here, 1, &there, 1, 0));
    tell("pidfd", syscall(434, (long)victim, 0L));
    tell("signal", kill(victim, 0));
    tell("signal-thread", syscall(SYS_tgkill, (long)victim, (long)victim, 0L));
    tell("io-uring", syscall(425, 1L, 0L));
    tell("limits", syscall(SYS_prlimit64, (long)victim, (long)RLIMIT_NOFILE, 0L, 0L));
    tell("shared-memory", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    char *none[] = {NULL};
    tell("execute", execve("/bin/true", none, none));

    // Known and left: a Unix socket opened before still connects, so a courier has none open then.
    tell("socket-from-before", connect(before, (struct sockaddr *)&name, sizeof name));
}

pid_t intruder_take_number(pid_t number, uid_t uid, const char *program, const char *path) {
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size;
    } how = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number, .set_tid_size = 1};
    long child = syscall(435 /* clone3 */, &how, sizeof how);
    if (child != 0) return child < 0 ? -errno : (pid_t)child;
    // A child like a fork's; it does nothing that needs libc.
    syscall(SYS_setgroups, 0L, NULL);
    syscall(SYS_setresgid, (long)uid, (long)uid, (long)uid);
    syscall(SYS_setresuid, (long)uid, (long)uid, (long)uid);
    syscall(SYS_prctl, (long)PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
    const char *const arguments[] = {program, "ask", path, NULL}, *const nothing[] = {NULL};
    if (program) syscall(SYS_execve, program, arguments, nothing);
    for (;;) syscall(SYS_pause);
}

int intruder_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }
int intruder_no_new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }
