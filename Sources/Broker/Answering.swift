import Synchronization
import Vault

/// One line on which answers leave, one after the other: under which policy the answer under way is made, and how to
/// stop it. A connection of broker.sock or admin.sock has one for its life, a call from the TCP gateway one of its own.
package final class Answering: Sendable {
    /// The policy epoch of the answer under way; 0 while there is none.
    let under = Atomic<Int64>(0)
    /// Ends the line so that nothing more can leave on it.
    private let cutter = Mutex<(@Sendable () -> Void)?>(nil)
    /// Whether an answer that takes long is still allowed under the policy of now; nil for all others.
    private let reviewer = Mutex<(@Sendable () -> Bool)?>(nil)
    /// The lease whose answer is under way, where it is one's.
    private let lease = Mutex<LeaseHolder.Shown?>(nil)
    /// The policy this line was last answered under, so that lines do not queue for it.
    private let lastPolicy = Mutex<PolicySnapshot?>(nil)

    /// The service whose call is being answered, as far as it is counted among those it may have at once; 0 while none is.
    private let counted = Atomic<Int64>(0)

    /// A line with no answer on its way.
    package init() {}

    func policy(of vault: Vault) -> PolicySnapshot {
        let serial = vault.policySerial
        return lastPolicy.withLock { last in
            if let last, last.serial == serial { return last }
            let policy = vault.policy
            last = policy
            return policy
        }
    }

    /// The call being answered counts as one of this service's.
    func isCounted(of service: Int64) { counted.store(service, ordering: .relaxed) }

    /// Whose call was counted, told once; nil where none was.
    func countedOf() -> Int64? {
        let service = counted.exchange(0, ordering: .relaxed)
        return service == 0 ? nil : service
    }

    /// How to cut the line; the first that is said counts.
    package func canBeCut(by cut: @autoclosure () -> @Sendable () -> Void) {
        cutter.withLock { if $0 == nil { $0 = cut() } }
    }

    /// Whether that was said already: it is asked for each request.
    package var hasCutter: Bool { cutter.withLock { $0 != nil } }

    func cut() { cutter.withLock { $0 }?() }

    /// The answer under way takes long: a revocation does not wait for it, but asks whether it may go on. nil when it has
    /// ended.
    func isReviewed(by review: (@Sendable () -> Bool)?) { reviewer.withLock { $0 = review } }

    /// The answer under way is made with this lease; nil when it has ended.
    func uses(_ shown: LeaseHolder.Shown?) { lease.withLock { $0 = shown } }

    /// Whether an answer made with this lease is under way.
    func isAnswering(with lease: Lease) -> Bool {
        under.load(ordering: .sequentiallyConsistent) != 0 && self.lease.withLock { $0?.isOf(lease) ?? false }
    }

    /// Cuts the answer under way when it is reviewed and no longer allowed; false where it is a short one that can be
    /// waited for.
    func review() -> Bool {
        guard let review = reviewer.withLock({ $0 }) else { return false }
        if under.load(ordering: .sequentiallyConsistent) != 0, !review() { cut() }
        return true
    }

    /// Takes the answer under way into `epoch` when it is reviewed and still allowed, cuts it when it no longer is; false
    /// where it is a short one that a revocation can wait for.
    func review(under epoch: Int64) -> Bool {
        guard let review = reviewer.withLock({ $0 }) else { return false }
        let was = under.load(ordering: .sequentiallyConsistent)
        guard was != 0, was < epoch else { return true }
        guard review() else {
            cut()
            return true
        }
        _ = under.compareExchange(expected: was, desired: epoch, ordering: .sequentiallyConsistent)
        return true
    }
}
