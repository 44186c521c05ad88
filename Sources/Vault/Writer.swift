import Linux
import Rules

/// The one way to change the vault: requests gather in a queue whose leader commits them as a group.
///
/// One transaction and one fsync serve all who came while the last group was being written. There is no writer thread:
/// the first to come leads, and passes the lead on to one who waits, so that a lone client pays for no switch.
final class Writer: Sendable {
    private static let longestGroup = 512

    private struct Queue {
        var waiting: [WriteJob] = []
        var isLed = false
    }

    /// A plain lock: `Mutex` hands itself to the longest waiter through the kernel, which makes convoys of the many
    /// who come here (measured: a quarter of all time at 64 clients).
    private let queue = Gate(Queue())
    private let core: WriterCore

    init(_ core: WriterCore) { self.core = core }

    /// Runs `body` between two groups, while nothing is being written.
    func run(maintenance body: @escaping () -> Void) {
        run(WriteJob(.maintain(body), epoch: nil, isRevoking: false))
    }

    /// Returns when the job has an outcome: committed and durable, refused, or failed without a trace.
    func run(_ job: WriteJob) {
        let leads = queue.withLock { queue in
            queue.waiting.append(job)
            defer { queue.isLed = true }
            return !queue.isLed
        }
        if !leads {
            job.signal.wait()
            // Either the leader has dealt with it, or it has been made the next leader.
            if job.outcome != nil { return }
        }
        let group = queue.withLock { queue in
            let group = Array(queue.waiting.prefix(Self.longestGroup))
            queue.waiting.removeFirst(group.count)
            return group
        }
        for job in group {
            guard case .maintain(let body) = job.work else { continue }
            body()
            job.outcome = .done
        }
        core.commit(group.filter { $0.outcome == nil })
        let next = queue.withLock { queue in
            if queue.waiting.isEmpty { queue.isLed = false }
            return queue.waiting.first
        }
        next?.signal.raise()
        for other in group where other !== job { other.signal.raise() }
    }
}
