package import Rules
import SQLite
package import Sealing

extension Vault {
    /// A token leg of an installation as last committed; nil where it has none of that kind.
    package func leg(_ leg: Leg, of installation: Int64) throws(Problem) -> LegRow? {
        try readers.read(.rows) { reader throws(Problem) in try reader.leg(leg, of: installation) }
    }

    /// Opens a leg's refresh token at the end of `slab`; false where it has none.
    package func openRefreshToken(of leg: LegRow, tenant: Int64, into slab: Slab) throws(Problem) -> Bool {
        try keys.openRefreshToken(of: leg, tenant: tenant, into: slab)
    }

    /// Active installations of an app with a leg of this kind that is not revoked, in the order they were made; `leg` nil
    /// are those of no person, whatever legs they have. At most `limit`.
    package func installations(of app: Int64, with leg: Leg?, atMost limit: Int64) throws(Problem) -> [Installation] {
        try readers.read(.rows) { reader throws(Problem) in
            guard let leg else {
                return try reader.connection.rows(
                    Installation.self,
                    """
                    SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state,
                        created_at, updated_at, mac
                    FROM installations WHERE app = ?1 AND state = 'active' AND user_id = '' ORDER BY id LIMIT ?2
                    """, [.int(app), .int(limit)], reader.mac)
            }
            let name = CheckedRows.LegName(id: app, leg: leg)
            if limit == 2, let places = reader.checked.places[name] { return places }
            let found = try reader.connection.rows(
                Installation.self,
                """
                SELECT i.id, i.app, i.tenant, i.enterprise_id, i.team_id, i.team_name, i.is_enterprise, i.user_id,
                    i.bot_user_id, i.state, i.created_at, i.updated_at, i.mac
                FROM installations i JOIN legs l ON l.installation = i.id
                WHERE i.app = ?1 AND i.state = 'active' AND l.leg = ?2 AND l.state != 'revoked'
                ORDER BY i.id LIMIT ?3
                """, [.int(app), .text(leg.rawValue), .int(limit)], reader.mac)
            if limit == 2 { reader.checked.places.keep(found, as: name) }
            return found
        }
    }

    /// What couriers seal answers to that must not be lost, 64 hex digits.
    package var spoolKey: String { keys.spool.publicKey.hex }

    /// Opens what was sealed to the spool key at the end of `slab`. False where it was not; throws where it could not be
    /// tried.
    package func openSpooled(_ sealed: Span<UInt8>, into slab: Slab) throws(Problem) -> Bool {
        slab.reserve(sealed.count)
        do throws(SealingError) { try keys.slots.openBox(sealed, with: keys.spool, into: slab) } catch {
            guard error == .notAuthentic || error == .malformed else { throw error.problem }
            return false
        }
        return true
    }

    /// Whether something has to be done for a leg by `moment`: one look at the index.
    package func hasLegs(dueBy moment: Int64) throws(Problem) -> Bool {
        try readers.read { reader throws(Problem) in
            try reader.connection.reading(
                "SELECT EXISTS (SELECT 1 FROM legs WHERE due_at IS NOT NULL AND due_at <= ?1)", [.int(moment)]
            ) { row throws(Problem) in try row.stepped() && row.integer(0) != 0 }
        }
    }

    /// Legs of a platform's apps for which something has to be done by `moment`, the most urgent first; at most `limit`.
    package func legs(
        dueBy moment: Int64, of platform: Platform, atMost limit: Int64
    ) throws(Problem) -> [LegRow] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                LegRow.self,
                """
                SELECT l.installation, l.leg, l.scope, l.asked, l.state, l.issued_at, l.expires_at, l.refresh_expires_at,
                    l.refresh_sealed, l.refresh_fingerprint, l.key_generation, l.generation, l.in_flight,
                    l.in_flight_at, l.due_at, l.retry_at, l.failures, l.failing_since, l.failure, l.updated_at, l.mac
                FROM legs l JOIN installations i ON i.id = l.installation JOIN apps a ON a.id = i.app
                WHERE l.due_at IS NOT NULL AND l.due_at <= ?1 AND a.platform = ?2 ORDER BY l.due_at LIMIT ?3
                """, [.int(moment), .text(platform.rawValue), .int(limit)], reader.mac)
        }
    }

    /// Legs that need a person or whose refreshes fail, at most `limit`.
    package func legsInTrouble(atMost limit: Int64) throws(Problem) -> [LegRow] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                LegRow.self,
                """
                SELECT installation, leg, scope, asked, state, issued_at, expires_at, refresh_expires_at, refresh_sealed,
                    refresh_fingerprint, key_generation, generation, in_flight, in_flight_at, due_at, retry_at,
                    failures, failing_since, failure, updated_at, mac
                FROM legs WHERE state = 'needs_reauthorization' OR failures > 0 LIMIT ?1
                """, [.int(limit)], reader.mac)
        }
    }

    /// How the legs are, for `status` and metrics.
    package struct LegCounts: Sendable {
        package let needingReauthorization: Int64
        package let failing: Int64
        /// When the oldest failure that has not ended began, milliseconds since 1970.
        package let failingSince: Int64?
        /// Legs whose refresh token itself ends before long, and nobody could trade it in time.
        package let refreshTokensEnding: Int64
        /// When the next refresh is due, milliseconds since 1970.
        package let nextDue: Int64?
    }

    /// Counts legs in trouble by their index, without reading the others.
    package func legCounts() throws(Problem) -> LegCounts {
        let now = now
        return try readers.read { reader throws(Problem) in
            func number(_ sql: SQL) throws(Problem) -> Int64 {
                try reader.connection.bridging { () throws(SQLiteError) in try reader.connection.integer(sql) ?? 0 }
            }
            let since = try number("SELECT coalesce(min(failing_since), 0) FROM legs WHERE failures > 0")
            let next = try number("SELECT coalesce(min(due_at), 0) FROM legs WHERE due_at IS NOT NULL")
            let ending = try reader.connection.reading(
                """
                SELECT count(*) FROM legs
                WHERE state = 'active' AND refresh_expires_at IS NOT NULL
                    AND ?1 >= refresh_expires_at - (refresh_expires_at - issued_at) / 4
                """, [.int(now)]
            ) { row throws(Problem) in try row.stepped() ? row.integer(0) : 0 }
            return LegCounts(
                needingReauthorization: try number(
                    "SELECT count(*) FROM legs WHERE state = 'needs_reauthorization'"),
                failing: try number("SELECT count(*) FROM legs WHERE state = 'active' AND failures > 0"),
                failingSince: since == 0 ? nil : since, refreshTokensEnding: ending,
                nextDue: next == 0 ? nil : next)
        }
    }
}
