import Rules

let serviceCommand = Command(
    name: "service", summary: "the local programs that may ask, known by what the kernel says about them",
    details: [
        "A service is a name with selectors. A process is that service when all selectors match what the kernel says "
            + "about it; no password or token is involved."
    ],
    examples: [
        Example("The bridge runs as user bridge", "postern service add bridge --selector user:bridge")
    ],
    children: [
        Command(
            name: "add", summary: "names a local service",
            details: [
                "Selectors: user:NAME uid:N group:NAME gid:N unit:NAME.service cgroup:/PATH cgroup:CONTAINER_ID exe:/PATH "
                    + "sha256:HEX. At least one of user:, uid: or unit: is needed; the others only narrow it.",
                "exe: and sha256: are looked at again at every answer, and match only processes in posternd's own mount "
                    + "namespace. They do not keep out another program of the same user that loads code into this one.",
                "sha256:@/PATH stands for the digest of that file as it is now. --from-pid proposes selectors of a process "
                    + "that runs, says what each is worth, and asks before it adds them.",
            ],
            arguments: [
                Argument(name: "NAME", help: "1 to 63 of a-z, 0-9 and -; proposed too with --from-pid", optional: true)
            ],
            options: [
                Option(
                    name: "selector", value: "KIND:VALUE", help: "a fact that must hold; all must", repeats: true),
                Option(name: "from-pid", value: "PID", help: "take the selectors from a running process"),
            ] + capOptions,
            examples: [
                Example("By user", "postern service add bridge --selector user:bridge"),
                Example(
                    "By user and systemd unit",
                    "postern service add bridge --selector uid:1001 --selector unit:bridge.service"),
                Example(
                    "This program and no other version of it",
                    "postern service add bridge --selector user:bridge --selector sha256:@/usr/local/bin/bridge"),
                Example("As the process 4711 runs now", "postern service add bridge --from-pid 4711"),
            ],
            run: addService),
        Command(
            name: "edit", summary: "changes what a service may make of the daemon",
            details: [
                "Nothing that it has ends: the caps hold for what it asks from now on. Above them it is told 429 with "
                    + "Retry-After. Besides, 1024 calls of a service may be under way at once."
            ],
            arguments: [nameArgument], options: capOptions,
            examples: [
                Example("At most 50 calls a second", "postern service edit bridge --rate 50"),
                Example(
                    "At most 200 live leases, any number of calls",
                    "postern service edit bridge --rate 0 --max-leases 200"),
            ],
            run: editService),
        Command(
            name: "list", summary: "lists the services",
            examples: [Example("All services", "postern service list")], run: listServices),
        Command(
            name: "show", summary: "shows one service with its grants", arguments: [nameArgument],
            examples: [Example("What may the bridge do?", "postern service show bridge")], run: showService),
        Command(
            name: "remove", summary: "removes a service with its grants; its leases end at once",
            arguments: [nameArgument],
            examples: [
                Example("Remove it", "postern service remove bridge"),
                Example("In a script", "postern service remove bridge --yes"),
            ],
            run: removeService),
        Command(
            name: "suspend", summary: "refuses everything to a service, at once",
            details: ["Its grants stay; its leases end. Undo it with postern service resume."],
            arguments: [nameArgument],
            examples: [Example("Stop a bridge that misbehaves", "postern service suspend bridge")],
            run: suspendService),
        Command(
            name: "resume", summary: "lets a suspended service ask again", arguments: [nameArgument],
            examples: [Example("Go on", "postern service resume bridge")], run: resumeService),
    ])

private let capOptions = [
    Option(name: "rate", value: "CALLS", help: "calls it may make each second; 0 is as many as it likes [0]"),
    Option(name: "max-leases", value: "NUMBER", help: "live leases it may have [10000]"),
]

/// The caps that were given.
func caps(_ invocation: Invocation) throws(Failure) -> [String: JSON] {
    var caps: [String: JSON] = [:]
    if let rate = try invocation.number("rate") { caps["rate"] = .int(rate) }
    if let leases = try invocation.number("max-leases", atLeast: 1) { caps["max_leases"] = .int(leases) }
    return caps
}

private let editService: Command.Run = { session, invocation throws(Failure) in
    let name = try invocation.slug(0, "service")
    let wanted = try caps(invocation)
    guard !wanted.isEmpty else { throw Failure.usage("nothing to change", next: "give --rate or --max-leases") }
    return try session.change { () throws(Failure) in
        let service = try session.admin.get("services/\(name)")
        let changes = wanted.filter { service[$0.key]?.int != $0.value.int }.sorted { $0.key < $1.key }
        return Plan(
            changes: changes.map { key, value in
                "let \(name) have \(key == "rate" ? rate(value) : "\(value.cell) live leases") instead of "
                    + (key == "rate" ? rate(service[key]) : Show.cell(service[key]))
            })
    } _: { () throws(Failure) in
        let answer = try session.admin.post("services/\(name)/edit", .object(wanted))
        session.print(answer) { console in
            console.out(
                "service \(name): \(rate(answer["rate"])), \(Show.cell(answer["max_leases"])) live leases at most")
        }
    }
}

private func rate(_ value: JSON?) -> String {
    guard let rate = value?.int, rate > 0 else { return "any number of calls a second" }
    return "\(rate) calls a second"
}

private let nameArgument = Argument(name: "NAME", help: "the service's name", values: .services)

private let listServices: Command.Run = { session, _ throws(Failure) in
    let answer = try session.admin.get("services")
    session.print(answer) { console in
        var table = Table([
            .init("name"), .init("state"), .init("selectors", spills: true), .init("calls/s", right: true),
            .init("leases at most", right: true), .init("created"),
        ])
        for service in answer["services"]?.items ?? [] {
            table.add([
                Show.cell(service["name"]), Show.cell(service["state"]), Show.list(service["selectors"]),
                service["rate"]?.int == 0 ? "any" : Show.cell(service["rate"]), Show.cell(service["max_leases"]),
                Show.time(service["created_at"]),
            ])
        }
        console.out(table, empty: "no services yet; add one: postern service add bridge --selector user:bridge")
    }
    return .ok
}

private let showService: Command.Run = { session, invocation throws(Failure) in
    let name = try invocation.slug(0, "service")
    let answer = try session.admin.get("services/\(name)")
    if session.console.json {
        session.console.out(answer)
        return .ok
    }
    let grants = try session.admin.get("grants", [("service", name)])["grants"]?.items ?? []
    session.console.out(pairs: [
        ("service", Show.cell(answer["name"])), ("state", Show.cell(answer["state"])),
        ("selectors", Show.list(answer["selectors"])), ("calls", rate(answer["rate"])),
        (
            "live leases", "\(Show.cell(answer["live_leases"])) of at most \(Show.cell(answer["max_leases"]))"
        ), ("created", Show.time(answer["created_at"])),
    ])
    session.console.out("")
    session.console.out(grantTable(grants), empty: "no grants: everything is refused to it")
    return .ok
}

private let removeService: Command.Run = { session, invocation throws(Failure) in
    let name = try invocation.slug(0, "service")
    return try session.change(destructive: true) { () throws(Failure) in
        _ = try session.admin.get("services/\(name)")
        let grants = try session.admin.get("grants", [("service", name)])["grants"]?.items ?? []
        let gone = grants.map { "grant \(Show.cell($0["id"])) on \(Show.cell($0["pattern"])) goes" }
        return Plan(
            changes: ["remove the service \(name), with \(Show.count(grants.count, "grant"))"],
            affected: gone + (try session.leases(service: name)))
    } _: { () throws(Failure) in
        let answer = try session.admin.delete("services/\(name)")
        session.print(answer) { $0.out("service \(name) removed") }
    }
}

private let suspendService: Command.Run = { session, invocation throws(Failure) in
    let name = try invocation.slug(0, "service")
    return try session.change(destructive: true) { () throws(Failure) in
        if try session.admin.get("services/\(name)")["state"]?.text == "suspended" { return .nothing }
        return Plan(
            changes: ["suspend the service \(name): everything is refused to it"],
            affected: try session.leases(service: name))
    } _: { () throws(Failure) in
        let answer = try session.admin.post("services/\(name)/suspend")
        session.print(answer) { $0.out("service \(name) suspended; undo: postern service resume \(name)") }
    }
}

private let resumeService: Command.Run = { session, invocation throws(Failure) in
    let name = try invocation.slug(0, "service")
    return try session.change { () throws(Failure) in
        let state = try session.admin.get("services/\(name)")["state"]?.text
        return state == "suspended" ? Plan(changes: ["resume the service \(name)"]) : .nothing
    } _: { () throws(Failure) in
        let answer = try session.admin.post("services/\(name)/resume")
        session.print(answer) { $0.out("service \(name) resumed") }
    }
}
