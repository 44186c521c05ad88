import Linux
import Testing

@testable import postern_sim

@Suite struct `Five thousand connections` {
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `of one user leave room for the others, and are refused by name`() throws {
        Hardening.raiseDescriptorLimit(to: 16_384)
        let stand = try Stand().start()
        try stand.furnish()
        var held: [Wire] = []
        var refused = 0
        for _ in 0..<5000 {
            // One that is turned away may find the door closed already.
            guard let wire = try? Wire(stand.brokerSocket, uid: 1002) else {
                refused += 1
                continue
            }
            held.append(wire)
        }
        // The service whose user does not crowd is served all the while.
        #expect(try stand.read("signing_secret").status == 200)
        #expect(try stand.admin("GET", "status").status == 200)
        var codes: [String: Int] = [:]
        for wire in held.suffix(500) {
            let reply = try? wire.call("GET", "/v1/self")
            codes[reply?.code ?? "closed", default: 0] += 1
        }
        #expect(codes["denied", default: 0] == 0, "\(codes)")
        #expect(refused + codes["too_many_connections", default: 0] + codes["closed", default: 0] > 0, "\(codes)")
        for wire in held { wire.hangUp() }
        held = []
        #expect(try eventually { try stand.broker("GET", "self", uid: 1002).code == "denied" })
    }
}

/// Design, section 6: 1 024 calls at once of one service.
@Suite struct `A service with as many calls under way as it may have` {
    /// Those on broker.sock: a user has 1 024 connections there, of which some are for the test itself.
    private static let local = 950
    /// And over TCP; some more than there is room for.
    private static let remote = 110
    private static let most = 1024

    /// Calls that wait for the platform, sent and not answered: at Lark for a token on broker.sock, at Slack over TCP.
    private func crowd(_ gateway: TCPGateway, _ bearer: String, _ customer: Customer) throws -> [Wire] {
        let ask = JSON.object(["as": "tenant", "deliver": "token"]).bytes
        let asks = Wire.request("POST", "/v1/\(customer.path)/access", body: ask)
        let calls = Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil)
        let wires = try (0..<Self.local + Self.remote).map { number in
            try number < Self.local ? admitted(gateway.stand) : gateway.connect()
        }
        gateway.stand.sim?.pause()
        for (number, wire) in wires.enumerated() { try wire.send(number < Self.local ? asks : calls) }
        return wires
    }

    /// A connection to broker.sock that was let in: those of the round before end one after the other, and count until
    /// then.
    private func admitted(_ stand: Stand) throws -> Wire {
        var wire: Wire?
        _ = try eventually {
            let next = try Wire(stand.brokerSocket, uid: Stand.bridge)
            if (try? next.call("GET", "/v1/self"))?.status == 200 { wire = next }
            return wire != nil
        }
        return try #require(wire)
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `is told so for every one more, keeps nobody else waiting, and has room again afterwards`() throws {
        Hardening.raiseDescriptorLimit(to: 16_384)
        let gateway = try TCPGateway()
        let (stand, sim) = (gateway.stand, try #require(gateway.stand.sim))
        try stand.grant(actions: ["secret:read:signing_secret"], service: "other")
        let bearer = try gateway.bearer()
        // Twice: one call that was never taken off would be one too many the second time.
        for round in 1...2 {
            let customer = try Customer("lark", stand, number: round)
            let wires = try crowd(gateway, bearer, customer)
            defer { sim.goOn() }
            let excess = wires.count - Self.most
            #expect(eventually { wires.count { $0.hasNews } >= excess })
            let (refused, waiting) = (wires.filter { $0.hasNews }, wires.filter { !$0.hasNews })
            #expect(refused.count == excess)
            let odd = try refused.map { try $0.receive() }.filter {
                $0.status != 429 || $0.code != "rate_limited" || $0.header("retry-after") != "1"
                    || !$0.text.contains("1024 calls")
            }
            #expect(odd.isEmpty, "\(odd.count): \(odd.first?.text ?? "")")
            #expect(try stand.read("signing_secret").code == "rate_limited")
            #expect(try stand.read("signing_secret", uid: 1003)["value"]?.text == gateway.planted.signingSecret)
            #expect(try stand.admin("GET", "status").status == 200)
            sim.goOn()
            let failed = try waiting.map { try $0.receive() }.filter { $0.status != 201 && $0["ok"] != true }
            #expect(failed.isEmpty, "\(failed.count): \(failed.first?.text ?? "")")
        }
        let told = try stand.records().filter { $0["reason"] == "too_many_calls" }
        #expect(!told.isEmpty && told.allSatisfy { $0["outcome"] == "denied" && $0["action"] == "service.call" })
    }
}
