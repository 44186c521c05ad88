let tenantCommand = Command(
    name: "tenant", summary: "the customers whose credentials are kept",
    details: ["Each tenant has its own key, which seals all its secrets."],
    examples: [Example("Add a customer", "postern tenant add acme --name \"Acme Corp\"")],
    children: [
        Command(
            name: "add", summary: "adds a tenant",
            details: ["The slug is the tenant's short name in commands and grants; it cannot change later."],
            arguments: [Argument(name: "SLUG", help: "1 to 63 of a-z, 0-9 and -")],
            options: [
                Option(name: "name", value: "TEXT", help: "the organisation's name [the slug]")
            ],
            examples: [Example("Add a customer", "postern tenant add acme --name \"Acme Corp\"")],
            run: addTenant),
        Command(
            name: "list", summary: "lists the tenants",
            examples: [
                Example("All tenants", "postern tenant list"),
                Example("Their slugs, for a script", "postern tenant list -o json | jq -r '.tenants[].slug'"),
            ],
            run: listTenants),
        Command(
            name: "show", summary: "shows one tenant and its apps", arguments: [slugArgument],
            examples: [Example("One customer", "postern tenant show acme")], run: showTenant),
        Command(
            name: "suspend", summary: "stops every use of a tenant's apps, at once",
            details: [
                "Nothing is deleted. Reads, leases and webhook checks are refused and running leases end. "
                    + "Undo it with postern tenant resume."
            ],
            arguments: [slugArgument],
            examples: [
                Example("Stop a customer's integrations", "postern tenant suspend acme"),
                Example("See first what it would stop", "postern tenant suspend acme --check"),
            ],
            run: suspendTenant),
        Command(
            name: "resume", summary: "lets a suspended tenant's apps be used again",
            details: ["Leases that the suspension ended do not come back; services ask for new ones."],
            arguments: [slugArgument],
            examples: [Example("Go on", "postern tenant resume acme")], run: resumeTenant),
    ])

private let slugArgument = Argument(name: "SLUG", help: "the tenant's short name", values: .tenants)

private let addTenant: Command.Run = { session, invocation throws(Failure) in
    let slug = try invocation.slug(0, "tenant")
    let name = invocation.text("name") ?? slug
    return try session.change { () throws(Failure) in
        guard try session.exists("tenants/\(slug)") else { return Plan(changes: ["add the tenant \(slug) (\(name))"]) }
        throw Failure(exit: Exit(6), code: "conflict", what: "the tenant \(slug) exists already")
    } _: { () throws(Failure) in
        let answer = try session.admin.post("tenants", ["slug": .string(slug), "name": .string(name)])
        session.print(answer) { console in
            console.out("tenant \(slug) added")
            console.note("next: postern app add --tenant \(slug) --profile alibaba-slack")
        }
    }
}

private let listTenants: Command.Run = { session, _ throws(Failure) in
    let answer = try session.admin.get("tenants")
    session.print(answer) { console in
        var table = Table([
            .init("slug"), .init("name", shrinks: true), .init("state"), .init("apps", right: true), .init("created"),
        ])
        for tenant in answer["tenants"]?.items ?? [] {
            table.add([
                Show.cell(tenant["slug"]), Show.cell(tenant["name"]), Show.cell(tenant["state"]),
                Show.cell(tenant["apps"]), Show.time(tenant["created_at"]),
            ])
        }
        console.out(table, empty: "no tenants yet; add one: postern tenant add acme --name \"Acme Corp\"")
    }
    return .ok
}

private let showTenant: Command.Run = { session, invocation throws(Failure) in
    let slug = try invocation.slug(0, "tenant")
    let answer = try session.admin.get("tenants/\(slug)")
    session.print(answer) { console in
        console.out(pairs: [
            ("tenant", Show.cell(answer["slug"])), ("name", Show.cell(answer["name"])),
            ("state", Show.cell(answer["state"])), ("apps", Show.cell(answer["apps"])),
            ("created", Show.time(answer["created_at"])),
        ])
    }
    return .ok
}

private let suspendTenant: Command.Run = { session, invocation throws(Failure) in
    let slug = try invocation.slug(0, "tenant")
    return try session.change(destructive: true) { () throws(Failure) in
        let tenant = try session.admin.get("tenants/\(slug)")
        if tenant["state"]?.text == "suspended" { return .nothing }
        let apps = try session.admin.get("apps", [("tenant", slug)])["apps"]?.items ?? []
        let leases = try session.leases(tenant: slug)
        return Plan(
            changes: ["suspend the tenant \(slug)"],
            affected: apps.map { "\(Show.app($0)) can no longer be used" } + leases)
    } _: { () throws(Failure) in
        let answer = try session.admin.post("tenants/\(slug)/suspend")
        session.print(answer) { $0.out("tenant \(slug) suspended; undo: postern tenant resume \(slug)") }
    }
}

private let resumeTenant: Command.Run = { session, invocation throws(Failure) in
    let slug = try invocation.slug(0, "tenant")
    return try session.change { () throws(Failure) in
        let tenant = try session.admin.get("tenants/\(slug)")
        return tenant["state"]?.text == "suspended" ? Plan(changes: ["resume the tenant \(slug)"]) : .nothing
    } _: { () throws(Failure) in
        let answer = try session.admin.post("tenants/\(slug)/resume")
        session.print(answer) { $0.out("tenant \(slug) resumed") }
    }
}
