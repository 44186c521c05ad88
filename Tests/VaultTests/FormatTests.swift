import FoundationEssentials
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

/// A vault as an older release wrote it, kept as text: its root key is the tests' own, its tokens are made up.
private func vault(ofFormat format: Int) throws -> Place {
    let place = Place()
    try FileManager.default.createDirectory(atPath: place.directory.vault, withIntermediateDirectories: true)
    let file = String(#filePath).replacing("VaultTests/FormatTests.swift", with: "Vectors/format-\(format).sql")
    _ = try Connection(place.directory.database, .create)
    try place.tamper(String(contentsOfFile: file, encoding: .utf8))
    return place
}

@Suite struct `A vault of an older format` {
    @Test(arguments: [1, 2])
    func `is brought forward with everything that was in it`(_ format: Int) throws {
        let place = try vault(ofFormat: format)
        #expect(try place.rows("PRAGMA user_version") == [["\(format)"]])
        let vault = try place.open()
        try vault.checkTables()
        #expect(try vault.verifyAudit().isSound)
        let app = try #require(try vault.app(slack("A1")))
        #expect(try vault.value(SecretName(app: app.id, kind: .signingSecret)) == "newer signing_secret")
        let legs = try vault.installations(of: app.id).flatMap(\.1)
        #expect(legs.map(\.leg) == [.bot, .user])
        let bot = try #require(legs.first)
        #expect(
            try vault.value(SecretName(app: app.id, installation: bot.installation, kind: .botToken)) == "newer token")
        // A refresh token that cannot be opened any more would be a lost one.
        for (leg, want) in zip(legs, ["newer refresh", "refresh"]) {
            let slab = Slab()
            #expect(try vault.openRefreshToken(of: leg, tenant: app.tenant, into: slab))
            #expect(String(decoding: [UInt8](copying: slab.span), as: UTF8.self) == want)
        }
        #expect(try vault.events().last?.entry.action == "vault.migrate")
        // Services, grants and leases are as they were, under the caps and ages that are usual.
        let bridge = try #require(vault.policy.service(slug("bridge")))
        #expect(bridge.selectors == [.uid(1001)])
        #expect(bridge.rate == 0)
        #expect(bridge.mostLeases == 10_000)
        #expect(vault.policy.service(slug("other"))?.state == .suspended)
        let grant = try #require(vault.policy.grants[bridge.id]?.first)
        #expect(grant.maxTTL == Interval(seconds: 60))
        #expect(grant.maxAge == Interval(seconds: 86_400))
        #expect(grant.binding == .service)
        let lease = try #require(try vault.lease("ls_2"))
        #expect(lease.methods == ["chat.postMessage"])
        #expect(lease.state == .revoked)
        #expect(lease.uid == nil)
        #expect(lease.process.isEmpty)
        #expect(lease.bearer.isEmpty)
    }

    @Test func `without refreshing has legs that are looked at by whoever keeps house`() throws {
        let vault = try vault(ofFormat: 1).open()
        #expect(try vault.legs(dueBy: vault.now, of: .slack, atMost: 10).count == 2)
        let app = try #require(try vault.app(slack("A1")))
        #expect(try vault.installations(of: app.id).flatMap(\.1).map(\.state) == [.active, .active])
    }

    @Test(arguments: [
        (1, "UPDATE legs SET expires_at = NULL"), (1, "UPDATE legs SET refresh_sealed = NULL"),
        (1, "DELETE FROM legs WHERE leg = 'bot'"),
        (1, "UPDATE state SET digests = zeroblob(length(digests))"), (1, "UPDATE heads SET current = 1"),
        (2, "UPDATE grants SET max_ttl = 3600"), (2, "DELETE FROM grants WHERE id = (SELECT min(id) FROM grants)"),
        (2, "UPDATE services SET state = 'active'"), (2, "UPDATE leases SET state = 'live'"),
        (2, "DELETE FROM leases"), (2, "UPDATE services SET selectors = '[\"uid:0\"]'"),
    ])
    func `with a changed row is refused and stays as it is`(_ format: Int, _ sql: String) throws {
        let place = try vault(ofFormat: format)
        try place.tamper(sql)
        let problem = #expect(throws: Problem.self) { _ = try place.open() }
        #expect(problem?.code == .integrityFailure)
        #expect(try place.rows("PRAGMA user_version") == [["\(format)"]])
    }

    @Test(arguments: [1, 2])
    func `with something planted in it is refused`(_ format: Int) throws {
        let place = try vault(ofFormat: format)
        try place.tamper("CREATE TRIGGER t AFTER INSERT ON legs BEGIN DELETE FROM grants; END")
        let problem = #expect(throws: Problem.self) { _ = try place.open() }
        #expect(problem?.code == .integrityFailure)
    }
}

/// Tokens that change every few hours must not fill the vault.
@Suite struct `A token leg` {
    @Test func `keeps only the newest rows of destroyed tokens`() throws {
        let place = try Place.new()
        let vault = try place.open()
        let (installation, name) = try vault.change(always: { transaction throws(Problem) in
            let installation = try transaction.addInstalledApp()
            return (installation, SecretName(app: installation.app, installation: installation.id, kind: .botToken))
        })
        for round in 1...30 {
            try vault.change(always: { transaction throws(Problem) in
                _ = try transaction.storeLeg(
                    .bot, of: installation,
                    NewToken(token: box("token \(round)"), refreshToken: box("refresh \(round)"), scope: []), by: "x",
                    replaces: false)
            })
        }
        let (head, versions) = try #require(try vault.history(of: name))
        #expect(head.current == 30)
        #expect(versions.count == 9)
        #expect(versions.filter { $0.destroyedAt == nil }.map(\.version) == [30])
        #expect(try vault.value(name) == "token 30")
        try vault.checkTables()
    }

    @Test func `keeps its refresh token where an answer brought none`() throws {
        let place = try Place.new()
        let vault = try place.open()
        let leg = try vault.change(always: { transaction throws(Problem) in
            let installation = try transaction.addInstalledApp()
            _ = try transaction.storeLeg(
                .bot, of: installation, NewToken(token: box("one"), refreshToken: box("spent?"), scope: []), by: "x")
            var new = NewToken(token: box("two"), scope: [])
            new.keepsRefreshToken = true
            _ = try transaction.storeLeg(.bot, of: installation, new, by: "x", replaces: false)
            return try transaction.leg(.bot, of: installation.id)
        })
        let slab = Slab()
        let tenant = try #require(vault.policy.tenants.keys.first)
        #expect(try vault.openRefreshToken(of: try #require(leg), tenant: tenant, into: slab))
        #expect(String(decoding: [UInt8](copying: slab.span), as: UTF8.self) == "spent?")
    }
}
