import Rules
import Sealing
import Synchronization
import Vault

/// What webhooks were seen lately, so that a repeat is known as one. In memory alone: a restart forgets it.
///
/// Two generations of marks an app: new ones go into the younger, which becomes the older when it is `lifetime` old or
/// full. A mark is so remembered for one to two lifetimes; of an app that sends more than `perApp` marks within one, the
/// oldest are forgotten first.
final class SeenWebhooks: Sendable {
    /// Half of a digest: enough that nobody meets another's by chance, and nobody can choose it.
    struct Mark: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ digest: Digest32) {
            (high, low) = digest.withBytes { bytes in
                func word(_ start: Int) -> UInt64 {
                    (start..<start + 8).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
                }
                return (word(0), word(8))
            }
        }
    }

    /// Marks of one app in one generation: some ten thousand requests, about a megabyte.
    static let perApp = 16_384
    /// Marks of all apps together.
    static let inAll = 131_072

    private struct Generations {
        var younger: Set<Mark> = []
        var older: Set<Mark> = []
        var began: Int64

        func contains(_ mark: Mark) -> Bool { younger.contains(mark) || older.contains(mark) }

        mutating func turn(at now: Int64) {
            older = younger
            younger = []
            began = now
        }
    }

    private struct State {
        var apps: [Int64: Generations] = [:]
        var count = 0
    }

    private let state = Mutex(State())
    /// Milliseconds.
    private let lifetime: Int64

    init(lifetime: Int64) { self.lifetime = lifetime }

    /// Takes note of a request's marks. Whether any was there already, and those that were not, for `forget`.
    func note(_ marks: [Digest32], of app: Int64, at now: Int64) -> (isRepeat: Bool, new: [Mark]) {
        state.withLock { state in
            var seen = state.apps.removeValue(forKey: app) ?? Generations(began: now)
            let before = seen.younger.count + seen.older.count
            if now - seen.began >= 2 * lifetime { seen.turn(at: now) }
            if now - seen.began >= lifetime || seen.younger.count >= Self.perApp { seen.turn(at: now) }
            var new: [Mark] = []
            var isRepeat = false
            for mark in marks.map(Mark.init) {
                if seen.contains(mark) { isRepeat = true } else { new.append(mark) }
                seen.younger.insert(mark)
            }
            state.apps[app] = seen
            state.count += seen.younger.count + seen.older.count - before
            if state.count > Self.inAll { Self.shrink(&state, sparing: app) }
            return (isRepeat, new)
        }
    }

    /// The request was not answered after all: its repeat is none.
    func forget(_ marks: [Mark], of app: Int64) {
        state.withLock { state in
            for mark in marks where state.apps[app]?.younger.remove(mark) != nil { state.count -= 1 }
        }
    }

    var count: Int { state.withLock { $0.count } }

    /// Forgets the apps that began longest ago, down to three quarters.
    private static func shrink(_ state: inout State, sparing app: Int64) {
        for (id, seen) in state.apps.sorted(by: { $0.value.began < $1.value.began }) where id != app {
            guard state.count > inAll / 4 * 3 else { return }
            state.count -= seen.younger.count + seen.older.count
            state.apps[id] = nil
        }
    }
}

/// Which secrets a request has proven since the start, so that it is written down once.
final class ProvenSecrets: Sendable {
    struct Proof: Hashable {
        let app: Int64
        let kind: SecretKind
        let version: Int64
    }

    private let proofs = Mutex<Set<Proof>>([])

    func contains(_ proof: Proof) -> Bool { proofs.withLock { $0.contains(proof) } }

    func add(_ proof: Proof) {
        proofs.withLock { proofs in
            if proofs.count >= 65_536 { proofs = [] }
            proofs.insert(proof)
        }
    }
}
