import Linux
import Rules
import Sealing
import Synchronization
import Vault

/// Everybody who watches, and what has happened lately.
///
/// One bounded ring for all: a watcher has only its place in it, so that one that reads slowly costs nothing, delays
/// nobody, and is told that it has missed something once the ring has gone round. Whoever commits only appends; a
/// thread of its own wakes those it may concern.
final class Watchers: Sendable {
    /// How many notices are kept for those who come back (some 100 bytes each).
    static let kept = 4096

    private struct State {
        var ring: [Notice] = []
        /// The number of the next notice; the first ever has 1.
        var next: Int64 = 1
        var watchers: [ObjectIdentifier: Watcher] = [:]
        var each: [Int64: Int] = [:]
        var isStopped = false
        var hasThread = false
        var thread: Thread?
    }

    private let state = Mutex(State())
    private let news = Signal()
    private let slots = KeySlots()
    private let place: KeySlot

    init() { place = slots.addRandom() }

    // MARK: - News

    /// On the thread that commits.
    func announce(_ notices: [Notice]) {
        let hasWatchers = state.withLock { state in
            for notice in notices {
                if state.ring.count < Self.kept {
                    state.ring.append(notice)
                } else {
                    state.ring[Self.index(state.next)] = notice
                }
                state.next += 1
            }
            return !state.watchers.isEmpty
        }
        if hasWatchers { news.raise() }
    }

    /// Where notice `number` is kept.
    private static func index(_ number: Int64) -> Int { Int((number - 1) % Int64(kept)) }

    /// The newest notice's number; 0 where there was none.
    var newest: Int64 { state.withLock { $0.next - 1 } }

    /// Up to `limit` notices that came after `number`; nil when some of them are gone.
    func notices(after number: Int64, atMost limit: Int) -> [Notice]? {
        state.withLock { state in
            let first = number + 1
            guard number >= 0, first <= state.next, state.next - first <= Int64(Self.kept) else { return nil }
            let end = min(state.next, first + Int64(limit))
            return (first..<end).map { state.ring[Self.index($0)] }
        }
    }

    // MARK: - Those who watch

    /// False when the service has `most` already, or all is about to end.
    func add(_ watcher: Watcher, most: Int, _ vault: Vault) throws(Problem) -> Bool {
        let (isAdded, isFirst) = state.withLock { state in
            guard !state.isStopped, state.each[watcher.service, default: 0] < most else { return (false, false) }
            state.watchers[ObjectIdentifier(watcher)] = watcher
            state.each[watcher.service, default: 0] += 1
            defer { state.hasThread = true }
            return (true, !state.hasThread)
        }
        if isFirst { try start(vault) }
        return isAdded
    }

    private func start(_ vault: Vault) throws(Problem) {
        do throws(SystemError) {
            let started = try Thread.start(name: "watch") { self.wake(vault) }
            state.withLock { $0.thread = started }
        } catch {
            state.withLock { $0.hasThread = false }
            throw error.problem(doing: "start a thread")
        }
    }

    func remove(_ watcher: Watcher) {
        state.withLock { state in
            guard state.watchers.removeValue(forKey: ObjectIdentifier(watcher)) != nil else { return }
            let left = state.each[watcher.service, default: 1] - 1
            state.each[watcher.service] = left > 0 ? left : nil
        }
    }

    /// How many watch now.
    var count: Int { state.withLock { $0.watchers.count } }

    /// Ends all streams and the thread.
    func stop() {
        let (all, thread) = state.withLock { state in
            state.isStopped = true
            return (Array(state.watchers.values), state.thread.take())
        }
        for watcher in all { watcher.end() }
        news.raise()
        thread?.join()
    }

    /// Wakes those whom news may concern, rarely enough that a storm of them leaves the machine to others: so many
    /// rounds a second that a twentieth of them wake at once.
    private func wake(_ vault: Vault) {
        var seen = newest
        while true {
            news.wait()
            let (isStopped, count) = state.withLock { ($0.isStopped, $0.watchers.count) }
            if isStopped { return }
            let upTo = newest
            let fresh = notices(after: seen, atMost: Self.kept)
            seen = upTo
            let policy = vault.policy
            let (watchers, services) = state.withLock { (Array($0.watchers.values), Array($0.each.keys)) }
            // What could not be looked at may concern anybody.
            let concerned = Set(
                services.filter { service in fresh?.contains { policy.mayConcern(service, $0) } ?? true })
            for watcher in watchers where concerned.contains(watcher.service) { watcher.wake() }
            Clock.sleep(microseconds: 2000 + Int64(count) * 50)
        }
    }

    // MARK: - Places

    /// A place in the ring as a watcher is given it, for `Last-Event-ID`: sealed, since the numbers count what happens
    /// to everybody. It opens for its own service and in this process alone.
    func token(for number: Int64, of service: Int64) throws(Problem) -> String {
        let number = Self.bytes(of: number)
        let sealed: [UInt8]
        do throws(SealingError) {
            sealed = try slots.seal(number.span, associated: Self.associated(service), with: place)
        } catch { throw error.problem }
        return Base64.url.encode(sealed.span)
    }

    /// The number a place stands for; nil for one of another process, of another service, or an invented one.
    func number(of token: String, for service: Int64) -> Int64? {
        guard token.utf8.count <= 128, let sealed = Base64.url.decode(token) else { return nil }
        let slab = Slab()
        slab.reserve(sealed.count)
        do throws(SealingError) {
            try slots.open(sealed.span, associated: Self.associated(service), with: place, into: slab)
        } catch { return nil }
        return slab.count == 8 ? [UInt8](copying: slab.span).reduce(0) { $0 << 8 | Int64($1) } : nil
    }

    private static func bytes(of number: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    private static func associated(_ service: Int64) -> [UInt8] {
        var canonical = Canonical("postern/watch/1")
        canonical.add(service)
        return canonical.bytes
    }
}

extension PolicySnapshot {
    /// Whether a notice may concern a service at all: more than will be told, and cheap.
    fileprivate func mayConcern(_ service: Int64, _ notice: Notice) -> Bool {
        if let only = notice.what.service { return only == service }
        guard let subject = notice.subject, let tenant = tenants[subject.tenant]?.tenant.slug else { return false }
        return grants[service]?.contains { $0.pattern.covers(subject.key, of: tenant) } ?? false
    }
}
