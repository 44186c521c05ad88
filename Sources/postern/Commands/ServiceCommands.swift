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
            ],
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

private let nameArgument = Argument(name: "NAME", help: "the service's name", values: .services)

private let listServices: Command.Run = { session, _ throws(Failure) in
    let answer = try session.admin.get("services")
    session.print(answer) { console in
        var table = Table([.init("name"), .init("state"), .init("selectors", shrinks: true), .init("created")])
        for service in answer["services"]?.items ?? [] {
            table.add([
                Show.cell(service["name"]), Show.cell(service["state"]), Show.list(service["selectors"]),
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
        ("selectors", Show.list(answer["selectors"])), ("created", Show.time(answer["created_at"])),
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
