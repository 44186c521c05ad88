import Platforms
import Rules
import Testing

@Suite struct `Verifying a Slack app` {
    private static let scopes = ["chat:write", "users:read", "im:write", "im:history"]

    private static func identity(
        team: String? = "Acme", bot: String? = "B1", scopes: [String]? = scopes, expiresIn: Int64? = nil,
        url: String? = "https://acme.slack.com/"
    ) -> SlackIdentity {
        SlackIdentity(
            teamID: "T1", teamName: team, url: url, userID: "U1", botID: bot, expiresIn: expiresIn, scopes: scopes)
    }

    private static func verification(
        workspace: String? = "Acme", domain: String? = nil, _ test: SlackVerification.Outcome<SlackIdentity>?,
        bot: SlackVerification.Outcome<AppID>? = .success(AppID("A1")!), probe: String? = "invalid_code"
    ) throws -> SlackVerification {
        SlackVerification(
            profile: try #require(Profile.named("alibaba-slack", on: .slack)), appID: AppID("A1"),
            workspaceName: workspace,
            domain: domain, authTest: test, botsInfo: bot, probe: probe.map { SlackErrors.failure(for: $0) })
    }

    private static func result(_ verification: SlackVerification, _ name: String) -> Check.Result? {
        verification.checks.first { $0.name == name }?.result
    }

    @Test func `finds a good app good, as far as anybody can`() throws {
        let verification = try Self.verification(.success(Self.identity()))
        #expect(
            verification.checks.map { "\($0.name) \($0.result.rawValue)" } == [
                "bot_token passed", "token_kind passed", "workspace_name passed", "scopes passed", "app_id passed",
                "token_rotation passed", "client_pair inconclusive", "signing_secret pending",
                "redirect_url pending", "event_url pending",
            ])
        #expect(verification.provesClaim)
        #expect(verification.checks.first { $0.name == "client_pair" }?.advice.contains("probably right") == true)
    }

    @Test(arguments: [
        ("Acme", "Acme", true), (" acme ", "ACME", true), ("Stra\u{DF}e", "STRASSE", true),
        ("Cafe\u{301}", "CAFÉ", true), ("Acme", "Acme Corp", false), ("", "Acme", false),
    ])
    func `compares the workspace's name as people would`(_ submitted: String, _ slack: String, _ same: Bool) throws {
        let verification = try Self.verification(workspace: submitted, .success(Self.identity(team: slack)))
        let check = try #require(verification.checks.first { $0.name == "workspace_name" })
        #expect(check.result == (same ? .passed : .failed) && check.compared.contains(slack))
    }

    @Test func `lists the scopes that are missing`() throws {
        let verification = try Self.verification(
            .success(Self.identity(scopes: ["chat:write", "im:write", "more:scope"])))
        let check = try #require(verification.checks.first { $0.name == "scopes" })
        #expect(check.result == .failed && check.compared == "missing: users:read im:history")
        let silent = try Self.verification(.success(Self.identity(scopes: nil)))
        #expect(Self.result(silent, "scopes") == .inconclusive)
    }

    @Test func `notices another app's token, a user's token and a rotating one`() throws {
        let other = try Self.verification(.success(Self.identity()), bot: .success(AppID("A2")!))
        #expect(Self.result(other, "app_id") == .failed && !other.provesClaim)
        let user = try Self.verification(.success(Self.identity(bot: nil)), bot: nil)
        #expect(Self.result(user, "token_kind") == .failed && Self.result(user, "app_id") == .inconclusive)
        let blind = try Self.verification(
            .success(Self.identity()), bot: .failure(SlackErrors.failure(for: "missing_scope")))
        #expect(Self.result(blind, "app_id") == .inconclusive && !blind.provesClaim)
        let rotating = try Self.verification(.success(Self.identity(expiresIn: 43_200)))
        #expect(Self.result(rotating, "token_rotation") == .inconclusive)
    }

    @Test(
        arguments: [
            ("invalid_auth", .failed), ("account_inactive", .failed), ("token_revoked", .failed),
            ("token_expired", .failed),
            ("ratelimited", .inconclusive), ("internal_error", .inconclusive), ("brand_new", .inconclusive),
        ] as [(String, Check.Result)])
    func `does not blame the token for Slack's trouble`(_ code: String, _ result: Check.Result) throws {
        let verification = try Self.verification(.failure(SlackErrors.failure(for: code)), bot: nil)
        #expect(Self.result(verification, "bot_token") == result && Self.result(verification, "scopes") == nil)
        #expect(!verification.provesClaim)
    }

    @Test(
        arguments: [
            ("invalid_code", .inconclusive), ("invalid_client_id", .failed), ("bad_client_secret", .failed),
            ("invalid_auth", .inconclusive), ("pkce_not_allowed", .inconclusive), ("ratelimited", .inconclusive),
            (nil, .pending),
        ] as [(String?, Check.Result)])
    func `reads the probe of the client's pair`(_ code: String?, _ result: Check.Result) throws {
        let verification = try Self.verification(.success(Self.identity()), probe: code)
        #expect(Self.result(verification, "client_pair") == result)
    }

    @Test(
        arguments: [
            ("acme", .passed), ("https://ACME.slack.com/home", .passed), ("acme.slack.com ", .passed),
            ("other", .failed),
        ] as [(String, Check.Result)])
    func `takes a domain however it was pasted`(_ submitted: String, _ result: Check.Result) throws {
        let verification = try Self.verification(domain: submitted, .success(Self.identity()))
        #expect(Self.result(verification, "workspace_domain") == result)
    }

    @Test func `shows a hostile workspace name without its control characters`() throws {
        let body = #"{"ok":true,"team":"Acme\u001b[2J\u202e","team_id":"T1","user_id":"U1"}"#
        let identity = try answer(body).slackIdentity()
        let check = try #require(try Self.verification(.success(identity)).checks.first { $0.name == "workspace_name" })
        #expect(!check.compared.unicodeScalars.contains { $0.value < 0x20 || $0 == "\u{202E}" })
    }

    private static func ovice(
        _ test: SlackVerification.Outcome<SlackIdentity>, _ bot: SlackVerification.Outcome<AppID>?, app: AppID? = nil
    ) throws -> SlackVerification {
        SlackVerification(
            profile: try #require(Profile.named("ovice-slack", on: .slack)), appID: app, workspaceName: nil,
            domain: "https://acme.slack.com/", authTest: test, botsInfo: bot, probe: nil)
    }

    @Test func `learns the App ID from Slack where the guide has none`() throws {
        let scopes = ["users:read", "users:read.email", "chat:write"]
        let found = try Self.ovice(.success(Self.identity(scopes: scopes)), .success(AppID("A7")!))
        #expect(
            found.checks.map { "\($0.name) \($0.result.rawValue)" } == [
                "bot_token passed", "token_kind passed", "workspace_domain passed", "scopes passed", "app_id passed",
                "token_rotation passed", "signing_secret pending",
            ])
        #expect(found.owner == AppID("A7") && !found.provesClaim)
        let blind = try Self.ovice(
            .success(Self.identity(scopes: scopes)), .failure(SlackErrors.failure(for: "missing_scope")))
        let check = try #require(blind.checks.first { $0.name == "app_id" })
        #expect(check.result == .inconclusive && check.advice.contains("give the App ID") && blind.owner == nil)
        let told = SlackIdentity(
            teamID: "T1", teamName: "Acme", userID: "U1", botID: "B1", appID: AppID("A7"), scopes: scopes)
        let spoken = try Self.ovice(
            .success(told), .failure(SlackErrors.failure(for: "missing_scope")), app: AppID("A8"))
        let other = try #require(spoken.checks.first { $0.name == "app_id" })
        #expect(other.result == .failed && other.advice.contains("belongs to the app A7, not to A8"))
    }

    /// The manifest, and how redirect URL and event URL come out.
    @Test(
        arguments: [
            (
                ["https://ailink.gts.work/thirdparty/slack/A1/oauth2/callback", "https://more.example"],
                "https://ailink.gts.work/thirdparty/slack/A1/events", .passed, .passed
            ),
            (
                ["https://ailink.gts.work/thirdparty/slack/A0A75890ATF/oauth2/callback"],
                "https://ailink.gts.work/thirdparty/slack/A0A75890ATF/events", .failed, .failed
            ), ([], nil, .failed, .failed),
            (["https://ailink.gts.work/thirdparty/slack/A1/oauth2/callback"], "https://evil.example", .passed, .failed),
        ] as [([String], String?, Check.Result, Check.Result)])
    func `holds the manifest's addresses against ours`(
        _ redirects: [String], _ event: String?, _ redirect: Check.Result, _ events: Check.Result
    ) throws {
        var tree: JSONTree = ["oauth_config": ["redirect_urls": JSONTree(texts: redirects)]]
        if let event { tree["settings", "event_subscriptions", "request_url"] = .text(event) }
        let profile = try #require(Profile.named("alibaba-slack", on: .slack))
        func results(_ manifest: SlackVerification.Outcome<SlackManifest>) -> [String: Check] {
            let checks = SlackVerification(
                profile: profile, appID: AppID("A1"), workspaceName: "Acme", authTest: nil, botsInfo: nil, probe: nil,
                manifest: manifest
            ).checks
            return Dictionary(checks.map { ($0.name, $0) }) { _, last in last }
        }
        let found = results(.success(SlackManifest(tree)))
        #expect(found["redirect_url"]?.result == redirect && found["event_url"]?.result == events)
        #expect(found["event_url"]?.compared.contains(event ?? "none") == true)
        let trouble = results(.failure(SlackErrors.failure(for: "token_expired")))
        #expect(trouble["redirect_url"]?.result == .inconclusive && trouble["event_url"]?.result == .inconclusive)
    }

    @Test func `does not look at the secret of an app that uses PKCE`() throws {
        let verification = SlackVerification(
            profile: try #require(Profile.named("alibaba-slack", on: .slack)), appID: AppID("A1"),
            workspaceName: "Acme", authTest: nil, botsInfo: nil, probe: SlackErrors.failure(for: "bad_client_secret"),
            usesPKCE: true)
        #expect(Self.result(verification, "client_pair") == .inconclusive)
    }
}
