import Testing

@testable import postern_sim

@Suite struct `A lease that has ended` {
    /// Design, section 6: suspension ends leases; what is resumed begins without them.
    @Test(arguments: ["services/bridge", "tenants/acme", "apps/\(Stand.app)"])
    func `by a suspension does not come back when it is over`(_ what: String) throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish(actions: ["access:bot"], methods: ["auth.test"])
        let lease = try stand.lease()
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
        try stand.must("POST", "\(what)/suspend")
        try stand.must("POST", "\(what)/resume")
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "expired")
        let fresh = try stand.lease()
        #expect(try stand.broker("POST", "gateway/\(fresh)/auth.test")["ok"] == true)
    }

    /// A client set up wrongly puts its token where the lease belongs; the log must not keep it.
    @Test func `or was none is not written down as it came`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish(actions: ["access:bot"], methods: ["auth.test"])
        let planted = "xoxb-1111111111-2222222222-fakefakefakefakefakefake"
        #expect(try stand.broker("POST", "gateway/\(planted)/auth.test").code == "denied")
        #expect(try stand.broker("GET", "apps/slack/\(planted)/secrets/signing_secret").code == "bad_request")
        let written = try stand.records().map { "\($0)" }
        #expect(written.contains { $0.contains("malformed") })
        #expect(!written.contains { $0.contains(planted) })
    }
}

@Suite struct `Of several grants` {
    @Test func `the one that has what is asked for counts`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish(actions: ["access:bot"], methods: ["auth.test"])
        try stand.grant(actions: ["access:bot"], methods: ["chat.postMessage"])
        let call = "apps/\(Stand.app)/access"
        #expect(try stand.broker("POST", call, ["as": "bot", "methods": ["chat.postMessage"]]).status == 201)
        #expect(try stand.broker("POST", call, ["as": "bot", "methods": ["auth.test"]]).status == 201)
        // Outside both is a denial like any other.
        let refused = try stand.broker("POST", call, ["as": "bot", "methods": ["users.list"]])
        #expect(refused.code == "denied")
        let why = try stand.must("GET", "why/\(refused["request_id"]?.text ?? "")")
        #expect(why["rule"]?.text == "outside_grant")
    }
}

@Suite struct `What an admin looks at` {
    @Test func `is on the record once a minute, and status is not`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        for _ in 0..<3 {
            try stand.must("GET", "grants")
            try stand.must("GET", "status")
        }
        let actions = try stand.records().compactMap { $0["action"]?.text }
        #expect(actions.filter { $0 == "grant.list" }.count == 1)
        #expect(!actions.contains("status"))
    }
}

@Suite struct `A redirect URI` {
    @Test(arguments: ["http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://example.com/"])
    func `in the clear leads to this machine only`(_ uri: String) throws {
        let stand = try Stand().start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme"])
        let reply = try stand.admin(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "slack", "app_id": "A0REDIRECT", "fields": [:], "secrets": [:],
                "redirect_uris": [.string(uri)], "verify": false,
            ])
        #expect(reply.code == "bad_request")
    }
}
