#include <sys/types.h>

/* Tries what an intruder in a courier would, one line "NAME ERRNO" each on standard output, 0 for success. */
void intruder_try(const char *file, const char *socket, pid_t victim, int socket_from_before);

/* prctl(2) is variadic; the answers to PR_GET_DUMPABLE and PR_GET_NO_NEW_PRIVS. */
int intruder_dumpable(void);
int intruder_no_new_privileges(void);

/* Starts a process of user and group `uid` that has this very number and ends with its parent: it becomes `program ask path` with
   our input and output, or does nothing where `program` is NULL. -errno where the number is in use or we may not
   choose. */
pid_t intruder_take_number(pid_t number, uid_t uid, const char *program, const char *path);
