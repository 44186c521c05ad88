import Linux
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
        var hasRenewed = false
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            if version == nil, !hasRenewed, let leg = kind.leg(at: key.platform),
                case .success(let allowed) = try decide(.readSecret(kind), on: key, for: caller, policy),
                try renew(leg, kind, allowed, installation: installation, for: caller, request)
            {
                // The platform was waited for: who may do what is decided once more.
                hasRenewed = true
                continue
            }
            let opened: Opened
            switch try open(key, kind, version: version, installation: installation, for: caller, policy, into: slab) {
            case .success(let found): opened = found
            case .failure(let denial):
                throw refuse(
                    denial, "secret.read", caller.identity(in: policy), request, app: key, kind: kind.rawValue)
            }
            var entry = AuditEntry(
                "secret.read", .allowed, by: opened.allowed.identity.actor, request: request,
                tenant: opened.allowed.tenant.slug.value, app: key, kind: kind.rawValue)
            do throws(Problem) {
                guard let found = try opened.result.get() else {
                    throw Self.lacking(kind, version, of: key)
                }
                entry.version = found.version
                entry.fingerprint = found.fingerprint
                guard try vault.record(entry, decidedUnder: opened.allowed.epoch) else {
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

    /// Nobody reads a token that has ended: renews it first where it has to be. Returns whether it did.
    private func renew(
        _ leg: Leg, _ kind: SecretKind, _ allowed: Allowed, installation: Int64?, for caller: Caller,
        _ request: RequestID
    ) throws(Problem) -> Bool {
        do throws(Problem) {
            var want = TokenWant(
                leg, of: allowed.app, at: try place(of: leg, allowed.app, named: installation), for: request)
            switch try decide(&want, hasTried: false) {
            case (.serve, _): return false
            case (.fail(let problem), _): throw problem
            case (.renew, _):
                gate.leave(caller)
                _ = try ready(want)
                return true
            }
        } catch {
            throw fail(
                error,
                AuditEntry(
                    "secret.read", .error, by: allowed.identity.actor, request: request,
                    tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: kind.rawValue))
        }
    }

    /// That an app has no such secret, or no such version of it any more.
    static func lacking(_ kind: SecretKind, _ version: Int64?, of key: AppKey) -> Problem {
        guard version != nil else {
            return Problem(
                .notFound, "the app has no \(kind.rawValue)",
                advice: "an admin sets it: postern secret set \(key) \(kind.rawValue)")
        }
        return Problem(
            .notFound, "no such version",
            advice: "an admin sees which there are: postern secret history \(key) \(kind.rawValue)")
    }

    /// A decision, and what opening the secret came to.
    private struct Opened {
        let allowed: Allowed
        let result: Result<(version: Int64, state: VersionState, fingerprint: Fingerprint)?, Problem>
    }

    /// Decides and opens on one snapshot; nothing is recorded yet, and no reader is held while it is.
    private func open(
        _ key: AppKey, _ kind: SecretKind, version: Int64?, installation: Int64?, for caller: Caller,
        _ policy: PolicySnapshot, into slab: Slab
    ) throws(Problem) -> Result<Opened, Denial> {
        // A token's place is found among the installations first, which takes a look-up of its own.
        var place: Int64 = 0
        if kind.leg(at: key.platform) != nil || kind == .webhookURL || installation != nil {
            switch try decide(.readSecret(kind), on: key, for: caller, policy) {
            case .failure(let denial): return .failure(denial)
            case .success(let allowed):
                do throws(Problem) {
                    place = try secretName(allowed.app, kind, installation: installation).installation
                } catch { return .success(Opened(allowed: allowed, result: .failure(error))) }
            }
        }
        let identity = caller.identity(in: policy)
        let now = vault.now
        return try vault.session { session throws(Problem) in
            switch try decide(.readSecret(kind), on: key, as: identity, { caller.peer.isAlive }, policy, session) {
            case .failure(let denial): return .failure(denial)
            case .success(let allowed):
                let name = SecretName(app: allowed.app.id, installation: place, kind: kind)
                do throws(Problem) {
                    let found = try session.read(name, version: version, at: now, into: slab)
                    return .success(Opened(allowed: allowed, result: .success(found)))
                } catch { return .success(Opened(allowed: allowed, result: .failure(error))) }
            }
        }
    }

    /// Where a kind's value lies: token kinds in the leg of an installation, all others with the app.
    func secretName(_ app: App, _ kind: SecretKind, installation: Int64?) throws(Problem) -> SecretName {
        guard let leg = kind.leg(at: app.key.platform) else {
            let own = SecretName(app: app.id, kind: kind)
            if let installation {
                guard try vault.installation(installation)?.app == app.id else {
                    throw Problem(.notFound, "the app has no such installation")
                }
                return SecretName(app: app.id, installation: installation, kind: kind)
            }
            // An incoming webhook's URL comes with an installation; only an app's own is stored without one.
            guard kind == .webhookURL, try vault.history(of: own) == nil else { return own }
            let places = try vault.secrets(of: app.id).map(\.0.secret).filter { $0.kind == kind }
            guard places.count <= 1 else {
                throw Problem(
                    .ambiguousInstallation, "several installations of the app have a \(kind.rawValue)",
                    advice: "name one: installation=ID, from GET …/installations")
            }
            return places.first ?? own
        }
        let found = try self.installation(of: app, with: leg, named: installation)
        return SecretName(app: app.id, installation: found.id, kind: kind)
    }

    /// The installation meant: the one named, or the only one that has this leg.
    func installation(of app: App, with leg: Leg, named id: Int64?) throws(Problem) -> Installation {
        if let id {
            guard let one = try vault.installation(id), one.app == app.id, one.state == .active,
                let row = try vault.leg(leg, of: id), row.state != .revoked
            else { throw Problem(.notFound, "the app has no such installation with a \(leg.rawValue) leg") }
            return one
        }
        let found = try vault.installations(of: app.id, with: leg, atMost: 2)
        guard let one = found.first else {
            throw Problem(
                .notFound, "the app has no installation with a \(leg.rawValue) leg",
                advice: "install it: postern oauth url \(app.key)")
        }
        guard found.count == 1 else {
            throw Problem(
                .ambiguousInstallation, "the app has several installations with a \(leg.rawValue) leg",
                advice: "name one: installation=ID, from GET …/installations")
        }
        return one
    }

    /// Where a leg's token is: the installation named, or the only one; nil for a machine token that has no place yet.
    func place(of leg: Leg, _ app: App, named id: Int64?) throws(Problem) -> Installation? {
        guard leg == .tenant || leg == .app else { return try installation(of: app, with: leg, named: id) }
        guard let id else { return nil }
        guard let place = try vault.installation(id), place.app == app.id, place.state == .active else {
            throw Problem(.notFound, "the app has no such installation")
        }
        return place
    }
}
