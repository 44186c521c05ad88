import CLinux
import Synchronization

/// Ids of names, as a database of the system had them a few seconds ago.
final class NameCache: Sendable {
    /// How long a name that was looked up is believed. A lookup reads /etc/passwd or asks a daemon: tens of microseconds
    /// at best, too slow for each request; a service's user that is deleted loses access after this long at the latest.
    static let freshness: Int64 = 10_000
    /// How long it is believed that nobody knows.
    static let patience: Int64 = 1_000

    /// What is known of a name.
    enum Found: Sendable, Equatable {
        case id(UInt32)
        case none
        /// The database could not tell, or does not know a name any more that it has known: the same thing where it is
        /// one of several, of which one is not reached.
        case unknown

        var id: UInt32? { if case .id(let id) = self { id } else { nil } }

        /// Where nothing was found; `error` as getpwnam_r(3) has it, which allows several that mean "no such name".
        init(without error: Int32) {
            self = [0, ENOENT, ESRCH, EBADF, EPERM].contains(error) ? .none : .unknown
        }
    }

    private struct Entry {
        let found: Found
        /// The database has known it since we started.
        let wasKnown: Bool
        let until: Int64
    }

    private let look: @Sendable (String) -> Found
    private let entries = Mutex<[String: Entry]>([:])
    private let standIns = Mutex<[String: @Sendable (String) -> Found]>([:])

    /// Names as `look` finds them, which may take long.
    init(_ look: @escaping @Sendable (String) -> Found) { self.look = look }

    /// What a name is. Nothing is held while it is looked up, so a slow database delays only those who ask for names.
    func find(_ name: String, at now: Int64 = Clock.bootMilliseconds) -> Found {
        let old = entries.withLock { $0[name] }
        if let old, old.until > now { return old.found }
        let look = standIns.withLock { $0[name] } ?? self.look
        var found = look(name)
        let wasKnown = old?.wasKnown ?? false
        if found == .none, wasKnown { found = .unknown }
        let entry = Entry(
            found: found, wasKnown: wasKnown || found.id != nil,
            until: now + (found == .unknown ? Self.patience : Self.freshness))
        entries.withLock { $0[name] = entry }
        return found
    }

    /// For tests: this name is answered by `look` from now on.
    func answer(_ name: String, with look: @escaping @Sendable (String) -> Found) {
        standIns.withLock { $0[name] = look }
        entries.withLock { entries in
            guard let old = entries[name] else { return }
            entries[name] = Entry(found: old.found, wasKnown: old.wasKnown, until: .min)
        }
    }
}
