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

    @Test func `sends the browser to the consent page`() throws {
        let install = try slack.authorizeURL(
            clientID: "1.2", for: .install(scope: ["chat:write", "users:read"], userScope: ["search:read"]),
            state: "s t&=", redirectURI: "https://a.example/cb?x=1")
        #expect(
            install == "https://slack.com/oauth/v2/authorize?client_id=1.2&scope=chat%3Awrite%2Cusers%3Aread"
                + "&user_scope=search%3Aread&redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1&state=s%20t%26%3D")
        let login = try slack.authorizeURL(
            clientID: "1.2", for: .login, state: "s", redirectURI: "https://a.example", team: "T1")
        #expect(
            login == "https://slack.com/oauth/v2/authorize?client_id=1.2&user_scope=identity.basic%2Cidentity.team"
                + "&redirect_uri=https%3A%2F%2Fa.example&state=s&team=T1")
    }

    @Test(
        arguments: [
            .install(scope: [], userScope: []), .install(scope: ["chat:write"], userScope: ["identity.basic"]),
            .install(scope: ["identity.team"], userScope: []), .install(scope: ["a b"], userScope: []),
            .install(scope: ["a,b"], userScope: []), .install(scope: [""], userScope: []),
        ] as [Slack.Purpose])
    func `never mixes identity scopes with others, nor asks for nothing`(_ purpose: Slack.Purpose) {
        let code = problem { () throws(Problem) in
            try slack.authorizeURL(clientID: "1.2", for: purpose, state: "s", redirectURI: "https://a.example")
        }
        #expect(code == .badRequest)
    }

    @Test func `trades a code with Basic authentication, and only once`() {
        let request = slack.exchange(
            code: "c&1", redirectURI: "https://a.example/cb", clientID: "1.2", clientSecret: "top")
        #expect(request.method == "POST" && request.url == "https://slack.com/api/oauth.v2.access")
        #expect(request.headers.contains(HeaderField("Authorization", "Basic MS4yOnRvcA==")))
        #expect(request.headers.contains(HeaderField("Content-Type", "application/x-www-form-urlencoded")))
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "grant_type=authorization_code&code=c%261&redirect_uri=https%3A%2F%2Fa.example%2Fcb")
        #expect(!request.repeatable)
        #expect(!slack.refresh(refreshToken: "r", clientID: "1.2", clientSecret: "top").repeatable)
        #expect(slack.clientPairProbe(clientID: "1.2", clientSecret: "top").repeatable)
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
        try slack.gatewayCall(
            path: path, verb: verb, query: query, headers: headers, body: [UInt8](body.utf8), token: "xoxb-fake")
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
    }

    @Test(arguments: [
        "", "chat", "chat.", ".postMessage", "chat..postMessage", "chat/postMessage", "../x.y", "chat.postMessage/",
        "chat.post%4Dessage", "oauth.v2.access", "chat.postMessage?x", "chat.post message", "chät.post", "a.b\r\n",
        String(repeating: "a.", count: 60) + "b",
    ])
    func `takes nothing but the name of a method`(_ path: String) {
        #expect(problem { () throws(Problem) in try call(path) } == .notFound)
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
