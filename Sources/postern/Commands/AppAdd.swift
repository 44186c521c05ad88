import Platforms
import Rules

let addAppCommand = Command(
    name: "add", summary: "adds an app with its credentials, and checks them at the platform",
    details: [
        "Asks for what the profile's guide lists, in its order, saying where each value is found; secrets are not "
            + "shown. What looks like another field's value is caught before anything is sent.",
        "--from-file takes a JSON object with the same names instead, for example: {\"workspace_name\": \"Acme\", "
            + "\"app_id\": \"A0123456789\", \"client_id\": \"…\", \"client_secret\": \"…\", \"signing_secret\": \"…\", "
            + "\"bot_token\": \"…\"}. Delete that file once it is stored.",
    ]
        + Profile.all.map { profile in
            "\(profile.name): \(profile.title). Its values: "
                + profile.fields.map { $0.key + ($0.required ? "" : "?") }.joined(separator: " ")
                + " (? may be left away)."
        },
    options: [
        Option(name: "tenant", value: "SLUG", help: "whose app it is", required: true, values: .tenants),
        Option(
            name: "profile", value: "NAME", help: "which integration", required: true,
            values: .words(Profile.names)),
        Option(name: "app-id", value: "ID", help: "the App ID, so that it is not asked for"),
        Option(
            name: "field", value: "NAME=VALUE", help: "a public field; secrets are refused here", repeats: true),
        Option(name: "from-file", value: "FILE", help: "all values as JSON (- is standard input)", values: .file),
        Option(
            name: "redirect-uri", value: "URL", help: "a redirect URI registered at the platform [the profile's]",
            repeats: true),
        Option(name: "no-verify", help: "do not ask the platform whether the credentials work"),
        Option(name: "as-is", help: "take values that look like another field's"),
    ],
    examples: [
        Example("Asks for the six credentials", "postern app add --tenant acme --profile alibaba-slack"),
        Example("From a file", "postern app add --tenant acme --profile alibaba-slack --from-file creds.json"),
        Example(
            "From a password manager",
            "pass acme/slack.json | postern app add --tenant acme --profile slack --from-file -"),
    ],
    exits: [(8, "the app was added, but a check failed")],
    run: addApp)

private let addApp: Command.Run = { session, invocation throws(Failure) in
    let tenant = try Invocation.slug(invocation.text("tenant") ?? "", "tenant")
    guard let profile = Profile.parts(of: invocation.text("profile") ?? "").first else {
        throw Failure.usage("there is no such profile")
    }
    var form = CredentialForm(profile: profile, keepOdd: invocation.has("as-is"))
    if let path = invocation.text("from-file") { try form.take(file: path, session.console) }
    for pair in invocation.all("field") { try form.take(pair: pair) }
    if let id = invocation.text("app-id") { form.values["app_id"] = id }
    try form.complete(session)
    guard let id = AppID(form.values["app_id"] ?? "") else {
        throw Failure.usage("the App ID has characters no App ID has", next: "letters, digits, . _ and - are possible")
    }
    let app = AppKey(profile.platform, id)
    let named = invocation.all("redirect-uri")
    let redirects = named.isEmpty ? profile.redirectURLs(for: id) : named
    let verify = !invocation.has("no-verify")
    var exit = Exit.ok
    let outcome = try session.change { () throws(Failure) in
        if try session.exists("apps/\(app)") {
            throw Failure(exit: Exit(6), code: "conflict", what: "\(app) is in the vault already")
        }
        let names = profile.fields.filter { form.values[$0.key] != nil }.map(\.key)
        return Plan(changes: ["add \(app) to \(tenant) with \(names.joined(separator: ", "))"])
    } _: { () throws(Failure) in
        let body: JSON = [
            "tenant": .string(tenant), "profile": .string(profile.name), "platform": .string(profile.platform.rawValue),
            "app_id": .string(id.value), "fields": form.fields, "secrets": form.secrets,
            "redirect_uris": JSON(texts: redirects), "verify": .bool(verify),
        ]
        let admin = verify ? session.patientAdmin : session.admin
        let answer = try admin.call("POST", "apps", body: SecretBody(body.compact()))
        let checks = answer["checks"]?.items ?? []
        session.print(answer) { console in
            console.out("\(app) added to \(tenant)\n")
            show(app: answer, console)
            if !checks.isEmpty {
                console.out("")
                Show.checks(checks, console)
            }
            if let url = profile.eventURL(for: id) {
                console.note("event request URL to enter at the platform: \(url)")
            }
        }
        exit = verdict(checks)
    }
    return outcome == .ok ? exit : outcome
}
