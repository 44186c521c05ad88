import Testing

@testable import postern_sim

/// One row a fault: the fault at the platform's revocation, then none any more.
@Suite struct `A fault at the revocation` {
    private static let faults = [
        "html", "refuse", "close", "truncate", "huge", "status:429", "status:500", "status:503",
    ]

    @Test(arguments: ["slack", "genesys"])
    func `ends the installation here at once, and there in time`(_ platform: String) throws {
        let complaints = try together(Self.faults.map { ($0, $0) }) { try Self.play($0, platform) }
        #expect(complaints == [])
    }

    private static func play(_ fault: String, _ platform: String) throws -> [String] {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let (leg, revoke) = (customer.consented, try #require(customer.calls.revoke))
        var complaints: [String] = []
        func claim(_ holds: Bool, _ what: String) { if !holds { complaints.append(what) } }

        claim(try customer.flow().status == 200, "no installation")
        let token = try #require(try customer.access(leg)["access_token"]?.text)
        guard case .array(let places)? = try stand.broker("GET", "\(customer.path)/installations")["installations"]
        else { return ["no installations"] }
        try customer.fault(revoke, fault)
        for place in places {
            guard case .integer(let id)? = place["id"] else { continue }
            let reply = try stand.broker("DELETE", "\(customer.path)/installations/\(id)")
            claim(reply.status == 200, "the end: \(reply.text.prefix(300))")
        }
        let after = try customer.access(leg)
        claim(after.status == 404 || after.code == "needs_reauthorization", "over here: \(after.text.prefix(300))")
        claim(try eventually { try customer.sim.count(revoke) > 0 }, "the platform is not asked")
        let shown = try stand.must("GET", "installations").text
        claim(shown.contains("revocation"), "its state is not to be seen: \(shown.prefix(500))")
        try customer.heal()
        claim(
            try eventually { try !customer.works(token, as: leg) }, "the token still works at \(platform)")
        claim(try customer.flow().status == 200, "no fresh consent")
        return complaints
    }
}
