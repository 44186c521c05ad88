import Linux
import Platforms
package import Rules
package import Sealing
package import Vault

/// What a service asks for.
package struct AccessRequest: Sendable {
    package var leg: Leg
    package var installation: Int64?
    package var scope: [String]?
    package var methods: [String]?
    package var ttl: Interval?
    package var minTTL: Interval?
    package var delivery: Lease.Delivery

    /// An ask for this leg with nothing narrowed; the caller sets the rest.
    package init(leg: Leg, delivery: Lease.Delivery = .gateway) {
        self.leg = leg
        self.delivery = delivery
    }
}

/// A lease that is durable, with what its holder needs to use it.
package struct AccessAnswer: Sendable {
    package let lease: Lease
    /// Milliseconds from now to the lease's end.
    package let expiresIn: Int64
    /// When the platform's own token ends, milliseconds since 1970; nil when it does not, or is not handed out.
    package let tokenExpiresAt: Int64?
    package let apiBase: String
    /// Where the lease is used: a path on broker.sock, or the base URL on loopback for an SDK; nil with the token itself.
    package let gateway: String?
}

extension Broker {
    /// Lends access to an app's token; with `deliver: token` the token itself is opened into `slab`.
    package func access(
        _ key: AppKey, _ ask: AccessRequest, for caller: Caller, _ request: RequestID, into slab: Slab
    ) throws(Problem) -> AccessAnswer {
        var hasRenewed = false
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let allowed: Allowed
            switch try decideAccess(ask, key, caller, policy) {
            case .success(let found): allowed = found
            case .failure(let denial):
                throw refuse(
                    denial, denial == .outsideGrant ? "access.deliver" : "access.issue",
                    caller.identity(in: policy), request, app: key, kind: ask.leg.rawValue)
            }
            var entry = AuditEntry(
                "access.issue", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key, kind: ask.leg.rawValue, reason: ask.delivery.rawValue)
            do throws(Problem) {
                guard let (place, leg) = try standing(ask, allowed.app, caller, request, hasRenewed: hasRenewed) else {
                    // The platform was waited for: who may do what is decided once more.
                    hasRenewed = true
                    continue
                }
                let lease = try lease(ask, allowed, place, leg, caller, &entry, into: slab)
                // What can be refused is refused before the lease is written.
                let apiBase = try dialect(of: allowed.app).apiBase(try client(of: allowed.app, .address))
                let gateway = try gateway(of: lease, allowed.app)
                let issued = entry
                let most = allowed.service.mostLeases
                let outcome = try vault.change(decidedUnder: allowed.epoch, onlyAdds: true) {
                    transaction throws(Problem) in
                    try transaction.add(lease: lease, atMost: most)
                    try transaction.record(issued)
                    return true
                }
                if case .stale = outcome {
                    slab.wipe()
                    continue
                }
                return AccessAnswer(
                    lease: lease, expiresIn: lease.expiresAt - vault.now,
                    tokenExpiresAt: ask.delivery == .token ? leg.expiresAt : nil,
                    apiBase: apiBase, gateway: gateway)
            } catch {
                slab.wipe()
                if error.code == .rateLimited, error.retryAfter != nil {
                    throw limit(
                        .tooManyLeases, error, "access.issue", allowed.identity, request, app: key,
                        kind: ask.leg.rawValue)
                }
                if error.code == .denied {
                    throw refuse(
                        .outsideGrant, "access.issue", allowed.identity, request, app: key, kind: ask.leg.rawValue)
                }
                throw error.code == .auditUnavailable ? error : fail(error, entry)
            }
        }
    }

    /// Access needs its own action and, for the token itself, `deliver:token` in the same grant. Of the grants that give
    /// it, the first that has all that is asked for counts.
    private func decideAccess(
        _ ask: AccessRequest, _ key: AppKey, _ caller: Caller, _ policy: PolicySnapshot
    ) throws(Problem) -> Result<Allowed, Denial> {
        let decision = try decide(.access(ask.leg), on: key, for: caller, policy)
        guard case .success(let allowed) = decision else { return decision }
        let giving = allowed.identity.grants.filter {
            $0.pattern.covers(key, of: allowed.tenant.slug) && $0.actions.contains(.access(ask.leg))
                && (ask.delivery != .token || $0.actions.contains(.deliverToken))
        }
        guard let grant = giving.first(where: { fits(ask, $0) }) ?? giving.first else {
            return .failure(.outsideGrant)
        }
        return .success(
            Allowed(
                app: allowed.app, tenant: allowed.tenant, service: allowed.service, grant: grant,
                identity: allowed.identity, epoch: allowed.epoch))
    }

    /// Whether a grant has the methods, scope and time that are asked for.
    private func fits(_ ask: AccessRequest, _ grant: Grant) -> Bool {
        let methods = ask.methods ?? []
        let scope = ask.scope ?? []
        return methods.allSatisfy { Method.isCovered($0, by: grant.methods) }
            && (grant.scope.isEmpty || scope.allSatisfy(grant.scope.contains))
            && (ask.ttl ?? Interval(seconds: 1)) <= grant.longestTTL
            && (ask.delivery != .tcp || grant.binding == .service)
    }

    /// The leg that is asked for, its token good for as long as was asked; nil where it had to be renewed first, while
    /// which no revocation waited for this answer.
    private func standing(
        _ ask: AccessRequest, _ app: App, _ caller: Caller, _ request: RequestID, hasRenewed: Bool
    ) throws(Problem) -> (Installation, LegRow)? {
        if ask.delivery == .token, ask.methods != nil || ask.scope != nil {
            throw Problem(
                .cannotNarrow, "a platform token does all it can: methods and scope cannot be asked with it",
                advice: "ask for deliver: gateway, where the broker lets only the lease's methods pass")
        }
        var want = TokenWant(ask.leg, of: app, at: try place(of: ask.leg, app, named: ask.installation), for: request)
        if ask.delivery == .token, let least = ask.minTTL { want.least = max(want.least, least.milliseconds) }
        switch try decide(&want, hasTried: hasRenewed) {
        case (.serve, let leg?):
            guard let place = want.installation else { return nil }
            return (place, leg)
        case (.fail(let problem), _): throw problem
        default:
            gate.leave(caller)
            _ = try ready(want)
            return nil
        }
    }

    private func lease(
        _ ask: AccessRequest, _ allowed: Allowed, _ place: Installation, _ leg: LegRow, _ caller: Caller,
        _ entry: inout AuditEntry, into slab: Slab
    ) throws(Problem) -> Lease {
        let longest = allowed.grant.longestTTL
        let ttl = ask.ttl ?? min(Grant.defaultTTL, longest)
        guard ttl.seconds > 0, ttl <= longest else {
            throw Problem(.badRequest, "ttl is 1s to \(longest), the grant's longest")
        }
        let now = vault.now
        var ends = now + ttl.milliseconds
        if ask.delivery == .token, let tokenEnds = leg.expiresAt { ends = min(ends, tokenEnds) }
        if let least = ask.minTTL, ends - now < least.milliseconds {
            throw Problem(.conflict, "the token ends before min_ttl has passed", advice: "ask for less")
        }
        var version: Int64 = 0
        if ask.delivery == .token {
            let kind = ask.leg.kind
            let name = SecretName(app: allowed.app.id, installation: place.id, kind: kind)
            guard let found = try vault.read(name, version: nil, at: now, into: slab) else {
                throw Problem(.notFound, "the installation has no \(kind.rawValue)")
            }
            version = found.version
            entry.version = found.version
            entry.fingerprint = found.fingerprint
        }
        let process = try process(ask, allowed.grant, caller)
        let bearer = ask.delivery == .tcp ? Bearer.make(into: slab) : []
        let id = Lease.newID(at: now)
        entry.leaseID = id
        return Lease(
            id: id, service: allowed.service.id, app: allowed.app.id, installation: place.id, leg: ask.leg,
            grant: allowed.grant.id, delivery: ask.delivery, methods: try narrowed(ask.methods, allowed.grant.methods),
            scope: try narrowed(ask.scope, within: leg.scope, allowed.grant.scope), createdAt: now, expiresAt: ends,
            bootID: Clock.bootID, bootExpires: Clock.bootMilliseconds + (ends - now), version: version,
            uid: caller.peer.uid, process: process, bearer: bearer)
    }

    /// What was asked, if the grant has all of it; the grant's own when nothing was asked.
    private func narrowed(_ asked: [String]?, _ granted: [String]) throws(Problem) -> [String] {
        guard let asked else { return granted }
        guard asked.allSatisfy({ Method.isCovered($0, by: granted) }) else {
            throw Problem(.denied, "the grant does not have all of these methods", advice: "ask for fewer methods")
        }
        return asked
    }

    /// The scope of a lease: never wider than grant and installation.
    private func narrowed(
        _ asked: [String]?, within installed: [String], _ granted: [String]
    ) throws(Problem) -> [String] {
        let most = granted.isEmpty ? installed : installed.isEmpty ? granted : granted.filter(installed.contains)
        guard let asked else { return most }
        guard asked.allSatisfy(most.contains) else {
            throw Problem(.denied, "the grant or the installation does not have all of these scopes")
        }
        return asked
    }
}
