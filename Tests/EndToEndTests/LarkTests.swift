import Glibc
import Testing

@testable import postern_sim

/// What only Lark and Feishu have, through the daemon.
@Suite struct `An app of Lark or Feishu` {
    private static func open(_ brand: String, flags: [String] = []) throws -> (Stand, Customer) {
        let stand = try Stand(simulated: true, flags: flags).start()
        return (stand, try Customer(brand, stand))
    }

    private static func lease(_ customer: Customer, _ methods: [JSON]) throws -> String {
        let reply = try customer.stand.broker(
            "POST", "\(customer.path)/access", ["as": "tenant", "methods": .array(methods)])
        return try #require(reply["lease_id"]?.text, "\(reply.text)")
    }

    private static let message: JSON = [
        "receive_id": "oc_fakechat", "msg_type": "text", "content": #"{"text":"hello"}"#,
    ]

    @Test(arguments: ["lark", "feishu"])
    func `serves the paths of a lease's methods and no other`(_ brand: String) throws {
        let (stand, customer) = try Self.open(brand)
        let lease = try Self.lease(customer, ["POST im/v1/messages", "POST im/v1/messages/*/reply"])
        let send = { (method: String, path: String, body: JSON?) in
            try stand.broker(method, "gateway/\(lease)/\(path)", body, headers: ["Content-Type: application/json"])
        }
        let sent = try send("POST", "im/v1/messages?receive_id_type=chat_id", Self.message)
        #expect(sent.status == 200 && sent["code"] == 0, "\(sent.text)")
        let id = try #require(sent["data"]?["message_id"]?.text)
        // As the vendor's own client writes it.
        let reply = try send("POST", "open-apis/im/v1/messages/\(id)/reply", Self.message)
        #expect(reply["data"]?["parent_id"]?.text == id, "\(reply.text)")
        for path in [
            "im/v1/messages/\(id)", "im/v1/chats", "auth/v3/tenant_access_token/internal", "im/v1/messages/a/b/reply",
        ] {
            #expect(try send("POST", path, Self.message).status == 403, "\(path)")
        }
        for path in ["im/v1/../v1/messages", "im/v1//messages", "im/v1/messages/"] {
            #expect(try send("POST", path, Self.message).status == 400, "\(path)")
        }
        #expect(try send("GET", "im/v1/messages/\(id)", nil).status == 403)
        #expect(try customer.sim.control("GET", "messages")["messages"]?.count == 2)
        #expect(try customer.sim.count("auth.v3.tenant_access_token.internal") == 1)
    }

    @Test func `makes a token once more when the platform refuses the one there is`() throws {
        let (stand, customer) = try Self.open("lark")
        let lease = try Self.lease(customer, ["POST im/v1/messages"])
        let send = {
            try stand.broker(
                "POST", "gateway/\(lease)/im/v1/messages?receive_id_type=chat_id", Self.message,
                headers: ["Content-Type: application/json"])
        }
        #expect(try send()["code"] == 0)
        // As if it had died at the platform, where a call for another is answered with another.
        try customer.sim.control(
            "POST", "expire", ["platform": "lark", "app_id": .string(customer.appID)])
        let again = try send()
        #expect(again["code"] == 0, "\(again.text)")
        #expect(try customer.sim.count("auth.v3.tenant_access_token.internal") == 2)
        // One that stays refused is told as it is, and is not asked for again and again.
        try customer.fault("im.v1.messages", "error:99991663")
        for _ in 1...3 { #expect(try send()["code"] == 99_991_663) }
        #expect(try customer.sim.count("auth.v3.tenant_access_token.internal") <= 3)
    }

    @Test(arguments: ["lark", "feishu"])
    func `trades codes and refreshes at the older endpoints where the operator says so`(_ brand: String) throws {
        let (stand, customer) = try Self.open(brand, flags: ["--platform-url", "\(brand).token=oidc"])
        try customer.sim.control(
            "POST", "apps", ["platform": .string(brand), "app_id": .string(customer.appID), "token_life": 3])
        let installed = try customer.flow()
        #expect(installed.status == 200, "\(installed.text)")
        #expect(try customer.sim.count("authen.v1.oidc.access_token") == 1)
        usleep(3_100_000)
        let next = try customer.access("user")
        let token = try #require(next["access_token"]?.text, "\(next.text)")
        #expect(token.hasPrefix("u-fake"))
        #expect(try customer.works(token, as: "user"))
        #expect(try customer.sim.count("authen.v1.oidc.refresh_access_token") >= 1)
        #expect(try customer.sim.count("authen.v2.oauth.token") == 0)
        #expect(try stand.records().contains { $0["action"] == "token.refresh" })
    }

    @Test(arguments: ["error:20050", "error:20072", "error:99991400"])
    func `is installed although the platform stumbles once`(_ fault: String) throws {
        let (_, customer) = try Self.open("lark")
        try customer.fault("authen.v2.oauth.token", fault, times: 1)
        let installed = try customer.flow()
        #expect(installed.status == 200, "\(installed.text)")
        #expect(try customer.sim.count("authen.v2.oauth.token") == 2)
    }

    @Test(arguments: ["lark", "feishu"])
    func `is verified check by check, and under the wrong brand that is said`(_ brand: String) throws {
        let stand = try Stand(simulated: true).start()
        let sim = try #require(stand.sim)
        let app = "cli_fake000000001"
        let base = "https://ailink.gts.work"
        let redirects = [
            "\(base)/\(brand)/\(app)", "\(base)/\(brand)/\(app)/workbench", "\(base)/thirdparty/\(brand)/\(app)/login",
            "\(base)/thirdparty/\(brand)/\(app)/oauth2/callback", "\(base)/\(brand)/\(app)/person/inviteToGroup",
        ]
        let made = try sim.control(
            "POST", "apps",
            [
                "platform": .string(brand), "app_id": .string(app), "workspace_name": "Acme",
                "redirect_urls": .array(redirects.map(JSON.string)),
                "tenant_scopes": [
                    "application:application:self_manage", "cardkit:card:write", "im:message:send_as_bot",
                    "tenant:tenant:readonly",
                ],
            ])
        let other = brand == "lark" ? "feishu" : "lark"
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme"])
        let add = { (platform: String) in
            try stand.admin(
                "POST", "apps",
                [
                    "tenant": "acme", "profile": .string("alibaba-\(platform)"), "platform": .string(platform),
                    "app_id": .string(app), "fields": ["workspace_name": "Acme"],
                    "secrets": ["app_secret": try #require(made["app_secret"])],
                ])
        }
        let wrong = try add(other)
        let named = Self.checks(wrong)
        #expect(named["brand"]?["result"] == "failed", "\(wrong.text)")
        #expect(named["brand"]?["advice"]?.text?.contains("under \(brand)") == true)
        #expect(named["app_credentials"]?["result"] == "failed")
        // The other cloud was never shown the secret: it has refused a made-up one.
        let right = try add(brand)
        let results = Self.checks(right).mapValues { $0["result"]?.text ?? "" }
        for name in [
            "app_credentials", "brand", "organization_name", "app_enabled", "published", "redirect_urls", "scopes",
            "bot",
        ] { #expect(results[name] == "passed", "\(name): \(right.text)") }
        #expect(results["trusted_domain"] == "pending" && results["homepage"] == "pending")
    }

    private static func checks(_ reply: Reply) -> [String: JSON] {
        guard case .array(let list)? = reply["checks"] else { return [:] }
        return Dictionary(list.map { ($0["name"]?.text ?? "", $0) }) { first, _ in first }
    }
}
