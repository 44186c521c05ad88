#include <sqlite3.h>

// Variadic in SQLite, so not importable as they are.
static inline int csqlite_set_defensive(sqlite3 *db) {
    return sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
}
