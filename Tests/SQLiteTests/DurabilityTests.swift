import DurabilityVFS
import SQLite
import Testing

@Suite struct `A power cut` {
    private let folder = Folder()
    private let disk = Disk()

    private func open(_ synchronous: Connection.Synchronous) throws(SQLiteError) -> Connection {
        let connection = try Connection(folder.file("a.db"), .create, vfs: disk.name)
        try connection.configure(synchronous: synchronous)
        try connection.executeAll("CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY, data BLOB) STRICT")
        return connection
    }

    private func insert(_ connection: Connection, _ id: Int64) throws(SQLiteError) {
        try connection.beginImmediate()
        var statement = try connection.prepare("INSERT INTO item(id, data) VALUES (?1, ?2)")
        statement.bind(1, id)
        statement.bind(2, data(of: id))
        try statement.run()
        try connection.commit()
    }

    /// Between nothing and three pages.
    private func data(of id: Int64) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: Int(id) * 371 % 9000)
    }

    /// What is there after the power is back: the ids from 1 on without a gap, each with its own bytes.
    private func survivors() throws -> Int64 {
        disk.restorePower()
        let connection = try open(.full)
        #expect(try connection.integrityCheck() == "ok")
        var rows = try connection.prepare("SELECT id, data FROM item ORDER BY id")
        var last: Int64 = 0
        while try rows.step() {
            #expect(rows.integer(0) == last + 1)
            last = rows.integer(0)
            let same = rows.blob(1) == data(of: last)
            #expect(same)
        }
        return last
    }

    /// Commits until the power goes, a checkpoint now and then. Returns the last commit that was acknowledged.
    private func commitUntilDark(_ synchronous: Connection.Synchronous, from first: Int64, most: Int64) -> Int64 {
        guard let connection = try? open(synchronous) else { return first - 1 }
        var acknowledged = first - 1
        while acknowledged < first - 1 + most {
            do throws(SQLiteError) {
                try insert(connection, acknowledged + 1)
                acknowledged += 1
                if acknowledged % 7 == 0 { _ = try connection.checkpoint(acknowledged % 2 == 0 ? .truncate : .passive) }
            } catch {
                break
            }
        }
        return acknowledged
    }

    /// The power goes at every single write, sync and truncation of a run of commits and checkpoints in turn.
    @Test(arguments: [Disk.Loss.all, .some(seed: 1), .some(seed: 2), .some(seed: 3)])
    func `at any operation loses no acknowledged commit`(_ loss: Disk.Loss) throws {
        var acknowledged: Int64 = 0
        var cuts = 0
        for operation in 1...120 {
            disk.cutPower(atOperation: operation, losing: loss)
            let reached = commitUntilDark(.full, from: acknowledged + 1, most: 30)
            if !disk.hasPower { cuts += 1 }
            disk.cutPower(losing: loss)
            let found = try survivors()
            #expect(found == reached || found == reached + 1, "operation \(operation)")
            acknowledged = found
        }
        #expect(cuts == 120)
        #expect(acknowledged > 100)
    }

    /// The same test, so that it is known to be able to fail.
    @Test func `without syncing loses acknowledged commits`() throws {
        let reached = commitUntilDark(.off, from: 1, most: 30)
        #expect(reached == 30)
        disk.cutPower(losing: .all)
        #expect(try survivors() < 30)
    }

    @Test func `after as many syncs as commits finds all of them`() throws {
        let connection = try open(.full)
        let before = disk.syncs
        for id in 1...20 as ClosedRange<Int64> { try insert(connection, id) }
        #expect(disk.syncs - before == 20)
        disk.cutPower(losing: .all)
        let refused = #expect(throws: SQLiteError.self) { try insert(connection, 21) }
        #expect(refused?.code == .ioError)
    }

    @Test func `finds what was acknowledged before a write or sync failed`() throws {
        do {
            let connection = try open(.full)
            for id in 1...5 as ClosedRange<Int64> { try insert(connection, id) }
            disk.failSync(1)
            let sync = #expect(throws: SQLiteError.self) { try insert(connection, 6) }
            #expect(sync?.code == .ioError)
            try connection.rollback()
            disk.failWrite(1, lasting: true)
            let write = #expect(throws: SQLiteError.self) { try insert(connection, 6) }
            #expect(write?.code == .ioError)
            try connection.rollback()
            disk.failWrite(0)
            try insert(connection, 6)
            try insert(connection, 7)
            disk.cutPower(losing: .all)
        }
        #expect(try survivors() == 7)
    }

    @Test func `finds what was acknowledged before the disk was full, and goes on when there is room`() throws {
        var acknowledged: Int64 = 0
        do {
            let connection = try open(.full)
            disk.setSpace(100_000)
            var full: SQLiteError?
            while full == nil {
                do throws(SQLiteError) {
                    try insert(connection, acknowledged + 1)
                    acknowledged += 1
                } catch { full = error }
            }
            #expect(full?.code == .full)
            #expect(acknowledged > 3)
            try connection.rollback()
            #expect(!connection.isInTransaction)
            disk.setSpace(nil)
            try insert(connection, acknowledged + 1)
            acknowledged += 1
            disk.cutPower(losing: .some(seed: 9))
        }
        #expect(try survivors() == acknowledged)
    }
}
