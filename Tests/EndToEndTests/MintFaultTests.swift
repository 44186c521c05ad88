import Testing

@testable import postern_sim

/// One row a fault: the fault at the call that makes a machine token, when there is none yet and when the one there is
/// has ended; then none any more.
@Suite struct `A fault at the making of a machine token` {
    struct Row: Sendable {
        let fault: String
        /// What a caller hears while it lasts; nil when the answer was odd and the token good.
        let code: String?
        /// Only an administrator helps: the platform is not asked by every caller.
        let waits: Bool

        init(_ fault: String, _ code: String?, waits: Bool = false) {
            self.fault = fault
            self.code = code
            self.waits = waits
        }
    }

    private static let rows = [
        Row("html", "platform_unreachable"), Row("refuse", "platform_unreachable"),
        Row("close", "platform_unreachable"), Row("truncate", "platform_unreachable"),
        Row("huge", "platform_unreachable"), Row("status:429", "platform_unreachable"),
        Row("status:500", "platform_unreachable"), Row("status:503", "platform_unreachable"),
    ]

    private static let own = [
        "lark": lark, "feishu": lark,
        "genesys": [
            Row("error:invalid_client", "platform_refused", waits: true),
            Row("error:brand_new_code", "platform_refused", waits: true),
            Row("edit:drop:access_token", "platform_refused", waits: true), Row("edit:drop:expires_in", nil),
            Row("edit:set:expires_in=0", nil), Row("edit:set:expires_in=-5", nil),
            Row("edit:fill:access_token=65536", nil),
        ],
    ]

    private static let lark = [
        Row("error:10003", "platform_refused", waits: true), Row("error:10014", "platform_refused", waits: true),
        Row("error:29999", "platform_refused", waits: true),
        Row("edit:drop:tenant_access_token", "platform_refused", waits: true),
        Row("edit:drop:expire", "platform_refused", waits: true),
        Row("edit:set:expire=0", "platform_refused", waits: true),
        Row("edit:set:expire=-5", "platform_refused", waits: true),
        Row("edit:fill:tenant_access_token=65536", "platform_refused", waits: true),
        Row(#"edit:set:code="0""#, nil),
    ]

    @Test(arguments: ["lark", "feishu", "genesys"], [false, true])
    func `is named, loses nothing, and the next one works`(_ platform: String, _ hasOne: Bool) throws {
        let rows = Self.rows + (Self.own[platform] ?? [])
        let complaints = try together(rows.map { ($0.fault, $0) }) { try Self.play($0, platform, hasOne) }
        #expect(complaints == [])
    }

    private static func play(_ row: Row, _ platform: String, _ hasOne: Bool) throws -> [String] {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let (leg, mint) = (try #require(customer.minted), try #require(customer.calls.mint))
        var complaints: [String] = []
        func claim(_ holds: Bool, _ what: String) { if !holds { complaints.append(what) } }

        var first: String?
        if hasOne {
            try customer.fault(mint, platform == "genesys" ? "edit:set:expires_in=1" : "edit:set:expire=1")
            first = try customer.access(leg)["access_token"]?.text
            claim(first != nil, "no first token")
            try customer.heal()
            // The platform gives another one only when it has no old one to give.
            try stand.sim?.control("POST", "clock", ["advance_seconds": 90_000])
        }
        try customer.fault(mint, row.fault)
        var reply = try customer.access(leg)
        let isOver = try eventually {
            reply = try customer.access(leg)
            return reply.status != 201 || reply["access_token"]?.text != first
        }
        claim(isOver, "a token is served after its end")
        claim(reply.code == row.code, "while it lasts: \(reply.status) \(reply.text.prefix(300))")
        if row.code != nil { claim(reply["advice"]?.text?.isEmpty == false, "no advice: \(reply.text)") }
        if row.waits {
            let before = try customer.sim.count(mint)
            for _ in 0..<10 { claim(try customer.access(leg).code == row.code, "another answer") }
            claim(try customer.sim.count(mint) == before, "every caller asks the platform")
        }
        try customer.heal()
        guard !row.waits else { return complaints }
        let isGood = try eventually {
            reply = try customer.access(leg)
            guard let token = reply["access_token"]?.text else { return false }
            return try token.utf8.count > 60_000 || customer.works(token, as: leg)
        }
        claim(isGood, "afterwards: \(reply.text.prefix(300))")
        return complaints
    }
}
