import HTTPClient
import Linux
import Rules

let watchCommand = Command(
    name: "watch", summary: "shows rotations and revocations as they happen, as the service that runs it",
    details: [
        "What it is told is what the grants of its own service let it see, over broker.sock: the kernel says who it is. "
            + "Never a value; read what changed with postern get.",
        "With -o json each event is one line. It goes on until Ctrl-C, or until --count events have come; it ends with 9 "
            + "when the daemon ends.",
    ],
    options: [
        Option(name: "app", value: "APP", help: "only events of this app", repeats: true, values: .apps),
        Option(
            name: "event", value: "NAME", help: "only events of this name, such as secret.rotated", repeats: true),
        Option(name: "count", value: "N", help: "end after so many events"),
    ],
    examples: [
        Example("Watch", "postern watch"),
        Example(
            "Wait for the next rotation", "postern watch --app slack/A0123456789 --event secret.rotated --count 1"),
    ],
    exits: [(9, "no daemon answers any more (also: platform unreachable)")],
    run: { session, invocation throws(Failure) in
        var query: [String] = []
        for app in invocation.all("app") { query.append("app=\(Admin.escaped("\(try Invocation.app(app))"))") }
        for event in invocation.all("event") { query.append("event=\(Admin.escaped(event))") }
        let most = try invocation.number("count", atLeast: 1)
        var stream = EventStream()
        var shown: Int64 = 0
        let request = HTTPClient.Request(
            "GET", "http://postern/v1/watch" + (query.isEmpty ? "" : "?" + query.joined(separator: "&")),
            headers: [.init("Accept", "text/event-stream")], unixSocket: session.settings.brokerSocket)
        let answer: HTTPClient.Answer
        do throws(HTTPClient.Failure) {
            answer = try HTTPClient().listen(
                request,
                HTTPClient.Events(
                    silence: Watcher.silence, opened: { session.console.note("watching") },
                    take: { bytes in
                        for event in stream.take(bytes) {
                            guard most == nil || shown < most ?? 0 else { break }
                            show(event, session.console)
                            shown += 1
                        }
                        return most.map { shown < $0 } ?? true
                    }))
        } catch {
            if let most, shown >= most { return .ok }
            throw Failure(
                exit: Admin.Door.broker.closed, code: "no_daemon",
                what: "the daemon cannot be watched: \(error.reason)",
                next: "start posternd, or say where it runs with --data-dir or --broker-socket")
        }
        if answer.status >= 300, let document = JSON(parsing: answer.body) {
            throw Failure(status: answer.status, document: document)
        }
        throw Failure(
            exit: Admin.Door.broker.closed, code: "watch_ended", what: "the daemon has ended the watch",
            next: "it stops, or this is not that service any more: watch again, or look with postern service list")
    })

/// One line for each event.
private func show(_ event: EventStream.Event, _ console: Console) {
    guard let data = JSON(parsing: Array(event.data.utf8)) else { return }
    if console.json { return console.out(String(decoding: data.compact(), as: UTF8.self)) }
    var words = [Show.time(data["time"]), event.name]
    if data["app_id"]?.text != nil { words.append(Show.app(data)) }
    for name in ["kind", "as", "version", "installation", "lease_id", "grant", "pattern", "reason"] {
        if let value = data[name] { words.append("\(name)=\(Show.cell(value))") }
    }
    if let ends = data["previous_ends_at"] { words.append("previous until \(Show.time(ends))") }
    console.out(Columns.printable(words.joined(separator: "  ")))
}
