import HTTPClient
import Linux
import Synchronization
import Testing

@testable import postern_sim

/// What callers hear and cause when a platform refuses a token, and what one leg's trouble does to the other.
@Suite struct `A token that the platform refuses` {
    private let stand: Stand
    private let sim: Simulated

    init() throws {
        stand = try Stand(simulated: true).start()
        sim = try #require(stand.sim)
        try stand.furnishRotating(userScope: ["search:read"])
    }

    private func lease(_ leg: String, deliver: String = "gateway") throws -> String {
        let reply = try stand.broker(
            "POST", "apps/\(Stand.app)/access", ["as": .string(leg), "deliver": .string(deliver)])
        return try #require(reply["lease_id"]?.text, "\(reply.text)")
    }

    private func report(_ lease: String) throws -> Reply {
        try stand.broker("POST", "leases/\(lease)/report", ["code": "token_expired"])
    }

    /// As if somebody had revoked it: with rotation only this one token ends (platforms, 1.7).
    private func end(_ token: String) throws {
        _ = try HTTPClient().perform(
            HTTPClient.Request(
                "POST", "\(sim.base)/api/auth.revoke", headers: [.init("Authorization", "Bearer \(token)")]))
        #expect(try !sim.accepts(token))
    }

    @Test func `is renewed once for everybody when one says so, and not again for a minute`() throws {
        let first = try stand.token()
        let other = try lease("bot", deliver: "token")
        let before = try sim.refreshes()
        let reply = try report(try lease("bot"))
        #expect(reply["refreshed"] == true && reply["same_token"] == false, "\(reply.text)")
        // Who holds the old token is told that there is another already, without asking the platform.
        let second = try report(other)
        #expect(second["refreshed"] == false && second["same_token"] == false, "\(second.text)")
        #expect(try report(try lease("bot")).code == "rate_limited")
        #expect(try sim.refreshes() == before + 1)
        let now = try stand.token()
        #expect(now["access_token"] != first["access_token"])
        #expect(try sim.accepts(try #require(now["access_token"]?.text)))
        #expect(
            try stand.records().contains {
                $0["action"] == "lease.report" && $0["reason"] == "token_expired" && $0["outcome"] == "allowed"
            })
    }

    @Test func `is renewed and the call made once more when a gateway call meets it`() throws {
        let held = try #require(try stand.token()["access_token"]?.text)
        let lease = try lease("bot")
        try end(held)
        let before = try sim.refreshes()
        let reply = try stand.broker("POST", "gateway/\(lease)/auth.test", nil)
        #expect(reply["ok"] == true, "\(reply.text)")
        #expect(try sim.refreshes() == before + 1)
        // Who met the same and says so only now speaks of the token before.
        #expect(try report(lease).code == "rate_limited")
        #expect(try sim.refreshes() == before + 1)
    }

    @Test func `is not renewed for a code that says nothing of it`() throws {
        let before = try sim.refreshes()
        let lease = try lease("bot")
        for code in ["channel_not_found", "ratelimited", "missing_scope", "99991663", "whatever it is"] {
            let reply = try stand.broker("POST", "leases/\(lease)/report", ["code": .string(code)])
            #expect(reply["refreshed"] == false && reply["same_token"] == true, "\(code): \(reply.text)")
        }
        #expect(try sim.refreshes() == before)
        #expect(try report(lease)["refreshed"] == true)
    }

    @Test func `is renewed before anybody reads it as a secret`() throws {
        try stand.grant(actions: ["secret:read:bot_token"])
        let before = try #require(try stand.read("bot_token")["value"]?.text)
        #expect(try report(try lease("bot"))["refreshed"] == true)
        let after = try #require(try stand.read("bot_token")["value"]?.text)
        #expect(before != after)
        #expect(try sim.accepts(after))
    }

    /// slackapi's own rotator loses the bot's new pair when the user's refresh fails (platforms, 1.4).
    @Test(arguments: [("bot", "user"), ("user", "bot")])
    func `takes nothing from the other leg of the same installation`(_ failing: String, _ other: String) throws {
        try sim.fault("oauth.v2.access", "error:invalid_refresh_token")
        let reply = try report(try lease(failing))
        #expect(reply.code == "needs_reauthorization", "\(reply.text)")
        #expect(try report(try lease(other))["refreshed"] == true)
        let legs = try stand.legs()
        #expect(legs[failing]?["state"] == "needs_reauthorization")
        #expect(legs[failing]?["failure"] == "invalid_refresh_token")
        #expect(legs[other]?["state"] == "active")
        #expect(try sim.accepts(try #require(try stand.token(other)["access_token"]?.text)))
        // The access token is served to its own end, and everybody who looks sees who has to do what.
        #expect(try stand.token(failing).status == 201)
        #expect(try stand.must("GET", "status")["tokens"]?["needs_reauthorization"] == .integer(1))
        #expect(try stand.must("GET", "metrics").text.contains("postern_legs_needing_reauthorization 1\n"))
        #expect(try stand.must("GET", "metrics").text.contains("outcome=\"needs_reauthorization\"} 1\n"))
        // A new consent heals it in place.
        try stand.install(userScope: ["search:read"])
        #expect(try stand.legs()[failing]?["state"] == "active")
        #expect(try stand.must("GET", "status")["tokens"]?["needs_reauthorization"] == .integer(0))
    }

    @Test func `is refreshed beside the other leg, and one failing is one failing`() throws {
        try sim.fault("oauth.v2.access", "error:invalid_refresh_token")
        let leases = [try lease("bot"), try lease("user")]
        let answers = Mutex<[Reply?]>([])
        let threads = try leases.map { lease in
            try Thread.start(name: "report") {
                let reply = try? report(lease)
                answers.withLock { $0.append(reply) }
            }
        }
        for thread in threads { thread.join() }
        let codes = answers.withLock { $0.map { $0?.code ?? "refreshed" } }
        #expect(codes.sorted() == ["needs_reauthorization", "refreshed"])
        let states = try ["bot", "user"].map { try stand.legs()[$0]?["state"]?.text ?? "" }
        #expect(states.sorted() == ["active", "needs_reauthorization"])
    }

    @Test func `is left alone for as long as the platform asks, and served meanwhile`() throws {
        try sim.control(
            "POST", "faults", ["match": "oauth.v2.access", "fault": "status:429", "times": 1, "retry_after": 4])
        #expect(try report(try lease("bot")).code == "platform_unreachable")
        let calls = try sim.count("oauth.v2.access")
        let leg = try #require(try stand.legs()["bot"])
        #expect(leg["failure"] == "ratelimited" && leg["failure_class"] == "RETRY" && leg["state"] == "active")
        #expect(leg["retry_at"]?.text != nil)
        #expect(try stand.token().status == 201)
        #expect(try sim.count("oauth.v2.access") == calls)
        // Then it is tried again by itself.
        #expect(try eventually { try sim.count("oauth.v2.access") == calls + 1 })
        #expect(try eventually { try stand.legs()["bot"]?["failures"] == .integer(0) })
    }

    @Test func `and cannot be refreshed is the same as before, and dead once a call has met it`() throws {
        let plain = try Stand(simulated: true).start()
        try plain.furnish()
        let lease = try plain.lease()
        let reply = try plain.broker("POST", "leases/\(lease)/report", ["code": "not a code at all"])
        #expect(reply["refreshed"] == false && reply["same_token"] == true, "\(reply.text)")
        #expect(try plain.records().contains { $0["action"] == "lease.report" && $0["reason"] == "other" })
        let token = try #require(
            try plain.broker("POST", "apps/\(Stand.app)/access", ["as": "bot", "deliver": "token"])[
                "access_token"]?.text)
        let theirs = try #require(plain.sim)
        _ = try HTTPClient().perform(
            HTTPClient.Request(
                "POST", "\(theirs.base)/api/auth.revoke", headers: [.init("Authorization", "Bearer \(token)")]))
        let answer = try plain.broker("POST", "gateway/\(lease)/auth.test", nil)
        #expect(answer["ok"] == false)
        let after = try plain.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"])
        #expect(after.code == "needs_reauthorization", "\(after.text)")
    }
}
