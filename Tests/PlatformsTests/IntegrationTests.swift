import Platforms
import Rules
import Testing

@Suite struct `The guides as data` {
    private static func profile(_ name: String, _ platform: Platform) throws -> Profile {
        try #require(Profile.named(name, on: platform))
    }

    @Test(
        arguments: [
            ("alibaba-slack", .slack, "workspace_name app_id client_id client_secret signing_secret bot_token"),
            ("alibaba-lark", .lark, "workspace_name app_id app_secret"),
            ("alibaba-feishu", .feishu, "workspace_name app_id app_secret"),
            ("ovice-slack", .slack, "bot_token domain"),
            ("genesys-slack", .genesys, "client_id client_secret region webhook_secret integration_ids"),
            ("genesys-slack", .slack, "bot_token signing_secret channel_id"),
            ("slack", .slack, "app_id signing_secret"),
            ("lark", .lark, "app_id app_secret"), ("feishu", .feishu, "app_id app_secret"),
            ("genesys", .genesys, "client_id client_secret region"),
        ] as [(String, Platform, String)])
    func `ask for what the guide asks for, in its order`(_ name: String, _ platform: Platform, _ keys: String) throws {
        let profile = try Self.profile(name, platform)
        #expect(profile.fields.filter(\.required).map(\.key).joined(separator: " ") == keys)
        #expect(profile.fields.allSatisfy { !$0.find.isEmpty && !$0.label.isEmpty })
        #expect(!profile.steps.isEmpty && Set(profile.steps.map(\.name)).count == profile.steps.count)
        // Whoever has no App ID to give has another way to it.
        let asksForID = profile.fields.contains { $0.place == .appID && $0.required }
        #expect((profile.appID == .asked) == asksForID)
    }

    @Test(
        arguments: [
            ("alibaba-slack", .slack, "chat:write users:read im:write im:history", "identity.basic identity.team", ""),
            ("ovice-slack", .slack, "users:read users:read.email chat:write", "", ""),
            ("genesys-slack", .slack, "app_mentions:read chat:write im:history incoming-webhook", "", ""),
            (
                "alibaba-lark", .lark, "", "",
                "application:application:self_manage cardkit:card:write im:message:send_as_bot tenant:tenant:readonly"
            ),
            (
                "alibaba-feishu", .feishu, "", "",
                "application:application:self_manage cardkit:card:write im:message:send_as_bot tenant:tenant:readonly"
            ),
        ] as [(String, Platform, String, String, String)])
    func `ask for the guide's scopes`(
        _ name: String, _ platform: Platform, _ bot: String, _ user: String, _ tenant: String
    ) throws {
        let profile = try Self.profile(name, platform)
        func scopes(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(profile.botScopes == scopes(bot) && profile.userScopes == scopes(user))
        #expect(profile.tenantScopes == scopes(tenant))
    }

    @Test(arguments: [("alibaba-lark", .lark), ("alibaba-feishu", .feishu)] as [(String, Platform)])
    func `have the five redirect URLs of Lark and Feishu`(_ name: String, _ platform: Platform) throws {
        var profile = try Self.profile(name, platform)
        let app = try #require(AppID("cli_9b445f5258795107"))
        let brand = platform.rawValue
        func urls(_ base: String) -> [String] {
            [
                "\(base)/\(brand)/cli_9b445f5258795107", "\(base)/\(brand)/cli_9b445f5258795107/workbench",
                "\(base)/thirdparty/\(brand)/cli_9b445f5258795107/login",
                "\(base)/thirdparty/\(brand)/cli_9b445f5258795107/oauth2/callback",
                "\(base)/\(brand)/cli_9b445f5258795107/person/inviteToGroup",
            ]
        }
        #expect(profile.redirectURLs(for: app) == urls("https://ailink.gts.work"))
        #expect(profile.trustedDomainURL == "https://ailink.gts.work")
        profile.base = "https://support.example"
        #expect(profile.redirectURLs(for: app) == urls("https://support.example"))
        #expect(profile.homepageURL(for: app) == "https://support.example/\(brand)/cli_9b445f5258795107/workbench")
        #expect(profile.trustedDomainURL == "https://support.example")
    }

    @Test func `know which checks, fields and names they speak of`() {
        for profile in Profile.all {
            for step in profile.steps {
                #expect(!step.title.isEmpty && !step.place.isEmpty, "\(profile.name) \(step.name)")
                if case .stored(let keys) = step.evidence {
                    #expect(keys.allSatisfy { key in profile.fields.contains { $0.key == key } })
                }
            }
            let aliases = profile.fields.flatMap(\.aliases)
            #expect(Set(aliases).count == aliases.count)
        }
    }

    @Test(arguments: [
        ("mypurecloud.ie", "mypurecloud.ie"), ("https://apps.mypurecloud.ie/directory/#/", "mypurecloud.ie"),
        ("login.euw2.pure.cloud", "euw2.pure.cloud"), ("EU-WEST-1", "mypurecloud.ie"),
        (" mypurecloud.com.au\n", "mypurecloud.com.au"),
        ("mypurecloud.com.evil.example", nil), ("evil.example", nil), ("127.0.0.1", nil), ("", nil),
        ("mypurecloud.com@evil.example", nil), ("evil.example/mypurecloud.com", nil),
        ("evil.example?mypurecloud.com", nil),
    ])
    func `know Genesys' regions and no other host`(_ text: String, _ domain: String?) {
        #expect(GenesysRegions.known.domain(in: text) == domain)
    }

    @Test func `take a region the operator added`() throws {
        #expect(GenesysRegions.known.domain(in: "new1.pure.cloud") == nil)
        #expect(try GenesysRegions(adding: ["new1.pure.cloud"]).domain(in: "new1.pure.cloud") == "new1.pure.cloud")
    }
}

@Suite struct `A value at the form` {
    @Test(
        arguments: [
            ("ovice-slack", .slack, "domain", "https://ACME.slack.com/home", "acme"),
            ("ovice-slack", .slack, "domain", "acme.slack.com", "acme"),
            ("genesys", .genesys, "region", "https://apps.mypurecloud.de/", "mypurecloud.de"),
            ("genesys", .genesys, "region", "us-east-1", "mypurecloud.com"),
            (
                "genesys", .genesys, "integration_ids",
                "7f1c5ad1-0000-4000-8000-000000000001, 7f1c5ad1-0000-4000-8000-000000000002",
                "7f1c5ad1-0000-4000-8000-000000000001,7f1c5ad1-0000-4000-8000-000000000002"
            ),
        ] as [(String, Platform, String, String, String)])
    func `is cut to what it is`(
        _ name: String, _ platform: Platform, _ key: String, _ raw: String, _ value: String
    ) throws {
        let profile = try #require(Profile.named(name, on: platform))
        let field = try #require(profile.fields.first { $0.key == key })
        let read = Profile.read(raw, for: field)
        #expect(read.value == value && read.remarks.map(\.sort) == [.trimmed])
    }

    @Test(
        arguments: [
            ("lark", .lark, "app_id", "A0A75890ATF", "an App ID"),
            ("slack", .slack, "client_id", "cli_9b445f5258795107", "a Lark or Feishu App ID"),
            ("lark", .lark, "app_secret", "cli_9b445f5258795107", "a Lark or Feishu App ID"),
            ("lark", .lark, "encrypt_key", "cli_9b445f5258795107", "a Lark or Feishu App ID"),
            ("genesys", .genesys, "client_secret", "7f1c5ad1-0000-4000-8000-000000000001", "a UUID"),
            ("genesys", .genesys, "region", "7f1c5ad1-0000-4000-8000-000000000001", "a UUID"),
            ("genesys", .genesys, "region", "evil.example", "none of Genesys Cloud's regions"),
            ("genesys", .genesys, "client_id", "3336676.569200954261", "a Client ID"),
            ("genesys-slack", .slack, "channel_id", "xoxb-1234567890-1234567890123-xxxxxxxx", "a Bot User OAuth Token"),
            ("ovice-slack", .slack, "bot_token", "xapp-1-A0FAKE-1234567890-abcdef", "an app-level token"),
            ("ovice-slack", .slack, "domain", "xoxb-1234567890-1234567890123-xxxxxxxx", "a Bot User OAuth Token"),
            ("lark", .lark, "workspace_name", "cli_9b445f5258795107", ""),
        ] as [(String, Platform, String, String, String)])
    func `that belongs into another field is noticed`(
        _ name: String, _ platform: Platform, _ key: String, _ value: String, _ what: String
    ) throws {
        let profile = try #require(Profile.named(name, on: platform))
        let field = try #require(profile.fields.first { $0.key == key })
        let remarks = Profile.read(value, for: field).remarks
        #expect(remarks.map(\.sort) == (what.isEmpty ? [] : [.misplaced]))
        #expect(what.isEmpty || remarks[0].sentence.contains(what))
    }

    @Test(
        arguments: [
            ("lark", .lark, "app_id", "cli_9b445f5258795107"), ("feishu", .feishu, "app_id", "cli_a5d611352af9d00bxx"),
            ("lark", .lark, "app_secret", "baBqE5um9LbFGDy3X7LcfxQX1sqpXlwy"),
            ("lark", .lark, "verification_token", "rvaYgkND1GOiu5MM0E1rncYC6PLtF7JV"),
            ("genesys", .genesys, "client_id", "7f1c5ad1-0000-4000-8000-000000000001"),
            ("genesys", .genesys, "webhook_secret", "open-messaging-secret-0123456789"),
            ("genesys-slack", .slack, "channel_id", "C0FAKE12345"), ("ovice-slack", .slack, "domain", "acme-corp"),
        ] as [(String, Platform, String, String)])
    func `that looks like the samples passes in silence`(
        _ name: String, _ platform: Platform, _ key: String, _ value: String
    ) throws {
        let profile = try #require(Profile.named(name, on: platform))
        let field = try #require(profile.fields.first { $0.key == key })
        let read = Profile.read(value, for: field)
        #expect(read.value == value && read.remarks.isEmpty)
    }
}
