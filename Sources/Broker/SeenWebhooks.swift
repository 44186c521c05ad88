import Linux
import Rules
import Sealing
import Synchronization
import Vault

/// What webhooks were seen lately, so that a repeat is known as one. In memory alone: a restart forgets it.
///
/// Two generations of marks an app: new ones go into the younger, which becomes the older when it is `lifetime` old or
/// full. A mark is so remembered for one to two lifetimes; of an app that sends more than `perApp` marks within one, the
/// oldest are forgotten first. Marks are spread over many locks: every request of every thread passes here.
final class SeenWebhooks: Sendable {
    /// Half of a digest: enough that nobody meets another's by chance, and nobody can choose it.
    struct Mark: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ digest: Digest32) {
            (high, low) = digest.withBytes { bytes in
                var (high, low) = (UInt64(0), UInt64(0))
                for index in 0..<8 {
                    high = high << 8 | UInt64(bytes[index])
                    low = low << 8 | UInt64(bytes[index + 8])
                }
                return (high, low)
            }
        }
    }

    /// Marks of one app in one generation: some ten thousand requests, about a megabyte.
    static let perApp = 16_384
    /// Marks of all apps together.
    static let inAll = 131_072
    private static let shares = 32

    private struct Generations {
        var younger: Set<Mark> = []
        var older: Set<Mark> = []
        var began: Int64

        var count: Int { younger.count + older.count }

        mutating func turn(at now: Int64) {
            older = younger
            younger = []
            began = now
        }

        /// Whether the mark is new, and by how many there are more now.
        mutating func note(_ mark: Mark, at now: Int64, lifetime: Int64) -> (isNew: Bool, more: Int) {
            let before = count
            if now - began >= 2 * lifetime { self = Generations(began: now) }
            if now - began >= lifetime || younger.count >= perApp / shares { turn(at: now) }
            let isNew = !older.contains(mark) && younger.insert(mark).inserted
            if !isNew { younger.insert(mark) }
            return (isNew, count - before)
        }
    }

    /// A share of the marks, by their own bits, with a share of the bounds.
    private final class Share: Sendable {
        private struct State {
            var apps: [Int64: Generations] = [:]
            var count = 0
        }

        /// A plain lock: every request of every thread comes here.
        private let state = Gate(State())

        /// False when the mark was there.
        func note(_ mark: Mark, of app: Int64, at now: Int64, lifetime: Int64) -> Bool {
            state.withLock { state in
                let (isNew, more) = state.apps[app, default: Generations(began: now)]
                    .note(mark, at: now, lifetime: lifetime)
                state.count += more
                if state.count > inAll / shares { Self.shrink(&state, sparing: mark, of: app) }
                return isNew
            }
        }

        func forget(_ mark: Mark, of app: Int64) {
            state.withLock { state in
                if state.apps[app]?.younger.remove(mark) != nil { state.count -= 1 }
            }
        }

        var count: Int { state.withLock { $0.count } }

        /// Forgets of the apps that have most, down to three quarters, so that nobody's flood costs others their marks.
        private static func shrink(_ state: inout State, sparing mark: Mark, of app: Int64) {
            var level = 2 * perApp / shares
            while state.count > inAll / shares / 4 * 3 {
                level /= 2
                for (id, seen) in state.apps where seen.count > level {
                    guard state.count > inAll / shares / 4 * 3 else { return }
                    var left = seen
                    left.older = []
                    if left.count > level { left.younger = id == app ? [mark] : [] }
                    state.count -= seen.count - left.count
                    state.apps[id] = left.count == 0 ? nil : left
                }
                if level == 0 { return }
            }
        }
    }

    private let all: [Share]
    /// Milliseconds.
    private let lifetime: Int64

    init(lifetime: Int64) {
        self.lifetime = lifetime
        all = (0..<Self.shares).map { _ in Share() }
    }

    private func share(_ mark: Mark) -> Share { all[Int(mark.low % UInt64(Self.shares))] }

    /// Takes note of a request's marks, until one was there already; those that were not are for `forget`.
    ///
    /// It ends there, so that of two equal requests at the same moment exactly one is a repeat, whichever comes first
    /// to which mark.
    func note(_ marks: [Digest32], of app: Int64, at now: Int64) -> (isRepeat: Bool, new: [Mark]) {
        var new: [Mark] = []
        for digest in marks {
            let mark = Mark(digest)
            guard share(mark).note(mark, of: app, at: now, lifetime: lifetime) else { return (true, new) }
            new.append(mark)
        }
        return (false, new)
    }

    /// The request was not answered after all: its repeat is none.
    func forget(_ marks: [Mark], of app: Int64) {
        for mark in marks { share(mark).forget(mark, of: app) }
    }

    var count: Int { all.reduce(0) { $0 + $1.count } }
}

/// Which secrets a request has proven since the start, so that it is written down once.
final class ProvenSecrets: Sendable {
    struct Proof: Hashable {
        let app: Int64
        let kind: SecretKind
        let version: Int64
    }

    /// A plain lock: every verification asks it.
    private let proofs = Gate<Set<Proof>>([])

    func contains(_ proof: Proof) -> Bool { proofs.withLock { $0.contains(proof) } }

    func add(_ proof: Proof) {
        proofs.withLock { proofs in
            if proofs.count >= 65_536 { proofs = [] }
            proofs.insert(proof)
        }
    }

    /// It was not written down after all.
    func remove(_ proof: Proof) { _ = proofs.withLock { $0.remove(proof) } }

    /// What was written down of an app is there no more.
    func forget(app: Int64) { proofs.withLock { $0 = $0.filter { $0.app != app } } }
}
