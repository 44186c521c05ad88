package import Rules
import SQLite
import Sealing

extension Vault {
    /// Checks every table whole, on one snapshot, and remembers what it found.
    ///
    /// Takes as long as reading the file does; runs beside everything else.
    package func checkTables() throws(Problem) {
        do {
            try readers.snapshot { reader throws(Problem) in
                try Schema.check(reader.connection)
                let state = try VaultState.load(reader.connection, keys)
                for name in TableName.allCases { try Vault.check(name, reader.connection, reader.mac, state) }
                try checkReferences(reader)
                try checkIndexes(reader)
            }
        } catch {
            if error.code == .integrityFailure { note(damage: error) }
            throw error
        }
    }

    /// What MACs cannot say: sealed values open in their place.
    private func checkReferences(_ reader: Reader) throws(Problem) {
        try reader.connection.reading(Table.secrets.select) { row throws(Problem) in
            let slab = Slab()
            while try row.stepped() {
                let version = try SecretVersion(row, from: 0)
                guard let sealed = version.sealed else { continue }
                slab.reserve(sealed.count)
                try open(version, sealed.span, associated: reader.associated(with: version), reader, into: slab)
                slab.wipe()
            }
        }
    }

    /// An index that leaves out a row of its table would hide it from whoever looks by that index.
    private func checkIndexes(_ reader: Reader) throws(Problem) {
        let found = try reader.connection.bridging { () throws(SQLiteError) in try reader.connection.integrityCheck() }
        guard found == "ok" else {
            throw Problem(
                .integrityFailure, "vault.db: an index or a page does not fit its table (\(found))",
                advice: "somebody changed vault.db from outside; stop, keep a copy, and restore from a backup")
        }
    }

    /// Names and sizes for people.
    package struct Counts: Sendable {
        package let tenants: Int64
        package let apps: Int64
        package let services: Int64
        package let grants: Int64
        package let installations: Int64
        package let leases: Int64
    }

    /// How many of each there are, for `status` and `metrics`.
    package func counts() throws(Problem) -> Counts {
        let policy = policy
        return try readers.read { reader throws(Problem) in
            func count(_ sql: SQL) throws(Problem) -> Int64 {
                try reader.connection.bridging { () throws(SQLiteError) in try reader.connection.integer(sql) ?? 0 }
            }
            return Counts(
                tenants: Int64(policy.tenants.count), apps: try count("SELECT count(*) FROM apps"),
                services: Int64(policy.services.count), grants: Int64(policy.grantRows.count),
                installations: try count("SELECT count(*) FROM installations"),
                leases: try count("SELECT count(*) FROM leases"))
        }
    }
}

extension Vault {
    /// Whether the reserve for a full disk is there.
    package var hasBallast: Bool { ballast.isThere }

    /// The audit key's public half, in hex.
    package var auditPublicKey: String { keys.signing.publicKey.hex }
}
