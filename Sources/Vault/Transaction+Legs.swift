package import Rules
import SQLite
package import Sealing

/// A new token on its way into a leg.
package struct NewToken: Sendable {
    package var token: SecretBox
    /// nil keeps the refresh token that is there when `keepsRefreshToken`, else there is none from now on.
    package var refreshToken: SecretBox?
    package var keepsRefreshToken = false
    package var scope: [String]
    /// nil keeps what was asked before.
    package var asked: [String]?
    /// Milliseconds since 1970; nil for a token that does not end.
    package var expiresAt: Int64?
    /// Milliseconds since 1970; nil for a refresh token that does not end or of which nobody says.
    package var refreshExpiresAt: Int64?
    /// When its life began, milliseconds since 1970; nil is now.
    package var issuedAt: Int64?
    /// A token with nothing known of it but itself and its scope.
    package init(token: SecretBox, refreshToken: SecretBox? = nil, scope: [String], expiresAt: Int64? = nil) {
        self.token = token
        self.refreshToken = refreshToken
        self.scope = scope
        self.expiresAt = expiresAt
    }
}

extension Transaction {
    /// A token was pasted in place of a leg's: it is good until the platform says otherwise, and has no refresh token.
    package func replacedByHand(_ leg: Leg, of installation: Int64) throws(Problem) {
        guard var row = try self.leg(leg, of: installation) else { return }
        row.replace(at: now)
        try update(row)
    }

    /// Lets refreshes of an app's legs that failed be tried at once, because something about the app is different now.
    package func retryRefreshes(of app: Int64) throws(Problem) {
        let failing = try rows(
            LegRow.self,
            """
            SELECT installation, leg, scope, asked, state, issued_at, expires_at, refresh_expires_at, refresh_sealed,
                refresh_fingerprint, key_generation, generation, in_flight, in_flight_at, due_at, retry_at, failures,
                failing_since, failure, updated_at, mac
            FROM legs
            WHERE failures > 0 AND state = 'active' AND retry_at IS NOT NULL
                AND installation IN (SELECT id FROM installations WHERE app = ?1)
            """, [.int(app)])
        for var leg in failing {
            leg.retryAt = nil
            if leg.canRefresh { leg.dueAt = now }
            try update(leg)
        }
    }

    /// Writes a changed leg.
    package func update(leg: LegRow) throws(Problem) {
        if leg.state == .needsReauthorization, try self.leg(leg.leg, of: leg.installation)?.state == .active,
            let place = try installation(leg.installation)
        {
            try tell(.needsReauthorization(installation: place.id, leg: leg.leg), app: place.app)
        }
        try update(leg)
    }

    /// A token leg of an installation; nil where it has none of that kind.
    package func leg(_ leg: Leg, of installation: Int64) throws(Problem) -> LegRow? {
        try find(LegRow.self, [.int(installation), .text(leg.rawValue)])
    }

    /// Writes a leg's new token, its refresh token and what is known of them: one step, so neither is ever alone.
    ///
    /// A consent or a token by hand takes the one before out of use: `replaces` moves the policy epoch. A refresh does
    /// not, since the platform accepts the old token to its end.
    package func storeLeg(
        _ leg: Leg, of installation: Installation, _ new: NewToken, by creator: String, replaces: Bool = true,
        graceEnds: Int64? = nil
    ) throws(Problem) -> SecretVersion {
        let existing = try self.leg(leg, of: installation.id)
        var row = LegRow(
            installation: installation.id, leg: leg, scope: new.scope, expiresAt: new.expiresAt,
            generation: (existing?.generation ?? 0) + 1, now: now)
        row.asked = new.asked ?? existing?.asked ?? []
        row.refreshExpiresAt = new.refreshExpiresAt
        if let issuedAt = new.issuedAt { row.issuedAt = issuedAt }
        if let refreshToken = new.refreshToken {
            try store(refreshToken: refreshToken, of: &row, tenant: installation.tenant)
        } else if new.keepsRefreshToken, let existing, existing.canRefresh {
            row.refreshExpiresAt = new.refreshExpiresAt ?? existing.refreshExpiresAt
            try moveRefreshToken(of: existing, to: &row, tenant: installation.tenant)
        }
        row.plan(spread: Double.random(in: 0..<1))
        if existing == nil {
            try insert(row)
        } else {
            try update(row)
            if replaces { raiseEpoch() }
            if existing?.state == .needsReauthorization {
                try tell(.connected(installation: installation.id), app: installation.app)
            }
        }
        let name = SecretName(app: installation.app, installation: installation.id, kind: leg.kind)
        let version = try store(
            new.token, as: name, tenant: installation.tenant, by: creator, graceEnds: graceEnds)
        try dropDestroyed(of: name, before: version.version - Self.versionsKept)
        return version
    }

    /// As above, for a token of which no more is known.
    package func storeLeg(
        _ leg: Leg, of installation: Installation, token: SecretBox, refreshToken: SecretBox?, scope: [String],
        expiresAt: Int64?, by creator: String, graceEnds: Int64? = nil
    ) throws(Problem) -> SecretVersion {
        try storeLeg(
            leg, of: installation,
            NewToken(token: token, refreshToken: refreshToken, scope: scope, expiresAt: expiresAt), by: creator,
            graceEnds: graceEnds)
    }

    /// Tokens change every few hours, so that of destroyed ones only the newest rows are kept; the log has them all.
    static let versionsKept: Int64 = 8

    private func dropDestroyed(of secret: SecretName, before version: Int64) throws(Problem) {
        guard version > 0 else { return }
        let old = try rows(
            SecretVersion.self,
            """
            SELECT app, installation, kind, version, tenant, key_generation, sealed, length, fingerprint, created_at,
                created_by, destroyed_at, mac
            FROM secrets
            WHERE app = ?1 AND installation = ?2 AND kind = ?3 AND version < ?4 AND destroyed_at IS NOT NULL
            """,
            [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue), .int(version)])
        for row in old { try delete(row) }
    }

    /// The fingerprint of `token` where it is the very value in force under `name`, else nil.
    package func fingerprint(of token: SecretBox, ifCurrentOf name: SecretName) throws(Problem) -> Fingerprint? {
        guard let current = try head(of: name)?.current,
            let version = try find(
                SecretVersion.self,
                [.int(name.app), .int(name.installation), .text(name.kind.rawValue), .int(current)])
        else { return nil }
        let fingerprint = try token.withBytes { bytes throws(Problem) in try keys.fingerprint(bytes) }
        return fingerprint == version.fingerprint ? fingerprint : nil
    }

    // MARK: - Refresh tokens

    /// Seals the refresh token of a leg beside it; bound to the leg and its generation.
    private func store(refreshToken: SecretBox, of leg: inout LegRow, tenant: Int64) throws(Problem) {
        leg.keyGeneration = try newestKey(of: tenant)
        let key = try keys.tenantKey(TenantKeyName(tenant: tenant, generation: leg.keyGeneration))
        let canonical = leg.place(tenant: tenant, in: keys.vaultID)
        (leg.refreshSealed, leg.refreshFingerprint) = try refreshToken.withBytes { token throws(Problem) in
            let sealed: [UInt8]
            do throws(SealingError) {
                sealed = try keys.slots.seal(token, associated: canonical.bytes, with: key)
            } catch {
                throw error.problem
            }
            return (sealed, try keys.fingerprint(token).bytes)
        }
    }

    /// Seals the refresh token of `old` once more, bound to the new generation.
    private func moveRefreshToken(of old: LegRow, to leg: inout LegRow, tenant: Int64) throws(Problem) {
        let slab = Slab()
        defer { slab.wipe() }
        guard try keys.openRefreshToken(of: old, tenant: tenant, into: slab) else { return }
        try store(refreshToken: SecretBox(SecretBytes(copying: slab.span)), of: &leg, tenant: tenant)
    }
}

extension LegRow {
    /// All that places its refresh token (design, section 3).
    fileprivate func place(tenant: Int64, in vaultID: [UInt8]) -> Canonical {
        var canonical = Canonical("postern/refresh/1")
        canonical.add(vaultID)
        canonical.add(tenant)
        canonical.add(keyGeneration)
        canonical.add(installation)
        canonical.add(leg.rawValue)
        canonical.add(generation)
        return canonical
    }
}

extension KeyRing {
    /// Opens a leg's refresh token at the end of `slab`; false where it has none.
    func openRefreshToken(of leg: LegRow, tenant: Int64, into slab: Slab) throws(Problem) -> Bool {
        guard let sealed = leg.refreshSealed else { return false }
        let key = try tenantKey(TenantKeyName(tenant: tenant, generation: leg.keyGeneration))
        let canonical = leg.place(tenant: tenant, in: vaultID)
        slab.reserve(sealed.count)
        do throws(SealingError) {
            try slots.open(sealed.span, associated: canonical.bytes, with: key, into: slab)
        } catch {
            guard error != .notAuthentic else {
                throw TableName.legs.damaged(
                    "the refresh token of \(leg.installation)/\(leg.leg.rawValue) does not open")
            }
            throw error.problem
        }
        return true
    }
}
