package import Rules
import SQLite
import Sealing

extension Transaction {
    /// Gives what waited for its place the place a platform has named: in place of the older pair of the same person,
    /// else by its own row. Returns the person's installation.
    ///
    /// Throws `conflict` while its refresh token is being spent: who waited so long can wait for that.
    package func place(
        unplaced id: Int64, enterpriseID: String, teamID: String, teamName: String, isEnterprise: Bool,
        userID: String, by creator: String
    ) throws(Problem) -> Installation {
        guard var row = try installation(id), row.isUnplaced else {
            throw Problem(.notFound, "it has its place already")
        }
        let leg = try leg(.user, of: id)
        guard leg?.inFlight == nil else { throw Problem(.conflict, "its token is being refreshed") }
        let owner = try existing(
            app: row.app, enterpriseID: enterpriseID, teamID: teamID, isEnterprise: isEnterprise, userID: userID)
        guard let owner else {
            row.enterpriseID = enterpriseID
            row.teamID = teamID
            row.teamName = teamName
            row.isEnterprise = isEnterprise
            row.userID = userID
            row.updatedAt = now
            try update(row)
            return row
        }
        let place = try installation(
            app: row.app, tenant: row.tenant, enterpriseID: enterpriseID, teamID: teamID, teamName: teamName,
            isEnterprise: isEnterprise, userID: userID, botUserID: owner.botUserID)
        if let leg, let token = try opened(SecretName(app: row.app, installation: id, kind: .userToken)) {
            var new = NewToken(token: token, scope: leg.scope, expiresAt: leg.expiresAt)
            let slab = Slab()
            defer { slab.wipe() }
            if try keys.openRefreshToken(of: leg, tenant: row.tenant, into: slab) {
                new.refreshToken = SecretBox(SecretBytes(copying: slab.span))
            }
            new.asked = leg.asked
            new.refreshExpiresAt = leg.refreshExpiresAt
            _ = try storeLeg(.user, of: place, new, by: creator)
        }
        try removeUnplaced(id)
        return place
    }

    /// What of this place, or of this person there, was disconnected at `begun` or later, milliseconds since 1970: what
    /// began then does not bring it back. nil where nothing was.
    package func ended(
        app: Int64, enterpriseID: String, teamID: String, isEnterprise: Bool, userID: String, since begun: Int64
    ) throws(Problem) -> Installation? {
        for user in Set(["", userID]).sorted() {
            let row = try existing(
                app: app, enterpriseID: enterpriseID, teamID: teamID, isEnterprise: isEnterprise, userID: user)
            if let row, row.state == .disconnected, row.updatedAt >= begun { return row }
        }
        return nil
    }

    /// The installation of this app at this place and of this person, disconnected or not; nil where there is none.
    package func existing(
        app: Int64, enterpriseID: String, teamID: String, isEnterprise: Bool, userID: String
    ) throws(Problem) -> Installation? {
        try rows(
            Installation.self,
            """
            SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state,
                created_at, updated_at, mac
            FROM installations
            WHERE app = ?1 AND enterprise_id = ?2 AND team_id = ?3 AND is_enterprise = ?4 AND user_id = ?5
            """,
            [.int(app), .text(enterpriseID), .text(teamID), .int(isEnterprise ? 1 : 0), .text(userID)]
        ).first
    }
}

extension Vault {
    /// Installations of which nobody has said yet where they belong, at most `limit`.
    package func unplacedInstallations(atMost limit: Int64 = 50) throws(Problem) -> [Installation] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Installation.self,
                """
                SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state,
                    created_at, updated_at, mac
                FROM installations WHERE user_id >= '?' AND user_id < '@' AND state = 'active' LIMIT ?1
                """, [.int(limit)], reader.mac)
        }
    }
}
