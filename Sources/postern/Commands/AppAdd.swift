import Platforms
import Rules

let addAppCommand = Command(
    name: "add", summary: "adds an app with its credentials, and checks them at the platform",
    details: [
        "Asks for what the profile's guide lists, in its order, saying where each value is found; secrets are not "
            + "shown. What looks like another field's value is caught before anything is sent.",
        "--from-file takes a JSON object with the same names instead, for example: {\"workspace_name\": \"Acme\", "
            + "\"app_id\": \"A0123456789\", \"client_id\": \"…\", \"client_secret\": \"…\", \"signing_secret\": \"…\", "
            + "\"bot_token\": \"…\"}. Delete that file once it is stored. genesys-slack adds two apps: its file has an "
            + "object \"genesys\" and an object \"slack\", or names such as slack.bot_token; the names of the "
            + "blueprint's settings are understood too.",
        "The app is added whatever the platform says of the credentials; each check has its own result. Only input "
            + "that is malformed is refused.",
    ]
        + Profile.names.map { name in
            let form = CredentialForm(parts: Profile.parts(of: name), keepOdd: false)
            return "\(name): \(form.parts[0].title). Its values: "
                + form.slots.map { $0.name + ($0.field.required ? "" : "?") }.joined(separator: " ")
                + " (? may be left away)."
        },
    options: [
        Option(name: "tenant", value: "SLUG", help: "whose app it is", required: true, values: .tenants),
        Option(
            name: "profile", value: "NAME", help: "which integration", required: true, values: .words(Profile.names)),
        Option(name: "app-id", value: "ID", help: "the App ID, so that it is not asked for"),
        Option(
            name: "field", value: "NAME=VALUE", help: "a public field; secrets are refused here", repeats: true),
        Option(name: "from-file", value: "FILE", help: "all values as JSON (- is standard input)", values: .file),
        Option(
            name: "redirect-uri", value: "URL",
            help: "a redirect URI registered at the platform [ours and the profile's]", repeats: true),
        Option(name: "no-verify", help: "do not ask the platform whether the credentials work"),
        Option(name: "as-is", help: "take values that look like another field's"),
    ],
    examples: [
        Example("Asks for the six credentials", "postern app add --tenant acme --profile alibaba-slack"),
        Example("From a file", "postern app add --tenant acme --profile alibaba-slack --from-file creds.json"),
        Example(
            "From a password manager",
            "pass acme/lark.json | postern app add --tenant acme --profile alibaba-lark --from-file -"),
    ],
    exits: [(8, "the app was added, but a check failed")],
    run: addApp)

private let addApp: Command.Run = { session, invocation throws(Failure) in
    let tenant = try Invocation.slug(invocation.text("tenant") ?? "", "tenant")
    let parts = Profile.parts(of: invocation.text("profile") ?? "")
    guard !parts.isEmpty else {
        throw Failure.usage("there is no such profile", next: "postern profile list names them")
    }
    var form = CredentialForm(parts: parts, keepOdd: invocation.has("as-is"))
    if let path = invocation.text("from-file") { try form.take(file: path, session.console) }
    for pair in invocation.all("field") { try form.take(pair: pair) }
    if let id = invocation.text("app-id") { try form.take(appID: id) }
    try form.complete(session)
    for part in parts { _ = try form.appID(of: part) }
    let redirects = invocation.all("redirect-uri")
    let verify = !invocation.has("no-verify")
    var exit = Exit.ok
    let outcome = try session.change { () throws(Failure) in
        var changes: [String] = []
        for part in parts {
            let id = try form.appID(of: part)
            if let id, try session.exists("apps/\(AppKey(part.platform, id))") {
                throw Failure(
                    exit: Exit(6), code: "conflict", what: "\(AppKey(part.platform, id)) is in the vault already")
            }
            let names = form.slots.filter { $0.profile.platform == part.platform && form.values[$0.name] != nil }
            let app = id.map { "\(AppKey(part.platform, $0))" } ?? "a \(part.platform.rawValue) app"
            changes.append("add \(app) to \(tenant) with \(names.map(\.field.key).joined(separator: ", "))")
        }
        return Plan(changes: changes)
    } _: { () throws(Failure) in
        let answer = try submit(&form, to: tenant, redirects, verify: verify, session)
        let added = answer["apps"]?.items ?? [answer]
        session.print(answer) { console in
            for (index, app) in added.enumerated() {
                if index > 0 { console.out("") }
                show(added: app, tenant, console)
            }
        }
        for app in added where exit == .ok { exit = verdict(app["checks"]?.items ?? []) }
    }
    return outcome == .ok ? exit : outcome
}

/// Sends the form; where the platform would not tell the App ID, asks for it and sends again.
private func submit(
    _ form: inout CredentialForm, to tenant: String, _ redirects: [String], verify: Bool, _ session: Session
) throws(Failure) -> JSON {
    while true {
        do {
            let admin = verify ? session.patientAdmin : session.admin
            let body = try body(form, tenant, redirects, verify: verify)
            return try admin.call("POST", "apps", body: SecretBody(body.compact()))
        } catch {
            guard error.code == "app_id_needed", try form.askAppID(session, because: error.what) else { throw error }
        }
    }
}

private func body(
    _ form: CredentialForm, _ tenant: String, _ redirects: [String], verify: Bool
) throws(Failure) -> JSON {
    var body: [String: JSON] = [
        "tenant": .string(tenant), "profile": .string(form.parts[0].name), "verify": .bool(verify),
    ]
    var apps: [JSON] = []
    for part in form.parts {
        var app = try form.body(of: part)
        // Of two apps it is Slack's that people log in to.
        if !redirects.isEmpty, form.parts.count == 1 || part.platform == .slack {
            app["redirect_uris"] = JSON(texts: redirects)
        }
        if form.parts.count == 1 { body.merge(app) { _, new in new } } else { apps.append(.object(app)) }
    }
    if form.parts.count > 1 { body["apps"] = .array(apps) }
    return .object(body)
}

private func show(added app: JSON, _ tenant: String, _ console: Console) {
    let name = Show.app(app)
    console.out("\(name) added to \(tenant)\n")
    show(app: app, console)
    let checks = app["checks"]?.items ?? []
    if !checks.isEmpty {
        console.out("")
        Show.checks(checks, console)
    }
    if let url = app["event_url"]?.text { console.note("event request URL to enter at the platform: \(url)") }
    console.note("what is left to do: postern app checklist \(name)")
}
