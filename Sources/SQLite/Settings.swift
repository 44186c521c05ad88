import CSQLite

extension Connection {
    /// How far a commit waits for the disk.
    package enum Synchronous: Sendable {
        /// A commit is on the disk before it is acknowledged.
        case full
        /// Only for derived data, and for the test that shows what full is good for.
        case off
    }

    /// The settings every connection of ours has (design, section 4). `cacheKiB` is the page cache's size.
    package func configure(synchronous: Synchronous = .full, cacheKiB: Int = 8192) throws(SQLiteError) {
        try check(unsafe csqlite_set_defensive(db), "defensive mode")
        try check(unsafe csqlite_refuse_quoted_text(db), "quoted text")
        if mode != .readOnly {
            guard try text("PRAGMA journal_mode = WAL") == "wal" else {
                throw SQLiteError(.other, "configure: this file system does not allow a write-ahead log")
            }
        }
        switch synchronous {
        case .full: try execute("PRAGMA synchronous = FULL")
        case .off: try execute("PRAGMA synchronous = OFF")
        }
        try execute("PRAGMA foreign_keys = ON")
        try execute("PRAGMA secure_delete = ON")
        try execute("PRAGMA trusted_schema = OFF")
        try execute("PRAGMA cell_size_check = ON")
        // wal_autocheckpoint would take over the hook that counts frames; it is off because we set our own.
        try execute("PRAGMA temp_store = MEMORY")
        try set("PRAGMA cache_size = -", Int64(cacheKiB))
    }

    package var userVersion: Int64 {
        get throws(SQLiteError) { try integer("PRAGMA user_version") ?? 0 }
    }

    /// The schema's version, in the file's header.
    package func setUserVersion(_ version: Int32) throws(SQLiteError) {
        try set("PRAGMA user_version = ", Int64(version))
    }

    package var applicationID: Int64 {
        get throws(SQLiteError) { try integer("PRAGMA application_id") ?? 0 }
    }

    /// Whose file this is, in its header.
    package func setApplicationID(_ id: Int32) throws(SQLiteError) {
        try set("PRAGMA application_id = ", Int64(id))
    }

    /// Everything in `sqlite_schema`, in an order that depends on nothing but the text: to be compared with ours.
    package func schemaText() throws(SQLiteError) -> String {
        var statement = try prepare(
            "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name, tbl_name")
        var text = ""
        while try statement.step() {
            for column in 0..<Int32(4) {
                text += statement.text(column)
                text += column < 3 ? "\t" : "\n"
            }
        }
        return text
    }

    /// "ok", or what SQLite's own check found first. Reads the whole file.
    package func integrityCheck() throws(SQLiteError) -> String {
        try text("PRAGMA integrity_check(1)") ?? ""
    }

    /// Pragmas take no parameters; a number is all that is ever put into one.
    private func set(_ pragma: StaticString, _ value: Int64) throws(SQLiteError) {
        let result = unsafe sqlite3_exec(db, "\(pragma)\(value)", nil, nil, nil)
        try check(result, "pragma")
    }

    func check(_ result: Int32, _ doing: StaticString) throws(SQLiteError) {
        guard result == SQLITE_OK else { throw unsafe SQLiteError(result, of: db, doing: doing) }
    }
}
