import Linux
import Rules
import Vault

/// An action that the policy allows, with everything the decision looked at.
struct Allowed {
    let app: App
    let tenant: Tenant
    let service: ServiceRow
    let grant: Grant
    let identity: Caller.Identity
    let epoch: Int64
}

extension Broker {
    /// Decides whether `caller` may do `action` on an app; everything unknown is a denial like any other.
    ///
    /// Who asks is found first: names and programs can take long to look at, and no reader is held meanwhile.
    func decide(
        _ action: Action, on key: AppKey, for caller: Caller, _ policy: PolicySnapshot
    ) throws(Problem) -> Result<Allowed, Denial> {
        let identity = caller.identity(in: policy)
        return try vault.session { session throws(Problem) in
            try decide(action, on: key, as: identity, { caller.peer.isAlive }, policy, session)
        }
    }

    /// The same for whoever was found to be `identity` already, on a snapshot that is used for more; `isHere` says
    /// whether the process still lives.
    func decide(
        _ action: Action, on key: AppKey, as identity: Caller.Identity, _ isHere: () -> Bool, _ policy: PolicySnapshot,
        _ session: borrowing Vault.Session
    ) throws(Problem) -> Result<Allowed, Denial> {
        guard let service = identity.service else { return .failure(identity.denial) }
        guard service.state == .active else { return .failure(.serviceSuspended) }
        guard isHere() else { return .failure(.identityGone) }
        guard let app = try session.app(key), let tenant = policy.tenants[app.tenant]?.tenant else {
            return .failure(.noSuchApp)
        }
        switch Policy.decide(action, on: key, of: tenant.slug, grants: identity.grants) {
        case .deny(let denial): return .failure(denial)
        case .allow(let grant):
            guard tenant.state == .active else { return .failure(.tenantSuspended) }
            guard app.state == .active else { return .failure(.appSuspended) }
            return .success(
                Allowed(
                    app: app, tenant: tenant, service: service, grant: grant, identity: identity, epoch: policy.epoch))
        }
    }

    /// What the caller may do it by; a denial is thrown, on the record as one of the call `name`.
    func admit(
        _ action: Action, on key: AppKey, for caller: Caller, _ policy: PolicySnapshot, _ name: String,
        _ request: RequestID
    ) throws(Problem) -> Allowed {
        switch try decide(action, on: key, for: caller, policy) {
        case .success(let allowed): return allowed
        case .failure(let denial): throw refuse(denial, name, caller.identity(in: policy), request, app: key)
        }
    }
}

extension Denial: Error {}
