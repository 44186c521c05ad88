import Linux
package import Rules
package import Vault

extension Broker {
    /// The clocks a lease is held against.
    package var leaseMoment: LeaseMoment {
        LeaseMoment(wall: vault.now, boot: Clock.bootMilliseconds, bootID: Clock.bootID)
    }

    /// A live lease of this caller's service; anything else is a denial that tells nothing.
    func liveLease(_ id: String, _ caller: Caller, _ policy: PolicySnapshot) throws(Problem) -> Result<
        (Lease, Allowed), Denial
    > {
        let identity = caller.identity(in: policy)
        guard let service = identity.service else { return .failure(identity.denial) }
        guard let lease = try vault.lease(id), lease.service == service.id else { return .failure(.otherService) }
        guard isHeld(lease, by: caller) else { return .failure(.otherProcess) }
        return try liveLease(lease, identity, { caller.peer.isAlive }, policy)
    }

    /// The live lease that a bearer stands for, by the bearer's BLAKE2b-256, when a process of `uid` shows it. Which
    /// process it is nobody can tell over TCP, so a lease that is bound to one is none here.
    func liveLease(
        bearer hash: [UInt8], uid: UInt32, _ policy: PolicySnapshot
    ) throws(Problem) -> Result<(Lease, Allowed), Denial> {
        guard let lease = try vault.lease(ofBearer: hash), lease.delivery == .tcp, lease.process.isEmpty else {
            return .failure(.unknownBearer)
        }
        guard lease.uid == uid else { return .failure(.otherUser) }
        guard let service = policy.services.first(where: { $0.id == lease.service }) else {
            return .failure(.noService)
        }
        return try liveLease(lease, identity(of: service, uid: uid, policy), { true }, policy)
    }

    /// A service of which nobody sees more than the user.
    func identity(of service: ServiceRow, uid: UInt32, _ policy: PolicySnapshot) -> Caller.Identity {
        Caller.Identity(
            serial: policy.serial, service: service, grants: policy.grants[service.id] ?? [],
            actor: Actor(
                kind: .service, name: service.slug.value, uid: uid, gid: nil, pid: nil, loginUID: nil, exe: nil,
                unit: nil))
    }

    private func liveLease(
        _ lease: Lease, _ identity: Caller.Identity, _ isHere: () -> Bool, _ policy: PolicySnapshot
    ) throws(Problem) -> Result<(Lease, Allowed), Denial> {
        guard let app = try vault.app(id: lease.app) else { return .failure(.noSuchApp) }
        guard lease.standing(at: leaseMoment, in: policy).state == .live else { return .failure(.leaseEnded) }
        let decision = try vault.session { session throws(Problem) in
            try decide(.access(lease.leg), on: app.key, as: identity, isHere, policy, session)
        }
        guard case .success(let allowed) = decision else { return decision.map { (lease, $0) } }
        // The grant that gave it must still give it, whatever others allow.
        guard
            let grant = identity.grants.first(where: {
                $0.id == lease.grant && $0.pattern.covers(app.key, of: allowed.tenant.slug)
                    && $0.actions.contains(.access(lease.leg))
            })
        else { return .failure(.noGrant) }
        return .success(
            (
                lease,
                Allowed(
                    app: app, tenant: allowed.tenant, service: allowed.service, grant: grant, identity: identity,
                    epoch: allowed.epoch)
            ))
    }

    /// Whether this process may use the lease: any of its service, or the one it is bound to.
    private func isHeld(_ lease: Lease, by caller: Caller) -> Bool {
        lease.process.isEmpty || lease.bootID == Clock.bootID && lease.process == caller.peer.processIdentity
    }

    /// The process a new lease is bound to; empty where the grant binds it to the service only.
    func process(_ ask: AccessRequest, _ grant: Grant, _ caller: Caller) throws(Problem) -> String {
        guard grant.binding == .process else { return "" }
        guard ask.delivery != .tcp else {
            throw Problem(
                .conflict,
                "the grant binds leases to the process that asks, which nobody can tell over TCP",
                advice: "ask for deliver: gateway, or have the lease granted with --bind service")
        }
        guard let process = caller.peer.processIdentity else {
            throw Problem(
                .conflict, "the grant binds leases to the process that asks, and this one cannot be told from others",
                advice:
                    "a process in a pid namespace of its own, or one that /proc hides (hidepid, ProtectProc), "
                    + "needs a grant with --bind service")
        }
        return process
    }

    /// Prolongs a lease to its grant's longest from now, until it is as old as the grant lets it be. What the grant does
    /// not have any more the lease loses. `ttl` is how long from now instead of the longest.
    package func renew(
        _ id: String, ttl: Interval? = nil, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> RenewedLease {
        while true {
            let policy = gate.enter(caller.answering, vault)
            try requireSound()
            let (lease, allowed): (Lease, Allowed)
            switch try liveLease(id, caller, policy) {
            case .success(let found): (lease, allowed) = found
            case .failure(let denial):
                throw refuse(denial, "lease.renew", caller.identity(in: policy), request, leaseID: id)
            }
            let moment = leaseMoment
            let standing = try vault.standing(of: lease, at: moment, in: policy)
            guard standing.state == .live else {
                throw refuse(.leaseEnded, "lease.renew", allowed.identity, request, leaseID: id)
            }
            let ttl = ttl ?? allowed.grant.maxTTL
            guard ttl <= allowed.grant.maxTTL else {
                throw Problem(.badRequest, "ttl is 1s to \(allowed.grant.maxTTL), the grant's longest")
            }
            let oldest = lease.createdAt + allowed.grant.maxAge.milliseconds
            let renewed = try prolonged(
                lease, to: min(moment.wall + ttl.milliseconds, oldest), at: moment, by: allowed.grant)
            let entry = AuditEntry(
                "lease.renew", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue, leaseID: id)
            let outcome = try vault.change(decidedUnder: allowed.epoch) { transaction throws(Problem) in
                try transaction.renew(lease: renewed)
                try transaction.record(entry)
                return renewed
            }
            guard case .done(let lease) = outcome else { continue }
            return RenewedLease(
                lease: lease, standing: try vault.standing(of: lease, at: leaseMoment, in: vault.policy),
                renewableUntil: oldest)
        }
    }

    /// The lease with its new end, never earlier than the one it has unless the grant is narrower now.
    func prolonged(
        _ lease: Lease, to end: Int64, at moment: LeaseMoment, by grant: Grant
    ) throws(Problem) -> Lease {
        var longer = lease
        let leg = try vault.leg(lease.leg, of: lease.installation)
        let tokenEnds = lease.delivery == .token ? leg?.expiresAt : nil
        longer.prolong(to: min(end, tokenEnds ?? end), at: moment)
        longer.methods = lease.methods.filter { Method.isCovered($0, by: grant.methods) }
        // A consent since may have been to less.
        for most in [grant.scope, leg?.scope ?? []] where !most.isEmpty {
            longer.scope = longer.scope.filter(most.contains)
        }
        return longer
    }

    /// A service gives its lease back; returns when no answer of this lease can leave. Others are as they were.
    package func end(_ id: String, for caller: Caller, _ request: RequestID) throws(Problem) {
        let policy = gate.enter(caller.answering, vault)
        let identity = caller.identity(in: policy)
        func refused(_ denial: Denial) -> Problem { refuse(denial, "lease.end", identity, request, leaseID: id) }
        guard caller.peer.isAlive else { throw refused(.identityGone) }
        guard let service = identity.service else { throw refused(identity.denial) }
        guard let lease = try vault.lease(id), lease.service == service.id else { throw refused(.otherService) }
        guard isHeld(lease, by: caller) else { throw refused(.otherProcess) }
        let entry = AuditEntry(
            "lease.end", .allowed, by: identity.actor, request: request, kind: lease.leg.rawValue, leaseID: id)
        gate.leave(caller.answering)
        // The reserve on the disk is for what takes something away: a lease that is over gives nothing back.
        guard lease.standing(at: leaseMoment, in: policy).state == .live else {
            _ = try vault.record(entry)
            return
        }
        try vault.change(
            isRevoking: true,
            always: { transaction throws(Problem) in
                try transaction.giveBack(lease: id)
                try transaction.record(entry)
            })
        gate.drain(of: lease)
    }
}

/// A lease that goes on.
package struct RenewedLease: Sendable {
    package let lease: Lease
    package let standing: LeaseStanding
    /// Until when it may be prolonged, milliseconds since 1970.
    package let renewableUntil: Int64
}
