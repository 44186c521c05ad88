import Linux
import Synchronization
import Vault

/// Keeps the promise that after an acknowledged revocation no answer it forbids can leave (design, section 4).
///
/// A request says under which policy epoch it is being answered, from before it reads the policy until its last byte
/// has left. A revocation that is durable waits for the answers of older epochs, and cuts those that do not end. An
/// answer that takes long by its nature is not waited for: it is looked at again, and goes on or is cut at once.
final class AnswerGate: Sendable {
    /// How long a revocation waits for answers under way before it cuts their connections.
    private static let patience: Int64 = 1000

    private let lines = Mutex<[ObjectIdentifier: Answering]>([:])

    func add(_ line: Answering) { lines.withLock { $0[ObjectIdentifier(line)] = line } }

    func remove(_ line: Answering) { _ = lines.withLock { $0.removeValue(forKey: ObjectIdentifier(line)) } }

    /// Reads the policy and marks the line as being answered on under it.
    ///
    /// The policy is read again after the mark: either the mark is seen by a revocation that has published its own
    /// policy, or this sees that policy and goes round again.
    func enter(_ line: Answering, _ vault: Vault) -> PolicySnapshot {
        while true {
            let policy = line.policy(of: vault)
            line.under.store(policy.epoch, ordering: .sequentiallyConsistent)
            if vault.policySerial == policy.serial { return policy }
        }
    }

    func leave(_ line: Answering) {
        line.under.store(0, ordering: .sequentiallyConsistent)
        line.uses(nil)
    }

    /// Returns when no answer of an epoch before `epoch` can leave any more.
    func drain(before epoch: Int64) {
        drain({ Self.isAnswering($0, before: epoch) }, review: { $0.review(under: epoch) })
    }

    /// Returns when no answer made with this lease can leave any more, which has ended and is durable. Other answers are
    /// not waited for.
    func drain(of lease: Lease) { drain({ $0.isAnswering(with: lease) }, review: { $0.review() }) }

    private func drain(_ isOver: (Answering) -> Bool, review: (Answering) -> Bool) {
        let older = lines.withLock { lines in lines.values.filter(isOver) }
        // An answer can become a long one while it is waited for.
        func waiting(_ lines: [Answering]) -> [Answering] { lines.filter { isOver($0) && !review($0) } }
        var late = waiting(older)
        let deadline = Deadline.after(milliseconds: Self.patience)
        while !late.isEmpty, !deadline.hasPassed {
            Clock.sleep(microseconds: 100)
            late = waiting(late)
        }
        for line in late { line.cut() }
    }

    private static func isAnswering(_ line: Answering, before epoch: Int64) -> Bool {
        let under = line.under.load(ordering: .sequentiallyConsistent)
        return under != 0 && under < epoch
    }
}

extension AnswerGate {
    /// A caller's answers leave on his connection.
    func enter(_ caller: Caller, _ vault: Vault) -> PolicySnapshot { enter(caller.answering, vault) }

    func leave(_ caller: Caller) { leave(caller.answering) }

    /// An answer made with a lease, which is marked before the lease is looked up: whoever ends it afterwards waits for
    /// this answer, and after whoever has ended it before the lookup finds it ended.
    func enter(_ holder: LeaseHolder, _ vault: Vault) -> PolicySnapshot {
        holder.answering.uses(holder.shown)
        return enter(holder.answering, vault)
    }
}
