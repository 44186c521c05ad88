import Linux
import Testing

@testable import postern_sim

@Suite struct `An App ID` {
    private static let key = "slack/A0FAKE0011"

    private static func add(_ stand: Stand, _ tenant: String, _ credentials: [String: JSON], _ more: [String] = [])
        throws -> Stand.Printed
    {
        try stand.postern(
            ["app", "add", "--tenant", tenant, "--profile", "alibaba-slack", "--from-file", "-", "--quiet"] + more,
            input: JSON.object(credentials).string)
    }

    @Test(arguments: [false, true])
    func `is given to whoever proves it, and nothing of the other's is lost`(_ byEvent: Bool) throws {
        let stand = try Stand(simulated: true).start()
        for slug in ["squatter", "acme", "late"] {
            try stand.must("POST", "tenants", ["slug": .string(slug), "name": "Corp"])
        }
        let credentials = try Integration.named("alibaba-slack").make(stand)
        var pretended = credentials
        pretended["bot_token"] = "xoxb-1234567890-1234567890123-fakefakefakefakefakefake"
        #expect(try Self.add(stand, "squatter", pretended).code == 8)
        #expect(try stand.must("GET", "apps/\(Self.key)")["claim"] == "unproven")
        try stand.must(
            "POST", "services", ["name": "bridge", "selectors": [.string("uid:\(Stand.bridge ?? Stand.uid)")]])
        try stand.grant("squatter/\(Self.key)", actions: ["secret:read:signing_secret", "webhook:verify"])
        #expect(try stand.broker("GET", "apps/\(Self.key)/secrets/signing_secret").status == 200)
        if byEvent {
            // Whoever submitted the signing secret can sign with it: that is no proof against the platform's.
            let event = #"{"type":"event_callback","event_id":"Ev1","api_app_id":"A0FAKE0011","event":{"type":"x"}}"#
            let secret = try #require(credentials["signing_secret"]?.text)
            let told = try stand.slackWebhook(event, secret: secret, of: "A0FAKE0011")
            #expect(told["valid"] == true, "\(told.text)")
            #expect(try stand.must("GET", "apps/\(Self.key)")["claim"] == "event")
        }

        let taken = try Self.add(stand, "acme", credentials)
        #expect(taken.code == 0, "\(taken.all)")
        let app = try stand.must("GET", "apps/\(Self.key)")
        #expect(app["tenant"] == "acme" && app["claim"] == "proven")
        // The grant was for the other tenant's app.
        #expect(try stand.broker("GET", "apps/\(Self.key)/secrets/signing_secret").status == 403)
        guard case .array(let left)? = try stand.must("GET", "apps?tenant=squatter")["apps"] else {
            Issue.record("no list")
            return
        }
        #expect(left.count == 1 && left[0]["state"] == "suspended")
        #expect(left[0]["app_id"]?.text?.hasPrefix("A0FAKE0011.displaced-") == true)
        let id = try #require(left[0]["app_id"]?.text)
        guard case .array(let secrets)? = try stand.must("GET", "apps/slack/\(id)")["secrets"] else {
            Issue.record("no secrets")
            return
        }
        #expect(secrets.count == 3, "nothing was deleted")
        #expect(try stand.records().contains { $0["action"] == "app.displace" && $0["tenant"] == "squatter" })

        // A proven claim keeps everybody out, and tells nobody whose it is.
        for given in [credentials, pretended] {
            let refused = try Self.add(stand, "late", given)
            #expect(refused.code == 6 && !refused.all.contains("acme"), "\(refused.all)")
        }
        #expect(try stand.must("GET", "audit/verify")["ok"] == true)
        #expect(try stand.stop() == .exited(0))
        try stand.start()
        #expect(try stand.must("GET", "apps/\(Self.key)")["tenant"] == "acme")
    }

    @Test func `that nobody proves stays with who came first`() throws {
        let stand = try Stand(simulated: true).start()
        for slug in ["acme", "late"] { try stand.must("POST", "tenants", ["slug": .string(slug), "name": "Corp"]) }
        let credentials = try Integration.named("alibaba-slack").make(stand)
        #expect(try Self.add(stand, "acme", credentials, ["--no-verify"]).code == 0)
        let refused = try Self.add(stand, "late", credentials, ["--no-verify"])
        #expect(refused.code == 6 && !refused.all.contains("acme"), "\(refused.all)")
    }

    @Test func `that Slack does not tell is asked for, and stays unproven`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Corp"])
        var credentials = try Integration.named("genesys-slack").make(stand)
        let id = try #require(credentials.removeValue(forKey: "slack.app_id")?.text)
        let add = ["app", "add", "--tenant", "acme", "--profile", "genesys-slack", "--from-file", "-"]
        let asked = try stand.postern(add, input: JSON.object(credentials).string)
        #expect(asked.code == 2 && asked.error.contains("the App ID is needed"), "\(asked.all)")
        #expect(try stand.must("GET", "apps")["apps"] == .array([]), "one app of two is none")
        let added = try stand.postern(add + ["--app-id", id], input: JSON.object(credentials).string)
        #expect(added.code == 0, "\(added.all)")
        #expect(try stand.must("GET", "apps/slack/\(id)")["claim"] == "unproven")
        let both = try stand.must("GET", "apps/slack/\(id)")["integration"]
        #expect(both?["other_app"]?.text == "genesys/\(Integration.appID("genesys", 1))")
    }

    @Test func `is found where the guide has none`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Corp"])
        let credentials = try Integration.named("ovice-slack").make(stand)
        let add = ["app", "add", "--tenant", "acme", "--profile", "ovice-slack", "--from-file", "-"]
        let blind = try stand.postern(add + ["--no-verify"], input: JSON.object(credentials).string)
        #expect(blind.code == 2 && blind.error.contains("without asking Slack"), "\(blind.all)")
        #expect(try stand.postern(add, input: JSON.object(credentials).string).code == 0)
        #expect(try stand.must("GET", "apps/\(Self.key)")["claim"] == "proven")
    }
}

@Suite struct `A verification` {
    @Test func `asks a platform once a minute, unless something is new`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        let sim = try #require(stand.sim)
        let path = "apps/\(Stand.app)/verify"
        let first = try sim.count("auth.test")
        #expect(first == 1)
        let told = try stand.must("POST", path)
        #expect(told["asked_now"] == false && told["checked_at"]?.text != nil)
        guard case .array(let checks)? = told["checks"] else {
            Issue.record("no checks")
            return
        }
        #expect(checks.contains { $0["name"] == "bot_token" && $0["result"] == "passed" })
        let refused = try stand.admin("POST", path, ["fresh": true])
        #expect(refused.code == "rate_limited" && refused.status == 429, "\(refused.text)")
        #expect(try sim.count("auth.test") == first)
        try stand.must(
            "PUT", "apps/\(Stand.app)/secrets/signing_secret", ["value": "fake-signing-secret-of-32-letters"])
        #expect(try stand.must("POST", path)["asked_now"] == true)
        try stand.must("POST", "apps/\(Stand.app)/edit", ["fields": ["workspace_name": "Globex"]])
        let edited = try stand.must("POST", path)
        #expect(edited["asked_now"] == true && edited.text.contains("submitted “Globex”"), "\(edited.text)")
        #expect(try sim.count("auth.test") == first + 2)
    }

    @Test func `is proven by what arrives, until the secret is another`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        func pair() throws -> String? {
            guard case .array(let apps)? = try stand.must("GET", "apps/\(Stand.app)/checklist")["apps"],
                case .array(let checks)? = apps.first?["checks"]
            else { return nil }
            return checks.first { $0["name"] == "client_pair" }?["result"]?.text
        }
        #expect(try pair() == "inconclusive")
        let browser = Browser()
        #expect(try browser.get(try browser.consent(try stand.beginInstall())).status == 200)
        #expect(try pair() == "passed", "tokens were given for it")
        try stand.must(
            "PUT", "apps/\(Stand.app)/secrets/signing_secret", ["value": "fake-signing-secret-of-32-letters"])
        try stand.must("POST", "apps/\(Stand.app)/verify")
        #expect(try pair() == "passed", "another secret has nothing to do with it")
        try stand.must("PUT", "apps/\(Stand.app)/secrets/client_secret", ["value": "fake-client-secret-of-32-letters-"])
        try stand.must("POST", "apps/\(Stand.app)/verify")
        #expect(try pair() == "failed")
    }
}

@Suite struct `An app's settings` {
    @Test func `are entered at Slack with a configuration token, which is kept and rotated`() throws {
        let stand = try Stand(simulated: true).start()
        let sim = try #require(stand.sim)
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Corp"])
        let guide = try Integration.named("alibaba-slack")
        let sample = "https://ailink.gts.work/thirdparty/slack/A0A75890ATF/oauth2/callback"
        let credentials = try guide.make(
            stand, wrong: ["slack.redirect_urls": [.string(sample)], "slack.bot_scopes": ["chat:write", "users:read"]])
        let app = "slack/\(Integration.appID("slack", 1))"
        let add = ["app", "add", "--tenant", "acme", "--profile", "alibaba-slack", "--from-file", "-"]
        #expect(try stand.postern(add, input: JSON.object(credentials).string).code == 8)

        let apply = ["app", "apply-manifest", app]
        let without = try stand.postern(apply)
        #expect(without.code == 2 && without.error.contains("--config-token"), "\(without.all)")
        let wrong = try stand.postern(apply + ["--config-token", "-"], input: "fake-not-a-token\n")
        #expect(wrong.code == 2 && !wrong.all.contains("fake-not-a-token"), "\(wrong.all)")

        guard case .array(let rows)? = try stand.must("GET", "installations?app=\(app)")["installations"],
            let team = rows.first?["team_id"]
        else {
            Issue.record("no installation")
            return
        }
        let token = try sim.control("POST", "config_token", ["platform": "slack", "team_id": team])
        let refresh = try #require(token["refresh_token"]?.text)
        let check = try stand.postern(apply + ["--check", "--config-token", "-"], input: refresh + "\n")
        #expect(check.code == 12, "\(check.all)")
        #expect(check.out.contains("add im:write (oauth_config.scopes.bot)") && check.out.contains("remove \(sample)"))
        #expect(try sim.count("apps.manifest.update") == 0 && sim.count("tooling.tokens.rotate") == 1)

        let done = try stand.postern(apply)
        #expect(done.code == 0 && done.error.contains("install the app again"), "\(done.all)")
        #expect(try sim.count("apps.manifest.update") == 1 && sim.count("tooling.tokens.rotate") == 1)
        #expect(try stand.postern(apply + ["--check"]).code == 0)
        let list = try stand.postern(["app", "checklist", app, "--missing"])
        #expect(!list.out.contains("register https"), "\(list.all)")
        #expect(!(check.all + done.all + stand.log).contains(refresh))
    }

    @Test func `are entered at Feishu where the app may, and at Lark by hand`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Corp"])
        for (profile, platform) in [("alibaba-feishu", "feishu"), ("alibaba-lark", "lark")] {
            let guide = try Integration.named(profile)
            let credentials = try guide.make(stand, wrong: ["\(platform).redirect_urls": []])
            _ = try stand.postern(
                ["app", "add", "--tenant", "acme", "--profile", profile, "--from-file", "-"],
                input: JSON.object(credentials).string)
        }
        let feishu = "feishu/\(Integration.appID("feishu", 1))"
        #expect(try stand.postern(["app", "apply-manifest", feishu, "--check"]).code == 12)
        let denied = try stand.postern(["app", "apply-manifest", feishu])
        #expect(denied.code == 8 && denied.error.contains("application:application:patch"), "\(denied.all)")
        _ = try Integration.named("alibaba-feishu").make(
            stand,
            wrong: [
                "feishu.redirect_urls": [],
                "feishu.tenant_scopes": [
                    "application:application:patch", "application:application:self_manage", "tenant:tenant:readonly",
                ],
            ])
        let done = try stand.postern(["app", "apply-manifest", feishu])
        #expect(done.code == 0, "\(done.all)")
        #expect(try stand.postern(["app", "apply-manifest", feishu, "--check"]).code == 0)
        let lark = try stand.postern(["app", "apply-manifest", "lark/\(Integration.appID("lark", 1))"])
        #expect(lark.code == 2 && lark.error.contains("by hand"), "\(lark.all)")
    }

    @Test(
        arguments: [
            (["fields": ["region": "evil.example"]], "bad_request"), (["fields": ["pkce": "maybe"]], "bad_request"),
            (["fields": ["client_id": ""]], "bad_request"),
            (["redirect_uris": ["http://evil.example/"]], "bad_request"),
            (["redirect_uris": ["https://a.example/x", "https://a.example/x"]], "bad_request"), ([:], "bad_request"),
            (["fields": ["nonsense": "x"]], "bad_request"),
        ] as [(JSON, String)])
    func `are not edited into nonsense`(_ body: JSON, _ code: String) throws {
        let stand = try Stand().start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Corp"])
        let id = Integration.appID("genesys", 1)
        try stand.must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "genesys",
                "fields": ["client_id": .string(id), "region": "EU-WEST-1"], "secrets": ["client_secret": "fake"],
                "verify": false,
            ])
        #expect(try stand.must("GET", "apps/genesys/\(id)")["fields"]?["region"] == "mypurecloud.ie")
        let reply = try stand.admin("POST", "apps/genesys/\(id)/edit", body)
        #expect(reply.code == code, "\(reply.text)")
        #expect(try stand.must("GET", "apps/genesys/\(id)")["fields"]?["region"] == "mypurecloud.ie")
    }

    @Test func `cannot send the courier to a host of a tenant's choosing`() throws {
        let stand = try Stand().start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Corp"])
        for host in ["evil.example", "127.0.0.1", "mypurecloud.ie.evil.example", "mypurecloud.ie@evil.example", ""] {
            let reply = try stand.admin(
                "POST", "apps",
                [
                    "tenant": "acme", "profile": "genesys",
                    "fields": ["client_id": .string(Integration.appID("genesys", 1)), "region": .string(host)],
                    "secrets": ["client_secret": "fake"],
                ])
            #expect(reply.code == "bad_request", "\(host): \(reply.text)")
        }
    }
}
