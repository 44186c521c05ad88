#define _GNU_SOURCE
#include "tamper.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static int print_row(void *context, int count, char **values, char **names) {
    FILE *out = context;
    (void)names;
    for (int i = 0; i < count; i++) {
        if (i > 0) fputc('\t', out);
        if (values[i]) fputs(values[i], out);
    }
    fputc('\n', out);
    return 0;
}

char *tamper_run(const char *path, const char *sql, int *failed) {
    sqlite3 *db = NULL;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    int result = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (result == SQLITE_OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        sqlite3_busy_timeout(db, 5000);
        sqlite3_exec(db, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
        sqlite3_exec(db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
        result = sqlite3_exec(db, sql, print_row, out, NULL);
    }
    if (result != SQLITE_OK) fprintf(out, "%s", sqlite3_errmsg(db));
    *failed = result != SQLITE_OK;
    fclose(out);
    sqlite3_close(db);
    return text;
}

int tamper_holds(const void *bytes, size_t count, const void *part, size_t length) {
    return memmem(bytes, count, part, length) != NULL;
}
