import FoundationEssentials

extension SlackWorld {
    /// `apps.manifest.*` with an app configuration token (platforms, 1.10).
    mutating func manifest(
        _ request: SimRequest, _ call: String, _ arguments: SlackArguments, at now: Date
    ) -> Outcome {
        let team: String
        switch bearer(request, arguments) {
        case .failure(let refusal): return refusal.outcome
        case .success(let token):
            if tokens[token] != nil { return Self.failure("not_allowed_token_type", token: token) }
            switch configurations.team(token, at: now) {
            case .failure(let refusal): return refusal.outcome
            case .success(let found): team = found
            }
        }
        var app: SlackApp?
        if let id = arguments["app_id"], !id.isEmpty {
            guard let found = find(id: id), found.teamID == team else {
                let isAboutExisting = call == "apps.manifest.export" || call == "apps.manifest.delete"
                return Self.failure(isAboutExisting ? "app_not_found" : "invalid_app_id")
            }
            app = found
        } else if call != "apps.manifest.create" && call != "apps.manifest.validate" {
            return Self.failure("invalid_app_id")
        }
        switch (call, app) {
        case ("apps.manifest.export", let app?):
            return .accepted(
                "manifest exported", .json(["ok": true, "manifest": Self.manifest(of: app)]), app: app.appID)
        case ("apps.manifest.delete", let app?):
            return remove(app: app.appID)
                ? .accepted("app deleted", .json(["ok": true]), app: app.appID) : Self.failure("app_not_found")
        default: break
        }
        guard let given = Self.manifest(in: arguments) else { return Self.failure("invalid_manifest", app: app?.appID) }
        let faults = SlackManifestRules.faults(in: given)
        guard faults.isEmpty else {
            return Self.failure("invalid_manifest", ["errors": .array(faults)], app: app?.appID)
        }
        switch (call, app) {
        case ("apps.manifest.update", let app?): return update(app, given)
        case ("apps.manifest.create", _): return create(given, team, request, at: now)
        default: return .accepted("manifest is valid", .json(["ok": true, "errors": []]), app: app?.appID)
        }
    }

    /// A JSON string in a form field; the object itself where the whole call is JSON.
    private static func manifest(in arguments: SlackArguments) -> JSON? {
        let value = arguments.value("manifest")
        if case .object? = value { return value }
        guard let text = value?.text, case .object(let fields)? = JSON(bytes: [UInt8](text.utf8)) else { return nil }
        return .object(fields)
    }

    /// Everything absent is removed; what people see may be what was there only after installing again.
    private mutating func update(_ app: SlackApp, _ manifest: JSON) -> Outcome {
        var changed = app
        guard Self.apply(manifest, to: &changed) else {
            let fault = SlackManifestRules.fault("one_way_switch", "it cannot be switched off again", "/settings")
            return Self.failure("invalid_manifest", ["errors": .array([fault])], app: app.appID)
        }
        let widened = changed.botScopes != app.botScopes || changed.userScopes != app.userScopes
        keep(changed)
        return .accepted(
            "manifest updated",
            .json(["ok": true, "app_id": .string(app.appID), "permissions_updated": .bool(widened)]), app: app.appID)
    }

    private mutating func create(
        _ manifest: JSON, _ team: String, _ request: SimRequest, at now: Date
    ) -> Outcome {
        let home = registered.first { $0.teamID == team }
        let place: [String: JSON] = [
            "team_id": .string(team), "workspace_name": .string(home?.teamName ?? "Fake Workspace"),
            "team_domain": .string(home?.teamDomain ?? team.lowercased()),
        ]
        guard var app = SlackApp(.object(place), changing: nil, &mint, at: now) else {
            return Self.failure("failed_creating_app")
        }
        _ = Self.apply(manifest, to: &app)
        keep(app)
        return .accepted(
            "app created",
            .json([
                "ok": true, "app_id": .string(app.appID), "team_id": .string(team),
                "team_domain": .string(app.teamDomain),
                "oauth_authorize_url": .string(
                    "\(request.origin)/oauth/v2/authorize?client_id=\(app.clientID)"
                        + "&scope=\(FormText.escape(app.botScopes.joined(separator: ",")))"),
                "credentials": [
                    "client_id": .string(app.clientID), "client_secret": .string(app.clientSecret),
                    "verification_token": .string(app.verificationToken),
                    "signing_secret": .string(app.signingSecret),
                ],
            ]), app: app.appID)
    }

    /// False for switching off what cannot be switched off.
    private static func apply(_ manifest: JSON, to app: inout SlackApp) -> Bool {
        let oauth = manifest["oauth_config"]
        let rotates = manifest["settings"]?["token_rotation_enabled"] == true
        let usesPKCE = oauth?["pkce_enabled"] == true
        guard rotates || !app.rotates, usesPKCE || !app.usesPKCE else { return false }
        app.rotates = rotates
        app.usesPKCE = usesPKCE
        app.deploysToOrganisation = manifest["settings"]?["org_deploy_enabled"] == true
        app.name = manifest["display_information"]?["name"]?.text ?? app.name
        app.redirectURLs = oauth?["redirect_urls"]?.texts ?? []
        app.botScopes = oauth?["scopes"]?["bot"]?.texts ?? []
        app.userScopes = oauth?["scopes"]?["user"]?.texts ?? []
        app.manifest = manifest
        return true
    }

    /// As it was saved; of an app that was made without one, what is known of it.
    private static func manifest(of app: SlackApp) -> JSON {
        if let manifest = app.manifest { return manifest }
        return [
            "display_information": ["name": .string(app.name)],
            "features": ["bot_user": ["display_name": .string(app.name), "always_online": false]],
            "oauth_config": [
                "redirect_urls": .array(app.redirectURLs.map(JSON.string)),
                "scopes": [
                    "bot": .array(app.botScopes.map(JSON.string)), "user": .array(app.userScopes.map(JSON.string)),
                ], "pkce_enabled": .bool(app.usesPKCE),
            ],
            "settings": [
                "org_deploy_enabled": .bool(app.deploysToOrganisation), "socket_mode_enabled": false,
                "token_rotation_enabled": .bool(app.rotates),
            ],
        ]
    }
}

extension JSON {
    /// The texts in a list.
    fileprivate var texts: [String] {
        guard case .array(let items) = self else { return [] }
        return items.compactMap(\.text)
    }
}
