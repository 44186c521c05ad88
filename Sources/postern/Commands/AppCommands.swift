import Platforms
import Rules

let appCommand = Command(
    name: "app", summary: "the apps at Slack, Lark, Feishu and Genesys whose credentials are kept",
    details: ["An app is named platform/app_id, for example slack/A0123456789."],
    examples: [Example("Add a customer's Slack app", "postern app add --tenant acme --profile alibaba-slack")],
    children: [
        addAppCommand,
        Command(
            name: "list", summary: "lists the apps",
            options: [Option(name: "tenant", value: "SLUG", help: "only of this tenant", values: .tenants)],
            examples: [
                Example("All apps", "postern app list"), Example("Of one customer", "postern app list --tenant acme"),
            ],
            run: listApps),
        Command(
            name: "show", summary: "shows one app: public fields, its secrets' versions and fingerprints",
            arguments: [appArgument], examples: [Example("One app", "postern app show slack/A0123456789")], run: showApp
        ),
        Command(
            name: "suspend", summary: "stops every use of an app, at once",
            details: ["Nothing is deleted; its leases end. Undo it with postern app resume."],
            arguments: [appArgument], examples: [Example("Stop it", "postern app suspend slack/A0123456789")],
            run: suspendApp),
        Command(
            name: "resume", summary: "lets a suspended app be used again", arguments: [appArgument],
            examples: [Example("Go on", "postern app resume slack/A0123456789")], run: resumeApp),
        removeAppCommand,
        Command(
            name: "verify", summary: "checks the stored credentials at the platform",
            details: [
                "Calls that change nothing: is the token alive, of this app and workspace, with the scopes needed; do "
                    + "the client's id and secret belong together; are the redirect URLs registered. What only a signed "
                    + "request can prove stays pending until one was seen.",
                "At most once a minute for each app, unless something was changed; what was found is kept for postern "
                    + "app checklist.",
            ],
            arguments: [appArgument],
            options: [Option(name: "fresh", help: "only a new answer, or none")],
            examples: [Example("Check now", "postern app verify slack/A0123456789")],
            exits: [(8, "a check failed")], run: verifyApp),
        appManifestCommand, appChecklistCommand, applyManifestCommand, appEditCommand,
    ])

private let listApps: Command.Run = { session, invocation throws(Failure) in
    let answer = try session.admin.get("apps", [("tenant", invocation.text("tenant"))])
    session.print(answer) { console in
        var table = Table([
            .init("app"), .init("tenant"), .init("profile"), .init("state"), .init("claim"),
            .init("integration", right: true), .init("name", shrinks: true), .init("created"),
        ])
        for app in answer["apps"]?.items ?? [] {
            table.add([
                Show.app(app), Show.cell(app["tenant"]), Show.cell(app["profile"]), Show.cell(app["state"]),
                Show.cell(app["claim"]), Show.cell(app["integration_id"]),
                Show.cell(app["fields"]?["workspace_name"] ?? app["fields"]?["domain"]), Show.time(app["created_at"]),
            ])
        }
        console.out(table, empty: "no apps yet; add one: postern app add --tenant acme --profile alibaba-slack")
    }
    return .ok
}

private let showApp: Command.Run = { session, invocation throws(Failure) in
    let answer = try session.admin.get("apps/\(try invocation.app(0))")
    session.print(answer) { show(app: answer, $0) }
    return .ok
}

/// Public facts, then the secrets by kind, version and fingerprint.
func show(app: JSON, _ console: Console) {
    var pairs = [
        ("app", Show.app(app)), ("tenant", Show.cell(app["tenant"])), ("profile", Show.cell(app["profile"])),
        ("integration", integration(of: app)), ("state", Show.cell(app["state"])), ("claim", Show.cell(app["claim"])),
        ("created", Show.time(app["created_at"])),
    ]
    if let calls = app["calls"] { pairs.append(("calls in \(Show.cell(calls["month"]))", used(calls))) }
    if case .object(let fields)? = app["fields"] {
        pairs += fields.keys.sorted().map { ($0, Show.cell(fields[$0])) }
    }
    pairs += (app["redirect_uris"]?.texts ?? []).map { ("redirect_uri", $0) }
    console.out(pairs: pairs)
    var table = Table([
        .init("secret"), .init("version", right: true), .init("state"), .init("bytes", right: true),
        .init("fingerprint"),
        .init("created"),
    ])
    for secret in app["secrets"]?.items ?? [] {
        table.add([
            Show.cell(secret["kind"]), Show.cell(secret["version"]), Show.cell(secret["state"]),
            Show.cell(secret["length"]), Show.cell(secret["fingerprint"]), Show.time(secret["created_at"]),
        ])
    }
    console.out("")
    console.out(table, empty: "no secrets yet")
}

/// `3`, or `3, with slack/A0123456789` for one of two apps.
private func integration(of app: JSON) -> String {
    guard let integration = app["integration"] else { return "-" }
    return Show.cell(integration["id"]) + (integration["other_app"]?.text.map { ", with \($0)" } ?? "")
}

/// `85 of 100 (85 %), then refused`, or the count alone where there is no limit.
private func used(_ calls: JSON) -> String {
    guard let limit = calls["limit"] else { return Show.cell(calls["count"]) }
    let end = calls["refused_above"]?.bool == true ? ", then refused" : ""
    return "\(Show.cell(calls["count"])) of \(Show.cell(limit)) (\(Show.cell(calls["used_percent"])) %)\(end)"
}

private let suspendApp: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    return try session.change(destructive: true) { () throws(Failure) in
        if try session.admin.get("apps/\(app)")["state"]?.text == "suspended" { return .nothing }
        let installations = try session.admin.get("installations", [("app", "\(app)")])["installations"]?.items ?? []
        let stopped = installations.isEmpty ? [] : ["\(Show.count(installations.count, "installation")) cannot be used"]
        return Plan(changes: ["suspend \(app)"], affected: stopped + (try session.leases(app: "\(app)")))
    } _: { () throws(Failure) in
        let answer = try session.admin.post("apps/\(app)/suspend")
        session.print(answer) { $0.out("\(app) suspended; undo: postern app resume \(app)") }
    }
}

private let resumeApp: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    return try session.change { () throws(Failure) in
        let state = try session.admin.get("apps/\(app)")["state"]?.text
        return state == "suspended" ? Plan(changes: ["resume \(app)"]) : .nothing
    } _: { () throws(Failure) in
        let answer = try session.admin.post("apps/\(app)/resume")
        session.print(answer) { $0.out("\(app) resumed") }
    }
}

private let verifyApp: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    let fresh: JSON = invocation.has("fresh") ? ["fresh": true] : [:]
    let answer = try session.patientAdmin.post("apps/\(app)/verify", fresh)
    let checks = answer["checks"]?.items ?? []
    session.print(answer) { console in
        Show.checks(checks, console)
        if answer["asked_now"]?.bool == false {
            console.note("found at \(Show.time(answer["checked_at"])); nothing was asked again so soon")
        }
    }
    return verdict(checks)
}

/// A failed check is the platform's no.
func verdict(_ checks: [JSON]) -> Exit {
    checks.contains { $0["result"]?.text == "failed" } ? Exit(Problem.Code.platformRefused.exitCode) : .ok
}
