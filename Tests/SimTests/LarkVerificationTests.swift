import Platforms
import Rules
import Testing

@testable import postern_sim

@Suite struct `An app of the simulated Lark and Feishu` {
    private static func verification(_ stage: LarkStage, scopes: [String]) throws -> LarkVerification {
        let profile = try #require(Profile.named("alibaba-\(stage.brand.rawValue)", on: stage.brand.platform))
        let redirects = profile.redirectURLs(for: stage.client.appID)
        try stage.sim.control(
            "POST", "apps",
            [
                "platform": .string(stage.brand.rawValue), "app_id": "cli_fake0001",
                "redirect_urls": .array(redirects.map(JSON.string)), "tenant_scopes": .array(scopes.map(JSON.string)),
            ])
        let token = try stage.mint(.tenant).token
        var made = LarkVerification(
            brand: stage.brand, profile: profile, appID: stage.client.appID, organizationName: "acme",
            redirectURLs: redirects, credentials: .success(()))
        func outcome<Value>(
            _ request: PlatformRequest, _ read: (PlatformAnswer) throws(PlatformFailure) -> Value
        ) throws -> Result<Value, PlatformFailure> {
            let answer = try stage.sim.carry(request)
            do throws(PlatformFailure) { return .success(try read(answer)) } catch { return .failure(error) }
        }
        made.organization = try outcome(stage.lark.tenantQuery(token: token), stage.lark.organization)
        made.application = try outcome(stage.lark.applicationGet(token: token), stage.lark.application)
        made.scopes = try outcome(stage.lark.scopesList(token: token), stage.lark.scopes)
        made.bot = try outcome(stage.lark.botInfo(token: token), stage.lark.botStatus)
        return made
    }

    @Test(arguments: Lark.Brand.allCases)
    func `is verified call by call`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let all = try #require(Profile.named("alibaba-\(brand.rawValue)", on: brand.platform)).tenantScopes
        let good = try Self.verification(stage, scopes: all)
        #expect(good.checks.allSatisfy { $0.result == .passed || $0.result == .pending })
        #expect(good.checks.count { $0.result == .passed } == 8)
        let narrow = try Self.verification(stage, scopes: ["im:message:send_as_bot"])
        #expect(
            narrow.checks.filter { $0.result != .passed && $0.result != .pending }.map { "\($0.name) \($0.result)" }
                == [
                    "organization_name inconclusive", "app_enabled inconclusive", "published inconclusive",
                    "redirect_urls inconclusive", "scopes failed",
                ])
    }

    @Test(arguments: Lark.Brand.allCases)
    func `is known to its own brand only`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let name = brand.other.rawValue
        let other = Lark(brand.other, try PlatformURLs(["\(name).open=\(stage.sim.base)/\(name)/open-apis"]))
        #expect(stage.lark.knowsApp(try stage.sim.carry(stage.lark.brandProbe("cli_fake0001"))) == true)
        #expect(other.knowsApp(try stage.sim.carry(other.brandProbe("cli_fake0001"))) == false)
    }

    @Test func `of Feishu is changed and published through the config API`() throws {
        let stage = try LarkStage(.feishu)
        let token = try stage.mint(.tenant).token
        var change = LarkConfigChange()
        change.addRedirectURLs = ["https://bridge.example/new"]
        change.addTenantScopes = ["application:application:patch"]
        change.addUserScopes = ["offline_access"]
        change.encryptKey = "fake-encrypt-key"
        change.verificationToken = "fake-verification-token"
        change.eventURL = "https://bridge.example/events"
        change.allowsRefresh = false
        try stage.lark.configured(
            try stage.sim.carry(stage.lark.configPatch(change, of: "cli_fake0001", token: token)))
        try stage.lark.configured(
            try stage.sim.carry(
                stage.lark.publish("cli_fake0001", version: "1.0.1", changelog: "addresses", token: token)))
        let app = try #require(try stage.sim.control("GET", "apps")["apps"]?[0])
        #expect(app["redirect_urls"] == [.string(LarkStage.redirect), "https://bridge.example/new"])
        #expect(app["tenant_scopes"] == ["application:application:patch"] && app["user_scopes"] == ["offline_access"])
        #expect(app["encrypt_key"] == "fake-encrypt-key" && app["verification_token"] == "fake-verification-token")
        #expect(app["may_refresh"] == false)

        change.encryptKey = String(repeating: "x", count: 33)
        try stage.sim.control(
            "POST", "apps", ["platform": "feishu", "app_id": "cli_fake0001", "tenant_scopes": ["im:message"]])
        #expect(throws: PlatformFailure.of(.config, "99991672")) {
            try stage.lark.configured(
                try stage.sim.carry(stage.lark.configPatch(change, of: "cli_fake0001", token: token)))
        }
        try stage.sim.control("POST", "apps", ["platform": "feishu", "app_id": "cli_fake0001", "tenant_scopes": []])
        for (changed, id, code) in [
            (change, "cli_fake0001", "210031"), (LarkConfigChange(), "cli_fake0001", "210031"),
            (change, "cli_fake0002", "210036"),
        ] {
            do {
                try stage.lark.configured(
                    try stage.sim.carry(stage.lark.configPatch(changed, of: id, token: token)))
                Issue.record("\(code) was taken")
            } catch let failure as PlatformFailure { #expect(failure.code == code) }
        }
    }

    @Test func `of Lark has no config API`() throws {
        let stage = try LarkStage(.lark)
        var change = LarkConfigChange()
        change.allowsRefresh = true
        let request = stage.lark.configPatch(change, of: "cli_fake0001", token: try stage.mint(.tenant).token)
        #expect(throws: PlatformFailure.of(.retry, "unreadable_answer")) {
            try stage.lark.configured(try stage.sim.carry(request))
        }
    }
}
