package import Rules
import SQLite
import Sealing

/// What a request may do inside the writer's transaction. Lives for one request of one group.
///
/// Every change of a row keeps its MAC and its table's set digest in step; every change of what is allowed tells the
/// writer to make a new policy snapshot; every change that takes something away must call `raiseEpoch`.
package final class Transaction {
    let connection: Connection
    let keys: KeyRing
    let mac: RowMAC
    /// The state as this group will leave it.
    var state: VaultState
    var names: NameTable
    let leaseCounts: LeaseCounts
    var policyChanged = false
    /// What was written to beside the log; nil is nothing.
    var changed: Reader.Need?
    /// How often anything was written.
    private(set) var writes = 0
    /// The checkpoint this group made, for the anchors once it is durable.
    var signed: Checkpoint?
    /// What is told once the group is durable, of requests that had no error.
    var notices: [Notice] = []
    /// Calls of this group by app, and what came of them in the file.
    var counting: [Int64: Int64] = [:]
    var counted: [Usage] = []
    /// Milliseconds since 1970, never earlier than the newest record (design, section 4).
    package let now: Int64
    private var canonical = Canonical(AuditFormat.domain, capacity: 512)
    /// Of the names of the record under way.
    private var seqs: [Int64] = []

    init(
        connection: Connection, keys: KeyRing, mac: RowMAC, state: VaultState, names: NameTable,
        leaseCounts: LeaseCounts = LeaseCounts(), now: Int64
    ) {
        self.connection = connection
        self.keys = keys
        self.mac = mac
        self.state = state
        self.names = names
        self.leaseCounts = leaseCounts
        self.now = now
    }

    /// The policy epoch at this point of the group.
    package var epoch: Int64 { state.epoch }

    /// Something was taken away: decisions made before must be made again.
    package func raiseEpoch() { state.epoch += 1 }

    /// An id no row of this vault ever had.
    package func nextID() -> Int64 {
        defer { state.nextID += 1 }
        return state.nextID
    }

    // MARK: - Rows

    func insert(_ row: some Row) throws(Problem) {
        let table = type(of: row).name
        var values = row.values
        let digest = try mac.mac(table, values)
        values.append(.blob(digest.bytes))
        try connection.writing(table.table.insert, values)
        state.digests[table.rawValue] += try mac.share(table, digest)
        note(table)
    }

    func update(_ row: some Row) throws(Problem) {
        let table = type(of: row).name
        let values = row.values
        let old = try storedMAC(table, Array(values.prefix(table.table.keyColumns)))
        let digest = try mac.mac(table, values)
        try connection.writing(table.table.update, values + [.blob(digest.bytes)])
        state.digests[table.rawValue] -= try mac.share(table, old)
        state.digests[table.rawValue] += try mac.share(table, digest)
        note(table)
    }

    func delete(_ row: some Row) throws(Problem) {
        let table = type(of: row).name
        let key = Array(row.values.prefix(table.table.keyColumns))
        let old = try storedMAC(table, key)
        try connection.writing(table.table.delete, key)
        state.digests[table.rawValue] -= try mac.share(table, old)
        note(table)
    }

    func find<R: Row>(_ type: R.Type, _ key: [Value]) throws(Problem) -> R? {
        try connection.find(type, key, mac)
    }

    func rows<R: Row>(_ type: R.Type, _ sql: SQL, _ values: [Value]) throws(Problem) -> [R] {
        try connection.rows(type, sql, values, mac)
    }

    /// The MAC of a row that is there, after checking that it is the row's.
    private func storedMAC(_ table: TableName, _ key: [Value]) throws(Problem) -> Digest32 {
        try connection.reading(table.table.find, key) { row throws(Problem) in
            guard try row.stepped() else { throw Problem(.notFound, "it is not there any more") }
            return try mac.check(table, row)
        }
    }

    private func note(_ table: TableName) {
        writes += 1
        // Counts of calls are known to who asks for them (`Usage`): no snapshot is let go for one.
        if changed != .rows, table != .usage { changed = table == .leases ? .all : .rows }
        switch table {
        case .tenants, .services, .grants, .roles, .keys, .endings: policyChanged = true
        default: break
        }
    }

    // MARK: - The log

    /// Appends an event to the log, after records for the names it uses for the first time. Returns its seq.
    @discardableResult
    package func record(_ entry: AuditEntry) throws(Problem) -> Int64 {
        seqs.removeAll(keepingCapacity: true)
        try AuditFormat.eachName(of: entry) { name throws(Problem) in
            if let seq = names[name] { return seqs.append(seq) }
            let seq = state.auditSeq + 1
            AuditFormat.begin(&canonical, .name, seq: seq, time: now)
            canonical.add(name)
            try append()
            names.define(name, seq: seq)
            seqs.append(seq)
        }
        AuditFormat.begin(&canonical, .event, seq: state.auditSeq + 1, time: now)
        AuditFormat.append(entry, to: &canonical, names: seqs)
        try append()
        return state.auditSeq
    }

    /// Appends a checkpoint over everything up to now; unsigned without a key.
    func checkpoint(signedBy signing: SigningKey?) throws(Problem) -> Checkpoint {
        var checkpoint = Checkpoint(
            vaultID: keys.vaultID, seq: state.auditSeq, head: state.auditHash, epoch: state.epoch,
            digests: state.digestBytes, publicKey: keys.signing.publicKey)
        if let signing {
            do { checkpoint.signature = try keys.slots.sign(checkpoint.message.span, with: signing) } catch {
                throw error.problem
            }
        }
        AuditFormat.begin(&canonical, .checkpoint, seq: state.auditSeq + 1, time: now)
        checkpoint.append(to: &canonical)
        canonical.add(checkpoint.signature)
        try append()
        state.checkpointSeq = state.auditSeq
        return checkpoint
    }

    /// Chains the record in the buffer and writes it.
    private func append() throws(Problem) {
        writes += 1
        let record = canonical.bytes
        let hash = Digest32.hash(previous: state.auditHash, record: record.span)
        let seq = state.auditSeq + 1
        do throws(SQLiteError) {
            var statement = try connection.prepare("INSERT INTO audit (seq, record, hash) VALUES (?1, ?2, ?3)")
            statement.bind(1, seq)
            try hash.withBytes { hash throws(SQLiteError) in
                try statement.run(2, record.span, 3, hash)
            }
        } catch { throw error.problem }
        state.auditSeq = seq
        state.auditHash = hash
        state.lastTime = now
    }
}
