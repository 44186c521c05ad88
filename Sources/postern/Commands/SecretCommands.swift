import Rules

let secretCommand = Command(
    name: "secret", summary: "the secrets of an app: set, rotate, history, reveal",
    details: ["Kinds: \(SecretKind.allCases.map(\.rawValue).joined(separator: ", "))."],
    examples: [
        Example("Replace a signing secret", "postern secret rotate slack/A0123456789 signing_secret --grace 24h")
    ],
    children: [
        Command(
            name: "set", summary: "stores a secret; what was there before ends at once",
            details: [
                SecretInput.explanation,
                "To replace a value that bridges still use, prefer postern secret rotate, which keeps the old one "
                    + "valid for a while.",
            ],
            arguments: [appArgument, kindArgument, SecretInput.argument],
            options: SecretInput.options + [installationOption],
            examples: [
                Example("Asked for, not shown", "postern secret set slack/A0123456789 signing_secret"),
                Example(
                    "From a password manager",
                    "pass slack/signing | postern secret set slack/A0123456789 signing_secret -"),
                Example("From a file", "postern secret set slack/A0123456789 app_token --from-file token.txt"),
                Example("Chosen by chance", "postern secret set genesys/0a1b2c webhook_secret --generate"),
            ],
            run: setSecret),
        Command(
            name: "rotate", summary: "replaces a secret; the old one stays valid until its grace ends",
            details: [
                "The new value becomes current at once. The old one can still be read by version and still counts when "
                    + "webhooks are checked, until the grace ends; then it is destroyed.",
                SecretInput.explanation,
            ],
            arguments: [appArgument, kindArgument, SecretInput.argument],
            options: SecretInput.options + [
                Option(name: "grace", value: "TIME", help: "how long the old value stays valid [24h]")
            ],
            examples: [
                Example(
                    "Old value valid for a day",
                    "postern secret rotate slack/A0123456789 signing_secret - --grace 24h < new.txt"),
                Example(
                    "Old value ends now (it leaked)", "postern secret rotate slack/A0123456789 client_secret --grace 0s"
                ),
                Example("See first who uses it", "postern secret rotate slack/A0123456789 signing_secret --check"),
            ],
            run: rotateSecret),
        Command(
            name: "history", summary: "lists the versions of a secret, never a value",
            arguments: [appArgument, kindArgument],
            examples: [Example("Who changed it, and when?", "postern secret history slack/A0123456789 signing_secret")],
            run: secretHistory),
        Command(
            name: "reveal", summary: "prints a secret's value, and records who wanted it and why",
            details: [
                "Only the role admin may. The reason stands in the audit log. The value alone goes to standard output, "
                    + "with a line end only on a terminal."
            ],
            arguments: [appArgument, kindArgument],
            options: [
                Option(
                    name: "reason", value: "TEXT", help: "why the value is needed, for the audit log", required: true),
                Option(name: "version", value: "N", help: "another version than the current one"), installationOption,
            ],
            examples: [
                Example(
                    "Into another program",
                    "postern secret reveal slack/A0123456789 signing_secret --reason 'ticket 4711' | wl-copy")
            ],
            run: revealSecret),
    ])

let appArgument = Argument(name: "APP", help: "platform/app_id, for example slack/A0123456789", values: .apps)
let kindArgument = Argument(
    name: "KIND", help: "the kind of secret, for example signing_secret",
    values: .words(SecretKind.allCases.map(\.rawValue)))
let installationOption = Option(
    name: "installation", value: "ID", help: "which installation's token, when there are several")

private func path(_ app: AppKey, _ kind: SecretKind) -> String { "apps/\(app)/secrets/\(kind.rawValue)" }

/// `version 3, 32 bytes, fingerprint 5b0c…`.
func stored(_ secret: JSON) -> String {
    "version \(Show.cell(secret["version"])), \(Show.count(Int(secret["length"]?.int ?? 0), "byte")), "
        + "fingerprint \(Show.cell(secret["fingerprint"]))"
}

private let setSecret: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    let kind = try invocation.kind(1)
    return try session.change { () throws(Failure) in
        let current = try currentVersion(session, app, kind)
        return Plan(
            changes: ["store a \(kind.rawValue) for \(app)"],
            affected: current.map { ["its version \($0) is current now and would be replaced"] } ?? [])
    } _: { () throws(Failure) in
        let secret = try SecretInput.read(session, invocation, argument: 2, kind: kind, of: app)
        var fields: [String: JSON] = [:]
        if let id = try invocation.number("installation", atLeast: 1) { fields["installation"] = .int(id) }
        let answer = try session.admin.call("PUT", path(app, kind), body: SecretBody(.object(fields), value: secret))
        session.print(answer) { console in
            console.out("\(kind.rawValue) of \(app) stored: \(stored(answer))")
            if invocation.has("generate") {
                console.note(
                    "enter it at the platform: postern secret reveal \(app) \(kind.rawValue) --reason 'first set-up'")
            }
        }
    }
}

private let rotateSecret: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    let kind = try invocation.kind(1)
    let grace = try invocation.seconds("grace") ?? 86_400
    // With a grace nothing is taken away today, so that a script can rotate from a pipe; see --check for its reach.
    return try session.change(destructive: grace == 0) { () throws(Failure) in
        try rotationPlan(session, app, kind, grace)
    } _: { () throws(Failure) in
        let secret = try SecretInput.read(session, invocation, argument: 2, kind: kind, of: app)
        let answer = try session.admin.call(
            "POST", path(app, kind) + "/rotate",
            body: SecretBody(["grace_seconds": .int(grace)], value: secret))
        session.print(answer) { console in
            console.out("\(kind.rawValue) of \(app) rotated: \(stored(answer))")
            if let previous = answer["previous"], let version = previous["version"], previous["ends_in"]?.int ?? 0 > 0 {
                console.out(
                    "version \(version.cell) stays valid until \(Show.time(previous["ends_at"])) "
                        + "(\(Show.seconds(previous["ends_in"])))")
            }
        }
    }
}

private func rotationPlan(
    _ session: Session, _ app: AppKey, _ kind: SecretKind, _ grace: Int64
) throws(Failure) -> Plan {
    let versions = try session.admin.get(path(app, kind) + "/versions")["versions"]?.items ?? []
    var affected: [String] = []
    for version in versions {
        let name = "version \(Show.cell(version["version"]))"
        switch version["state"]?.text {
        case "current":
            affected.append(
                grace > 0
                    ? "\(name) (current) stays valid for \(Show.duration(grace)), then it is destroyed"
                    : "\(name) (current) is destroyed now")
        case "previous": affected.append("\(name) (previous, \(Show.seconds(version["ends_in"])) left) ends")
        default: break
        }
    }
    let tenant = try session.admin.get("apps/\(app)")["tenant"]?.text ?? ""
    let readers = try session.servicesThatMay(.readSecret(kind), on: app, of: tenant)
    if !readers.isEmpty { affected.append("services that read it: \(readers.joined(separator: ", "))") }
    return Plan(changes: ["rotate the \(kind.rawValue) of \(app)"], affected: affected)
}

private func currentVersion(_ session: Session, _ app: AppKey, _ kind: SecretKind) throws(Failure) -> String? {
    do {
        let versions = try session.admin.get(path(app, kind) + "/versions")["versions"]?.items ?? []
        return versions.first { $0["state"]?.text == "current" }.map { Show.cell($0["version"]) }
    } catch {
        if error.code == "not_found", try session.exists("apps/\(app)") { return nil }
        throw error
    }
}

private let secretHistory: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    let kind = try invocation.kind(1)
    let answer = try session.admin.get(path(app, kind) + "/versions")
    session.print(answer) { console in
        var table = Table([
            .init("version", right: true), .init("state"), .init("created"), .init("by", shrinks: true),
            .init("ends in"),
            .init("bytes", right: true), .init("fingerprint"),
        ])
        for version in answer["versions"]?.items ?? [] {
            table.add([
                Show.cell(version["version"]), Show.cell(version["state"]), Show.time(version["created_at"]),
                Show.cell(version["created_by"]), Show.seconds(version["ends_in"]), Show.cell(version["length"]),
                Show.cell(version["fingerprint"]),
            ])
        }
        console.out(table, empty: "\(app) has no \(kind.rawValue)")
    }
    return .ok
}

private let revealSecret: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    let kind = try invocation.kind(1)
    var body: [String: JSON] = ["reason": .string(invocation.text("reason") ?? "")]
    guard !(body["reason"]?.text ?? "").trimmed.isEmpty else {
        throw Failure.usage("--reason needs words that a colleague will understand later")
    }
    if let version = try invocation.number("version", atLeast: 1) { body["version"] = .int(version) }
    if let id = try invocation.number("installation", atLeast: 1) { body["installation"] = .int(id) }
    let answer = try session.admin.post(path(app, kind) + "/reveal", .object(body))
    if session.console.json {
        session.console.out(answer)
    } else {
        guard let value = answer["value"]?.text else { throw Failure.error("the daemon's answer has no value") }
        Descriptor.write(value, to: 1)
        if Descriptor.isTerminal(1) {
            Descriptor.write("\n", to: 1)
            session.console.warn(
                "the value is on the screen now and in its scroll-back; the reveal is in the audit log")
        }
    }
    return .ok
}
