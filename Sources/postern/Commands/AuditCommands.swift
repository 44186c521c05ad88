import FoundationEssentials
import Rules

let auditCommand = Command(
    name: "audit", summary: "the log of everything that was asked, allowed and refused",
    details: ["Each record is chained to the one before by its hash, and signed checkpoints bind the chain."],
    examples: [
        Example("The last two hours, for a script", "postern audit list -o json --since 2h --limit 100"),
        Example("Is the log complete and untouched?", "postern audit verify"),
    ],
    children: [
        Command(
            name: "list", summary: "lists records, the newest last",
            options: filters + [
                Option(name: "since", value: "TIME", help: "from: 2h, 7d, or 2026-11-20T10:00:00Z"),
                Option(name: "until", value: "TIME", help: "up to, in the same forms"),
                Option(name: "after", value: "SEQ", help: "only records after this number"),
                Option(name: "limit", value: "N", help: "at most so many, the newest [50]"),
            ],
            examples: [
                Example("The last 50 records", "postern audit list"),
                Example("What was refused today?", "postern audit list --outcome denied --since 24h"),
                Example("For a script", "postern audit list -o json --since 2h --limit 100"),
            ],
            run: listAudit),
        Command(
            name: "tail", summary: "shows records as they are written, until Ctrl-C",
            details: ["With -o json each record is one line."],
            options: filters + [Option(name: "lines", value: "N", help: "start with so many older ones [10]")],
            examples: [
                Example("Watch", "postern audit tail"),
                Example("Watch one service", "postern audit tail --service bridge --outcome denied"),
            ],
            run: tailAudit),
        verifyAuditCommand,
    ])

private let filters: [Option] = [
    Option(name: "service", value: "NAME", help: "only this service's", values: .services),
    Option(name: "tenant", value: "SLUG", help: "only about this tenant", values: .tenants),
    Option(name: "app", value: "APP", help: "only about this app", values: .apps),
    Option(name: "action", value: "ACTION", help: "only this action, for example secret.read"),
    Option(
        name: "outcome", value: "OUTCOME", help: "allowed, denied or error",
        values: .words(["allowed", "denied", "error"])),
    Option(name: "request-id", value: "ID", help: "only this request's"),
]

private func query(_ invocation: Invocation) throws(Failure) -> [(String, String?)] {
    let app = try invocation.text("app").map { text throws(Failure) in "\(try Invocation.app(text))" }
    return [
        ("service", invocation.text("service")), ("tenant", invocation.text("tenant")), ("app", app),
        ("action", invocation.text("action")), ("outcome", invocation.text("outcome")),
        ("request_id", invocation.text("request-id")),
    ]
}

/// `2h` ago, or a time as it is, in RFC 3339.
private func moment(_ invocation: Invocation, _ option: String) throws(Failure) -> String? {
    guard let text = invocation.text(option) else { return nil }
    if let interval = Interval(text) {
        return Date().addingTimeInterval(-Double(interval.seconds)).formatted(.iso8601)
    }
    if let date = try? Date(text, strategy: .iso8601) { return date.formatted(.iso8601) }
    throw Failure.usage(
        "--\(option) takes a time such as 2h or 2026-11-20T10:00:00Z, not \"\(text.shown)\"")
}

private let listAudit: Command.Run = { session, invocation throws(Failure) in
    let limit = try invocation.number("limit", atLeast: 1) ?? 50
    let after = try invocation.number("after")
    let answer = try session.admin.get(
        "audit",
        try query(invocation) + [
            ("since", try moment(invocation, "since")), ("until", try moment(invocation, "until")),
            ("after", after.map { "\($0)" }), ("limit", "\(limit)"),
        ])
    session.print(answer) { console in
        var table = Table([
            .init("seq", right: true), .init("time"), .init("outcome"), .init("who", shrinks: true), .init("action"),
            .init("about", spills: true), .init("reason", spills: true), .init("request", spills: true),
        ])
        for record in answer["records"]?.items ?? [] { table.add(cells(record)) }
        console.out(table, empty: "no records match")
        // Without --after these are the newest already.
        if after != nil, table.rows.count >= limit, let next = answer["next_after"]?.int {
            console.note("there may be more: --after \(next)")
        }
    }
    return .ok
}

private func cells(_ record: JSON) -> [String] {
    var about: [String] = []
    if let tenant = record["tenant"]?.text { about.append(tenant) }
    if record["app_id"]?.text != nil { about.append(Show.app(record)) }
    if let kind = record["kind"]?.text {
        about.append(kind + (record["version"]?.int.map { " v\($0)" } ?? ""))
    }
    if let lease = record["lease_id"]?.text { about.append(lease) }
    var reason = record["reason"]?.text ?? ""
    if let count = record["count"]?.int, count > 1 { reason += reason.isEmpty ? "\(count) times" : " (\(count) times)" }
    return [
        Show.cell(record["seq"]), Show.time(record["time"]), Show.cell(record["outcome"]), Show.actor(record),
        Show.cell(record["action"]), about.joined(separator: " "), reason, Show.cell(record["request_id"]),
    ]
}

private let tailAudit: Command.Run = { session, invocation throws(Failure) in
    let filters = try query(invocation)
    let lines = try invocation.number("lines") ?? 10
    var after: Int64 = 0
    var first = true
    while true {
        let bounds = first ? [("limit", "\(max(1, lines))")] : [("after", "\(after)"), ("limit", "1000")]
        let answer = try session.admin.get("audit", filters + bounds.map { ($0.0, Optional($0.1)) })
        let records = answer["records"]?.items ?? []
        for record in first && lines == 0 ? [] : records {
            if session.console.json {
                session.console.out(String(decoding: record.compact(), as: UTF8.self))
            } else {
                let line = cells(record).map { $0.isEmpty ? "-" : Columns.printable($0) }
                session.console.out(
                    "\(line[1])  \(session.console.mark(line[2]))  \(line[3])  \(line[4])  \(line[5])  \(line[6])  \(line[7])"
                )
            }
        }
        after = max(after, records.compactMap { $0["seq"]?.int }.max() ?? 0)
        first = false
        Descriptor.waitSeconds(1)
    }
}
