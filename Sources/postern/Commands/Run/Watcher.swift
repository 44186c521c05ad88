import Linux
import Rules
import Synchronization

/// Where the threads of a run tell its supervisor that there is something to look at, by a byte each time.
final class News: Sendable {
    enum Word: UInt8 {
        /// The daemon listens: from here on no change is missed. Also after each time the connection was lost.
        case open = 111
        /// Something of ours may have changed.
        case changed = 99
        /// The watcher is not let in, or not any more; see its `refusal`.
        case refused = 120
        /// A lease cannot be kept for longer; see the keeper's `trouble`.
        case ending = 101
    }

    private let line: FileDescriptor

    init(_ line: consuming FileDescriptor) { self.line = line }

    func say(_ word: Word) { try? line.send([word.rawValue], until: .never) }
}

/// Listens to the daemon for as long as this process lives, on a thread of its own, and says when something may have
/// changed for the secrets of a plan. What has changed is for a new look at them to say.
final class Watcher: Sendable {
    private let session: Session
    private let apps: [String]
    private let kinds: Set<String>
    private let news: News
    private let last = Mutex<Failure?>(nil)

    /// Why the daemon did not let us listen.
    var refusal: Failure? { last.withLock { $0 } }

    /// What may have changed a value, or whether it can be had; asked for by name, since a look is a read on the record.
    private static let names = [
        "secret.rotated", "secret.removed", "token.refreshed", "token.revoked", "access.revoked", "access.restored",
        "service.suspended", "installation.needs_reauthorization", "installation.connected",
        "installation.disconnected",
    ]

    init(_ session: Session, _ plan: RunPlan, _ news: News) {
        self.session = session
        apps = Set(plan.entries.map { "\($0.source.app)" }).sorted()
        kinds = Set(plan.entries.compactMap(\.source.secret?.kind.rawValue))
        self.news = news
    }

    func start() throws(Failure) {
        try attempt("start a thread") { () throws(SystemError) in
            _ = try Thread.start(name: "watcher") { [self] in listen() }
        }
    }

    private func listen() {
        var listening = Listening(session, apps: apps, events: Self.names)
        var pauses = Pauses()
        while true {
            let ending = listening.once(
                opened: { [self] in news.say(.open) },
                take: { [self] event in
                    if concerns(event) { news.say(.changed) }
                    return true
                })
            last.withLock { $0 = ending.why }
            if ending.wasOpen { pauses.startOver() }
            news.say(.refused)
            pauses.wait()
        }
    }

    /// Whether an event is about a kind of ours, or about none in particular.
    private func concerns(_ event: EventStream.Event) -> Bool {
        guard let data = JSON(parsing: Array(event.data.utf8)), let kind = data["kind"]?.text else { return true }
        return kinds.contains(kind)
    }
}
