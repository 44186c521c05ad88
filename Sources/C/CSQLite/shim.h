#include <sqlite3.h>

// Variadic in SQLite, so not importable as they are.
static inline int csqlite_set_defensive(sqlite3 *db) {
    return sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
}

// A double-quoted word is a name, never by mistake a text.
static inline int csqlite_refuse_quoted_text(sqlite3 *db) {
    int ddl = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)0);
    return ddl != SQLITE_OK ? ddl : sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
}

// Nobody reads the allocation statistics, and keeping them takes a lock for every allocation.
static inline int csqlite_start(void) {
    int set = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return set != SQLITE_OK ? set : sqlite3_initialize();
}

// A macro that casts a number to a function.
static inline int csqlite_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int csqlite_bind_text_copy(sqlite3_stmt *statement, int index, const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes, count, SQLITE_TRANSIENT);
}

// The size of the write-ahead log, by the descriptor SQLite has open: closing another one would drop its locks.
static inline long long csqlite_wal_bytes(sqlite3 *db) {
    sqlite3_file *file = 0;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK) return 0;
    if (file == 0 || file->pMethods == 0) return 0;
    return file->pMethods->xFileSize(file, &size) == SQLITE_OK ? size : 0;
}
