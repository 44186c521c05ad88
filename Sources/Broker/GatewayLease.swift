import Linux
import Platforms
import Rules
import Vault

extension Broker {
    /// The live lease of whoever calls the gateway. Throws `denied` or `expired`, on the record.
    func gatewayLease(
        _ holder: LeaseHolder, _ policy: PolicySnapshot, _ request: RequestID
    ) throws(Problem) -> (Lease, Allowed) {
        try requireSound()
        switch try liveLease(holder, policy) {
        case .failure(let denial):
            let (identity, lease) = try named(holder, policy)
            throw refuse(denial, "gateway.call", identity, request, leaseID: lease)
        case .success(let found): return found
        }
    }

    /// The path of a call, read once, and the lease's name for it. Throws what the platform's own rules say of it, and
    /// `denied` for what the lease does not cover, on the record.
    func gatewayMethod(
        _ ask: GatewayRequest, _ lease: Lease, _ allowed: Allowed, _ request: RequestID
    ) throws(Problem) -> (GatewayPath, String) {
        do throws(Problem) {
            let path = try GatewayPath(ask.path)
            let method = try dialect(of: allowed.app).gatewayMethod(path, verb: ask.verb)
            guard Method.isCovered(method, by: lease.methods) else { throw Problem(.denied, "not the lease's") }
            return (path, method)
        } catch {
            guard error.code == .denied else {
                throw fail(error, gatewayEntry(lease, allowed, request))
            }
            throw refuse(
                .outsideGrant, "gateway.call", allowed.identity, request, app: allowed.app.key,
                kind: lease.leg.rawValue, leaseID: lease.id)
        }
    }

    /// The record of a call with a lease, as it stands when it is allowed.
    func gatewayEntry(_ lease: Lease, _ allowed: Allowed, _ request: RequestID) -> AuditEntry {
        AuditEntry(
            "gateway.call", .allowed, by: allowed.identity.actor, request: request,
            tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue, leaseID: lease.id)
    }

    /// Goes on with an answer after a wait: under the policy of now, and with a lease that is live now.
    @discardableResult
    func enterAgain(_ holder: LeaseHolder, _ request: RequestID) throws(Problem) -> Lease {
        try gatewayLease(holder, gate.enter(holder, vault), request).0
    }

    /// Whom the log names for a call that is refused, and which lease: of a bearer that is one, its service's.
    private func named(
        _ holder: LeaseHolder, _ policy: PolicySnapshot
    ) throws(Problem) -> (Caller.Identity, String?) {
        guard case .bearer(let hash, let uid, _) = holder, let lease = try vault.lease(ofBearer: hash),
            lease.uid == uid, let service = policy.services.first(where: { $0.id == lease.service })
        else { return (holder.identity(in: policy), holder.leaseID) }
        return (identity(of: service, uid: uid, policy), lease.id)
    }

    /// The live lease of whoever holds one at the gateway.
    func liveLease(
        _ holder: LeaseHolder, _ policy: PolicySnapshot
    ) throws(Problem) -> Result<(Lease, Allowed), Denial> {
        switch holder {
        case .caller(let caller, let id):
            let found = try liveLease(id, caller, policy)
            guard case .success((let lease, _)) = found, lease.delivery != .gateway else { return found }
            return .failure(.outsideGrant)
        case .bearer(let hash, let uid, _): return try liveLease(bearer: hash, uid: uid, policy)
        }
    }
}
