import Broker
import Linux
import Rules
import Vault

/// What a bridge may see of itself and its apps.
extension Broker {
    var health: JSONValue {
        let state = vault.knownDamage != nil || vault.trouble != nil ? "degraded" : "ok"
        return ["status": .text(state), "version": .text(settings.version)]
    }

    func describe(_ caller: Caller, _ request: RequestID) throws(Problem) -> JSONValue {
        let (service, grants) = try whoIs(caller, "self", request)
        return [
            "service": .text(service.slug.value), "selectors": .texts(service.selectors.map(\.description)),
            "state": .text(service.state.rawValue),
            "peer": [
                "uid": .int(Int64(caller.peer.uid)), "gid": .int(Int64(caller.peer.gid)),
                "pid": .int(Int64(caller.peer.pid)),
            ],
            "grants": .list(
                grants.map { grant in
                    [
                        "id": .int(grant.id), "pattern": .text(grant.pattern.description),
                        "actions": .texts(grant.actions.map(\.description)), "methods": .texts(grant.methods),
                        "scope": .texts(grant.scope), "max_ttl_seconds": .int(grant.maxTTL.seconds),
                    ]
                }),
        ]
    }

    func visibleApps(_ caller: Caller, _ request: RequestID) throws(Problem) -> JSONValue {
        let apps = try appsVisible(to: caller, request)
        return ["apps": .list(apps.map { Show.app($0.0, tenant: $0.1) })]
    }

    func visibleApp(_ key: AppKey, _ caller: Caller, _ request: RequestID) throws(Problem) -> JSONValue {
        let (app, tenant) = try appVisible(key, to: caller, request)
        return Show.app(app, tenant: tenant)
    }

    func visibleInstallations(_ key: AppKey, _ caller: Caller, _ request: RequestID) throws(Problem) -> JSONValue {
        let (app, tenant, found) = try installationsVisible(key, to: caller, request)
        return [
            "installations": .list(
                found.filter { $0.0.userID != Installation.configuration }.map {
                    Show.installation($0.0, $0.1, app: app.key, tenant: tenant, now: vault.now)
                })
        ]
    }
}
