import Linux
import Rules
import SQLite
import Sealing
import Synchronization
import Testing

@testable import Vault

/// One transaction for many requests, and each request's error its own.
@Suite struct `A group of changes` {
    private let place: Place
    private let vault: Vault

    init() throws {
        place = try Place.new()
        vault = try place.open()
    }

    @Test func `keeps what succeeded and takes back only what failed`() throws {
        let group = [
            WriteJob.change { transaction throws(Problem) in _ = try transaction.addTenant(slug("acme"), title: "") },
            .change { transaction throws(Problem) in
                _ = try transaction.addTenant(slug("gone"), title: "")
                try transaction.record(note("gone", by: "a-name-of-its-own"))
                throw Problem(.badRequest, "on second thoughts")
            },
            .change { transaction throws(Problem) in _ = try transaction.addTenant(slug("acme"), title: "") },
            .record(note("kept", by: "a-name-of-its-own")),
            .change { transaction throws(Problem) in _ = try transaction.addTenant(slug("bolt"), title: "") },
        ]
        vault.core.commit(group)
        #expect(group[0].isDone)
        #expect(group[1].failure?.code == .badRequest)
        #expect(group[2].failure?.code == .conflict)
        #expect(group[3].isDone)
        #expect(group[4].isDone)
        #expect(Set(vault.policy.tenants.values.map(\.tenant.slug.value)) == ["acme", "bolt"])
        #expect(try vault.events().map(\.entry.action) == ["vault.init", "kept"])
        #expect(try vault.verifyAudit().isSound)
        try vault.checkTables()
        // The key of the tenant that was taken back has no row; the others' do.
        let again = try place.rows("SELECT count(*) FROM keys WHERE purpose = 'tenant'")
        #expect(again == [["2"]])
    }

    @Test func `lets what only adds fail alone as long as it has not written`() throws {
        func adding(_ body: @escaping (Transaction) throws(Problem) -> Void) -> WriteJob {
            WriteJob(.add(body), epoch: nil, isRevoking: false)
        }
        let first = [
            WriteJob.record(note("before")),
            adding { _ throws(Problem) in throw Problem(.rateLimited, "there are enough") },
            adding { transaction throws(Problem) in try transaction.record(note("added")) },
        ]
        vault.core.commit(first)
        #expect(first[0].isDone)
        #expect(first[1].failure?.code == .rateLimited)
        #expect(first[2].isDone)
        let second = [
            WriteJob.record(note("never")),
            adding { transaction throws(Problem) in
                try transaction.record(note("half"))
                throw Problem(.badRequest, "too late")
            },
        ]
        vault.core.commit(second)
        #expect(second.allSatisfy { $0.failure != nil })
        #expect(try vault.events().map(\.entry.action) == ["vault.init", "before", "added"])
        #expect(try vault.verifyAudit().isSound)
    }

    @Test func `sends back what was decided before a revocation in the same group`() throws {
        let tenant = try vault.change(always: { transaction throws(Problem) in
            try transaction.addTenant(slug("acme"), title: "")
        })
        let epoch = vault.policy.epoch
        let group = [
            WriteJob.record(note("before"), epoch: epoch),
            .change(epoch: epoch) { transaction throws(Problem) in
                try transaction.setStanding(.suspended, of: tenant.id)
            },
            .record(note("after"), epoch: epoch),
            .change(epoch: epoch) { transaction throws(Problem) in
                _ = try transaction.addTenant(slug("after"), title: "")
            },
            .record(note("regardless")),
        ]
        vault.core.commit(group)
        #expect(group.map(\.isDone) == [true, true, false, false, true])
        #expect(group.map(\.isStale) == [false, false, true, true, false])
        #expect(try vault.events().map(\.entry.action).suffix(2) == ["before", "regardless"])
        #expect(vault.policy.epoch == epoch + 1)
        #expect(try !vault.record(note("late"), decidedUnder: epoch))
        #expect(try vault.record(note("again"), decidedUnder: vault.policy.epoch))
    }

    /// A revocation that failed has taken nothing away.
    @Test func `does not move the epoch for a revocation that was taken back`() throws {
        let epoch = vault.policy.epoch
        let group = [
            WriteJob.change { transaction throws(Problem) in
                transaction.raiseEpoch()
                throw Problem(.notFound, "nothing there")
            },
            .record(note("after"), epoch: epoch),
        ]
        vault.core.commit(group)
        #expect(group[0].failure?.code == .notFound)
        #expect(group[1].isDone)
        #expect(vault.policy.epoch == epoch)
    }

    private enum Taking: CaseIterable {
        case tenant, service, serviceGone, grant, role, lease, app, newService
    }

    @Test(arguments: Taking.allCases)
    private func `that takes something away moves the epoch`(_ what: Taking) throws {
        let ids = try vault.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(slug("acme"), title: "")
            let app = try transaction.addApp(
                slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
            let service = try transaction.addService(slug("bridge"), selectors: [.uid(1)])
            let grant = try transaction.addGrant(
                to: service.id, pattern: GrantPattern(tenant: nil, platform: nil, appID: nil),
                actions: [.deliverToken], methods: [], scope: [], maxTTL: Interval(seconds: 1), by: "uid:0")
            let role = try transaction.addRole(.admin, to: .uid(2), tenant: nil)
            try transaction.add(
                lease: Lease(
                    id: "ls_1", service: service.id, app: app.id, installation: 0, leg: .bot, grant: grant.id,
                    delivery: .gateway, methods: [], scope: [], createdAt: 0, expiresAt: 1, bootID: "", bootExpires: 1,
                    version: 0))
            return (tenant: tenant.id, grant: grant.id, role: role.id)
        })
        let epoch = vault.policy.epoch
        try vault.change(always: { transaction throws(Problem) in
            switch what {
            case .tenant: try transaction.setStanding(.suspended, of: ids.tenant)
            case .service: try transaction.setStanding(.suspended, ofService: slug("bridge"))
            case .serviceGone: _ = try transaction.removeService(slug("bridge"))
            case .grant: _ = try transaction.removeGrant(ids.grant)
            case .role: _ = try transaction.removeRole(ids.role)
            case .lease: _ = try transaction.revokeLease("ls_1")
            case .app:
                guard var app = try transaction.app(slack("A1")) else { return }
                app.state = .suspended
                try transaction.update(app: app, takesAway: true)
            case .newService: _ = try transaction.addService(slug("other"), selectors: [.uid(1)])
            }
        })
        #expect(vault.policy.epoch > epoch)
        #expect(try !vault.record(note(), decidedUnder: epoch))
    }

    @Test func `of 64 threads loses nothing and numbers everything once`() throws {
        let told = Mutex<[RequestID]>([])
        let failed = Mutex<[Problem]>([])
        try withThreads(64) { thread in
            for round in 0..<20 {
                let entry = note("round", by: "thread-\(thread)")
                do throws(Problem) {
                    if round % 5 == 0 {
                        try vault.change(always: { transaction throws(Problem) in
                            _ = try transaction.addService(slug("s-\(thread)-\(round)"), selectors: [.uid(1)])
                            try transaction.record(entry)
                        })
                    } else {
                        _ = try vault.record(entry)
                    }
                    told.withLock { $0.append(entry.requestID) }
                } catch {
                    failed.withLock { $0.append(error) }
                }
            }
        }
        #expect(failed.withLock { $0.count } == 0)
        let events = try vault.events()
        #expect(Set(events.map(\.entry.requestID)).isSuperset(of: told.withLock { $0 }))
        #expect(events.count == 64 * 20 + 1)
        #expect(vault.policy.services.count == 64 * 4)
        #expect(try vault.verifyAudit().isSound)
        try vault.checkTables()
        // Every thousand records are signed at once.
        #expect(try vault.verifyAudit().signedUpTo >= 1000)
    }

    /// More names than the table holds: the table starts anew, the log still says every one of them.
    @Test func `with more names than are remembered still verifies`() throws {
        let count = NameTable.limit + 700
        for start in stride(from: 0, to: count, by: 400) {
            let group = (start..<min(start + 400, count)).map { WriteJob.record(note("n", by: "name-\($0)")) }
            vault.core.commit(group)
            for job in group { #expect(job.isDone) }
        }
        _ = try vault.record(note("n", by: "name-0"))
        #expect(try vault.verifyAudit().isSound)
        let names = try vault.events().dropFirst().map(\.entry.actor.name)
        #expect(names.count == count + 1)
        let right = names.dropLast().enumerated().allSatisfy { $0.element == "name-\($0.offset)" }
        #expect(right)
        #expect(names.last == "name-0")
    }
}

/// Time is the wall clock's, or the newest record's where the clock was put back.
@Suite struct `When the clock was put back` {
    @Test func `time does not go back`() throws {
        let place = try Place.new()
        let future = Clock.wallMilliseconds + 3_600_000
        do {
            let vault = try place.open()
            // As if the newest record had been written an hour from now.
            try vault.change(always: { transaction throws(Problem) in transaction.state.lastTime = future })
        }
        let vault = try place.open()
        #expect(vault.now == future)
        for _ in 0..<3 { _ = try vault.record(note()) }
        let times = try vault.change(always: { transaction throws(Problem) in transaction.now })
        #expect(times == future)
        #expect(try vault.events().suffix(3).map(\.time) == [future, future, future])
        #expect(try vault.verifyAudit().isSound)
    }
}
