import Broker
import HTTPServer
import Platforms
import Rules
import Sealing
import Vault

extension AdminRoutes {
    func apps(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        guard call.parts[0] == "apps" else { return nil }
        if call.matches("GET", "apps") {
            let admin = try broker.admit(call.caller, .look, "app.list", anyTenant: true, call.request)
            var tenant = admin.onlyTenant
            if let slug = call.query("tenant") {
                let named = try broker.tenant(try Names.slug(slug, "tenant"))
                guard tenant == nil || tenant == named.id else {
                    throw Problem(.notFound, "there is no tenant \(slug)")
                }
                tenant = named.id
            }
            let integrations = try broker.vault.integrations(of: tenant)
            let apps = try broker.vault.apps(of: tenant).map { app in
                Show.app(
                    app, tenant: broker.slug(of: app.tenant),
                    integration: integrations.first { $0.firstApp == app.id || $0.secondApp == app.id }?.id)
            }
            return Reply.json(["apps": .list(apps)], call.request)
        }
        if call.matches("POST", "apps") { return try add(call) }
        guard call.parts.count >= 3 else { return nil }
        let key = try call.app(1)
        if call.matches("GET", "apps/*/*") {
            let (app, _) = try admitted(call, .look, "app.show", key)
            return Reply.json(try show(app), call.request)
        }
        if call.matches("DELETE", "apps/*/*") {
            let (app, admin) = try admitted(call, .operate, "app.remove", key)
            try call.body.end()
            let uninstalls = call.query("uninstall") == "true"
            let rows = try broker.remove(app, uninstalls: uninstalls, admin)
            return Reply.json(
                [
                    "platform": .text(key.platform.rawValue), "app_id": .text(key.appID.value), "state": "removed",
                    "revocations": .list(rows.map { Show.revocation($0, key.platform, now: broker.vault.now) }),
                ], call.request)
        }
        if call.matches("POST", "apps/*/*/verify") {
            let (app, admin) = try admitted(call, .operate, "app.verify", key)
            let fresh = try call.body.bool("fresh", otherwise: false)
            try call.body.end()
            let answer = try broker.verify(app, fresh: fresh, admin)
            return Reply.json(
                [
                    "checks": .list(answer.checks.map(Show.check)), "checked_at": .time(answer.checkedAt),
                    "asked_now": .bool(answer.isFresh),
                ], call.request)
        }
        if call.matches("POST", "apps/*/*/edit") {
            let (app, admin) = try admitted(call, .operate, "app.edit", key)
            let edit = AppEdit(fields: try Ask.fields(&call.body), redirectURIs: try call.body.texts("redirect_uris"))
            try call.body.end()
            return Reply.json(try show(try broker.edit(app, edit, admin)), call.request)
        }
        if call.matches("POST", "apps/*/*/apply-manifest") {
            let (app, admin) = try admitted(call, .operate, "app.manifest", key)
            let token = try call.body.optionalText("config_token").map { SecretBox(SecretBytes(copying: $0.utf8.span)) }
            let onlyCheck = try call.body.bool("check", otherwise: false)
            try call.body.end()
            let answer = try broker.applyManifest(app, configToken: token, onlyCheck: onlyCheck, admin)
            return Reply.json(Show.manifest(answer), call.request)
        }
        if call.matches("POST", "apps/*/*/import") { return try importInto(call, key) }
        for (verb, standing) in [("suspend", .suspended), ("resume", .active)] as [(String, Standing)]
        where call.matches("POST", "apps/*/*/\(verb)") {
            let (app, admin) = try admitted(call, .operate, "app.\(verb)", key)
            try call.body.end()
            return Reply.json(try show(try broker.setStanding(standing, of: app, admin)), call.request)
        }
        if call.matches("POST", "apps/*/*/oauth/authorize") {
            let (app, admin) = try admitted(call, .operate, "oauth.authorize", key)
            let ask = try Ask.flow(&call.body)
            return Reply.json(Show.flow(try broker.authorize(app, ask, admin)), status: 201, call.request)
        }
        return nil
    }

    /// Admits a call about one app; one that is not there is about no tenant, so only who may see all learns that.
    func admitted(
        _ call: AdminRequest, _ right: AdminRight, _ action: String, _ key: AppKey
    ) throws(Problem) -> (App, AdminCall) {
        let tenant = try broker.vault.app(key)?.tenant
        let admin = try broker.admit(call.caller, right, action, tenant: tenant, call.request)
        return (try broker.app(key, seenBy: admin), admin)
    }

    private func show(_ app: App, checks: [Check] = []) throws(Problem) -> JSONValue {
        let now = broker.vault.now
        var shown = Show.app(app, tenant: broker.slug(of: app.tenant))
        let secrets = try broker.vault.secrets(of: app.id)
        if case .object(var members) = shown {
            members["secrets"] = .list(secrets.map { .object(Show.version($0.1, $0.0, now: now)) })
            members["integration"] = try integration(of: app)
            members["calls"] = Show.calls(try broker.monthlyCalls(of: app))
            members["event_url"] = .optional((try? broker.profile(of: app))?.eventURL(for: app.key.appID))
            if !checks.isEmpty { members["checks"] = .list(checks.map(Show.check)) }
            shown = .object(members)
        }
        return shown
    }

    /// What the app was added as part of.
    private func integration(of app: App) throws(Problem) -> JSONValue {
        guard let row = try broker.integration(of: app) else { return .absent }
        var other: JSONValue = .absent
        if let second = row.secondApp {
            other = .optional(try broker.vault.app(id: row.firstApp == app.id ? second : row.firstApp)?.key.description)
        }
        return ["id": .int(row.id), "profile": .text(row.profile), "other_app": other]
    }

    private func add(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response {
        let slug = try Names.slug(try call.body.text("tenant"), "tenant")
        let known = broker.vault.policy.tenant(slug)
        let admin = try broker.admit(call.caller, .operate, "app.add", tenant: known?.id, call.request)
        let tenant = try broker.tenant(slug)
        let platform = try call.body.optionalText("platform")
        let name = try call.body.optionalText("profile") ?? platform ?? ""
        let parts = broker.profiles(named: name)
        guard !parts.isEmpty else {
            throw Problem(
                .badRequest, "there is no such profile", advice: "one of " + Profile.names.joined(separator: ", "))
        }
        let verifying = try call.body.bool("verify", otherwise: true)
        var news: [NewApp] = []
        if var bodies = try call.body.objects("apps") {
            guard bodies.count == parts.count else {
                throw Problem(.badRequest, "the profile \(name) has \(parts.count) apps")
            }
            try call.body.end()
            for index in bodies.indices {
                news.append(try new(&bodies[index], parts, try bodies[index].optionalText("platform")))
            }
            guard Set(news.map(\.profile.platform)).count == news.count else {
                throw Problem(.badRequest, "the apps of \(name) are of different platforms")
            }
        } else {
            guard parts.count == 1 else {
                throw Problem(.badRequest, "the profile \(name) has \(parts.count) apps", advice: "send them in apps")
            }
            news.append(try new(&call.body, parts, platform))
        }
        let (integration, added) = try broker.addApps(news, of: tenant, verifying: verifying, admin)
        var shown: [JSONValue] = []
        for part in added { shown.append(try show(part.app, checks: part.checks)) }
        if news.count == 1 { return Reply.json(shown[0], status: 201, call.request) }
        return Reply.json(
            ["integration": .int(integration.id), "profile": .text(name), "apps": .list(shown)], status: 201,
            call.request)
    }

    private func new(_ body: inout Body, _ parts: [Profile], _ platform: String?) throws(Problem) -> NewApp {
        guard
            let profile = platform == nil && parts.count == 1
                ? parts[0] : parts.first(where: { $0.platform.rawValue == platform })
        else { throw Problem(.badRequest, "the profile is of another platform") }
        let appID = try body.optionalText("app_id").map { text throws(Problem) -> AppID in
            guard let id = AppID(text) else { throw Problem(.badRequest, "this is not an App ID") }
            return id
        }
        let fields = try Ask.fields(&body)
        let secrets = try Ask.secrets(&body)
        guard secrets[.appTicket] == nil, secrets[.configToken] == nil else {
            throw Problem(.badRequest, "this kind of secret is not submitted with an app")
        }
        let redirects = try body.texts("redirect_uris") ?? []
        let installations = try Ask.installations(&body)
        try body.end()
        return NewApp(
            profile: profile, appID: appID, fields: fields, secrets: secrets, redirectURIs: redirects,
            installations: installations)
    }
}
