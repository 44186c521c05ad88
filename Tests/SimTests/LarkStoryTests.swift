import HTTPClient
import Platforms
import Rules
import Testing

@testable import postern_sim

/// Platforms' requests and readers against the simulated Lark and Feishu: both were written from the same pages, apart.
@Suite struct `What Platforms sends to the simulated Lark and Feishu` {
    @Test(arguments: Lark.Brand.allCases)
    func `trades a code once, with PKCE`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let code = try stage.code(["im:message"])
        #expect(throws: PlatformFailure.of(.bug, "20049")) {
            try stage.lark.granted(try stage.sim.carry(stage.exchange(code, verifier: nil)))
        }
        #expect(throws: PlatformFailure.of(.bug, "20049")) {
            try stage.lark.granted(
                try stage.sim.carry(stage.exchange(code, verifier: String(repeating: "x", count: 43))))
        }
        #expect(throws: PlatformFailure.of(.bug, "20071")) {
            try stage.lark.granted(try stage.sim.carry(stage.exchange(code, redirect: "https://bridge.example/x")))
        }
        let granted = try stage.lark.granted(try stage.sim.carry(stage.exchange(code)))
        let pair = try #require(granted.user)
        #expect(granted.bot == nil && granted.place == nil && granted.appID == nil)
        #expect(pair.scope == ["im:message", "offline_access"] && pair.expiresIn == 7200)
        #expect(pair.refreshToken != nil && pair.refreshExpiresIn == 604_800 && pair.oddities.isEmpty)
        #expect(throws: PlatformFailure.of(.reauth, "20065")) {
            try stage.lark.granted(try stage.sim.carry(stage.exchange(code)))
        }
        let late = try stage.code()
        try stage.advance(301)
        #expect(throws: PlatformFailure.of(.reauth, "20004")) {
            try stage.lark.granted(try stage.sim.carry(stage.exchange(late)))
        }
    }

    @Test(arguments: Lark.Brand.allCases)
    func `finds out who somebody is, and believes no e-mail address`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let code = try stage.code(["contact:user.email:readonly"], purpose: .login, adding: "&sim_user=ou_fakejo")
        let login = try stage.lark.granted(try stage.sim.carry(stage.exchange(code)))
        let pair = try #require(login.user)
        #expect(pair.refreshToken == nil && pair.oddities.isEmpty)
        let person = try stage.lark.person(
            try stage.sim.carry(stage.lark.identity(token: pair.token, stage.client)))
        #expect(
            person
                == Person(
                    userID: "ou_fakejo", name: "Fake User", email: "fakejo@example.com", isEmailVerified: false,
                    place: Place(teamID: "fa4e000000000001", name: nil)))
        try stage.sim.control(
            "POST", "revoke", ["platform": .string(brand.rawValue), "app_id": "cli_fake0001"])
        let answer = try stage.sim.carry(stage.lark.identity(token: pair.token, stage.client))
        #expect(stage.lark.complaint(answer) == .of(.reauth, "99991668"))
        #expect(stage.lark.complaint(answer)?.isAboutToken == true)
    }

    @Test(arguments: Lark.Brand.allCases)
    func `refreshes strictly once per token, in a chain that ends`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let first = try stage.pair()
        let second = try stage.refresh(try #require(first.refreshToken))
        #expect(second.token != first.token && second.refreshToken != first.refreshToken)
        #expect(throws: PlatformFailure.of(.race, "20073")) { try stage.refresh(first.refreshToken ?? "") }
        #expect(throws: PlatformFailure.of(.reauth, "20026")) { try stage.refresh("eyJfake") }
        // The old access token stays good until its own end.
        let identity = try stage.sim.carry(stage.lark.identity(token: first.token, stage.client))
        #expect(stage.lark.complaint(identity) == nil)
        try stage.advance(7201)
        let expired = try stage.sim.carry(stage.lark.identity(token: first.token, stage.client))
        #expect(stage.lark.complaint(expired) == .of(.retry, "99991677"))
        try stage.advance(604_800 - 7201)
        #expect(throws: PlatformFailure.of(.reauth, "20037")) { try stage.refresh(second.refreshToken ?? "") }

        var held = try stage.pair()
        for _ in 0..<60 {
            try stage.advance(6 * 86_400)
            held = try stage.refresh(try #require(held.refreshToken))
        }
        #expect((5 * 86_400 - 60...5 * 86_400).contains(held.refreshExpiresIn ?? 0))
        try stage.advance(5 * 86_400)
        #expect(throws: PlatformFailure.of(.reauth, "20037")) { try stage.refresh(held.refreshToken ?? "") }
    }

    @Test(arguments: Lark.Brand.allCases)
    func `hears what ends a grant`(_ brand: Lark.Brand) throws {
        let name = JSON.string(brand.rawValue)
        let stage = try LarkStage(brand)
        let taken = try stage.pair()
        try stage.sim.control(
            "POST", "revoke", ["platform": name, "app_id": "cli_fake0001", "open_id": "ou_fakeuser1"])
        #expect(throws: PlatformFailure.of(.race, "20064")) { try stage.refresh(taken.refreshToken ?? "") }
        let frozen = try stage.pair()
        try stage.sim.control("POST", "person", ["platform": name, "open_id": "ou_fakeuser1", "state": "frozen"])
        #expect(throws: PlatformFailure.of(.reauth, "20066")) { try stage.refresh(frozen.refreshToken ?? "") }
        let identity = try stage.sim.carry(stage.lark.identity(token: frozen.token, stage.client))
        #expect(stage.lark.complaint(identity) == .of(.reauth, "20022"))
        try stage.sim.control("POST", "person", ["platform": name, "open_id": "ou_fakeuser1", "state": "active"])
        try stage.sim.control("POST", "apps", ["platform": name, "app_id": "cli_fake0001", "may_refresh": false])
        #expect(throws: PlatformFailure.of(.config, "20074")) { try stage.refresh(frozen.refreshToken ?? "") }
        try stage.sim.control("POST", "apps", ["platform": name, "app_id": "cli_fake0001", "status": 0])
        #expect(throws: PlatformFailure.of(.config, "20069")) { try stage.refresh(frozen.refreshToken ?? "") }
        try stage.sim.control("POST", "apps", ["platform": name, "app_id": "cli_fake0001", "app_secret": "fakenew"])
        #expect(throws: PlatformFailure.of(.config, "20002")) { try stage.refresh(frozen.refreshToken ?? "") }
    }

    @Test(arguments: Lark.Brand.allCases)
    func `makes an internal app's tokens, the same one while half an hour remains`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let first = try stage.mint(.tenant)
        #expect(first.token.hasPrefix("t-fake") && first.expiresIn == 7200 && first.refreshToken == nil)
        #expect(try stage.mint(.app).token == first.token)
        try stage.advance(5300)
        let same = try stage.mint(.tenant)
        #expect(same.token == first.token && (1890...1900).contains(same.expiresIn ?? 0))
        try stage.advance(200)
        let next = try stage.mint(.tenant)
        #expect(next.token != first.token && next.expiresIn == 7200)
        let good = try stage.sim.carry(stage.lark.botInfo(token: first.token))
        #expect(stage.lark.complaint(good) == nil)
        #expect(stage.lark.resendTicket(stage.client) == nil)
    }

    @Test(arguments: Lark.Brand.allCases)
    func `makes a store app's tokens from its ticket`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(
            brand, store: true,
            ["tenants": [["tenant_key": "fa4e1", "name": "One"], ["tenant_key": "fa4e2", "name": "Two"]]])
        #expect(throws: Problem(.needsReauthorization, "")) { try stage.mint(.app) }
        #expect(throws: PlatformFailure.of(.retry, "10012")) { try stage.mint(.app, MintMaterial(ticket: "old")) }
        #expect(throws: PlatformFailure.of(.config, "10014")) {
            let internalApp = OAuthClient(
                appID: stage.client.appID, clientID: stage.client.clientID, clientSecret: LarkStage.secret)
            return try stage.lark.minted(
                try stage.sim.carry(try stage.lark.mint(.tenant, MintMaterial(), internalApp)), .tenant)
        }
        let resend = try #require(stage.lark.resendTicket(stage.client))
        #expect(stage.lark.complaint(try stage.sim.carry(resend)) == nil)
        let pushed = try stage.sim.control(
            "POST", "ticket", ["platform": .string(brand.rawValue), "app_id": "cli_fake0001", "new": false])
        let ticket = try #require(pushed["event"]?["event"]?["app_ticket"]?.text)
        let app = try stage.mint(.app, MintMaterial(ticket: ticket))
        #expect(app.token.hasPrefix("a-fake"))
        let one = try stage.mint(.tenant, MintMaterial(appToken: app.token, tenantKey: "fa4e1"))
        let two = try stage.mint(.tenant, MintMaterial(appToken: app.token, tenantKey: "fa4e2"))
        #expect(one.token != two.token)
        #expect(throws: PlatformFailure.of(.config, "11210")) {
            try stage.mint(.tenant, MintMaterial(appToken: app.token, tenantKey: "fa4e3"))
        }
        #expect(throws: Problem(.notFound, "")) { try stage.mint(.tenant, MintMaterial(appToken: app.token)) }
    }

    @Test(arguments: Lark.Brand.allCases)
    func `trades codes at the older endpoints where the operator says so`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand, oidc: true)
        #expect(stage.lark.needsAppToken(refreshToken: nil))
        let url = try stage.lark.authorizeURL(
            AuthorizeAsk(
                purpose: .install, scope: [], userScope: [], state: "s", redirectURI: LarkStage.redirect,
                challenge: LarkStage.challenge), stage.client)
        let code = try #require(try stage.visit(url).query("code"))
        let client = OAuthClient(
            appID: stage.client.appID, clientID: stage.client.clientID, clientSecret: LarkStage.secret,
            appToken: try stage.mint(.app).token)
        let ask = ExchangeAsk(
            purpose: .install, code: code, redirectURI: LarkStage.redirect, verifier: LarkStage.verifier)
        let stranger = try stage.sim.carry(stage.lark.exchange(ask, stage.client))
        #expect(throws: PlatformFailure.of(.retry, "20014")) { try stage.lark.granted(stranger) }
        let pair = try #require(try stage.lark.granted(try stage.sim.carry(stage.lark.exchange(ask, client))).user)
        #expect(pair.token.hasPrefix("u-fake") && pair.refreshExpiresIn == 2_592_000)
        let held = try #require(pair.refreshToken)
        // The token says which endpoint it is of, whatever is set by now.
        let newer = Lark(
            brand, try PlatformURLs(["\(brand.rawValue).open=\(stage.sim.base)/\(brand.rawValue)/open-apis"]))
        #expect(newer.needsAppToken(refreshToken: held) && !newer.needsAppToken(refreshToken: nil))
        let next = try newer.refreshed(try stage.sim.carry(newer.refresh(held, .user, client)), .user)
        #expect(next.refreshToken?.hasPrefix("ur-fake") == true)
        #expect(throws: PlatformFailure.of(.race, "20038")) {
            try newer.refreshed(try stage.sim.carry(newer.refresh(held, .user, client)), .user)
        }
    }

    @Test func `is refused by the other brand`() throws {
        let stage = try LarkStage(.lark)
        let feishu = Lark(
            .feishu,
            try PlatformURLs([
                "feishu.open=\(stage.sim.base)/feishu/open-apis",
                "feishu.accounts=\(stage.sim.base)/feishu/accounts/open-apis",
            ]))
        do {
            _ = try feishu.minted(
                try stage.sim.carry(try feishu.mint(.tenant, MintMaterial(), stage.client)), .tenant)
            Issue.record("Feishu knows Lark's app")
        } catch let failure as PlatformFailure {
            #expect(failure == .of(.config, "10014"))
            #expect(failure.sentence.contains("it is a Lark app") && failure.sentence.contains("app id not exists"))
        }
    }

    @Test(arguments: Lark.Brand.allCases)
    func `goes through the gateway`(_ brand: Lark.Brand) throws {
        let stage = try LarkStage(brand)
        let request = try stage.lark.gatewayCall(
            GatewayRequest(
                path: "im/v1/messages", verb: "POST", query: "receive_id_type=chat_id",
                headers: [HeaderField("Content-Type", "application/json"), HeaderField("Cookie", "no")],
                body: [UInt8](##"{"receive_id":"oc_1","msg_type":"text","content":"{\"text\":\"hello\"}"}"##.utf8)),
            at: try GatewayPath("im/v1/messages"), token: try stage.mint(.tenant).token, stage.client)
        #expect(stage.lark.complaint(try stage.sim.carry(request)) == nil)
        let posted = try stage.sim.control("GET", "messages")["messages"]?[0]
        #expect(posted?["body"]?["content"] == #"{"text":"hello"}"# && posted?["platform"]?.text == brand.rawValue)
    }
}
