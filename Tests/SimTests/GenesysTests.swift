import HTTPClient
import Platforms
import Rules
import Testing

@testable import postern_sim

/// Platforms' requests and readers against the simulated Genesys Cloud: both were written from the same pages, apart.
@Suite struct `What Platforms sends to the simulated Genesys Cloud` {
    private static let redirect = "https://bridge.example/cb"
    private static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    private static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    private static let clientID = "fa4e0000-0000-4000-8000-000000000001"

    private struct Stage {
        let sim = try! Simulated()
        let genesys: Genesys
        let client: OAuthClient

        init(_ more: [String: JSON] = [:], secret: String = "fake-secret", region: String = "mypurecloud.ie") throws {
            let fields: [String: JSON] = [
                "platform": "genesys", "client_id": .string(clientID), "client_secret": "fake-secret",
                "region": "mypurecloud.ie", "redirect_urls": [.string(redirect)], "workspace_name": "Acme",
            ]
            try sim.control("POST", "apps", .object(fields.merging(more) { _, new in new }))
            genesys = Genesys(
                try PlatformURLs([
                    "genesys.api=\(sim.base)/genesys/{region}/api", "genesys.login=\(sim.base)/genesys/{region}/login",
                ]))
            client = OAuthClient(
                appID: AppID(clientID)!, clientID: clientID, clientSecret: secret, region: region, usesPKCE: true)
        }

        func mint() throws -> TokenPair {
            try genesys.minted(sim.carry(try genesys.mint(.app, MintMaterial(), client)), .app)
        }

        func code() throws -> String {
            let url = try genesys.authorizeURL(
                AuthorizeAsk(
                    purpose: .install, scope: [], userScope: [], state: "s&=", redirectURI: redirect,
                    challenge: challenge), client)
            let answer = try sim.send("GET", String(url.dropFirst(sim.base.count)))
            let back = SimRequest("GET", try #require(answer.header("location")))
            #expect(back.query("state") == "s&=")
            return try #require(back.query("code"))
        }

        func exchange(_ code: String, verifier: String = verifier) throws -> Granted {
            try genesys.granted(
                sim.carry(
                    genesys.exchange(
                        ExchangeAsk(purpose: .install, code: code, redirectURI: redirect, verifier: verifier), client)))
        }

        func failure<T>(_ work: () throws -> T) -> PlatformFailure? {
            do { _ = try work() } catch { return error as? PlatformFailure }
            return nil
        }
    }

    @Test func `gets a token for the client alone, and knows whose it is`() throws {
        let stage = try Stage()
        let pair = try stage.mint()
        #expect(pair.expiresIn == 86_400 && pair.refreshToken == nil && pair.oddities.isEmpty)
        let info = try stage.sim.carry(stage.genesys.tokensMe(token: pair.token, stage.client)).genesysTokenInfo()
        #expect(info.clientID == Self.clientID && info.organizationName == "Acme" && info.state == "active")
        #expect(info.grantType == "CLIENT-CREDENTIALS")
        let user = try stage.sim.carry(stage.genesys.identity(token: pair.token, stage.client))
        #expect(stage.failure { try user.genesysPerson() }?.code == "bad.request")
        let list = try stage.sim.carry(stage.genesys.openIntegrations(token: pair.token, page: 1, stage.client))
        let found = try list.genesysIntegrations()
        #expect(
            found.found.map(\.name) == ["Open Messaging Direct Message", "Open Messaging App Mention"]
                && found.pages == 1)
        let ended = try stage.sim.carry(try #require(stage.genesys.revoke(token: pair.token, .app, stage.client)))
        try stage.genesys.revoked(ended)
        let again = try stage.sim.carry(try #require(stage.genesys.revoke(token: pair.token, .app, stage.client)))
        try stage.genesys.revoked(again)
        let late = try stage.sim.carry(stage.genesys.tokensMe(token: pair.token, stage.client))
        #expect(stage.genesys.complaint(late)?.code == "bad.credentials")
    }

    @Test func `trades a code by PKCE, says who authorized and where, and refreshes once`() throws {
        let stage = try Stage()
        let code = try stage.code()
        #expect(stage.failure { try stage.exchange(code, verifier: Self.challenge) }?.code == "invalid_grant")
        let granted = try stage.exchange(code)
        let user = try #require(granted.user)
        #expect(granted.bot == nil && user.refreshToken != nil && user.expiresIn == 86_400)
        #expect(stage.failure { try stage.exchange(code) }?.verdict == .reauth)
        let person = try stage.genesys.person(stage.sim.carry(stage.genesys.identity(token: user.token, stage.client)))
        #expect(person.place?.name == "Acme" && person.userID.hasSuffix("00a1") && !person.isEmailVerified)
        let refresh = stage.genesys.refresh(try #require(user.refreshToken), .user, stage.client)
        let next = try stage.genesys.refreshed(stage.sim.carry(refresh), .user)
        #expect(next.token != user.token && next.refreshToken != user.refreshToken && next.oddities.isEmpty)
        #expect(stage.failure { try stage.genesys.refreshed(stage.sim.carry(refresh), .user) }?.code == "invalid_grant")
        _ = try stage.sim.carry(stage.genesys.tokensMe(token: user.token, stage.client)).genesysTokenInfo()
    }

    @Test(arguments: [
        ("fake-other", "mypurecloud.ie", "Client Secret"), ("fake-secret", "mypurecloud.de", "wrong region"),
    ])
    func `names a wrong secret and a wrong region`(_ secret: String, _ region: String, _ words: String) throws {
        let stage = try Stage(secret: secret, region: region)
        let found = stage.failure { try stage.mint() }
        #expect(found?.code == "invalid_client" && found?.verdict == .config)
        #expect(found?.sentence.contains(words) == true)
    }

    @Test func `is told to wait, and hears it`() throws {
        let stage = try Stage(["token_rate": 2])
        _ = try stage.mint()
        _ = try stage.mint()
        let limited = stage.failure { try stage.mint() }
        #expect(limited?.code == "ratelimited" && (1...60).contains(limited?.retryAfter ?? 0))
        try stage.sim.control("POST", "clock", ["advance_seconds": 61])
        _ = try stage.mint()
    }

    @Test func `sees tokens end with their life and with their client`() throws {
        let stage = try Stage(["token_life": 300])
        let pair = try stage.mint()
        #expect(pair.expiresIn == 300)
        try stage.sim.control("POST", "clock", ["advance_seconds": 301])
        let late = try stage.sim.carry(stage.genesys.tokensMe(token: pair.token, stage.client))
        #expect(stage.genesys.complaint(late)?.verdict == .reauth)
        try stage.sim.control(
            "POST", "apps",
            [
                "platform": "genesys", "client_id": .string(Self.clientID), "state": "disabled",
            ])
        #expect(stage.failure { try stage.mint() }?.code == "invalid_client")
    }

    /// The fault and what the reader makes of it; nil is a good token all the same.
    @Test(
        arguments: [
            ("html", "unreadable_answer"), ("status:500", "internal.server.error"), ("status:429", "ratelimited"),
            ("status:503", "service.unavailable"), ("status:302", "redirected"),
            ("error:invalid_grant", "invalid_grant"),
            ("error:brand_new", "unknown_code"), ("edit:drop:access_token", "unexpected_answer"),
            ("edit:set:access_token=5", "unexpected_answer"), ("edit:drop:expires_in", nil),
            ("edit:set:expires_in=0", nil), ("edit:set:expires_in=-1", nil), ("edit:fill:access_token=65536", nil),
            ("edit:fill:access_token=65537", "unexpected_answer"),
        ] as [(String, String?)])
    func `survives what the platform may answer`(_ fault: String, _ code: String?) throws {
        let stage = try Stage()
        try stage.sim.control("POST", "faults", ["match": "genesys:oauth.token", "fault": .string(fault)])
        #expect(stage.failure { try stage.mint() }?.code == code)
        #expect(try stage.sim.control("GET", "faults")["faults"]?.count == 0)
    }

    @Test func `goes through the gateway by verb and path`() throws {
        let stage = try Stage()
        let token = try stage.mint().token
        let app = try #require(try stage.sim.control("GET", "apps")["apps"]?[0])
        let integration = try #require(app["integrations"]?[0]?["id"]?.text)
        let path = "api/v2/conversations/messages/\(integration)/inbound/open/message"
        #expect(try stage.genesys.gatewayMethod(GatewayPath(path), verb: "POST") == "POST \(path)")
        let call = try stage.genesys.gatewayCall(
            GatewayRequest(
                path: path, verb: "POST", headers: [HeaderField("Content-Type", "application/json")],
                body: [UInt8](#"{"channel":{"from":{"id":"U1"}},"type":"Text","text":"hello"}"#.utf8)),
            at: try GatewayPath(path), token: token, stage.client)
        #expect(try stage.sim.carry(call).status == 200)
        #expect(try stage.sim.control("GET", "messages")["messages"]?[0]?["text"]?.text == "hello")
    }
}
