// Stands where posternd looks for postern-courier: starts the real one with an intruder preloaded.
//
// Next to it are `real-courier`, `preload.so`, and `target`: the file and the socket the intruder tries, a line each.
// What it found out is in `tried`, opened here since the courier itself can open nothing.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whose child the starter is: the keeper. */
static int keeper(void) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", getppid());
    FILE *stat = fopen(path, "re");
    if (!stat || !fgets(line, sizeof line, stat)) return 0;
    fclose(stat);
    char *rest = strrchr(line, ')');
    int parent = 0;
    return rest && sscanf(rest + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

int main(int count, char **arguments) {
    (void)count;
    char here[400], path[512], file[512] = "", socket[512] = "", number[16];
    ssize_t length = readlink("/proc/self/exe", here, sizeof here - 1);
    if (length <= 0) return 1;
    here[length] = 0;
    *strrchr(here, '/') = 0;
    snprintf(path, sizeof path, "%s/target", here);
    FILE *target = fopen(path, "re");
    if (!target || fscanf(target, "%511s %511s", file, socket) != 2) return 1;
    fclose(target);
    snprintf(path, sizeof path, "%s/tried", here);
    int tried = open(path, O_WRONLY | O_APPEND);
    if (tried < 0 || dup2(tried, 1) < 0) return 1;
    close(tried);
    snprintf(number, sizeof number, "%d", keeper());
    snprintf(path, sizeof path, "%s/preload.so", here);
    setenv("LD_PRELOAD", path, 1);
    setenv("INTRUDER_FILE", file, 1);
    setenv("INTRUDER_SOCKET", socket, 1);
    setenv("INTRUDER_VICTIM", number, 1);
    snprintf(path, sizeof path, "%s/real-courier", here);
    execv(path, arguments);
    return 1;
}
