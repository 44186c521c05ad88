#define _GNU_SOURCE
#include "outside.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* By number: libc's own functions change all threads. */
static int become(uid_t uid, gid_t gid) {
    if (syscall(SYS_setresgid, -1, gid, -1) != 0) return -errno;
    if (syscall(SYS_setresuid, -1, uid, -1) != 0) return -errno;
    return 0;
}

int outside_connect(const char *path, uid_t uid, gid_t gid) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0) return -errno;
    int result = become(uid, gid);
    if (result == 0 && connect(number, (struct sockaddr *)&address, sizeof address) != 0) result = -errno;
    syscall(SYS_setresuid, -1, 0, -1);
    syscall(SYS_setresgid, -1, 0, -1);
    if (result == 0) return number;
    close(number);
    return result;
}

int outside_contains(const void *haystack, size_t length, const void *needle, size_t needle_length) {
    return memmem(haystack, length, needle, needle_length) != NULL;
}
