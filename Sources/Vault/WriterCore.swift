import Linux
import Rules
import SQLite
import Sealing
import Synchronization

/// Carries out groups. Only the leader of the writer's queue calls it, so it needs no lock of its own.
final class WriterCore: @unchecked Sendable {  // one caller at a time, by the writer's queue
    /// A checkpoint at least this often (design, section 8).
    static let recordsPerCheckpoint: Int64 = 1000

    private let connection: Connection
    private let keys: KeyRing
    private let mac: RowMAC
    private let anchors: Anchors
    private let ballast: Ballast
    private let version: DataVersion
    private let publish: (PolicySnapshot) -> Void
    private let announce: ([Notice]) -> Void
    private let frames = Atomic<Int>(0)
    private let lastTime: Atomic<Int64>
    private var policy: PolicySnapshot
    private var state: VaultState
    private var names = NameTable()
    private let leaseCounts = LeaseCounts()
    /// What the last group ran into; nil while all is well. Read by `status`.
    let trouble = Mutex<Problem?>(nil)
    /// The state after the last commit, for readers of another thread.
    let committed: Mutex<VaultState>
    /// How often apps were called in the month they were last called in, as committed.
    let usage = Mutex<[Int64: Usage]>([:])

    init(
        connection: Connection, keys: KeyRing, state: VaultState, policy: PolicySnapshot, anchors: Anchors,
        ballast: Ballast, version: DataVersion, publish: @escaping (PolicySnapshot) -> Void,
        announce: @escaping ([Notice]) -> Void
    ) {
        self.connection = connection
        self.keys = keys
        mac = RowMAC(keys)
        self.state = state
        self.policy = policy
        self.anchors = anchors
        self.ballast = ballast
        self.version = version
        self.publish = publish
        self.announce = announce
        committed = Mutex(state)
        lastTime = Atomic(state.lastTime)
    }

    /// Milliseconds since 1970: the wall clock, or the newest record where the clock was put back.
    var now: Int64 { max(Clock.wallMilliseconds, lastTime.load(ordering: .acquiring)) }

    /// Pages in the write-ahead log after the last commit.
    var walFrames: Int { frames.load(ordering: .relaxed) }

    /// Moves the whole write-ahead log into the file, so that the next commit writes at its beginning. Nobody reads.
    func restartLog() {
        do {
            _ = try connection.checkpoint(.restart)
            frames.store(0, ordering: .relaxed)
        } catch { Log.warning("checkpoint_failed", ["reason": error]) }
    }

    /// Gives every job of the group an outcome.
    func commit(_ group: [WriteJob]) {
        if ballast.isSpent { return commitFromReserve(group, Self.spent) }
        do {
            try attempt(group)
            if trouble.withLock({ $0 != nil }) { trouble.withLock { $0 = nil } }
        } catch {
            trouble.withLock { $0 = error }
            commitFromReserve(group, error)
        }
    }

    /// Only what takes something away may use the reserve; one at a time, so that one cannot fail another.
    private func commitFromReserve(_ group: [WriteJob], _ problem: Problem) {
        for job in group where !job.isRevoking { job.outcome = .failed(problem) }
        let revoking = group.filter(\.isRevoking)
        guard !revoking.isEmpty else { return }
        ballast.release()
        for job in revoking {
            do { try attempt([job]) } catch { job.outcome = .failed(error) }
        }
    }

    private static let spent = Problem(
        .auditUnavailable, "the disk was full and the reserve is in use, so only what takes something away is recorded",
        advice: "make room on the disk of the vault; the reserve is made again by itself")

    /// One transaction. On an error nothing of it remains, in the file or here.
    private func attempt(_ group: [WriteJob]) throws(Problem) {
        let now = max(Clock.wallMilliseconds, state.lastTime)
        let transaction = Transaction(
            connection: connection, keys: keys, mac: mac, state: state, names: names,
            leaseCounts: leaseCounts, now: now)
        do throws(Problem) {
            try connection.bridging { () throws(SQLiteError) in try connection.beginImmediate() }
            for job in group { try perform(job, transaction) }
            try transaction.storeCounts()
            if transaction.state.auditSeq - state.checkpointSeq >= Self.recordsPerCheckpoint {
                transaction.signed = try transaction.checkpoint(signedBy: keys.signing)
            }
            if transaction.state != state {
                try transaction.state.store(connection, keys)
            }
            try connection.bridging { () throws(SQLiteError) in try connection.commit() }
        } catch {
            try? connection.rollback()
            names = NameTable()
            leaseCounts.forget()
            throw error
        }
        finish(transaction)
    }

    private func perform(_ job: WriteJob, _ transaction: Transaction) throws(Problem) {
        if let epoch = job.epoch, epoch != transaction.state.epoch {
            job.outcome = .stale
            return
        }
        switch job.work {
        case .maintain: return
        case .record(let entry):
            try transaction.record(entry)
            job.outcome = .done
        case .call(let entry, let app):
            // Giving a lease back moves no epoch.
            if let id = entry.leaseID, try transaction.lease(id)?.state != .live {
                job.outcome = .stale
                return
            }
            try transaction.record(entry)
            transaction.counting[app, default: 0] += 1
            job.outcome = .done
        case .add(let body): try add(job, body, transaction)
        case .change(let body):
            let before = transaction.state
            let changed = transaction.policyChanged
            let signed = transaction.signed
            let told = transaction.notices.count
            transaction.names.keep()
            leaseCounts.keep()
            try connection.bridging { () throws(SQLiteError) in try connection.savepoint() }
            do throws(Problem) {
                try body(transaction)
                try connection.bridging { () throws(SQLiteError) in try connection.releaseSavepoint() }
                job.outcome = .done
            } catch {
                // An error that ended the transaction took every savepoint with it: the group fails as a whole.
                guard connection.isInTransaction, error.code != .auditUnavailable else { throw error }
                try connection.bridging { () throws(SQLiteError) in try connection.rollbackSavepoint() }
                transaction.state = before
                transaction.policyChanged = changed
                transaction.signed = signed
                transaction.notices.removeSubrange(told...)
                transaction.names.takeBack()
                leaseCounts.takeBack()
                job.outcome = .failed(error)
            }
        }
    }

    /// Without a savepoint, which would copy every page that is written to: only what has written cannot be taken back.
    private func add(
        _ job: WriteJob, _ body: (Transaction) throws(Problem) -> Void, _ transaction: Transaction
    ) throws(Problem) {
        let before = transaction.state
        let writes = transaction.writes
        let told = transaction.notices.count
        transaction.names.keep()
        leaseCounts.keep()
        do throws(Problem) {
            try body(transaction)
            job.outcome = .done
        } catch {
            guard connection.isInTransaction, transaction.writes == writes else { throw error }
            transaction.state = before
            transaction.notices.removeSubrange(told...)
            transaction.names.takeBack()
            leaseCounts.takeBack()
            job.outcome = .failed(error)
        }
    }

    /// The group is durable: what it changed is in force before anyone hears of it.
    private func finish(_ transaction: Transaction) {
        let epochMoved = transaction.state.epoch != state.epoch
        frames.store(connection.walFrames, ordering: .relaxed)
        if let changed = transaction.changed { version.move(changed) }
        state = transaction.state
        names = transaction.names
        names.keep()
        let newState = state
        committed.withLock { $0 = newState }
        lastTime.store(newState.lastTime, ordering: .releasing)
        if !transaction.counted.isEmpty {
            usage.withLock { usage in for row in transaction.counted { usage[row.app] = row } }
        }
        if transaction.policyChanged || epochMoved {
            do throws(Problem) {
                policy =
                    transaction.policyChanged
                    ? try PolicySnapshot.load(connection, keys, epoch: state.epoch)
                    : policy.moved(to: state.epoch)
            } catch {
                // The change is durable but cannot be read back: nothing may be decided by what is in memory.
                trouble.withLock { $0 = error }
                policy = .nothingAllowed(epoch: state.epoch)
            }
            publish(policy)
        }
        // After the policy: whoever is told something decides by it.
        if !transaction.notices.isEmpty { announce(transaction.notices) }
        if let checkpoint = transaction.signed { anchors.append(checkpoint, at: transaction.now) }
    }
}
