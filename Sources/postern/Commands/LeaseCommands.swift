let leaseCommand = Command(
    name: "lease", summary: "the access that services hold right now",
    examples: [Example("Who holds what?", "postern lease list")],
    children: [
        Command(
            name: "list", summary: "lists leases",
            options: [
                Option(name: "service", value: "NAME", help: "only of this service", values: .services),
                Option(name: "app", value: "APP", help: "only for this app", values: .apps),
            ],
            examples: [
                Example("All", "postern lease list"),
                Example("For one app", "postern lease list --app slack/A0123456789"),
            ],
            run: listLeases),
        Command(
            name: "revoke", summary: "ends a lease at once; no answer it forbids leaves afterwards",
            details: ["The service may ask for another one; take its grant away to stop that."],
            arguments: [Argument(name: "LEASE", help: "the lease's id, from postern lease list")],
            examples: [Example("End it", "postern lease revoke ls_db14058ae0bd34e3f2b8e626b1495f8c")], run: revokeLease),
    ])

private let listLeases: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.text("app").map { text throws(Failure) in "\(try Invocation.app(text))" }
    let answer = try session.admin.get("leases", [("service", invocation.text("service")), ("app", app)])
    session.print(answer) { console in
        var table = Table([
            .init("lease"), .init("service"), .init("app"), .init("as"), .init("deliver"), .init("state"),
            .init("left", right: true), .init("methods", shrinks: true), .init("scope", shrinks: true),
        ])
        for lease in answer["leases"]?.items ?? [] {
            table.add([
                Show.cell(lease["lease_id"]), Show.cell(lease["service"]), Show.app(lease), Show.cell(lease["as"]),
                Show.cell(lease["deliver"]), Show.cell(lease["state"]), Show.seconds(lease["expires_in"]),
                Show.list(lease["methods"]), scope(lease["scope"]),
            ])
        }
        console.out(table, empty: "no leases")
    }
    return .ok
}

private func scope(_ value: JSON?) -> String {
    if case .array? = value { return Show.list(value) }
    return Show.cell(value)
}

private let revokeLease: Command.Run = { session, invocation throws(Failure) in
    let id = invocation.arguments[0]
    return try session.change(destructive: true) { () throws(Failure) in
        let leases = try session.admin.get("leases")["leases"]?.items ?? []
        guard let lease = leases.first(where: { $0["lease_id"]?.cell == id }) else {
            throw Failure(
                exit: Exit(5), code: "not_found", what: "there is no lease \(id.shown)", next: "see postern lease list")
        }
        if !session.isLive(lease) { return .nothing }
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
