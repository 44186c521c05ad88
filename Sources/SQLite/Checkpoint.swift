import CSQLite

extension Connection {
    /// How much a checkpoint insists (sqlite.org/c3ref/wal_checkpoint_v2.html).
    package enum CheckpointMode: Sendable {
        /// Copies what it can without waiting for anyone.
        case passive
        /// Waits for writers and readers, then lets the log start over.
        case restart
        /// As restart, and cuts the log to nothing: afterwards deleted values are gone from it.
        case truncate
    }

    /// What a checkpoint did.
    package struct Checkpoint: Sendable, Equatable {
        /// Frames in the log.
        package let log: Int
        /// Frames of them that are in the database file now.
        package let done: Int
        /// False when a reader or writer kept it from ending.
        package let complete: Bool
    }

    /// Moves the write-ahead log into the database file. A reader in the way is reported, not thrown.
    package func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> Checkpoint {
        let number =
            switch mode {
            case .passive: SQLITE_CHECKPOINT_PASSIVE
            case .restart: SQLITE_CHECKPOINT_RESTART
            case .truncate: SQLITE_CHECKPOINT_TRUNCATE
            }
        var log: Int32 = 0
        var done: Int32 = 0
        let result = unsafe sqlite3_wal_checkpoint_v2(db, "main", number, &log, &done)
        if result & 0xff == SQLITE_BUSY {
            return Checkpoint(log: max(0, Int(log)), done: max(0, Int(done)), complete: false)
        }
        try check(result, "checkpoint")
        return Checkpoint(log: max(0, Int(log)), done: max(0, Int(done)), complete: log == done)
    }

    /// The size of the write-ahead log's file; it does not shrink when the log starts over.
    package var walBytes: Int64 { unsafe csqlite_wal_bytes(db) }

    /// Copies this database into `destination`, `pages` at a time, calling `pause` in between; a write in between
    /// makes SQLite start over, so a busy database wants many pages.
    package func backUp(
        to destination: Connection, pages: Int32 = 1024, pause: () -> Void = {}
    ) throws(SQLiteError) {
        guard let backup = unsafe sqlite3_backup_init(destination.db, "main", db, "main") else {
            throw unsafe SQLiteError(sqlite3_errcode(destination.db), of: destination.db, doing: "backup")
        }
        var result = SQLITE_OK
        while true {
            result = unsafe sqlite3_backup_step(backup, pages)
            guard result == SQLITE_OK || result == SQLITE_BUSY || result == SQLITE_LOCKED else { break }
            pause()
        }
        let finished = unsafe sqlite3_backup_finish(backup)
        guard result == SQLITE_DONE, finished == SQLITE_OK else {
            let failure = result == SQLITE_DONE ? finished : result
            throw unsafe SQLiteError(failure, of: destination.db, doing: "backup")
        }
    }
}
