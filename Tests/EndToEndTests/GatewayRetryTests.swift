import Testing

@testable import postern_sim

@Suite struct `A call whose token stays refused` {
    private let stand: Stand
    private let sim: Simulated

    init() throws {
        stand = try Stand(simulated: true).start()
        sim = try #require(stand.sim)
    }

    /// A customer's app with a token that can be renewed, and a lease for it.
    private func lease(_ platform: String, number: Int = 1) throws -> (customer: Customer, lease: String) {
        let customer = try Customer(platform, stand, number: number)
        if platform == "slack" {
            let installed = try customer.flow()
            try #require(installed.status == 200, "\(installed.text)")
        }
        let lease = try stand.lease("\(platform)/\(customer.appID)", as: customer.minted ?? customer.consented)
        return (customer, lease)
    }

    /// How often the platform gave a token in place of one.
    private func renewals(_ customer: Customer) throws -> Int {
        guard let mint = customer.calls.mint else { return try sim.refreshes() }
        return try sim.count("\(customer.platform):\(mint)")
    }

    /// Design, section 6: one renewal and one more attempt, whatever the verb; a minute later at the earliest the next.
    @Test(arguments: [
        ("slack", "POST", "auth.test", "auth.test", "token_expired"),
        ("slack", "GET", "auth.test", "auth.test", "token_revoked"),
        ("lark", "POST", "im/v1/messages?receive_id_type=chat_id", "im.v1.messages", "99991663"),
        ("feishu", "POST", "im/v1/messages?receive_id_type=chat_id", "im.v1.messages", "99991663"),
        ("genesys", "GET", "api/v2/users/me", "users.me", "bad_credentials"),
    ])
    func `goes to the platform twice for one renewal, and comes back as the platform's own answer`(
        _ platform: String, _ verb: String, _ path: String, _ call: String, _ code: String
    ) throws {
        let (customer, lease) = try lease(platform)
        func send() throws -> Reply {
            let body: JSON? = verb == "POST" ? ["content": "hello"] : nil
            return try stand.broker(
                verb, "gateway/\(lease)/\(path)", body, headers: ["Content-Type: application/json"])
        }
        let (name, told) = ("\(platform):\(call)", code.replacing("bad_credentials", with: "bad.credentials"))
        try customer.fault(call, "error:\(code)")
        let (calls, renewed) = (try sim.count(name), try renewals(customer))
        for (more, status) in [(2, "the first"), (1, "the next, within the minute")] {
            let before = try sim.count(name)
            let reply = try send()
            // Slack's word, Lark's number, Genesys Cloud's 401.
            let own = reply["error"]?.text ?? reply["code"].map { $0.text ?? "\($0)" } ?? ""
            #expect(own.contains(told), "\(status): \(reply.text)")
            #expect(reply.status == (platform == "genesys" ? 401 : reply.status) && reply["request_id"] == nil)
            #expect(try sim.count(name) == before + more, "\(status)")
        }
        #expect(try sim.count(name) == calls + 3)
        #expect(try renewals(customer) == renewed + 1)
    }

    /// What is too large to be kept cannot be sent again: its token is renewed for the next.
    @Test func `and that has a large body goes to the platform once`() throws {
        let (customer, lease) = try lease("slack")
        try customer.fault("auth.test", "error:token_expired")
        let (calls, renewed) = (try sim.count("auth.test"), try renewals(customer))
        let reply = try stand.broker(
            "POST", "gateway/\(lease)/auth.test", ["text": .string(String(repeating: "x", count: 1_500_000))],
            headers: ["Content-Type: application/json"])
        #expect(reply.status == 200 && reply["error"] == "token_expired", "\(reply.text)")
        #expect(try sim.count("auth.test") == calls + 1)
        #expect(try renewals(customer) == renewed + 1)
        try customer.heal()
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
        #expect(try renewals(customer) == renewed + 1)
    }

    /// Whether the platform did what it was asked nobody knows, so it is not asked again.
    @Test func `is another matter than one whose answer was lost, which is made once`() throws {
        let (customer, lease) = try lease("slack")
        func send() throws -> Reply { try stand.broker("POST", "gateway/\(lease)/auth.test") }
        // A connection that is kept.
        #expect(try send()["ok"] == true)
        let (calls, renewed) = (try sim.count("auth.test"), try renewals(customer))
        try customer.fault("auth.test", "close", times: 1)
        #expect(try send().code == "platform_unreachable")
        #expect(try sim.count("auth.test") == calls + 1)
        #expect(try send()["ok"] == true)
        #expect(try sim.count("auth.test") == calls + 2 && renewals(customer) == renewed)
    }
}
