import Linux
import Rules
import Sealing
import Testing
import Vault

@testable import Broker

@Suite struct `A lease bound to a process` {
    @Test func `has the number of who asked, and when that process began`() throws {
        let bridge = try Bridge(binding: .process)
        let lease = try bridge.lease()
        #expect(lease.process == bridge.caller.peer.processIdentity && lease.process.contains(":"))
        #expect(try bridge.denial(of: lease.id) == nil)
        #expect(try bridge.renewed(lease).lease.process == lease.process)
        #expect(try Bridge().lease().process.isEmpty)
    }

    /// Numbers are used again, also by the next boot: who has one now is not who had it.
    @Test func `is held by no other that has its number, and by none of another boot`() throws {
        let bridge = try Bridge()
        let own = try #require(bridge.caller.peer.processIdentity)
        let parts = own.split(separator: ":").compactMap { Int64($0) }
        try #require(parts.count == 2)
        let (number, began) = (parts[0], parts[1])
        let rows: [(String, String, Bool)] = [
            (own, Clock.bootID, true), ("", Clock.bootID, true), ("", "another boot", true),
            ("\(number):\(began + 1)", Clock.bootID, false), ("\(number):\(began - 1)", Clock.bootID, false),
            ("\(number + 1):\(began)", Clock.bootID, false), ("\(number)", Clock.bootID, false),
            (own, "another boot", false),
        ]
        let now = bridge.ground.vault.now
        for (index, (process, boot, isHeld)) in rows.enumerated() {
            let lease = Lease(
                id: "ls_\(index)", service: bridge.service, app: bridge.ground.app.id,
                installation: bridge.ground.place.id, leg: .bot, grant: bridge.grant, delivery: .gateway,
                methods: ["*"], scope: [], createdAt: now, expiresAt: now + 60_000, bootID: boot,
                bootExpires: Clock.bootMilliseconds + 60_000, version: 0, process: process)
            try bridge.ground.vault.change(always: { transaction throws(Problem) in
                try transaction.add(lease: lease)
            })
            let row = "\(process), \(boot)"
            #expect(try bridge.denial(of: lease.id) == (isHeld ? nil : .otherProcess), "\(row)")
            // To prolong it or to give it back is to use it.
            let uses: [() throws -> Void] = [
                { _ = try bridge.renewed(lease) }, { try bridge.broker.end(lease.id, for: bridge.caller, .next()) },
            ]
            for use in uses {
                var code: Problem.Code?
                do { try use() } catch { code = (error as? Problem)?.code ?? .internal }
                #expect(code == (isHeld ? nil : .denied), "\(row)")
            }
        }
    }
}

@Suite struct `A lease that handed out a token` {
    private let bridge: Bridge
    private var ground: Ground { bridge.ground }

    init() throws { bridge = try Bridge() }

    @Test func `is neither given nor renewed beyond the token's end`() throws {
        try ground.change { leg, now in leg.expiresAt = now + 1_800_000 }
        let end = try #require(try ground.leg.expiresAt)
        #expect(try bridge.lease(.token, seconds: 3600).expiresAt == end)
        let brief = try bridge.lease(.token)
        #expect(brief.expiresAt < end)
        for _ in 0..<2 {
            let renewed = try bridge.renewed(brief)
            #expect(renewed.lease.expiresAt == end && renewed.standing.endsAt <= end)
            // The other clock ends it no later.
            #expect(renewed.lease.bootExpires - Clock.bootMilliseconds <= end - brief.createdAt)
        }
        #expect(try #require(try ground.vault.lease(brief.id)).expiresAt == end)
        // The broker's own use of the token lives through its end.
        let gateway = try bridge.lease()
        #expect(try bridge.renewed(gateway).lease.expiresAt > end)
    }

    /// The leg's newer token lives longer, and is not the one that was handed out.
    @Test(arguments: [20_000, nil] as [Int64?])
    func `is not renewed beyond its value's grace, though another has come since`(_ grace: Int64?) throws {
        let (token, gateway) = (try bridge.lease(.token), try bridge.lease())
        let place = ground.place
        let graceEnds = grace.map { ground.vault.now + $0 }
        _ = try ground.vault.change(always: { transaction throws(Problem) in
            try transaction.storeLeg(
                .bot, of: place,
                NewToken(
                    token: SecretBox("xoxe.xoxb-fake-new"), scope: ["chat:write"],
                    expiresAt: transaction.now + 43_200_000), by: "test", replaces: false, graceEnds: graceEnds)
        })
        #expect(try bridge.renewed(gateway).standing.state == .live)
        guard let graceEnds else {
            let problem = #expect(throws: Problem.self) { try bridge.renewed(token) }
            #expect(problem?.code == .expired)
            return
        }
        for _ in 0..<2 {
            let standing = try bridge.renewed(token).standing
            #expect(standing.state == .live && standing.endsAt == graceEnds)
        }
        #expect(try bridge.renewed(gateway).standing.endsAt > graceEnds)
    }
}
