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

@Suite struct `A request to Slack` {
    private let slack = Slack()

    private func client(_ login: OAuthClient.Login = .identity, pkce: Bool = false) throws -> OAuthClient {
        OAuthClient(
            appID: try #require(AppID("A0FAKE0001")), clientID: "1.2", clientSecret: "top", usesPKCE: pkce,
            login: login)
    }

    private func ask(
        _ purpose: Purpose, _ scope: [String] = [], _ userScope: [String] = [], challenge: String? = nil
    ) -> AuthorizeAsk {
        AuthorizeAsk(
            purpose: purpose, scope: scope, userScope: userScope, state: "s t&=",
            redirectURI: "https://a.example/cb?x=1", challenge: challenge, nonce: "n")
    }

    private static let rest = "&redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1&state=s%20t%26%3D"

    @Test func `sends the browser to the consent page`() throws {
        let page = "https://slack.com/oauth/v2/authorize?client_id=1.2"
        let install = try slack.authorizeURL(
            ask(.install, ["chat:write", "users:read"], ["search:read"], challenge: "c"), client())
        #expect(install == page + "&scope=chat%3Awrite%2Cusers%3Aread&user_scope=search%3Aread" + Self.rest)
        for purpose in [Purpose.login, .link] {
            let login = try slack.authorizeURL(ask(purpose), client())
            #expect(login == page + "&user_scope=identity.basic%2Cidentity.team" + Self.rest)
        }
        let mail = try slack.authorizeURL(ask(.link, [], ["identity.basic", "identity.email"]), client())
        #expect(mail == page + "&user_scope=identity.basic%2Cidentity.email" + Self.rest)
        let pkce = try slack.authorizeURL(ask(.install, ["chat:write"], challenge: "c"), client(pkce: true))
        #expect(
            pkce == page + "&scope=chat%3Awrite" + Self.rest + "&code_challenge=c&code_challenge_method=S256")
    }

    @Test func `sends the browser to OpenID Connect when the app's people log in by it`() throws {
        let page = "https://slack.com/openid/connect/authorize?response_type=code&scope=openid%20email%20profile"
        for pkce in [false, true] {
            let login = try slack.authorizeURL(ask(.login, challenge: "c"), client(.openID, pkce: pkce))
            #expect(login == page + "&client_id=1.2" + Self.rest + "&nonce=n")
        }
        let install = try slack.authorizeURL(ask(.install, ["chat:write"]), client(.openID))
        #expect(install.hasPrefix("https://slack.com/oauth/v2/authorize?"))
        let odd = Slack(try PlatformURLs(["slack.authorize=https://slack-gov.com/elsewhere"]))
        let openID = try client(.openID)
        let code = problem { () throws(Problem) in try odd.authorizeURL(ask(.login), openID) }
        #expect(code == .unsupported)
    }

    @Test(
        arguments: [
            (.install, [], []), (.install, ["chat:write"], ["identity.basic"]), (.install, ["identity.team"], []),
            (.install, ["a b"], []), (.install, ["a,b"], []), (.install, [""], []),
            (.login, ["chat:write"], []), (.login, [], ["identity.team"]),
            (.link, [], ["identity.basic", "chat:write"]),
        ] as [(Purpose, [String], [String])])
    func `never mixes identity scopes with others, nor asks for nothing`(
        _ purpose: Purpose, _ scope: [String], _ userScope: [String]
    ) throws {
        let client = try client()
        let code = problem { () throws(Problem) in try slack.authorizeURL(ask(purpose, scope, userScope), client) }
        #expect(code == .badRequest)
    }

    @Test func `wants a challenge of an app of the PKCE switch, and openid of OpenID Connect`() throws {
        let (pkce, openID) = (try client(pkce: true), try client(.openID))
        #expect(problem { () throws(Problem) in try slack.authorizeURL(ask(.install, ["a"]), pkce) } == .badRequest)
        #expect(problem { () throws(Problem) in try slack.authorizeURL(ask(.login, ["email"]), openID) } == .badRequest)
    }

    @Test func `trades a code with Basic authentication, and only once`() throws {
        let ask = ExchangeAsk(purpose: .install, code: "c&1", redirectURI: "https://a.example/cb", verifier: "v")
        let request = slack.exchange(ask, try client())
        #expect(request.method == "POST" && request.url == "https://slack.com/api/oauth.v2.access")
        #expect(request.headers.contains(HeaderField("Authorization", "Basic MS4yOnRvcA==")))
        #expect(request.headers.contains(HeaderField("Content-Type", "application/x-www-form-urlencoded")))
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "grant_type=authorization_code&code=c%261&redirect_uri=https%3A%2F%2Fa.example%2Fcb")
        #expect(!request.repeatable)
        #expect(!slack.refresh("r", .bot, try client()).repeatable)
        #expect(slack.clientPairProbe(clientID: "1.2", clientSecret: "top").repeatable)
    }

    @Test func `of an app of the PKCE switch has no secret in it`() throws {
        let client = try client(pkce: true)
        let ask = ExchangeAsk(purpose: .install, code: "c", redirectURI: "https://a.example/cb", verifier: "v")
        for (request, body) in [
            (
                slack.exchange(ask, client),
                "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa.example%2Fcb&code_verifier=v"
                    + "&client_id=1.2"
            ), (slack.refresh("r", .user, client), "grant_type=refresh_token&refresh_token=r&client_id=1.2"),
        ] {
            #expect(!request.headers.contains { $0.name == "Authorization" })
            #expect(String(decoding: request.body, as: UTF8.self) == body)
        }
        let usual = try self.client()
        #expect(slack.refreshTokenLife(client) == 2_592_000 && slack.refreshTokenLife(usual) == nil)
    }

    @Test func `to OpenID Connect has the secret and no verifier, whatever the switch`() throws {
        let ask = ExchangeAsk(purpose: .login, code: "c", redirectURI: "https://a.example/cb", verifier: "v")
        let request = slack.exchange(ask, try client(.openID, pkce: true))
        #expect(request.url == "https://slack.com/api/openid.connect.token")
        #expect(request.headers.contains(HeaderField("Authorization", "Basic MS4yOnRvcA==")))
        #expect(!String(decoding: request.body, as: UTF8.self).contains("verifier"))
        let identity = slack.identity(token: "xoxp-fake", try client(.openID))
        #expect(identity.name == "openid.connect.userInfo")
    }

    @Test func `uninstalls with the client's credentials, and not without`() throws {
        let request = try #require(slack.uninstall(token: "xoxb-fake", try client()))
        #expect(request.url == "https://slack.com/api/apps.uninstall")
        #expect(request.body == [UInt8]("client_id=1.2&client_secret=top".utf8))
        let bare = OAuthClient(appID: try #require(AppID("A1")), clientID: "1.2", clientSecret: nil)
        #expect(slack.uninstall(token: "xoxb-fake", bare) == nil)
    }

    @Test func `carries a token in the header only`() {
        for request in [
            slack.authTest(token: "xoxb-fake"), slack.botsInfo(bot: "B1", token: "xoxb-fake"),
            slack.usersIdentity(token: "xoxb-fake"), slack.revoke(token: "xoxb-fake", dryRun: true),
        ] {
            #expect(request.headers.contains(HeaderField("Authorization", "Bearer xoxb-fake")))
            #expect(request.url == "https://slack.com/api/\(request.name)")
            #expect(!String(decoding: request.body, as: UTF8.self).contains("xoxb"))
        }
        #expect(slack.botsInfo(bot: "B1", token: "t").body == [UInt8]("bot=B1".utf8))
        #expect(slack.revoke(token: "t", dryRun: true).body == [UInt8]("test=1".utf8))
        #expect(slack.revoke(token: "t").body.isEmpty)
    }
}

@Suite struct `The gateway to Slack` {
    private let slack = Slack()
    private let form = [HeaderField("content-type", "application/x-www-form-urlencoded; charset=utf-8")]

    private func call(
        _ path: String, verb: String = "POST", query: String = "", headers: [HeaderField] = [], body: String = ""
    ) throws(Problem) -> PlatformRequest {
        guard let appID = AppID("A1") else { throw Problem(.internal, "A1 is an App ID") }
        return try slack.gatewayCall(
            GatewayRequest(path: path, verb: verb, query: query, headers: headers, body: [UInt8](body.utf8)),
            at: try GatewayPath(path), token: "xoxb-fake",
            OAuthClient(appID: appID, clientID: "1.2", clientSecret: nil))
    }

    @Test func `adds the token and drops what is not Slack's business`() throws {
        let headers =
            form + [
                HeaderField("Authorization", "Bearer mine"), HeaderField("Cookie", "d=1"), HeaderField("Host", "x"),
                HeaderField("X-Forwarded-For", "1.2.3.4"), HeaderField("Accept", "application/json"),
            ]
        let request = try call("chat.postMessage", query: "a=1", headers: headers, body: "channel=C1&text=token")
        #expect(request.url == "https://slack.com/api/chat.postMessage?a=1" && request.name == "chat.postMessage")
        #expect(
            request.headers.map(\.name).sorted() == ["Accept", "Authorization", "content-type"]
                && request.headers.contains(HeaderField("Authorization", "Bearer xoxb-fake")))
        #expect(request.body == [UInt8]("channel=C1&text=token".utf8) && !request.repeatable)
        #expect(try call("users.list", verb: "GET").repeatable)
    }

    @Test(
        arguments: [
            ("chat", .notFound), ("chat.", .notFound), (".postMessage", .notFound), ("chat..postMessage", .notFound),
            ("chat/postMessage", .notFound), ("oauth.v2.access", .notFound), ("ch%C3%A4t.post", .notFound),
            (String(repeating: "a.", count: 60) + "b", .notFound), ("", .badRequest), ("../x.y", .badRequest),
            ("chat.postMessage/", .badRequest), ("chat.postMessage?x", .badRequest), ("chat.post message", .badRequest),
            ("chät.post", .badRequest), ("a.b\r\n", .badRequest),
        ] as [(String, Problem.Code)])
    func `takes nothing but the name of a method`(_ path: String, _ code: Problem.Code) {
        #expect(problem { () throws(Problem) in try call(path) } == code)
    }

    @Test func `is sent what was matched, whatever way it was written`() throws {
        #expect(try call("chat.post%4dessage").url == "https://slack.com/api/chat.postMessage")
        #expect(problem { () throws(Problem) in try call("auth%2Erevoke") } == .denied)
    }

    @Test(arguments: [
        "auth.revoke", "AUTH.Revoke", "apps.uninstall", "oauth.access", "openid.connect.token", "tooling.tokens.rotate",
        "apps.manifest.create", "apps.connections.open",
    ])
    func `never reaches a method that gives out or ends tokens`(_ path: String) {
        #expect(Slack.isReserved(path))
        #expect(problem { () throws(Problem) in try call(path) } == .denied)
    }

    @Test func `refuses other verbs, odd queries and tokens of the caller's`() {
        #expect(problem { () throws(Problem) in try call("a.b", verb: "DELETE") } == .methodNotAllowed)
        for query in ["token=xoxb-1", "a=1&token=x", "%74oken=x", "token", "a b", "a#b", "a\r\nb"] {
            #expect(problem { () throws(Problem) in try call("a.b", query: query) } == .badRequest, "\(query)")
        }
        #expect(problem { () throws(Problem) in try call("a.b", headers: form, body: "tok%65n=x") } == .badRequest)
        let parts = [HeaderField("Content-Type", "multipart/form-data; boundary=b")]
        let part = "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nx\r\n--b--"
        #expect(problem { () throws(Problem) in try call("a.b", headers: parts, body: part) } == .badRequest)
        for name in [
            "Name=\"token\"", "name=token", "name='token'", "name*=utf-8''token", "name = \"to\\ken\"",
            "NAME=\"TOKEN\"",
        ] {
            let part = "--b\r\nContent-Disposition: form-data;\r\n \(name)\r\n\r\nx\r\n--b--"
            #expect(
                problem { () throws(Problem) in try call("a.b", headers: parts, body: part) } == .badRequest, "\(name)")
        }
        for name in ["name=\"tokens\"", "filename=\"token\"", "name=\"a\""] {
            let part = "--b\r\nContent-Disposition: form-data; \(name)\r\n\r\ntoken\r\n--b--"
            #expect((try? call("a.b", headers: parts, body: part)) != nil, "\(name)")
        }
        let two = [HeaderField("Content-Type", "application/json")] + form
        #expect(problem { () throws(Problem) in try call("a.b", headers: two, body: "token=x") } == .badRequest)
        let packed = [HeaderField("Content-Encoding", "gzip")]
        #expect(problem { () throws(Problem) in try call("a.b", headers: packed) } == .badRequest)
        let split = [HeaderField("Accept", "a\r\nHost: b")]
        #expect((try? call("a.b", headers: split))?.headers.count == 1)
    }
}

@Suite struct `The platforms' addresses` {
    @Test func `can be set by the operator`() throws {
        let urls = try PlatformURLs([
            "slack.api=http://127.0.0.1:8080/api/", "slack.authorize=https://slack-gov.com/oauth/v2/authorize",
        ])
        #expect(urls[.slackAPI] == "http://127.0.0.1:8080/api" && urls[.larkOpen] == PlatformURLs()[.larkOpen])
        #expect(Slack(urls).authTest(token: "t").url == "http://127.0.0.1:8080/api/auth.test")
    }

    @Test(arguments: [
        "slack.api=http://slack.com", "slack.api=http://127.0.0.1.evil.example/", "slack.api=https://u@slack.com",
        "slack.api=https://slack.com/?x", "slack.api=https://slack.com/#x", "slack.api=ftp://slack.com", "slack.api=",
        "slack.api=https://", "slack.api=https://:80", "slack.api=https://slack.com:99999", "slack.api",
        "slack.other=https://slack.com", "slack.api=http://localhost.evil.example", "slack.api=https://sl ack.com",
    ])
    func `are https, or http on loopback`(_ setting: String) {
        #expect(problem { () throws(Problem) in try PlatformURLs([setting]) } == .badRequest)
    }

    @Test(arguments: ["http://[::1]:80", "http://localhost:1/x", "https://slack.com:8443/a/b", "https://10.0.0.1"])
    func `may be loopback or any https host`(_ url: String) throws {
        #expect(try PlatformURLs(["lark.open=\(url)"])[.larkOpen] == url)
    }
}
