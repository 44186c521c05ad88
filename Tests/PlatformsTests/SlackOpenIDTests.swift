import FoundationEssentials
import Platforms
import Rules
import Testing

@Suite struct `An OpenID Connect login at Slack` {
    private static let now: Int64 = 1_700_000_000

    /// In the shape of a JWT; nobody looks at the signature.
    private static func token(_ claims: String) -> String {
        let parts = [#"{"alg":"RS256"}"#, claims, "fake"]
        return parts.map { part in
            Data(part.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }.joined(separator: ".")
    }

    private static func claims(
        iss: String = #""https://slack.com""#, aud: String = #""1.2""#, nonce: String = #""n""#,
        exp: String = "1700000300"
    ) -> String {
        #"{"iss":\#(iss),"aud":\#(aud),"nonce":\#(nonce),"exp":\#(exp),"sub":"U1","https://slack.com/team_id":"T1"}"#
    }

    private static let client = OAuthClient(
        appID: AppID("A1")!, clientID: "1.2", clientSecret: "top", login: .openID)

    private static func check(_ claims: String?, user: String = "U1", team: String? = "T1", _ its: OAuthClient = client)
        -> String?
    {
        let person = Person(
            userID: user, name: nil, email: nil, isEmailVerified: false, place: Place(teamID: team, name: nil))
        return failure { () throws(PlatformFailure) in
            try Slack().check(idToken: claims.map(token), of: person, nonce: "n", now: now, its)
        }?.code
    }

    @Test func `names the same person twice, or nobody`() {
        #expect(Self.check(Self.claims()) == nil)
        #expect(Self.check(Self.claims(), user: "U2") == "subject_mismatch")
        #expect(Self.check(Self.claims(), team: "T2") == "subject_mismatch")
        let teamless = Self.claims().replacing(#","https://slack.com/team_id":"T1""#, with: "")
        #expect(Self.check(teamless) == "subject_mismatch" && Self.check(teamless, team: nil) == "subject_mismatch")
        #expect(Self.check(nil) == "unexpected_answer", "an id_token must come")
        #expect(Self.check(nil, OAuthClient(appID: AppID("A1")!, clientID: "1.2", clientSecret: "top")) == nil)
    }

    @Test(
        arguments: [
            (claims(), nil), (claims(aud: #"["1.2"]"#), nil), (claims(iss: #""https://slack-gov.com""#), nil),
            (claims(exp: "1699999900"), nil),
            (claims(iss: #""https://evil.example""#), "unexpected_answer"),
            (claims(aud: #""9.9""#), "audience_mismatch"),
            (claims(aud: #"["1.2","9.9"]"#), "audience_mismatch"), (claims(aud: "[]"), "audience_mismatch"),
            (claims(nonce: #""other""#), "nonce_mismatch"), (claims(nonce: "null"), "nonce_mismatch"),
            (claims(exp: "1699999880"), "id_token_expired"), (claims(exp: #""soon""#), "unexpected_answer"),
            ("{}", "unexpected_answer"), ("not json", "unexpected_answer"),
        ] as [(String, String?)])
    func `believes an id_token for this client and this flow only`(_ claims: String, _ code: String?) {
        #expect(Self.check(claims) == code)
    }

    @Test(arguments: ["", "a.b", "a.b.c.d", "...", "!.!.!"])
    func `does not read what is no id_token`(_ text: String) {
        #expect(failure { () throws(PlatformFailure) in try SlackIDToken(text) }?.code == "unexpected_answer")
    }

    @Test func `has a user leg, a place and the id_token`() throws {
        let body =
            #"{"ok":true,"access_token":"xoxp-fake","token_type":"Bearer","id_token":"\#(Self.token(Self.claims()))"}"#
        let granted = try Slack().granted(answer(body))
        #expect(granted.bot == nil && granted.user?.token == "xoxp-fake" && granted.userID == "U1")
        #expect(granted.place?.teamID == "T1" && granted.idToken == Self.token(Self.claims()) && granted.appID == nil)
        let broken = answer(#"{"ok":true,"access_token":"xoxp-fake","id_token":"a b"}"#)
        #expect(failure { () throws(PlatformFailure) in try Slack().granted(broken) }?.code == "unexpected_answer")
    }

    /// Body, e-mail, whether it is verified; nil for what names nobody.
    @Test(
        arguments: [
            (
                #"{"ok":true,"sub":"U1","https://slack.com/team_id":"T1","email":"a@b.example","email_verified":true}"#,
                true
            ),
            (#"{"ok":true,"sub":"U1","https://slack.com/team_id":"T1","email":"a@b.example"}"#, false),
            (
                #"{"ok":true,"sub":"U1","https://slack.com/team_id":"T1","email":"a@b.example","email_verified":"true"}"#,
                false
            ),
            (#"{"ok":true,"sub":"U1","https://slack.com/team_id":"T1","email_verified":true}"#, false),
        ])
    func `knows an e-mail address as verified only when Slack says so`(_ body: String, _ isVerified: Bool) throws {
        let person = try Slack().person(answer(body))
        #expect(person.userID == "U1" && person.place?.teamID == "T1" && person.isEmailVerified == isVerified)
    }

    @Test func `names nobody without a workspace`() {
        let found = failure { () throws(PlatformFailure) in try Slack().person(answer(#"{"ok":true,"sub":"U1"}"#)) }
        #expect(found?.code == "unexpected_answer")
    }
}
