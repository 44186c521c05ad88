import HTTPClient
import Platforms
import Rules
import Testing

@testable import postern_sim

/// Platforms' requests and readers against the simulated Slack: both were written from the same pages, apart.
@Suite struct `What Platforms sends to the simulated Slack` {
    private static func slack(_ stage: Stage) throws -> Slack {
        Slack(
            try PlatformURLs([
                "slack.api=\(stage.sim.base)/api", "slack.authorize=\(stage.sim.base)/oauth/v2/authorize",
            ]))
    }

    private static func client() throws -> OAuthClient {
        OAuthClient(appID: try #require(AppID("A0FAKE0001")), clientID: "1.2", clientSecret: "fakesecret")
    }

    private static func code(_ stage: Stage, for purpose: Purpose, _ scope: [String] = []) throws -> String {
        let url = try slack(stage).authorizeURL(
            AuthorizeAsk(purpose: purpose, scope: scope, userScope: [], state: "s&=", redirectURI: Stage.redirect),
            client())
        let answer = try stage.sim.send("GET", String(url.dropFirst(stage.sim.base.count)))
        let back = SimRequest("GET", try #require(answer.header("location")))
        #expect(back.query("state") == "s&=")
        return try #require(back.query("code"))
    }

    private static func exchange(_ stage: Stage, _ code: String) throws -> PlatformRequest {
        try slack(stage).exchange(
            ExchangeAsk(purpose: .install, code: code, redirectURI: Stage.redirect, verifier: nil), client())
    }

    @Test func `installs an app`() throws {
        let stage = try Stage()
        let code = try Self.code(stage, for: .install, ["chat:write"])
        let exchange = try Self.exchange(stage, code)
        let installed = try stage.sim.carry(exchange).slackInstallation()
        try installed.check(isOf: try #require(AppID("A0FAKE0001")))
        #expect(installed.bot?.token == stage.bot && installed.user == nil && installed.team?.name == "Acme")
        let again = try stage.sim.carry(exchange)
        #expect(throws: SlackErrors.failure(for: "invalid_code")) { try again.slackInstallation() }
    }

    @Test func `finds out who logs in`() throws {
        let stage = try Stage()
        let slack = try Self.slack(stage)
        let code = try Self.code(stage, for: .login)
        let login = try stage.sim.carry(Self.exchange(stage, code)).slackInstallation()
        let token = try #require(login.user?.token)
        let person = try stage.sim.carry(slack.usersIdentity(token: token)).slackPerson()
        #expect(login.bot == nil && person.userID == login.userID && person.teamID == "T0FAKE0001")
        try slack.revoked(stage.sim.carry(slack.revoke(token: token)))
        try slack.revoked(stage.sim.carry(slack.revoke(token: token)))
        let dry = try stage.sim.carry(slack.revoke(token: stage.bot, dryRun: true))
        #expect(throws: PlatformFailure.self) { try slack.revoked(dry) }
        #expect(throws: SlackErrors.failure(for: "token_revoked")) {
            try stage.sim.carry(slack.authTest(token: token)).slackIdentity()
        }
    }

    @Test func `verifies an app's credentials`() throws {
        let stage = try Stage()
        let slack = try Self.slack(stage)
        let identity = try stage.sim.carry(slack.authTest(token: stage.bot)).slackIdentity()
        let bot = try stage.sim.carry(slack.botsInfo(bot: try #require(identity.botID), token: stage.bot))
        let probe = try stage.sim.carry(slack.clientPairProbe(clientID: "1.2", clientSecret: "fakesecret"))
        var failure: PlatformFailure?
        do { _ = try probe.slackInstallation() } catch { failure = error }
        let verification = SlackVerification(
            profile: try #require(Profile.named("alibaba-slack", on: .slack)), appID: AppID("A0FAKE0001"),
            workspaceName: "acme",
            authTest: .success(identity), botsInfo: .success(try bot.slackBotApp()), probe: failure)
        #expect(verification.provesClaim)
        #expect(
            verification.checks.map { "\($0.name) \($0.result.rawValue)" } == [
                "bot_token passed", "token_kind passed", "workspace_name passed", "scopes failed", "app_id passed",
                "token_rotation passed", "client_pair inconclusive", "signing_secret pending",
                "redirect_url pending", "event_url pending",
            ])
    }

    @Test func `goes through the gateway`() throws {
        let stage = try Stage()
        let request = try Self.slack(stage).gatewayCall(
            GatewayRequest(
                path: "chat.postMessage", verb: "POST", headers: [HeaderField("Content-Type", "application/json")],
                body: [UInt8](##"{"channel":"#general","text":"hello"}"##.utf8)),
            at: try GatewayPath("chat.postMessage"), token: stage.bot, try Self.client())
        #expect(JSON(bytes: try stage.sim.carry(request).body)?["ok"] == true)
        #expect(try stage.sim.control("GET", "messages")["messages"]?[0]?["text"] == "hello")
    }

    @Test(
        arguments: [
            ("html", .retry, "unreadable_answer"), ("status:500", .retry, "internal_error"),
            ("status:503", .retry, "service_unavailable"), ("status:429", .retry, "ratelimited"),
            ("status:302", .config, "redirected"), ("error:invalid_auth", .config, "invalid_auth"),
            ("error:brand_new", .bug, "unknown_code"), ("error:fatal_error", .retry, "fatal_error"),
        ] as [(JSON, PlatformFailure.Verdict, String)])
    func `survives what a platform can answer`(
        _ fault: JSON, _ verdict: PlatformFailure.Verdict, _ code: String
    ) throws {
        let stage = try Stage()
        try stage.sim.control("POST", "faults", ["match": "auth.*", "fault": fault, "retry_after": 7])
        let answer = try stage.sim.carry(try Self.slack(stage).authTest(token: stage.bot))
        #expect(throws: PlatformFailure(verdict, code, "")) { try answer.slackIdentity() }
        #expect(
            try stage.sim.carry(try Self.slack(stage).authTest(token: stage.bot)).slackIdentity().teamName == "Acme")
    }

    @Test(
        arguments: [
            ("close", .closed), ("refuse", .closed), ("truncate", .closed), ("huge", .tooLarge), ("endless", .tooLarge),
        ] as [(JSON, HTTPClient.Failure.Kind)])
    func `survives a connection that goes wrong`(_ fault: JSON, _ kind: HTTPClient.Failure.Kind) throws {
        let stage = try Stage()
        let request = try Self.slack(stage).authTest(token: stage.bot)
        try stage.sim.control("POST", "faults", ["match": "auth.test", "fault": fault, "times": 2])
        for _ in 1...2 {
            do {
                _ = try stage.sim.carry(request)
                Issue.record("an answer came")
            } catch {
                #expect(error.kind == kind)
            }
        }
        #expect(try stage.sim.carry(request).slackIdentity().teamName == "Acme")
        let reason = try stage.sim.control("GET", "ledger")["entries"]?[0]?["reason"]?.text ?? ""
        #expect(reason.hasSuffix(fault == "refuse" ? "nothing done" : "live bot token"))
    }

    @Test func `waits no longer than it wants`() throws {
        let stage = try Stage()
        try stage.sim.control("POST", "faults", ["match": "*", "fault": "delay", "delay_ms": 60_000])
        #expect(throws: HTTPClient.Failure.self) { try stage.sim.send("POST", "/api/api.test", timeout: 200) }
        #expect(try stage.sim.call("api.test")["ok"] == true)
    }
}
