package import Rules
import SQLite

extension Vault {
    /// The lease of this id as last committed; nil where there is none.
    package func lease(_ id: String) throws(Problem) -> Lease? {
        try readers.read { reader throws(Problem) in try reader.connection.find(Lease.self, [.text(id)], reader.mac) }
    }

    /// The live or ended lease that a bearer stands for, by the bearer's BLAKE2b-256; nil where there is none.
    package func lease(ofBearer hash: [UInt8]) throws(Problem) -> Lease? {
        guard hash.count == 32 else { return nil }
        return try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Lease.self,
                """
                SELECT id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at,
                    boot_id, boot_expires, version, state, serial, uid, process, bearer, mac
                FROM leases WHERE bearer = ?1 AND bearer <> x''
                """, [.blob(hash)], reader.mac
            ).first
        }
    }

    /// The OAuth state of this hash as last committed; nil where there is none.
    package func flow(_ hash: [UInt8]) throws(Problem) -> OAuthState? {
        try readers.read { reader throws(Problem) in
            try reader.connection.find(OAuthState.self, [.blob(hash)], reader.mac)
        }
    }

    /// The installation of this id as last committed; nil where there is none.
    package func installation(_ id: Int64) throws(Problem) -> Installation? {
        try readers.read(.rows) { reader throws(Problem) in try reader.installation(id) }
    }

    /// The installations of an app with their legs; `app` nil is all of them.
    package func installations(of app: Int64?) throws(Problem) -> [(Installation, [LegRow])] {
        try readers.read { reader throws(Problem) in
            let rows = try reader.connection.rows(
                Installation.self,
                """
                SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state,
                    created_at, updated_at, mac
                FROM installations WHERE (?1 IS NULL OR app = ?1) ORDER BY id
                """, [.optional(app)], reader.mac)
            var found: [(Installation, [LegRow])] = []
            for row in rows {
                let legs = try reader.connection.rows(
                    LegRow.self,
                    """
                    SELECT installation, leg, scope, asked, state, issued_at, expires_at, refresh_expires_at,
                        refresh_sealed, refresh_fingerprint, key_generation, generation, in_flight, in_flight_at,
                        due_at, retry_at, failures, failing_since, failure, updated_at, mac
                    FROM legs WHERE installation = ?1 ORDER BY leg
                    """, [.int(row.id)], reader.mac)
                found.append((row, legs))
            }
            return found
        }
    }

    /// Apps by tenant (nil is all), in order of platform and App ID.
    package func apps(of tenant: Int64?) throws(Problem) -> [App] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                App.self,
                """
                SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
                FROM apps WHERE (?1 IS NULL OR tenant = ?1) ORDER BY platform, app_id
                """, [.optional(tenant)], reader.mac)
        }
    }
}
