import Platforms
import Rules
import Testing

@Suite struct `A request to Lark or Feishu` {
    private static let client = OAuthClient(
        appID: AppID("cli_fake0001")!, clientID: "cli_fake0001", clientSecret: "fake-secret")

    private static func ask(
        _ scopes: [String], _ purpose: Purpose = .install, challenge: String? = "fake-challenge"
    ) -> AuthorizeAsk {
        AuthorizeAsk(
            purpose: purpose, scope: [], userScope: scopes, state: "s &=", redirectURI: "https://bridge.example/cb?x=1",
            challenge: challenge)
    }

    @Test(
        arguments: [
            (Lark.Brand.lark, "https://accounts.larksuite.com/open-apis"),
            (Lark.Brand.feishu, "https://accounts.feishu.cn/open-apis"),
        ])
    func `for the browser names everything the page wants`(_ brand: Lark.Brand, _ base: String) throws {
        #expect(
            try Lark(brand).authorizeURL(Self.ask(["im:message", "offline_access"]), Self.client)
                == "\(base)/authen/v1/authorize?client_id=cli_fake0001&response_type=code"
                + "&redirect_uri=https%3A%2F%2Fbridge.example%2Fcb%3Fx%3D1&scope=im%3Amessage%20offline_access"
                + "&state=s%20%26%3D&code_challenge=fake-challenge&code_challenge_method=S256")
    }

    @Test(
        arguments: [
            ([], nil), (["a:b", "a:b", "c"], "a%3Ab%20c"), (["offline_access", "a"], "offline_access%20a"),
        ] as [([String], String?)])
    func `asks for each scope once`(_ scopes: [String], _ said: String?) throws {
        let url = try Lark(.lark).authorizeURL(Self.ask(scopes), Self.client)
        let found = url.split(separator: "&").first { $0.hasPrefix("scope=") }
        #expect(found.map(String.init) == said.map { "scope=\($0)" })
    }

    @Test func `asks for offline access at an install only`() throws {
        let profile = try #require(Profile.named("lark", on: .lark))
        #expect(Lark(.lark).scopes(for: .install, of: profile).userScope == ["offline_access"])
        #expect(Lark(.lark).scopes(for: .login, of: profile).userScope == [])
    }

    @Test func `is not made without PKCE, with fifty-one scopes, or with what is no scope`() {
        let lark = Lark(.lark)
        let many = (0..<51).map { "scope\($0)" }
        #expect(throws: Problem(.internal, "")) { try lark.authorizeURL(Self.ask([], challenge: nil), Self.client) }
        #expect(throws: Problem(.badRequest, "")) { try lark.authorizeURL(Self.ask(many), Self.client) }
        #expect(throws: Problem(.badRequest, "")) { try lark.authorizeURL(Self.ask(["a b"]), Self.client) }
        #expect(throws: Never.self) { try lark.authorizeURL(Self.ask(Array(many.dropLast())), Self.client) }
    }

    @Test func `trades a code with the client in the body alone`() throws {
        let request = Lark(.lark).exchange(
            ExchangeAsk(purpose: .install, code: "fake-code", redirectURI: "https://b.example/cb", verifier: "v"),
            Self.client)
        #expect(request.url == "https://open.larksuite.com/open-apis/authen/v2/oauth/token" && request.method == "POST")
        #expect(!request.repeatable && request.name == "authen.v2.oauth.token")
        #expect(request.headers.contains(HeaderField("Content-Type", "application/json; charset=utf-8")))
        #expect(!request.headers.contains { $0.name == "Authorization" })
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"client_id":"cli_fake0001","client_secret":"fake-secret","code":"fake-code","#
                + #""code_verifier":"v","grant_type":"authorization_code","redirect_uri":"https://b.example/cb"}"#)
    }

    @Test(
        arguments: [
            ("eyJfake", "v2", "authen/v2/oauth/token", false), ("eyJfake", "oidc", "authen/v2/oauth/token", false),
            ("ur-fake", "v2", "authen/v1/oidc/refresh_access_token", true),
            ("ur-fake", "oidc", "authen/v1/oidc/refresh_access_token", true),
        ])
    func `refreshes a token where it came from`(
        _ token: String, _ setting: String, _ path: String, _ needsAppToken: Bool
    ) throws {
        let lark = Lark(.feishu, try PlatformURLs(["feishu.token=\(setting)"]))
        let client = OAuthClient(
            appID: Self.client.appID, clientID: "cli_fake0001", clientSecret: "fake-secret", appToken: "t-fake")
        let request = lark.refresh(token, .user, client)
        #expect(request.url == "https://open.feishu.cn/open-apis/\(path)" && !request.repeatable)
        #expect(lark.needsAppToken(refreshToken: token) == needsAppToken)
        #expect(request.headers.contains(HeaderField("Authorization", "Bearer t-fake")) == needsAppToken)
        #expect(String(decoding: request.body, as: UTF8.self).contains("fake-secret") == !needsAppToken)
    }

    @Test func `takes the endpoints' generation from the operator only`() throws {
        #expect(try PlatformURLs(["lark.token=oidc"]).generation(of: .lark) == .oidc)
        #expect(try PlatformURLs(["lark.token=oidc"]).generation(of: .feishu) == .v2)
        #expect(throws: Problem(.badRequest, "")) { try PlatformURLs(["lark.token=v1"]) }
        #expect(throws: Problem(.badRequest, "")) { try PlatformURLs(["slack.token=v2"]) }
        let old = Lark(.lark, try PlatformURLs(["lark.token=oidc"]))
        #expect(
            try old.authorizeURL(Self.ask(["a"]), Self.client)
                == "https://open.larksuite.com/open-apis/authen/v1/index"
                + "?redirect_uri=https%3A%2F%2Fbridge.example%2Fcb%3Fx%3D1&app_id=cli_fake0001&state=s%20%26%3D")
    }

    @Test(
        arguments: [
            (
                .tenant, false, "auth/v3/tenant_access_token/internal",
                #"{"app_id":"cli_fake0001","app_secret":"fake-secret"}"#
            ),
            (
                .app, false, "auth/v3/app_access_token/internal",
                #"{"app_id":"cli_fake0001","app_secret":"fake-secret"}"#
            ),
            (
                .app, true, "auth/v3/app_access_token",
                #"{"app_id":"cli_fake0001","app_secret":"fake-secret","app_ticket":"fake-ticket"}"#
            ),
            (.tenant, true, "auth/v3/tenant_access_token", #"{"app_access_token":"a-fake","tenant_key":"k"}"#),
        ] as [(Leg, Bool, String, String)])
    func `makes a machine token`(_ leg: Leg, _ isStore: Bool, _ path: String, _ body: String) throws {
        let client = OAuthClient(
            appID: Self.client.appID, clientID: "cli_fake0001", clientSecret: "fake-secret", isStoreApp: isStore)
        let material = MintMaterial(ticket: "fake-ticket", appToken: "a-fake", tenantKey: "k")
        let request = try Lark(.lark).mint(leg, material, client)
        #expect(request.url == "https://open.larksuite.com/open-apis/\(path)")
        #expect(request.repeatable && String(decoding: request.body, as: UTF8.self) == body)
        #expect(Lark(.lark).mintable(client).contains(leg))
        #expect((180...1500).contains(Lark(.lark).mintMargin))
    }

    @Test func `is made for no leg that has no machine token`() {
        #expect(throws: Problem(.unsupported, "")) { try Lark(.lark).mint(.bot, MintMaterial(), Self.client) }
        #expect(throws: Problem(.unsupported, "")) { try Lark(.lark).mint(.user, MintMaterial(), Self.client) }
        let bare = OAuthClient(appID: Self.client.appID, clientID: "cli_fake0001", clientSecret: nil)
        #expect(throws: Problem(.notFound, "")) { try Lark(.lark).mint(.tenant, MintMaterial(), bare) }
        #expect(Lark(.lark).resendTicket(Self.client) == nil && Lark(.lark).revoke(token: "t", .user, bare) == nil)
    }

    @Test(
        arguments: [
            ("im/v1/messages", "POST", "POST im/v1/messages"),
            ("open-apis/im/v1/messages", "POST", "POST im/v1/messages"),
            ("im/v1/messages/om_1.a-b/reply", "PATCH", "PATCH im/v1/messages/om_1.a-b/reply"),
            ("im", "POST", nil), ("", "POST", nil), ("/im/v1", "POST", nil), ("im//v1", "POST", nil),
            ("im/v1/", "POST", nil), ("im/../auth", "POST", nil), ("im/./v1", "POST", nil), ("im/.../v1", "POST", nil),
            ("im/%2e%2e/auth", "POST", nil), ("im/v1%2fmessages", "POST", nil), ("im/v1@evil/x", "POST", nil),
            ("//evil.example/x", "POST", nil), ("im/v1/a\u{0}", "POST", nil), ("im/v1/a\nb", "POST", nil),
            ("im/v1/a?b", "POST", nil), ("im/v1/a#b", "POST", nil), ("im/v1/a b", "POST", nil),
            ("im\\v1/x", "POST", nil),
            ("im/v1/é", "POST", nil), ("im/v1/a;b", "POST", nil), ("im/v1/a%3bb", "POST", nil),
            ("im/v1/a%252fb", "POST", nil), ("im/v1/%c0%ae%c0%ae", "POST", nil), ("im/v1/a%", "POST", nil),
            ("sheets/v2/spreadsheets/s1/values/a%21A1%3aB2", "GET", "GET sheets/v2/spreadsheets/s1/values/a!A1:B2"),
            ("im/v1/%e4%bd%a0", "GET", "GET im/v1/%E4%BD%A0"), ("%69m/v1", "GET", "GET im/v1"),
            ("im/v1/messages", "TRACE", nil), ("im/v1/messages", "post", nil), ("im/v1/messages", "GET im", nil),
        ] as [(String, String, String?)])
    func `through the gateway is known by verb and plain path`(_ path: String, _ verb: String, _ name: String?) throws {
        let lark = Lark(.lark)
        #expect((try? lark.gatewayMethod(GatewayPath(path), verb: verb)) == name)
        guard let name else {
            #expect(throws: Problem.self) { try Self.call(lark, path, verb) }
            return
        }
        // What is matched is what is sent.
        let sent = try Self.call(lark, path, verb)
        #expect(
            sent.name == name && "\(verb) " + sent.url.dropFirst("https://open.larksuite.com/open-apis/".count) == name)
    }

    private static func call(
        _ lark: Lark, _ path: String, _ verb: String, query: String = ""
    ) throws(Problem) -> PlatformRequest {
        try lark.gatewayCall(
            GatewayRequest(path: path, verb: verb, query: query, headers: [], body: []), at: try GatewayPath(path),
            token: "t-fake", client)
    }

    @Test(
        arguments: [
            ("auth/v3/tenant_access_token/internal", .denied), ("AUTH/v3/app_ticket/resend", .denied),
            ("authen/v2/oauth/token", .denied), ("authen/v1/oidc/access_token", .denied),
            ("authen/v1/authorize", .denied), ("open-apis/auth/v3/x", .denied), ("open-apis/open-apis/auth/x", .denied),
            ("passport/v1/sessions/logout", .denied), ("oauth/v3/token", .denied),
            ("application/v7/applications/cli_1/config", .denied),
            ("application/v7/applications/cli_1/publish", .denied), ("authen/v1/user_info", nil),
            ("application/v6/scopes", nil), ("authors/v1/x", nil),
        ] as [(String, Problem.Code?)])
    func `through the gateway cannot reach what makes tokens`(_ path: String, _ code: Problem.Code?) throws {
        guard let code else {
            #expect(
                try Self.call(Lark(.lark), path, "POST").url == "https://open.larksuite.com/open-apis/\(path)")
            return
        }
        #expect(throws: Problem(code, "")) { try Self.call(Lark(.lark), path, "POST") }
    }

    @Test func `through the gateway carries our token and no other header than it must`() throws {
        let call = GatewayRequest(
            path: "open-apis/im/v1/messages", verb: "POST", query: "receive_id_type=chat_id",
            headers: [
                HeaderField("authorization", "Bearer theirs"), HeaderField("Cookie", "c"),
                HeaderField("content-type", "application/json"), HeaderField("X-Tt-Env", "x"),
            ], body: [1, 2])
        let request = try Lark(.feishu).gatewayCall(call, at: try GatewayPath(call.path), token: "t-fake", Self.client)
        #expect(request.url == "https://open.feishu.cn/open-apis/im/v1/messages?receive_id_type=chat_id")
        #expect(
            request.headers == [
                HeaderField("Authorization", "Bearer t-fake"), HeaderField("content-type", "application/json"),
            ])
        #expect(request.body == [1, 2] && request.name == "POST im/v1/messages")
        for query in ["a b", "a\r\nb", "a#b", "a\u{7f}", "tenant_access_token=t"] {
            #expect(throws: Problem(.badRequest, "")) {
                try Self.call(Lark(.feishu), "im/v1/messages", "POST", query: query)
            }
        }
    }

    @Test func `to the config API says only what is to change`() {
        var change = LarkConfigChange()
        change.addRedirectURLs = ["https://ailink.gts.work/feishu/cli_1"]
        change.addTrustedDomains = ["https://ailink.gts.work"]
        let request = Lark(.feishu).configPatch(change, of: "cli_1", token: "t-fake")
        #expect(request.method == "PATCH")
        #expect(request.url == "https://open.feishu.cn/open-apis/application/v7/applications/cli_1/config")
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"security":{"add":{"h5_trusted_domains":["https://ailink.gts.work"],"#
                + #""redirect_urls":["https://ailink.gts.work/feishu/cli_1"]}}}"#)
        #expect(Lark(.feishu).hasConfigAPI && !Lark(.lark).hasConfigAPI)
    }
}
