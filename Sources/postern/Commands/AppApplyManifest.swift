import Rules

let applyManifestCommand = Command(
    name: "apply-manifest", summary: "enters an app's URLs and scopes at the platform, where it has a call for that",
    details: [
        "Slack: exports the app's manifest, adds what the guide wants, puts this app's own URLs in the place of another "
            + "app's, lets Slack validate it and updates it; everything else stays. Feishu: adds redirect URLs and the "
            + "trusted domain, where the app has the scope application:application:patch. Lark and Genesys: by hand.",
        "Slack asks for an app configuration token (https://api.slack.com/apps, Your App Configuration Tokens): the "
            + "token, its refresh token, or both with a space between. It is kept and rotated from then on, so that "
            + "it is given once. Have the service that takes events running: Slack may check its address at once.",
        "--check only shows what would change.",
    ],
    arguments: [appArgument],
    options: [
        Option(
            name: "config-token", value: "FILE", help: "the configuration token from a file (- is standard input)",
            values: .file)
    ],
    examples: [
        Example("What would change", "postern app apply-manifest slack/A0123456789 --check"),
        Example("The first time", "postern app apply-manifest slack/A0123456789 --config-token -"),
    ],
    exits: [(8, "the platform does not take it")],
    run: applyManifest)

private let applyManifest: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    var token: String?
    if let path = invocation.text("config-token") { token = try configToken(path, session) }
    var exit = Exit.ok
    func send(check: Bool) throws(Failure) -> JSON {
        var body: [String: JSON] = ["check": .bool(check)]
        if let token { body["config_token"] = .string(token) }
        return try session.patientAdmin.call(
            "POST", "apps/\(app)/apply-manifest", body: SecretBody(JSON.object(body).compact()))
    }
    let outcome = try session.change { () throws(Failure) in
        let answer = try send(check: true)
        return Plan(changes: answer["changes"]?.texts ?? [], affected: answer["remarks"]?.texts ?? [])
    } _: { () throws(Failure) in
        let answer = try send(check: false)
        let faults = answer["faults"]?.texts ?? []
        session.print(answer) { console in
            let changes = answer["changes"]?.texts ?? []
            for change in changes { console.out(Columns.printable(change)) }
            for fault in faults { console.warn("the platform says: \(fault)") }
            for remark in answer["remarks"]?.texts ?? [] { console.note(remark) }
            if answer["applied"]?.bool == true {
                console.note("done at the platform")
            } else if changes.isEmpty {
                console.note("nothing to change: it is as the guide wants it")
            }
            if answer["must_reinstall"]?.bool == true {
                console.note("scopes have changed: install the app again (postern oauth url \(app))")
            }
        }
        if !faults.isEmpty { exit = Exit(Problem.Code.platformRefused.exitCode) }
    }
    return outcome == .ok ? exit : outcome
}

/// Read without showing it, and never from the command line.
private func configToken(_ path: String, _ session: Session) throws(Failure) -> String {
    var secret = Secret()
    if path == "-", Descriptor.isTerminal(0) {
        guard let terminal = session.terminal(),
            terminal.secret("app configuration token, or its refresh token (not shown): ", into: &secret)
        else { throw Failure.error("no value was given; nothing was changed") }
        return secret.text.trimmed
    }
    do {
        let bytes =
            path == "-"
            ? try Descriptor.contents(of: 0, atMost: 1 << 16) : try Descriptor.contents(ofFile: path, atMost: 1 << 16)
        return String(decoding: bytes, as: UTF8.self).trimmed
    } catch { throw Failure.error("\(path.shown) cannot be read: \(error.what)") }
}
