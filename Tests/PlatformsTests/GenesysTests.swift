import Platforms
import Rules
import Testing

/// The code of the problem; nil when there is none.
private func problem<Value>(_ make: () throws(Problem) -> Value) -> Problem.Code? {
    do throws(Problem) {
        _ = try make()
        return nil
    } catch {
        return error.code
    }
}

private func client(region: String? = "mypurecloud.ie", secret: String? = "fake-secret") -> OAuthClient {
    OAuthClient(appID: AppID("c1")!, clientID: "c1", clientSecret: secret, region: region, usesPKCE: true)
}

@Suite struct `A request to Genesys Cloud` {
    private let genesys = Genesys()

    private func authorize(_ client: OAuthClient, _ scope: [String] = [], challenge: String? = "c") -> AuthorizeAsk {
        AuthorizeAsk(
            purpose: .install, scope: scope, userScope: [], state: "s&", redirectURI: "https://a.example/cb",
            challenge: challenge)
    }

    @Test(arguments: GenesysRegions.standard.map(\.domain))
    func `goes to the region's own hosts`(_ region: String) throws {
        let client = client(region: region)
        #expect(
            try genesys.authorizeURL(authorize(client), client)
                == "https://login.\(region)/oauth/authorize?client_id=c1&response_type=code"
                + "&redirect_uri=https%3A%2F%2Fa.example%2Fcb&state=s%26&code_challenge=c&code_challenge_method=S256")
        #expect(
            try genesys.mint(.app, MintMaterial(), client).url == "https://login.\(region)/oauth/token"
                && genesys.tokensMe(token: "t", client).url == "https://api.\(region)/api/v2/tokens/me")
        #expect(genesys.apiBase(client) == "https://api.\(region)")
    }

    @Test(arguments: [nil, "", "evil.example", "mypurecloud.ie.evil.example", "mypurecloud.ie/x", "MYPURECLOUD.IE"])
    func `goes nowhere for a region that is not on the list`(_ region: String?) {
        let client = client(region: region)
        #expect(problem { () throws(Problem) in try genesys.authorizeURL(authorize(client), client) } == .badRequest)
        #expect(problem { () throws(Problem) in try genesys.mint(.app, MintMaterial(), client) } == .badRequest)
        let ask = ExchangeAsk(purpose: .install, code: "c", redirectURI: "https://a.example", verifier: "v")
        for url in [
            genesys.exchange(ask, client).url, genesys.refresh("r", .user, client).url,
            genesys.usersMe(token: "t", client).url,
        ] {
            #expect(url.hasPrefix("https://region.invalid/"))
        }
        let call = GatewayRequest(path: "api/v2/users", verb: "GET", headers: [], body: [])
        #expect(
            problem { () throws(Problem) in
                try genesys.gatewayCall(call, at: try GatewayPath(call.path), token: "t", client)
            } == .badRequest)
    }

    /// How the client proves itself (platforms, 4.2 to 4.5): with PKCE by the verifier alone, else by Basic.
    @Test func `proves the client as the platform's own SDK does`() throws {
        let (whole, bare) = (client(), client(secret: nil))
        let pkce = ExchangeAsk(purpose: .install, code: "c", redirectURI: "https://a.example", verifier: "v")
        let plain = ExchangeAsk(purpose: .install, code: "c", redirectURI: "https://a.example", verifier: nil)
        let basic = HeaderField("Authorization", "Basic YzE6ZmFrZS1zZWNyZXQ=")
        let rest = "code=c&redirect_uri=https%3A%2F%2Fa.example"
        let rows: [(PlatformRequest, Bool, String)] = [
            (
                genesys.exchange(pkce, whole), false,
                "grant_type=authorization_code&client_id=c1&\(rest)&code_verifier=v"
            ), (genesys.exchange(plain, whole), true, "grant_type=authorization_code&\(rest)"),
            (genesys.refresh("r", .user, whole), true, "grant_type=refresh_token&refresh_token=r"),
            (genesys.refresh("r", .user, bare), false, "grant_type=refresh_token&client_id=c1&refresh_token=r"),
            (try genesys.mint(.app, MintMaterial(), whole), true, "grant_type=client_credentials"),
        ]
        for (request, hasBasic, body) in rows {
            #expect(request.headers.contains(basic) == hasBasic && request.method == "POST")
            #expect(String(decoding: request.body, as: UTF8.self) == body)
            #expect(request.headers.contains(HeaderField("Content-Type", "application/x-www-form-urlencoded")))
        }
        #expect(genesys.mintable(whole) == [.app] && genesys.mintable(bare) == [])
        #expect(problem { () throws(Problem) in try genesys.mint(.app, MintMaterial(), bare) } == .notFound)
        #expect(problem { () throws(Problem) in try genesys.mint(.tenant, MintMaterial(), whole) } == .unsupported)
        #expect(genesys.uninstall(token: "t", whole) == nil && genesys.mintMargin == 60)
    }

    @Test func `asks for scopes only when there are any`() throws {
        let url = try genesys.authorizeURL(authorize(client(), ["a", "b"], challenge: nil), client())
        #expect(url.hasSuffix("&state=s%26&scope=a%20b"))
        #expect(
            problem { () throws(Problem) in try genesys.authorizeURL(authorize(client(), ["a b"]), client()) }
                == .badRequest)
    }
}

@Suite struct `Genesys Cloud's regions` {
    @Test(arguments: [
        ("mypurecloud.ie", "mypurecloud.ie"), (" EU-WEST-1\n", "mypurecloud.ie"),
        ("https://apps.mypurecloud.ie/directory/#/x", "mypurecloud.ie"), ("login.usw2.pure.cloud", "usw2.pure.cloud"),
        ("api.new9.pure.cloud", "new9.pure.cloud"), ("new9.pure.cloud", "new9.pure.cloud"), ("", nil),
        ("pure.cloud", nil), ("evil.example", nil), ("mypurecloud.ie.evil.example", nil), ("apps.", nil),
        ("user@mypurecloud.ie", nil), ("xmypurecloud.ie", nil), ("api.login.mypurecloud.ie", nil),
    ])
    func `are a list, to which an operator adds`(_ text: String, _ domain: String?) throws {
        let regions = try GenesysRegions(adding: ["new9.pure.cloud"])
        #expect(regions.domain(in: text) == domain)
        #expect(
            problem { () throws(Problem) -> String in try regions.domain(text) } == (domain == nil ? .badRequest : nil))
    }

    @Test(arguments: [
        "", "cloud", "http://a.b", "a.b/c", "a.b:80", "1.2.3.4", "A.B", "-a.b", "a-.b", "a..b", ".a.b", "a_b.c",
        "[::1]",
        "127.0.0.1",
    ])
    func `take no host that is not a domain name`(_ text: String) {
        #expect(problem { () throws(Problem) in try PlatformURLs([], genesysRegions: [text]) } == .badRequest)
    }

    @Test func `reach the addresses an operator set`() throws {
        let urls = try PlatformURLs(
            ["genesys.login=http://127.0.0.1:80/genesys/{region}/login"], genesysRegions: ["new9.pure.cloud"])
        let genesys = try urls.dialect(of: .genesys)
        let request = try genesys.mint(.app, MintMaterial(), client(region: "new9.pure.cloud"))
        #expect(request.url == "http://127.0.0.1:80/genesys/new9.pure.cloud/login/oauth/token")
        #expect(genesys.apiBase(client(region: "new9.pure.cloud")) == "https://api.new9.pure.cloud")
    }
}

@Suite struct `The gateway to Genesys Cloud` {
    private static let id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

    @Test(
        arguments: [
            ("POST", "api/v2/conversations/messages/\(id)/inbound/open/message", true),
            ("GET", "api/v2/users/me", true), ("GET", "api/v2/x/42", true),
            ("GET", "api/v2", false),
            ("GET", "api/v2/", false),
            ("GET", "api/v1/users", false), ("GET", "/api/v2/users", false), ("GET", "api/v2/../v1/users", false),
            ("GET", "api/v2/%2e%2e/users", false), ("GET", "api/v2/./users", false), ("GET", "api/v2/a//b", false),
            ("GET", "api/v2/a b", false), ("TRACE", "api/v2/users", false), ("get", "api/v2/users", false),
        ] as [(String, String, Bool)])
    func `knows a call by verb and path`(_ verb: String, _ path: String, _ isCall: Bool) {
        #expect((try? Genesys().gatewayMethod(GatewayPath(path), verb: verb)) == (isCall ? "\(verb) \(path)" : nil))
    }

    @Test func `can be held to one integration, or to any`() throws {
        let call = try Genesys().gatewayMethod(
            GatewayPath("api/v2/conversations/messages/\(Self.id)/inbound/open/message"), verb: "POST")
        #expect(Method.isCovered(call, by: ["POST api/v2/conversations/messages/*/inbound/open/message"]))
        #expect(Method.isCovered(call, by: [call]))
        #expect(!Method.isCovered(call, by: [call.replacing("3f25", with: "3f26")]))
    }

    private func call(
        _ path: String, verb: String = "GET", query: String = "", headers: [HeaderField] = []
    ) throws(Problem) -> PlatformRequest {
        try Genesys().gatewayCall(
            GatewayRequest(path: path, verb: verb, query: query, headers: headers, body: [1]),
            at: try GatewayPath(path), token: "fake-token", client())
    }

    @Test func `adds the token and drops what is not the platform's business`() throws {
        let headers = [
            HeaderField("Authorization", "Bearer mine"), HeaderField("Cookie", "d=1"),
            HeaderField("Content-Type", "application/json"), HeaderField("purecloud-sdk", "1"),
        ]
        let request = try call("api/v2/users", verb: "PUT", query: "a=1", headers: headers)
        #expect(request.url == "https://api.mypurecloud.ie/api/v2/users?a=1" && request.method == "PUT")
        #expect(
            request.headers == [
                HeaderField("Authorization", "Bearer fake-token"), HeaderField("Content-Type", "application/json"),
            ])
        #expect(request.body == [1] && !request.repeatable)
    }

    @Test(arguments: [
        "api/v2/tokens/me", "api/v2/oauth/clients", "api/v2/OAuth/clients/x/secret", "api/v2/tokens",
    ])
    func `never reaches calls about tokens and clients`(_ path: String) {
        #expect(problem { () throws(Problem) in try call(path) } == .denied)
    }

    @Test func `refuses odd queries, verbs and tokens of the caller's`() {
        for query in ["access_token=x", "a=1&access%5Ftoken=x", "a b", "a#b"] {
            #expect(problem { () throws(Problem) in try call("api/v2/users", query: query) } == .badRequest)
        }
        #expect(problem { () throws(Problem) in try call("api/v2/users", verb: "TRACE") } == .methodNotAllowed)
        #expect(problem { () throws(Problem) in try call("api/v3/users") } == .notFound)
    }
}
