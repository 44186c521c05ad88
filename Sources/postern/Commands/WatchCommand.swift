import Rules

let watchCommand = Command(
    name: "watch", summary: "shows rotations and revocations as they happen, as the service that runs it",
    details: [
        "What it is told is what the grants of its own service let it see, over broker.sock: the kernel says who it is. "
            + "Never a value; read what changed with postern get.",
        "With -o json each event is one line. It goes on until Ctrl-C, or until --count events have come. When the daemon is "
            + "gone it comes back to it, and goes on where it was; the event resync, which no --event leaves out, says that "
            + "something may have been missed: read again what you have. With --once it ends with 9 instead.",
    ],
    options: [
        Option(name: "app", value: "APP", help: "only events of this app", repeats: true, values: .apps),
        Option(
            name: "event", value: "NAME", help: "only events of this name, such as secret.rotated", repeats: true),
        Option(name: "count", value: "N", help: "end after so many events, resync too"),
        Option(name: "once", help: "end when the daemon ends, instead of coming back to it"),
    ],
    examples: [
        Example("Watch", "postern watch"),
        Example(
            "Wait for the next rotation", "postern watch --app slack/A0123456789 --event secret.rotated --count 1"),
    ],
    exits: [(9, "no daemon answers at the start; with --once, any more (also: platform unreachable)")],
    run: { session, invocation throws(Failure) in
        let apps = try invocation.all("app").map { text throws(Failure) in "\(try Invocation.app(text))" }
        let most = try invocation.number("count", atLeast: 1)
        var listening = Listening(session, apps: apps, events: invocation.all("event"))
        var pauses = Pauses()
        var shown: Int64 = 0
        var hasListened = false
        while true {
            let isBack = hasListened
            let ending = listening.once(
                opened: { session.console.note(isBack ? "watching again" : "watching") },
                take: { event in
                    show(event, session.console)
                    shown += 1
                    return most.map { shown < $0 } ?? true
                })
            if let most, shown >= most { return .ok }
            hasListened = hasListened || ending.wasOpen
            guard hasListened, !ending.isFinal, !invocation.has("once") else { throw ending.why }
            if ending.wasOpen {
                pauses.startOver()
                session.console.warn("\(ending.why.what); this is tried until it is back")
            }
            pauses.wait()
        }
    })

/// One line for each event.
private func show(_ event: EventStream.Event, _ console: Console) {
    guard let data = JSON(parsing: Array(event.data.utf8)) else { return }
    if event.name == "resync" { console.warn("something may have been missed: read again what you have") }
    if console.json { return console.out(String(decoding: data.compact(), as: UTF8.self)) }
    var words = [Show.time(data["time"]), event.name]
    if data["app_id"]?.text != nil { words.append(Show.app(data)) }
    for name in ["kind", "as", "version", "installation", "lease_id", "grant", "pattern", "reason"] {
        if let value = data[name] { words.append("\(name)=\(Show.cell(value))") }
    }
    if let ends = data["previous_ends_at"] { words.append("previous until \(Show.time(ends))") }
    console.out(Columns.printable(words.joined(separator: "  ")))
}
