package import Rules
import SQLite
package import Sealing

extension Vault {
    /// Several look-ups on one snapshot.
    package struct Session: ~Copyable {
        fileprivate let vault: Vault
        fileprivate let reader: Reader

        /// Finds an app; nil when there is none.
        package func app(_ key: AppKey) throws(Problem) -> App? { try reader.app(key) }

        /// As `Vault.read(_:version:at:into:)`.
        package func read(
            _ secret: SecretName, version: Int64?, at now: Int64, into slab: Slab
        ) throws(Problem) -> (version: Int64, state: VersionState, fingerprint: Fingerprint)? {
            try vault.read(secret, version: version, at: now, into: slab, reader)
        }

        /// As `Vault.accepted(_:at:into:)`.
        package func accepted(
            _ secret: SecretName, at now: Int64, into slab: Slab
        ) throws(Problem) -> [AcceptedSecret] {
            try vault.accepted(secret, at: now, into: slab, reader)
        }
    }

    /// Lends one snapshot to `body`.
    package func session<R>(_ body: (borrowing Session) throws(Problem) -> R) throws(Problem) -> R {
        try readers.read(.rows) { reader throws(Problem) in try body(Session(vault: self, reader: reader)) }
    }

    /// Finds an app; nil when there is none.
    package func app(_ key: AppKey) throws(Problem) -> App? {
        try readers.read(.rows) { reader throws(Problem) in try reader.app(key) }
    }

    /// The app of this row id; nil where there is none.
    package func app(id: Int64) throws(Problem) -> App? {
        try readers.read(.rows) { reader throws(Problem) in try reader.app(id: id) }
    }

    /// Opens one version of a secret at the end of `slab`; nil where there is no such secret or version.
    ///
    /// `version` nil is the current one. A previous version is readable until its grace ends.
    package func read(
        _ secret: SecretName, version: Int64?, at now: Int64, into slab: Slab
    ) throws(Problem) -> (version: Int64, state: VersionState, fingerprint: Fingerprint)? {
        try readers.read(.rows) { reader throws(Problem) in
            try read(secret, version: version, at: now, into: slab, reader)
        }
    }

    fileprivate func read(
        _ secret: SecretName, version: Int64?, at now: Int64, into slab: Slab, _ reader: Reader
    ) throws(Problem) -> (version: Int64, state: VersionState, fingerprint: Fingerprint)? {
        guard version != nil else {
            let current = try reader.versionsInForce(of: secret).first { $0.version.version == $0.head.current }
            guard let current, try open(current, reader, into: slab) else { return nil }
            return (current.version.version, .current, current.version.fingerprint)
        }
        var statement = try reader.connection.ready(
            """
            SELECT h.app, h.installation, h.kind, h.current, h.previous, h.previous_ends, h.pending,
                h.last_version, h.mac,
                s.app, s.installation, s.kind, s.version, s.tenant, s.key_generation, s.sealed, s.length,
                s.fingerprint, s.created_at, s.created_by, s.destroyed_at, s.mac
            FROM heads h JOIN secrets s
                ON s.app = h.app AND s.installation = h.installation AND s.kind = h.kind
                AND s.version = ?4
            WHERE h.app = ?1 AND h.installation = ?2 AND h.kind = ?3
            """)
        statement.bind(1, secret.app)
        statement.bind(2, secret.installation)
        statement.bind(3, secret.kind.rawValue)
        statement.bind(4, version)
        guard try statement.stepped() else { return nil }
        _ = try reader.mac.check(.heads, statement, from: 0)
        _ = try reader.mac.check(.secrets, statement, from: 9)
        let head = try Head(statement, from: 0)
        let found = try SecretVersion(statement, from: 9, withValue: false)
        guard let state = head.state(of: found.version, at: now), !statement.isNull(15) else { return nil }
        try open(found, statement.span(15), associated: reader.associated(with: found), reader, into: slab)
        return (found.version, state, found.fingerprint)
    }

    /// Opens a version at the end of `slab`; false where it is destroyed.
    func open(_ row: VersionInForce, _ reader: Reader, into slab: Slab) throws(Problem) -> Bool {
        guard let sealed = row.version.sealed else { return false }
        try open(row.version, sealed.span, associated: row.associated, reader, into: slab)
        return true
    }

    func open(
        _ version: SecretVersion, _ sealed: Span<UInt8>, associated: [UInt8], _ reader: Reader, into slab: Slab
    ) throws(Problem) {
        let key = try reader.tenantKey(TenantKeyName(tenant: version.tenant, generation: version.keyGeneration))
        do throws(SealingError) {
            try keys.slots.open(sealed, associated: associated, with: key, into: slab)
        } catch {
            guard error != .notAuthentic else {
                throw TableName.secrets.damaged(
                    "the row \(version.secret.app)/\(version.secret.installation)/\(version.secret.kind.rawValue)/"
                        + "\(version.version) does not open in its place")
            }
            throw error.problem
        }
    }

    /// Every version of a secret, newest first, and the head that says which is which.
    package func history(of secret: SecretName) throws(Problem) -> (Head, [SecretVersion])? {
        try readers.read { reader throws(Problem) in
            guard
                let head = try reader.connection.find(
                    Head.self, [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue)], reader.mac)
            else { return nil }
            let versions = try reader.connection.rows(
                SecretVersion.self,
                """
                SELECT app, installation, kind, version, tenant, key_generation, sealed, length, fingerprint,
                    created_at, created_by, destroyed_at, mac
                FROM secrets WHERE app = ?1 AND installation = ?2 AND kind = ?3 ORDER BY version DESC
                """, [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue)], reader.mac)
            return (head, versions)
        }
    }

    /// The current version of every kind an app has, without values.
    package func secrets(of app: Int64) throws(Problem) -> [(Head, SecretVersion)] {
        try readers.read { reader throws(Problem) in
            let heads = try reader.connection.rows(
                Head.self,
                """
                SELECT app, installation, kind, current, previous, previous_ends, pending, last_version, mac
                FROM heads WHERE app = ?1 ORDER BY installation, kind
                """, [.int(app)], reader.mac)
            var found: [(Head, SecretVersion)] = []
            for head in heads {
                guard let current = head.current else { continue }
                let name = head.secret
                let version = try reader.connection.find(
                    SecretVersion.self,
                    [.int(name.app), .int(name.installation), .text(name.kind.rawValue), .int(current)], reader.mac)
                guard let version else {
                    throw TableName.secrets.damaged("a row that table heads names as current is missing")
                }
                found.append((head, version))
            }
            return found
        }
    }
}

extension SecretVersion {
    /// All that places the value (design, section 3): a row moved, renamed, downgraded or copied does not open.
    func associate(_ canonical: inout Canonical, _ vaultID: [UInt8]) {
        canonical.restart("postern/secret/1")
        canonical.add(vaultID)
        canonical.add(tenant)
        canonical.add(secret.app)
        canonical.add(secret.installation)
        canonical.add(secret.kind.rawValue)
        canonical.add(version)
        canonical.add(keyGeneration)
        canonical.add(length)
        canonical.add(fingerprint.bytes)
        canonical.add(createdAt)
        canonical.add(createdBy)
    }
}

extension Connection {
    /// A statement ready to bind, its error in our words.
    func ready(_ sql: SQL) throws(Problem) -> Statement {
        do { return try prepare(sql) } catch { throw error.problem }
    }
}
