import Rules
import SQLite
import Sealing

/// The one row that changes with every commit: heads of everything, under its own key.
struct VaultState: Sendable, Equatable {
    static let create: SQL =
        """
        CREATE TABLE state (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            epoch INTEGER NOT NULL,
            next_id INTEGER NOT NULL,
            audit_seq INTEGER NOT NULL,
            audit_hash BLOB NOT NULL,
            checkpoint_seq INTEGER NOT NULL,
            last_time INTEGER NOT NULL,
            digests BLOB NOT NULL,
            mac BLOB NOT NULL
        ) STRICT
        """

    /// The policy epoch: moves with every change that takes something away (design, section 4).
    var epoch: Int64 = 1
    /// The next identifier for a row; never goes back, so none is used twice.
    var nextID: Int64 = 1
    var auditSeq: Int64 = 0
    var auditHash = Digest32.zero
    /// The newest record covered by a checkpoint.
    var checkpointSeq: Int64 = 0
    /// Time of the newest record, milliseconds since 1970.
    var lastTime: Int64 = 0
    var digests = [Digest32](repeating: .zero, count: TableName.allCases.count)

    var digestBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32 * digests.count)
        for digest in digests { digest.append(to: &bytes) }
        return bytes
    }

    private func canonical(vaultID: [UInt8]) -> [UInt8] {
        var canonical = Canonical("postern/state/1", capacity: 1024)
        canonical.add(vaultID)
        for number in [epoch, nextID, auditSeq] { canonical.add(number) }
        canonical.add(auditHash)
        canonical.add(checkpointSeq)
        canonical.add(lastTime)
        canonical.add(digestBytes)
        return canonical.bytes
    }

    private func mac(_ keys: KeyRing) throws(Problem) -> Digest32 {
        do { return try keys.slots.mac(canonical(vaultID: keys.vaultID), with: keys.state) } catch {
            throw error.problem
        }
    }

    /// Reads and checks the row; `tables` is how many digests it has, fewer in an older format.
    static func load(
        _ connection: Connection, _ keys: KeyRing, tables: Int = TableName.allCases.count
    ) throws(Problem) -> VaultState {
        try connection.reading(
            """
            SELECT epoch, next_id, audit_seq, audit_hash, checkpoint_seq, last_time, digests, mac FROM state
            ORDER BY id
            """
        ) { row throws(Problem) in
            guard try row.stepped() else { throw damaged("the row is missing") }
            var state = VaultState()
            state.digests.removeLast(state.digests.count - tables)
            state.epoch = row.integer(0)
            state.nextID = row.integer(1)
            state.auditSeq = row.integer(2)
            state.checkpointSeq = row.integer(4)
            state.lastTime = row.integer(5)
            let digests = row.blob(6)
            guard let hash = Digest32(row.blob(3)), digests.count == 32 * state.digests.count else {
                throw damaged("the row was changed")
            }
            state.auditHash = hash
            for index in state.digests.indices {
                state.digests[index] = Digest32(Array(digests[32 * index..<32 * index + 32])) ?? .zero
            }
            guard let mac = Digest32(row.blob(7)), try state.mac(keys) == mac else {
                throw damaged("the row was changed")
            }
            guard try !row.stepped() else { throw damaged("a row was added") }
            state.digests += [Digest32](repeating: .zero, count: TableName.allCases.count - tables)
            return state
        }
    }

    func store(_ connection: Connection, _ keys: KeyRing) throws(Problem) {
        let mac = try mac(keys)
        try connection.writing(
            """
            INSERT INTO state (id, epoch, next_id, audit_seq, audit_hash, checkpoint_seq, last_time, digests, mac)
            VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (id) DO UPDATE SET (epoch, next_id, audit_seq, audit_hash, checkpoint_seq, last_time, digests, mac)
            = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
            [
                .int(epoch), .int(nextID), .int(auditSeq), .blob(auditHash.bytes), .int(checkpointSeq),
                .int(lastTime), .blob(digestBytes), .blob(mac.bytes),
            ])
    }

    private static func damaged(_ what: String) -> Problem {
        Problem(
            .integrityFailure, "table state: \(what)",
            advice: "somebody changed vault.db from outside; stop, keep a copy, and restore from a backup")
    }
}
