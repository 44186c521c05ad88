import Rules
import Testing

@testable import Platforms

@Suite struct `An event about the life of an installation` {
    private static let slack = #","team_id":"T1","event_time":1700000000}"#

    @Test(
        arguments: [
            (
                #"{"type":"event_callback","event":{"type":"app_uninstalled"}"# + slack,
                Lifecycle.uninstalled(Place(teamID: "T1", name: nil), at: 1_700_000_000_000)
            ),
            (
                #"{"type":"event_callback","event":{"type":"tokens_revoked","tokens":{"oauth":["U1"],"bot":["U2"]}}"#
                    + slack,
                .tokensRevoked(Place(teamID: "T1", name: nil), users: ["U1"], bots: ["U2"], at: 1_700_000_000_000)
            ),
            (#"{"type":"event_callback","event":{"type":"message"}"# + slack, nil),
            (#"{"type":"url_verification","event":{"type":"app_uninstalled"}"# + slack, nil),
            (#"{"type":"event_callback","event":{"type":"app_uninstalled"}}"#, nil), ("[]", nil), ("<html>", nil),
        ] as [(String, Lifecycle?)])
    func `of Slack is read for what it says`(_ event: String, _ meaning: Lifecycle?) {
        #expect(Slack().lifecycle(Array(event.utf8)) == meaning)
    }

    private static let revoked =
        #"{"schema":"2.0","header":{"event_type":"auth.user_access_token.revoked_v4","tenant_key":"k1","create_time":"1700000000123"},"event":{"open_id":"ou_1","revoke_token_type":"#

    @Test(
        arguments: [
            (
                revoked + #""user_access_token refresh_token"}}"#,
                Lifecycle.tokensRevoked(
                    Place(teamID: "k1", name: nil), users: ["ou_1"], bots: [], at: 1_700_000_000_123)
            ),
            // The refresh token lives, and makes a new access token.
            (revoked + #""user_access_token"}}"#, nil),
            (
                #"{"ts":"1700000000.1","uuid":"u","type":"event_callback","event":{"type":"app_ticket","app_ticket":"fake-ticket"}}"#,
                .ticket("fake-ticket", at: 1_700_000_000_000)
            ),
            (
                #"{"ts":"1700000000.1","uuid":"u","type":"event_callback","event":{"type":"app_uninstalled","tenant_key":"k1"}}"#,
                .uninstalled(Place(teamID: "k1", name: nil), at: 1_700_000_000_000)
            ),
            (#"{"type":"event_callback","event":{"type":"app_open","tenant_key":"k1"}}"#, nil), ("{}", nil),
        ] as [(String, Lifecycle?)])
    func `of Lark is read for what it says`(_ event: String, _ meaning: Lifecycle?) {
        #expect(Lark(.lark).lifecycle(Array(event.utf8)) == meaning)
    }
}
