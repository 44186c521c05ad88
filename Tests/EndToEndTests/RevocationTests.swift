import Linux
import Testing

@testable import postern_sim

@Suite struct `An acknowledged revocation` {
    private static let revocations: [(String, String)] = [
        ("DELETE", "grants/GRANT"), ("POST", "services/bridge/suspend"), ("POST", "tenants/acme/suspend"),
        ("POST", "apps/\(Stand.app)/suspend"), ("DELETE", "services/bridge"),
    ]

    /// Design, section 4. Each reader has many requests on its way; what it has received when the revocation is
    /// acknowledged is what had left, and not one answer with the secret may follow.
    @Test(arguments: revocations)
    func `is followed by no read, while 64 readers hammer`(_ method: String, _ call: String) throws {
        let stand = try Stand().start()
        try stand.furnish(actions: ["access:bot"])
        let grant = try stand.grant(actions: ["secret:read:signing_secret"])
        let depth = 60
        let request = Wire.request("GET", "/v1/apps/\(Stand.app)/secrets/signing_secret")
        let readers = try (0..<64).map { _ in try Wire(stand.brokerSocket, uid: Stand.bridge) }
        for reader in readers { try reader.send((0..<depth).flatMap { _ in request }) }
        // All of them are being served.
        for reader in readers { #expect(try reader.receive().status == 200) }
        let path = call.split(separator: "GRANT", omittingEmptySubsequences: false).joined(separator: "\(grant)")
        try stand.must(method, path)
        let left = readers.map { $0.arrived() }
        var after = 0
        var denied = 0
        for (reader, left) in zip(readers, left) {
            for _ in 1..<depth {
                let reply = try reader.receive()
                if reply.status == 200, reader.taken > left { after += 1 }
                if reply.status == 403 { denied += 1 }
            }
        }
        #expect(after == 0)
        // Otherwise everything was answered before, and nothing was tried.
        #expect(denied > 0, "no reader was refused")
    }

    @Test func `of a lease ends the gateway at once, and of the grant behind it too`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish(actions: ["secret:read:bot_token"])
        let grant = try stand.grant(actions: ["access:bot"], methods: ["auth.test"])
        let first = try stand.lease()
        let second = try stand.lease()
        #expect(try stand.broker("POST", "gateway/\(first)/auth.test")["ok"] == true)
        try stand.must("DELETE", "leases/\(first)")
        #expect(try stand.broker("POST", "gateway/\(first)/auth.test").code == "expired")
        #expect(try stand.broker("POST", "gateway/\(second)/auth.test")["ok"] == true)
        // Another grant that allows the same does not bring the lease of this one back.
        try stand.grant(actions: ["access:bot"], methods: ["auth.test"])
        try stand.must("DELETE", "grants/\(grant)")
        #expect(try stand.broker("POST", "gateway/\(second)/auth.test").code == "expired")
    }

    @Test func `survives kill -9`() throws {
        let stand = try Stand().start()
        try stand.furnish(actions: ["access:bot"])
        let grant = try stand.grant(actions: ["secret:read:signing_secret"])
        #expect(try stand.read("signing_secret").status == 200)
        try stand.must("DELETE", "grants/\(grant)")
        stand.kill()
        try stand.start()
        #expect(try stand.read("signing_secret").code == "denied")
    }
}
