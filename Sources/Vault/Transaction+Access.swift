package import Rules
import SQLite
import Sealing

extension Transaction {
    // MARK: - Leases

    /// Adds a lease, unless its service would then have more than `most` live ones: `rate_limited`.
    package func add(lease: Lease, atMost most: Int64 = .max) throws(Problem) {
        let live = most == .max ? 0 : try liveLeases(of: lease.service)
        guard live < most else {
            let wait = ((leaseCounts.nextEnd(of: lease.service, after: now) ?? 1000) + 999) / 1000
            throw Problem(
                .rateLimited, "this service has \(live) live leases, which is all it may have",
                advice: "end leases that are not needed any more; the next ends by itself in \(max(1, wait)) s",
                retryAfter: max(1, wait))
        }
        var lease = lease
        lease.serial = nextID()
        try insert(lease)
        leaseCounts.add(lease.service, endingAt: lease.expiresAt)
    }

    /// The live leases of a service at this point of the group, in the file only where it was not counted yet.
    private func liveLeases(of service: Int64) throws(Problem) -> Int64 {
        if let live = leaseCounts.live(of: service, at: now) { return live }
        let endings = Endings(try connection.rows(Ending.self, mac))
        let ends = try connection.reading(
            """
            SELECT expires_at, serial, grant_id, app, installation FROM leases INDEXED BY leases_by_service
            WHERE service = ?1 AND expires_at > ?2
            """, [.int(service), .int(now)]
        ) { row throws(Problem) in
            var ends: [Int64] = []
            while try row.stepped() {
                let isOver = endings.cover(
                    serial: row.integer(1), service: service, grant: row.integer(2), app: row.integer(3),
                    installation: row.integer(4))
                if !isOver { ends.append(row.integer(0)) }
            }
            return ends
        }
        leaseCounts.count(service, ends: ends, at: now)
        return Int64(ends.count)
    }

    /// Gives a lease another end, methods and scope. `not_found` where it is gone, `expired` where it was revoked
    /// meanwhile.
    package func renew(lease: Lease) throws(Problem) {
        guard let old = try self.lease(lease.id) else { throw Problem(.notFound, "no such lease") }
        guard old.state == .live else {
            throw Problem(.expired, "this lease has ended", advice: "ask for access again")
        }
        try update(lease)
        leaseCounts.remove(lease.service, endingAt: old.expiresAt)
        leaseCounts.add(lease.service, endingAt: lease.expiresAt)
    }

    /// The lease of this id; nil where there is none.
    package func lease(_ id: String) throws(Problem) -> Lease? { try find(Lease.self, [.text(id)]) }

    /// Ends a lease and moves the policy epoch. `not_found` where there is none.
    package func revokeLease(_ id: String) throws(Problem) -> Lease {
        let (row, wasLive) = try end(lease: id)
        // Ending it twice takes nothing more away, and must not make others decide again.
        if wasLive { raiseEpoch() }
        return row
    }

    /// A service gives its lease back: ordinary traffic, for which nobody else need decide again, so the epoch stays.
    /// Whoever asks for this waits for the answers of this one lease. `not_found` where there is none.
    package func giveBack(lease id: String) throws(Problem) { _ = try end(lease: id) }

    private func end(lease id: String) throws(Problem) -> (Lease, wasLive: Bool) {
        guard var row = try lease(id) else {
            throw Problem(.notFound, "no such lease", advice: "list them: postern lease list")
        }
        guard row.state != .revoked else { return (row, false) }
        // What was ended with others is not counted any more, and must not be taken off a second time.
        let wasLive = !Endings(try connection.rows(Ending.self, mac)).cover(row)
        if wasLive { leaseCounts.remove(row.service, endingAt: row.expiresAt) }
        row.state = .revoked
        // It is among the live ones of no index any more.
        row.expiresAt = min(row.expiresAt, now)
        try update(row)
        return (row, wasLive)
    }

    /// Removes leases that ended before `before`. Returns how many.
    package func dropLeases(endedBefore before: Int64, atMost limit: Int64 = 500) throws(Problem) -> Int {
        let ended = try rows(
            Lease.self,
            """
            SELECT id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at,
                boot_id, boot_expires, version, state, serial, uid, process, bearer, mac
            FROM leases WHERE expires_at < ?1 LIMIT ?2
            """, [.int(before), .int(limit)])
        for lease in ended { try delete(lease) }
        return ended.count
    }

    // MARK: - OAuth flows

    /// Adds an OAuth state, by the hash of its text.
    package func add(flow: OAuthState) throws(Problem) { try insert(flow) }

    /// Writes an OAuth state's new stage.
    package func update(flow: OAuthState) throws(Problem) { try update(flow) }

    /// The OAuth state of this hash; nil where there is none.
    package func flow(_ hash: [UInt8]) throws(Problem) -> OAuthState? { try find(OAuthState.self, [.blob(hash)]) }

    /// Removes flows that ended before `before`. Returns how many.
    package func dropFlows(endedBefore before: Int64, atMost limit: Int64 = 500) throws(Problem) -> Int {
        let ended = try rows(
            OAuthState.self,
            """
            SELECT id, app, service, purpose, redirect_uri, scope, user_scope, subject, return_to, binding, browser,
                created_at, expires_at, used_at, outcome, mac
            FROM oauth_states WHERE expires_at < ?1 LIMIT ?2
            """, [.int(before), .int(limit)])
        for flow in ended { try delete(flow) }
        return ended.count
    }

    // MARK: - Installations

    /// The installation of this app at this place and for this person, made where it is missing.
    ///
    /// One that was disconnected is active again, unless `revives` is false: then it is given back as it is. `begun` is
    /// when what makes a new row began, milliseconds since 1970.
    package func installation(
        app: Int64, tenant: Int64, enterpriseID: String, teamID: String, teamName: String, isEnterprise: Bool,
        userID: String, botUserID: String, revives: Bool = true, begun: Int64? = nil
    ) throws(Problem) -> Installation {
        let existing = try existing(
            app: app, enterpriseID: enterpriseID, teamID: teamID, isEnterprise: isEnterprise, userID: userID)
        if var row = existing {
            guard revives || row.state == .active else { return row }
            row.teamName = teamName.isEmpty ? row.teamName : teamName
            row.botUserID = botUserID.isEmpty ? row.botUserID : botUserID
            let wasActive = row.state == .active
            row.state = .active
            row.updatedAt = now
            try update(row)
            if !wasActive { try tell(.connected(installation: row.id), app: app) }
            return row
        }
        let row = Installation(
            id: nextID(), app: app, tenant: tenant, enterpriseID: enterpriseID, teamID: teamID, teamName: teamName,
            isEnterprise: isEnterprise, userID: userID, botUserID: botUserID, createdAt: begun ?? now)
        try insert(row)
        if !row.isUnplaced { try tell(.connected(installation: row.id), app: app) }
        return row
    }

    /// Writes an installation's new facts.
    package func update(installation: Installation) throws(Problem) { try update(installation) }

    /// The installation of this id; nil where there is none.
    package func installation(_ id: Int64) throws(Problem) -> Installation? {
        try find(Installation.self, [.int(id)])
    }
}
