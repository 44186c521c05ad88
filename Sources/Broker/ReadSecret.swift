package import Rules
package import Sealing
package import Vault

/// A secret on its way out: the value lies in the slab, from `start` to the slab's end.
package struct SecretAnswer: Sendable {
    package let key: AppKey
    package let kind: SecretKind
    package let version: Int64
    package let state: VersionState
}

extension Broker {
    /// Opens a secret into `slab` for `caller`, after the log has taken note.
    ///
    /// Decide, open, record, answer: the record is durable, and was written under the epoch of the decision, before
    /// this returns. The caller then owes `answered` once the answer has left.
    package func readSecret(
        _ key: AppKey, _ kind: SecretKind, version: Int64?, installation: Int64?, for caller: Caller,
        _ request: RequestID, into slab: Slab
    ) throws(Problem) -> SecretAnswer {
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let allowed: Allowed
            switch try decide(.readSecret(kind), on: key, for: caller, policy) {
            case .success(let found): allowed = found
            case .failure(let denial):
                throw refuse(
                    denial, "secret.read", caller.identity(in: policy), request, app: key, kind: kind.rawValue)
            }
            var entry = AuditEntry(
                "secret.read", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key, kind: kind.rawValue)
            do throws(Problem) {
                let name = try secretName(allowed.app, kind, installation: installation)
                guard let found = try vault.read(name, version: version, at: vault.now, into: slab) else {
                    throw Problem(
                        .notFound, version == nil ? "the app has no \(kind.rawValue)" : "no such version",
                        advice: "an admin sets it: postern secret set \(key) \(kind.rawValue)")
                }
                entry.version = found.version
                entry.fingerprint = found.fingerprint
                guard try vault.record(entry, decidedUnder: allowed.epoch) else {
                    slab.wipe()
                    continue
                }
                return SecretAnswer(key: key, kind: kind, version: found.version, state: found.state)
            } catch {
                slab.wipe()
                throw error.code == .auditUnavailable ? error : fail(error, entry)
            }
        }
    }

    /// Where a kind's value lies: token kinds in the leg of an installation, all others with the app.
    func secretName(_ app: App, _ kind: SecretKind, installation: Int64?) throws(Problem) -> SecretName {
        guard kind.isLeg else { return SecretName(app: app.id, kind: kind) }
        let found = try self.installation(of: app, with: kind == .botToken ? .bot : .user, named: installation)
        return SecretName(app: app.id, installation: found.id, kind: kind)
    }

    /// The installation meant: the one named, or the only one that has this leg.
    func installation(of app: App, with leg: Leg, named id: Int64?) throws(Problem) -> Installation {
        let found = try vault.installations(of: app.id).filter { row, legs in
            row.state == .active && legs.contains { $0.leg == leg && $0.state != .revoked }
        }.map(\.0)
        if let id {
            guard let one = found.first(where: { $0.id == id }) else {
                throw Problem(.notFound, "the app has no such installation with a \(leg.rawValue) leg")
            }
            return one
        }
        guard let one = found.first else {
            throw Problem(
                .notFound, "the app has no installation with a \(leg.rawValue) leg",
                advice: "install it: postern oauth url \(app.key)")
        }
        guard found.count == 1 else {
            throw Problem(
                .ambiguousInstallation, "the app has \(found.count) installations with a \(leg.rawValue) leg",
                advice: "name one: installation=ID, from GET …/installations")
        }
        return one
    }
}
