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
            throw refuse(denial, "gateway.call", holder.identity(in: policy), request, leaseID: holder.leaseID)
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
                throw fail(
                    error,
                    AuditEntry(
                        "gateway.call", .error, by: allowed.identity.actor, request: request,
                        tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue,
                        leaseID: lease.id))
            }
            throw refuse(
                .outsideGrant, "gateway.call", allowed.identity, request, app: allowed.app.key,
                kind: lease.leg.rawValue, leaseID: lease.id)
        }
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
