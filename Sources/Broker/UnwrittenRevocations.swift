import Rules
import Synchronization

/// Revocations that the disk would not take (design, section 4: "revoke acts in memory and says so").
///
/// While there is one, nothing at all is handed out; it is tried again every second, and lost with the process.
final class UnwrittenRevocations: Sendable {
    typealias Change = @Sendable () throws(Problem) -> Void

    private let waiting = Mutex<[Change]>([])
    private let count = Atomic<Int>(0)

    /// What the admin is told.
    static let problem = Problem(
        .auditUnavailable, "revoked in memory only: the disk does not take the change",
        advice: "nothing is handed out until it does; mend the disk before posternd stops, or revoke again afterwards")

    func add(_ change: @escaping @Sendable () throws(Problem) -> Void) {
        waiting.withLock { $0.append(change) }
        count.wrappingAdd(1, ordering: .sequentiallyConsistent)
    }

    /// Refuses while a revocation waits for the disk.
    func requireNone() throws(Problem) {
        guard count.load(ordering: .sequentiallyConsistent) == 0 else {
            throw Problem(
                .auditUnavailable, "a revocation waits for the disk, so nothing is handed out",
                advice: "mend the disk of the vault; it is tried again every second")
        }
    }

    /// Tries again, in order; one whose object is gone by now is done with.
    func retry() {
        while let next = waiting.withLock({ $0.first }) {
            do { try next() } catch { guard error.code == .notFound else { return } }
            waiting.withLock { _ = $0.removeFirst() }
            count.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        }
    }
}
