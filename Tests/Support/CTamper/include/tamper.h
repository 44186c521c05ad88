#pragma once
#include <stddef.h>

// What somebody with the file and an editor for it can do: any statement, on a database that nobody protects.

// Runs `sql` on the file at `path` with every check SQLite has turned off. Returns the rows it gave as text, a line a row
// and columns parted by tabs; NULL is written as nothing. To be given back with free(3). `failed` is 1 and the text the
// reason where SQLite refused.
char *tamper_run(const char *path, const char *sql, int *failed);

// Whether `part` is somewhere in `bytes`.
int tamper_holds(const void *bytes, size_t count, const void *part, size_t length);
