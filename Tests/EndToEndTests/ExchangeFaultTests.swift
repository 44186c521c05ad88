import Testing

@testable import postern_sim

@Suite struct `A fault at the exchange` {
    /// Every fault that hides what the platform said; then what may be wrong in an answer.
    private static let faults: [(fault: String, code: String)] = [
        ("html", "platform_unreachable"), ("truncate", "platform_unreachable"), ("close", "platform_unreachable"),
        ("refuse", "platform_unreachable"), ("huge", "platform_unreachable"),
        ("status:429", "platform_unreachable"), ("status:500", "platform_unreachable"),
        ("status:503", "platform_unreachable"), ("error:brand_new_code", "platform_refused"),
        ("edit:drop:access_token", "platform_refused"), ("edit:fill:access_token=70000", "platform_refused"),
    ]

    @Test(arguments: Stand.platforms)
    func `costs no stored token, is named, and the next one works`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        #expect(try customer.flow().status == 200)
        let leg = customer.consented
        for (fault, code) in Self.faults {
            let (given, state) = try customer.consent(try customer.begin())
            try customer.fault(customer.calls.exchange, fault)
            let reply = try customer.finish(given, state)
            #expect(reply.code == code, "\(fault): \(reply.status) \(reply.text.prefix(300))")
            #expect(reply["advice"]?.text?.isEmpty == false, "\(fault)")
            try customer.heal()
            let before = try customer.access(leg)
            let token = try #require(before["access_token"]?.text, "\(fault): \(before.text)")
            #expect(try customer.works(token, as: leg), "\(fault)")
            // The state was for one try, the code perhaps spent: from the start it works.
            #expect(try customer.finish(given, state).code == "state_invalid", "\(fault)")
            #expect(try customer.flow().status == 200, "\(fault)")
        }
        #expect(try stand.records().count { $0["action"] == "oauth.exchange" && $0["outcome"] == "error" } >= 11)
    }
}
