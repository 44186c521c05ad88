package import Rules
import SQLite
import Sealing
import Synchronization

/// An open vault: sealed values, the policy in memory, the log, and the one queue by which anything changes.
package final class Vault: Sendable {
    package let directory: VaultDirectory
    package let keys: KeyRing
    package let createdAt: Int64
    let readers: Readers
    let core: WriterCore
    let ballast: Ballast
    let writer: Writer
    /// Used by the one thread that keeps house.
    let checkpointer: Connection
    private let published: PublishedPolicy
    private let listener: Listener
    /// What a check found; while it is set nothing is handed out.
    private let damage = Mutex<Problem?>(nil)
    private let isDamaged = Atomic<Bool>(false)

    init(
        directory: VaultDirectory, keys: KeyRing, createdAt: Int64, readers: Readers, connection: Connection,
        checkpointer: Connection, version: DataVersion,
        state: VaultState, policy: PolicySnapshot
    ) {
        self.directory = directory
        self.keys = keys
        self.createdAt = createdAt
        self.readers = readers
        self.checkpointer = checkpointer
        ballast = Ballast(path: directory.ballast)
        let published = PublishedPolicy(policy)
        self.published = published
        let listener = Listener()
        self.listener = listener
        core = WriterCore(
            connection: connection, keys: keys, state: state, policy: policy,
            anchors: Anchors(path: directory.anchors), ballast: ballast, version: version,
            publish: { published.set($0) }, announce: { listener.hear($0) })
        writer = Writer(core)
    }

    package var vaultID: String {
        let id = keys.vaultID
        return Hex.encode(id.span)
    }

    // MARK: - The policy

    /// What decides access now.
    package var policy: PolicySnapshot { published.get() }

    /// Changes whenever `policy` does; cheap enough to be asked by every request.
    package var policySerial: Int64 { published.serial }

    /// Has `hear` told what becomes durable from now on, in order, before those who changed it are answered. It is
    /// called by the thread that commits, so it must be quick, and must not change the vault.
    package func tellChanges(to hear: @escaping @Sendable ([Notice]) -> Void) { listener.set(hear) }

    // MARK: - Changing

    /// How a write that depends on a decision ended.
    package enum Outcome<Value: Sendable>: Sendable {
        case done(Value)
        /// Something was taken away since the decision: decide again.
        case stale
    }

    /// Runs `body` in the next group and returns when it is durable.
    ///
    /// `epoch` is the policy epoch the caller decided under, or nil where no decision is involved. `isRevoking` marks
    /// what takes something away, which still works on a full disk. `onlyAdds` promises that `body` throws nothing of its
    /// own once it has written: such a change costs less, and one that breaks its promise fails the whole group.
    package func change<Value: Sendable>(
        decidedUnder epoch: Int64? = nil, isRevoking: Bool = false, onlyAdds: Bool = false,
        _ body: @escaping (Transaction) throws(Problem) -> Value
    ) throws(Problem) -> Outcome<Value> {
        var value: Value?
        let make = { (transaction: Transaction) throws(Problem) in value = try body(transaction) }
        let job = WriteJob(onlyAdds ? .add(make) : .change(make), epoch: epoch, isRevoking: isRevoking)
        guard try run(job) else { return .stale }
        guard let value else { preconditionFailure("a change that was made has a value") }
        return .done(value)
    }

    /// A change that no decision of the policy stands behind.
    @discardableResult
    package func change<Value: Sendable>(
        isRevoking: Bool = false, always body: @escaping (Transaction) throws(Problem) -> Value
    ) throws(Problem) -> Value {
        guard case .done(let value) = try change(decidedUnder: nil, isRevoking: isRevoking, body) else {
            preconditionFailure("without an epoch nothing is stale")
        }
        return value
    }

    /// Appends one record and returns when it is durable; false when the policy moved since `epoch`.
    package func record(_ entry: AuditEntry, decidedUnder epoch: Int64? = nil) throws(Problem) -> Bool {
        try run(WriteJob(.record(entry), epoch: epoch, isRevoking: false))
    }

    /// Has a job done; false where it was stale.
    func run(_ job: WriteJob) throws(Problem) -> Bool {
        writer.run(job)
        switch job.outcome {
        case .done: return true
        case .stale: return false
        case .failed(let problem): throw problem
        case nil: preconditionFailure("the writer gave no outcome")
        }
    }

    // MARK: - How it is

    /// Refuses while the vault is known to be damaged.
    package func requireSound() throws(Problem) {
        guard isDamaged.load(ordering: .acquiring) else { return }
        if let problem = damage.withLock({ $0 }) { throw problem }
    }

    package var knownDamage: Problem? { damage.withLock { $0 } }

    func note(damage problem: Problem) {
        damage.withLock { $0 = $0 ?? problem }
        isDamaged.store(true, ordering: .releasing)
    }

    /// Why nothing can be written at the moment; nil when all is well.
    package var trouble: Problem? { core.trouble.withLock { $0 } }
}

/// Whoever is told what has become durable.
private final class Listener: Sendable {
    private let told = Mutex<(@Sendable ([Notice]) -> Void)?>(nil)

    func set(_ hear: @escaping @Sendable ([Notice]) -> Void) { told.withLock { $0 = hear } }

    func hear(_ notices: [Notice]) { told.withLock { $0 }?(notices) }
}

/// The policy as all threads see it.
private final class PublishedPolicy: Sendable {
    private let current: Mutex<PolicySnapshot>
    private let newest: Atomic<Int64>

    init(_ policy: PolicySnapshot) {
        current = Mutex(policy)
        newest = Atomic(policy.serial)
    }

    var serial: Int64 { newest.load(ordering: .sequentiallyConsistent) }

    func get() -> PolicySnapshot { current.withLock { $0 } }

    /// The policy first: whoever sees its serial can get it.
    func set(_ policy: PolicySnapshot) {
        current.withLock { $0 = policy }
        newest.store(policy.serial, ordering: .sequentiallyConsistent)
    }
}
