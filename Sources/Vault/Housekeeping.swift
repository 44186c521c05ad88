import Linux
import Rules
import SQLite
import Sealing
import Synchronization

extension Vault {
    /// Frames in the write-ahead log (a page each) at which it is moved into the file in the background, and at which
    /// everybody waits for that, so that it starts again at its beginning.
    private static let framesInBackground = 1024
    private static let framesAtMost = 8192

    /// One round of what must happen now and then; called every second by a thread of its own.
    package func keepHouse(minute: Bool) {
        writer.writeLeft()
        checkpointFile()
        if ballast.isSpent { ballast.restore() }
        guard minute else { return }
        signCheckpoint()
        sweep()
        if trouble == nil { ballast.restore() }
    }

    /// Moves the write-ahead log into the file, beside readers and writers; only a long one makes them wait.
    ///
    /// The log file keeps its length: growing it again would cost every commit a change of the file's size on disk.
    private func checkpointFile() {
        guard core.walFrames > Vault.framesInBackground else { return }
        // Idle readers let go of their snapshots first; those taken meanwhile are new enough not to matter.
        readers.letGo()
        _ = try? checkpointer.checkpoint(.passive)
        guard core.walFrames > Vault.framesAtMost else { return }
        readers.whileNobodyReads { writer.run(maintenance: { [core] in core.restartLog() }) }
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
            // What a flow came to, with the person who went through it, is there for minutes.
            let flowsStay: Int64 = 600_000
            var dropped = 0
            repeat {
                dropped = try change(always: { transaction throws(Problem) in
                    _ = try transaction.destroyEnded()
                    return try transaction.dropLeases(endedBefore: transaction.now - day)
                        + transaction.dropFlows(endedBefore: transaction.now - flowsStay)
                        + transaction.dropRevocations(endedBefore: transaction.now - 30 * day)
                        // Nobody prolongs what was ended, so it is over by itself after the longest time there is.
                        + transaction.dropEndings(before: transaction.now - 2 * Grant.longestTTL.milliseconds)
                })
            } while dropped > 0
        } catch {
            Log.warning("sweep_failed", ["code": error.code.rawValue, "reason": error.reason])
        }
    }

    /// A clean end: what was recorded is signed, and the write-ahead log is in the file.
    package func close() {
        writer.writeLeft()
        signCheckpoint()
        readers.whileNobodyReads { _ = try? checkpointer.checkpoint(.truncate) }
    }
}
