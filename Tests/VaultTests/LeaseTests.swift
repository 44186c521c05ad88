import Rules
import Synchronization
import Testing

@testable import Vault

/// A vault with an app, an installation with a bot token, and a service with two grants.
private struct Stage: Sendable {
    let place: Place
    let vault: Vault
    let tenant: Int64
    let app: Int64
    let installation: Installation
    let service: Int64
    let grants: [Int64]

    init() throws {
        place = try Place.new()
        vault = try place.open()
        (tenant, app, installation, service, grants) = try vault.change(always: { transaction throws(Problem) in
            let installation = try transaction.addInstalledApp()
            _ = try transaction.storeLeg(
                .bot, of: installation, NewToken(token: box("token one"), scope: []), by: "x")
            let service = try transaction.addService(slug("bridge"), selectors: [.uid(1001)])
            var grants: [Int64] = []
            for _ in 0..<2 {
                grants.append(
                    try transaction.addGrant(
                        to: service.id, pattern: GrantPattern(tenant: nil, platform: nil, appID: nil),
                        actions: [.access(.bot)], methods: ["*"], scope: [], maxTTL: Interval(seconds: 600), by: "x"
                    ).id)
            }
            return (installation.tenant, installation.app, installation, service.id, grants)
        })
    }

    var name: SecretName { SecretName(app: app, installation: installation.id, kind: .botToken) }

    var moment: LeaseMoment { LeaseMoment(wall: vault.now, boot: 5_000_000, bootID: "this boot") }

    func lease(
        _ id: String, grant: Int = 0, delivery: Lease.Delivery = .gateway, ttl: Int64 = 600_000, version: Int64 = 0,
        bearer: [UInt8] = []
    ) -> Lease {
        Lease(
            id: id, service: service, app: app, installation: installation.id, leg: .bot, grant: grants[grant],
            delivery: delivery, methods: [], scope: [], createdAt: vault.now, expiresAt: vault.now + ttl,
            bootID: "this boot", bootExpires: 5_000_000 + ttl, version: version, uid: 1001, bearer: bearer)
    }

    func add(_ lease: Lease, atMost most: Int64 = .max) throws(Problem) {
        try vault.change(always: { transaction throws(Problem) in try transaction.add(lease: lease, atMost: most) })
    }

    func state(_ id: String, in vault: Vault? = nil) throws -> LeaseStanding.State {
        let vault = vault ?? self.vault
        let lease = try #require(try vault.lease(id))
        return try vault.standing(of: lease, at: moment, in: vault.policy).state
    }

    func ids(_ filter: LeaseFilter = LeaseFilter(), after: LeasePlace? = nil, limit: Int = 1000) throws -> [String] {
        try vault.leases(filter, after: after, limit: limit, at: moment).page.map(\.0.id)
    }
}

@Suite struct `A lease` {
    /// Design, section 4: it ends at the earlier of wall and boot clock, whichever was stepped or stood still.
    @Test(
        arguments: [
            (0, 0, "this boot", true), (599, 599, "this boot", true), (600, 0, "this boot", false),
            (0, 600, "this boot", false), (-86_400, 600, "this boot", false), (-86_400, 599, "this boot", true),
            (0, 600, "the next boot", true), (600, 0, "the next boot", false), (86_400, 1, "this boot", false),
        ] as [(Int64, Int64, String, Bool)])
    func `ends by the earlier of two clocks`(_ wall: Int64, _ boot: Int64, _ bootID: String, _ isLive: Bool) throws {
        let stage = try Stage()
        let lease = stage.lease("ls_1")
        let moment = LeaseMoment(
            wall: lease.createdAt + wall * 1000, boot: 5_000_000 + boot * 1000, bootID: bootID)
        let standing = lease.standing(at: moment, in: stage.vault.policy)
        #expect((standing.state == .live) == isLive)
        #expect(standing.endsAt <= lease.expiresAt)
    }

    /// A clock that was put back stands still until it is where it was: a lease that is renewed lives on by the boot clock.
    @Test(arguments: [("this boot", 1_200_000), ("the next boot", 600_000)])
    func `is prolonged by both clocks`(_ bootID: String, _ left: Int64) throws {
        let stage = try Stage()
        var lease = stage.lease("ls_1")
        let ended = lease.expiresAt
        lease.prolong(
            to: lease.createdAt + 600_000,
            at: LeaseMoment(wall: lease.createdAt, boot: 5_600_000, bootID: bootID))
        #expect(lease.expiresAt == ended)
        #expect(lease.bootExpires == 5_000_000 + left)
        // Neither becomes earlier.
        let before = lease.bootExpires
        lease.prolong(to: ended - 1, at: LeaseMoment(wall: ended - 10, boot: 5_000_000, bootID: bootID))
        #expect(lease.expiresAt == ended && lease.bootExpires == before)
    }

    @Test func `that its service gives back ends without making anybody decide again`() throws {
        let stage = try Stage()
        try stage.add(stage.lease("ls_1"))
        try stage.add(stage.lease("ls_2"))
        let policy = stage.vault.policy
        try stage.vault.change(always: { transaction throws(Problem) in try transaction.giveBack(lease: "ls_1") })
        #expect(try stage.state("ls_1") == .revoked)
        #expect(stage.vault.policy.epoch == policy.epoch && stage.vault.policySerial == policy.serial)
        // A call that was allowed before is not written down, and not made.
        for (id, isMade) in [("ls_1", false), ("ls_2", true)] {
            var entry = note("gateway.call")
            entry.leaseID = id
            #expect(try stage.vault.recordCall(entry, of: stage.app, decidedUnder: policy.epoch) == isMade, "\(id)")
        }
        // An admin's word moves it, once.
        for moves in [true, false] {
            let before = stage.vault.policy.epoch
            _ = try stage.vault.change(always: { transaction throws(Problem) in try transaction.revokeLease("ls_2") })
            #expect((stage.vault.policy.epoch > before) == moves)
        }
    }

    @Test func `of any holder ends when all of its holder end, and what is given afterwards lives`() throws {
        let stage = try Stage()
        let ends: [(String, @Sendable (Transaction) throws(Problem) -> Void)] = [
            ("service", { t throws(Problem) in try t.endLeases(of: .service(stage.service)) }),
            ("app", { t throws(Problem) in try t.endLeases(of: .app(stage.app)) }),
            ("installation", { t throws(Problem) in try t.endLeases(of: .installation(stage.installation.id)) }),
            ("grant", { t throws(Problem) in try t.endLeases(of: .grant(stage.grants[0])) }),
            ("tenant", { t throws(Problem) in try t.endLeases(ofTenant: stage.tenant) }),
        ]
        for (name, end) in ends {
            try stage.add(stage.lease("ls_\(name)"))
            let epoch = stage.vault.policy.epoch
            try stage.vault.change(always: end)
            #expect(stage.vault.policy.epoch > epoch)
            #expect(try stage.state("ls_\(name)") == .revoked, "\(name)")
            // In the same millisecond or after the clock was put back: the order counts, not the time.
            try stage.add(stage.lease("ls_after_\(name)"))
            #expect(try stage.state("ls_after_\(name)") == .live, "\(name)")
        }
        #expect(try stage.vault.liveLeases(LeaseFilter(), at: stage.moment) == 1)
        // And so after a restart.
        stage.vault.close()
        let again = try stage.place.open()
        #expect(try stage.state("ls_after_tenant", in: again) == .live)
        for (name, _) in ends { #expect(try stage.state("ls_\(name)", in: again) == .revoked) }
        try again.checkTables()
    }

    @Test func `under another grant, app or installation goes on`() throws {
        let stage = try Stage()
        try stage.add(stage.lease("ls_1", grant: 1))
        try stage.vault.change(always: { transaction throws(Problem) in
            try transaction.endLeases(of: .grant(stage.grants[0]))
            try transaction.endLeases(of: .app(stage.app + 1000))
            try transaction.endLeases(of: .installation(stage.app))
        })
        #expect(try stage.state("ls_1") == .live)
    }

    @Test func `that handed out a token ends with the token's grace, and one at the gateway does not`() throws {
        let stage = try Stage()
        let graceEnds = stage.vault.now + 60_000
        try stage.add(stage.lease("ls_token", delivery: .token, version: 1))
        try stage.add(stage.lease("ls_gateway"))
        try stage.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.store(
                box("token two"), as: stage.name, tenant: stage.tenant, by: "x", graceEnds: graceEnds)
        })
        let lease = try #require(try stage.vault.lease("ls_token"))
        let standing = try stage.vault.standing(of: lease, at: stage.moment, in: stage.vault.policy)
        #expect(standing == LeaseStanding(state: .live, endsAt: graceEnds))
        let late = LeaseMoment(wall: graceEnds, boot: 5_000_000, bootID: "this boot")
        #expect(try stage.vault.standing(of: lease, at: late, in: stage.vault.policy).state == .ended)
        let page = try stage.vault.leases(LeaseFilter(), after: nil, limit: 10, at: late).page
        #expect(page.map { "\($0.0.id) \($0.1.state)" }.sorted() == ["ls_gateway live", "ls_token ended"])
        // Rotated once more, the value is gone before its time.
        try stage.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.store(box("token three"), as: stage.name, tenant: stage.tenant, by: "x", graceEnds: nil)
        })
        #expect(try stage.state("ls_token") == .ended)
        #expect(try stage.state("ls_gateway") == .live)
    }

    @Test func `with a bearer is found by its hash alone`() throws {
        let stage = try Stage()
        let hash = [UInt8](repeating: 7, count: 32)
        try stage.add(stage.lease("ls_1"))
        try stage.add(stage.lease("ls_2", delivery: .tcp, bearer: hash))
        try stage.add(stage.lease("ls_3"))
        #expect(try stage.vault.lease(ofBearer: hash)?.id == "ls_2")
        for other in [[], [UInt8](repeating: 8, count: 32), [UInt8](repeating: 7, count: 31)] {
            #expect(try stage.vault.lease(ofBearer: other) == nil)
        }
        let problem = #expect(throws: Problem.self) {
            try stage.add(stage.lease("ls_4", delivery: .tcp, bearer: hash))
        }
        #expect(problem?.code == .conflict)
    }

    @Test func `that is over is dropped a day later, and its ending after no lease can be under it`() throws {
        let stage = try Stage()
        try stage.add(stage.lease("ls_old", ttl: -100_000_000))
        try stage.add(stage.lease("ls_new"))
        let now = stage.vault.now
        try stage.vault.change(always: { transaction throws(Problem) in
            try transaction.endLeases(of: .app(stage.app))
            _ = try transaction.dropLeases(endedBefore: now - 86_400_000)
            _ = try transaction.dropEndings(before: now)
        })
        #expect(try stage.vault.lease("ls_old") == nil)
        #expect(try stage.state("ls_new") == .revoked)
        let dropped = try stage.vault.change(always: { transaction throws(Problem) in
            try transaction.dropEndings(before: transaction.now + 1)
        })
        #expect(dropped == 1)
        try stage.vault.checkTables()
    }
}

@Suite struct `The cap on live leases` {
    /// Two who ask at once must not both be the last.
    @Test func `is never passed by eight threads that ask at once`() throws {
        let stage = try Stage()
        let refused = Atomic<Int>(0)
        let given = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        try withThreads(8) { thread in
            for round in 0..<40 {
                let id = "ls_\(thread)_\(round)"
                do throws(Problem) {
                    try stage.add(stage.lease(id), atMost: 50)
                    given.wrappingAdd(1, ordering: .relaxed)
                } catch {
                    if error.code == .rateLimited, error.retryAfter != nil {
                        refused.wrappingAdd(1, ordering: .relaxed)
                    } else {
                        wrong.wrappingAdd(1, ordering: .relaxed)
                    }
                }
                // Some are given back, so that the cap is reached again and again.
                guard round % 4 == 3 else { continue }
                _ = try? stage.vault.change(always: { transaction throws(Problem) in
                    _ = try transaction.revokeLease(id)
                })
                if let live = try? stage.vault.liveLeases(LeaseFilter(), at: stage.moment), live > 50 {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(given.load(ordering: .relaxed) >= 50)
        #expect(refused.load(ordering: .relaxed) > 0)
        #expect(try stage.vault.liveLeases(LeaseFilter(), at: stage.moment) <= 50)
    }

    @Test func `counts what is live after a restart, a revocation, an ending and a failure`() throws {
        let stage = try Stage()
        func mayAdd(_ id: String, in vault: Vault) throws -> Bool {
            do throws(Problem) {
                let lease = stage.lease(id)
                try vault.change(always: { transaction throws(Problem) in try transaction.add(lease: lease, atMost: 3) }
                )
                return true
            } catch {
                #expect(error.code == .rateLimited)
                return false
            }
        }
        for id in ["ls_1", "ls_2", "ls_3"] { #expect(try mayAdd(id, in: stage.vault)) }
        #expect(try !mayAdd("ls_4", in: stage.vault))
        stage.vault.close()
        let vault = try stage.place.open()
        #expect(try !mayAdd("ls_4", in: vault))
        _ = try vault.change(always: { transaction throws(Problem) in try transaction.revokeLease("ls_1") })
        #expect(try mayAdd("ls_4", in: vault))
        #expect(try !mayAdd("ls_5", in: vault))
        // What failed was not given.
        for _ in 0..<3 {
            #expect(throws: Problem.self) {
                try vault.change(always: { transaction throws(Problem) in
                    _ = try transaction.revokeLease("ls_4")
                    try transaction.add(lease: stage.lease("ls_5"), atMost: 3)
                    throw Problem(.internal, "it fails")
                })
            }
        }
        #expect(try !mayAdd("ls_5", in: vault))
        try vault.change(always: { transaction throws(Problem) in try transaction.endLeases(of: .app(stage.app)) })
        for id in ["ls_6", "ls_7", "ls_8"] { #expect(try mayAdd(id, in: vault)) }
        #expect(try !mayAdd("ls_9", in: vault))
        // What ended with others is not taken off once more.
        for id in ["ls_2", "ls_3", "ls_4"] {
            try vault.change(always: { transaction throws(Problem) in try transaction.giveBack(lease: id) })
        }
        #expect(try !mayAdd("ls_9", in: vault))
    }

    @Test func `says when there is room again, not a second too early`() throws {
        let stage = try Stage()
        let first = stage.lease("ls_1", ttl: 5000)
        try stage.add(first, atMost: 1)
        let problem = #expect(throws: Problem.self) { try stage.add(stage.lease("ls_2"), atMost: 1) }
        let wait = try #require(problem?.retryAfter)
        #expect(stage.vault.now + wait * 1000 >= (first.expiresAt / 1000 + 1) * 1000)
    }

    /// A second is the finest that is counted, so a lease counts until the second is over in which it ends.
    @Test func `lets go of leases that have ended, and follows those that are renewed`() {
        let counts = LeaseCounts()
        #expect(counts.live(of: 1, at: 10_000) == nil)
        counts.count(1, ends: [12_000, 12_900, 15_000], at: 10_000)
        #expect(counts.live(of: 1, at: 12_999) == 3)
        #expect(counts.nextEnd(of: 1, after: 12_000) == 1000)
        #expect(counts.live(of: 1, at: 13_000) == 1)
        counts.remove(1, endingAt: 15_000)
        counts.add(1, endingAt: 20_000)
        #expect(counts.live(of: 1, at: 15_999) == 1)
        // One that ended long ago is not taken off a second time.
        counts.remove(1, endingAt: 12_000)
        #expect(counts.live(of: 1, at: 19_000) == 1)
        #expect(counts.live(of: 1, at: 21_000) == 0)
        #expect(counts.live(of: 2, at: 21_000) == nil)
    }
}

@Suite struct `A list of leases` {
    @Test func `comes in pages that leave nothing out and show nothing twice`() throws {
        let stage = try Stage()
        try stage.vault.change(always: { transaction throws(Problem) in
            for number in 0..<1203 {
                // Many end in the same millisecond.
                try transaction.add(lease: stage.lease("ls_\(number)", ttl: 600_000 + Int64(number % 5)))
            }
        })
        for limit in [1000, 500, 499, 601] {
            var seen: [String] = []
            var place: LeasePlace?
            repeat {
                let (page, next) = try stage.vault.leases(
                    LeaseFilter(), after: place, limit: limit, at: stage.moment)
                seen += page.map(\.0.id)
                place = next.flatMap { LeasePlace($0.description) }
            } while place != nil
            #expect(seen.count == 1203)
            #expect(Set(seen).count == 1203)
        }
        #expect(try stage.vault.liveLeases(LeaseFilter(), at: stage.moment) == 1203)
    }

    @Test func `shows only what is asked for`() throws {
        let stage = try Stage()
        for (id, grant) in [("ls_1", 0), ("ls_2", 1), ("ls_3", 1)] { try stage.add(stage.lease(id, grant: grant)) }
        try stage.add(stage.lease("ls_past", ttl: -1000))
        _ = try stage.vault.change(always: { transaction throws(Problem) in try transaction.revokeLease("ls_3") })
        func ids(_ set: (inout LeaseFilter) -> Void) throws -> [String] {
            var filter = LeaseFilter()
            set(&filter)
            return try stage.ids(filter).sorted()
        }
        #expect(try ids { _ in } == ["ls_1", "ls_2", "ls_3", "ls_past"])
        #expect(try ids { $0.state = .live } == ["ls_1", "ls_2"])
        #expect(try ids { $0.state = .ended } == ["ls_past"])
        #expect(try ids { $0.state = .revoked } == ["ls_3"])
        #expect(try ids { $0.grant = stage.grants[1] } == ["ls_2", "ls_3"])
        #expect(try ids { $0.tenant = stage.tenant }.count == 4)
        for filter in [\LeaseFilter.tenant, \.app, \.service, \.grant, \.installation] {
            #expect(try ids { $0[keyPath: filter] = 999_999 } == [])
        }
        for text in ["", ".", "1", "x.ls_1", "1.ls_1.x", "1." + String(repeating: "a", count: 65)] {
            #expect(LeasePlace(text) == nil)
        }
    }
}
