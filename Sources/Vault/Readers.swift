import Linux
import Rules
import SQLite
import Sealing
import Synchronization

/// Counts the commits that changed anything but the log, so that a reader knows whether its snapshot is still good.
///
/// Leases are counted apart: they change with every request for access, and few ask for them. Counts of calls are not
/// counted at all.
final class DataVersion: Sendable {
    private let all = Atomic<Int64>(0)
    private let rows = Atomic<Int64>(0)

    /// Of everything, or of everything but leases.
    func now(_ need: Reader.Need) -> Int64 {
        need == .all ? all.load(ordering: .acquiring) : rows.load(ordering: .acquiring)
    }

    /// Called when a change is durable, before anyone hears of it.
    func move(_ what: Reader.Need) {
        if what == .rows { rows.wrappingAdd(1, ordering: .acquiringAndReleasing) }
        all.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
}

/// A connection that only reads, with the buffers its thread needs.
///
/// It keeps its snapshot open from one request to the next for as long as nothing but the log has grown: ending a read
/// transaction throws SQLite's page cache away as soon as anybody has written, and every secret read writes the log
/// (measured: five page reads and two file locks for each request).
final class Reader {
    /// How new a snapshot must be: with every change, or with every change but those of leases.
    enum Need {
        case all
        case rows
    }

    /// What a snapshot, or what was read from one, has.
    private struct Versions: Equatable {
        let all: Int64
        let rows: Int64
    }

    let connection: Connection
    let mac: RowMAC
    /// What was read since anything but the log last changed; good for every snapshot from then on.
    var checked = CheckedRows()
    private var checkedOf: Int64?
    private var canonical = Canonical("postern/secret/1", capacity: 512)
    private var snapshotOf: Versions?
    private let keys: KeyRing
    private var tenantKeys: [TenantKeyName: KeySlot] = [:]
    private var tenantKeyChanges: Int64?

    init(_ connection: Connection, _ keys: KeyRing) {
        self.connection = connection
        self.keys = keys
        mac = RowMAC(keys)
    }

    /// A tenant's key, from this reader's own copy of the names as long as nothing has changed: asked by every read.
    func tenantKey(_ name: TenantKeyName) throws(Problem) -> KeySlot {
        if let (slots, changes) = keys.tenantKeys(unless: tenantKeyChanges) {
            tenantKeys = slots
            tenantKeyChanges = changes
        }
        if let slot = tenantKeys[name] { return slot }
        return try keys.tenantKey(name)
    }

    /// What a version's value is bound to.
    func associated(with version: SecretVersion) -> [UInt8] {
        version.associate(&canonical, keys.vaultID)
        return canonical.bytes
    }

    /// Makes the snapshot one that has everything there is of what is needed.
    fileprivate func refresh(_ need: Need, _ version: DataVersion) throws(Problem) {
        // Asked before the snapshot is taken, so that it is never older than it says.
        let now = Versions(all: version.now(.all), rows: version.now(.rows))
        if let snapshotOf, need == .all ? snapshotOf == now : snapshotOf.rows == now.rows { return }
        if checkedOf != now.rows { checked.forget() }
        checkedOf = now.rows
        release()
        try connection.bridging { () throws(SQLiteError) in
            try connection.beginRead()
            // A deferred transaction takes its snapshot with its first read.
            _ = try connection.integer("SELECT epoch FROM state")
        }
        snapshotOf = now
    }

    fileprivate var hasSnapshot: Bool { snapshotOf != nil }

    /// Lets the snapshot go, so that the write-ahead log can be moved into the file.
    fileprivate func release() {
        snapshotOf = nil
        try? connection.rollback()
    }
}

/// The connections for reading. More would not help: a read takes some ten microseconds and never waits for the writer.
final class Readers: Sendable {
    static let count = 6

    private let idle: Gate<[Reader]>
    /// For scans of the whole file, one at a time: however long they take, requests have the others.
    private let scanning: Gate<[Reader]>
    private let version: DataVersion

    init(path: String, keys: KeyRing, vfs: String?, version: DataVersion) throws(Problem) {
        self.version = version
        var readers: [Reader] = []
        for _ in 0...Self.count {
            do throws(SQLiteError) {
                let connection = try Connection(path, .readWrite, vfs: vfs)
                try connection.configure(cacheKiB: 1024)
                readers.append(Reader(connection, keys))
            } catch { throw error.problem }
        }
        nonisolated(unsafe) let scanner = [readers.removeLast()]
        nonisolated(unsafe) let made = readers
        scanning = Gate(unsafe scanner)
        idle = Gate(unsafe made)
    }

    /// Lends a reader whose snapshot has every change there is, though perhaps not the log's newest records; of `.rows`
    /// not the newest leases either.
    func read<R>(_ need: Reader.Need = .all, _ body: (Reader) throws(Problem) -> R) throws(Problem) -> R {
        let lent = take(from: idle)
        defer { give(lent, to: idle) }
        try lent.reader.refresh(need, version)
        return try body(lent.reader)
    }

    /// The same on a snapshot of this moment, the log included, which is let go at the end.
    func snapshot<R>(_ body: (Reader) throws(Problem) -> R) throws(Problem) -> R {
        let lent = take(from: scanning)
        defer {
            lent.reader.release()
            give(lent, to: scanning)
        }
        try lent.reader.refresh(.all, version)
        return try body(lent.reader)
    }

    /// Lets the snapshots go that nobody uses at the moment.
    func letGo() {
        while let lent = idle.withLock({ idle -> Lent? in
            idle.firstIndex(where: \.hasSnapshot).map { Lent(reader: idle.remove(at: $0)) }
        }) {
            lent.reader.release()
            give(lent, to: idle)
        }
    }

    /// Runs `body` while no snapshot is open anywhere; requests wait meanwhile. False, and nothing is run, while a scan
    /// is under way: nobody should wait for that.
    @discardableResult
    func whileNobodyReads(_ body: () -> Void) -> Bool {
        guard let scanner = scanning.withLock({ idle -> Lent? in idle.popLast().map { Lent(reader: $0) } }) else {
            return false
        }
        // Whoever has the scanner is alone here, so the readers are taken by one thread at a time.
        let all = (0..<Self.count).map { _ in take(from: idle) }
        defer {
            for lent in all { give(lent, to: idle) }
            give(scanner, to: scanning)
        }
        for lent in all { lent.reader.release() }
        body()
        return true
    }

    private func take(from pool: Gate<[Reader]>) -> Lent {
        guard let lent = pool.wait({ (idle) -> Lent? in idle.popLast().map { Lent(reader: $0) } }) else {
            preconditionFailure("waiting without a deadline ended")
        }
        return lent
    }

    private func give(_ lent: Lent, to pool: Gate<[Reader]>) {
        pool.withLock { $0.append(lent.reader) }
        pool.wakeOne()
    }
}

/// A reader on its way from the pool to the one thread that uses it.
private struct Lent: @unchecked Sendable {  // in nobody else's hands
    let reader: Reader
}
