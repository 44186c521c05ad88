import HTTPClient
import Linux
import Rules

/// Listening to what the daemon tells (`GET /v1/watch`): one connection at a time, each going on where the last ended.
struct Listening {
    private let session: Session
    private let target: String
    private var place: String?

    /// The daemon says something at least every 15 seconds (openapi.json).
    private static let silence = 45

    /// How one connection went.
    struct Ending {
        /// The daemon listened to us.
        let wasOpen: Bool
        let why: Failure

        /// Whether it is of no use to try again: the daemon has said no, and says it again until somebody changes that.
        var isFinal: Bool { [.denied, .usage, Exit(5)].contains(why.exit) }
    }

    init(_ session: Session, apps: [String], events: [String]) {
        self.session = session
        let query = apps.map { "app=\(Admin.escaped($0))" } + events.map { "event=\(Admin.escaped($0))" }
        target = "/v1/watch" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    /// One connection from its begin to its end. `take` says whether to go on.
    ///
    /// Never inlined: within a loop without end it keeps the optimiser of Swift 6.3.1 busy for ever.
    @inline(never)
    mutating func once(opened: @escaping () -> Void, take: @escaping (EventStream.Event) -> Bool) -> Ending {
        var request = HTTPClient.Request(
            "GET", "http://postern\(target)", headers: [.init("Accept", "text/event-stream")],
            unixSocket: session.settings.brokerSocket)
        if let place { request.headers.append(.init("Last-Event-ID", place)) }
        var stream = EventStream()
        var wasOpen = false
        var why = Failure(
            exit: Admin.Door.broker.closed, code: "watch_ended", what: "the daemon has ended the watch",
            next: "it stops, or this is not that service any more: watch again, or look with postern service list")
        do throws(HTTPClient.Failure) {
            let answer = try HTTPClient().listen(
                request,
                HTTPClient.Events(
                    silence: Self.silence,
                    opened: {
                        wasOpen = true
                        opened()
                    },
                    take: { bytes in stream.take(bytes).allSatisfy(take) }))
            if answer.status >= 300 {
                why = JSON(parsing: answer.body).map { Failure(status: answer.status, document: $0) } ?? why
            }
        } catch {
            // A connection that breaks is how a daemon ends that is killed.
            if !wasOpen { why = session.broker.failure(error) }
        }
        place = stream.place ?? place
        return Ending(wasOpen: wasOpen, why: why)
    }
}

/// The pauses between tries to reach a daemon on this machine: half a second at first, half a minute at most.
struct Pauses {
    private var next: Int64 = 500

    mutating func startOver() { next = 500 }

    mutating func wait() {
        Clock.sleep(microseconds: (next + .random(in: 0...next / 4)) * 1000)
        next = min(next * 2, 30_000)
    }
}

/// Server-sent events out of the bytes they come in (WHATWG HTML, section 9.2.6), as far as this house sends them.
struct EventStream {
    struct Event: Equatable {
        var name = ""
        var data = ""
    }

    /// The newest `id`: from where the next connection goes on.
    private(set) var place: String?

    /// What an event may have; a longer one is cut short, and then says nothing that can be read.
    private static let longest = 65_536

    private var line: [UInt8] = []
    private var event = Event()
    private var id: String?

    /// The events that are whole now.
    mutating func take(_ bytes: [UInt8]) -> [Event] {
        var whole: [Event] = []
        for byte in bytes {
            guard byte == 10 else {
                if line.count < Self.longest { line.append(byte) }
                continue
            }
            if line.last == 13 { line.removeLast() }
            if line.isEmpty {
                // It counts with the event it came with, as a whole.
                if let id { place = id }
                if !event.data.isEmpty { whole.append(event) }
                (event, id) = (Event(), nil)
            } else {
                field(String(decoding: line, as: UTF8.self))
            }
            line.removeAll(keepingCapacity: true)
        }
        return whole
    }

    private mutating func field(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let value = parts[1].hasPrefix(" ") ? parts[1].dropFirst() : parts[1]
        switch parts[0] {
        case "event": event.name = String(value)
        case "id": id = String(value)
        case "data" where event.data.utf8.count < Self.longest: event.data += (event.data.isEmpty ? "" : "\n") + value
        default: break
        }
    }
}
