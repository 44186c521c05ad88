import Rules

let canCommand = Command(
    name: "can", summary: "says whether a service may do something, before it tries",
    arguments: [
        Argument(name: "SERVICE", help: "the service's name", values: .services),
        Argument(
            name: "ACTION", help: "for example secret:read:signing_secret",
            values: .words(Action.all.map(\.description))),
        appArgument,
    ],
    options: [
        Option(name: "pid", value: "PID", help: "also: is this running process that service, and if not, why not?")
    ],
    examples: [
        Example("May the bridge read it?", "postern can bridge secret:read:signing_secret slack/A0123456789"),
        Example(
            "May this process?", "postern can bridge secret:read:signing_secret slack/A0123456789 --pid 4711"),
    ],
    exits: [(0, "allowed"), (4, "denied")], run: can)

let whyCommand = Command(
    name: "why", summary: "explains a request: who asked, which rule decided, what would allow it",
    details: ["The request id is in every answer (X-Request-Id) and in the body of every refusal."],
    arguments: [Argument(name: "REQUEST_ID", help: "from the answer, or from postern audit list")],
    examples: [Example("Why was it refused?", "postern why 8b06173032dccba600000047")], run: why)

private let can: Command.Run = { session, invocation throws(Failure) in
    let service = try invocation.slug(0, "service")
    let word = invocation.arguments[1]
    guard let action = Action(word) else {
        let names = Action.all.map(\.description)
        throw Failure.usage(
            "\"\(word.shown)\" is no action",
            next: Suggestion.nearest(to: word, among: names).map { "did you mean \($0)?" }
                ?? "the actions are \(names.joined(separator: ", "))")
    }
    let app = try invocation.app(2)
    let pid = try invocation.number("pid", atLeast: 1).map { "\($0)" }
    let answer = try session.patientAdmin.get(
        "can", [("service", service), ("action", "\(action)"), ("app", "\(app)"), ("pid", pid)])
    let allowed = answer["allowed"]?.bool ?? false
    session.print(answer) { console in
        console.out(
            console.mark(allowed ? "allowed" : "denied") + ": " + Columns.printable(Show.cell(answer["explanation"])))
        printSelectors(answer, console)
        if let grant = answer["grant_id"], grant != .null { console.out("grant: \(grant.cell)") }
        if let command = answer["suggestion"]?.text { console.out("to allow it: \(Columns.printable(command))") }
    }
    return allowed ? .ok : .denied
}

private let why: Command.Run = { session, invocation throws(Failure) in
    let answer = try session.admin.get("why/\(Admin.escaped(invocation.arguments[0]))")
    session.print(answer) { console in
        let record = answer["record"] ?? [:]
        console.out(
            console.mark(Show.cell(record["outcome"])) + ": " + Columns.printable(Show.cell(answer["explanation"])))
        console.out(pairs: pairs(of: record) + [("rule", Show.cell(answer["rule"]))])
        printSelectors(answer, console)
        if let command = answer["suggestion"]?.text { console.out("to allow it: \(Columns.printable(command))") }
    }
    return .ok
}

/// How each selector of the service fares with the process, where the answer says so.
private func printSelectors(_ answer: JSON, _ console: Console) {
    guard let findings = answer["selectors"]?.items, let service = answer["service"]?.text else { return }
    console.out("the selectors of \(service):")
    for finding in findings {
        let words =
            switch finding["result"]?.text {
            case "holds": "holds"
            case "differs": "does not hold: it is " + Show.cell(finding["detail"])
            default: "cannot be told: " + Show.cell(finding["detail"])
            }
        console.out(Columns.printable("  \(Show.cell(finding["selector"])) \(words)"))
    }
}

/// The facts of an audit record that are there, in reading order.
private func pairs(of record: JSON) -> [(String, String)] {
    var pairs = [("time", Show.time(record["time"])), ("who", Show.actor(record))]
    if let actor = record["actor"] {
        for key in ["uid", "gid", "pid", "login_uid", "exe", "unit"] {
            if let value = actor[key], value != .null { pairs.append(("  " + key, value.cell)) }
        }
    }
    pairs.append(("action", Show.cell(record["action"])))
    if record["app_id"]?.text != nil { pairs.append(("app", Show.app(record))) }
    for key in ["tenant", "kind", "version", "lease_id", "fingerprint", "reason", "count", "seq", "request_id"] {
        if let value = record[key], value != .null { pairs.append((key, value.cell)) }
    }
    return pairs
}
