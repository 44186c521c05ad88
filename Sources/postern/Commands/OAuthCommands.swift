let oauthCommand = Command(
    name: "oauth", summary: "starts an installation or a login in the browser",
    examples: [Example("A link for the customer", "postern oauth url slack/A0123456789 --purpose install")],
    children: [
        Command(
            name: "url", summary: "makes a link that starts OAuth in the customer's browser",
            details: [
                "Open the link in the browser of the person who approves. It works once, for ten minutes, in one browser: "
                    + "the callback is refused anywhere else."
            ],
            arguments: [appArgument],
            options: [
                Option(
                    name: "purpose", value: "PURPOSE", help: "install, login or link [install]",
                    values: .words(["install", "login", "link"])),
                Option(name: "redirect-uri", value: "URL", help: "which registered redirect URI [the only one]"),
                Option(name: "scope", value: "NAME", help: "bot scopes [the profile's]", repeats: true),
                Option(name: "user-scope", value: "NAME", help: "user scopes [the profile's]", repeats: true),
                Option(name: "subject", value: "TEXT", help: "who is linked, in the bridge's own words"),
                Option(name: "return-to", value: "URL", help: "where the browser goes afterwards"),
            ],
            examples: [
                Example("Install", "postern oauth url slack/A0123456789 --purpose install"),
                Example("Just the link", "xdg-open \"$(postern oauth url slack/A0123456789 --quiet)\""),
            ],
            run: oauthURL)
    ])

private let oauthURL: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    var body: [String: JSON] = ["purpose": .string(invocation.text("purpose") ?? "install")]
    for (option, key) in [("redirect-uri", "redirect_uri"), ("subject", "subject"), ("return-to", "return_to")] {
        if let text = invocation.text(option) { body[key] = .string(text) }
    }
    for (option, key) in [("scope", "scope"), ("user-scope", "user_scope")] where invocation.has(option) {
        body[key] = .string(invocation.list(option).joined(separator: " "))
    }
    let answer = try session.admin.post("apps/\(app)/oauth/authorize", .object(body))
    session.print(answer) { console in
        console.out(answer["start_url"]?.text ?? Show.cell(answer["authorization_url"]))
        console.note(
            "open it in the browser of the person who approves; it works once, for \(Show.seconds(answer["expires_in"]))"
        )
    }
    return .ok
}
