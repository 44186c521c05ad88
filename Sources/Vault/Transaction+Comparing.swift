package import Rules
package import Sealing

/// How a value that somebody brings compares with what is stored under a name. Neither value leaves the vault for it.
package enum Comparison: String, Sendable {
    /// Nothing is in force there, and this value never was.
    case absent
    /// It is the value in force: opened and compared.
    case same
    /// It was in force once, and was replaced or ended since.
    case older
    /// Another value is in force.
    case different
}

extension Transaction {
    /// Opens what is in force under `name` and compares it with `value`; then looks at the versions before.
    package func compare(_ value: SecretBox, with name: SecretName) throws(Problem) -> Comparison {
        let current = try opened(name)
        if let current, current.withBytes({ mine in value.withBytes { Sodium.equal(mine, $0) } }) { return .same }
        let fingerprint = try value.withBytes { bytes throws(Problem) in try keys.fingerprint(bytes) }
        if try versions(of: name).contains(where: { $0.fingerprint == fingerprint }) { return .older }
        return current == nil ? .absent : .different
    }

    /// The same for the refresh token of a leg; of those before nothing is kept.
    package func compare(_ refreshToken: SecretBox, with leg: LegRow, tenant: Int64) throws(Problem) -> Comparison {
        let slab = Slab()
        defer { slab.wipe() }
        guard try keys.openRefreshToken(of: leg, tenant: tenant, into: slab) else { return .absent }
        return refreshToken.withBytes { Sodium.equal($0, slab.span) } ? .same : .different
    }
}
