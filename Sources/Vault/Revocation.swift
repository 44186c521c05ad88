package import Rules
import SQLite
package import Sealing

/// Something that has ended here at once and is still to be ended at the platform (design, section 6: local revocation
/// never waits for a platform).
package struct Revocation: Row, Sendable {
    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        /// To be tried, or tried again.
        case pending
        /// The platform has done it, or the token was dead already.
        case done
        /// The platform refused for good; `code` says why.
        case refused
        /// The platform has no call for it (platforms, 2.7).
        case unsupported
    }

    static let name = TableName.revocations

    package let id: Int64
    package let app: Int64
    package let installation: Int64
    package let leg: Leg
    package let tenant: Int64
    let keyGeneration: Int64
    /// What the platform has to be given, as its maker wrote it; nil once it is of no more use.
    var sealed: [UInt8]?
    package private(set) var state: State
    package private(set) var attempts: Int64
    /// When it is tried next, milliseconds since 1970; nil when it is not.
    package private(set) var nextAt: Int64?
    /// Our code for why the newest attempt failed.
    package private(set) var code: String?
    package let createdAt: Int64
    package private(set) var updatedAt: Int64

    init(
        id: Int64, app: Int64, installation: Int64, leg: Leg, tenant: Int64, keyGeneration: Int64, state: State,
        now: Int64
    ) {
        self.id = id
        self.app = app
        self.installation = installation
        self.leg = leg
        self.tenant = tenant
        self.keyGeneration = keyGeneration
        self.state = state
        attempts = 0
        nextAt = state == .pending ? now : nil
        createdAt = now
        updatedAt = now
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let leg = Leg(rawValue: row.text(first + 3)), let state = State(rawValue: row.text(first + 7)) else {
            throw Self.name.unreadable
        }
        id = row.integer(first)
        app = row.integer(first + 1)
        installation = row.integer(first + 2)
        self.leg = leg
        tenant = row.integer(first + 4)
        keyGeneration = row.integer(first + 5)
        sealed = row.isNull(first + 6) ? nil : row.blob(first + 6)
        self.state = state
        attempts = row.integer(first + 8)
        nextAt = row.isNull(first + 9) ? nil : row.integer(first + 9)
        code = row.isNull(first + 10) ? nil : row.text(first + 10)
        createdAt = row.integer(first + 11)
        updatedAt = row.integer(first + 12)
    }

    var values: [Value] {
        [
            .int(id), .int(app), .int(installation), .text(leg.rawValue), .int(tenant), .int(keyGeneration),
            .optional(sealed), .text(state.rawValue), .int(attempts), .optional(nextAt), .optional(code),
            .int(createdAt), .int(updatedAt),
        ]
    }

    /// An attempt ended: it is tried again at `nextAt`, or is over and what was sealed is gone.
    package mutating func tried(_ state: State, code: String?, nextAt: Int64?, at now: Int64) {
        self.state = state
        self.code = code
        self.nextAt = state == .pending ? nextAt : nil
        if state != .pending { sealed = nil }
        attempts += 1
        updatedAt = now
    }

    /// All that places what is sealed (design, section 3).
    fileprivate func place(in vaultID: [UInt8]) -> Canonical {
        var canonical = Canonical("postern/revocation/1")
        canonical.add(vaultID)
        canonical.add(tenant)
        canonical.add(keyGeneration)
        canonical.add(id)
        canonical.add(app)
        canonical.add(installation)
        canonical.add(leg.rawValue)
        return canonical
    }
}

extension Transaction {
    /// Queues the platform's part of a revocation. `what` is sealed as it is; nil where the platform has no call.
    package func addRevocation(
        _ what: SecretBox?, app: Int64, installation: Int64, leg: Leg, tenant: Int64
    ) throws(Problem) -> Revocation {
        let generation = try newestKey(of: tenant)
        var row = Revocation(
            id: nextID(), app: app, installation: installation, leg: leg, tenant: tenant, keyGeneration: generation,
            state: what == nil ? .unsupported : .pending, now: now)
        if let what {
            let key = try keys.tenantKey(TenantKeyName(tenant: tenant, generation: generation))
            let canonical = row.place(in: keys.vaultID)
            row.sealed = try what.withBytes { bytes throws(Problem) in
                do throws(SealingError) {
                    return try keys.slots.seal(bytes, associated: canonical.bytes, with: key)
                } catch { throw error.problem }
            }
        }
        try insert(row)
        return row
    }

    /// Writes what came of an attempt.
    package func update(revocation: Revocation) throws(Problem) { try update(revocation) }

    /// The revocation of this id; nil where there is none.
    package func revocation(_ id: Int64) throws(Problem) -> Revocation? { try find(Revocation.self, [.int(id)]) }

    /// Removes revocations that were over before `before`. Returns how many.
    package func dropRevocations(endedBefore before: Int64, atMost limit: Int64 = 500) throws(Problem) -> Int {
        let ended = try rows(
            Revocation.self,
            """
            SELECT id, app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code,
                created_at, updated_at, mac
            FROM revocations WHERE next_at IS NULL AND updated_at < ?1 LIMIT ?2
            """, [.int(before), .int(limit)])
        for row in ended { try delete(row) }
        return ended.count
    }
}

extension Vault {
    /// Revocations to be tried by `moment`, the oldest first; at most `limit`.
    package func revocations(dueBy moment: Int64, atMost limit: Int64 = 100) throws(Problem) -> [Revocation] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Revocation.self,
                """
                SELECT id, app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code,
                    created_at, updated_at, mac
                FROM revocations WHERE next_at IS NOT NULL AND next_at <= ?1 ORDER BY next_at LIMIT ?2
                """, [.int(moment), .int(limit)], reader.mac)
        }
    }

    /// Revocations of an app's installations, the newest first; `app` nil is all. At most `limit`.
    package func revocations(of app: Int64?, atMost limit: Int64 = 1000) throws(Problem) -> [Revocation] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Revocation.self,
                """
                SELECT id, app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code,
                    created_at, updated_at, mac
                FROM revocations WHERE (?1 IS NULL OR app = ?1) ORDER BY id DESC LIMIT ?2
                """, [.optional(app), .int(limit)], reader.mac)
        }
    }

    /// How many revocations are still to be tried.
    package func pendingRevocations() throws(Problem) -> Int64 {
        try readers.read { reader throws(Problem) in
            try reader.connection.bridging { () throws(SQLiteError) in
                try reader.connection.integer("SELECT count(*) FROM revocations WHERE next_at IS NOT NULL") ?? 0
            }
        }
    }

    /// Opens what a revocation has sealed at the end of `slab`; false where nothing is left.
    package func open(_ revocation: Revocation, into slab: Slab) throws(Problem) -> Bool {
        guard let sealed = revocation.sealed else { return false }
        let key = try keys.tenantKey(
            TenantKeyName(tenant: revocation.tenant, generation: revocation.keyGeneration))
        slab.reserve(sealed.count)
        do throws(SealingError) {
            try keys.slots.open(
                sealed.span, associated: revocation.place(in: keys.vaultID).bytes, with: key, into: slab)
        } catch {
            guard error != .notAuthentic else {
                throw TableName.revocations.damaged("the row \(revocation.id) does not open")
            }
            throw error.problem
        }
        return true
    }
}
