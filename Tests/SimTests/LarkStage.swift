import HTTPClient
import Platforms
import Rules
import Testing

@testable import postern_sim

/// An app of Lark or Feishu with everything known, in a simulator of its own.
struct LarkStage {
    static let redirect = "https://bridge.example/cb"
    static let secret = "fakesecret-of-the-app"
    /// RFC 7636, appendix B.
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    let sim: Simulated
    let brand: Lark.Brand
    let lark: Lark
    let client: OAuthClient
    let app: JSON

    init(_ brand: Lark.Brand, store: Bool = false, oidc: Bool = false, _ more: [String: JSON] = [:]) throws {
        sim = try Simulated()
        self.brand = brand
        let name = brand.rawValue
        lark = Lark(
            brand,
            try PlatformURLs([
                "\(name).open=\(sim.base)/\(name)/open-apis", "\(name).accounts=\(sim.base)/\(name)/accounts/open-apis",
                "\(name).token=\(oidc ? "oidc" : "v2")",
            ]))
        client = OAuthClient(
            appID: try #require(AppID("cli_fake0001")), clientID: "cli_fake0001", clientSecret: Self.secret,
            isStoreApp: store)
        let fields: [String: JSON] = [
            "platform": .string(name), "app_id": "cli_fake0001", "app_secret": .string(Self.secret),
            "workspace_name": "Acme", "tenant_key": "fa4e000000000001", "redirect_urls": [.string(Self.redirect)],
            "app_type": store ? "store" : "internal",
        ]
        app = try sim.control("POST", "apps", .object(fields.merging(more) { _, new in new }))
    }

    /// Goes where `url` leads and comes back with what the redirect carries.
    func visit(_ url: String, adding: String = "") throws -> SimRequest {
        let answer = try sim.send("GET", String(url.dropFirst(sim.base.count)) + adding)
        return SimRequest("GET", try #require(answer.header("location"), "HTTP \(answer.status)"))
    }

    /// A code for these scopes.
    func code(_ scopes: [String] = [], purpose: Purpose = .install, adding: String = "") throws -> String {
        let scopes = scopes + (purpose == .install ? ["offline_access"] : [])
        let url = try lark.authorizeURL(
            AuthorizeAsk(
                purpose: purpose, scope: [], userScope: scopes, state: "s&=", redirectURI: Self.redirect,
                challenge: Self.challenge), client)
        let back = try visit(url, adding: adding)
        #expect(back.query("state") == "s&=")
        return try #require(back.query("code"))
    }

    func exchange(_ code: String, verifier: String? = verifier, redirect: String = redirect) -> PlatformRequest {
        lark.exchange(ExchangeAsk(purpose: .install, code: code, redirectURI: redirect, verifier: verifier), client)
    }

    /// A person's pair, fresh from the consent page.
    func pair(_ scopes: [String] = [], adding: String = "") throws -> TokenPair {
        try #require(try lark.granted(try sim.carry(exchange(try code(scopes, adding: adding)))).user)
    }

    func refresh(_ token: String) throws -> TokenPair {
        try lark.refreshed(try sim.carry(lark.refresh(token, .user, client)), .user)
    }

    func mint(_ leg: Leg, _ material: MintMaterial = MintMaterial()) throws -> TokenPair {
        try lark.minted(try sim.carry(try lark.mint(leg, material, client)), leg)
    }

    func advance(_ seconds: Int64) throws { try sim.control("POST", "clock", ["advance_seconds": .integer(seconds)]) }

    func fault(_ call: String, _ fault: String, times: Int64 = 1) throws {
        try sim.control(
            "POST", "faults",
            ["match": .string("\(brand.rawValue):\(call)"), "fault": .string(fault), "times": .integer(times)])
    }
}

extension PlatformFailure {
    /// What equality looks at.
    static func of(_ verdict: Verdict, _ code: String) -> PlatformFailure { PlatformFailure(verdict, code, "") }
}
