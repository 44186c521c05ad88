import Testing

@testable import postern_sim

/// One login a fault: the fault at the call that asks who somebody is, then none any more.
@Suite struct `A fault at the identity call` {
    private static let rows = [
        ("html", "platform_unreachable"), ("truncate", "platform_unreachable"), ("close", "platform_unreachable"),
        ("refuse", "platform_unreachable"), ("huge", "platform_unreachable"), ("status:429", "platform_unreachable"),
        ("status:500", "platform_unreachable"), ("status:503", "platform_unreachable"),
    ]

    private static let own = [
        "slack": [
            ("error:missing_scope", "platform_refused"), ("error:token_revoked", "needs_reauthorization"),
            ("edit:drop:user", "platform_refused"),
        ],
        "lark": lark, "feishu": lark,
        "genesys": [("error:missing_any_permissions", "platform_refused"), ("edit:drop:id", "platform_refused")],
    ]

    private static let lark = [
        ("error:99991672", "platform_refused"), ("edit:drop:data", "platform_refused"),
        ("edit:drop:data.open_id", "platform_refused"),
    ]

    @Test(arguments: Stand.platforms)
    func `lets nobody in, stores nothing, and the next login works`(_ platform: String) throws {
        let rows = Self.rows + (Self.own[platform] ?? [])
        let complaints = try together(rows.map { ($0.0, $0) }) { try Self.play($0.0, $0.1, platform) }
        #expect(complaints == [])
    }

    private static func play(_ fault: String, _ code: String, _ platform: String) throws -> [String] {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let (given, state) = try customer.consent(try customer.begin("login"))
        try customer.fault(customer.calls.identity, fault)
        let reply = try customer.finish(given, state)
        try customer.heal()
        let again = try customer.flow("login")
        let installations = try stand.broker("GET", "\(customer.path)/installations").text
        return [
            reply.code == code ? nil : "\(reply.status) \(reply.text.prefix(300))",
            reply["advice"]?.text?.isEmpty == false ? nil : "no advice: \(reply.text.prefix(300))",
            reply["identity"] == nil ? nil : "somebody is let in",
            again["identity"]?["user_id"]?.text != nil ? nil : "the next login: \(again.text.prefix(300))",
            installations.contains(#""installations":[]"#) ? nil : installations,
        ].compactMap { $0 }
    }
}
