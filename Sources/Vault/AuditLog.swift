package import Rules
import SQLite
import Sealing
import Synchronization

/// What to look for in the log; nil is anything.
package struct AuditFilter: Sendable {
    /// Milliseconds since 1970, inclusive and exclusive.
    package var since: Int64?
    package var until: Int64?
    /// Only records with a greater seq, oldest first; without it the newest.
    package var after: Int64?
    /// At most this many records.
    package var limit = 100
    package var service: String?
    package var tenant: String?
    package var app: AppKey?
    package var action: String?
    package var outcome: AuditEntry.Outcome?
    package var requestID: RequestID?

    /// All records, without a filter.
    package init() {}

    fileprivate func matches(_ record: AuditRecord) -> Bool {
        let entry = record.entry
        return (service == nil || (entry.actor.kind == .service && entry.actor.name == service))
            && (tenant == nil || entry.tenant == tenant) && (app == nil || entry.app == app)
            && (action == nil || entry.action == action) && (outcome == nil || entry.outcome == outcome)
            && (requestID == nil || entry.requestID == requestID)
    }
}

extension Vault {
    /// The records a filter lets through, in ascending order of seq.
    package func audit(_ filter: AuditFilter) throws(Problem) -> [AuditRecord] {
        try readers.snapshot { reader throws(Problem) in try AuditLog.find(filter, reader.connection) }
    }

    /// Where the log stands: its newest record and hash, and the newest record under a checkpoint.
    package var logHead: (seq: Int64, hash: String, checkpointSeq: Int64, time: Int64) {
        let state = core.committed.withLock { $0 }
        return (state.auditSeq, state.auditHash.hex, state.checkpointSeq, state.lastTime)
    }

    /// Milliseconds since 1970, never earlier than the newest record.
    package var now: Int64 { core.now }
}

/// Reading the log. Names are looked up by the seq of their record, so any stretch can be read alone.
enum AuditLog {
    static func find(_ filter: AuditFilter, _ connection: Connection) throws(Problem) -> [AuditRecord] {
        var found: [AuditRecord] = []
        var names: [Int64: String] = [:]
        let ascending = filter.after != nil
        let sql: SQL =
            ascending
            ? "SELECT seq, record FROM audit WHERE seq > ?1 ORDER BY seq"
            : "SELECT seq, record FROM audit WHERE seq > ?1 ORDER BY seq DESC"
        try connection.reading(sql, [.int(filter.after ?? 0)]) { row throws(Problem) in
            while found.count < filter.limit, try row.stepped() {
                let record = try read(row.blob(1), connection, &names)
                // Times never go back, so everything on the far side of the window can be left unread.
                if let since = filter.since, record.time < since {
                    if ascending { continue } else { break }
                }
                if let until = filter.until, record.time >= until {
                    if ascending { break } else { continue }
                }
                guard case .event(let entry) = record.content else { continue }
                let event = AuditRecord(seq: record.seq, time: record.time, entry: entry)
                if filter.matches(event) { found.append(event) }
            }
        }
        return ascending ? found : found.reversed()
    }

    static func read(
        _ bytes: [UInt8], _ connection: Connection, _ names: inout [Int64: String]
    ) throws(Problem) -> (seq: Int64, time: Int64, content: AuditFormat.Content) {
        do {
            return try AuditFormat.read(bytes) { seq in
                if let name = names[seq] { return name }
                guard let name = try? Self.name(seq, connection) else { return nil }
                names[seq] = name
                return name
            }
        } catch {
            throw Problem(
                .integrityFailure, "table audit: a record cannot be read",
                advice: "run `postern audit verify`, which names the first bad one")
        }
    }

    /// The name that the record `seq` defines.
    private static func name(_ seq: Int64, _ connection: Connection) throws(Problem) -> String? {
        try connection.reading("SELECT record FROM audit WHERE seq = ?1", [.int(seq)]) {
            row throws(Problem) -> String? in
            guard try row.stepped() else { return nil }
            guard case .name(let name)? = (try? AuditFormat.read(row.blob(0)) { _ in nil })?.content else { return nil }
            return name
        }
    }
}
