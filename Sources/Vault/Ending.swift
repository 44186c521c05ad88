package import Rules
import SQLite

/// What leases can be ended together by (design, section 6).
package enum LeaseGroup: Hashable, Sendable {
    case service(Int64)
    case grant(Int64)
    case app(Int64)
    case installation(Int64)

    /// The word for it in the file.
    var word: String {
        switch self {
        case .service: "service"
        case .grant: "grant"
        case .app: "app"
        case .installation: "installation"
        }
    }

    /// The row it is about.
    var id: Int64 {
        switch self {
        case .service(let id), .grant(let id), .app(let id), .installation(let id): id
        }
    }

    init?(_ word: String, _ id: Int64) {
        switch word {
        case "service": self = .service(id)
        case "grant": self = .grant(id)
        case "app": self = .app(id)
        case "installation": self = .installation(id)
        default: return nil
        }
    }
}

/// All leases of a holder that were given before `serial` have ended.
///
/// One row instead of as many as there are leases: with 100 000 of them the writer would be held for seconds. No lease
/// outlives it by more than the longest time a lease can have, after which the row is dropped.
struct Ending: Row, Sendable {
    static let name = TableName.endings

    let holder: LeaseGroup
    var serial: Int64
    /// Milliseconds since 1970.
    var endedAt: Int64

    init(_ holder: LeaseGroup, serial: Int64, endedAt: Int64) {
        self.holder = holder
        self.serial = serial
        self.endedAt = endedAt
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let holder = LeaseGroup(row.text(first), row.integer(first + 1)) else { throw Self.name.unreadable }
        self.holder = holder
        serial = row.integer(first + 2)
        endedAt = row.integer(first + 3)
    }

    var values: [Value] { [.text(holder.word), .int(holder.id), .int(serial), .int(endedAt)] }
}

/// The endings in force, by what they ended.
struct Endings: Sendable {
    private let serials: [LeaseGroup: Int64]

    init(_ rows: [Ending]) { serials = Dictionary(uniqueKeysWithValues: rows.map { ($0.holder, $0.serial) }) }

    /// Whether a lease with this serial and these holders was ended with others.
    func cover(serial: Int64, service: Int64, grant: Int64, app: Int64, installation: Int64) -> Bool {
        guard !serials.isEmpty else { return false }
        for holder in [.service(service), .grant(grant), .app(app), .installation(installation)] as [LeaseGroup] {
            if let ended = serials[holder], serial < ended { return true }
        }
        return false
    }

    /// The same of a lease.
    func cover(_ lease: Lease) -> Bool {
        cover(
            serial: lease.serial, service: lease.service, grant: lease.grant, app: lease.app,
            installation: lease.installation)
    }
}

extension PolicySnapshot {
    /// Whether the lease was ended with all of its service, grant, app or installation.
    package func hasEnded(_ lease: Lease) -> Bool { endings.cover(lease) }
}

extension Transaction {
    /// Ends every lease that a service, grant, app or installation has now: what is resumed later starts without them.
    /// Moves the policy epoch.
    package func endLeases(of holder: LeaseGroup) throws(Problem) {
        try end(holder)
        raiseEpoch()
    }

    private func end(_ holder: LeaseGroup) throws(Problem) {
        leaseCounts.forget()
        let ending = Ending(holder, serial: nextID(), endedAt: now)
        if try find(Ending.self, Array(ending.values.prefix(2))) == nil {
            try insert(ending)
        } else {
            try update(ending)
        }
    }

    /// Ends every lease on a tenant's apps, and on what the tenant has installed of others' apps. `isTold` tells those
    /// who watch of the leases, where they are not told of what ends them.
    ///
    /// Every installation has its app's tenant so far. Where one is to have another, whoever decides has to ask for
    /// that tenant's standing too: it looks at the app's alone, and would give new leases at once.
    package func endLeases(ofTenant tenant: Int64, isTold: Bool = false) throws(Problem) {
        let apps = try rows(
            App.self,
            """
            SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
            FROM apps WHERE tenant = ?1
            """, [.int(tenant)])
        for app in apps {
            try end(.app(app.id))
            if isTold { try tell(revokedAllOf: .app(app.id)) }
        }
        let places = try rows(
            Installation.self,
            """
            SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state,
                created_at, updated_at, mac
            FROM installations WHERE tenant = ?1 AND app NOT IN (SELECT id FROM apps WHERE tenant = ?1)
            """, [.int(tenant)])
        for place in places {
            try end(.installation(place.id))
            if isTold { try tell(revokedAllOf: .installation(place.id)) }
        }
        raiseEpoch()
    }

    /// Drops endings that no lease can be under any more, having been ended before `before`. Returns how many.
    func dropEndings(before: Int64) throws(Problem) -> Int {
        let over = try rows(
            Ending.self, "SELECT holder, id, serial, ended_at, mac FROM endings WHERE ended_at < ?1", [.int(before)])
        for ending in over { try delete(ending) }
        return over.count
    }
}
