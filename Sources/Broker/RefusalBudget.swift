import Rules
import Synchronization
import Vault

/// Bounds what refused peers can make the log grow by (design, section 8).
///
/// The first refusal of a kind is recorded at once; what exceeds the budget of its minute is counted and recorded as
/// one `suppressed` record when the minute ends.
final class RefusalBudget: Sendable {
    struct Key: Hashable {
        /// The uid, or the network address of a browser.
        let who: String
        let action: String
    }

    struct Suppressed: Sendable {
        let who: String
        let action: String
        let actor: Actor
        let count: Int64
    }

    private struct Entry {
        var recorded: Int
        var suppressed: Int64
        let actor: Actor
    }

    /// A peer that is no service is recorded once a minute for each kind of call; a service's refusals are worth more.
    static let perStranger = 1
    static let perService = 120
    /// More callers than this in one minute share one entry, so that inventing names costs the attacker, not us.
    private static let mostKeys = 1024

    private let minute = Mutex<[Key: Entry]>([:])

    private let mostEach: Int?

    /// `mostEach` a minute for everybody; nil is by the kind of actor.
    init(mostEach: Int? = nil) { self.mostEach = mostEach }

    /// Whether it is to be recorded now; counts it otherwise.
    func admits(_ who: String, _ action: String, by actor: Actor) -> Bool {
        let isKnown = actor.kind == .service || actor.kind == .admin
        let limit = mostEach ?? (isKnown ? Self.perService : Self.perStranger)
        return minute.withLock { minute in
            var key = Key(who: who, action: action)
            if minute[key] == nil, minute.count >= Self.mostKeys { key = Key(who: "others", action: action) }
            var entry = minute[key] ?? Entry(recorded: 0, suppressed: 0, actor: actor)
            defer { minute[key] = entry }
            guard entry.recorded < limit else {
                entry.suppressed += 1
                return false
            }
            entry.recorded += 1
            return true
        }
    }

    /// Ends the minute: what was counted and not recorded.
    func endMinute() -> [Suppressed] {
        minute.withLock { minute in
            defer { minute = [:] }
            return minute.filter { $0.value.suppressed > 0 }.map {
                Suppressed(who: $0.key.who, action: $0.key.action, actor: $0.value.actor, count: $0.value.suppressed)
            }
        }
    }
}
