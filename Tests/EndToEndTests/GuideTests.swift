import Testing

@testable import postern_sim

@Suite struct `A customer's guide` {
    @Test(arguments: Integration.all)
    func `is followed from the first command to the last`(_ guide: Integration) throws {
        let stand = try Stand(simulated: true).start()
        #expect(try stand.postern(["tenant", "add", "acme", "--name", "Acme Corp"]).code == 0)
        let credentials = try guide.make(stand)
        let add = ["app", "add", "--tenant", "acme", "--profile", guide.profile, "--from-file", "-"]
        let added = try stand.postern(add, input: JSON.object(credentials).string)
        #expect(added.code == 0, "\(added.all)")
        for (key, value) in credentials where key.hasSuffix("secret") || key.hasSuffix("token") {
            #expect(!added.all.contains(try #require(value.text)), "\(key) was shown")
        }
        let again = try stand.postern(add, input: JSON.object(credentials).string)
        #expect(again.code == 6, "\(again.all)")
        let apps = guide.platforms.map { "\($0)/\(Integration.appID($0, 1))" }
        for (index, app) in apps.enumerated() {
            #expect(added.out.contains("\(app) added to acme"))
            let verified = try stand.postern(["app", "verify", app])
            #expect(verified.code == 0 && !verified.out.contains("failed"), "\(verified.all)")
            try follow(guide, app, index, stand)
        }
    }

    private func follow(_ guide: Integration, _ app: String, _ index: Int, _ stand: Stand) throws {
        let platform = guide.platforms[index]
        let manifest = try stand.postern(["app", "manifest", app])
        #expect(manifest.code == 0, "\(manifest.all)")
        switch platform {
        case "slack": #expect(JSON(bytes: Array(manifest.out.utf8))?["oauth_config"] != nil, "\(manifest.all)")
        case "genesys": #expect(manifest.out.contains("make an OAuth client"))
        default:
            #expect(manifest.out.contains("\"im:message:send_as_bot\""))
            #expect(manifest.out.contains("https://ailink.gts.work/\(app)/person/inviteToGroup\n"))
        }
        let list = try stand.postern(["app", "checklist", app])
        #expect(list.code == 0 && list.out.contains("done     store"), "\(list.all)")
        #expect(!list.out.contains("missing"), "\(list.all)")
        if let purpose = guide.purpose, platform != "genesys" {
            let link = try stand.postern(["oauth", "url", app, "--purpose", purpose, "--quiet"])
            #expect(link.code == 0, "\(link.all)")
            let browser = Browser()
            let start = try #require(link.out.split(separator: "\n").first.map(String.init))
            let page = try browser.get(try browser.consent(start))
            #expect(page.status == 200, "\(page)")
        }
        if purpose(guide, is: "login") || guide.profile == "alibaba-slack" {
            let missing = try stand.postern(["app", "checklist", app, "--missing"])
            let step = purpose(guide, is: "login") ? "log in once" : "Client ID and Client Secret are a pair"
            #expect(!missing.out.contains(step), "\(missing.all)")
        }
        try access(guide.legs[index], app, stand, isFirst: index == 0)
        try disconnect(app, stand)
        // Nor does looking at it bring it back.
        try stand.must("PUT", "apps/\(app)/secrets/verification_token", ["value": "fake-something-new"])
        #expect(try stand.must("POST", "apps/\(app)/verify", ["fresh": true])["asked_now"] == true)
        let rows = try stand.must("GET", "installations?app=\(app)")
        #expect(!rows.text.contains(#""state":"active""#), "\(rows.text)")
        let after = try stand.broker(
            "POST", "apps/\(app)/access", ["as": .string(guide.legs[index]), "deliver": "token"])
        #expect(after.status / 100 != 2, "\(after.text)")
    }

    private func purpose(_ guide: Integration, is purpose: String) -> Bool { guide.purpose == purpose }

    /// A bridge gets the token, and the platform takes it.
    private func access(_ leg: String, _ app: String, _ stand: Stand, isFirst: Bool) throws {
        if isFirst {
            try stand.must(
                "POST", "services", ["name": "bridge", "selectors": [.string("uid:\(Stand.bridge ?? Stand.uid)")]])
        }
        try stand.grant("acme/\(app)", actions: ["access:\(leg)", "deliver:token"], methods: ["*"])
        let token = try stand.broker("POST", "apps/\(app)/access", ["as": .string(leg), "deliver": "token"])
        #expect(token.status / 100 == 2 && token["access_token"]?.text != nil, "\(token.text)")
    }

    private func disconnect(_ app: String, _ stand: Stand) throws {
        let found = try stand.must("GET", "installations?app=\(app)")
        guard case .array(let rows)? = found["installations"] else {
            Issue.record("no installations")
            return
        }
        #expect(!rows.isEmpty)
        for case .integer(let id)? in rows.map({ $0["id"] }) { try stand.must("DELETE", "installations/\(id)") }
        let after = try stand.postern(["app", "checklist", app])
        #expect(after.code == 0)
    }

    /// What the platform knows otherwise than it should, and what was handed over otherwise; the check that says so.
    static let slips: [(String, at: [String: JSON], given: [String: JSON], String, String)] = [
        (
            "alibaba-slack", [:], ["workspace_name": "Globex"], "workspace_name",
            "submitted “Globex”, Slack says “Acme Corp”"
        ),
        (
            "alibaba-slack", ["slack.bot_scopes": ["chat:write", "users:read"]], [:], "scopes",
            "missing: im:write im:history"
        ),
        (
            "alibaba-slack", [:], ["bot_token": "xoxb-1234567890-1234567890123-fakefakefakefakefakefake"], "bot_token",
            "invalid_auth"
        ),
        (
            "alibaba-slack", [:], ["client_secret": "fakefakefakefakefakefakefakefake"], "client_pair",
            "refuses the Client Secret"
        ),
        ("alibaba-slack", [:], ["client_id": "1234567890.1234567890"], "client_pair", "does not know the Client ID"),
        ("alibaba-slack", [:], ["app_id": "A0FAKE0099"], "app_id", "the token is of A0FAKE00"),
        ("ovice-slack", [:], ["domain": "globex"], "workspace_domain", "submitted globex, Slack says acme"),
        (
            "ovice-slack", ["slack.bot_scopes": ["chat:write", "users:read"]], [:], "scopes",
            "missing: users:read.email"
        ),
        ("alibaba-lark", [:], ["app_secret": "fakefakefakefakefakefakefakefake"], "app_credentials", "10014"),
        ("alibaba-lark", [:], ["workspace_name": "Globex"], "organization_name", "Globex"),
        ("alibaba-lark", ["lark.bot_status": 0], [:], "bot", "not enabled"),
        ("alibaba-lark", ["lark.status": 0], [:], "app_credentials", "stopped"),
        ("alibaba-lark", ["lark.online_version_id": ""], [:], "published", "no version is online"),
        (
            "alibaba-feishu", ["feishu.redirect_urls": ["https://ailink.gts.work/x"]], [:], "redirect_urls",
            "/person/inviteToGroup"
        ),
        (
            "alibaba-feishu",
            ["feishu.tenant_scopes": ["application:application:self_manage", "tenant:tenant:readonly"]], [:], "scopes",
            "cardkit:card:write"
        ),
        ("genesys-slack", [:], ["genesys.region": "mypurecloud.de"], "client_credentials", "mypurecloud.de"),
        (
            "genesys-slack", [:], ["genesys.client_secret": "fake-fake-fake-fake-fake-fake"], "client_credentials",
            "invalid_client"
        ),
        ("genesys-slack", [:], ["genesys.webhook_secret": "too-short"], "webhook_secret", "9 characters"),
        (
            "genesys-slack", [:],
            ["genesys.integration_ids": "fa4e0000-0000-4000-8000-00000000dead,fa4e0000-0000-4000-8000-00000000beef"],
            "integration_ids", "fa4e0000-0000-4000-8000-00000000dead"
        ),
    ]

    @Test func `names each slip by itself, and adds the app all the same`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        for (number, slip) in Self.slips.enumerated() {
            let guide = try Integration.named(slip.0)
            var credentials = try guide.make(stand, number: number, wrong: slip.at)
            credentials.merge(slip.given) { $1 }
            let added = try stand.postern(
                ["app", "add", "--tenant", "acme", "--profile", slip.0, "--from-file", "-", "--as-is", "-o", "json"],
                input: JSON.object(credentials).string)
            #expect(added.code == 8, "\(slip): \(added.all)")
            let answer = try #require(JSON(bytes: Array(added.out.utf8)), "\(added.all)")
            var checks: [JSON] = []
            for app in answer["apps"].map({ list in if case .array(let apps) = list { apps } else { [] } }) ?? [answer]
            {
                if case .array(let found)? = app["checks"] { checks += found }
            }
            let check = try #require(checks.first { $0["name"]?.text == slip.3 }, "\(slip)")
            #expect(check["result"]?.text == "failed", "\(slip): \(check)")
            let words = "\(check["compared"]?.text ?? "") \(check["advice"]?.text ?? "")"
            #expect(words.contains(slip.4), "\(slip): \(words)")
            #expect(!words.lowercased().contains("check your credentials"))
            // One slip does not spoil the others.
            #expect(checks.contains { $0["result"]?.text != "failed" }, "\(slip)")
        }
    }

    @Test func `says that the brand is the wrong one`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        let credentials = try Integration.named("alibaba-lark").make(stand)
        let added = try stand.postern(
            ["app", "add", "--tenant", "acme", "--profile", "alibaba-feishu", "--from-file", "-"],
            input: JSON.object(credentials).string)
        #expect(added.code == 8, "\(added.all)")
        #expect(added.out.contains("Lark knows this App ID, Feishu does not accept it"), "\(added.all)")
    }
}
