import DurabilityVFS
import Linux
import Rules
import Sealing
import Synchronization
import Testing

@testable import Vault

/// Several threads change and read a vault until the power goes; what was acknowledged must be there afterwards.
@Suite struct `After a power cut` {
    private let disk = Disk()
    private let place: Place
    private let app: Int64
    private let tenant: Int64
    private static let kinds: [SecretKind] = [.signingSecret, .clientSecret, .webhookSecret]

    init() throws {
        place = try Place.new()
        let vault = try place.open()
        (app, tenant) = try vault.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(slug("acme"), title: "Acme")
            let app = try transaction.addApp(
                slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
            return (app.id, tenant.id)
        })
        vault.close()
    }

    /// What callers were told.
    private struct Acknowledged {
        var records: Set<RequestID> = []
        /// The newest version of each kind.
        var versions: [SecretKind: Int64] = [:]
        /// Versions whose value was handed out, after the record of it was durable.
        var read = 0
        var problems: [Problem] = []
    }

    private func value(_ kind: SecretKind, _ version: Int64) -> String { "\(kind.rawValue) number \(version)" }

    /// One thread: a new version and its record in one change, a read with its record, and again.
    private func work(_ vault: Vault, _ kind: SecretKind, rounds: Int, _ told: borrowing Mutex<Acknowledged>) {
        let name = SecretName(app: app, kind: kind)
        for _ in 0..<rounds {
            do throws(Problem) {
                let change = note("secret.set", by: kind.rawValue)
                let stored = try vault.change(always: { transaction throws(Problem) in
                    let next = (try transaction.head(of: name)?.lastVersion ?? 0) + 1
                    try transaction.record(change)
                    return try transaction.store(
                        box(value(kind, next)), as: name, tenant: tenant, by: "uid:0",
                        graceEnds: next % 2 == 0 ? transaction.now + 60_000 : nil)
                })
                told.withLock {
                    $0.records.insert(change.requestID)
                    $0.versions[kind] = stored.version
                }
                let read = note("secret.read", by: kind.rawValue)
                let found = try vault.value(name)
                guard try vault.record(read) else { continue }
                told.withLock {
                    $0.records.insert(read.requestID)
                    $0.read += found == nil ? 0 : 1
                }
            } catch {
                told.withLock { $0.problems.append(error) }
                return
            }
        }
    }

    /// Runs the threads until they are through or the power is gone.
    private func run(_ options: Vault.Options, rounds: Int, cutAt operation: Int?, _ loss: Disk.Loss) throws
        -> Acknowledged
    {
        let told = Mutex(Acknowledged())
        do {
            let vault = try place.open(options)
            if let operation { disk.cutPower(atOperation: operation, losing: loss) }
            try withThreads(Self.kinds.count) { index in work(vault, Self.kinds[index], rounds: rounds, told) }
        }
        disk.cutPower(losing: loss)
        disk.restorePower()
        return told.withLock { $0 }
    }

    /// How many acknowledged things are missing from the vault as it is now; it must be sound in any case.
    private func missing(_ told: Acknowledged) throws -> Int {
        let vault = try place.open()
        try vault.checkTables()
        #expect(try vault.verifyAudit().damage == nil)
        let found = Set(try vault.events().map(\.entry.requestID))
        var missing = told.records.subtracting(found).count
        for kind in Self.kinds {
            let name = SecretName(app: app, kind: kind)
            guard let (head, _) = try vault.history(of: name), let current = head.current else {
                missing += told.versions[kind] == nil ? 0 : 1
                continue
            }
            if let version = told.versions[kind], current < version { missing += 1 }
            #expect(try vault.value(name) == value(kind, current))
            #expect(current == head.lastVersion)
        }
        return missing
    }

    @Test(arguments: [Disk.Loss.all, .some(seed: 11), .some(seed: 12)])
    func `at any operation everything acknowledged is there and the log verifies`(_ loss: Disk.Loss) throws {
        var records = 0
        var cuts = 0
        for operation in 1...60 {
            let told = try run(.init(vfs: disk.name), rounds: 200, cutAt: operation, loss)
            cuts += told.problems.isEmpty ? 0 : 1
            records += told.records.count
            for problem in told.problems { #expect(problem.code == .auditUnavailable) }
            #expect(try missing(told) == 0, "operation \(operation)")
        }
        #expect(cuts == 60)
        #expect(records > 60)
    }

    /// The same test, so that it is known to be able to fail.
    @Test func `without syncing something acknowledged is gone`() throws {
        let told = try run(.init(vfs: disk.name, isDurable: false), rounds: 20, cutAt: nil, .all)
        #expect(told.problems.isEmpty)
        #expect(told.records.count == 120)
        #expect(try missing(told) > 0)
    }

    @Test func `with syncing the same work is all there`() throws {
        let told = try run(.init(vfs: disk.name), rounds: 20, cutAt: nil, .all)
        #expect(told.problems.isEmpty)
        #expect(try missing(told) == 0)
        #expect(told.read == 60)
    }

    /// One group is one transaction and one sync, whoever is in it.
    @Test func `a group has cost one sync`() throws {
        let vault = try place.open(.init(vfs: disk.name))
        // The first commit to a new write-ahead log syncs its header too.
        #expect(try vault.record(note()))
        let before = disk.syncs
        let jobs = (0..<64).map { _ in WriteJob(.record(note()), epoch: nil, isRevoking: false) }
        vault.core.commit(jobs)
        for job in jobs { #expect(job.isDone) }
        #expect(disk.syncs - before == 1)
    }
}
