import HTTPClient
import Testing

@testable import postern_sim

/// An app with everything known, in a simulator of its own.
struct Stage {
    static let redirect = "https://bridge.example/cb"
    static let encodedRedirect = "https%3A%2F%2Fbridge.example%2Fcb"
    let sim: Simulated
    let app: JSON

    init() throws {
        sim = try Simulated()
        app = try sim.control(
            "POST", "apps",
            [
                "app_id": "A0FAKE0001", "client_id": "1.2", "client_secret": "fakesecret", "workspace_name": "Acme",
                "team_id": "T0FAKE0001", "bot_id": "B0FAKE0001", "bot_token": true,
                "bot_scopes": ["chat:write", "users:read"], "user_scopes": ["identity.basic", "identity.team"],
                "redirect_urls": [.string(Self.redirect)],
            ])
    }

    var bot: String { app["bot_token"]?.text ?? "" }

    /// Where the consent page sends the browser; nil when it shows an error instead.
    func consent(_ query: String) throws -> String? {
        let answer = try sim.send("GET", "/oauth/v2/authorize?\(query)")
        return answer.status == 302 ? answer.header("location") : nil
    }

    func code(_ more: String = "scope=chat%3Awrite&redirect_uri=\(encodedRedirect)") throws -> String {
        let location = try #require(try consent("client_id=1.2&state=s&\(more)"))
        return try #require(SimRequest("GET", location).query("code"))
    }

    /// The error of an exchange; `ok` when there is none.
    func exchange(_ form: String, basic: String? = "1.2:fakesecret") throws -> String {
        var headers = ["Content-Type": "application/x-www-form-urlencoded"]
        headers["Authorization"] = basic.map { $0.contains(":") ? "Basic \(Self.base64($0))" : $0 }
        let answer = try sim.send("POST", "/api/oauth.v2.access", headers, body: form)
        let body = try #require(JSON(bytes: answer.body))
        #expect(answer.status == 200)
        return body["ok"] == true ? "ok" : body["error"]?.text ?? "?"
    }

    static func base64(_ text: String) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var out = ""
        let bytes = [UInt8](text.utf8)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                out.append(place <= group.count ? letters[Int(word >> UInt32(18 - 6 * place)) & 63] : "=")
            }
        }
        return out
    }
}

@Suite struct `The simulated consent page` {
    @Test func `sends the browser back with a code and the state unchanged`() throws {
        let stage = try Stage()
        let location = try #require(
            try stage.consent("client_id=1.2&scope=chat:write&state=a%20%26b&redirect_uri=\(Stage.encodedRedirect)"))
        let back = SimRequest("GET", location)
        #expect(location.hasPrefix(Stage.redirect + "?code=") && back.query("state") == "a &b")
        let denied = try #require(try stage.consent("client_id=1.2&scope=chat:write&state=s&sim_user=deny"))
        #expect(denied == "\(Stage.redirect)?error=access_denied&state=s")
    }

    @Test(arguments: [
        ("scope=chat:write", "invalid_client_id"), ("client_id=9.9&scope=chat:write", "invalid_client_id"),
        ("client_id=1.2", "no_scopes"), ("client_id=1.2&scope=admin", "invalid_scope"),
        ("client_id=1.2&scope=chat:write&user_scope=identity.basic", "invalid_scope"),
        ("client_id=1.2&scope=identity.basic", "invalid_scope"),
        ("client_id=1.2&scope=chat:write&redirect_uri=https://bridge.example/cbx", "bad_redirect_uri"),
        ("client_id=1.2&scope=chat:write&redirect_uri=https://evil.example/cb", "bad_redirect_uri"),
        ("client_id=1.2&scope=chat:write&redirect_uri=https://bridge.example/cb%23x", "bad_redirect_uri"),
        ("client_id=1.2&scope=chat:write&redirect_uri=http://bridge.example/cb", "bad_redirect_uri"),
        ("client_id=1.2&scope=chat:write&team=T0OTHER", "invalid_team_for_non_distributed_app"),
        ("client_id=1.2&scope=chat:write&code_challenge=x&code_challenge_method=S256", "pkce_not_allowed"),
    ])
    func `shows what Slack would show and redirects nowhere`(_ query: String, _ code: String) throws {
        let stage = try Stage()
        let answer = try stage.sim.send("GET", "/oauth/v2/authorize?\(query)")
        #expect(answer.status == 400 && String(decoding: answer.body, as: UTF8.self).contains(code))
    }
}

@Suite struct `The simulated exchange` {
    private static let redirect = "redirect_uri=\(Stage.encodedRedirect)"

    @Test func `takes a code once`() throws {
        let stage = try Stage()
        let code = try stage.code()
        #expect(try stage.exchange("code=\(code)&\(Self.redirect)") == "ok")
        #expect(try stage.exchange("code=\(code)&\(Self.redirect)") == "invalid_code")
    }

    @Test(arguments: [(599, "ok"), (600, "invalid_code")] as [(Int64, String)])
    func `takes a code for ten minutes`(_ seconds: Int64, _ want: String) throws {
        let stage = try Stage()
        let code = try stage.code()
        // The seconds that pass meanwhile count as well, hence one call and a wide first case.
        try stage.sim.control("POST", "clock", ["advance_seconds": .integer(seconds == 599 ? 570 : seconds)])
        #expect(try stage.exchange("code=\(code)&\(Self.redirect)") == want)
    }

    /// Form, Basic, error. CODE stands for a good code.
    @Test(
        arguments: [
            ("code=CODE&\(redirect)", nil, "invalid_client_id"),
            ("code=CODE&\(redirect)", "1.2:wrong", "bad_client_secret"),
            ("code=CODE&\(redirect)", "9.9:fakesecret", "invalid_client_id"),
            ("code=CODE&\(redirect)&client_id=9.9", "1.2:fakesecret", "invalid_client_id"),
            ("code=CODE&\(redirect)", "Bearer xoxb-1", "invalid_auth"),
            ("code=CODE&\(redirect)", "Basic !!!", "invalid_auth"),
            ("code=CODE&\(redirect)&client_id=1.2", nil, "bad_client_secret"),
            ("code=CODE&\(redirect)&client_id=1.2&client_secret=fakesecret", nil, "ok"),
            ("code=CODE&\(redirect)%2F", "1.2:fakesecret", "bad_redirect_uri"),
            ("code=CODE", "1.2:fakesecret", "bad_redirect_uri"),
            ("code=CODEx&\(redirect)", "1.2:fakesecret", "invalid_code"), (redirect, "1.2:fakesecret", "invalid_code"),
            ("code=CODE&\(redirect)&grant_type=password", "1.2:fakesecret", "invalid_grant_type"),
            ("grant_type=refresh_token&refresh_token=x", "1.2:fakesecret", "invalid_refresh_token"),
            ("code=CODE&\(redirect)&code_verifier=v", "1.2:fakesecret", "pkce_not_allowed"),
        ] as [(String, String?, String)])
    func `believes nobody without proof`(_ form: String, _ basic: String?, _ want: String) throws {
        let stage = try Stage()
        let code = try stage.code()
        #expect(try stage.exchange(form.replacing("CODE", with: code), basic: basic) == want)
    }

    @Test func `does not take another app's code`() throws {
        let stage = try Stage()
        try stage.sim.control(
            "POST", "apps", ["client_id": "3.4", "client_secret": "x", "redirect_urls": [.string(Stage.redirect)]])
        let code = try stage.code()
        #expect(try stage.exchange("code=\(code)&\(Self.redirect)", basic: "3.4:x") == "invalid_code")
    }

    @Test func `takes a regenerated secret's predecessor for a day`() throws {
        let stage = try Stage()
        try stage.sim.control("POST", "apps", ["app_id": "A0FAKE0001", "client_secret": "fakenew"])
        #expect(try stage.exchange("code=x") == "invalid_code")
        #expect(try stage.exchange("code=x", basic: "1.2:fakenew") == "invalid_code")
        try stage.sim.control("POST", "clock", ["advance_seconds": 86_401])
        #expect(try stage.exchange("code=x") == "bad_client_secret")
        #expect(try stage.exchange("code=x", basic: "1.2:fakenew") == "invalid_code")
    }
}

@Suite struct `The simulated Web API` {
    @Test func `wants a token that is alive and has the scope`() throws {
        let stage = try Stage()
        let sim = stage.sim
        #expect(try sim.call("auth.test")["error"] == "not_authed")
        #expect(try sim.call("auth.test", bearer: "xoxb-1-2-fake")["error"] == "invalid_auth")
        #expect(try sim.call("auth.test", "token=\(stage.bot)")["team"] == "Acme")
        #expect(try sim.call("no.such", bearer: stage.bot)["error"] == "unknown_method")
        let refused = try sim.call("conversations.open", "users=U0FAKEUSER1", bearer: stage.bot)
        #expect(refused["error"] == "missing_scope" && refused["needed"] == "im:write,mpim:write")
        #expect(refused["provided"] == "chat:write,users:read")
        #expect(try sim.call("auth.revoke", "test=1", bearer: stage.bot)["revoked"] == false)
        #expect(try sim.call("auth.revoke", bearer: stage.bot)["revoked"] == true)
        #expect(try sim.call("auth.test", bearer: stage.bot)["error"] == "account_inactive")
    }

    @Test func `uninstalls only for the app's own client`() throws {
        let stage = try Stage()
        for (form, want) in [
            ("", "invalid_client_id"), ("client_id=1.2&client_secret=wrong", "bad_client_secret"),
            ("client_id=1.2&client_secret=fakesecret", nil),
        ] as [(String, JSON?)] {
            #expect(try stage.sim.call("apps.uninstall", form, bearer: stage.bot)["error"] == want)
        }
        #expect(try stage.sim.call("auth.test", bearer: stage.bot)["error"] == "account_inactive")
    }

    @Test(
        arguments: [
            ("application/json", "{", "invalid_json"), ("application/json", "[]", "invalid_json"),
            ("text/plain", "x", "invalid_post_type"),
        ] as [(String, String, JSON)])
    func `does not guess at bodies`(_ type: String, _ body: String, _ code: JSON) throws {
        let stage = try Stage()
        let headers = ["Content-Type": type, "Authorization": "Bearer \(stage.bot)"]
        let answer = try stage.sim.send("POST", "/api/chat.postMessage", headers, body: body)
        #expect(JSON(bytes: answer.body)?["error"] == code)
    }

    @Test func `keeps a ledger that has no credential in it`() throws {
        let stage = try Stage()
        let code = try stage.code()
        _ = try stage.exchange("code=\(code)&redirect_uri=\(Stage.encodedRedirect)")
        _ = try stage.exchange("code=\(code)", basic: "1.2:wrong")
        _ = try stage.sim.call("auth.test", bearer: stage.bot)
        _ = try stage.sim.call("auth.test", bearer: stage.bot)
        let text = String(decoding: try stage.sim.send("GET", "/_sim/ledger").body, as: UTF8.self)
        for secret in [code, stage.bot, "fakesecret", "wrong", "state=s"] { #expect(!text.contains(secret)) }
        let entries = try #require(JSON(bytes: [UInt8](text.utf8))?["entries"])
        let lines = (0..<entries.count).map { index in
            "\(entries[index]?["call"]?.text ?? "") \(entries[index]?["outcome"]?.text ?? "")"
        }
        #expect(
            lines == [
                "oauth.v2.authorize accepted", "oauth.v2.access accepted", "oauth.v2.access refused",
                "auth.test accepted", "auth.test accepted",
            ])
        #expect(entries[3]?["token_fingerprint"] == entries[4]?["token_fingerprint"])
        #expect(try stage.sim.control("GET", "ledger?call=auth.test&outcome=refused")["entries"]?.count == 0)
        try stage.sim.control("DELETE", "ledger")
        #expect(try stage.sim.control("GET", "ledger")["entries"]?.count == 0)
    }
}

@Suite struct `The simulator` {
    @Test func `starts with the apps of a file, and makes the same values from the same seed`() throws {
        let first = try Simulated(["--seed", "7"]).control("POST", "apps", [:])
        let second = try Simulated(["--seed=7"]).control("POST", "apps", [:])
        let third = try Simulated(["--seed", "8"]).control("POST", "apps", [:])
        #expect(first == second && first != third)
        #expect(first["client_secret"]?.text?.contains("fake") == true)
    }

    @Test(arguments: [
        ["--listen", "0.0.0.0:0"], ["--listen"], ["--bogus"], ["--seed", "x"], ["--app", "/nonexistent"],
    ])
    func `refuses options it does not understand, and to listen for strangers`(_ arguments: [String]) {
        #expect(Simulation.run(arguments) == 2)
    }
}
