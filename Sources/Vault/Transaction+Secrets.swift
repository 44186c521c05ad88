package import Rules
import SQLite
package import Sealing

extension Transaction {
    /// Seals a new version and makes it current. The one before becomes previous until `graceEnds` (nil: destroyed at
    /// once), and what was previous is destroyed.
    @discardableResult
    package func store(
        _ value: SecretBox, as secret: SecretName, tenant: Int64, by creator: String, graceEnds: Int64?
    ) throws(Problem) -> SecretVersion {
        let existing = try head(of: secret)
        var head = existing ?? Head(secret: secret)
        let version = try seal(value, as: secret, version: head.lastVersion + 1, tenant: tenant, by: creator)
        if let previous = head.previous { try destroy(secret, version: previous) }
        head.previous = nil
        head.previousEnds = nil
        if let current = head.current {
            if let graceEnds, graceEnds > now {
                head.previous = current
                head.previousEnds = graceEnds
            } else {
                try destroy(secret, version: current)
            }
        }
        head.current = version.version
        head.lastVersion = version.version
        if existing == nil { try insert(head) } else { try update(head) }
        try tell(from: existing, to: head)
        return version
    }

    /// Destroys previous versions whose grace has ended. Returns how many.
    package func destroyEnded() throws(Problem) -> Int {
        let ended = try rows(
            Head.self,
            """
            SELECT app, installation, kind, current, previous, previous_ends, pending, last_version, mac
            FROM heads WHERE previous_ends IS NOT NULL AND previous_ends <= ?1
            """, [.int(now)])
        for var head in ended {
            guard let previous = head.previous else { continue }
            let old = head
            try destroy(head.secret, version: previous)
            head.previous = nil
            head.previousEnds = nil
            try update(head)
            try tell(from: old, to: head)
            raiseEpoch()
            try record(
                AuditEntry(
                    "secret.destroy", .allowed, by: .system, request: .next(),
                    app: try find(App.self, [.int(head.secret.app)])?.key, kind: head.secret.kind.rawValue,
                    version: previous, reason: "grace_ended"))
        }
        return ended.count
    }

    /// Empties a version; its row stays, so that history has no holes.
    func destroy(_ secret: SecretName, version: Int64) throws(Problem) {
        guard
            var row = try find(
                SecretVersion.self,
                [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue), .int(version)])
        else { throw TableName.secrets.damaged("a row that table heads names is missing") }
        row.sealed = nil
        row.destroyedAt = now
        try update(row)
    }

    /// Which versions of a secret are pending, current and previous; nil where it has none.
    package func head(of secret: SecretName) throws(Problem) -> Head? {
        try find(Head.self, [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue)])
    }

    private func seal(
        _ value: SecretBox, as secret: SecretName, version: Int64, tenant: Int64, by creator: String
    ) throws(Problem) -> SecretVersion {
        let generation = try newestKey(of: tenant)
        let key = try keys.tenantKey(TenantKeyName(tenant: tenant, generation: generation))
        return try value.withBytes { bytes throws(Problem) in
            var row = SecretVersion(
                secret: secret, version: version, tenant: tenant, keyGeneration: generation,
                length: Int64(bytes.count), fingerprint: try keys.fingerprint(bytes), createdAt: now,
                createdBy: creator)
            var canonical = Canonical("postern/secret/1")
            row.associate(&canonical, keys.vaultID)
            do throws(SealingError) {
                row.sealed = try keys.slots.seal(bytes, associated: canonical.bytes, with: key)
            } catch {
                throw error.problem
            }
            try insert(row)
            return row
        }
    }

    func newestKey(of tenant: Int64) throws(Problem) -> Int64 {
        try connection.reading(
            "SELECT coalesce(max(generation), 0) FROM keys WHERE purpose = 'tenant' AND tenant = ?1", [.int(tenant)]
        ) { row throws(Problem) in
            guard try row.stepped(), row.integer(0) > 0 else {
                throw TableName.keys.damaged("the key of tenant \(tenant) is missing")
            }
            return row.integer(0)
        }
    }
}
