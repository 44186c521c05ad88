import Testing

@testable import postern_sim

/// One flow a fault: the fault at the exchange, then none any more.
@Suite struct `A fault at the exchange` {
    struct Row: Sendable {
        let fault: String
        /// What whoever finishes the flow hears; nil where the answer was odd and the installation stands.
        let code: String?

        init(_ fault: String, _ code: String?) {
            self.fault = fault
            self.code = code
        }
    }

    /// What hides what the platform said, and what can be odd or wrong in an answer.
    private static let rows = [
        Row("html", "platform_unreachable"), Row("truncate", "platform_unreachable"),
        Row("close", "platform_unreachable"), Row("refuse", "platform_unreachable"),
        Row("huge", "platform_unreachable"), Row("status:429", "platform_unreachable"),
        Row("status:500", "platform_unreachable"), Row("status:503", "platform_unreachable"),
        Row("edit:drop:access_token", "platform_refused"), Row("edit:fill:access_token=70000", "platform_refused"),
        Row("edit:drop:refresh_token", nil), Row("edit:drop:expires_in", nil),
    ]

    private static let own = [
        "slack": [
            Row("error:brand_new_code", "platform_refused"), Row("error:invalid_code", "platform_refused"),
            Row("error:bad_client_secret", "platform_refused"), Row("error:ratelimited", "platform_unreachable"),
            Row("edit:set:expires_in=0", nil), Row("edit:set:expires_in=-5", nil),
            Row("edit:set:app_id=A0FAKE0009", "platform_refused"), Row("edit:set:ok=false", "platform_refused"),
        ],
        "lark": lark, "feishu": lark,
        "genesys": [Row("error:brand_new_code", "platform_refused")],
    ]

    private static let lark = [
        Row("error:29999", "platform_refused"), Row("error:20003", "platform_refused"),
        Row("error:20050", "platform_unreachable"), Row("error:10014", "platform_refused"),
        Row(#"edit:set:code="0""#, nil),
        Row("edit:set:expires_in=0", nil), Row("edit:set:expires_in=-5", nil),
    ]

    @Test(arguments: Stand.platforms)
    func `costs no stored token, is named, and the next one works`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        #expect(try customer.flow().status == 200)
        let leg = customer.consented
        let rows = Self.rows + (Self.own[platform] ?? [])
        for row in rows {
            let (given, state) = try customer.consent(try customer.begin())
            try customer.fault(customer.calls.exchange, row.fault)
            let reply = try customer.finish(given, state)
            #expect(reply.code == row.code, "\(row.fault): \(reply.status) \(reply.text.prefix(300))")
            #expect((reply["advice"]?.text?.isEmpty == false) == (row.code != nil), "\(row.fault)")
            try customer.heal()
            if row.code != nil {
                let before = try customer.access(leg)
                let token = try #require(before["access_token"]?.text, "\(row.fault): \(before.text)")
                #expect(try customer.works(token, as: leg), "\(row.fault)")
            }
            // The state was for one try, the code perhaps spent: from the start it works.
            #expect(try customer.finish(given, state).code == "state_invalid", "\(row.fault)")
            #expect(try customer.flow().status == 200, "\(row.fault)")
            let token = try #require(try customer.access(leg)["access_token"]?.text)
            #expect(try customer.works(token, as: leg), "\(row.fault)")
        }
        let failed = try stand.records().count { $0["action"] == "oauth.exchange" && $0["outcome"] == "error" }
        #expect(failed == rows.count { $0.code != nil })
    }
}
