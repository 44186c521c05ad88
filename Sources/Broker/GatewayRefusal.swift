package import Rules
package import Vault

extension Broker {
    /// Records, within the budget of the user, that a call at the TCP gateway is not served, and returns what the caller
    /// is told.
    package func refuse(_ denial: Denial, atGatewayFrom uid: UInt32, _ request: RequestID) -> Problem {
        let stranger = Caller.Identity(
            serial: 0, service: nil, grants: [], actor: Self.stranger(uid))
        return refuse(denial, "gateway.call", stranger, request)
    }

    /// Judges the holder of a call that names no path of the gateway, records it, and returns what the caller is told:
    /// whether there is such a path only who has a lease learns.
    package func refuse(_ problem: Problem, callOf holder: LeaseHolder, _ request: RequestID) -> Problem {
        let policy = gate.enter(holder, vault)
        defer { gate.leave(holder.answering) }
        do throws(Problem) {
            let (lease, allowed) = try gatewayLease(holder, policy, request)
            return fail(
                problem,
                AuditEntry(
                    "gateway.call", .error, by: allowed.identity.actor, request: request,
                    tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue,
                    leaseID: lease.id))
        } catch { return error }
    }
}

extension Denial {
    /// What a caller is told: no more than that it is refused. Who shows a bearer that is none learns the same as who
    /// shows another user's. Whose lease has ended is told so, since he can ask for another one.
    func problem(advice: String) -> Problem {
        switch self {
        case .unknownBearer, .otherUser:
            Problem(.invalidToken, "no lease of this user has this bearer", advice: advice)
        case .leaseEnded: Problem(.expired, "this lease has ended", advice: "ask for access again")
        default: Problem(.denied, "this process may not do that", advice: advice)
        }
    }
}
