import Linux
import Testing

@testable import postern_sim

/// What a lease is bound to, how long it lives, and who ends it (design, section 6).
@Suite struct `A service's lease` {
    private static let call = "apps/\(Stand.app)/access"

    private func stand(_ more: [String: JSON] = [:], flags: [String] = []) throws -> Stand {
        let stand = try Stand(simulated: true, flags: flags).start()
        try stand.furnish(actions: ["secret:read:signing_secret"])
        try grant(stand, more)
        return stand
    }

    private func grant(_ stand: Stand, _ more: [String: JSON]) throws {
        var body: [String: JSON] = [
            "service": "bridge", "pattern": .string("acme/\(Stand.app)"), "actions": ["access:bot", "deliver:token"],
            "methods": ["auth.test", "chat.postMessage"], "max_ttl_seconds": 600,
        ]
        body.merge(more) { _, given in given }
        try stand.must("POST", "grants", .object(body))
    }

    private func number(_ json: JSON?) -> Int64 { if case .integer(let number)? = json { number } else { -1 } }

    @Test func `is of the service that asked and of nobody else`() throws {
        let stand = try stand()
        let lease = try stand.lease()
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
        guard Shell.isRoot else { return }
        for (method, call) in [
            ("POST", "gateway/\(lease)/auth.test"), ("POST", "leases/\(lease)/renew"), ("DELETE", "leases/\(lease)"),
            ("POST", "leases/\(lease)/report"),
        ] {
            let body: JSON? = call.hasSuffix("report") ? ["code": "invalid_auth"] : nil
            #expect(try stand.broker(method, call, body, uid: 1003).code == "denied", "\(call)")
            #expect(try stand.broker(method, call, body, uid: Stand.stranger).code == "denied", "\(call)")
        }
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
    }

    /// Our own connections are one process; curl is another one of the same user.
    @Test func `is of the process alone that asked, where the grant says so`() throws {
        let stand = try stand(["bind": "process"])
        let lease = try stand.lease()
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
        #expect(try stand.broker("POST", "leases/\(lease)/renew").status == 200)
        func curl(_ method: String, _ call: String) throws -> String {
            var words = [
                "/usr/bin/curl", "-s", "-X", method, "--unix-socket", stand.brokerSocket, "http://postern/v1/\(call)",
            ]
            if let uid = Stand.bridge {
                words = ["/usr/bin/setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", "--"] + words
            }
            return try Shell.run(words[0], Array(words.dropFirst())).output
        }
        for (method, call) in [
            ("POST", "gateway/\(lease)/auth.test"), ("POST", "leases/\(lease)/renew"), ("DELETE", "leases/\(lease)"),
        ] {
            let answer = try curl(method, call)
            #expect(answer.contains("\"denied\""), "\(answer)")
        }
        let why = try stand.records().filter { $0["reason"] == "other_process" }
        #expect(why.count == 3)
        let shown = try stand.must("GET", "leases/\(lease)")
        #expect(shown["state"] == "live")
        #expect(shown["process"]?.text?.contains(":") == true)
        // What a process may do that is not named so is told: with a bearer nobody could see which one it is.
        #expect(try stand.broker("POST", Self.call, ["as": "bot", "deliver": "tcp"]).code == "conflict")
    }

    @Test func `is never wider or longer than its grant, and renewed until the grant's age`() throws {
        let stand = try stand(["scope": ["chat:write"], "max_ttl_seconds": 60, "max_age_seconds": 90])
        for (more, code) in [
            (["methods": ["users.list"]], "denied"), (["methods": ["*"]], "denied"),
            (["scope": ["admin"]], "denied"), (["ttl": 61], "bad_request"), (["ttl": 3600], "bad_request"),
            (["deliver": "token", "methods": ["auth.test"]], "cannot_narrow"),
            (["deliver": "token", "scope": ["chat:write"]], "cannot_narrow"), (["deliver": "pigeon"], "bad_request"),
        ] as [([String: JSON], String)] {
            let reply = try stand.broker("POST", Self.call, .object(["as": "bot"].merging(more) { $1 }))
            #expect(reply.code == code, "\(more): \(reply.text)")
        }
        let given = try stand.broker("POST", Self.call, ["as": "bot", "methods": ["auth.test"], "ttl": 30])
        let lease = try #require(given["lease_id"]?.text)
        #expect((29...30).contains(number(given["expires_in"])))
        let renewed = try stand.broker("POST", "leases/\(lease)/renew")
        #expect((59...60).contains(number(renewed["expires_in"])), "\(renewed.text)")
        #expect(renewed["methods"] == ["auth.test"])
        #expect(renewed["renewable_until"] != nil)
        #expect(try stand.broker("POST", "leases/\(lease)/renew", ["ttl": 61]).code == "bad_request")
        // Shorter than it is already it does not become.
        #expect(number(try stand.broker("POST", "leases/\(lease)/renew", ["ttl": 1])["expires_in"]) > 30)
        #expect(try stand.broker("POST", "gateway/\(lease)/chat.postMessage").code == "denied")
    }

    @Test func `lasts ten minutes where nobody says otherwise, and an hour at most`() throws {
        let stand = try stand(["max_ttl_seconds": 3600])
        let usual = try stand.broker("POST", Self.call, ["as": "bot"])
        #expect((599...600).contains(number(usual["expires_in"])), "\(usual.text)")
        let longest = try stand.broker("POST", Self.call, ["as": "bot", "ttl": 3600])
        #expect((3599...3600).contains(number(longest["expires_in"])), "\(longest.text)")
        #expect(try stand.broker("POST", Self.call, ["as": "bot", "ttl": 3601]).code == "bad_request")
        for more in [["max_ttl_seconds": 3601], ["max_ttl_seconds": 0], ["max_age_seconds": 2_592_001]]
            as [[String: JSON]]
        {
            var body: [String: JSON] = [
                "service": "bridge", "pattern": .string("acme/\(Stand.app)"), "actions": ["access:bot"],
                "methods": ["auth.test"],
            ]
            body.merge(more) { _, given in given }
            #expect(try stand.admin("POST", "grants", .object(body)).code == "bad_request", "\(more)")
        }
    }

    @Test func `is not renewed beyond the grant's age`() throws {
        let stand = try stand(["max_ttl_seconds": 60, "max_age_seconds": 30])
        // Nor given for longer in the first place.
        let usual = try stand.broker("POST", Self.call, ["as": "bot"])
        #expect((29...30).contains(number(usual["expires_in"])), "\(usual.text)")
        #expect(try stand.broker("POST", Self.call, ["as": "bot", "ttl": 31]).code == "bad_request")
        let reply = try stand.broker("POST", Self.call, ["as": "bot", "ttl": 20])
        let lease = try #require(reply["lease_id"]?.text)
        let renewed = try stand.broker("POST", "leases/\(lease)/renew")
        #expect((25...30).contains(number(renewed["expires_in"])), "\(renewed.text)")
        // Once more changes nothing: it is as old as it may become.
        let again = try stand.broker("POST", "leases/\(lease)/renew")
        #expect(again["expires_at"] == renewed["expires_at"])
        #expect(again["renewable_until"] == renewed["renewable_until"])
    }

    @Test func `survives a restart, and what was revoked stays so`() throws {
        let stand = try stand()
        let kept = try stand.lease()
        let revoked = try stand.lease()
        try stand.must("DELETE", "leases/\(revoked)")
        let ended = try stand.lease()
        #expect(try stand.broker("DELETE", "leases/\(ended)").status == 204)
        stand.kill()
        try stand.start()
        #expect(try stand.broker("POST", "gateway/\(kept)/auth.test")["ok"] == true)
        for lease in [revoked, ended] {
            #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "expired")
        }
    }

    @Test(arguments: [("service", "bridge"), ("app", Stand.app), ("tenant", "acme")])
    func `ends with all of its kind at once, and the next one lives`(_ what: String, _ name: String) throws {
        let stand = try stand()
        let leases = try (0..<3).map { _ in try stand.lease() }
        #expect(try stand.must("GET", "leases?\(what)=\(name)&state=live")["live"] == 3)
        let reply = try stand.must("POST", "leases/revoke", [what: .string(name)])
        #expect(reply["leases_revoked"] == 3)
        for lease in leases { #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "expired") }
        #expect(try stand.must("GET", "leases?state=live")["live"] == 0)
        let fresh = try stand.lease()
        #expect(try stand.broker("POST", "gateway/\(fresh)/auth.test")["ok"] == true)
        let record = try stand.records().last { $0["action"] == "lease.revoke" }
        #expect(record?["count"] == 3)
        #expect(try stand.postern(["lease", "revoke", "--\(what)", name, "--check"]).code == 12)
        #expect(try stand.postern(["lease", "revoke", "--\(what)", name, "--yes"]).out == "1 lease revoked\n")
        #expect(try stand.postern(["lease", "revoke", "--\(what)", name, "--check"]).code == 0)
        // Two at once, or none, is a mistake.
        for body in [[:], ["app": .string(Stand.app), "tenant": "acme"]] as [JSON] {
            #expect(try stand.admin("POST", "leases/revoke", body).code == "bad_request")
        }
    }
}

/// Design, section 6: per service a cap on live leases and one on calls, each with a clear 429.
@Suite struct `A service at one of its caps` {
    @Test func `is told so with the time to wait, on record, and others are not`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish(actions: ["access:bot"], methods: ["auth.test"])
        let cli = try stand.postern(["service", "edit", "bridge", "--max-leases", "2"])
        #expect(cli.code == 0, "\(cli.error)")
        let first = try stand.lease()
        _ = try stand.lease()
        let refused = try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"])
        #expect(refused.status == 429)
        #expect(refused.code == "rate_limited")
        #expect(refused.header("retry-after").flatMap { Int($0) }.map { (1...601).contains($0) } == true)
        let why = try stand.must("GET", "why/\(refused.requestID ?? "")")
        #expect(why["rule"] == "too_many_leases")
        #expect(why["suggestion"]?.text?.contains("service edit bridge --max-leases") == true)
        #expect(try stand.must("GET", "services/bridge")["live_leases"] == 2)
        // One given back makes room for one.
        #expect(try stand.broker("DELETE", "leases/\(first)").status == 204)
        _ = try stand.lease()
        #expect(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).status == 429)
    }

    @Test func `of calls a second is refused for a second, and strangers are as before`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        try stand.must("POST", "services/bridge/edit", ["rate": 5])
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        // Sent together they come faster than any clock lets them.
        try wire.send((0..<40).flatMap { _ in Wire.request("GET", "/v1/self") })
        let replies = try (0..<40).map { _ in try wire.receive() }
        let refused = replies.filter { $0.status == 429 }
        #expect(replies.filter { $0.status == 200 }.count >= 5)
        #expect(!refused.isEmpty)
        #expect(refused.allSatisfy { $0.code == "rate_limited" && $0.header("retry-after") == "1" })
        #expect(try stand.broker("GET", "health").status == 200)
        if Shell.isRoot { #expect(try stand.broker("GET", "self", uid: Stand.stranger).code == "denied") }
        let recorded = try stand.records().filter { $0["reason"] == "rate_exceeded" }
        #expect(!recorded.isEmpty)
        try stand.must("POST", "services/bridge/edit", ["rate": 0])
        try wire.send((0..<40).flatMap { _ in Wire.request("GET", "/v1/self") })
        for _ in 0..<40 { #expect(try wire.receive().status == 200) }
    }

    @Test(
        arguments: [
            ["rate": -1], ["rate": 1_000_001], ["max_leases": 0], ["max_leases": 1_000_001], [:],
        ] as [JSON])
    func `is not given one that cannot be`(_ body: JSON) throws {
        let stand = try Stand().start()
        try stand.furnish()
        #expect(try stand.admin("POST", "services/bridge/edit", body).code == "bad_request")
    }
}
