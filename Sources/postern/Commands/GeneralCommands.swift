import Rules

let generalCommands: [Command] = [
    initCommand,
    Command(
        name: "status", summary: "is the daemon well?",
        details: ["Works while the vault is sealed, too."],
        examples: [
            Example("At a glance", "postern status"),
            Example("Wait for it in a script", "until postern status --quiet || [ $? -eq 7 ]; do sleep 1; done"),
        ],
        exits: [
            (0, "ok"), (1, "degraded, or no daemon"), (3, "sealed"),
            (7, "well, but somebody has to approve an app again: postern installation list --needs-reauthorization"),
        ], run: status),
    Command(
        name: "doctor", summary: "looks for what is wrong or will go wrong, and says what to do",
        examples: [Example("Check everything", "postern doctor")],
        exits: [(1, "a check failed"), (11, "stored data was changed from outside")], run: doctor),
]

private let status: Command.Run = { session, _ throws(Failure) in
    let answer = try session.admin.get("status")
    let state = answer["status"]?.text ?? "unknown"
    session.print(answer) { console in
        let counts = answer["counts"] ?? [:]
        let audit = answer["audit"] ?? [:]
        let courier = answer["courier"] ?? [:]
        console.out("\(console.mark(state))  postern \(Columns.printable(Show.cell(answer["version"])))")
        console.out(pairs: [
            ("up", "\(Show.seconds(answer["uptime_seconds"])), since \(Show.time(answer["started_at"]))"),
            ("vault", "\(Show.cell(answer["vault_id"])), root key from \(Show.cell(answer["root_key"]))"),
            (
                "keeps",
                [
                    ("tenants", "tenant"), ("apps", "app"), ("services", "service"), ("grants", "grant"),
                    ("installations", "installation"), ("leases", "lease"),
                ]
                .compactMap { key, word in counts[key]?.int.map { Show.count(Int($0), word) } }.joined(separator: ", ")
            ),
            (
                "audit",
                "\(Show.cell(audit["records"])) records, last checkpoint at \(Show.cell(audit["last_checkpoint_seq"]))"
                    + (audit["last_checkpoint_at"]?.text == nil ? "" : " (\(Show.time(audit["last_checkpoint_at"])))")
            ),
            (
                "courier",
                courier["running"]?.bool == true
                    ? "running, pid \(Show.cell(courier["pid"]))"
                        + (courier["gateway"]?.text.map { ", gateway for SDKs at \($0)" } ?? "") : "not running"
            ),
        ])
        for warning in answer["warnings"]?.texts ?? [] { console.warn(warning) }
    }
    switch state {
    case "ok":
        let dead = answer["tokens"]?["needs_reauthorization"]?.int ?? 0
        return dead > 0 ? Exit(Problem.Code.needsReauthorization.exitCode) : .ok
    case "sealed": return .sealed
    default: return .error
    }
}

private let doctor: Command.Run = { session, _ throws(Failure) in
    let answer = try session.patientAdmin.get("doctor")
    let checks = answer["checks"]?.items ?? []
    session.print(answer) { Show.checks(checks, $0) }
    guard let failed = checks.first(where: { $0["result"]?.text == "fail" }) else { return .ok }
    return (failed["code"]?.text).flatMap(Problem.Code.init(rawValue:)).map { Exit($0.exitCode) } ?? .error
}
