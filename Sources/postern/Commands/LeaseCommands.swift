let leaseCommand = Command(
    name: "lease", summary: "the access that services hold right now",
    examples: [Example("Who holds what?", "postern lease list")],
    children: [
        Command(
            name: "list", summary: "lists leases, the last to end first",
            options: [
                Option(name: "service", value: "NAME", help: "only of this service", values: .services),
                Option(name: "app", value: "APP", help: "only for this app", values: .apps),
                Option(
                    name: "tenant", value: "SLUG", help: "only on what belongs to this tenant", values: .tenants),
                Option(
                    name: "state", value: "STATE", help: "live, ended, revoked or all [live]", values: .words(states)),
                Option(name: "limit", value: "N", help: "how many at most [1000]"),
                Option(name: "after", value: "PLACE", help: "behind this place, as the page before names it"),
            ],
            examples: [
                Example("What is held now", "postern lease list"),
                Example("For one app", "postern lease list --app slack/A0123456789"),
                Example("What was taken away", "postern lease list --service bridge --state revoked"),
            ],
            run: listLeases),
        Command(
            name: "revoke", summary: "ends leases at once; no answer they allowed leaves afterwards",
            details: [
                "Names one lease, or with one of --service, --app and --tenant all that it has.",
                "The service may ask for another one; take its grant away to stop that.",
            ],
            arguments: [Argument(name: "LEASE", help: "the lease's id, from postern lease list", optional: true)],
            options: [
                Option(name: "service", value: "NAME", help: "all of this service", values: .services),
                Option(name: "app", value: "APP", help: "all for this app", values: .apps),
                Option(name: "tenant", value: "SLUG", help: "all on what belongs to this tenant", values: .tenants),
            ],
            examples: [
                Example("End it", "postern lease revoke ls_db14058ae0bd34e3f2b8e626b1495f8c"),
                Example("See first what it would end", "postern lease revoke --app slack/A0123456789 --check"),
                Example("End all that a bridge has", "postern lease revoke --service bridge"),
            ],
            run: revokeLeases),
    ])

private let states = ["live", "ended", "revoked", "all"]

private let listLeases: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.text("app").map { text throws(Failure) in "\(try Invocation.app(text))" }
    let state = invocation.text("state") ?? "live"
    guard states.contains(state) else {
        throw Failure.usage("--state takes \(states.joined(separator: ", ")), not \"\(state.shown)\"")
    }
    let limit = try invocation.number("limit", atLeast: 1)
    let answer = try session.admin.get(
        "leases",
        [
            ("service", invocation.text("service")), ("app", app), ("tenant", invocation.text("tenant")),
            ("state", state == "all" ? nil : state), ("limit", limit.map(String.init)),
            ("after", invocation.text("after")),
        ])
    session.print(answer) { console in
        // Where all are live only the time that is left differs.
        let states: [Table.Column] = state == "live" ? [] : [.init("state")]
        var table = Table(
            [.init("lease"), .init("service"), .init("app"), .init("as"), .init("deliver")] + states + [
                .init("left", right: true), .init("methods", spills: true), .init("scope", spills: true),
            ])
        for lease in answer["leases"]?.items ?? [] {
            let first = ["lease_id", "service"].map { Show.cell(lease[$0]) } + [Show.app(lease)]
            table.add(
                first + (["as", "deliver"] + states.map(\.title)).map { Show.cell(lease[$0]) } + [
                    // What was revoked has no time left, whatever it would have had.
                    lease["state"]?.text == "live" ? Show.seconds(lease["expires_in"]) : "-",
                    Show.list(lease["methods"]), scope(lease["scope"]),
                ])
        }
        console.out(table, empty: "no leases")
        if let next = answer["next"]?.text {
            console.note("\(Show.cell(answer["live"])) are live in all; the next page: --after \(next.shown)")
        }
    }
    return .ok
}

private func scope(_ value: JSON?) -> String {
    if case .array? = value { return Show.list(value) }
    return Show.cell(value)
}

private let revokeLeases: Command.Run = { session, invocation throws(Failure) in
    let named = ["service", "app", "tenant"].filter(invocation.has)
    guard named.count + invocation.arguments.count == 1 else {
        throw Failure.usage(
            "name one lease, or one of --service, --app and --tenant",
            next: "for example postern lease revoke --service bridge; postern lease list has the leases")
    }
    guard let what = named.first else { return try revoke(lease: invocation.arguments[0], session) }
    let text = invocation.text(what) ?? ""
    let name = what == "app" ? "\(try Invocation.app(text))" : try Invocation.slug(text, what)
    return try session.change(destructive: true) { () throws(Failure) in
        let leases = try session.leases(
            service: what == "service" ? name : nil, app: what == "app" ? name : nil,
            tenant: what == "tenant" ? name : nil)
        guard !leases.isEmpty else { return .nothing }
        return Plan(changes: ["end all leases of the \(what) \(name)"], affected: leases)
    } _: { () throws(Failure) in
        let answer = try session.admin.post("leases/revoke", [what: .string(name)])
        session.print(answer) { $0.out("\(Show.count(Int(answer["leases_revoked"]?.int ?? 0), "lease")) revoked") }
    }
}

private func revoke(lease id: String, _ session: Session) throws(Failure) -> Exit {
    try session.change(destructive: true) { () throws(Failure) in
        let lease = try session.admin.get("leases/\(Admin.escaped(id))")
        guard lease["state"]?.text == "live" else { return .nothing }
        return Plan(
            changes: [
                "end the lease of \(Show.cell(lease["service"])) for \(Show.app(lease)) as \(Show.cell(lease["as"]))"
            ],
            affected: ["it had \(Show.seconds(lease["expires_in"])) left"])
    } _: { () throws(Failure) in
        let answer = try session.admin.delete("leases/\(Admin.escaped(id))")
        session.print(answer) { $0.out("lease \(id.shown) revoked") }
    }
}
