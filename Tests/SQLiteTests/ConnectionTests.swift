import SQLite
import Testing

@Suite struct `A database` {
    private let folder = Folder()

    private func open(_ mode: Connection.Mode = .create) throws -> Connection {
        let connection = try Connection(folder.file("a.db"), mode)
        try connection.configure()
        return connection
    }

    private func withTable() throws -> Connection {
        let connection = try open()
        try connection.executeAll(
            """
            CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, data BLOB, parent INTEGER REFERENCES item(id)) STRICT;
            CREATE UNIQUE INDEX item_name ON item(name);
            """)
        return connection
    }

    private func insert(_ connection: Connection, _ id: Int64, _ name: String?, _ data: [UInt8]?) throws(SQLiteError) {
        var statement = try connection.prepare("INSERT INTO item(id, name, data) VALUES (?1, ?2, ?3)")
        statement.bind(1, id)
        statement.bind(2, name)
        statement.bind(3, data)
        try statement.run()
    }

    @Test(
        arguments: [
            (Int64.min, "", 0), (Int64.max, "é漢🦊\u{0}x", 1), (0, "plain", 100_000),
        ])
    func `gives back what was put in`(_ id: Int64, _ name: String, _ count: Int) throws {
        let data = [UInt8](repeating: 7, count: count)
        let connection = try withTable()
        try insert(connection, id, name, data)
        var row = try connection.prepare("SELECT id, name, data FROM item WHERE id = ?1")
        row.bind(1, id)
        #expect(try row.step())
        #expect(row.integer(0) == id)
        #expect(row.text(1) == name)
        #expect(row.blob(2) == data)
        #expect(!row.isNull(1) && !row.isNull(2))
        #expect(row.optionalText(1) == name)
        #expect(row.optionalBlob(2) == data)
        let length = row.span(2).count
        #expect(length == count)
        #expect(try !row.step())
    }

    @Test(arguments: [("", 0), ("é漢🦊\u{0}x", 1), ("plain", 100_000)])
    func `takes what is lent to it`(_ name: String, _ count: Int) throws {
        let connection = try withTable()
        var bytes = Array(name.utf8) + [UInt8](repeating: 7, count: count)
        var statement = try connection.prepare("INSERT INTO item(id, name, data) VALUES (1, ?1, ?2)")
        let end = name.utf8.count
        try statement.run(lending: bytes.span, [(1, true, 0..<end), (2, false, end..<bytes.count)])
        // What it was lent is ours again.
        bytes = [UInt8](repeating: 9, count: bytes.count)
        var row = try connection.prepare("SELECT name, data, typeof(name), typeof(data) FROM item")
        #expect(try row.step())
        #expect(row.text(0) == name)
        #expect(row.blob(1) == [UInt8](repeating: 7, count: count))
        #expect(row.text(2) == "text")
        #expect(row.text(3) == "blob")
    }

    @Test func `knows nothing from empty`() throws {
        let connection = try withTable()
        try insert(connection, 1, nil, nil)
        try insert(connection, 2, "", [])
        var rows = try connection.prepare("SELECT name, data, parent FROM item ORDER BY id")
        #expect(try rows.step())
        #expect(rows.isNull(0) && rows.isNull(1) && rows.isNull(2))
        #expect(rows.optionalText(0) == nil && rows.optionalBlob(1) == nil && rows.optionalInteger(2) == nil)
        #expect(rows.text(0) == "" && rows.blob(1) == [] && rows.integer(2) == 0)
        #expect(try rows.step())
        #expect(rows.optionalText(0) == "" && rows.optionalBlob(1) == [])
    }

    @Test func `resets a statement that was left in the middle, and forgets its values`() throws {
        let connection = try withTable()
        for id in 1...3 as ClosedRange<Int64> { try insert(connection, id, "n\(id)", [1]) }
        func first(_ bound: Int64?) throws -> Int64? {
            var rows = try connection.prepare("SELECT id FROM item WHERE id >= ?1 ORDER BY id")
            if let bound { rows.bind(1, bound) }
            return try rows.step() ? rows.integer(0) : nil
        }
        #expect(try first(2) == 2)
        #expect(try first(1) == 1)
        // Nothing bound is NULL, and not the value of last time.
        #expect(try first(nil) == nil)
        // A statement in the middle would keep the log from being cut.
        #expect(try connection.checkpoint(.truncate).complete)
        #expect(connection.walBytes == 0)
    }

    @Test func `runs one text twice at the same time`() throws {
        let connection = try withTable()
        for id in 1...3 as ClosedRange<Int64> { try insert(connection, id, "n\(id)", [1]) }
        func count(below depth: Int) throws -> Int {
            var rows = try connection.prepare("SELECT id FROM item")
            var seen = 0
            while try rows.step() { seen += depth == 0 ? 1 : try count(below: depth - 1) }
            return seen
        }
        #expect(try count(below: 2) == 27)
        #expect(try count(below: 2) == 27)
    }

    @Test func `says what it refused without saying the value`() throws {
        let connection = try withTable()
        try insert(connection, 1, "xoxb-secret", [1])
        let twice = #expect(throws: SQLiteError.self) { try insert(connection, 2, "xoxb-secret", [1]) }
        #expect(twice?.code == .constraint && twice?.isDuplicate == true)
        #expect(twice?.what.contains("item.name") == true)
        #expect(twice?.description.contains("secret") == false)
        let sameKey = #expect(throws: SQLiteError.self) { try insert(connection, 1, "other", [1]) }
        #expect(sameKey?.isDuplicate == true)
        let orphan = #expect(throws: SQLiteError.self) {
            try connection.execute("UPDATE item SET parent = 99 WHERE id = 1")
        }
        #expect(orphan?.code == .constraint && orphan?.isDuplicate == false)
        let nonsense = #expect(throws: SQLiteError.self) { try connection.execute("SELECT * FROM nowhere") }
        #expect(nonsense?.code == .other && nonsense?.what.contains("nowhere") == true)
        let quoted = #expect(throws: SQLiteError.self) { try connection.execute(#"SELECT "nothing" FROM item"#) }
        #expect(quoted?.code == .other)
    }

    @Test func `tells apart what a file can be`() throws {
        let missing = #expect(throws: SQLiteError.self) { _ = try Connection(folder.file("a.db"), .readWrite) }
        #expect(missing?.code == .cannotOpen)
        let writer = try withTable()
        try insert(writer, 1, "a", [])
        let reader = try open(.readOnly)
        #expect(try reader.integer("SELECT count(*) FROM item") == 1)
        let refused = #expect(throws: SQLiteError.self) { try insert(reader, 2, "b", []) }
        #expect(refused?.code == .readOnly)
        let other = try Connection(folder.file("a.db"), .readWrite, busyTimeout: 0)
        try writer.beginImmediate()
        let busy = #expect(throws: SQLiteError.self) { try other.beginImmediate() }
        #expect(busy?.code == .busy)
        try writer.rollback()
    }

    @Test func `defends itself`() throws {
        let connection = try withTable()
        #expect(try connection.text("PRAGMA journal_mode") == "wal")
        #expect(try connection.integer("PRAGMA synchronous") == 2)
        #expect(try connection.integer("PRAGMA foreign_keys") == 1)
        #expect(try connection.integer("PRAGMA secure_delete") == 1)
        #expect(try connection.integer("PRAGMA trusted_schema") == 0)
        #expect(try connection.integer("PRAGMA cell_size_check") == 1)
        #expect(try connection.integer("PRAGMA temp_store") == 2)
        #expect(try connection.integer("PRAGMA cache_size") == -8192)
        try connection.execute("PRAGMA writable_schema = ON")
        #expect(throws: SQLiteError.self) { try connection.execute("DELETE FROM sqlite_schema") }
    }

    @Test func `keeps its numbers and shows its schema`() throws {
        let connection = try withTable()
        try connection.setUserVersion(7)
        try connection.setApplicationID(-3)
        #expect(try connection.userVersion == 7)
        #expect(try connection.applicationID == -3)
        let before = try connection.schemaText()
        #expect(before.split(separator: "\n").count == 2)
        #expect(before.hasPrefix("index\titem_name\titem\tCREATE UNIQUE INDEX"))
        try connection.execute("CREATE TRIGGER planted AFTER INSERT ON item BEGIN DELETE FROM item; END")
        #expect(try connection.schemaText() != before)
        #expect(try connection.integrityCheck() == "ok")
    }

    @Test func `undoes a savepoint and keeps the rest`() throws {
        let connection = try withTable()
        try connection.beginImmediate()
        #expect(connection.isInTransaction)
        try insert(connection, 1, "one", [])
        try connection.savepoint()
        try insert(connection, 2, "two", [])
        try connection.savepoint()
        try insert(connection, 3, "three", [])
        try connection.releaseSavepoint()
        try connection.rollbackSavepoint()
        try insert(connection, 4, "four", [])
        try connection.commit()
        #expect(!connection.isInTransaction)
        try connection.rollback()
        #expect(try connection.text("SELECT min(id) || ',' || max(id) || ',' || count(*) FROM item") == "1,4,2")
        #expect(connection.lastInsertedRow == 4)
        try connection.execute("DELETE FROM item")
        #expect(connection.changes == 2)
    }

    @Test func `counts its log and cuts it unless someone reads`() throws {
        let writer = try withTable()
        let reader = try open(.readOnly)
        try insert(writer, 1, "one", [UInt8](repeating: 1, count: 20_000))
        #expect(writer.walFrames >= 5)
        #expect(writer.walBytes > 20_000)
        try reader.beginRead()
        #expect(try reader.integer("SELECT count(*) FROM item") == 1)
        try insert(writer, 2, "two", [])
        let other = try Connection(folder.file("a.db"), .readWrite, busyTimeout: 0)
        #expect(try other.integer("SELECT count(*) FROM item") == 2)
        let blocked = try other.checkpoint(.truncate)
        #expect(!blocked.complete && blocked.log > 0)
        #expect(try reader.integer("SELECT count(*) FROM item") == 1)
        try reader.commit()
        #expect(try other.checkpoint(.passive).complete)
        let cut = try other.checkpoint(.truncate)
        #expect(cut.complete && cut.log == 0)
        #expect(writer.walBytes == 0)
        #expect(try reader.integer("SELECT count(*) FROM item") == 2)
    }

    @Test func `is copied while it is written to`() throws {
        let writer = try withTable()
        for id in 0..<200 as Range<Int64> { try insert(writer, id, "n\(id)", [UInt8](repeating: 9, count: 3000)) }
        let copy = try Connection(folder.file("b.db"), .create)
        var pauses = 0
        try writer.backUp(to: copy, pages: 16) {
            pauses += 1
            if pauses == 3 { try? insert(writer, 1000, "late", []) }
        }
        #expect(pauses > 3)
        #expect(try copy.integer("SELECT count(*) FROM item") == 201)
        #expect(try copy.integrityCheck() == "ok")
    }

    @Test func `ends the program when a parameter does not exist`() async {
        await #expect(processExitsWith: .failure) {
            let connection = try Connection(":memory:", .create)
            var statement = try connection.prepare("SELECT 1")
            statement.bind(1, 5 as Int64)
        }
    }
}
