import Rules
import SQLite
import Sealing

extension SQLiteError {
    /// What a failing database means to a caller: nothing can be recorded, so nothing can be given.
    var problem: Problem {
        switch code {
        case .full:
            Problem(
                .auditUnavailable, "the disk is full: nothing can be recorded, so nothing is handed out",
                advice: "make room on the file system of the vault; revoking still works")
        case .corrupt, .notADatabase:
            Problem(
                .integrityFailure, "vault.db is damaged",
                advice: "stop, keep a copy, and restore from a backup")
        case .ioError, .readOnly, .cannotOpen, .permission:
            Problem(
                .auditUnavailable, "vault.db cannot be read or written",
                advice: "look at the file system of the vault (mount, dmesg), then restart posternd")
        case .busy:
            Problem(.conflict, "vault.db is in use by another process", advice: "only one posternd serves a vault")
        case .constraint: Problem(.conflict, "it exists already")
        default: Problem(.internal, "the database answered with code \(extendedCode)")
        }
    }
}

extension Connection {
    /// Runs a query with bound values; `body` steps through it.
    func reading<R>(
        _ sql: SQL, _ values: [Value] = [], _ body: (inout Statement) throws(Problem) -> R
    ) throws(Problem) -> R {
        var statement = try bridging { () throws(SQLiteError) in try prepare(sql) }
        for (index, value) in values.enumerated() { value.bind(to: &statement, at: Int32(index + 1)) }
        return try body(&statement)
    }

    /// Runs a statement that returns no rows. Returns how many rows it changed.
    @discardableResult
    func writing(_ sql: SQL, _ values: [Value] = []) throws(Problem) -> Int {
        var statement = try bridging { () throws(SQLiteError) in try prepare(sql) }
        // Texts and blobs go into one memory that SQLite reads from, instead of one copy each.
        var lent: [UInt8] = []
        var places: [(index: Int32, isText: Bool, place: Range<Int>)] = []
        lent.reserveCapacity(1024)
        places.reserveCapacity(values.count)
        for (position, value) in values.enumerated() {
            let index = Int32(position + 1)
            let start = lent.count
            switch value {
            case .null, .int: value.bind(to: &statement, at: index)
            case .text(let text):
                lent.append(contentsOf: text.utf8)
                places.append((index, true, start..<lent.count))
            case .blob(let blob):
                lent.append(contentsOf: blob)
                places.append((index, false, start..<lent.count))
            }
        }
        do { try statement.run(lending: lent.span, places) } catch { throw error.problem }
        return changes
    }

    /// The same work, its database errors in our words.
    func bridging<R: ~Copyable>(_ body: () throws(SQLiteError) -> R) throws(Problem) -> R {
        do { return try body() } catch { throw error.problem }
    }

    /// All rows of a table, each checked.
    func rows<R: Row>(_ type: R.Type, _ mac: RowMAC) throws(Problem) -> [R] {
        var found: [R] = []
        try each(R.name, mac) { row throws(Problem) in found.append(try R(row, from: 0)) }
        return found
    }

    /// Visits every row of a table after its MAC was checked; returns the sum of their shares.
    @discardableResult
    func each(
        _ table: TableName, _ mac: RowMAC, _ body: (borrowing Statement) throws(Problem) -> Void = { _ in }
    ) throws(Problem) -> Digest32 {
        var sum = Digest32.zero
        try reading(table.table.select) { row throws(Problem) in
            while try row.stepped() {
                sum += try mac.share(table, try mac.check(table, row))
                try body(row)
            }
        }
        return sum
    }

    /// The row with this key, checked; nil when there is none.
    func find<R: Row>(_ type: R.Type, _ key: [Value], _ mac: RowMAC) throws(Problem) -> R? {
        try reading(R.name.table.find, key) { row throws(Problem) -> R? in
            guard try row.stepped() else { return nil }
            _ = try mac.check(R.name, row)
            return try R(row, from: 0)
        }
    }

    /// The rows a query of our own finds, checked; its columns must be the table's.
    func rows<R: Row>(_ type: R.Type, _ sql: SQL, _ values: [Value], _ mac: RowMAC) throws(Problem) -> [R] {
        try reading(sql, values) { row throws(Problem) in
            var found: [R] = []
            while try row.stepped() {
                _ = try mac.check(R.name, row)
                found.append(try R(row, from: 0))
            }
            return found
        }
    }
}

extension Statement {
    /// Steps to the next row, its error in our words.
    mutating func stepped() throws(Problem) -> Bool {
        do { return try step() } catch { throw error.problem }
    }
}
