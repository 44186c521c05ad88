import Linux
import Rules
import SQLite
import Sealing

/// A connection that only reads, with the buffers its thread needs.
final class Reader {
    let connection: Connection
    let mac: RowMAC
    var canonical = Canonical("postern/secret/1", capacity: 512)

    init(_ connection: Connection, _ keys: KeyRing) {
        self.connection = connection
        mac = RowMAC(keys)
    }
}

/// The connections for reading. More would not help: a read takes some ten microseconds and never waits for the writer.
final class Readers: Sendable {
    static let count = 6

    private let idle: Gate<[Reader]>

    init(path: String, keys: KeyRing, vfs: String?) throws(Problem) {
        var readers: [Reader] = []
        for _ in 0..<Self.count {
            do throws(SQLiteError) {
                let connection = try Connection(path, .readWrite, vfs: vfs)
                try connection.configure(cacheKiB: 1024)
                readers.append(Reader(connection, keys))
            } catch { throw error.problem }
        }
        nonisolated(unsafe) let made = readers
        idle = Gate(unsafe made)
    }

    /// Lends a reader to `body`; waits where all are in use.
    func read<R>(_ body: (Reader) throws(Problem) -> R) throws(Problem) -> R {
        guard let lent = idle.wait({ (idle) -> Lent? in idle.popLast().map { Lent(reader: $0) } }) else {
            preconditionFailure("waiting without a deadline ended")
        }
        defer {
            idle.withLock { $0.append(lent.reader) }
            idle.wakeOne()
        }
        return try body(lent.reader)
    }

    /// The same on one snapshot, for what takes several queries.
    func snapshot<R>(_ body: (Reader) throws(Problem) -> R) throws(Problem) -> R {
        try read { reader throws(Problem) in
            try reader.connection.bridging { () throws(SQLiteError) in try reader.connection.beginRead() }
            defer { try? reader.connection.commit() }
            return try body(reader)
        }
    }
}

/// A reader on its way from the pool to the one thread that uses it.
private struct Lent: @unchecked Sendable {  // in nobody else's hands
    let reader: Reader
}
