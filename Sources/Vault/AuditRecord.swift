import Rules
import Sealing

/// One record of the audit log, decoded: who did what to which app, when, and how it ended.
package struct AuditRecord: Sendable {
    package let seq: Int64
    /// Milliseconds since 1970; never earlier than the record before it.
    package let time: Int64
    package let entry: AuditEntry
}

/// The canonical form of audit records (design, section 8).
///
/// Every record is `Canonical("postern/audit/1")` followed by its type, seq and time. An event names its actor,
/// action, tenant and so on by the seq of an earlier record of type `name`, so that the log can be read with nothing
/// but itself and a point look-up; a name the table had no room for stands in the event as text.
enum AuditFormat {
    static let domain = "postern/audit/1"

    enum Kind: Int64 {
        case event = 1
        case name = 2
        case checkpoint = 3
    }

    static func begin(_ canonical: inout Canonical, _ kind: Kind, seq: Int64, time: Int64) {
        canonical.restart(domain)
        canonical.add(kind.rawValue)
        canonical.add(seq)
        canonical.add(time)
    }

    /// Writes an event; `names` are the seqs of its names in the order of `eachName`.
    static func append(_ entry: AuditEntry, to canonical: inout Canonical, names: [Int64]) {
        var next = 0
        func named(_ text: String?, _ canonical: inout Canonical) {
            guard text != nil else { return canonical.addNull() }
            canonical.add(names[next])
            next += 1
        }
        let actor = entry.actor
        canonical.add(blobOf: entry.requestID.process, entry.requestID.count, tail: 4)
        named(actor.kind.rawValue, &canonical)
        named(actor.name, &canonical)
        canonical.add(actor.uid.map(Int64.init))
        canonical.add(actor.gid.map(Int64.init))
        canonical.add(actor.pid.map(Int64.init))
        canonical.add(actor.loginUID.map(Int64.init))
        named(actor.exe, &canonical)
        named(actor.unit, &canonical)
        named(entry.action, &canonical)
        named(entry.outcome.rawValue, &canonical)
        named(entry.tenant, &canonical)
        named(entry.app?.platform.rawValue, &canonical)
        canonical.add(entry.app?.appID.value)
        named(entry.kind, &canonical)
        canonical.add(entry.version)
        canonical.add(entry.leaseID)
        if let fingerprint = entry.fingerprint { canonical.add(blobOf: fingerprint.value) } else { canonical.addNull() }
        named(entry.reason, &canonical)
        canonical.add(entry.count)
    }

    /// Visits every text an event may name; the writer makes name records for them first.
    static func eachName(of entry: AuditEntry, _ visit: (String) throws(Problem) -> Void) throws(Problem) {
        let actor = entry.actor
        try visit(actor.kind.rawValue)
        if let name = actor.name { try visit(name) }
        if let exe = actor.exe { try visit(exe) }
        if let unit = actor.unit { try visit(unit) }
        try visit(entry.action)
        try visit(entry.outcome.rawValue)
        if let tenant = entry.tenant { try visit(tenant) }
        if let app = entry.app { try visit(app.platform.rawValue) }
        if let kind = entry.kind { try visit(kind) }
        if let reason = entry.reason { try visit(reason) }
    }

    /// What a record says, its names resolved.
    enum Content {
        case event(AuditEntry)
        case name(String)
        case checkpoint(Checkpoint)
    }

    /// Reads a record; `resolve` gives the name that a record of type `name` defines.
    ///
    /// Throws `malformed` when the bytes are not a record of ours, or name a name that no record defines.
    static func read(
        _ bytes: [UInt8], resolve: (Int64) -> String?
    ) throws(SealingError) -> (seq: Int64, time: Int64, content: Content) {
        var reader = try CanonicalReader(bytes.span, domain: domain)
        let type = try reader.integer()
        let seq = try reader.integer()
        let time = try reader.integer()
        let content: Content
        switch Kind(rawValue: type) {
        case .event: content = .event(try event(&reader, resolve: resolve))
        case .name: content = .name(try reader.text())
        case .checkpoint: content = .checkpoint(try Checkpoint(&reader))
        case nil: throw .malformed
        }
        try reader.end()
        return (seq, time, content)
    }

    private static func event(
        _ reader: inout CanonicalReader, resolve: (Int64) -> String?
    ) throws(SealingError) -> AuditEntry {
        guard let request = RequestID(bytes: [UInt8](copying: try reader.blob())),
            let actorKind = Actor.Kind(rawValue: try named(&reader, resolve) ?? "")
        else { throw .malformed }
        let actorName = try named(&reader, resolve)
        let uid = try reader.optionalInteger()
        let gid = try reader.optionalInteger()
        let pid = try reader.optionalInteger()
        let login = try reader.optionalInteger()
        let exe = try named(&reader, resolve)
        let unit = try named(&reader, resolve)
        guard let action = try named(&reader, resolve),
            let outcome = AuditEntry.Outcome(rawValue: try named(&reader, resolve) ?? "")
        else { throw .malformed }
        let tenant = try named(&reader, resolve)
        let platform = try named(&reader, resolve)
        let appID = try reader.optionalText()
        var app: AppKey?
        if let platform, let appID {
            guard let key = AppKey("\(platform)/\(appID)") else { throw .malformed }
            app = key
        }
        let kind = try named(&reader, resolve)
        let version = try reader.optionalInteger()
        let lease = try reader.optionalText()
        var fingerprint: Fingerprint?
        if let bytes = try reader.optionalBlob() {
            guard let print = Fingerprint(bytes: bytes) else { throw .malformed }
            fingerprint = print
        }
        let reason = try named(&reader, resolve)
        let count = try reader.optionalInteger()
        let actor = Actor(
            kind: actorKind, name: actorName, uid: uid.flatMap(UInt32.init(exactly:)),
            gid: gid.flatMap(UInt32.init(exactly:)), pid: pid.flatMap(Int32.init(exactly:)),
            loginUID: login.flatMap(UInt32.init(exactly:)), exe: exe, unit: unit)
        return AuditEntry(
            action, outcome, by: actor, request: request, tenant: tenant, app: app, kind: kind, version: version,
            leaseID: lease, fingerprint: fingerprint, reason: reason, count: count)
    }

    /// A name as an event gives it: by the seq of its record, or written out.
    private static func named(
        _ reader: inout CanonicalReader, _ resolve: (Int64) -> String?
    ) throws(SealingError) -> String? {
        guard reader.next == .integer else { return try reader.optionalText() }
        guard let name = resolve(try reader.integer()) else { throw .malformed }
        return name
    }
}
