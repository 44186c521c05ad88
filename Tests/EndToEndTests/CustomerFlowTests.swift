import HTTPClient
import Testing

@testable import postern_sim

/// Flows that a browser finishes at our own callback, at each platform.
@Suite struct `A person at our callback` {
    private static let names = ["slack": "Slack", "lark": "Lark", "feishu": "Feishu", "genesys": "Genesys Cloud"]

    private struct Begun {
        let start: String
        let state: String
    }

    private static func begin(_ customer: Customer, _ purpose: String, _ more: [String: JSON] = [:]) throws -> Begun {
        var body: [String: JSON] = ["redirect_uri": .string(customer.callback), "browser_binding": .null]
        if purpose == "link" {
            body["subject"] = "person-7"
            body["browser_binding"] = .string(session)
        }
        let reply = try customer.begin(purpose, body.merging(more) { _, given in given })
        return Begun(
            start: try #require(reply["start_url"]?.text, "\(reply.text)"),
            state: try #require(reply["state"]?.text))
    }

    private static let session = "a-session-of-the-bridge-0123456789"

    private static func outcome(
        _ customer: Customer, _ begun: Begun, _ session: String? = session
    ) throws -> Reply {
        var body: [String: JSON] = ["state": .string(begun.state)]
        body["browser_binding"] = session.map(JSON.string)
        return try customer.stand.broker("POST", "\(customer.path)/oauth/callback", .object(body))
    }

    @Test func `is linked to nobody who only passed the start link on`() throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer("slack", stand)
        let unbound = try customer.begin(
            "link", ["redirect_uri": .string(customer.callback), "browser_binding": .null, "subject": "person-7"])
        #expect(unbound.code == "bad_request", "\(unbound.text)")
        #expect(try Self.finish(try Self.begin(customer, "install")).status == 200)
        let begun = try Self.begin(customer, "link")
        #expect(try Self.finish(begun).status == 200)
        for other in [nil, "another-session-of-the-bridge-0000"] {
            let reply = try Self.outcome(customer, begun, other)
            #expect(reply.code == "state_invalid" && reply["identity"] == nil, "\(reply.text)")
        }
        func links() throws -> Int { try stand.records().count { $0["action"] == "link.add" } }
        #expect(try links() == 0, "the person has not come back to the session that began")
        #expect(try Self.outcome(customer, begun)["link"] != nil)
        #expect(try links() == 1)
        #expect(try Self.outcome(customer, begun).code == "state_invalid" && links() == 1)
    }

    /// Through the platform's page and back, to our page.
    private static func finish(_ begun: Begun, answer: String = "") throws -> Browser.Page {
        let browser = Browser()
        return try browser.get(try browser.consent(begun.start, answer: answer))
    }

    @Test(arguments: Stand.platforms)
    func `ends with a page, and the service that began is told once`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let name = try #require(Self.names[platform])
        // Nobody can be linked where the app is not installed.
        let early = try Self.begin(customer, "link")
        let refused = try Self.finish(early)
        #expect(refused.status == 403 && refused.text.contains("another account"), "\(refused)")
        #expect(try Self.outcome(customer, early).code == "platform_refused")
        for purpose in ["install", "login", "link"] {
            let begun = try Self.begin(customer, purpose)
            let pending = try Self.outcome(customer, begun)
            #expect(pending.status == 202 && pending["status"] == "pending", "\(pending.text)")
            let page = try Self.finish(begun)
            #expect(page.status == 200 && page.text.contains(name), "\(purpose): \(page)")
            let told = try Self.outcome(customer, begun)
            #expect(told.status == 200 && told["purpose"]?.text == purpose, "\(told.text)")
            let person = try #require(told["identity"], "\(told.text)")
            #expect(person["user_id"]?.text?.isEmpty == false && person["verified"] == true, "\(told.text)")
            let place = platform == "lark" || platform == "feishu" ? "tenant_key" : "team"
            #expect(person[place]?.text?.isEmpty == false, "\(told.text)")
            #expect(person["email_verified"] != true || platform == "slack" || platform == "genesys")
            #expect(!told.text.contains("xox") && !told.text.contains("eyJ"))
            #expect(try Self.outcome(customer, begun).code == "state_invalid")
            #expect((told["link"] != nil) == (purpose == "link"), "\(told.text)")
        }
        let records = try stand.records().compactMap { $0["action"]?.text }
        #expect(Set(records).isSuperset(of: ["oauth.install", "oauth.login", "link.add", "oauth.result"]))
        try Self.unlink(customer)
    }

    /// Lists the one link there is and undoes it.
    private static func unlink(_ customer: Customer) throws {
        let all = try customer.stand.broker("GET", "\(customer.path)/installations")
        guard case .array(let rows)? = all["installations"] else { return }
        var found = 0
        for row in rows {
            guard case .integer(let id)? = row["id"] else { continue }
            let path = "\(customer.path)/installations/\(id)/links"
            guard case .array(let links)? = try customer.stand.broker("GET", path)["links"], let link = links.first
            else { continue }
            found += links.count
            #expect(link["subject"] == "person-7" && link["how"] == "consent", "\(link)")
            guard case .integer(let number)? = link["id"] else { continue }
            #expect(try customer.stand.broker("DELETE", "\(path)/\(number)").status == 204)
            #expect(try customer.stand.broker("DELETE", "\(path)/\(number)").code == "not_found")
            #expect(try customer.stand.broker("GET", path)["links"] == [])
        }
        #expect(found == 1)
    }

    @Test(arguments: Stand.platforms)
    func `who says no or brings a spent link is told so, and nothing is stored`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        let begun = try Self.begin(customer, "install")
        let page = try Self.finish(begun, answer: "&sim_user=deny")
        #expect(page.status == 200 && page.text.contains("declined"), "\(page)")
        #expect(try Self.outcome(customer, begun).code == "platform_refused")
        #expect(try Browser().get(begun.start).status == 410)
        try customer.fault(customer.calls.exchange, "status:503")
        let down = try Self.begin(customer, "install")
        let later = try Self.finish(down)
        #expect(later.status == 502 && later.text.contains("does not answer"), "\(later)")
        #expect(try Self.outcome(customer, down).code == "platform_unreachable")
        #expect(try stand.broker("GET", "\(customer.path)/installations")["installations"] == [])
    }

    @Test(arguments: ["lark", "feishu", "genesys"])
    func `whose identity cannot be asked keeps the pair, which gets its place later`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        try customer.fault(customer.calls.identity, "status:503", times: 3)
        let begun = try Self.begin(customer, "install")
        #expect(try Self.finish(begun).status == 200)
        let told = try Self.outcome(customer, begun)
        #expect(told.status == 200 && told["identity"] == .null, "\(told.text)")
        func rows() throws -> [JSON] {
            guard case .array(let rows)? = try stand.broker("GET", "\(customer.path)/installations")["installations"]
            else { return [] }
            return rows
        }
        #expect(try rows().contains { $0["unplaced"] == true })
        #expect(eventually { (try? rows().contains { $0["unplaced"] == true }) == false })
        #expect(try rows().contains { $0["user_id"]?.text?.isEmpty == false && $0["team_id"]?.text?.isEmpty == false })
        let token = try #require(try customer.access("user")["access_token"]?.text)
        #expect(try customer.works(token, as: "user"))
        // The same person again: in place.
        let before = try rows().count
        #expect(try Self.finish(try Self.begin(customer, "install")).status == 200)
        #expect(try rows().count == before)
    }

    @Test(arguments: ["lark", "feishu", "genesys"])
    func `whose organisation is disconnected leaves nothing that is made anew`(_ platform: String) throws {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(platform, stand)
        #expect(try customer.flow().status == 200)
        let minted = try #require(customer.minted)
        #expect(try customer.access(minted).status == 201)
        let user = try #require(try customer.access("user")["access_token"]?.text)
        guard case .array(let rows)? = try stand.must("GET", "installations")["installations"],
            let place = rows.first(where: { $0["user_id"] == "" }), case .integer(let id)? = place["id"]
        else {
            Issue.record("no installation")
            return
        }
        let done = try stand.broker("DELETE", "\(customer.path)/installations/\(id)")
        #expect(done.status == 200, "\(done.text)")
        #expect(try customer.access("user").code == "not_found")
        #expect(try customer.access(minted).code == "not_found")
        guard let call = customer.calls.revoke else {
            #expect(done.text.contains("\"state\":\"impossible\"") && done.text.contains("reset it at the platform"))
            return
        }
        #expect(
            eventually { (try? stand.must("GET", "revocations").text.contains("pending")) == false })
        #expect(try sim(customer).count(call) >= 1)
        #expect(try !customer.works(user, as: "user"))
    }

    private func sim(_ customer: Customer) throws -> Simulated { customer.sim }

    @Test func `is linked by an address that Slack vouches for, and by no other`() throws {
        let stand = try Stand(simulated: true).start()
        let slack = try Customer("slack", stand)
        let (code, state) = try slack.consent(
            try slack.begin("install", ["scope": "chat:write users:read users:read.email"]))
        let done = try slack.finish(code, state)
        guard case .integer(let id)? = done["installation"] else {
            Issue.record("\(done.text)")
            return
        }
        func link(_ email: String) throws -> Reply {
            try stand.broker(
                "POST", "\(slack.path)/installations/\(id)/links",
                ["email": .string(email), "subject": "person-1"])
        }
        let linked = try link("U0FAKEUSER1@example.com")
        #expect(
            linked.status == 201 && linked["user_id"] == "U0FAKEUSER1" && linked["how"] == "email", "\(linked.text)")
        for email in ["u0fakeuser11@example.com", "u0fakeuser12@example.com", "nobody@example.com"] {
            #expect(try link(email).code == "not_found", "\(email)")
        }
        for email in ["", "no-address", "a@b@c", "a b@example.com"] {
            #expect(try link(email).code == "bad_request", "\(email)")
        }
        try slack.fault("users.lookupByEmail", "error:missing_scope", times: 1)
        #expect(try link("u0fakeuser2@example.com").code == "platform_refused")
        let lark = try Customer("lark", stand)
        let there = try lark.flow()
        guard case .integer(let place)? = there["installation"] else { return }
        let reply = try stand.broker(
            "POST", "\(lark.path)/installations/\(place)/links", ["email": "a@example.com", "subject": "x"])
        #expect(reply.code == "unsupported", "\(reply.text)")
    }
}
