import Linux
import Testing

@testable import postern_sim

/// What a lease lives through, and what of it is kept (design, section 6).
@Suite struct `A lease in use` {
    @Test func `lives through its token's refresh`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnishRotating()
        let lease = try stand.lease()
        func call() throws -> Reply { try stand.broker("POST", "gateway/\(lease)/auth.test") }
        #expect(try call()["ok"] == true)
        let old = try stand.token()["access_token"]?.text
        #expect(try stand.broker("POST", "leases/\(lease)/report", ["code": "token_expired"])["refreshed"] == true)
        let new = try #require(try stand.token()["access_token"]?.text)
        #expect(new != old)
        #expect(try call()["ok"] == true)
    }

    @Test func `lives through its token's rotation by an admin`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish(methods: ["auth.test"])
        let lease = try stand.lease()
        func call() throws -> Reply { try stand.broker("POST", "gateway/\(lease)/auth.test") }
        #expect(try call()["ok"] == true)
        // The platform knows no such token, and says so itself: the lease is as good as before.
        for (token, isKnown) in [("xoxb-1111111111-fakefakefakefake", false), (planted.botToken ?? "", true)] {
            try Self.rotate(stand, to: token)
            let reply = try call()
            #expect(reply.status == 200 && reply["ok"] == .bool(isKnown), "\(reply.text)")
        }
    }

    @Test func `that handed out its token ends with that token's grace, however often it is renewed`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish(methods: ["auth.test"])
        let given = try stand.token()
        let lease = try #require(given["lease_id"]?.text, "\(given.text)")
        func renew() throws -> Reply { try stand.broker("POST", "leases/\(lease)/renew") }
        try Self.rotate(stand, to: "xoxb-1111111111-fakefakefakefake", grace: 30)
        let first = try renew()
        guard case .integer(let left)? = first["expires_in"] else { throw NotThere() }
        #expect((1...30).contains(left), "\(first.text)")
        #expect(try renew()["expires_at"] == first["expires_at"])
        try Self.rotate(stand, to: try #require(planted.botToken))
        #expect(try renew().code == "expired")
        #expect(try stand.must("GET", "leases/\(lease)")["state"] == "ended")
    }

    /// An admin puts another token of the bot's in force.
    private static func rotate(_ stand: Stand, to token: String, grace: Int64 = 0) throws {
        guard case .array(let places)? = try stand.must("GET", "installations?app=\(Stand.app)")["installations"],
            let place = places.first?["id"]
        else { throw NotThere() }
        try stand.must(
            "POST", "apps/\(Stand.app)/secrets/bot_token/rotate",
            ["value": .string(token), "installation": place, "grace_seconds": .integer(grace)])
    }

    @Test func `over TCP leaves its bearer nowhere in the vault's files`() throws {
        let gateway = try TCPGateway()
        let stand = gateway.stand
        let lease = try gateway.access()
        let bearer = try #require(lease["access_token"]?.text)
        let id = try #require(lease["lease_id"]?.text)
        #expect(bearer.hasPrefix("ptcp_"))
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
        #expect(try stand.broker("POST", "leases/\(id)/renew").status == 200)
        let export = try stand.records().map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        var all = Array(export.utf8) + Array(stand.log.utf8)
        for end in ["", "-wal", "-shm"] { all += Shell.bytes(of: stand.database + end) }
        // What is there is found, so that what is not found is not there.
        #expect(MemoryScan.contains(any: [Array(id.utf8)], all, count: all.count))
        #expect(!MemoryScan.contains(any: MemoryScan.forms(of: bearer), all, count: all.count))
        let bits = String(bearer.dropFirst(5))
        #expect(!MemoryScan.contains(any: MemoryScan.forms(of: bits), all, count: all.count))
    }
}
