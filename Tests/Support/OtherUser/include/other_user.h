#include <sys/types.h>

/* Connects to a Unix socket as another user; only root can. Only the calling thread becomes that user, and only while it
   connects. Returns the socket, or a negative errno. */
int other_user_connect(const char *path, uid_t uid, gid_t gid);
