import Rules
import SQLite
import Sealing

/// A version of a secret that what comes from outside may be made with: the current one, or the one before while its
/// grace lasts.
package struct AcceptedSecret: Sendable {
    package let version: Int64
    package let fingerprint: Fingerprint
    /// Where in the slab the value lies.
    package let place: Range<Int>
}

extension Vault {
    /// Opens at the end of `slab` all versions of an app's own secret that are accepted at `now` (milliseconds since
    /// 1970), the current one first; none where there is no such secret.
    func accepted(
        _ secret: SecretName, at now: Int64, into slab: Slab, _ reader: Reader
    ) throws(Problem) -> [AcceptedSecret] {
        var statement = try reader.connection.ready(
            """
            SELECT h.app, h.installation, h.kind, h.current, h.previous, h.previous_ends, h.pending,
                h.last_version, h.mac,
                s.app, s.installation, s.kind, s.version, s.tenant, s.key_generation, s.sealed, s.length,
                s.fingerprint, s.created_at, s.created_by, s.destroyed_at, s.mac
            FROM heads h JOIN secrets s
                ON s.app = h.app AND s.installation = h.installation AND s.kind = h.kind
                AND s.version IN (h.current, h.previous)
            WHERE h.app = ?1 AND h.installation = ?2 AND h.kind = ?3
            ORDER BY s.version = h.current DESC
            """)
        statement.bind(1, secret.app)
        statement.bind(2, secret.installation)
        statement.bind(3, secret.kind.rawValue)
        var found: [AcceptedSecret] = []
        while try statement.stepped() {
            _ = try reader.mac.check(.heads, statement, from: 0)
            _ = try reader.mac.check(.secrets, statement, from: 9)
            let head = try Head(statement, from: 0)
            let version = try SecretVersion(statement, from: 9, withValue: false)
            guard !statement.isNull(15), head.state(of: version.version, at: now) != nil else { continue }
            let start = slab.count
            try open(version, statement.span(15), reader, into: slab)
            found.append(
                AcceptedSecret(
                    version: version.version, fingerprint: version.fingerprint, place: start..<slab.count))
        }
        if found.isEmpty { try requireNoHead(secret, nil, reader) }
        return found
    }
}
