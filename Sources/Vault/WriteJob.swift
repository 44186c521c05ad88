import Rules

/// One request's share of a group commit.
final class WriteJob: @unchecked Sendable {  // handed from thread to thread under the queue's lock and the signal
    enum Work {
        /// Only a record; the common case, without a savepoint.
        case record(AuditEntry)
        /// A record of a call to an app's platform, which is counted in the same transaction.
        case call(AuditEntry, app: Int64)
        case change((Transaction) throws(Problem) -> Void)
        /// A change that fails, if it does, before it has written anything: it needs no savepoint.
        case add((Transaction) throws(Problem) -> Void)
        /// Something done between two groups.
        case maintain(() -> Void)
    }

    enum Outcome {
        case done
        case failed(Problem)
        /// The policy epoch moved after the decision: decide again.
        case stale
    }

    let work: Work
    /// The policy epoch the request was decided under; nil when it does not depend on the policy.
    let epoch: Int64?
    /// Takes something away: still carried out when the disk is full (design, section 4).
    let isRevoking: Bool
    var outcome: Outcome?

    init(_ work: Work, epoch: Int64?, isRevoking: Bool) {
        self.work = work
        self.epoch = epoch
        self.isRevoking = isRevoking
    }
}
