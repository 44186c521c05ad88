import Platforms
import Rules
import Testing

/// An answer with this JSON text as body.
func answer(_ body: String, status: Int = 200, _ headers: [HeaderField] = []) -> PlatformAnswer {
    PlatformAnswer(status: status, headers: headers, body: [UInt8](body.utf8))
}

/// What reading throws; nil when it throws nothing.
func failure<Value>(_ read: () throws(PlatformFailure) -> Value) -> PlatformFailure? {
    do throws(PlatformFailure) {
        _ = try read()
        return nil
    } catch {
        return error
    }
}

@Suite struct `An answer of Slack` {
    static let installed = """
        {"ok":true,"app_id":"A0FAKE1","token_type":"bot","access_token":"xoxb-1-2-fake","scope":"chat:write,users:read",
         "bot_user_id":"U0BOT","team":{"id":"T1","name":"Acme\\u001b[31m Corp"},"enterprise":null,
         "is_enterprise_install":false,
         "authed_user":{"id":"U1","scope":"search:read","access_token":"xoxp-1-fake","token_type":"user"},
         "incoming_webhook":{"url":"https://hooks.slack.com/services/T1/B1/fake","channel":"#general","channel_id":"C1"}}
        """

    @Test func `to an exchange keeps bot and user legs apart`() throws {
        let read = try answer(Self.installed).slackInstallation()
        #expect(read.appID == AppID("A0FAKE1"))
        #expect(read.bot?.token == "xoxb-1-2-fake" && read.bot?.scope == ["chat:write", "users:read"])
        #expect(read.bot?.expiresIn == nil && read.bot?.refreshToken == nil)
        #expect(read.user?.token == "xoxp-1-fake" && read.user?.scope == ["search:read"])
        #expect(read.userID == "U1" && read.botUserID == "U0BOT" && !read.isEnterpriseInstall)
        #expect(read.team?.name == "Acme[31m Corp" && read.enterprise == nil)
        #expect(read.webhook?.url == "https://hooks.slack.com/services/T1/B1/fake" && read.webhook?.channelID == "C1")
    }

    @Test(arguments: [#""true""#, "1", "null", "[true]"])
    func `is not believed when ok is anything but true`(_ ok: String) {
        let body = Self.installed.replacing(#""ok":true"#, with: #""ok":\#(ok)"#)
        #expect(
            failure { () throws(PlatformFailure) in try answer(body).slackInstallation() }?.code == "unexpected_answer")
    }

    @Test func `of an organisation has no team`() throws {
        let read = try answer(
            """
            {"ok":true,"app_id":"A0FAKE1","access_token":"xoxb-fake","token_type":"bot","team":null,
             "enterprise":{"id":"E1","name":"Big"},"is_enterprise_install":true,"authed_user":{"id":"U1"}}
            """
        ).slackInstallation()
        #expect(read.team == nil && read.enterprise?.id == "E1" && read.isEnterpriseInstall && read.user == nil)
    }

    @Test func `to a login has a user leg only`() throws {
        let read = try answer(
            """
            {"ok":true,"app_id":"A0FAKE1","team":{"id":"T1"},"enterprise":null,
             "authed_user":{"id":"U1","scope":"identity.basic,identity.team","access_token":"xoxp-fake","token_type":"user"}}
            """
        ).slackInstallation()
        #expect(read.bot == nil && read.user?.token == "xoxp-fake" && read.team?.name == nil)
    }

    @Test func `to a user token's refresh stands at the top`() throws {
        let read = try answer(
            """
            {"ok":true,"app_id":"A0FAKE1","team":{"id":"T1"},"access_token":"xoxe.xoxp-fake","token_type":"user",
             "expires_in":43200,"refresh_token":"xoxe-1-fake","authed_user":{"id":"U1"}}
            """
        ).slackInstallation()
        #expect(read.bot == nil && read.user?.expiresIn == 43200 && read.user?.refreshToken == "xoxe-1-fake")
    }

    /// Part of the answer, what stands there instead, and which of bot, user and webhook are left.
    @Test(
        arguments: [
            (#""access_token":"xoxp-1-fake""#, #""access_token":7"#, [true, false, true]),
            (#""access_token":"xoxp-1-fake""#, #""access_token":"a b""#, [true, false, true]),
            (#""access_token":"xoxb-1-2-fake""#, #""access_token":"""#, [false, true, true]),
            ("https://hooks.slack.com/", "file:///", [true, true, false]),
            ("https://hooks.slack.com/", "http://127.evil.example/", [true, true, false]),
            ("https://hooks.slack.com/", "http://127.0.0.1.evil.example/", [true, true, false]),
            ("https://hooks.slack.com/", "http://127.0.0.1:80@evil.example/", [true, true, false]),
            ("https://hooks.slack.com/", "http://127.0.0.1:8080/", [true, true, true]),
            (#""url":"#, #""link":"#, [true, true, false]),
        ] as [(String, String, [Bool])])
    func `loses no more than the part that is odd`(_ part: String, _ odd: String, _ left: [Bool]) throws {
        let read = try answer(Self.installed.replacing(part, with: odd)).slackInstallation()
        #expect([read.bot != nil, read.user != nil, read.webhook != nil] == left)
    }

    /// What stands beside the address, and whether it is one to link by.
    @Test(arguments: [("true", true), ("false", false), ("null", false), (#""true""#, false)])
    func `to a search vouches for an address only by saying so`(_ said: String, _ vouched: Bool) throws {
        let user =
            #""id":"U1","team_id":"T1","profile":{"email":"a@b.example"},"enterprise_user":{"enterprise_id":"E1"}"#
        let found = try Slack().lookedUp(answer(#"{"ok":true,"user":{\#(user),"is_email_confirmed":\#(said)}}"#))
        #expect(found?.isEmailVerified == vouched && found?.place?.enterpriseID == "E1")
        let silent = try Slack().lookedUp(answer(#"{"ok":true,"user":{\#(user)}}"#))
        #expect(silent?.isEmailVerified == false)
        let identity = try Slack().person(
            answer(#"{"ok":true,"user":{"id":"U1","email":"a@b.example"},"team":{"id":"T1"}}"#))
        #expect(identity.email == "a@b.example" && !identity.isEmailVerified)
    }

    @Test func `about another app is refused`() throws {
        let read = try answer(Self.installed).slackInstallation()
        let ours = try #require(AppID("A0FAKE1"))
        let other = try #require(AppID("A0OTHER"))
        #expect(failure { () throws(PlatformFailure) in try read.check(isOf: ours) } == nil)
        let mismatch = failure { () throws(PlatformFailure) in try read.check(isOf: other) }
        #expect(mismatch?.verdict == .config && mismatch?.code == "app_id_mismatch")
    }

    @Test func `says who a token is`() throws {
        let read = try answer(
            """
            {"ok":true,"url":"https://acme.slack.com/","team":"Acme","user":"bot","team_id":"T1","user_id":"U1",
             "bot_id":"B1","is_enterprise_install":false}
            """, [HeaderField("X-OAuth-Scopes", "chat:write, users:read")]
        ).slackIdentity()
        #expect(read.teamName == "Acme" && read.teamID == "T1" && read.botID == "B1")
        #expect(read.scopes == ["chat:write", "users:read"] && read.expiresIn == nil && read.appID == nil)
    }

    @Test func `without the scopes header does not claim that there are none`() throws {
        let bare = answer(#"{"ok":true,"team_id":"T1","user_id":"U1"}"#)
        let empty = answer(#"{"ok":true,"team_id":"T1","user_id":"U1"}"#, [HeaderField("x-oauth-scopes", "")])
        #expect(try bare.slackIdentity().scopes == nil)
        #expect(try empty.slackIdentity().scopes == [])
    }

    @Test func `names the bot's app, the person and the end of a token`() throws {
        #expect(try answer(#"{"ok":true,"bot":{"id":"B1","app_id":"A0FAKE1"}}"#).slackBotApp() == AppID("A0FAKE1"))
        let person = try answer(
            #"{"ok":true,"user":{"id":"U1","name":"Ada","email":"ada@example.com"},"team":{"id":"T1"}}"#
        ).slackPerson()
        #expect(person.userID == "U1" && person.teamID == "T1" && person.email == "ada@example.com")
    }
}

@Suite struct `A hostile answer` {
    private static let deep = String(repeating: "[", count: 100_000)
    private static let tokenless = #"{"ok":true,"app_id":"A0FAKE1","team":{"id":"T1"},"authed_user":{"id":"U1"}}"#

    /// Body, status, and the code it must end in.
    static let bodies: [(String, Int, String)] = [
        ("", 200, "unreadable_answer"),
        ("<html><body>xoxb-secret Be right back</body></html>", 200, "unreadable_answer"),
        (#"{"ok":true,"app_id":"A0FAKE1","access_to"#, 200, "unreadable_answer"),
        ("[]", 200, "unreadable_answer"),
        ("null", 200, "unreadable_answer"),
        ("true", 200, "unreadable_answer"),
        (deep, 200, "unreadable_answer"),
        (#"{"ok":"true","app_id":"A0FAKE1","access_token":"xoxb-1"}"#, 200, "unexpected_answer"),
        (#"{"ok":1,"app_id":"A0FAKE1"}"#, 200, "unexpected_answer"),
        ("{}", 200, "unexpected_answer"),
        (#"{"ok":false}"#, 200, "unexpected_answer"),
        (#"{"ok":false,"error":42}"#, 200, "unexpected_answer"),
        (#"{"ok":false,"error":"xoxb-secret"}"#, 200, "unknown_code"),
        (#"{"ok":false,"error":"invalid_code\u0000"}"#, 200, "unknown_code"),
        (#"{"error":"invalid_grant"}"#, 400, "invalid_grant"),
        (#"{"ok":true,"team_id":"T1","user_id":"U1"}"#, 500, "server_error"),
        ("<html>", 503, "server_error"),
        ("<html>", 403, "unreadable_answer"),
        ("", 302, "redirected"),
        ("whatever", 429, "ratelimited"),
        (#"{"ok":true}"#, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":7}"#, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":"../../x"}"#, 200, "unexpected_answer"),
        (tokenless, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":"A1","team":{"id":"T1"},"access_token":{}}"#, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":"A1","team":{"id":"T1"},"access_token":""}"#, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":"A1","team":{"id":"T1"},"access_token":"a\r\nb"}"#, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":"A1","team":{},"access_token":"xoxb-1"}"#, 200, "unexpected_answer"),
        (#"{"ok":true,"app_id":"A1","access_token":"xoxb-1"}"#, 200, "unexpected_answer"),
    ]

    @Test(arguments: bodies)
    func `is a failure with a code of ours`(_ body: String, _ status: Int, _ code: String) {
        let found = failure { () throws(PlatformFailure) in try answer(body, status: status).slackInstallation() }
        #expect(found?.code == code)
        #expect(found?.sentence.contains("xoxb-secret") == false)
        #expect(found?.problem.reason.contains("xoxb-secret") == false)
    }

    @Test func `that is too long or no text is not read`() {
        let padding = #"{"ok":true,"padding":""# + String(repeating: "x", count: 2 << 20) + #""}"#
        #expect(
            failure { () throws(PlatformFailure) in try answer(padding).slackIdentity() }?.code == "unexpected_answer")
        let binary = PlatformAnswer(status: 200, body: [0x7B, 0xFF, 0xFE, 0x00, 0x7D])
        #expect(failure { () throws(PlatformFailure) in try binary.slackIdentity() }?.code == "unreadable_answer")
        let long = #"{"ok":true,"team_id":"\#(String(repeating: "T", count: 65))","user_id":"U1"}"#
        #expect(failure { () throws(PlatformFailure) in try answer(long).slackIdentity() }?.code == "unexpected_answer")
    }

    @Test(
        arguments: [("2", 2), ("0", 1), ("-5", 1), ("999999999999", 3600), ("soon", 30), ("", 30)] as [(String, Int64)])
    func `cannot make us wait for ever`(_ header: String, _ seconds: Int64) {
        let limited = answer("{}", status: 429, [HeaderField("Retry-After", header)])
        let found = failure { () throws(PlatformFailure) in try limited.slackIdentity() }
        #expect(found?.code == "ratelimited" && found?.verdict == .retry && found?.retryAfter == seconds)
    }

    @Test func `cannot smuggle text through the names of missing scopes`() {
        let body = #"{"ok":false,"error":"missing_scope","needed":"im:write, <script>,users:read","provided":"x"}"#
        let found = failure { () throws(PlatformFailure) in try answer(body).slackIdentity() }
        #expect(found?.code == "missing_scope" && found?.neededScope == ["im:write", "users:read"])
    }
}
