import Rules

let grantCommand = Command(
    name: "grant", summary: "what services may do with which apps; nothing is allowed without one",
    details: [
        "A grant's pattern is tenant/platform/app_id; * stands for a whole segment only.",
        "Actions: \(Action.all.map(\.description).joined(separator: ", ")).",
    ],
    examples: [
        Example(
            "Let the bridge read one secret",
            "postern grant add bridge acme/slack/A0123456789 --action secret:read:signing_secret")
    ],
    children: [
        Command(
            name: "add", summary: "allows a service some actions on the apps of a pattern",
            details: [
                "Actions: \(Action.all.map(\.description).joined(separator: ", ")).",
                "--method and --scope bound what a lease from access:… may do: without --method a lease passes no "
                    + "call; * is every method. Without --scope it has whatever the installation has.",
                "deliver:token hands out the platform's own token, which cannot be narrowed; prefer leases.",
            ],
            arguments: [
                Argument(name: "SERVICE", help: "the service's name", values: .services),
                Argument(name: "PATTERN", help: "tenant/platform/app_id, * for a whole segment", values: .patterns),
            ],
            options: [
                Option(
                    name: "action", value: "ACTION", help: "what it may do; commas or repeats", repeats: true,
                    required: true, values: .words(Action.all.map(\.description))),
                Option(name: "method", value: "NAME", help: "a platform method its leases pass", repeats: true),
                Option(name: "scope", value: "NAME", help: "a scope its leases may carry", repeats: true),
                Option(
                    name: "max-ttl", value: "TIME",
                    help: "the longest lease [\(Grant.defaultTTL), at most \(Grant.longestTTL)]"),
                Option(
                    name: "max-age", value: "TIME",
                    help:
                        "a lease is renewed until it is this old [\(Grant.defaultMaxAge), at most \(Grant.longestMaxAge)]"
                ),
                Option(
                    name: "bind", value: "WHO",
                    help: "service: any of its processes may use a lease; process: only the one that asked [service]",
                    values: .words(Grant.Binding.allCases.map(\.rawValue))),
            ],
            examples: [
                Example(
                    "Read one secret of one app",
                    "postern grant add bridge acme/slack/A0123456789 --action secret:read:signing_secret"),
                Example(
                    "Post messages for ten minutes at a time",
                    "postern grant add bridge acme/slack/A0123456789 --action access:bot "
                        + "--method chat.postMessage --scope chat:write --max-ttl 10m"),
                Example(
                    "The same for a day, and only for the process that asks",
                    "postern grant add bridge acme/slack/A0123456789 --action access:bot "
                        + "--method chat.postMessage --max-age 24h --bind process"),
                Example(
                    "Check webhooks of every Slack app", "postern grant add hooks '*/slack/*' --action webhook:verify"),
            ],
            run: addGrant),
        Command(
            name: "list", summary: "lists the grants",
            options: [Option(name: "service", value: "NAME", help: "only of this service", values: .services)],
            examples: [
                Example("All grants", "postern grant list"),
                Example("Of one service", "postern grant list --service bridge"),
            ],
            run: listGrants),
        Command(
            name: "remove", summary: "takes a grant away; leases that lived by it end at once",
            arguments: [Argument(name: "ID", help: "the grant's id, from postern grant list")],
            examples: [
                Example("See first what it would end", "postern grant remove 3 --check"),
                Example("Take it away", "postern grant remove 3"),
            ],
            run: removeGrant),
    ])

func grantTable(_ grants: [JSON]) -> Table {
    var table = Table([
        .init("id", right: true), .init("service"), .init("pattern"), .init("actions", spills: true),
        .init("methods", spills: true), .init("scope", spills: true), .init("max ttl", right: true),
        .init("max age", right: true), .init("bind"),
    ])
    for grant in grants {
        table.add([
            Show.cell(grant["id"]), Show.cell(grant["service"]), Show.cell(grant["pattern"]),
            Show.list(grant["actions"]), Show.list(grant["methods"]), Show.list(grant["scope"]),
            Show.seconds(grant["max_ttl_seconds"]), Show.seconds(grant["max_age_seconds"]), Show.cell(grant["bind"]),
        ])
    }
    return table
}

private let addGrant: Command.Run = { session, invocation throws(Failure) in
    let service = try invocation.slug(0, "service")
    guard let pattern = GrantPattern(invocation.arguments[1]) else {
        let parts = invocation.arguments[1].split(separator: "/", omittingEmptySubsequences: false)
        throw Failure.usage(
            parts.count == 2 && AppKey(invocation.arguments[1]) != nil
                ? "the pattern lacks its tenant" : "\"\(invocation.arguments[1].shown)\" is no pattern",
            next: "write tenant/platform/app_id; * stands for a whole segment, for example acme/slack/*")
    }
    let actions = invocation.list("action")
    let methods = invocation.list("method")
    let scope = invocation.list("scope")
    var body: [String: JSON] = [
        "service": .string(service), "pattern": .string(pattern.description), "actions": JSON(texts: actions),
        "methods": JSON(texts: methods), "scope": JSON(texts: scope),
    ]
    if let seconds = try invocation.seconds("max-ttl") {
        guard seconds > 0, seconds <= Grant.longestTTL.seconds else {
            throw Failure.usage("--max-ttl is at least 1s and at most \(Grant.longestTTL)")
        }
        body["max_ttl_seconds"] = .int(seconds)
    }
    if let seconds = try invocation.seconds("max-age") {
        guard seconds > 0, seconds <= Grant.longestMaxAge.seconds else {
            throw Failure.usage("--max-age is at least 1s and at most \(Grant.longestMaxAge)")
        }
        body["max_age_seconds"] = .int(seconds)
    }
    if let word = invocation.text("bind") {
        guard let binding = Grant.Binding(rawValue: word) else {
            throw Failure.usage("--bind takes service or process, not \"\(word.shown)\"")
        }
        body["bind"] = .string(binding.rawValue)
    }
    let leases = actions.contains { $0.hasPrefix("access:") }
    return try session.change { () throws(Failure) in
        Plan(
            changes: ["allow \(service): \(actions.joined(separator: ", ")) on \(pattern)"],
            affected: methods.contains("*") ? ["its leases pass every method"] : [])
    } _: { () throws(Failure) in
        let answer = try session.admin.post("grants", .object(body))
        session.print(answer) { console in
            console.out("grant \(Show.cell(answer["id"])) added: \(service) on \(pattern)")
            if leases, methods.isEmpty {
                console.warn(
                    "its leases pass no platform method; add --method to a new grant, for example chat.postMessage")
            }
        }
    }
}

private let listGrants: Command.Run = { session, invocation throws(Failure) in
    let answer = try session.admin.get("grants", [("service", invocation.text("service"))])
    session.print(answer) {
        $0.out(grantTable(answer["grants"]?.items ?? []), empty: "no grants: everything is refused")
    }
    return .ok
}

private let removeGrant: Command.Run = { session, invocation throws(Failure) in
    let id = invocation.arguments[0]
    return try session.change(destructive: true) { () throws(Failure) in
        let grant = try session.entry(id, in: "grants", named: "grant")
        let service = Show.cell(grant["service"])
        return Plan(
            changes: ["take from \(service): \(Show.list(grant["actions"])) on \(Show.cell(grant["pattern"]))"],
            affected: try session.leases(grant: id))
    } _: { () throws(Failure) in
        let answer = try session.admin.delete("grants/\(Admin.escaped(id))")
        session.print(answer) { $0.out("grant \(id.shown) removed") }
    }
}
