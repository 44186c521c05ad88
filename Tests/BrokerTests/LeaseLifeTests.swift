import Rules
import Synchronization
import Testing
import Vault

@testable import Broker

@Suite struct `A lease's life` {
    private func lease(_ ground: Ground, _ id: String, scope: [String] = [], bearer: [UInt8] = []) -> Lease {
        let now = ground.vault.now
        return Lease(
            id: id, service: 1, app: ground.app.id, installation: ground.place.id, leg: .bot, grant: 1,
            delivery: .gateway, methods: ["auth.test"], scope: scope, createdAt: now, expiresAt: now + 60_000,
            bootID: "this boot", bootExpires: 60_000, version: 0, bearer: bearer)
    }

    private func grant(scope: [String]) throws -> Grant {
        Grant(
            id: 1, service: try #require(Slug("bridge")), pattern: GrantPattern(tenant: nil, platform: nil, appID: nil),
            actions: [.access(.bot)], methods: ["*"], scope: scope, maxTTL: Grant.longestTTL)
    }

    /// Never wider than grant and installation, whatever either was when the lease was given.
    @Test(
        arguments: [
            (["chat:write", "users:read"], ["chat:write", "users:read"], ["chat:write", "users:read"]),
            (["users:read"], ["chat:write", "users:read"], ["users:read"]),
            (["chat:write"], ["users:read"], []), ([], ["chat:write"], ["chat:write"]),
            (["chat:write"], [], ["chat:write"]),
        ] as [([String], [String], [String])])
    func `goes on with no scope that the grant or the installation has not`(
        _ granted: [String], _ installed: [String], _ kept: [String]
    ) throws {
        let ground = try Ground()
        try ground.change { leg, _ in leg.scope = installed }
        let lease = lease(ground, "ls_1", scope: ["chat:write", "users:read"])
        let renewed = try ground.broker.prolonged(
            lease, to: lease.expiresAt + 1000, at: ground.broker.leaseMoment, by: try grant(scope: granted))
        #expect(renewed.scope == kept)
        #expect(renewed.expiresAt == lease.expiresAt + 1000)
    }

    /// A service gives a lease back: its own answers are waited for or cut, and nobody else's.
    @Test func `ends with the answers that are made with it, and no others`() throws {
        let ground = try Ground()
        let gate = ground.broker.gate
        let hash = [UInt8](repeating: 7, count: 32)
        let other = [UInt8](repeating: 8, count: 32)
        let ended = lease(ground, "ls_1", bearer: hash)
        let cuts = Mutex<[String]>([])
        func line(_ name: String, _ bearer: [UInt8], review: Bool?) -> Answering {
            let line = Answering()
            line.canBeCut(by: { cuts.withLock { $0.append(name) } })
            gate.add(line)
            _ = gate.enter(.bearer(bearer, uid: 1, line), ground.vault)
            if let review { line.isReviewed(by: { review }) }
            return line
        }
        let lines = [
            line("its long one", hash, review: false), line("its short one", hash, review: nil),
            line("another's long one", other, review: false), line("another's short one", other, review: nil),
        ]
        let gone = line("one that has left", hash, review: nil)
        gate.leave(gone)
        _ = gate.enter(gone, ground.vault)
        gate.drain(of: ended)
        #expect(cuts.withLock { $0.sorted() } == ["its long one", "its short one"])
        for line in lines + [gone] { gate.remove(line) }
    }
}
