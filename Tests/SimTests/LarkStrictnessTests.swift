import HTTPClient
import Platforms
import Rules
import Testing

@testable import postern_sim

@Suite struct `The simulated Lark and Feishu are strict` {
    private static let json = ["Content-Type": "application/json"]

    @Test(
        arguments: [
            ("client_id=cli_unknown&response_type=code&redirect_uri=R", "20048"),
            ("client_id=cli_fake0001&redirect_uri=R", "20001"),
            ("client_id=cli_fake0001&response_type=code&redirect_uri=https://bridge.example/cb/more", "20029"),
            ("client_id=cli_fake0001&response_type=code", "20029"),
            ("client_id=cli_fake0001&response_type=code&redirect_uri=R&scope=a%20strange", "20027"),
            ("client_id=cli_fake0001&response_type=code&redirect_uri=R&scope=a%20a", "20067"),
            (
                "client_id=cli_fake0001&response_type=code&redirect_uri=R&code_challenge=x&code_challenge_method=S512",
                "20001"
            ),
            ("client_id=cli_fake0001&response_type=code&redirect_uri=R&sim_tenant=elsewhere", "20009"),
        ])
    func `at the authorize page, which never redirects to whom it does not know`(_ query: String, _ code: String) throws
    {
        let stage = try LarkStage(.lark, ["user_scopes": ["a", "offline_access"]])
        let answer = try stage.sim.send(
            "GET",
            "/lark/accounts/open-apis/authen/v1/authorize?\(query.replacing("=R", with: "=\(LarkStage.redirect)"))")
        #expect(answer.status == 400 && answer.header("location") == nil)
        #expect(String(decoding: answer.body, as: UTF8.self).contains(code))
        #expect(try stage.sim.control("GET", "ledger?outcome=refused")["entries"]?[0]?["reason"]?.text == code)
    }

    @Test func `about who says no`() throws {
        let stage = try LarkStage(.feishu)
        let url = try stage.lark.authorizeURL(
            AuthorizeAsk(
                purpose: .install, scope: [], userScope: [], state: "s", redirectURI: LarkStage.redirect,
                challenge: "c"), stage.client)
        let back = try stage.visit(url, adding: "&sim_user=deny")
        #expect(back.query("error") == "access_denied" && back.query("state") == "s" && back.query("code") == nil)
        try stage.fault("authen.v1.authorize", "error:access_denied")
        #expect(try stage.visit(url).query("error") == "access_denied")
    }

    @Test(
        arguments: [
            (#"{"grant_type":"refresh_token","client_id":"cli_fake0001","client_secret":"S"}"#, 400, "20001"),
            (#"{"grant_type":"password","client_id":"cli_fake0001","client_secret":"S"}"#, 400, "20036"),
            (#"{"client_id":"cli_fake0001","client_secret":"S"}"#, 400, "20001"),
            (#"{"grant_type":"authorization_code","client_id":"cli_fake0001"}"#, 400, "20001"),
            (#"{"grant_type":"authorization_code","client_id":"cli_x","client_secret":"S","code":"c"}"#, 400, "20048"),
            (
                #"{"grant_type":"authorization_code","client_id":"cli_fake0001","client_secret":"x","code":"c"}"#, 400,
                "20002"
            ),
            (
                #"{"grant_type":"authorization_code","client_id":"cli_fake0001","client_secret":"S","code":"c"}"#, 400,
                "20003"
            ),
            ("not json", 400, "20063"),
        ])
    func `at the token endpoint`(_ body: String, _ status: Int, _ code: String) throws {
        let stage = try LarkStage(.lark)
        let answer = try stage.sim.send(
            "POST", "/lark/open-apis/authen/v2/oauth/token", Self.json,
            body: body.replacing("\"S\"", with: "\"\(LarkStage.secret)\""))
        #expect(answer.status == status && JSON(bytes: answer.body)?["code"]?.text == code)
        #expect(JSON(bytes: answer.body)?["error"]?.text?.isEmpty == false)
    }

    @Test func `about two ways to authenticate, narrowing, and another app's code`() throws {
        let stage = try LarkStage(.lark)
        let code = try stage.code(["a", "b"])
        let good = stage.exchange(code)
        let twice = PlatformRequest(
            name: good.name, method: good.method, url: good.url,
            headers: good.headers + [HeaderField("Authorization", "Basic ZmFrZTpmYWtl")], body: good.body,
            repeatable: false)
        #expect(throws: PlatformFailure.of(.bug, "20070")) { try stage.lark.granted(try stage.sim.carry(twice)) }
        for (scope, wrong) in [("a c", "20068"), ("a a", "20067")] {
            var fields = try #require(JSON(bytes: good.body)?.fields)
            fields["scope"] = .string(scope)
            let answer = try stage.sim.send(
                "POST", "/lark/open-apis/authen/v2/oauth/token", Self.json,
                body: String(decoding: JSON.object(fields).bytes, as: UTF8.self))
            #expect(JSON(bytes: answer.body)?["code"]?.text == wrong)
        }
        try stage.sim.control(
            "POST", "apps", ["platform": "lark", "app_id": "cli_fake0002", "app_secret": .string(LarkStage.secret)])
        var theirs = try #require(JSON(bytes: good.body)?.fields)
        theirs["client_id"] = "cli_fake0002"
        let answer = try stage.sim.send(
            "POST", "/lark/open-apis/authen/v2/oauth/token", Self.json,
            body: String(decoding: JSON.object(theirs).bytes, as: UTF8.self))
        #expect(JSON(bytes: answer.body)?["code"]?.text == "20024")
        // None of that has spent the code.
        let pair = try #require(try stage.lark.granted(try stage.sim.carry(good)).user)
        #expect(pair.scope == ["a", "b", "offline_access"])
        // What was granted adds up.
        #expect(try stage.pair(["c"]).scope == ["a", "b", "offline_access", "c"])
        #expect(try stage.pair(["d", "e"], adding: "&sim_scope=d%20offline_access").scope?.contains("e") == false)
    }

    @Test(
        arguments: [
            ("GET", "tenant/v2/tenant/query", nil, "99991661"), ("GET", "bot/v3/info", "t-strange", "99991663"),
            ("GET", "bot/v3/info", "u-strange", "99991668"), ("GET", "bot/v3/info", "xoxb-strange", "99991671"),
            ("GET", "application/v6/applications/me", "T", "99992402"),
            ("GET", "application/v6/applications/cli_other?lang=en_us", "T", "210506"),
            ("POST", "im/v1/messages?receive_id_type=chat_id", "T", "230001"),
            ("POST", "im/v1/messages", "T", "230001"), ("GET", "authen/v1/user_info", "T", "20005"),
            ("GET", "im/v1/messages/om_none", "T", "230011"),
        ] as [(String, String, String?, String)])
    func `about tokens and arguments`(_ method: String, _ path: String, _ token: String?, _ code: String) throws {
        let stage = try LarkStage(.feishu)
        let value = token == "T" ? try stage.mint(.tenant).token : token
        let answer = try stage.sim.send(
            method, "/feishu/open-apis/\(path)", value.map { ["Authorization": "Bearer \($0)"] } ?? [:],
            body: method == "POST" ? "{}" : "")
        #expect(JSON(bytes: answer.body)?["code"]?.text == code)
    }

    @Test(arguments: ["app stopped", "app removed"])
    func `about apps that are gone`(_ how: String) throws {
        let stage = try LarkStage(.lark)
        let token = try stage.mint(.tenant).token
        if how == "app stopped" {
            try stage.sim.control("POST", "apps", ["platform": "lark", "app_id": "cli_fake0001", "status": 0])
        } else {
            try stage.sim.control("DELETE", "apps/cli_fake0001?platform=lark")
        }
        let answer = try stage.sim.carry(stage.lark.botInfo(token: token))
        #expect(stage.lark.complaint(answer)?.code == (how == "app stopped" ? "99991662" : "99991663"))
        #expect(throws: PlatformFailure.of(.config, "10014")) { try stage.mint(.tenant) }
    }

    @Test(
        arguments: [
            ("html", .retry, "unreadable_answer"), ("status:500", .retry, "2200"), ("status:503", .retry, "20072"),
            ("status:429", .retry, "99991400"), ("status:302", .config, "redirected"),
            ("error:99991400", .retry, "99991400"), ("error:99991403", .config, "99991403"),
            ("error:20050", .retry, "20050"), ("error:20064", .race, "20064"), ("error:20037", .reauth, "20037"),
            ("error:4711", .bug, "unknown_code"), ("edit:set:access_token=7", .bug, "unexpected_answer"),
            ("edit:drop:access_token", .bug, "unexpected_answer"),
            ("edit:fill:access_token=65537", .bug, "unexpected_answer"),
        ] as [(String, PlatformFailure.Verdict, String)], Lark.Brand.allCases)
    func `and troubled on command`(_ row: (String, PlatformFailure.Verdict, String), _ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let held = try #require(try stage.pair().refreshToken)
        try stage.fault("authen.v2.oauth.token", row.0)
        #expect(throws: PlatformFailure.of(row.1, row.2)) { try stage.refresh(held) }
        // Only what lets the platform do its work spends the token.
        if row.0.hasPrefix("edit:") {
            #expect(throws: PlatformFailure.of(.race, "20073")) { try stage.refresh(held) }
        } else {
            #expect(try stage.refresh(held).refreshToken != nil)
        }
    }

    @Test(
        arguments: [
            "edit:set:code=\"0\"", "edit:set:code=0", "edit:drop:refresh_token", "edit:drop:expires_in",
            "edit:set:expires_in=0", "edit:set:expires_in=-1", "edit:fill:access_token=65536", "edit:drop:scope",
            "edit:set:app_id=cli_other",
        ], Lark.Brand.allCases)
    func `and odd on command, which costs no token`(_ fault: String, _ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let held = try #require(try stage.pair().refreshToken)
        try stage.fault("authen.v2.oauth.token", fault)
        let pair = try stage.refresh(held)
        #expect((pair.refreshToken == nil) == (fault == "edit:drop:refresh_token"))
        #expect(pair.oddities.isEmpty == !(fault.contains("refresh_token") || fault.contains("expires_in")))
        #expect(try stage.sim.control("GET", "ledger?outcome=fault")["entries"]?.count == 1)
    }
}

extension JSON {
    fileprivate var fields: [String: JSON]? {
        guard case .object(let fields) = self else { return nil }
        return fields
    }
}
