import Linux
import Rules
import SQLite
import Sealing
import Synchronization

extension Vault {
    /// When the write-ahead log is moved into the file in the background, and when writing waits for that.
    private static let walPassive: Int64 = 4 * 1024 * 1024
    private static let walTruncate: Int64 = 48 * 1024 * 1024

    /// One round of what must happen now and then; called every second by a thread of its own.
    package func keepHouse(minute: Bool) {
        checkpointFile()
        guard minute else { return }
        signCheckpoint()
        sweep()
        if trouble == nil { ballast.restore() }
    }

    /// Moves the write-ahead log into the file, beside readers and writers; only a very long one makes writers wait.
    private func checkpointFile() {
        try? readers.read { reader throws(Problem) in
            let bytes = reader.connection.walBytes
            guard bytes > Vault.walPassive else { return }
            _ = try? reader.connection.checkpoint(bytes > Vault.walTruncate ? .truncate : .passive)
        }
    }

    /// Signs what is not under a checkpoint yet. Returns whether there was anything.
    @discardableResult
    package func signCheckpoint() -> Bool {
        let state = core.committed.withLock { $0 }
        guard state.auditSeq > state.checkpointSeq else { return false }
        do {
            try change(always: { transaction throws(Problem) in
                guard transaction.state.auditSeq > transaction.state.checkpointSeq else { return }
                transaction.signed = try transaction.checkpoint(signedBy: transaction.keys.signing)
            })
            return true
        } catch {
            Log.warning("checkpoint_failed", ["code": error.code.rawValue, "reason": error.reason])
            return false
        }
    }

    /// Ends what time has ended: previous versions, leases, flows.
    private func sweep() {
        do {
            let day: Int64 = 86_400_000
            try change(always: { transaction throws(Problem) in
                _ = try transaction.destroyEnded()
                _ = try transaction.dropLeases(endedBefore: transaction.now - day)
                _ = try transaction.dropFlows(endedBefore: transaction.now - day)
            })
        } catch {
            Log.warning("sweep_failed", ["code": error.code.rawValue, "reason": error.reason])
        }
    }

    /// A clean end: what was recorded is signed, and the write-ahead log is in the file.
    package func close() {
        signCheckpoint()
        try? readers.read { reader throws(Problem) in _ = try? reader.connection.checkpoint(.truncate) }
    }
}
