import Testing

@testable import postern_sim

/// One row a fault: a token at its end, the fault at every call that would renew it, then none any more.
@Suite struct `A fault at the refresh` {
    /// What is there once the fault is over.
    enum After: Sendable {
        /// The next try brings a good token.
        case renewed
        /// The platform has spent the refresh token and its answer is gone, or it said that the grant is dead: a person
        /// is asked, and helps.
        case reauthorized
        /// Only an administrator helps; until then the platform is asked rarely.
        case waits
    }

    struct Row: Sendable {
        let fault: String
        /// What a caller hears while it lasts; nil when the answer was odd and the token good.
        let code: String?
        let after: After

        init(_ fault: String, _ code: String?, _ after: After) {
            self.fault = fault
            self.code = code
            self.after = after
        }
    }

    /// On every platform: what a connection and a server can do, and what can be odd in an answer.
    private static let rows = [
        Row("html", "platform_unreachable", .renewed), Row("refuse", "platform_unreachable", .renewed),
        Row("status:429", "platform_unreachable", .renewed), Row("status:500", "platform_unreachable", .renewed),
        Row("status:503", "platform_unreachable", .renewed),
        Row("close", "platform_unreachable", .reauthorized), Row("truncate", "platform_unreachable", .reauthorized),
        Row("huge", "platform_unreachable", .reauthorized),
        Row("edit:drop:refresh_token", nil, .renewed), Row("edit:drop:expires_in", nil, .renewed),
        Row("edit:set:expires_in=0", nil, .renewed), Row("edit:set:expires_in=-5", nil, .renewed),
        Row("edit:set:scope=", nil, .renewed), Row("edit:fill:access_token=65536", nil, .renewed),
        Row("edit:drop:access_token", "platform_refused", .waits),
    ]

    private static let own: [String: [Row]] = [
        "lark": lark, "feishu": lark,
        "genesys": [
            Row("error:invalid_client", "platform_refused", .waits),
            Row("error:brand_new_code", "platform_refused", .waits),
            Row("error:invalid_grant", "needs_reauthorization", .reauthorized),
        ],
        "slack": [
            Row("error:internal_error", "platform_unreachable", .renewed),
            Row("error:fatal_error", "platform_unreachable", .renewed),
            Row("error:bad_client_secret", "platform_refused", .waits),
            Row("error:brand_new_code", "platform_refused", .waits),
            Row("error:invalid_refresh_token", "needs_reauthorization", .reauthorized),
            Row("edit:set:app_id=A0FAKE0009", nil, .renewed), Row("edit:set:token_type=user", nil, .renewed),
        ],
    ]

    private static let lark = [
        Row(#"edit:set:code="0""#, nil, .renewed), Row("error:20050", "platform_unreachable", .renewed),
        Row("error:20072", "platform_unreachable", .renewed), Row("error:29999", "platform_refused", .waits),
        Row("error:20002", "platform_refused", .waits), Row("error:20074", "platform_refused", .waits),
        Row("error:20026", "needs_reauthorization", .reauthorized),
        Row("error:20037", "needs_reauthorization", .reauthorized),
        Row("error:20064", "needs_reauthorization", .reauthorized),
        Row("error:20073", "needs_reauthorization", .reauthorized),
    ]

    @Test(arguments: Stand.platforms)
    func `loses no token that the platform lets us keep`(_ platform: String) throws {
        let rows = Self.rows + (Self.own[platform] ?? [])
        let complaints = try together(rows.map { ($0.fault, $0) }) { try Self.play($0, platform) }
        #expect(complaints == [])
    }

    private static func play(_ row: Row, _ platform: String) throws -> [String] {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let leg = customer.consented
        var complaints: [String] = []
        func claim(_ holds: Bool, _ what: String) { if !holds { complaints.append(what) } }

        try customer.fault(customer.calls.exchange, "edit:set:expires_in=1")
        claim(try customer.flow().status == 200, "no installation")
        try customer.heal()
        let first = try customer.access(leg)["access_token"]?.text
        try customer.fault(customer.calls.refresh, row.fault)
        var reply = try customer.access(leg)
        let isOver = try eventually {
            reply = try customer.access(leg)
            return reply.status != 201 || reply["access_token"]?.text != first
        }
        claim(isOver, "a token is served after its end")
        claim(reply.code == row.code, "while it lasts: \(reply.status) \(reply.text.prefix(300))")
        if row.code != nil { claim(reply["advice"]?.text?.isEmpty == false, "no advice") }
        try customer.heal()

        func isGood() throws -> Bool {
            reply = try customer.access(leg)
            guard let token = reply["access_token"]?.text else { return false }
            return try token.utf8.count > 60_000 || customer.works(token, as: leg)
        }
        let installations = try stand.broker("GET", "\(customer.path)/installations").text
        switch row.after {
        case .renewed: claim(try eventually(isGood), "afterwards: \(reply.text.prefix(300))")
        case .waits:
            claim(installations.contains(#""state":"active""#), "not kept: \(installations)")
        case .reauthorized:
            let isSaid = try eventually {
                reply = try customer.access(leg)
                return reply.code == "needs_reauthorization"
            }
            claim(isSaid, "afterwards: \(reply.text.prefix(300))")
            let kept = try stand.broker("GET", "\(customer.path)/installations").text
            claim(kept.contains("needs_reauthorization"), "not shown: \(kept)")
            claim(try customer.flow().status == 200, "no fresh consent")
            claim(try isGood(), "a fresh consent does not heal: \(reply.text.prefix(300))")
        }
        return complaints
    }
}
