import HTTPClient
import Linux
import Rules
import Synchronization

/// Listens to the daemon for as long as this process lives, on a thread of its own, and says by a byte when something
/// may have changed for the secrets of a plan. What has changed is for a new look at them to say.
final class Watcher: Sendable {
    enum Word {
        /// The daemon listens: from here on no change is missed. Also after each time the connection was lost.
        static let open = UInt8(ascii: "o")
        /// Something of ours may have changed.
        static let changed = UInt8(ascii: "c")
        /// It will not have us; see `refusal`.
        static let refused = UInt8(ascii: "x")
    }

    private let session: Session
    private let target: String
    private let kinds: Set<String>
    private let line: FileDescriptor
    private let last = Mutex<Failure?>(nil)

    /// Why the daemon did not let us listen.
    var refusal: Failure? { last.withLock { $0 } }

    /// What may have changed a value, or whether it can be had; asked for by name, since a look is a read on the record.
    private static let names = [
        "secret.rotated", "secret.removed", "token.refreshed", "token.revoked", "access.revoked", "access.restored",
        "service.suspended", "installation.needs_reauthorization", "installation.connected",
        "installation.disconnected",
    ]

    /// The daemon says something at least every 15 seconds (openapi.json).
    static let silence = 45

    /// `line` is where the bytes go.
    init(_ session: Session, _ plan: RunPlan, line: consuming FileDescriptor) {
        self.session = session
        let query = Set(plan.entries.map { "app=\($0.secret.app)" }).sorted() + Watcher.names.map { "event=\($0)" }
        target = "/v1/watch?" + query.joined(separator: "&")
        kinds = Set(plan.entries.map(\.secret.kind.rawValue))
        self.line = line
    }

    func start() throws(Failure) {
        try attempt("start a thread") { () throws(SystemError) in
            _ = try Thread.start(name: "watcher") { [self] in listen() }
        }
    }

    private func listen() {
        // Half a second at first, and half a minute at most; the daemon is on this machine.
        var pause: Int64 = 500
        while true {
            if listenOnce() { pause = 500 }
            say(Word.refused)
            Clock.sleep(microseconds: (pause + .random(in: 0...pause / 4)) * 1000)
            pause = min(pause * 2, 30_000)
        }
    }

    /// One connection from its begin to its end; true when the daemon listened.
    ///
    /// Never inlined: within the endless loop above it keeps the optimiser of Swift 6.3.1 busy for ever.
    @inline(never)
    private func listenOnce() -> Bool {
        let request = HTTPClient.Request(
            "GET", "http://postern\(target)", headers: [.init("Accept", "text/event-stream")],
            unixSocket: session.settings.brokerSocket)
        var stream = EventStream()
        var isOpen = false
        var failure = Failure.error("the daemon ended the watch")
        do throws(HTTPClient.Failure) {
            let answer = try HTTPClient().listen(
                request,
                HTTPClient.Events(
                    silence: Self.silence,
                    opened: { [self] in
                        isOpen = true
                        say(Word.open)
                    },
                    take: { [self] bytes in
                        for event in stream.take(bytes) where concerns(event) { say(Word.changed) }
                        return true
                    }))
            if answer.status >= 300 {
                failure = JSON(parsing: answer.body).map { Failure(status: answer.status, document: $0) } ?? failure
            }
        } catch {
            failure = session.broker.failure(error)
        }
        last.withLock { $0 = failure }
        return isOpen
    }

    /// Whether an event is about a kind of ours, or about none in particular.
    private func concerns(_ event: EventStream.Event) -> Bool {
        guard let data = JSON(parsing: Array(event.data.utf8)), let kind = data["kind"]?.text else { return true }
        return kinds.contains(kind)
    }

    private func say(_ word: UInt8) { try? line.send([word], until: .never) }
}

/// Server-sent events out of the bytes they come in (WHATWG HTML, section 9.2.6), as far as this house sends them.
struct EventStream {
    struct Event: Equatable {
        var name = ""
        var data = ""
    }

    /// What an event may have; a longer one is cut short, and then says nothing that can be read.
    private static let longest = 65_536

    private var line: [UInt8] = []
    private var event = Event()

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
                if !event.data.isEmpty { whole.append(event) }
                event = Event()
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
        case "data" where event.data.utf8.count < Self.longest: event.data += (event.data.isEmpty ? "" : "\n") + value
        default: break
        }
    }
}
