import Platforms
import Rules
import Testing

@Suite struct `Verifying a Lark or Feishu app` {
    private static func verification(
        _ brand: Lark.Brand = .lark, profile: String? = nil,
        credentials: LarkVerification.Outcome<Void>? = .success(()),
        _ change: (inout LarkVerification) -> Void = { _ in }
    ) throws -> LarkVerification {
        let profile = try #require(Profile.named(profile ?? "alibaba-\(brand.rawValue)", on: brand.platform))
        let appID = try #require(AppID("cli_fake0001"))
        var made = LarkVerification(
            brand: brand, profile: profile, appID: appID, organizationName: "Acme",
            redirectURLs: profile.redirectURLs(for: appID), hasEncryptKey: true, credentials: credentials)
        made.organization = .success(LarkOrganization(name: " ACME\u{a0}", tenantKey: "k"))
        made.application = .success(application(profile.redirectURLs(for: appID)))
        made.scopes = .success(profile.tenantScopes.map { LarkScope(name: $0, isUser: false, isGranted: true) })
        made.bot = .success(2)
        change(&made)
        return made
    }

    private static func application(
        _ redirects: [String], status: Int64 = 1, version: String? = "oav_fake", id: String = "cli_fake0001"
    ) -> LarkApplication {
        LarkApplication(appID: id, status: status, redirectURLs: redirects, onlineVersion: version)
    }

    private static func check(_ name: String, _ verification: LarkVerification) throws -> Check {
        try #require(verification.checks.first { $0.name == name })
    }

    @Test(arguments: Lark.Brand.allCases)
    func `passes check by check, and says what no call can show`(_ brand: Lark.Brand) throws {
        let made = try Self.verification(brand)
        #expect(made.provesClaim)
        #expect(
            made.checks.map { "\($0.name) \($0.result.rawValue)" } == [
                "app_credentials passed", "brand passed", "organization_name passed", "app_enabled passed",
                "published passed", "redirect_urls passed", "scopes passed", "bot passed", "homepage pending",
                "trusted_domain pending", "encrypt_key pending", "event_url pending",
            ])
        #expect(try Self.check("homepage", made).advice.contains("/\(brand.rawValue)/cli_fake0001/workbench"))
        #expect(try Self.check("trusted_domain", made).compared.contains("cannot be read"))
    }

    @Test func `names what is missing or different`() throws {
        let found = try Self.verification { made in
            made.organization = .success(LarkOrganization(name: "Other Corp", tenantKey: "k"))
            made.application = .success(
                Self.application(["https://ailink.gts.work/lark/cli_fake0001"], status: 0, version: nil))
            made.scopes = .success([
                LarkScope(name: "tenant:tenant:readonly", isUser: false, isGranted: true),
                LarkScope(name: "cardkit:card:write", isUser: false, isGranted: false),
                LarkScope(name: "im:message:send_as_bot", isUser: true, isGranted: true),
            ])
            made.bot = .success(0)
        }
        #expect(
            found.checks.filter { $0.result == .failed }.map(\.name) == [
                "organization_name", "app_enabled", "published", "redirect_urls", "scopes", "bot",
            ])
        #expect(try Self.check("organization_name", found).compared == "submitted “Acme”, Lark says “Other Corp”")
        let redirects = try Self.check("redirect_urls", found).compared
        #expect(redirects.contains("/thirdparty/lark/cli_fake0001/oauth2/callback"))
        #expect(!redirects.contains("cli_fake0001 "))
        #expect(
            try Self.check("scopes", found).compared
                == "missing: application:application:self_manage cardkit:card:write im:message:send_as_bot")
    }

    @Test(
        arguments: [
            (10014, .failed), (10003, .failed), (99_991_662, .failed), (2200, .inconclusive),
            (99_991_400, .inconclusive), (777, .inconclusive),
        ] as [(Int64, Check.Result)])
    func `tells a refusal from trouble on the way`(_ code: Int64, _ result: Check.Result) throws {
        let failure = LarkErrors.failure(code, .lark, said: "app secret invalid")
        let found = try Self.verification(credentials: .failure(failure))
        #expect(try Self.check("app_credentials", found).result == result && !found.provesClaim)
        #expect(!found.checks.contains { $0.name == "scopes" })
        #expect(
            try Self.check("app_credentials", found).advice.contains("app secret invalid")
                == (10003...10014).contains(code))
    }

    @Test(arguments: Lark.Brand.allCases)
    func `names the other brand when that one knows the app`(_ brand: Lark.Brand) throws {
        let failure = LarkErrors.failure(10014, brand)
        let found = try Self.verification(brand, credentials: .failure(failure)) { $0.otherBrandKnowsApp = true }
        let check = try Self.check("brand", found)
        #expect(check.result == .failed && check.advice.contains("add the app under \(brand.other.rawValue)"))
        let neither = try Self.verification(brand, credentials: .failure(failure)) { $0.otherBrandKnowsApp = false }
        #expect(try Self.check("brand", neither).result == .inconclusive)
    }

    @Test func `takes a missing scope for no failure of the credentials`() throws {
        let failure = PlatformFailure(.config, "99991672", "s", neededScope: ["tenant:tenant:readonly"])
        let found = try Self.verification { made in
            made.organization = .failure(failure)
            made.application = nil
            made.bot = .failure(PlatformFailure(.retry, "server_error", "s"))
        }
        let check = try Self.check("organization_name", found)
        #expect(check.result == .inconclusive && check.compared.contains("needs tenant:tenant:readonly"))
        #expect(try Self.check("redirect_urls", found).result == .pending)
        #expect(try Self.check("bot", found).result == .inconclusive)
    }

    @Test(
        arguments: [
            (1, .passed), (0, .failed), (2, .failed), (3, .inconclusive), (99, .inconclusive), (-1, .inconclusive),
        ] as [(Int64, Check.Result)])
    func `knows the states of an app`(_ status: Int64, _ result: Check.Result) throws {
        let found = try Self.verification { $0.application = .success(Self.application([], status: status)) }
        #expect(try Self.check("app_enabled", found).result == result)
    }

    @Test func `notices another app than the one submitted`() throws {
        let found = try Self.verification { $0.application = .success(Self.application([], id: "cli_fake0002")) }
        #expect(try Self.check("app_enabled", found).compared == "submitted cli_fake0001, Lark shows cli_fake0002")
    }

    @Test(
        arguments: [
            (200, #"{"code":10014,"msg":"app secret invalid"}"#, true),
            (200, #"{"code":10014,"msg":"app id not exists"}"#, false), (200, #"{"code":10014,"msg":"x"}"#, nil),
            (200, #"{"code":10003,"msg":"app secret"}"#, nil), (500, #"{"code":10014,"msg":"app secret"}"#, nil),
            (200, "<html>", nil), (200, #"{"code":0}"#, nil),
        ] as [(Int, String, Bool?)])
    func `hears from the other brand whether it knows the app`(_ status: Int, _ body: String, _ known: Bool?) throws {
        let probe = Lark(.feishu).brandProbe("cli_fake0001")
        #expect(!String(decoding: probe.body, as: UTF8.self).contains("fake-secret"))
        #expect(Lark(.feishu).knowsApp(answer(body, status: status)) == known)
    }

    @Test func `reads the facts, and nothing that is odd`() throws {
        let lark = Lark(.lark)
        #expect(
            try lark.application(
                answer(
                    """
                    {"code":0,"data":{"app":{"app_id":"cli_1","status":1,"redirect_urls":["https://a.example","b c",""],
                     "online_version_id":""}}}
                    """))
                == LarkApplication(appID: "cli_1", status: 1, redirectURLs: ["https://a.example"], onlineVersion: nil))
        #expect(
            try lark.scopes(
                answer(
                    """
                    {"code":0,"data":{"scopes":[{"scope_name":"im:message","scope_type":"tenant","grant_status":2},
                     {"scope_name":"<b>"},{"scope_name":"contact:user","scope_type":"user","grant_status":1}]}}
                    """)) == [
                    LarkScope(name: "im:message", isUser: false, isGranted: false),
                    LarkScope(name: "contact:user", isUser: true, isGranted: true),
                ])
        #expect(try lark.botStatus(answer(#"{"code":0,"msg":"ok","bot":{"activate_status":2}}"#)) == 2)
        for odd in [#"{"code":0,"data":{}}"#, #"{"code":0,"data":{"tenant":7,"app":[],"scopes":"x"}}"#, "{}"] {
            #expect(failure { () throws(PlatformFailure) in try lark.organization(answer(odd)) } != nil)
            #expect(failure { () throws(PlatformFailure) in try lark.application(answer(odd)) } != nil)
            #expect(failure { () throws(PlatformFailure) in try lark.scopes(answer(odd)) } != nil)
            #expect(failure { () throws(PlatformFailure) in try lark.botStatus(answer(odd)) } != nil)
        }
    }
}
