import FoundationEssentials
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

/// A vault that the first release wrote, kept as text: its root key is the tests' own, its tokens are made up.
@Suite struct `A vault of format 1` {
    private let place: Place

    init() throws {
        place = Place()
        try FileManager.default.createDirectory(atPath: place.directory.vault, withIntermediateDirectories: true)
        let file = String(#filePath).replacing("VaultTests/FormatTests.swift", with: "Vectors/format-1.sql")
        _ = try Connection(place.directory.database, .create)
        try place.tamper(String(contentsOfFile: file, encoding: .utf8))
    }

    @Test func `is brought forward with everything that was in it`() throws {
        #expect(try place.rows("PRAGMA user_version") == [["1"]])
        let vault = try place.open()
        try vault.checkTables()
        #expect(try vault.verifyAudit().isSound)
        let app = try #require(try vault.app(slack("A1")))
        #expect(try vault.value(SecretName(app: app.id, kind: .signingSecret)) == "newer signing_secret")
        let legs = try vault.installations(of: app.id).flatMap(\.1)
        #expect(legs.map(\.leg) == [.bot, .user])
        #expect(legs.map(\.state) == [.active, .active])
        let bot = try #require(legs.first)
        #expect(
            try vault.value(SecretName(app: app.id, installation: bot.installation, kind: .botToken)) == "newer token")
        // A refresh token that cannot be opened any more would be a lost one.
        for (leg, want) in zip(legs, ["newer refresh", "refresh"]) {
            let slab = Slab()
            #expect(try vault.openRefreshToken(of: leg, tenant: app.tenant, into: slab))
            #expect(String(decoding: [UInt8](copying: slab.span), as: UTF8.self) == want)
        }
        // Both are looked at by whoever keeps house.
        #expect(try vault.legs(dueBy: vault.now, atMost: 10).count == 2)
        #expect(try vault.events().last?.entry.action == "vault.migrate")
    }

    @Test(arguments: [
        "UPDATE legs SET expires_at = NULL", "UPDATE legs SET refresh_sealed = NULL",
        "DELETE FROM legs WHERE leg = 'bot'",
        "UPDATE state SET digests = zeroblob(length(digests))", "UPDATE heads SET current = 1",
    ])
    func `with a changed row is refused and stays as it is`(_ sql: String) throws {
        try place.tamper(sql)
        let problem = #expect(throws: Problem.self) { _ = try place.open() }
        #expect(problem?.code == .integrityFailure)
        #expect(try place.rows("PRAGMA user_version") == [["1"]])
    }

    @Test func `with something planted in it is refused`() throws {
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
            let tenant = try transaction.addTenant(slug("acme"), title: "")
            let app = try transaction.addApp(
                slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
            let installation = try transaction.installation(
                app: app.id, tenant: tenant.id, enterpriseID: "", teamID: "T1", teamName: "", isEnterprise: false,
                userID: "", botUserID: "")
            return (installation, SecretName(app: app.id, installation: installation.id, kind: .botToken))
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
            let tenant = try transaction.addTenant(slug("acme"), title: "")
            let app = try transaction.addApp(
                slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
            let installation = try transaction.installation(
                app: app.id, tenant: tenant.id, enterpriseID: "", teamID: "T1", teamName: "", isEnterprise: false,
                userID: "", botUserID: "")
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
