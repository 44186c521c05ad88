import FoundationEssentials
import Linux
import Platforms
import Rules
import Sealing
import Testing

@testable import Broker
@testable import Vault
@testable import postern_sim

/// What was taken away while something was under way does not come back by it.
@Suite struct `A consent that comes too late` {
    private func places(_ stand: Stand) throws -> [JSON] {
        guard case .array(let rows)? = try stand.must("GET", "installations")["installations"] else { return [] }
        return rows.filter { $0["user_id"] == "" }
    }

    private func disconnect(_ stand: Stand) throws {
        guard case .integer(let id)? = try places(stand).first?["id"] else {
            Issue.record("no installation")
            return
        }
        try stand.must("DELETE", "installations/\(id)")
    }

    @Test(arguments: ["slack", "lark", "genesys"])
    func `revives nothing that was disconnected since it began, and its tokens are ended`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        #expect(try customer.flow().status == 200)
        let (code, state) = try customer.consent(try customer.begin())
        try disconnect(stand)
        func queued() throws -> Int { try stand.must("GET", "revocations")["revocations"]?.count ?? 0 }
        let before = try queued()
        let late = try customer.finish(code, state)
        #expect(late.code == "conflict", "\(late.text)")
        #expect(try places(stand).allSatisfy { $0["state"] == "disconnected" })
        #expect(try customer.access(customer.consented).code == "not_found")
        #expect(try queued() == before + 1)
        #expect(try stand.records().contains { $0["action"] == "oauth.install" && $0["reason"] == "disconnected" })
        // One that begins now is another matter; but a person's does not bring back the organisation.
        #expect(try customer.flow().status == 200)
        #expect(try customer.access(customer.consented).status == 201)
        #expect(try places(stand).first?["state"] == (platform == "slack" ? "active" : "disconnected"))
    }

    @Test func `to a redirect URI that was taken away finishes nothing`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        let (code, state) = try customer.consent(try customer.begin())
        try stand.must("POST", "\(customer.path)/edit", ["redirect_uris": [.string(customer.callback)]])
        let late = try customer.finish(code, state)
        #expect(late.code == "state_invalid", "\(late.text)")
        #expect(try customer.sim.count(customer.calls.exchange) == 0)
    }

    @Test func `and a denial that a bridge brings is recorded, and a code has a length`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        let (code, state) = try customer.consent(try customer.begin())
        #expect(try customer.finish(String(repeating: "a", count: 2049), state).code == "bad_request")
        #expect(try customer.finish(code, state).status == 200)
        let denied = try customer.consent(try customer.begin())
        let reply = try stand.broker(
            "POST", "\(customer.path)/oauth/callback",
            [
                "error": "access_denied", "state": .string(denied.state),
                "browser_binding": "the-bridge-binds-this-flow-to-the-browser",
            ])
        #expect(reply.code == "platform_refused", "\(reply.text)")
        #expect(try stand.records().contains { $0["reason"] == "denied_by_user" && $0["outcome"] == "denied" })
    }

    @Test func `and an expired token does not pass for an ended grant`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        #expect(try customer.flow().status == 200)
        try customer.fault("auth.revoke", "error:token_expired", times: 1)
        try disconnect(stand)
        #expect(eventually { (try? stand.must("GET", "revocations").text.contains("by hand")) == true })
    }
}

/// On a vault of its own, without a daemon.
@Suite struct `A broker` {
    private let vault: Vault
    private let broker: Broker
    private let app: App
    private let folder: String

    init() throws {
        folder = "/tmp/postern-vault-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let directory = VaultDirectory(folder)
        let root = [UInt8](repeating: 7, count: 32)
        let kit = KitKey()
        _ = try VaultCreation.create(
            directory, rootKey: SecretBytes(copying: root.span), kitPublicKey: kit.publicKey, admin: nil)
        vault = try Vault.open(directory, rootKey: SecretBytes(copying: root.span))
        broker = Broker(
            vault: vault,
            settings: .init(urls: PlatformURLs(), publicURL: "", rootKeySource: "test", version: "test"))
        let slug = try #require(Slug("acme"))
        let id = try #require(AppID("A1"))
        app = try vault.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(slug, title: "")
            return try transaction.addApp(
                AppKey(.slack, id), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:],
                redirectURIs: ["https://a.example/cb"])
        })
    }

    private func end() {
        vault.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func `spends no state under a policy that has moved`() throws {
        defer { end() }
        let state = "a-state"
        let app = app
        try vault.change(always: { transaction throws(Problem) in
            try transaction.add(
                flow: OAuthState(
                    hash: Broker.hash(state), app: app.id, service: 77, purpose: .install,
                    redirectURI: "https://a.example/cb", scope: [], userScope: [], subject: nil, returnTo: nil,
                    binding: .none, browser: nil, createdAt: transaction.now, expiresAt: transaction.now + 600_000))
        })
        let old = vault.policy
        try vault.change(always: { transaction throws(Problem) in transaction.raiseEpoch() })
        func claim(_ policy: PolicySnapshot) throws(Problem) -> (OAuthState, App)? {
            try broker.claim(
                state, app.key, by: .system, service: 77, browser: nil, decidedUnder: policy, request: .next())
        }
        #expect(try claim(old) == nil)
        #expect(try vault.flow(Broker.hash(state))?.usedAt == nil)
        #expect(try claim(vault.policy) != nil)
    }

    @Test func `works at every revocation, whichever of them does not open`() throws {
        defer { end() }
        let app = app
        let (bad, good) = try vault.change(always: { transaction throws(Problem) in
            func add() throws(Problem) -> Revocation {
                try transaction.addRevocation(
                    SecretBox("no ending"), app: app.id, installation: 1, leg: .bot, tenant: app.tenant)
            }
            var bad = try add()
            bad.sealed = [UInt8](repeating: 1, count: 60)
            try transaction.update(revocation: bad)
            return (bad.id, try add().id)
        })
        broker.workRevocations()
        func tried(_ id: Int64) -> Bool {
            let rows = (try? vault.revocations(of: app.id)) ?? []
            return rows.first { $0.id == id }.map { $0.attempts == 1 && $0.code != nil } ?? false
        }
        #expect(eventually { tried(bad) && tried(good) })
    }
}
