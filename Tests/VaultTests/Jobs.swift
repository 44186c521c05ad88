import Linux
import Rules

@testable import Vault

extension WriteJob {
    var isDone: Bool { if case .done? = outcome { true } else { false } }
    var isStale: Bool { if case .stale? = outcome { true } else { false } }
    var failure: Problem? { if case .failed(let problem)? = outcome { problem } else { nil } }

    static func change(
        epoch: Int64? = nil, isRevoking: Bool = false, _ body: @escaping (Transaction) throws(Problem) -> Void
    ) -> WriteJob {
        WriteJob(.change(body), epoch: epoch, isRevoking: isRevoking)
    }

    static func record(_ entry: AuditEntry = note(), epoch: Int64? = nil) -> WriteJob {
        WriteJob(.record(entry), epoch: epoch, isRevoking: false)
    }
}

/// Runs `body` on as many plain threads and waits for all of them.
func withThreads(_ count: Int, _ body: (Int) -> Void) throws {
    try withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let shared = body
        var threads: [Thread] = []
        for index in 0..<count {
            threads.append(try Thread.start(name: "test-\(index)") { unsafe shared(index) })
        }
        for thread in threads { thread.join() }
    }
}
