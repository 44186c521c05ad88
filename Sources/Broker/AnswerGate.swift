import Linux
import Synchronization
import Vault

/// Keeps the promise that after an acknowledged revocation no answer it forbids can leave (design, section 4).
///
/// A request says under which policy epoch it is being answered, from before it reads the policy until its last byte
/// has left. A revocation that is durable waits for the answers of older epochs, and cuts those that do not end.
final class AnswerGate: Sendable {
    /// How long a revocation waits for answers under way before it cuts their connections.
    private static let patience: Int64 = 1000

    private let callers = Mutex<[ObjectIdentifier: Caller]>([:])

    func add(_ caller: Caller) { callers.withLock { $0[ObjectIdentifier(caller)] = caller } }

    func remove(_ caller: Caller) { _ = callers.withLock { $0.removeValue(forKey: ObjectIdentifier(caller)) } }

    /// Reads the policy and marks the caller as being answered under it.
    ///
    /// The policy is read again after the mark: either the mark is seen by a revocation that has published its own
    /// policy, or this sees that policy and goes round again.
    func enter(_ caller: Caller, _ vault: Vault) -> PolicySnapshot {
        while true {
            let policy = caller.policy(of: vault)
            caller.answeringUnder.store(policy.epoch, ordering: .sequentiallyConsistent)
            if vault.policySerial == policy.serial { return policy }
        }
    }

    func leave(_ caller: Caller) { caller.answeringUnder.store(0, ordering: .sequentiallyConsistent) }

    /// Returns when no answer of an epoch before `epoch` can leave any more.
    func drain(before epoch: Int64) {
        let older = callers.withLock { callers in callers.values.filter { Self.isAnswering($0, before: epoch) } }
        var late = older
        let deadline = Deadline.after(milliseconds: Self.patience)
        while !late.isEmpty, !deadline.hasPassed {
            Clock.sleep(microseconds: 100)
            late = late.filter { Self.isAnswering($0, before: epoch) }
        }
        for caller in late { caller.cut() }
    }

    private static func isAnswering(_ caller: Caller, before epoch: Int64) -> Bool {
        let under = caller.answeringUnder.load(ordering: .sequentiallyConsistent)
        return under != 0 && under < epoch
    }
}
