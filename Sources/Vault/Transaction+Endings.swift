package import Rules
import SQLite
package import Sealing

/// A token leg that has just ended here, with the token the platform may still have to be told of.
package struct EndedLeg: Sendable {
    package let installation: Installation
    package let leg: Leg
    /// The access token as it was; nil where there was none any more.
    package let token: SecretBox?
    /// Whether the platform still took it when it was last heard of.
    package let wasActive: Bool

    /// A leg that ended with this token; `wasActive` as far as anybody knows.
    package init(installation: Installation, leg: Leg, token: SecretBox?, wasActive: Bool) {
        self.installation = installation
        self.leg = leg
        self.token = token
        self.wasActive = wasActive
    }
}

extension Transaction {
    /// Ends an installation: its legs and their secrets, its leases, its links; of a workspace also everything its
    /// people have. The rows stay, so that a new consent heals them in place. Moves the policy epoch.
    ///
    /// Returns the legs that ended; none where it had ended before. `not_found` where there is no such installation.
    package func end(installation id: Int64) throws(Problem) -> [EndedLeg] {
        guard let place = try installation(id) else { throw Problem(.notFound, "no such installation") }
        var ended: [EndedLeg] = []
        for row in try installations(under: place) {
            ended += try endLegs(of: row)
            try endLeases(of: .installation(row.id))
            _ = try removeLinks(of: row.id)
            var row = row
            let wasActive = row.state == .active
            row.state = .disconnected
            row.updatedAt = now
            try update(row)
            if wasActive { try tell(.disconnected(installation: row.id), app: row.app) }
        }
        raiseEpoch()
        return ended
    }

    /// Ends one leg; the installation goes on with the others. nil where it has ended before.
    package func end(leg: Leg, of installation: Installation) throws(Problem) -> EndedLeg? {
        guard var row = try self.leg(leg, of: installation.id), row.state != .revoked else { return nil }
        let name = SecretName(app: installation.app, installation: installation.id, kind: leg.kind)
        let ended = EndedLeg(
            installation: installation, leg: leg, token: try opened(name), wasActive: row.state == .active)
        row.replace(at: now)
        row.state = .revoked
        try update(row)
        try empty(name)
        raiseEpoch()
        return ended
    }

    /// An installation without a leg that is in use is none any more; its leases and links end with it.
    package func closeIfEmpty(_ id: Int64) throws(Problem) {
        for leg in Leg.allCases {
            if let leg = try self.leg(leg, of: id), leg.state != .revoked { return }
        }
        _ = try end(installation: id)
    }

    /// Removes an app with all that hangs on it but the log. Returns the legs that ended with it.
    package func remove(app: App) throws(Problem) -> [EndedLeg] {
        try endLeases(of: .app(app.id))
        var ended: [EndedLeg] = []
        // People's rows first: nothing refers to them.
        let places = try installations(of: app.id)
        for row in places {
            ended += try endLegs(of: row)
            _ = try removeLinks(of: row.id)
            try removeAll(of: row)
        }
        try removeChecks(of: app.id)
        try removeUsage(of: app.id)
        for integration in try integrations(with: app.id) { try remove(integration: integration) }
        for flow in try flows(of: app.id) { try delete(flow) }
        for kind in SecretKind.allCases { try removeSecret(SecretName(app: app.id, kind: kind)) }
        try delete(app)
        tell(.appRemoved, Notice.Subject(app))
        raiseEpoch()
        return ended
    }

    /// Removes the row under which a pair waited for its place, with all it has; the pair is stored elsewhere by now.
    package func removeUnplaced(_ id: Int64) throws(Problem) {
        guard let row = try installation(id), row.isUnplaced else { return }
        try removeAll(of: row)
        raiseEpoch()
    }

    /// Opens the current version of a secret that is sealed anew in the same step; nil where there is none.
    package func opened(_ secret: SecretName) throws(Problem) -> SecretBox? {
        guard let current = try head(of: secret)?.current,
            let row = try version(current, of: secret), let sealed = row.sealed
        else { return nil }
        let key = try keys.tenantKey(TenantKeyName(tenant: row.tenant, generation: row.keyGeneration))
        var canonical = Canonical("postern/secret/1")
        row.associate(&canonical, keys.vaultID)
        let slab = Slab()
        defer { slab.wipe() }
        slab.reserve(sealed.count)
        do throws(SealingError) {
            try keys.slots.open(sealed.span, associated: canonical.bytes, with: key, into: slab)
        } catch { throw error.problem }
        return SecretBox(SecretBytes(copying: slab.span))
    }

    private func endLegs(of row: Installation) throws(Problem) -> [EndedLeg] {
        var ended: [EndedLeg] = []
        for leg in Leg.allCases {
            if let one = try end(leg: leg, of: row) { ended.append(one) }
        }
        // What came with the installation and is no leg: an incoming webhook's address.
        for kind in SecretKind.allCases {
            try empty(SecretName(app: row.app, installation: row.id, kind: kind))
        }
        return ended
    }

    /// Destroys every version of a secret that is left; the rows stay.
    private func empty(_ secret: SecretName) throws(Problem) {
        guard let old = try head(of: secret) else { return }
        var head = old
        for version in [head.current, head.previous, head.pending].compactMap(\.self) {
            try destroy(secret, version: version)
        }
        head.current = nil
        head.previous = nil
        head.previousEnds = nil
        head.pending = nil
        try update(head)
        try tell(from: old, to: head)
    }

    /// Removes an installation with its legs and secrets.
    private func removeAll(of row: Installation) throws(Problem) {
        for leg in Leg.allCases {
            if let leg = try self.leg(leg, of: row.id) { try delete(leg) }
        }
        for kind in SecretKind.allCases {
            try removeSecret(SecretName(app: row.app, installation: row.id, kind: kind))
        }
        try delete(row)
    }

    private func removeSecret(_ secret: SecretName) throws(Problem) {
        guard let head = try head(of: secret) else { return }
        for version in try versions(of: secret) { try delete(version) }
        try delete(head)
    }

    /// One version of a secret as it is stored; nil where there is none.
    package func version(_ version: Int64, of secret: SecretName) throws(Problem) -> SecretVersion? {
        try find(
            SecretVersion.self,
            [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue), .int(version)])
    }

    func versions(of secret: SecretName) throws(Problem) -> [SecretVersion] {
        try rows(
            SecretVersion.self,
            """
            SELECT app, installation, kind, version, tenant, key_generation, sealed, length, fingerprint, created_at,
                created_by, destroyed_at, mac
            FROM secrets WHERE app = ?1 AND installation = ?2 AND kind = ?3
            """, [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue)])
    }

    /// The installation itself and, of a workspace or organisation, those of its people.
    private func installations(under place: Installation) throws(Problem) -> [Installation] {
        guard place.userID.isEmpty else { return [place] }
        return try installations(of: place.app).filter { row in
            row.id == place.id
                || row.enterpriseID == place.enterpriseID && row.teamID == place.teamID
                    && row.isEnterprise == place.isEnterprise && !row.isUnplaced
        }
    }

    /// Every installation of an app at this point of the group, those of people first.
    package func installations(of app: Int64) throws(Problem) -> [Installation] {
        try rows(
            Installation.self,
            """
            SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state,
                created_at, updated_at, mac
            FROM installations WHERE app = ?1 ORDER BY user_id DESC, id
            """, [.int(app)])
    }

    /// Removes an app's flows that nobody has finished and that would end at `redirectURI`.
    package func dropFlows(of app: Int64, to redirectURI: String) throws(Problem) {
        for flow in try flows(of: app) where flow.redirectURI == redirectURI && flow.usedAt == nil {
            try delete(flow)
        }
    }

    private func flows(of app: Int64) throws(Problem) -> [OAuthState] {
        try rows(
            OAuthState.self,
            """
            SELECT id, app, service, purpose, redirect_uri, scope, user_scope, subject, return_to, binding, browser,
                created_at, expires_at, used_at, outcome, mac
            FROM oauth_states WHERE app = ?1
            """, [.int(app)])
    }
}
