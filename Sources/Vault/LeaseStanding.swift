package import Rules
import SQLite

/// How a lease stands at a moment.
package struct LeaseStanding: Sendable, Equatable {
    /// The raw values are on the wire.
    package enum State: String, Sendable, CaseIterable {
        case live
        case ended
        case revoked
    }

    package let state: State
    /// When it ends or ended, milliseconds since 1970: of a lease that handed out a token no later than that token's
    /// grace.
    package let endsAt: Int64
}

/// The moment a lease is looked at: both clocks in milliseconds (design, section 4).
package struct LeaseMoment: Sendable {
    package let wall: Int64
    let boot: Int64
    let bootID: String

    /// These clocks, in the boot of this id.
    package init(wall: Int64, boot: Int64, bootID: String) {
        self.wall = wall
        self.boot = boot
        self.bootID = bootID
    }
}

extension Lease {
    /// Whether its time is over, by either clock.
    package func isOver(at moment: LeaseMoment) -> Bool {
        moment.wall >= expiresAt || bootID == moment.bootID && moment.boot >= bootExpires
    }

    /// How it stands by its own row and by what was ended with others; the token it may have handed out is not looked at.
    package func standing(at moment: LeaseMoment, in policy: PolicySnapshot) -> LeaseStanding {
        if state == .revoked || policy.hasEnded(self) { return LeaseStanding(state: .revoked, endsAt: expiresAt) }
        let isSameBoot = bootID == moment.bootID
        // The clocks are read one after the other: less than a second between them is nobody's news.
        let bootEnds = isSameBoot ? moment.wall + bootExpires - moment.boot : expiresAt
        return LeaseStanding(
            state: isOver(at: moment) ? .ended : .live, endsAt: expiresAt - bootEnds > 1000 ? bootEnds : expiresAt)
    }

    /// The same, with the head of the token it handed out: the lease ends when that token's grace does.
    func standing(at moment: LeaseMoment, in policy: PolicySnapshot, head: Head?) -> LeaseStanding {
        let standing = standing(at: moment, in: policy)
        guard version > 0, standing.state == .live else { return standing }
        switch head?.state(of: version, at: moment.wall) {
        case .current?: return standing
        case .previous?:
            return LeaseStanding(state: .live, endsAt: min(standing.endsAt, head?.previousEnds ?? standing.endsAt))
        default: return LeaseStanding(state: .ended, endsAt: min(standing.endsAt, moment.wall))
        }
    }

    /// Moves the end to `end` on the wall clock, and on the boot clock to as long from now: while a wall clock that was
    /// put back catches up, no time passes on it, and the lease would end by the other clock all the same. Neither
    /// becomes earlier.
    package mutating func prolong(to end: Int64, at moment: LeaseMoment) {
        expiresAt = max(expiresAt, end)
        // What was given under another boot goes by the wall clock alone.
        guard bootID == moment.bootID else { return }
        bootExpires = max(bootExpires, moment.boot + expiresAt - moment.wall)
    }
}

/// Which leases are meant; nil is any.
package struct LeaseFilter: Sendable {
    package var service: Int64?
    package var app: Int64?
    /// The app's owner, or whose installation it is.
    package var tenant: Int64?
    package var grant: Int64?
    package var installation: Int64?
    package var state: LeaseStanding.State?

    /// Every lease.
    package init() {}
}

/// Where a page of leases ended, so that the next begins behind it.
package struct LeasePlace: Sendable, CustomStringConvertible {
    let expiresAt: Int64
    let id: String

    init(_ lease: Lease) {
        expiresAt = lease.expiresAt
        id = lease.id
    }

    /// Reads what `description` wrote; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let end = Int64(parts[0]), parts[1].utf8.count <= 64 else { return nil }
        expiresAt = end
        id = String(parts[1])
    }

    package var description: String { "\(expiresAt).\(id)" }
}

extension Vault {
    /// How a lease stands now.
    package func standing(
        of lease: Lease, at moment: LeaseMoment, in policy: PolicySnapshot
    ) throws(Problem) -> LeaseStanding {
        try readers.read { reader throws(Problem) in try standing(of: lease, at: moment, in: policy, reader) }
    }

    private func standing(
        of lease: Lease, at moment: LeaseMoment, in policy: PolicySnapshot, _ reader: Reader
    ) throws(Problem) -> LeaseStanding {
        var head: Head?
        if lease.version > 0 {
            head = try reader.connection.find(
                Head.self, [.int(lease.app), .int(lease.installation), .text(lease.leg.kind.rawValue)], reader.mac)
        }
        return lease.standing(at: moment, in: policy, head: head)
    }

    /// One page of leases, the last to end first, and where the next begins; nil where there is none.
    package func leases(
        _ filter: LeaseFilter, after: LeasePlace?, limit: Int, at moment: LeaseMoment
    ) throws(Problem) -> (page: [(Lease, LeaseStanding)], next: LeasePlace?) {
        let policy = policy
        // What only a row can say is asked of SQLite; how a lease stands is known here.
        let from = filter.state == .live ? moment.wall : Int64.min
        return try readers.read { reader throws(Problem) in
            var page: [(Lease, LeaseStanding)] = []
            var place = after
            while true {
                let rows = try reader.connection.rows(
                    Lease.self,
                    """
                    SELECT id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at,
                        boot_id, boot_expires, version, state, serial, uid, process, bearer, mac
                    FROM leases INDEXED BY leases_by_end
                    WHERE (expires_at, id) < (?1, ?2) AND expires_at > ?3
                        AND (?4 IS NULL OR service = ?4) AND (?5 IS NULL OR app = ?5)
                        AND (?6 IS NULL OR app IN (SELECT id FROM apps WHERE tenant = ?6)
                            OR installation IN (SELECT id FROM installations WHERE tenant = ?6))
                        AND (?7 IS NULL OR grant_id = ?7) AND (?8 IS NULL OR installation = ?8)
                    ORDER BY expires_at DESC, id DESC LIMIT 500
                    """,
                    [
                        .int(place?.expiresAt ?? .max), .text(place?.id ?? ""), .int(from), .optional(filter.service),
                        .optional(filter.app), .optional(filter.tenant), .optional(filter.grant),
                        .optional(filter.installation),
                    ], reader.mac)
                for lease in rows {
                    let standing = try standing(of: lease, at: moment, in: policy, reader)
                    guard filter.state == nil || filter.state == standing.state else { continue }
                    guard page.count < limit else { return (page, page.last.map { LeasePlace($0.0) }) }
                    page.append((lease, standing))
                }
                guard rows.count == 500, let last = rows.last else { return (page, nil) }
                place = LeasePlace(last)
            }
        }
    }

    /// How many leases of a kind are live, without reading a row: 100 000 take some 50 ms.
    package func liveLeases(_ filter: LeaseFilter, at moment: LeaseMoment) throws(Problem) -> Int64 {
        let policy = policy
        return try readers.read { reader throws(Problem) in
            try reader.connection.reading(
                """
                SELECT serial, service, grant_id, app, installation FROM leases INDEXED BY leases_by_service
                WHERE expires_at > ?1 AND (?2 IS NULL OR service = ?2) AND (?3 IS NULL OR app = ?3)
                    AND (?4 IS NULL OR app IN (SELECT id FROM apps WHERE tenant = ?4)
                        OR installation IN (SELECT id FROM installations WHERE tenant = ?4))
                    AND (?5 IS NULL OR grant_id = ?5) AND (?6 IS NULL OR installation = ?6)
                """,
                [
                    .int(moment.wall), .optional(filter.service), .optional(filter.app), .optional(filter.tenant),
                    .optional(filter.grant), .optional(filter.installation),
                ]
            ) { row throws(Problem) in
                var live: Int64 = 0
                while try row.stepped() {
                    let isOver = policy.endings.cover(
                        serial: row.integer(0), service: row.integer(1), grant: row.integer(2), app: row.integer(3),
                        installation: row.integer(4))
                    if !isOver { live += 1 }
                }
                return live
            }
        }
    }
}
