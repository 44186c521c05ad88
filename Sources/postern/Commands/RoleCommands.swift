import Rules

let roleCommand = Command(
    name: "role", summary: "who may administer: admin, operator or auditor, for all or for one tenant",
    details: [
        "admin may do everything; operator everything but reveal, keys, grants and roles; auditor reads the audit log. "
            + "root is always admin."
    ],
    examples: [Example("An auditor", "postern role add uid:1004 auditor")],
    children: [
        Command(
            name: "add", summary: "gives a role to a user or group of this machine",
            arguments: [
                Argument(name: "SELECTOR", help: "user:NAME, uid:N, group:NAME or gid:N"),
                Argument(
                    name: "ROLE", help: "admin, operator or auditor",
                    values: .words(AdminRole.allCases.map(\.rawValue))),
            ],
            options: [Option(name: "tenant", value: "SLUG", help: "only for this tenant", values: .tenants)],
            examples: [
                Example("An operator for one customer", "postern role add user:mia operator --tenant acme"),
                Example("An auditor for everything", "postern role add gid:1200 auditor"),
            ],
            run: addRole),
        Command(
            name: "list", summary: "lists who holds which role",
            examples: [Example("All roles", "postern role list")], run: listRoles),
        Command(
            name: "remove", summary: "takes a role away, at once",
            arguments: [Argument(name: "ID", help: "the role's id, from postern role list")],
            examples: [Example("Take it away", "postern role remove 2")], run: removeRole),
    ])

private let addRole: Command.Run = { session, invocation throws(Failure) in
    let text = invocation.arguments[0]
    switch Selector(text) {
    case .user, .uid, .group, .gid: break
    default:
        throw Failure.usage(
            "\"\(text.shown)\" does not name who gets the role", next: "write user:NAME, uid:N, group:NAME or gid:N")
    }
    let roles = AdminRole.allCases.map(\.rawValue)
    let role = invocation.arguments[1]
    guard roles.contains(role) else {
        throw Failure.usage(
            "\"\(role.shown)\" is no role",
            next: Suggestion.nearest(to: role, among: roles).map { "did you mean \($0)?" }
                ?? "one of: \(roles.joined(separator: ", "))")
    }
    var body: [String: JSON] = ["selector": .string(text), "role": .string(role)]
    var place = "for everything"
    if let tenant = invocation.text("tenant") {
        body["tenant"] = .string(try Invocation.slug(tenant, "tenant"))
        place = "for the tenant \(tenant)"
    }
    let sentence = "\(text) \(role) \(place)"
    return try session.change { () throws(Failure) in
        Plan(changes: ["make \(sentence)"])
    } _: { () throws(Failure) in
        let answer = try session.admin.post("roles", .object(body))
        session.print(answer) { $0.out("role \(Show.cell(answer["id"])) added: \(sentence)") }
    }
}

private let listRoles: Command.Run = { session, _ throws(Failure) in
    let answer = try session.admin.get("roles")
    session.print(answer) { console in
        var table = Table([.init("id", right: true), .init("who"), .init("role"), .init("tenant"), .init("created")])
        for role in answer["roles"]?.items ?? [] {
            table.add([
                Show.cell(role["id"]), Show.cell(role["selector"]), Show.cell(role["role"]),
                role["tenant"]?.text ?? "all", Show.time(role["created_at"]),
            ])
        }
        console.out(table, empty: "no roles: only root administers")
    }
    return .ok
}

private let removeRole: Command.Run = { session, invocation throws(Failure) in
    let id = invocation.arguments[0]
    return try session.change(destructive: true) { () throws(Failure) in
        let role = try session.entry(id, in: "roles", named: "role")
        let who = "\(Show.cell(role["selector"])) as \(Show.cell(role["role"]))"
        let others = (try session.admin.get("roles")["roles"]?.items ?? []).filter {
            $0["role"]?.text == "admin" && $0["id"]?.cell != id
        }
        let last = role["role"]?.text == "admin" && others.isEmpty
        return Plan(
            changes: ["remove \(who), \(role["tenant"]?.text.map { "for \($0)" } ?? "for everything")"],
            affected: last ? ["no admin but root is left"] : [])
    } _: { () throws(Failure) in
        let answer = try session.admin.delete("roles/\(Admin.escaped(id))")
        session.print(answer) { $0.out("role \(id.shown) removed") }
    }
}
