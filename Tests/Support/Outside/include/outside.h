#include <stddef.h>
#include <sys/types.h>

/* Connects to a Unix socket as another user; only root can. Only the calling thread becomes that user, and only while it
   connects. Returns the socket, or a negative errno. */
int outside_connect(const char *path, uid_t uid, gid_t gid);

/* The same with a TCP port of 127.0.0.1. The kernel has the socket down as that user's. */
int outside_connect_tcp(unsigned short port, uid_t uid, gid_t gid);

/* memmem(3), which the module of the C library leaves out. */
int outside_contains(const void *haystack, size_t length, const void *needle, size_t needle_length);
