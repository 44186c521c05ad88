import Linux
import Testing

@testable import postern_sim

/// What a lease lives through, and what of it is kept (design, section 6).
@Suite struct `A lease in use` {
    /// Others' answers and decisions are as they were: giving a lease back is ordinary traffic.
    @Test func `that its service gives back ends its own answer under way, and no other`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish(methods: ["auth.test"])
        let lease = try stand.cutsOne { lease throws in
            let reply = try stand.broker("DELETE", "leases/\(lease)")
            #expect(reply.status == 204)
        }
        #expect(try stand.broker("DELETE", "leases/\(lease)").status == 204)
    }

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
        guard case .array(let places)? = try stand.must("GET", "installations?app=\(Stand.app)")["installations"],
            let place = places.first?["id"]
        else {
            Issue.record("there is no installation")
            return
        }
        // The platform knows no such token, and says so itself: the lease is as good as before.
        for (token, isKnown) in [("xoxb-1111111111-fakefakefakefake", false), (planted.botToken ?? "", true)] {
            try stand.must(
                "POST", "apps/\(Stand.app)/secrets/bot_token/rotate",
                ["value": .string(token), "installation": place, "grace_seconds": 0])
            let reply = try call()
            #expect(reply.status == 200 && reply["ok"] == .bool(isKnown), "\(reply.text)")
        }
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

extension Stand {
    /// Ends one of two leases that each have an endless answer under way, and looks that only its own is cut. Which one.
    @discardableResult
    func cutsOne(by end: (String) throws -> Void) throws -> String {
        let (mine, other) = (try lease(), try lease())
        try #require(sim).fault("auth.test", "huge", times: 2)
        let cut = try Wire(brokerSocket, uid: Stand.bridge)
        let kept = try Wire(brokerSocket, uid: Stand.bridge)
        try cut.send(Wire.request("POST", "/v1/gateway/\(mine)/auth.test"))
        try kept.send(Wire.request("POST", "/v1/gateway/\(other)/auth.test"))
        #expect(eventually { cut.arrived() > 1000 && kept.arrived() > 1000 })
        try end(mine)
        #expect(cut.rest().utf8.count < 8 << 20)
        #expect(kept.rest(atLeast: 8 << 20).utf8.count > 8 << 20)
        #expect(try broker("POST", "gateway/\(mine)/auth.test").code == "expired")
        return mine
    }
}
