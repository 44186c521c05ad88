import Broker
import HTTPServer
import Platforms
import Rules
import Vault

extension AdminRoutes {
    /// The guides of the integrations, and where each customer is in theirs.
    func guides(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        if call.matches("GET", "profiles") {
            _ = try broker.admit(call.caller, .look, "profile.list", anyTenant: true, call.request)
            let all = Profile.names.map { name in
                JSONValue.object([
                    "name": .text(name), "title": .text(Profile.parts(of: name)[0].title),
                    "platforms": .texts(Profile.parts(of: name).map(\.platform.rawValue)),
                ])
            }
            return Reply.json(["profiles": .list(all)], call.request)
        }
        if call.matches("GET", "profiles/*") {
            _ = try broker.admit(call.caller, .look, "profile.show", anyTenant: true, call.request)
            let parts = try profiles(call.parts[1])
            return Reply.json(
                ["name": .text(parts[0].name), "title": .text(parts[0].title), "apps": .list(parts.map(Show.profile))],
                call.request)
        }
        if call.matches("GET", "profiles/*/manifest") {
            _ = try broker.admit(call.caller, .look, "profile.manifest", anyTenant: true, call.request)
            let parts = try profiles(call.parts[1])
            return Reply.json(
                [
                    "profile": .text(parts[0].name),
                    "apps": .list(parts.map { Show.sheets($0.sheets(app: nil, redirects: []), $0, nil) }),
                ], call.request)
        }
        guard call.parts[0] == "apps", call.parts.count >= 3 else { return nil }
        if call.matches("GET", "apps/*/*/manifest") {
            let (app, _) = try admitted(call, .look, "app.manifest", try call.app(1))
            let shown = Show.sheets(try broker.sheets(app), try broker.profile(of: app), app.key)
            return Reply.json(["profile": .text(app.profile), "apps": .list([shown])], call.request)
        }
        if call.matches("GET", "apps/*/*/checklist") {
            let (app, _) = try admitted(call, .look, "app.checklist", try call.app(1))
            return Reply.json(try checklist(app), call.request)
        }
        return nil
    }

    private func profiles(_ name: String) throws(Problem) -> [Profile] {
        let parts = broker.profiles(named: name)
        guard !parts.isEmpty else {
            throw Problem(
                .notFound, "there is no such profile", advice: "one of " + Profile.names.joined(separator: ", "))
        }
        return parts
    }

    /// The steps of this app and of the other app of its integration.
    private func checklist(_ app: App) throws(Problem) -> JSONValue {
        var apps = [app]
        if let row = try broker.integration(of: app), let second = row.secondApp,
            let other = try broker.vault.app(id: row.firstApp == app.id ? second : row.firstApp)
        {
            if row.firstApp == app.id { apps.append(other) } else { apps.insert(other, at: 0) }
        }
        var shown: [JSONValue] = []
        for app in apps {
            let profile = try broker.profile(of: app)
            let checks = try broker.vault.checks(of: app.id)
            shown.append([
                "platform": .text(app.key.platform.rawValue), "app_id": .text(app.key.appID.value),
                "profile": .text(app.profile), "claim": .text(app.claim.rawValue),
                "verified_at": .time(Broker.verifiedAt(checks)),
                "steps": .list(try broker.checklist(app).map(Show.item)),
                "checks": .list(checks.map(Show.check)), "notes": .texts(profile.traps),
                "quota": profile.quota.isEmpty ? .absent : .text(profile.quota),
            ])
        }
        return ["profile": .text(app.profile), "apps": .list(shown)]
    }
}

extension Show {
    static func profile(_ profile: Profile) -> JSONValue {
        [
            "platform": .text(profile.platform.rawValue),
            "fields": .list(
                profile.fields.map { field in
                    [
                        "key": .text(field.key), "label": .text(field.label), "required": .bool(field.required),
                        "secret": .bool(field.isSecret), "found_at": .text(field.find),
                        "looks_like": .text(field.shape.example),
                    ]
                }),
            "bot_scopes": .texts(profile.botScopes), "user_scopes": .texts(profile.userScopes),
            "tenant_scopes": .texts(profile.tenantScopes), "event_types": .texts(profile.eventTypes),
            "base_url": profile.base.isEmpty ? .absent : .text(profile.base),
            "quota": profile.quota.isEmpty ? .absent : .text(profile.quota), "notes": .texts(profile.traps),
            "steps": .list(
                profile.steps.map { step in
                    [
                        "step": .text(step.name),
                        "title": .text(step.title.replacing("{base}", with: profile.base)), "place": .text(step.place),
                    ]
                }),
        ]
    }

    /// What is pasted for one app. A Slack app that is not there yet has a link that opens Slack with it filled in.
    static func sheets(_ sheets: [Sheet], _ profile: Profile, _ app: AppKey?) -> JSONValue {
        var link: JSONValue = .absent
        if app == nil, profile.platform == .slack, case .document(let tree)? = sheets.first?.content {
            link = .text(SlackManifest(tree).creationLink)
        }
        return [
            "platform": .text(profile.platform.rawValue), "app_id": .optional(app?.appID.value),
            "creation_url": link,
            "sheets": .list(
                sheets.map { sheet in
                    switch sheet.content {
                    case .document(let tree):
                        ["name": .text(sheet.name), "place": .text(sheet.place), "document": JSONValue(tree)]
                    case .lines(let lines):
                        ["name": .text(sheet.name), "place": .text(sheet.place), "lines": .texts(lines)]
                    }
                }),
        ]
    }

    static func manifest(_ answer: ManifestAnswer) -> JSONValue {
        [
            "changes": .texts(answer.changes), "applied": .bool(answer.isApplied),
            "must_reinstall": .bool(answer.mustReinstall), "faults": .texts(answer.faults),
            "remarks": .texts(answer.remarks),
        ]
    }

    static func item(_ item: ChecklistItem) -> JSONValue {
        [
            "step": .text(item.step), "title": .text(item.title), "place": .text(item.place),
            "state": .text(item.state.rawValue), "detail": .text(item.detail),
        ]
    }

    static func check(_ check: StoredCheck) -> JSONValue {
        [
            "name": .text(check.check), "result": .text(check.result), "compared": .text(check.compared),
            "advice": .text(check.advice), "checked_at": .time(check.checkedAt),
        ]
    }
}

extension JSONValue {
    /// A document as it is.
    init(_ tree: JSONTree) {
        switch tree {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .number(let value): self = .text("\(value)")
        case .text(let value): self = .text(value)
        case .list(let items): self = .list(items.map { JSONValue($0) })
        case .object(let members): self = .object(members.mapValues { JSONValue($0) })
        }
    }
}
