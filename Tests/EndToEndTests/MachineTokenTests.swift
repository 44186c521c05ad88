import Glibc
import Linux
import Synchronization
import Testing

@testable import postern_sim

/// Tokens made from an app's own credentials: one call to the platform in a token's life, whoever asks and how often.
@Suite struct `A machine token` {
    @Test(arguments: ["lark", "feishu", "genesys"])
    func `is made once for all who ask at once, and kept`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let leg = try #require(customer.minted)
        let call = try #require(customer.calls.mint)
        let answers = Mutex<[Reply?]>([])
        let gate = Gate(false)
        var threads: [Linux.Thread] = []
        for _ in 0..<300 {
            threads.append(
                try Thread.start(name: "caller", stackBytes: 128 * 1024) {
                    _ = gate.wait { $0 ? true : nil }
                    let reply = try? customer.access(leg)
                    answers.withLock { $0.append(reply) }
                })
        }
        gate.withLock { $0 = true }
        gate.wakeAll()
        for thread in threads { thread.join() }
        let tokens = Set(answers.withLock { $0.map { $0?["access_token"]?.text ?? "none: \($0?.text ?? "")" } })
        #expect(tokens.count == 1, "\(tokens.prefix(2))")
        let token = try #require(tokens.first)
        #expect(try customer.works(token, as: leg))
        #expect(try customer.sim.count("\(platform):\(call)") == 1)
        // A restart forgets nothing of it.
        try stand.stop()
        try stand.start()
        #expect(try customer.access(leg)["access_token"]?.text == token)
        #expect(try customer.sim.count("\(platform):\(call)") == 1)
    }

    /// A Genesys region is one of an organisation's, and each knows only its own clients (platforms, 4.11).
    @Test func `that could not be made for a wrong region is made as soon as the region is put right`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("genesys", stand)
        try stand.must("POST", "\(customer.path)/edit", ["fields": ["region": "mypurecloud.com"]])
        #expect(try customer.access("app").status / 100 != 2)
        try stand.must("POST", "\(customer.path)/edit", ["fields": ["region": "mypurecloud.ie"]])
        let reply = try customer.access("app")
        #expect(reply["access_token"]?.text != nil, "\(reply.text)")
    }

    /// While half an hour or more remains the platform gives the same one again (platforms, 2.5).
    @Test(arguments: ["lark", "feishu"])
    func `that is reported is asked for once, and said to be the same`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let first = try customer.access("tenant")
        let lease = try #require(first["lease_id"]?.text)
        let reply = try stand.broker("POST", "leases/\(lease)/report", ["code": "99991663"])
        #expect(reply["refreshed"] == true && reply["same_token"] == true, "\(reply.text)")
        #expect(try stand.broker("POST", "leases/\(lease)/report", ["code": "99991663"]).code == "rate_limited")
        #expect(try customer.access("tenant")["access_token"] == first["access_token"])
        #expect(try customer.sim.count("\(platform):\(customer.calls.mint ?? "")") == 2)
        // Whoever wants more time than is left does not make us ask in a circle.
        for _ in 0..<5 {
            _ = try stand.broker(
                "POST", "\(customer.path)/access", ["as": "tenant", "deliver": "token", "min_ttl": 7190])
        }
        #expect(try customer.sim.count("\(platform):\(customer.calls.mint ?? "")") == 2)
    }
}

/// Files in the spool that no courier of ours made, or that a crash cut short.
@Suite struct `What lies in the spool` {
    @Test func `and does not open is removed, and changes nothing`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnishRotating()
        try stand.stop()
        for (name, content) in [
            ("junk", "not sealed at all"), ("empty", ""), ("long", String(repeating: "x", count: 9000)),
            ("longer", String(repeating: "x", count: 600 << 10)),
        ] {
            let file = try FileDescriptor.open("\(stand.path)/vault/spool/\(name)", .write, creating: 0o644)
            try file.write(Array(content.utf8))
        }
        // One that waits for a writer must not make the keeper wait.
        #expect(unsafe mkfifo("\(stand.path)/vault/spool/pipe", 0o644) == 0)
        let before = try #require(try? Shell.run("/bin/ls", ["\(stand.path)/vault/spool"]).output)
        #expect(before.split(separator: "\n").count == 5)
        try stand.start()
        #expect(
            try eventually { try Shell.run("/bin/ls", ["\(stand.path)/vault/spool"]).output.isEmpty }, "\(stand.log)")
        #expect(try stand.legs()["bot"]?["state"] == "active")
        #expect(try stand.token().status == 201)
    }
}
