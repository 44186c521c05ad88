import Linux
package import Rules
package import Vault

extension Broker {
    /// The service a peer is, with its grants; nobody else learns anything. Recorded before it is told.
    package func whoIs(
        _ caller: Caller, _ action: String, _ request: RequestID
    ) throws(Problem) -> (ServiceRow, [Grant]) {
        while true {
            let policy = gate.enter(caller, vault)
            let identity = caller.identity(in: policy)
            guard let service = identity.service else { throw refuse(identity.denial, action, identity, request) }
            guard caller.peer.isAlive else { throw refuse(.identityGone, action, identity, request) }
            let entry = AuditEntry(action, .allowed, by: identity.actor, request: request)
            if try vault.record(entry, decidedUnder: policy.epoch) { return (service, identity.grants) }
        }
    }

    /// The apps that any grant of the caller's service covers, with their tenants' names.
    package func appsVisible(to caller: Caller, _ request: RequestID) throws(Problem) -> [(App, Slug)] {
        while true {
            let (service, grants) = try whoIs(caller, "apps.list", request)
            guard service.state == .active else { return [] }
            let policy = vault.policy
            let tenants = Set(grants.compactMap(\.pattern.tenant))
            let all = grants.contains { $0.pattern.tenant == nil }
            var found: [(App, Slug)] = []
            for (id, entry) in policy.tenants where all || tenants.contains(entry.tenant.slug) {
                guard entry.tenant.state == .active else { continue }
                for app in try vault.apps(of: id)
                where app.state == .active
                    && grants.contains(where: { $0.pattern.covers(app.key, of: entry.tenant.slug) })
                {
                    found.append((app, entry.tenant.slug))
                }
            }
            return found.sorted { "\($0.0.key)" < "\($1.0.key)" }
        }
    }

    /// One app that any grant of the caller's service covers.
    package func appVisible(
        _ key: AppKey, to caller: Caller, _ request: RequestID
    ) throws(Problem) -> (App, Slug) {
        while true {
            let policy = gate.enter(caller, vault)
            let identity = caller.identity(in: policy)
            func refused(_ denial: Denial) -> Problem { refuse(denial, "app.show", identity, request, app: key) }
            guard let service = identity.service else { throw refused(identity.denial) }
            guard service.state == .active else { throw refused(.serviceSuspended) }
            guard caller.peer.isAlive else { throw refused(.identityGone) }
            guard let app = try vault.app(key), let tenant = policy.tenants[app.tenant]?.tenant else {
                throw refused(.noSuchApp)
            }
            guard identity.grants.contains(where: { $0.pattern.covers(key, of: tenant.slug) }) else {
                throw refused(.noGrant)
            }
            guard tenant.state == .active else { throw refused(.tenantSuspended) }
            guard app.state == .active else { throw refused(.appSuspended) }
            let entry = AuditEntry(
                "app.show", .allowed, by: identity.actor, request: request, tenant: tenant.slug.value, app: key)
            if try vault.record(entry, decidedUnder: policy.epoch) { return (app, tenant.slug) }
        }
    }

    /// Installations of an app as far as the caller may see them; the same refusal for an unknown app as for a
    /// forbidden one.
    package func installationsVisible(
        _ key: AppKey, to caller: Caller, _ request: RequestID
    ) throws(Problem) -> (App, Slug, [(Installation, [LegRow])]) {
        while true {
            let policy = gate.enter(caller, vault)
            switch try decide(.readInstallation, on: key, for: caller, policy) {
            case .failure(let denial):
                throw refuse(denial, "installation.list", caller.identity(in: policy), request, app: key)
            case .success(let allowed):
                let found = try vault.installations(of: allowed.app.id)
                let entry = AuditEntry(
                    "installation.list", .allowed, by: allowed.identity.actor, request: request,
                    tenant: allowed.tenant.slug.value, app: key)
                if try vault.record(entry, decidedUnder: policy.epoch) {
                    return (allowed.app, allowed.tenant.slug, found)
                }
            }
        }
    }
}
