import CSQLite

/// One connection to one database file.
///
/// Used by one thread at a time; SQLite is asked not to lock (`SQLITE_OPEN_NOMUTEX`). It may move between threads when
/// whoever moves it orders the uses, as a pool behind a lock does. Statements keep their connection open.
@safe package final class Connection: @unchecked Sendable {
    package enum Mode: Sendable {
        /// Makes the file when there is none.
        case create
        case readWrite
        case readOnly
    }

    let db: OpaquePointer
    package let mode: Mode
    /// Prepared statements by the address of their literal.
    private var cached: [UInt: Cached] = [:]
    /// How many frames the write-ahead log had after this connection's last commit.
    package private(set) var walFrames = 0

    @safe private struct Cached {
        let handle: OpaquePointer
        var lent: Bool
    }

    /// Once for the process. False when SQLite was started by someone else already, which is no harm.
    private static let started = csqlite_start() == SQLITE_OK

    /// Opens `path`. `vfs` names a registered VFS; nil is the system's. `busyTimeout` is in milliseconds.
    package init(_ path: String, _ mode: Mode, vfs: String? = nil, busyTimeout: Int32 = 5000) throws(SQLiteError) {
        _ = Self.started
        precondition(sqlite3_threadsafe() != 0, "this SQLite is built for one thread only")
        let access =
            switch mode {
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .readWrite: SQLITE_OPEN_READWRITE
            case .readOnly: SQLITE_OPEN_READONLY
            }
        var opened: OpaquePointer?
        let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = unsafe sqlite3_open_v2(path, &opened, flags, vfs)
        guard result == SQLITE_OK, let handle = unsafe opened else {
            let error = unsafe SQLiteError(result, of: opened, doing: "open")
            unsafe sqlite3_close_v2(opened)
            throw error
        }
        unsafe db = handle
        self.mode = mode
        unsafe sqlite3_busy_timeout(db, busyTimeout)
        unsafe sqlite3_wal_hook(
            db,
            { context, _, _, frames in
                let connection = unsafe Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
                connection.walFrames = Int(frames)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        for entry in cached.values { unsafe sqlite3_finalize(entry.handle) }
        unsafe sqlite3_close_v2(db)
    }

    // MARK: - Statements

    /// A statement ready to bind and step. It is reset when it goes out of scope, and kept for the next time.
    package func prepare(_ sql: SQL) throws(SQLiteError) -> Statement {
        let address = sql.address
        if let entry = cached[address] {
            // A second use at the same time (a recursion) gets a statement of its own, which is not kept.
            if entry.lent { return unsafe Statement(adopting: try compile(sql), of: self, cacheKey: 0) }
            cached[address]!.lent = true
            return unsafe Statement(adopting: entry.handle, of: self, cacheKey: address)
        }
        let handle = try unsafe compile(sql)
        unsafe cached[address] = Cached(handle: handle, lent: true)
        return unsafe Statement(adopting: handle, of: self, cacheKey: address)
    }

    /// Lends a statement to `body` and resets it afterwards, whatever happens.
    package func prepared<R>(
        _ sql: SQL, _ body: (inout Statement) throws(SQLiteError) -> R
    ) throws(SQLiteError) -> R {
        var statement = try prepare(sql)
        return try body(&statement)
    }

    /// Runs a statement that takes nothing and whose rows nobody wants.
    package func execute(_ sql: SQL) throws(SQLiteError) {
        var statement = try prepare(sql)
        while try statement.step() {}
    }

    /// Runs several statements in one text, such as a schema. Nothing can be bound.
    package func executeAll(_ sql: SQL) throws(SQLiteError) {
        let result = unsafe sqlite3_exec(db, cString(sql), nil, nil, nil)
        guard result == SQLITE_OK else { throw unsafe SQLiteError(result, of: db, doing: "execute") }
    }

    /// The first column of the first row as a number; nil when there is no row.
    package func integer(_ sql: SQL) throws(SQLiteError) -> Int64? {
        var statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    /// The first column of the first row as text; nil when there is no row.
    package func text(_ sql: SQL) throws(SQLiteError) -> String? {
        var statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    /// The rowid of the last insert.
    package var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(db) }

    /// How many rows the last insert, update or delete changed.
    package var changes: Int { Int(unsafe sqlite3_changes(db)) }

    func giveBack(_ handle: OpaquePointer, cacheKey: UInt) {
        unsafe sqlite3_reset(handle)
        guard cacheKey != 0 else {
            unsafe sqlite3_finalize(handle)
            return
        }
        unsafe sqlite3_clear_bindings(handle)
        cached[cacheKey]!.lent = false
    }

    @unsafe private func compile(_ sql: SQL) throws(SQLiteError) -> OpaquePointer {
        var handle: OpaquePointer?
        var tail: UnsafePointer<CChar>?
        let start = unsafe cString(sql)
        let length = Int32(sql.text.utf8CodeUnitCount)
        let result = unsafe sqlite3_prepare_v3(
            db, start, length, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, &tail)
        guard result == SQLITE_OK else { throw unsafe SQLiteError(result, of: db, doing: "prepare") }
        guard let handle = unsafe handle else { preconditionFailure("an empty statement") }
        return unsafe handle
    }

    @unsafe private func cString(_ sql: SQL) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(sql.text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
