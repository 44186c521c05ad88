// What Swift cannot import: variadic calls, casting macros, kernel interfaces newer than the headers of Debian 12, and
// the calls glibc shows only under _GNU_SOURCE. That macro is never defined here: two modules would then disagree about
// system types. Every function is one call; what to do with it is decided in Swift.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/stat.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline int clinux_errno(void) { return errno; }
static inline void clinux_set_errno(int number) { errno = number; }

// --- variadic

static inline int clinux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline int clinux_openat(int at, const char *path, int flags, mode_t mode) {
    return openat(at, path, flags, mode);
}
static inline int clinux_fcntl(int fd, int command, int value) { return fcntl(fd, command, value); }
static inline int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}
static inline int clinux_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
static inline long clinux_trace_attach(pid_t pid) { return ptrace(PTRACE_ATTACH, pid, (void *)0, (void *)0); }

// --- sockets: the peer (unix(7); numbers of include/uapi/asm-generic/socket.h)

#define CLINUX_SO_PEERCRED 17
#define CLINUX_SO_PEERGROUPS 59
#define CLINUX_SO_PEERPIDFD 77

struct clinux_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

static inline int clinux_pidfd_open(pid_t pid) { return (int)syscall(434, pid, 0); }

static inline int clinux_bind_unix(int fd, const struct sockaddr_un *address) {
    return bind(fd, (const struct sockaddr *)address, sizeof *address);
}
static inline int clinux_connect_unix(int fd, const struct sockaddr_un *address, socklen_t length) {
    return connect(fd, (const struct sockaddr *)address, length);
}
static inline ssize_t clinux_send_unix(int fd, const void *bytes, size_t count, const struct sockaddr_un *address,
                                       socklen_t length) {
    return sendto(fd, bytes, count, MSG_NOSIGNAL, (const struct sockaddr *)address, length);
}
static inline int clinux_bind_ipv4(int fd, uint32_t address, uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
    return bind(fd, (struct sockaddr *)&name, sizeof name);
}
static inline int clinux_bind_ipv6(int fd, const uint8_t address[16], uint16_t port) {
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&name.sin6_addr, address, 16);
    return bind(fd, (struct sockaddr *)&name, sizeof name);
}
static inline int clinux_connect_ipv4(int fd, uint32_t address, uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
    return connect(fd, (struct sockaddr *)&name, sizeof name);
}
/* The port a TCP socket is bound to, -1 on error. */
static inline int clinux_port(int fd) {
    struct sockaddr_in6 name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) return -1;
    return ntohs(name.sin6_port); /* at the same place in sockaddr_in */
}
/* The other end's address as text; 0 where it is none of IPv4 or IPv6. An IPv4 address inside an IPv6 one is undone. */
static inline int clinux_peer_address(int fd, char *text, socklen_t size) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    if (getpeername(fd, (struct sockaddr *)&name, &length) != 0) return 0;
    if (name.ss_family == AF_INET)
        return inet_ntop(AF_INET, &((struct sockaddr_in *)&name)->sin_addr, text, size) != 0;
    if (name.ss_family != AF_INET6) return 0;
    const struct in6_addr *six = &((struct sockaddr_in6 *)&name)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six)) return inet_ntop(AF_INET, &six->s6_addr[12], text, size) != 0;
    return inet_ntop(AF_INET6, six, text, size) != 0;
}
/* Overwrites what calls that have returned left on the stack, 128 KiB deep. */
__attribute__((noinline, unused)) static void clinux_wipe_stack(void) {
    char space[128 * 1024];
    explicit_bzero(space, sizeof space);
}
extern int accept4(int, struct sockaddr *, socklen_t *, int);

// --- who holds the other end of a TCP connection (sock_diag(7))

struct clinux_diag_question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};
struct clinux_diag_answer {
    struct nlmsghdr header;
    struct inet_diag_msg body;
    uint8_t more[512];
};

/* The question for the socket at the other end: its own address is our peer's, its peer's is ours. 0 where `fd` is no
   connected TCP socket. */
static inline int clinux_diag_other_end(int fd, struct clinux_diag_question *question) {
    struct sockaddr_storage own, other;
    socklen_t own_length = sizeof own, other_length = sizeof other;
    if (getsockname(fd, (struct sockaddr *)&own, &own_length) != 0) return 0;
    if (getpeername(fd, (struct sockaddr *)&other, &other_length) != 0) return 0;
    if (own.ss_family != other.ss_family) return 0;
    memset(question, 0, sizeof *question);
    struct inet_diag_sockid *id = &question->body.id;
    if (own.ss_family == AF_INET) {
        id->idiag_src[0] = ((struct sockaddr_in *)&other)->sin_addr.s_addr;
        id->idiag_dst[0] = ((struct sockaddr_in *)&own)->sin_addr.s_addr;
    } else if (own.ss_family == AF_INET6) {
        memcpy(id->idiag_src, &((struct sockaddr_in6 *)&other)->sin6_addr, 16);
        memcpy(id->idiag_dst, &((struct sockaddr_in6 *)&own)->sin6_addr, 16);
    } else {
        return 0;
    }
    /* At the same place in sockaddr_in and sockaddr_in6. */
    id->idiag_sport = ((struct sockaddr_in *)&other)->sin_port;
    id->idiag_dport = ((struct sockaddr_in *)&own)->sin_port;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    question->header = (struct nlmsghdr){
        .nlmsg_len = sizeof *question, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST};
    question->body.sdiag_family = (uint8_t)own.ss_family;
    question->body.sdiag_protocol = IPPROTO_TCP;
    question->body.idiag_states = ~0u;
    return 1;
}
/* Only the kernel (port 0) can answer afterwards. */
static inline int clinux_connect_to_kernel(int fd) {
    struct sockaddr_nl name = {.nl_family = AF_NETLINK};
    return connect(fd, (struct sockaddr *)&name, sizeof name);
}
static inline int clinux_connect_ipv6(int fd, const uint8_t address[16], uint16_t port) {
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&name.sin6_addr, address, 16);
    return connect(fd, (struct sockaddr *)&name, sizeof name);
}

// --- which file it is (statx(2))

struct clinux_file {
    uint64_t device, inode, size;
    int64_t changed; /* ctime, nanoseconds since 1970 */
    uint32_t mode;
};
/* Of the open file where the path is empty. What a network file system has cached will do: nobody is asked. */
static inline int clinux_file(int at, const char *path, struct clinux_file *file) {
    struct statx found;
    int flags = 0x4000 /* AT_STATX_DONT_SYNC */ | (*path ? 0 : 0x1000 /* AT_EMPTY_PATH */);
    if (syscall(SYS_statx, at, path, flags, STATX_BASIC_STATS, &found) != 0) return -1;
    file->device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor;
    file->inode = found.stx_ino;
    file->size = found.stx_size;
    file->changed = found.stx_ctime.tv_sec * 1000000000LL + found.stx_ctime.tv_nsec;
    file->mode = found.stx_mode;
    return 0;
}
/* Whether an open file's contents are what a process of some user says they are (FUSE). */
static inline int clinux_is_made_up(int fd) {
    struct statfs found;
    return fstatfs(fd, &found) != 0 || (uint32_t)found.f_type == 0x65735546;
}

// --- messages with descriptors (cmsg(3): macros)

#define CLINUX_MOST_DESCRIPTORS 8

static inline ssize_t clinux_send_message(int fd, const void *bytes, size_t count, const int *descriptors, int n,
                                          int flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * CLINUX_MOST_DESCRIPTORS)];
    } control;
    struct iovec part = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (n > CLINUX_MOST_DESCRIPTORS) return errno = EINVAL, -1;
    if (n > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (size_t)n);
    }
    return sendmsg(fd, &message, flags | MSG_NOSIGNAL);
}

/* Fills `descriptors` (room for CLINUX_MOST_DESCRIPTORS) and `*n`; `*cut` is set where the message did not fit. */
static inline ssize_t clinux_receive_message(int fd, void *bytes, size_t count, int *descriptors, int *n, int *cut,
                                             int flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * CLINUX_MOST_DESCRIPTORS)];
    } control;
    struct iovec part = {bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *n = 0;
    *cut = 0;
    ssize_t got = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
    if (got < 0) return got;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int here = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        if (here > CLINUX_MOST_DESCRIPTORS - *n) here = CLINUX_MOST_DESCRIPTORS - *n;
        memcpy(descriptors + *n, CMSG_DATA(header), sizeof(int) * (size_t)here);
        *n += here;
    }
    *cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    return got;
}

// --- futex(2): 32-bit words, private to the process

static inline uint32_t clinux_exchange(uint32_t *word, uint32_t value) {
    return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL);
}
static inline uint32_t clinux_load(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline int clinux_replace(uint32_t *word, uint32_t from, uint32_t to) {
    return __atomic_compare_exchange_n(word, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
/* Sleeps while `*word` is `value`, until the absolute CLOCK_MONOTONIC time, or for ever if that is null. */
static inline long clinux_futex_wait(uint32_t *word, uint32_t value, const struct timespec *until) {
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, (void *)0, FUTEX_BITSET_MATCH_ANY);
}
static inline long clinux_futex_wake(uint32_t *word, int count) {
    return syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, (void *)0, (void *)0, 0);
}

// --- processes

extern int setresuid(uid_t, uid_t, uid_t);
extern int setresgid(gid_t, gid_t, gid_t);
extern int getresuid(uid_t *, uid_t *, uid_t *);
extern int getresgid(gid_t *, gid_t *, gid_t *);
extern char **environ;

extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

static inline char **clinux_environment(void) { return environ; }
static inline int clinux_close_range(unsigned first, unsigned last) { return (int)syscall(436, first, last, 0); }
static inline int clinux_execute(int fd, char *const arguments[], char *const environment[]) {
    return (int)syscall(SYS_execveat, fd, "", arguments, environment, 0x1000 /* AT_EMPTY_PATH */);
}
static inline pid_t clinux_fork(void) { return fork(); }
static inline int clinux_memory_file(const char *name, unsigned flags) {
    return (int)syscall(SYS_memfd_create, name, flags);
}
static inline int clinux_stopping_signal(int status) { return WIFSTOPPED(status) ? WSTOPSIG(status) : 0; }
static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_status(int status) { return WEXITSTATUS(status); }
static inline int clinux_ending_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
static inline void clinux_default_signal(int number) { signal(number, SIG_DFL); }
static inline void clinux_ignore_signal(int number) { signal(number, SIG_IGN); }
static inline int clinux_limit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard};
    return setrlimit(resource, &limit);
}
static inline int clinux_get_limit(int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    int result = getrlimit(resource, &limit);
    if (result == 0) *soft = limit.rlim_cur, *hard = limit.rlim_max;
    return result;
}
static inline int clinux_limit_core(void) { return RLIMIT_CORE; }
static inline int clinux_limit_files(void) { return RLIMIT_NOFILE; }

// --- capabilities(7), version 3 of capset(2)

static inline int clinux_capabilities(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    *inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}
static inline int clinux_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}};
    return (int)syscall(SYS_capset, &header, data);
}

// --- Landlock (landlock(7)); the structures of ABI 6, of which an older kernel reads the beginning

struct clinux_landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};
static inline int clinux_landlock_abi(void) { return (int)syscall(444, (void *)0, 0, 1); }
static inline int clinux_landlock_create(const struct clinux_landlock_ruleset *ruleset, size_t size) {
    return (int)syscall(444, ruleset, size, 0);
}
static inline int clinux_landlock_allow(int ruleset, int fd, uint64_t access) {
    struct { uint64_t access; int32_t fd; } __attribute__((packed)) rule = {access, fd};
    return (int)syscall(445, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0);
}
static inline int clinux_landlock_restrict(int ruleset) { return (int)syscall(446, ruleset, 0); }

// --- libseccomp: actions and system call numbers are macros

static inline uint32_t clinux_seccomp_allow(void) { return SCMP_ACT_ALLOW; }
static inline uint32_t clinux_seccomp_refuse(int number) { return SCMP_ACT_ERRNO(number); }
static inline int clinux_seccomp_rule(void *filter, uint32_t action, int call) {
    return seccomp_rule_add_array((scmp_filter_ctx)filter, action, call, 0, (struct scmp_arg_cmp *)0);
}
static inline int clinux_seccomp_rule_if(void *filter, uint32_t action, int call, unsigned argument, int comparison,
                                         uint64_t a, uint64_t b) {
    struct scmp_arg_cmp test = {argument, (enum scmp_compare)comparison, a, b};
    return seccomp_rule_add_array((scmp_filter_ctx)filter, action, call, 1, &test);
}
