import Platforms
import Rules
import Sealing
import Testing
import Vault

@testable import Broker

@Suite struct `Refreshing ahead of time` {
    private let ground: Ground

    init() throws { ground = try Ground() }

    /// As many legs as generations of one.
    private func legs(_ count: Int) throws -> [LegRow] {
        try (0..<count).map { _ in
            try ground.change { leg, now in leg.refused("REAUTH", "test", at: now) }
            return try ground.leg
        }
    }

    @Test func `has two workers for each platform, whatever waits at another`() throws {
        let due = try legs(6)
        var queue = RefreshState.Queue()
        #expect(queue.add(Array(due[..<4]), .slack) == 2)
        #expect(queue.next(.slack) != nil && queue.next(.slack) != nil)
        // Slack hangs; what is due there is found again every second, and new.
        #expect(queue.add(due, .slack) == 0)
        #expect(queue.add([due[0]], .lark) == 1)
        #expect(queue.next(.lark) != nil && queue.next(.lark) == nil)
        // Its worker has ended, and another may be started.
        #expect(queue.add([due[0]], .lark) == 1)
        var left = 0
        while queue.next(.slack) != nil { left += 1 }
        // Two were taken, and of those found again only they were not waiting already.
        #expect(left == 6)
        queue.stopped = true
        #expect(queue.add(due, .genesys) == 0)
    }

    @Test func `finds what is due of each platform`() throws {
        try ground.change { leg, now in leg.dueAt = now - 1 }
        let now = ground.vault.now
        #expect(try ground.vault.hasLegs(dueBy: now) && !ground.vault.hasLegs(dueBy: now - 3_600_000))
        #expect(try ground.vault.legs(dueBy: now, of: .slack, atMost: 10).map(\.leg) == [.bot])
        #expect(try ground.vault.legs(dueBy: now, of: .lark, atMost: 10).isEmpty)
    }

    @Test func `is recorded under the tenant whose installation it is`() throws {
        let beta = try #require(Slug("beta"))
        let app = ground.app
        let place = try ground.vault.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(beta, title: "Beta")
            let place = try transaction.installation(
                app: app.id, tenant: tenant.id, enterpriseID: "", teamID: "T0FAKE0002", teamName: "Beta",
                isEnterprise: false, userID: "", botUserID: "")
            _ = try transaction.storeLeg(
                .bot, of: place, token: SecretBox("xoxe.xoxb-fake-beta"), refreshToken: SecretBox("xoxe-fake-beta"),
                scope: [], expiresAt: transaction.now + 3_600_000, by: "test")
            return place
        })
        for outcome in [
            Broker.Asked.failed(Problem(.platformUnreachable, "a test"), mayHaveBeenSent: false),
            .answered(Ground.answer),
        ] {
            let ticket = try ground.vault.change(always: { transaction throws(Problem) in
                guard var leg = try transaction.leg(.bot, of: place.id) else { throw Problem(.notFound, "no leg") }
                leg.begin(at: transaction.now)
                try transaction.update(leg: leg)
                return RefreshTicket(leg)
            })
            _ = try ground.broker.conclude(ticket, place, app, outcome, for: .next())
        }
        var filter = AuditFilter()
        filter.action = "token.refresh"
        let records = try ground.vault.audit(filter)
        #expect(records.map(\.entry.tenant) == ["beta", "beta"])
        #expect(records.map(\.entry.outcome) == [.error, .allowed])
    }
}
