import Glibc
import Linux
import Testing

@testable import postern_sim

/// An app of the store: its ticket comes as an event, its tenants' tokens by the ticket (platforms, 2.5).
@Suite struct `A store app` {
    private static let tenants: JSON = [
        ["tenant_key": "fa4e1", "name": "One"], ["tenant_key": "fa4e2", "name": "Two"],
    ]
    private static let token = "fake-verification-token"

    private static func open(_ brand: String) throws -> (Stand, Customer) {
        let stand = try Stand(simulated: true).start()
        let customer = try Customer(brand, stand)
        let key = "\(brand)/\(customer.appID)"
        try customer.sim.control(
            "POST", "apps",
            [
                "platform": .string(brand), "app_id": .string(customer.appID), "app_type": "store",
                "tenants": tenants, "verification_token": .string(token),
            ])
        try stand.must("POST", "apps/\(key)/edit", ["fields": ["app_type": "store"]])
        try stand.must("PUT", "apps/\(key)/secrets/verification_token", ["value": .string(token)])
        try stand.grant("\(brand)-1/\(key)", actions: ["webhook:verify"], methods: [])
        return (stand, customer)
    }

    /// What the platform pushes now; `new` makes the ticket before it worthless.
    private static func push(_ customer: Customer, new: Bool) throws -> JSON {
        let pushed = try customer.sim.control(
            "POST", "ticket",
            ["platform": .string(customer.platform), "app_id": .string(customer.appID), "new": .bool(new)])
        return try #require(pushed["event"])
    }

    private static func deliver(_ event: JSON, _ customer: Customer) throws {
        let before = try kept(customer)
        let reply = try customer.stand.broker("POST", "\(customer.path)/webhooks/verify", event)
        try #require(reply["valid"] == true, "\(reply.text)")
        // It is kept after the platform has its answer.
        try #require(try eventually { try kept(customer) > before })
    }

    /// How many tickets the vault was given.
    private static func kept(_ customer: Customer) throws -> Int {
        let reply = try customer.stand.admin("GET", "\(customer.path)/secrets/app_ticket/versions")
        return reply["versions"]?.count ?? 0
    }

    @Test(arguments: ["lark", "feishu"])
    func `gets its ticket, its own token, and one for each organisation`(_ brand: String) throws {
        let (stand, customer) = try Self.open(brand)
        let early = try customer.access("app")
        #expect(early.code == "needs_reauthorization", "\(early.text)")
        // The platform was asked to push it.
        #expect(try eventually { try customer.sim.count("auth.v3.app_ticket.resend") == 1 })
        try Self.deliver(try Self.push(customer, new: false), customer)
        let own = try Self.token(of: "app", customer)
        #expect(own.hasPrefix("a-fake"))

        // A person of each organisation installs it; each has a token of its own.
        var installations: [JSON] = []
        for tenant in ["fa4e1", "fa4e2"] {
            let begun = try customer.begin()
            let url = try #require(begun["authorization_url"]?.text)
            let page = try Browser().get(url + "&sim_tenant=\(tenant)&sim_user=ou_fake\(tenant)")
            let back = SimRequest("GET", try #require(page.location, "\(page)"))
            let reply = try customer.finish(try #require(back.query("code")), try #require(back.query("state")))
            #expect(reply.status == 200, "\(reply.text)")
            installations.append(try #require(reply["installation"], "\(reply.text)"))
        }
        var tokens: Set<String> = []
        for id in installations {
            let reply = try stand.broker(
                "POST", "\(customer.path)/access",
                ["as": "tenant", "deliver": "token", "installation": id])
            let token = try #require(reply["access_token"]?.text, "\(reply.text)")
            #expect(try customer.works(token, as: "tenant"))
            tokens.insert(token)
        }
        #expect(tokens.count == 2)
    }

    private static func token(of leg: String, _ customer: Customer) throws -> String {
        var last = ""
        _ = try eventually {
            let reply = try customer.access(leg)
            last = reply["access_token"]?.text ?? ""
            return !last.isEmpty
        }
        return last
    }

    @Test func `asks for its ticket again when the one it has is outdated`() throws {
        let (_, customer) = try Self.open("lark")
        try Self.deliver(try Self.push(customer, new: true), customer)
        // The platform has another meanwhile, and the event was lost.
        _ = try Self.push(customer, new: true)
        #expect(try customer.access("app").code == "platform_unreachable")
        #expect(try eventually { try customer.sim.count("auth.v3.app_ticket.resend") == 1 })
        try Self.deliver(try Self.push(customer, new: false), customer)
        #expect(try Self.token(of: "app", customer).hasPrefix("a-fake"))
    }
}
