import Rules
import Testing

@testable import Platforms

/// Numbers come from whoever can sign: a tenant for its own app.
@Suite struct `A moment in a platform's answer` {
    private static let numbers: [Int64] = [.max, .min, -1, 9_223_372_036_854_776, 10_000_000_000_001]

    @Test(arguments: numbers)
    func `that cannot be one is none, and stops nobody`(_ number: Int64) {
        let slack =
            #"{"type":"event_callback","event":{"type":"app_uninstalled"},"team_id":"T1","event_time":\#(number)}"#
        #expect(Slack().lifecycle(Array(slack.utf8)) == .uninstalled(Place(teamID: "T1", name: nil), at: nil))
        let old =
            #"{"ts":"\#(number).5","type":"event_callback","event":{"type":"app_uninstalled","tenant_key":"k1"}}"#
        #expect(
            Lark(.lark).lifecycle(Array(old.utf8)) == .uninstalled(Place(teamID: "k1", name: nil), at: nil))
        let revoked =
            #"{"header":{"event_type":"auth.user_access_token.revoked_v4","tenant_key":"k1","create_time":"\#(number)"},"#
            + #""event":{"open_id":"ou_1","revoke_token_type":"refresh_token"}}"#
        #expect(
            Lark(.feishu).lifecycle(Array(revoked.utf8))
                == .tokensRevoked(Place(teamID: "k1", name: nil), users: ["ou_1"], bots: [], at: nil))
    }

    @Test func `that can is read`() {
        #expect(JSONFields.moment(seconds: 1_700_000_000) == 1_700_000_000_000)
        #expect(JSONFields.moment(milliseconds: 10_000_000_000_000) == 10_000_000_000_000)
        #expect(JSONFields.moment(milliseconds: 0) == 0)
    }

    @Test(
        arguments: [
            (#""expires_in":9223372036854775807"#, 315_360_000), (#""expires_in":-9223372036854775808"#, 0),
            (#""expires_in":43200"#, 43_200), (#""x":1"#, nil),
        ] as [(String, Int64?)])
    func `is never beyond what can be added to it`(_ life: String, _ seconds: Int64?) throws {
        let answer = PlatformAnswer(
            status: 200, headers: [], body: Array(#"{"ok":true,"team_id":"T1","user_id":"U1",\#(life)}"#.utf8))
        #expect(try answer.slackIdentity().expiresIn == seconds)
    }
}
