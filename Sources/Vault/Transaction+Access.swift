package import Rules
import SQLite
import Sealing

extension Transaction {
    // MARK: - Leases

    /// Adds a lease.
    package func add(lease: Lease) throws(Problem) {
        var lease = lease
        lease.serial = nextID()
        try insert(lease)
    }

    /// Writes a lease's new state.
    package func update(lease: Lease) throws(Problem) { try update(lease) }

    /// The lease of this id; nil where there is none.
    package func lease(_ id: String) throws(Problem) -> Lease? { try find(Lease.self, [.text(id)]) }

    /// Ends a lease and moves the policy epoch. `not_found` where there is none.
    package func revokeLease(_ id: String) throws(Problem) -> Lease {
        guard var row = try lease(id) else { throw Problem(.notFound, "no such lease") }
        // Ending it twice takes nothing more away, and must not make others decide again.
        guard row.state != .revoked else { return row }
        row.state = .revoked
        try update(row)
        raiseEpoch()
        return row
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
            row.state = .active
            row.updatedAt = now
            try update(row)
            return row
        }
        let row = Installation(
            id: nextID(), app: app, tenant: tenant, enterpriseID: enterpriseID, teamID: teamID, teamName: teamName,
            isEnterprise: isEnterprise, userID: userID, botUserID: botUserID, createdAt: begun ?? now)
        try insert(row)
        return row
    }

    /// Writes an installation's new facts.
    package func update(installation: Installation) throws(Problem) { try update(installation) }

    /// The installation of this id; nil where there is none.
    package func installation(_ id: Int64) throws(Problem) -> Installation? {
        try find(Installation.self, [.int(id)])
    }
}
