import Testing

@testable import postern_sim

/// Slack's switches of an app, through the whole house: PKCE without a secret, and logging in by OpenID Connect.
@Suite struct `A Slack app with switches` {
    /// Sets the app's fields here and at the simulated Slack.
    private func set(_ customer: Customer, here: JSON, there: [String: JSON]) throws {
        let path = "apps/slack/\(customer.appID)/edit"
        try customer.stand.must("POST", path, ["fields": here])
        try customer.sim.control(
            "POST", "apps", .object(there.merging(["app_id": .string(customer.appID)]) { mine, _ in mine }))
    }

    /// What the simulation made of the calls that give tokens.
    private func reasons(_ customer: Customer) throws -> [String] {
        guard case .array(let entries)? = try customer.sim.control("GET", "ledger?call=oauth.v2.access")["entries"]
        else { return [] }
        return entries.compactMap { $0["reason"]?.text }
    }

    /// The simulation answers `internal_error` to a secret of such an app, and `invalid_code_verifier` without one.
    @Test func `installs and refreshes by PKCE, and never sends its secret`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        try set(customer, here: ["pkce": "on"], there: ["pkce_enabled": true])
        let begun = try customer.begin()
        #expect(begun["authorization_url"]?.text?.contains("code_challenge_method=S256") == true, "\(begun.text)")
        // A life in its last seconds: the next who asks for the token waits for a new one.
        try customer.fault("oauth.v2.access", "edit:set:expires_in=1", times: 1)
        let (code, state) = try customer.consent(begun)
        let done = try customer.finish(code, state)
        #expect(done.status == 200, "\(done.text)")
        let isRenewed = try eventually {
            let token = try #require(try customer.access("bot")["access_token"]?.text)
            #expect(try customer.works(token, as: "bot"))
            return try reasons(customer) == ["edit:set:expires_in=1, tokens given", "refreshed bot token"]
        }
        let made = try reasons(customer)
        #expect(isRenewed, "\(made)")
        // Thirty days from the first exchange on (platforms, 1.1).
        let legs = try stand.must("GET", "installations?app=slack/\(customer.appID)").text
        #expect(legs.contains("refresh_expires"), "\(legs)")
    }

    @Test func `logs people in by OpenID Connect`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        try set(customer, here: ["login": "openid"], there: [:])
        let begun = try customer.begin("login")
        let url = begun["authorization_url"]?.text ?? ""
        #expect(url.contains("/openid/connect/authorize?") && url.contains("nonce="), "\(begun.text)")
        let (code, state) = try customer.consent(begun)
        let done = try customer.finish(code, state)
        #expect(done["identity"]?["user_id"] == "U0FAKEUSER1", "\(done.text)")
        #expect(done["identity"]?["email"] == "u0fakeuser1@example.com", "\(done.text)")
        let calls = try customer.sim.control("GET", "ledger?call=openid.connect.*")["entries"]
        #expect(calls?.count == 3, "\(String(describing: calls))")
        #expect(try stand.broker("GET", "\(customer.path)/installations").text.contains(#""installations":[]"#))
    }

    /// The id_token comes from another flow, for another client, or is none.
    @Test(arguments: ["edit:set:id_token=a.b.c", "edit:drop:id_token", "edit:set:id_token=5"])
    func `believe no id_token that is not of this flow`(_ fault: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        try set(customer, here: ["login": "openid"], there: [:])
        let (code, state) = try customer.consent(try customer.begin("login"))
        try customer.fault("openid.connect.token", fault, times: 1)
        let done = try customer.finish(code, state)
        #expect(done.code == "platform_refused" && done["identity"] == nil, "\(done.text)")
    }
}
