import HTTPClient
import Platforms
import Rules
import Testing

@testable import postern_sim

/// A rotating Slack app of the simulation, spoken to by Platforms.
private struct Rotating {
    private static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    private static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    static let app = AppID("A0FAKE0001")!

    let sim = try! Simulated()
    let slack: Slack
    let client: OAuthClient

    init(_ more: [String: JSON] = [:], pkce: Bool = false, login: OAuthClient.Login = .identity) throws {
        let fields: [String: JSON] = [
            "app_id": "A0FAKE0001", "client_id": "1.2", "client_secret": "fakesecret", "workspace_name": "Acme",
            "team_id": "T0FAKE0001", "bot_scopes": ["chat:write", "users:read", "incoming-webhook"],
            "user_scopes": ["search:read"], "redirect_urls": [.string(Stage.redirect)],
            "token_rotation_enabled": true, "pkce_enabled": .bool(pkce),
        ]
        try sim.control("POST", "apps", .object(fields.merging(more) { _, new in new }))
        slack = Slack(
            try PlatformURLs(["slack.api=\(sim.base)/api", "slack.authorize=\(sim.base)/oauth/v2/authorize"]))
        client = OAuthClient(
            appID: Self.app, clientID: "1.2", clientSecret: "fakesecret", usesPKCE: pkce, login: login)
    }

    /// The answer to the exchange after the person pressed Allow.
    func consent(
        _ purpose: Purpose = .install, scope: [String] = [], userScope: [String] = [], more: String = ""
    ) throws -> PlatformAnswer {
        let ask = AuthorizeAsk(
            purpose: purpose, scope: scope, userScope: userScope, state: "s", redirectURI: Stage.redirect,
            challenge: Self.challenge, nonce: "fake-nonce")
        let url = try slack.authorizeURL(ask, client) + more
        let answer = try sim.send("GET", String(url.dropFirst(sim.base.count)))
        let back = SimRequest("GET", try #require(answer.header("location"), "\(answer.status)"))
        let exchange = ExchangeAsk(
            purpose: purpose, code: try #require(back.query("code")), redirectURI: Stage.redirect,
            verifier: Self.verifier)
        return try sim.carry(slack.exchange(exchange, client))
    }

    func refresh(_ token: String, _ leg: Leg = .bot) throws -> TokenPair {
        try slack.refreshed(sim.carry(slack.refresh(token, leg, client)), leg)
    }
}

@Suite struct `A rotating app at the simulated Slack` {
    @Test(arguments: [false, true])
    func `has two chains that are refreshed apart, with or without a secret`(_ pkce: Bool) throws {
        let stage = try Rotating(pkce: pkce)
        let granted = try stage.slack.granted(
            stage.consent(scope: ["chat:write", "incoming-webhook"], userScope: ["search:read"]))
        let (bot, user) = (try #require(granted.bot), try #require(granted.user))
        #expect(bot.expiresIn == 43_200 && user.expiresIn == 43_200 && granted.webhookURL != nil)
        #expect(bot.scope == ["chat:write", "incoming-webhook"] && user.scope == ["search:read"])
        let next = try stage.refresh(try #require(bot.refreshToken))
        #expect(next.oddities.isEmpty && next.appID == Rotating.app && next.expiresIn == 43_200)
        let mine = try stage.refresh(try #require(user.refreshToken), .user)
        #expect(mine.oddities.isEmpty && mine.token.hasPrefix("xoxe.xoxp-1-"))
        for token in [bot.token, next.token, user.token, mine.token] {
            let identity = try stage.sim.carry(stage.slack.authTest(token: token)).slackIdentity()
            #expect((43_000...43_200).contains(identity.expiresIn ?? 0))
        }
        #expect(throws: SlackErrors.failure(for: "invalid_refresh_token")) {
            try stage.refresh(bot.refreshToken ?? "")
        }
        // A token of the other chain under this leg's name is kept, and said.
        #expect(try stage.refresh(try #require(mine.refreshToken), .bot).oddities == [.otherKind])
    }

    @Test func `is told when the whole organisation has it`() throws {
        let stage = try Rotating(["enterprise_id": "E0FAKE0001", "org_deploy_enabled": true])
        let granted = try stage.slack.granted(stage.consent(scope: ["chat:write"], more: "&sim_org=1"))
        #expect(
            granted.place
                == Place(enterpriseID: "E0FAKE0001", teamID: nil, name: "Fake Enterprise", isEnterpriseInstall: true))
        let again = try stage.consent(scope: ["chat:write"])
        #expect(throws: SlackErrors.failure(for: "cannot_install_an_org_installed_app")) {
            try stage.slack.granted(again)
        }
    }

    /// The fault, and the oddities of what is kept; nil is no pair.
    @Test(
        arguments: [
            ("edit:drop:refresh_token", [.noRefreshToken]), ("edit:drop:expires_in", [.noLife]),
            ("edit:set:expires_in=0", [.noLife]), ("edit:set:expires_in=-1", [.noLife]),
            ("edit:set:expires_in=soon", [.noLife]), ("edit:set:token_type=user", [.otherKind]),
            ("edit:fill:access_token=65536", []), ("edit:fill:refresh_token=65536", []), ("edit:drop:team", []),
            ("edit:set:authed_user.id=U0", []), ("edit:drop:app_id", []), ("edit:fill:access_token=65537", nil),
            ("edit:drop:access_token", nil), ("edit:set:ok=false", nil), ("html", nil), ("status:500", nil),
            ("status:429", nil), ("error:fatal_error", nil), ("error:brand_new", nil),
        ] as [(String, [TokenPair.Oddity]?)])
    func `loses no pair to an odd answer`(_ fault: String, _ odd: [TokenPair.Oddity]?) throws {
        let stage = try Rotating()
        let granted = try stage.slack.granted(stage.consent(scope: ["chat:write"]))
        let refresh = try #require(granted.bot?.refreshToken)
        try stage.sim.control("POST", "faults", ["match": "slack:oauth.v2.*", "fault": .string(fault)])
        var found: [TokenPair.Oddity]?
        do {
            found = try stage.refresh(refresh).oddities
        } catch let failure as PlatformFailure {
            #expect(failure.verdict != .reauth && failure.verdict != .race)
        }
        #expect(found == odd)
        #expect(try stage.sim.control("GET", "faults")["faults"]?.count == 0)
    }

    @Test func `can be told of another app, and hears which`() throws {
        let stage = try Rotating()
        let refresh = try #require(try stage.slack.granted(stage.consent(scope: ["chat:write"])).bot?.refreshToken)
        try stage.sim.control("POST", "faults", ["match": "oauth.v2.access", "fault": "edit:set:app_id=A0OTHER01"])
        #expect(try stage.refresh(refresh).appID == AppID("A0OTHER01"))
    }

    @Test func `logs people in by OpenID Connect, also with the PKCE switch on`() throws {
        for pkce in [false, true] {
            let stage = try Rotating(pkce: pkce, login: .openID)
            let granted = try stage.slack.granted(stage.consent(.login))
            let idToken = try #require(granted.idToken)
            let claims = try SlackIDToken(idToken)
            let token = try #require(granted.user?.token)
            let person = try stage.slack.person(stage.sim.carry(stage.slack.identity(token: token, stage.client)))
            #expect(person.userID == granted.userID && person.isEmailVerified && person.place?.name == "Acme")
            let now = claims.expires - 300
            try stage.slack.check(idToken: idToken, of: person, nonce: "fake-nonce", now: now, stage.client)
            #expect(throws: PlatformFailure.self) {
                try stage.slack.check(idToken: idToken, of: person, nonce: "other", now: now, stage.client)
            }
        }
    }

    @Test func `is changed through its manifest with a configuration token that is renewed`() throws {
        let stage = try Rotating()
        let given = try stage.sim.control("POST", "config_token", ["platform": "slack", "team_id": "T0FAKE0001"])
        let refresh = stage.slack.refresh(try #require(given["refresh_token"]?.text), .config, stage.client)
        let pair = try stage.slack.refreshed(stage.sim.carry(refresh), .config)
        #expect(pair.expiresIn == 43_200 && pair.oddities.isEmpty)
        #expect(throws: SlackErrors.failure(for: "invalid_refresh_token")) {
            try stage.slack.refreshed(stage.sim.carry(refresh), .config)
        }
        let manifest = try stage.sim.carry(stage.slack.exportManifest(of: Rotating.app, token: pair.token))
            .slackManifest()
        let (changed, _) = manifest.bringing(
            SlackManifest(["oauth_config": ["scopes": ["bot": JSONTree(texts: ["im:write"])]]]), templates: [])
        #expect(
            try stage.sim.carry(stage.slack.validate(changed, of: Rotating.app, token: pair.token))
                .slackManifestFaults() == [])
        let updated = try stage.sim.carry(stage.slack.update(changed, of: Rotating.app, token: pair.token))
        #expect(try updated.slackManifestUpdate().permissionsUpdated)
        let broken = try stage.sim.carry(stage.slack.create(SlackManifest(["settings": [:]]), token: pair.token))
        #expect(
            try broken.slackManifestFaults().map(\.line) == ["/display_information/name: Must be present"])
        let made = try stage.sim.carry(
            stage.slack.create(SlackManifest(["display_information": ["name": "Fake"]]), token: pair.token)
        ).slackCreatedApp()
        let probe = stage.slack.clientPairProbe(clientID: made.clientID, clientSecret: made.clientSecret)
        #expect(throws: SlackErrors.failure(for: "invalid_code")) { try stage.sim.carry(probe).slackInstallation() }
    }

    @Test func `ends a long-lived token at the first refresh after its exchange`() throws {
        let stage = try Rotating(["token_rotation_enabled": false, "bot_token": true])
        let app = try #require(try stage.sim.control("GET", "apps")["apps"]?[0])
        let old = try #require(app["bot_token"]?.text)
        try stage.sim.control("POST", "apps", ["app_id": "A0FAKE0001", "token_rotation_enabled": true])
        let pair = try stage.slack.refreshed(
            stage.sim.carry(stage.slack.makeRotate(token: old, stage.client)), .bot)
        _ = try stage.sim.carry(stage.slack.authTest(token: old)).slackIdentity()
        _ = try stage.refresh(try #require(pair.refreshToken))
        #expect(throws: PlatformFailure.self) { try stage.sim.carry(stage.slack.authTest(token: old)).slackIdentity() }
    }
}
