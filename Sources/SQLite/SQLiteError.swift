import CSQLite

/// What SQLite refused, without the values that were bound.
package struct SQLiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// SQLite's primary result codes, as far as anyone here decides by them.
    package enum Code: String, Sendable {
        case full, ioError, readOnly, corrupt, busy, locked, notADatabase, constraint, cannotOpen, outOfMemory, schema
        case interrupted, tooBig, misuse, permission, other
    }

    package let code: Code
    /// sqlite3_extended_errcode's number (sqlite.org/rescode.html).
    package let extendedCode: Int32
    /// What was being done and what SQLite says about it; names of tables and columns, never a value.
    package let what: String

    /// Made up by this layer, where SQLite itself has no complaint.
    package init(_ code: Code, _ what: String) {
        self.code = code
        extendedCode = 0
        self.what = what
    }

    /// What `db` reports for a call that returned `result`; `doing` is a literal.
    @unsafe init(_ result: Int32, of db: OpaquePointer?, doing: StaticString) {
        let extended = if let db = unsafe db { unsafe sqlite3_extended_errcode(db) } else { result }
        // Some calls return a code without storing it in the connection.
        extendedCode = extended & 0xff == result & 0xff ? extended : result
        code = Self.code(of: extendedCode)
        // Only these two kinds of message say more than the code does, and they name tables and columns only.
        let detailed = extendedCode & 0xff == SQLITE_ERROR || extendedCode & 0xff == SQLITE_CONSTRAINT
        let message =
            if detailed, let db = unsafe db { unsafe String(cString: sqlite3_errmsg(db)) } else {
                unsafe String(cString: sqlite3_errstr(extendedCode))
            }
        what = "\(doing): \(message)"
    }

    /// A row with this key is there already.
    package var isDuplicate: Bool {
        // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE, _ROWID: macros with shifts, which Swift does not import.
        let base = SQLITE_CONSTRAINT
        return [base | 6 << 8, base | 8 << 8, base | 10 << 8].contains(extendedCode)
    }

    package var description: String { "SQLite \(code.rawValue) (\(extendedCode)): \(what)" }

    private static func code(of result: Int32) -> Code {
        switch result & 0xff {
        case SQLITE_FULL: .full
        case SQLITE_IOERR: .ioError
        case SQLITE_READONLY: .readOnly
        case SQLITE_CORRUPT: .corrupt
        case SQLITE_BUSY: .busy
        case SQLITE_LOCKED: .locked
        case SQLITE_NOTADB: .notADatabase
        case SQLITE_CONSTRAINT: .constraint
        case SQLITE_CANTOPEN: .cannotOpen
        case SQLITE_NOMEM: .outOfMemory
        case SQLITE_SCHEMA: .schema
        case SQLITE_INTERRUPT: .interrupted
        case SQLITE_TOOBIG: .tooBig
        case SQLITE_MISUSE, SQLITE_RANGE: .misuse
        case SQLITE_PERM, SQLITE_AUTH: .permission
        default: .other
        }
    }
}
