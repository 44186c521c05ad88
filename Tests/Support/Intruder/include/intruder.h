#include <sys/types.h>

/* Tries what an intruder in a courier would, one line "NAME ERRNO" each on standard output, 0 for success. */
void intruder_try(const char *file, const char *socket, pid_t victim, int socket_from_before);

/* prctl(2) is variadic; the answers to PR_GET_DUMPABLE and PR_GET_NO_NEW_PRIVS. */
int intruder_dumpable(void);
int intruder_no_new_privileges(void);
