import Platforms
import Rules

let appManifestCommand = Command(
    name: "manifest", summary: "prints what the customer's administrator pastes at the platform",
    details: [
        "Slack: the app's manifest with this app's own URLs, and before the app exists (--profile) a link that opens "
            + "Slack with it filled in. Lark and Feishu: the batch import of scopes, the redirect URLs, the trusted "
            + "domain, the homepage. Genesys: the steps.",
        "What is pasted goes to standard output, where it goes to is said on standard error.",
    ],
    arguments: [Argument(name: "APP", help: "such as slack/A0123456789", optional: true, values: .apps)],
    options: [
        Option(
            name: "profile", value: "NAME", help: "for an app that is not there yet", values: .words(Profile.names))
    ],
    examples: [
        Example("Of an app", "postern app manifest slack/A0123456789 > manifest.json"),
        Example("Before there is one", "postern app manifest --profile alibaba-slack"),
    ],
    run: printManifest)

let appChecklistCommand = Command(
    name: "checklist", summary: "prints the steps of the customer's guide: done, missing or unknown",
    details: [
        "From the stored credentials, the last verification, the installations and what has arrived since; no platform "
            + "is asked. Unknown is what no call shows, or what has not been seen yet.",
        "--missing leaves away what is done.",
    ],
    arguments: [appArgument],
    options: [Option(name: "missing", help: "only what is left to do")],
    examples: [
        Example("Of a customer's app", "postern app checklist lark/cli_9b445f5258795107"),
        Example("Only what is left", "postern app checklist slack/A0123456789 --missing"),
    ],
    run: printChecklist)

let appEditCommand = Command(
    name: "edit", summary: "changes an app's public fields and redirect URIs",
    details: [
        "--field NAME= takes a field away. --redirect-uri adds one, --remove-redirect-uri takes one away. --pkce is "
            + "Slack's switch: once on at Slack it stays on, and the Client Secret is not used any more.",
        "Secrets are changed with postern secret set and rotate.",
    ],
    arguments: [appArgument],
    options: [
        Option(
            name: "field", value: "NAME=VALUE", help: "a public field; secrets are refused here", repeats: true),
        Option(name: "redirect-uri", value: "URL", help: "registers one more redirect URI", repeats: true),
        Option(name: "remove-redirect-uri", value: "URL", help: "takes a redirect URI away", repeats: true),
        Option(name: "pkce", value: "WORD", help: "on or off (Slack)", values: .words(["on", "off"])),
        Option(
            name: "app-type", value: "WORD", help: "internal or store (Lark, Feishu)",
            values: .words(["internal", "store"])),
        Option(
            name: "login", value: "WORD", help: "how people log in: identity or openid (Slack)",
            values: .words(["identity", "openid"])),
    ],
    examples: [
        Example("The workspace was renamed", "postern app edit slack/A0123456789 --field workspace_name=Acme"),
        Example(
            "One more place to come back to",
            "postern app edit slack/A0123456789 --redirect-uri https://bridge.example/oauth/callback"),
        Example(
            "Refuse what is above a number of calls a month",
            "postern app edit lark/cli_a1b2c3 --field monthly_limit=100000 --field monthly_refuse=on"),
    ],
    run: editApp)

private let printManifest: Command.Run = { session, invocation throws(Failure) in
    guard (invocation.argument(0) == nil) == invocation.has("profile") else {
        throw Failure.usage("name an app, or a profile with --profile", next: "see postern app manifest --help")
    }
    let path =
        invocation.argument(0) == nil
        ? "profiles/\(invocation.text("profile") ?? "")/manifest" : "apps/\(try invocation.app(0))/manifest"
    let answer = try session.admin.get(path)
    session.print(answer) { console in
        for app in answer["apps"]?.items ?? [] {
            for sheet in app["sheets"]?.items ?? [] {
                console.note("\(Show.cell(sheet["name"])): enter at \(Show.cell(sheet["place"]))")
                if let document = sheet["document"] {
                    console.out(document.pretty())
                } else {
                    for line in sheet["lines"]?.texts ?? [] { console.out(Columns.printable(line)) }
                }
            }
            if let link = app["creation_url"]?.text { console.note("or open: \(link)") }
            if app["app_id"] == nil, app["platform"]?.text != "genesys" {
                console.note("URLs carry the App ID: after postern app add, postern app manifest APP prints them")
            }
        }
    }
    return .ok
}

private let printChecklist: Command.Run = { session, invocation throws(Failure) in
    let onlyMissing = invocation.has("missing")
    let answer = try session.admin.get("apps/\(try invocation.app(0))/checklist")
    session.print(answer) { console in
        for (index, app) in (answer["apps"]?.items ?? []).enumerated() {
            if index > 0 { console.out("") }
            let verified = app["verified_at"].map { "verified \(Show.time($0))" } ?? "never verified"
            console.out(
                console.bold("\(Show.app(app))  \(Show.cell(app["profile"])), \(Show.cell(app["claim"])), \(verified)"))
            let steps = (app["steps"]?.items ?? []).filter { !onlyMissing || $0["state"]?.text != "done" }
            for step in steps {
                let state = Show.cell(step["state"])
                let padding = String(repeating: " ", count: max(0, 9 - state.count))
                let width = (console.width ?? 100) - 10
                for (line, text) in Columns.wrapped(Show.cell(step["title"]), to: width).enumerated() {
                    let head = line == 0 ? console.mark(state) + padding : String(repeating: " ", count: 9)
                    console.out(head + Columns.printable(text))
                }
                for text in [step["place"]?.text.map { "at: \($0)" }, step["detail"]?.text].compactMap({ $0 })
                where !text.isEmpty && (state != "done" || text == step["detail"]?.text) {
                    for line in Columns.wrapped(text, to: width - 4) {
                        console.out(String(repeating: " ", count: 13) + Columns.printable(line))
                    }
                }
            }
            if steps.isEmpty { console.note("nothing is left to do") }
            for note in app["notes"]?.texts ?? [] { console.note("note: \(note)") }
            if let quota = app["quota"]?.text { console.note("quota: \(quota)") }
        }
    }
    return .ok
}

private let editApp: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    var fields: [String: JSON] = [:]
    for pair in invocation.all("field") {
        guard let equals = pair.firstIndex(of: "=") else {
            throw Failure.usage("--field takes NAME=VALUE, for example --field workspace_name=Acme")
        }
        let name = String(pair[..<equals])
        if SecretOnCommandLine.isSecretOption(name) { throw SecretOnCommandLine.failure("--field \(name.shown)") }
        guard let field = PublicField(rawValue: name.replacing("-", with: "_")) else {
            let names = PublicField.allCases.map(\.rawValue)
            throw Failure.usage(
                "there is no public field \"\(name.shown)\"",
                next: Suggestion.nearest(to: name, among: names).map { "did you mean \($0)?" }
                    ?? "the fields are \(names.joined(separator: ", "))")
        }
        fields[field.rawValue] = .string(String(pair[pair.index(after: equals)...]).trimmed)
    }
    for (option, field) in [("pkce", "pkce"), ("app-type", "app_type"), ("login", "login")] {
        if let word = invocation.text(option) { fields[field] = .string(word) }
    }
    let added = invocation.all("redirect-uri")
    let removed = invocation.all("remove-redirect-uri")
    guard !fields.isEmpty || !added.isEmpty || !removed.isEmpty else {
        throw Failure.usage("nothing was named to be changed", next: "see postern app edit --help")
    }
    let now = try session.admin.get("apps/\(app)")
    let before = now["redirect_uris"]?.texts ?? []
    if let unknown = removed.first(where: { !before.contains($0) }) {
        throw Failure(exit: Exit(5), code: "not_found", what: "\(unknown.shown) is not registered on \(app)")
    }
    let after = before.filter { !removed.contains($0) } + added.filter { !before.contains($0) }
    return try session.change { () throws(Failure) in
        var changes = fields.keys.sorted().filter { (now["fields"]?[$0]?.text ?? "") != (fields[$0]?.text ?? "") }.map {
            (fields[$0]?.text ?? "").isEmpty ? "take \($0) away" : "set \($0) to \(fields[$0]?.text ?? "")"
        }
        changes += after.filter { !before.contains($0) }.map { "register \($0)" }
        changes += removed.map { "take \($0) away" }
        return Plan(changes: changes)
    } _: { () throws(Failure) in
        var body: [String: JSON] = ["fields": .object(fields)]
        if after != before { body["redirect_uris"] = JSON(texts: after) }
        let answer = try session.admin.post("apps/\(app)/edit", .object(body))
        session.print(answer) { show(app: answer, $0) }
    }
}
