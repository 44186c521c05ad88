import FoundationEssentials
import Linux
import Platforms
import Rules
import Sealing
import Testing
import Vault

@testable import Broker

/// A vault with one installed Slack app whose bot token rotates, and a broker over it that has no courier.
final class Ground: Sendable {
    let path: String
    let vault: Vault
    let broker: Broker
    let app: App
    let place: Installation

    init(_ set: (inout Broker.Settings) -> Void = { _ in }) throws {
        path = "/tmp/postern-broker-\(Hex.encode(Sodium.randomBytes(8).span))"
        let directory = VaultDirectory(path)
        let rootKey = [UInt8](repeating: 7, count: 32)
        _ = try VaultCreation.create(
            directory, rootKey: SecretBytes(copying: rootKey.span), kitPublicKey: KitKey().publicKey, admin: nil)
        vault = try Vault.open(directory, rootKey: SecretBytes(copying: rootKey.span))
        var settings = Broker.Settings(urls: PlatformURLs(), publicURL: "", rootKeySource: "test", version: "0")
        set(&settings)
        broker = Broker(vault: vault, settings: settings)
        let slug = try #require(Slug("acme"))
        let key = AppKey(.slack, try #require(AppID("A0FAKE0001")))
        (app, place) = try vault.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(slug, title: "Acme Corp")
            let app = try transaction.addApp(
                key, tenant: tenant.id, profile: "slack", claim: .proven, fields: [.clientID: "1.2"], redirectURIs: [])
            let place = try transaction.installation(
                app: app.id, tenant: tenant.id, enterpriseID: "", teamID: "T0FAKE0001", teamName: "Acme",
                isEnterprise: false, userID: "", botUserID: "U0FAKE0001")
            _ = try transaction.storeLeg(
                .bot, of: place, token: SecretBox("xoxe.xoxb-fake-old"), refreshToken: SecretBox("xoxe-fake-old"),
                scope: ["chat:write"], expiresAt: transaction.now + 3_600_000, by: "test")
            return (app, place)
        })
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The bot's leg as it is.
    var leg: LegRow { get throws { try #require(try vault.leg(.bot, of: place.id)) } }
    /// The bot's token as it is.
    var token: String? {
        get throws { try broker.use(SecretName(app: app.id, installation: place.id, kind: .botToken)) }
    }

    /// As if a refresh had been begun so many milliseconds ago.
    @discardableResult func begin(ago: Int64 = 0) throws -> RefreshTicket {
        try change { leg, now in leg.begin(at: now - ago) }
        return RefreshTicket(try leg)
    }

    /// Changes the bot's leg.
    func change(_ leg: Leg = .bot, _ body: @escaping (inout LegRow, Int64) -> Void) throws {
        try vault.change(always: { transaction throws(Problem) in
            guard var row = try transaction.leg(leg, of: self.place.id) else { return }
            body(&row, transaction.now)
            try transaction.update(leg: row)
        })
    }

    /// What Slack gives for a refresh token.
    static let answer = PlatformAnswer(
        status: 200,
        body: Array(
            #"{"ok":true,"app_id":"A0FAKE0001","access_token":"xoxe.xoxb-fake-new","refresh_token":"xoxe-fake-new","expires_in":43200,"token_type":"bot"}"#
                .utf8))

    /// A place's decision for somebody who wants a token now.
    func decision(_ leg: Leg = .bot) throws -> RefreshDecision {
        var want = TokenWant(leg, of: app, at: try vault.installation(place.id), for: .next())
        return try broker.decide(&want, hasTried: false).0
    }
}
