import Linux
package import Rules
import Synchronization
package import Vault

/// What a watcher wants to be told of; empty is everything.
package struct WatchFilter: Sendable {
    package var apps: Set<AppKey> = []
    package var events: Set<WatchEvent.Name> = []

    /// Everything there is.
    package init() {}

    fileprivate func wants(_ event: WatchEvent) -> Bool {
        if !events.isEmpty, !events.contains(event.name) { return false }
        // What is about no app is about all of them.
        guard !apps.isEmpty, let app = event.app else { return true }
        return apps.contains(app)
    }
}

/// One open watch: where it stands in what has happened, and who is told.
///
/// `next` belongs to the thread of its connection; the rest may be called from any.
package final class Watcher: Sendable {
    /// What comes next on a watch.
    package enum Step: Sendable {
        /// What has happened, and the place after it, for `Last-Event-ID`.
        case told([WatchEvent], place: String)
        /// Some of what has happened is not known any more.
        case missed(place: String)
        /// Nothing for a while.
        case quiet(place: String)
        /// Nothing more will come.
        case ended
    }

    let service: Int64
    private let broker: Broker
    private let caller: Caller
    private let filter: WatchFilter
    private let signal = Signal()
    private let isOver = Atomic(false)
    /// The number of the newest notice that was looked at.
    private let seen: Atomic<Int64>
    private let hasMissed: Atomic<Bool>
    private let isLast = Atomic(false)

    fileprivate init(_ broker: Broker, _ caller: Caller, service: Int64, _ filter: WatchFilter, after place: Int64?) {
        self.broker = broker
        self.caller = caller
        self.service = service
        self.filter = filter
        seen = Atomic(place ?? broker.watchers.newest)
        hasMissed = Atomic(place == nil)
    }

    /// Makes `next` return, now or when it is called.
    package func end() {
        isOver.store(true, ordering: .releasing)
        signal.raise()
    }

    /// The connection is done with it.
    package func close() { broker.watchers.remove(self) }

    func wake() { signal.raise() }

    /// Where it begins, for a client that is cut off before anything has happened.
    package func beginning() throws(Problem) -> String { try place() }

    /// Notices looked at in one step, so that what is told fits one piece of the answer.
    private static let atOnce = 32

    /// Waits for what comes next. What the step before told must have left: a revocation waits for it, or cuts it off.
    package func next() -> Step {
        broker.gate.leave(caller)
        let deadline = Deadline.after(milliseconds: broker.settings.watchSilence)
        do {
            while !isOver.load(ordering: .acquiring), !isLast.load(ordering: .relaxed) {
                let after = seen.load(ordering: .relaxed)
                guard !hasMissed.exchange(false, ordering: .relaxed),
                    let notices = broker.watchers.notices(after: after, atMost: Self.atOnce)
                else {
                    try stand()
                    seen.store(broker.watchers.newest, ordering: .relaxed)
                    return .missed(place: try place())
                }
                if notices.isEmpty {
                    if signal.wait(until: deadline) { continue }
                    guard try stand().1.service?.state == .active else { throw Self.gone }
                    return .quiet(place: try place())
                }
                let (policy, identity) = try stand()
                let told = try notices.compactMap { notice throws(Problem) in
                    try broker.event(of: notice, for: identity, { caller.peer.isAlive }, policy)
                }
                seen.store(after + Int64(notices.count), ordering: .relaxed)
                if told.contains(where: { $0.name == .serviceSuspended }) { isLast.store(true, ordering: .relaxed) }
                let wanted = told.filter(filter.wants)
                if !wanted.isEmpty { return .told(wanted, place: try place()) }
                broker.gate.leave(caller)
                if deadline.hasPassed { return .quiet(place: try place()) }
            }
        } catch {}
        return .ended
    }

    /// The policy to decide by, marked as being answered under, and who this process is by it; throws when this process is not served any more. Of a
    /// service that is suspended only the one event that says so is told.
    @discardableResult
    private func stand() throws(Problem) -> (PolicySnapshot, Caller.Identity) {
        let policy = broker.gate.enter(caller, broker.vault)
        try broker.requireSound()
        let identity = caller.identity(in: policy)
        guard identity.service?.id == service, caller.peer.isAlive else { throw Self.gone }
        return (policy, identity)
    }

    private func place() throws(Problem) -> String {
        try broker.watchers.token(for: seen.load(ordering: .relaxed), of: service)
    }

    private static let gone = Problem(.denied, "this process is not that service any more")
}

extension Broker {
    /// Begins to tell a service what happens to what it may see (design, section 6). Recorded before the first byte;
    /// what is told afterwards is not: it has no values, and every call it leads to is recorded.
    ///
    /// `place` is where an earlier watch of the service ended; what came after it is told first, or that it is not
    /// known any more. `rate_limited` when the service watches too often already.
    package func watch(
        _ filter: WatchFilter, after place: String?, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> Watcher {
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let identity = caller.identity(in: policy)
            guard let service = identity.service else { throw refuse(identity.denial, "watch.open", identity, request) }
            guard service.state == .active else { throw refuse(.serviceSuspended, "watch.open", identity, request) }
            guard caller.peer.isAlive else { throw refuse(.identityGone, "watch.open", identity, request) }
            let number = place.map { watchers.number(of: $0, for: service.id) } ?? watchers.newest
            let watcher = Watcher(self, caller, service: service.id, filter, after: number)
            let entry = AuditEntry("watch.open", .allowed, by: identity.actor, request: request)
            do throws(Problem) {
                guard try watchers.add(watcher, most: settings.watchersPerService, vault) else {
                    throw fail(
                        Problem(
                            .rateLimited, "this service has \(settings.watchersPerService) watches open already",
                            advice: "let one connection watch for all, or raise --watch-limit"), entry)
                }
                if try vault.record(entry, decidedUnder: policy.epoch) { return watcher }
                watchers.remove(watcher)
            } catch {
                watchers.remove(watcher)
                throw error
            }
        }
    }
}
