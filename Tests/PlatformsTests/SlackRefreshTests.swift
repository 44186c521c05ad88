import Platforms
import Rules
import Testing

@Suite struct `A refresh of Slack's` {
    /// Body, leg, token, refresh token, seconds, oddities.
    private static let kept: [(String, Leg, String, String?, Int64, [TokenPair.Oddity])] = [
        (
            #"{"ok":true,"access_token":"xoxe.xoxb-1-fake","refresh_token":"xoxe-1-fake","expires_in":43200,"token_type":"bot"}"#,
            .bot, "xoxe.xoxb-1-fake", "xoxe-1-fake", 43_200, []
        ),
        (
            #"{"ok":true,"access_token":"xoxe.xoxp-1-fake","refresh_token":"xoxe-1-fake","expires_in":43200,"token_type":"user"}"#,
            .user, "xoxe.xoxp-1-fake", "xoxe-1-fake", 43_200, []
        ),
        (
            #"{"ok":true,"authed_user":{"access_token":"p","refresh_token":"r","expires_in":1,"token_type":"user"}}"#,
            .user, "p", "r", 1, []
        ),
        (
            #"{"ok":true,"access_token":"b","token_type":"bot","authed_user":{"access_token":"p","refresh_token":"r","expires_in":9}}"#,
            .user, "p", "r", 9, []
        ),
        (
            #"{"ok":true,"access_token":"p","refresh_token":"r","expires_in":9,"token_type":"user","authed_user":{"id":"U1"}}"#,
            .user, "p", "r", 9, []
        ),
        (#"{"ok":true,"access_token":"t","expires_in":9,"token_type":"bot"}"#, .bot, "t", nil, 9, [.noRefreshToken]),
        (
            #"{"ok":true,"access_token":"t","refresh_token":[],"expires_in":9}"#, .bot, "t", nil, 9, [.noRefreshToken]
        ),
        (#"{"ok":true,"access_token":"t","refresh_token":"r"}"#, .bot, "t", "r", 3600, [.noLife]),
        (#"{"ok":true,"access_token":"t","refresh_token":"r","expires_in":0}"#, .bot, "t", "r", 3600, [.noLife]),
        (#"{"ok":true,"access_token":"t","refresh_token":"r","expires_in":-7}"#, .bot, "t", "r", 3600, [.noLife]),
        (#"{"ok":true,"access_token":"t","refresh_token":"r","expires_in":"soon"}"#, .bot, "t", "r", 3600, [.noLife]),
        (#"{"ok":true,"access_token":"t","refresh_token":"r","expires_in":1e300}"#, .bot, "t", "r", 3600, [.noLife]),
        (
            #"{"ok":true,"access_token":"t","refresh_token":"r","expires_in":9,"token_type":"user"}"#, .bot, "t", "r",
            9,
            [.otherKind]
        ),
        (#"{"ok":true,"access_token":"t","token_type":5}"#, .bot, "t", nil, 3600, [.noLife, .noRefreshToken]),
    ]

    @Test(arguments: kept)
    func `keeps what carries a token, whatever else is odd`(
        _ body: String, _ leg: Leg, _ token: String, _ refresh: String?, _ life: Int64, _ odd: [TokenPair.Oddity]
    ) throws {
        let pair = try Slack().refreshed(answer(body), leg)
        #expect(pair.token == token && pair.refreshToken == refresh && pair.expiresIn == life)
        #expect(pair.oddities == odd)
    }

    @Test func `says which app the answer names, and leaves the judgement to whoever stores it`() throws {
        let body = #"{"ok":true,"app_id":"A0OTHER","access_token":"t","refresh_token":"r","expires_in":9}"#
        #expect(try Slack().refreshed(answer(body), .bot).appID == AppID("A0OTHER"))
    }

    @Test(arguments: [(65_536, nil), (65_537, "unexpected_answer")] as [(Int, String?)])
    func `keeps a token as long as the vault can`(_ length: Int, _ code: String?) {
        let long = String(repeating: "x", count: length)
        let body = #"{"ok":true,"access_token":"\#(long)","refresh_token":"\#(long)","expires_in":9}"#
        let found = failure { () throws(PlatformFailure) in try Slack().refreshed(answer(body), .bot) }
        #expect(found?.code == code)
    }

    @Test(
        arguments: [
            (#"{"ok":false,"error":"invalid_refresh_token"}"#, .race), (#"{"ok":true}"#, .bug), ("<html>", .retry),
            (#"{"ok":true,"access_token":""}"#, .bug), (#"{"ok":true,"access_token":"a\nb"}"#, .bug),
        ] as [(String, PlatformFailure.Verdict)])
    func `fails where there is no token`(_ body: String, _ verdict: PlatformFailure.Verdict) {
        let found = failure { () throws(PlatformFailure) in try Slack().refreshed(answer(body), .bot) }
        #expect(found?.verdict == verdict)
    }
}

@Suite struct `An app configuration token` {
    private static let client = OAuthClient(appID: AppID("A1")!, clientID: "1.2", clientSecret: nil)

    @Test func `is renewed without any other proof`() {
        let request = Slack().refresh("xoxe-1-fake", .config, Self.client)
        #expect(request.url == "https://slack.com/api/tooling.tokens.rotate" && !request.repeatable)
        #expect(!request.headers.contains { $0.name == "Authorization" })
        #expect(request.body == [UInt8]("refresh_token=xoxe-1-fake".utf8))
    }

    /// Body, refresh token, seconds, oddities.
    @Test(
        arguments: [
            (#"{"ok":true,"token":"t","refresh_token":"r","iat":1000,"exp":44200}"#, "r", 43_200, []),
            (#"{"ok":true,"token":"t","refresh_token":"r","iat":5,"exp":5}"#, "r", 3600, [.noLife]),
            (#"{"ok":true,"token":"t","refresh_token":"r","exp":9223372036854775807,"iat":-5}"#, "r", 3600, [.noLife]),
            (#"{"ok":true,"token":"t"}"#, nil, 3600, [.noLife, .noRefreshToken]),
        ] as [(String, String?, Int64, [TokenPair.Oddity])])
    func `lives from iat to exp`(
        _ body: String, _ refresh: String?, _ life: Int64, _ odd: [TokenPair.Oddity]
    ) throws {
        let pair = try Slack().refreshed(answer(body), .config)
        #expect(pair.token == "t" && pair.refreshToken == refresh && pair.expiresIn == life && pair.oddities == odd)
    }
}
