import Testing

@testable import postern_sim

/// A credential that is right, but of somewhere else: the likely cause is named, not only that it is refused.
@Suite struct `An app that lives elsewhere` {
    /// Of one brand, and told to Postern as the other's.
    @Test(arguments: [("lark", "feishu", "Lark"), ("feishu", "lark", "Feishu")])
    func `of the other brand is told so`(_ mine: String, _ said: String, _ name: String) throws {
        let stand = try Stand(simulated: true).start()
        let sim = try #require(stand.sim)
        let app = try sim.control(
            "POST", "apps", ["platform": .string(mine), "app_id": "cli_fake000000001", "workspace_name": "Acme"])
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme"])
        let reply = try stand.must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": .string(said), "platform": .string(said), "app_id": "cli_fake000000001",
                "fields": [:], "secrets": ["app_secret": try #require(app["app_secret"])], "verify": true,
            ])
        #expect(reply.text.contains("app_credentials") && reply.text.contains("failed"), "\(reply.text)")
        #expect(reply.text.contains(name), "\(reply.text)")
        let checks = try stand.must("POST", "apps/\(said)/cli_fake000000001/verify").text
        #expect(checks.contains("separate clouds") || checks.contains("brand"), "\(checks)")
    }

    @Test func `in another Genesys region is told so`() throws {
        let stand = try Stand(simulated: true).start()
        let sim = try #require(stand.sim)
        let id = "fa4e0000-0000-4000-8000-000000000001"
        let app = try sim.control(
            "POST", "apps", ["platform": "genesys", "app_id": .string(id), "region": "mypurecloud.ie"])
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme"])
        let reply = try stand.must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "genesys", "platform": "genesys", "app_id": .string(id),
                "fields": ["client_id": .string(id), "region": "mypurecloud.de"],
                "secrets": ["client_secret": try #require(app["client_secret"])], "verify": true,
            ])
        #expect(reply.text.contains("failed") && reply.text.lowercased().contains("region"), "\(reply.text)")
        // Whoever wants a token hears the same.
        try stand.must("POST", "services", ["name": "bridge", "selectors": [.string("uid:\(Stand.bridge ?? 0)")]])
        try stand.grant("acme/genesys/\(id)", actions: ["access:app", "deliver:token"], methods: ["*"])
        let access = try stand.broker("POST", "apps/genesys/\(id)/access", ["as": "app", "deliver": "token"])
        #expect(access.code == "platform_refused" && access.text.lowercased().contains("region"), "\(access.text)")
    }

    @Test func `at a host of a tenant's choice cannot be said`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme"])
        for region in [
            "evil.example", "mypurecloud.ie.evil.example", "https://evil.example/mypurecloud.ie",
            "mypurecloud.ie@evil.example", "",
        ] {
            let reply = try stand.admin(
                "POST", "apps",
                [
                    "tenant": "acme", "profile": "genesys", "platform": "genesys",
                    "app_id": "fa4e0000-0000-4000-8000-000000000001",
                    "fields": [
                        "client_id": "fa4e0000-0000-4000-8000-000000000001", "region": .string(region),
                    ], "secrets": ["client_secret": "fake-client-secret-of-38-characters-00"], "verify": false,
                ])
            #expect(reply.status == 400, "\(region): \(reply.text)")
        }
    }
}
