import Linux
import Rules

/// Requests that are committed together; all but the first wait for one latch.
private final class WriteGroup: @unchecked Sendable {  // jobs only under the queue's lock, and by the leader afterwards
    var jobs: [WriteJob] = []
    let committed = Latch()
    /// The group before is written: its first member's turn has come.
    let turn = Signal()
}

/// The one way to change the vault: requests gather in a group that its first member commits.
///
/// One transaction and one fsync serve all who came while the last group was being written. There is no writer thread:
/// the first of a group leads it, so that a lone client pays for no switch of threads, and one system call wakes all
/// the others when the group is durable.
final class Writer: Sendable {
    private struct Queue {
        var forming = WriteGroup()
        var isWriting = false
        /// Jobs nobody waits for; they go with the next group.
        var left: [WriteJob] = []
    }

    /// A plain lock: `Mutex` hands itself to the longest waiter through the kernel, which makes convoys of the many
    /// who come here (measured: a quarter of all time at 64 clients).
    private let queue = Gate(Queue())
    private let core: WriterCore

    init(_ core: WriterCore) { self.core = core }

    /// Leaves a job for the next group. The clockwork makes one where nobody else does.
    func leave(_ job: WriteJob) { queue.withLock { $0.left.append(job) } }

    /// Writes what was left and has not gone with anybody.
    func writeLeft() {
        guard queue.withLock({ !$0.left.isEmpty }) else { return }
        run(maintenance: {})
    }

    /// Runs `body` between two groups, while nothing is being written.
    func run(maintenance body: @escaping () -> Void) {
        run(WriteJob(.maintain(body), epoch: nil, isRevoking: false))
    }

    /// Returns when the job has an outcome: committed and durable, refused, or failed without a trace.
    func run(_ job: WriteJob) {
        let (group, leads, mayWrite) = queue.withLock { queue in
            let group = queue.forming
            group.jobs.append(job)
            let leads = group.jobs.count == 1
            // The first of a group waits until the group before is written, then writes this one.
            let mayWrite = leads && !queue.isWriting
            if mayWrite { queue.isWriting = true }
            return (group, leads, mayWrite)
        }
        guard leads else { return group.committed.wait() }
        if !mayWrite {
            group.turn.wait()
            gather(group)
        }
        let (jobs, left) = queue.withLock { queue in
            queue.forming = WriteGroup()
            defer { queue.left = [] }
            return (group.jobs, queue.left)
        }
        for job in jobs {
            guard case .maintain(let body) = job.work else { continue }
            body()
            job.outcome = .done
        }
        core.commit(left + jobs.filter { $0.outcome == nil })
        for job in left {
            guard case .failed(let problem) = job.outcome else { continue }
            Log.warning("outcome_not_recorded", ["code": problem.code.rawValue])
        }
        let next = queue.withLock { queue in
            queue.isWriting = !queue.forming.jobs.isEmpty
            return queue.isWriting ? queue.forming : nil
        }
        next?.turn.raise()
        if jobs.count > 1 { group.committed.open() }
    }

    /// Lets those who were just answered ask again, for as long as any do: that makes groups larger, and a larger group
    /// costs no more writes than a small one (measured: 16 of 64 clients in a group without it).
    private func gather(_ group: WriteGroup) {
        var before = 0
        for _ in 0..<Self.longestGathering {
            let now = queue.withLock { _ in group.jobs.count }
            guard now > before else { return }
            before = now
            Thread.yield()
        }
    }

    /// So many times the first of a group gives way at most.
    private static let longestGathering = 8
}
