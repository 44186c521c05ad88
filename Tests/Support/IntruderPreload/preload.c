// A courier that was taken over: at its first errand it tries what an intruder would, from inside.
#define _GNU_SOURCE
#include "intruder.h"

#include <dlfcn.h>
#include <stdlib.h>

void *curl_easy_init(void) {
    static int tried;
    const char *file = getenv("INTRUDER_FILE"), *path = getenv("INTRUDER_SOCKET"), *victim = getenv("INTRUDER_VICTIM");
    if (file && path && victim && !tried++) intruder_try(file, path, atoi(victim), -1);
    void *(*next)(void) = (void *(*)(void))dlsym(RTLD_NEXT, "curl_easy_init");
    return next();
}
