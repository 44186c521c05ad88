import Linux
import Testing

@testable import postern_sim

@Suite struct `The whole house` {
    @Test func `seals, installs, lends, rotates, revokes and logs`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish()
        #expect(try stand.read("signing_secret")["value"]?.text == planted.signingSecret)
        #expect(try stand.read("bot_token")["value"]?.text == planted.botToken)

        let browser = Browser()
        let callback = try browser.consent(try stand.beginInstall())
        let page = try browser.get(callback)
        #expect(page.status == 200 && page.text.contains("Acme"), "\(page)")
        let installed = try stand.broker("GET", "apps/\(Stand.app)/installations")
        #expect(installed.text.contains("\"team_name\":\"Acme\""))

        let lease = try stand.lease()
        let posted = try stand.broker(
            "POST", "gateway/\(lease)/auth.test", headers: ["Authorization: Bearer ignored", "Cookie: d=ignored"])
        #expect(posted["ok"] == true, "\(posted.text)")
        #expect(try stand.broker("POST", "gateway/\(lease)/users.list").code == "denied")
        try stand.must("DELETE", "leases/\(lease)")
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "expired")

        let token = try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot", "deliver": "token"])
        #expect(token["access_token"]?.text?.hasPrefix("xoxb-") == true)

        #expect(try stand.must("GET", "audit/verify")["ok"] == true)
        #expect(try stand.stop() == .exited(0))
    }
}
