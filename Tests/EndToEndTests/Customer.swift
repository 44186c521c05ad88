import HTTPClient
import Testing

@testable import postern_sim

/// One app at one simulated platform, as its customer and its bridge live with it: the same story for all four.
struct Customer {
    /// What the ledger and faults call the calls that give tokens, ask who one is, and end it; nil where there is none.
    struct Calls {
        let exchange: String
        let refresh: String
        let identity: String
        let mint: String?
        let revoke: String?
    }

    let stand: Stand
    let sim: Simulated
    let platform: String
    let appID: String
    /// The app as the simulation knows it, secrets included.
    let app: JSON
    let calls: Calls
    /// The leg a consent gives, and the one made from the app's own credentials.
    let consented: String
    let minted: String?

    static let redirect = "https://bridge.example/thirdparty/oauth2/callback"
    private static let binding = "the-bridge-binds-this-flow-to-the-browser"

    var path: String { "apps/\(platform)/\(appID)" }
    /// Our own callback, where a browser finishes a flow.
    var callback: String { "\(stand.callback)/thirdparty/\(platform)/\(appID)/oauth2/callback" }

    /// Registers the app on both sides and lets the bridge do everything with it. `stand` must be simulated.
    init(_ platform: String, _ stand: Stand, number: Int = 1) throws {
        self.stand = stand
        self.platform = platform
        sim = try #require(stand.sim)
        var body: [String: JSON] = [
            "platform": .string(platform), "workspace_name": "Acme", "redirect_urls": [.string(Self.redirect)],
        ]
        let fields: [String]
        let secrets: [String]
        switch platform {
        case "slack":
            appID = "A0FAKE000\(number)"
            body["bot_scopes"] = ["chat:write", "users:read", "users:read.email"]
            body["user_scopes"] = ["identity.basic", "identity.team"]
            body["token_rotation_enabled"] = true
            calls = Calls(
                exchange: "oauth.v2.access", refresh: "oauth.v2.access", identity: "users.identity", mint: nil,
                revoke: "auth.revoke")
            (consented, minted) = ("bot", nil)
            (fields, secrets) = (["client_id"], ["client_secret", "signing_secret"])
        case "genesys":
            appID = "fa4e0000-0000-4000-8000-00000000000\(number)"
            body["region"] = "mypurecloud.ie"
            calls = Calls(
                exchange: "oauth.token", refresh: "oauth.token", identity: "users.me", mint: "oauth.token",
                revoke: "tokens.me")
            (consented, minted) = ("user", "app")
            (fields, secrets) = (["client_id", "region"], ["client_secret"])
        default:
            appID = "cli_fake00000000\(number)"
            body["tenant_scopes"] = ["im:message:send_as_bot"]
            body["user_scopes"] = ["contact:user.base:readonly", "offline_access"]
            calls = Calls(
                exchange: "authen.v2.oauth.token", refresh: "authen.v2.oauth.token", identity: "authen.v1.user_info",
                mint: "auth.v3.tenant_access_token.internal", revoke: nil)
            (consented, minted) = ("user", "tenant")
            (fields, secrets) = ([], ["app_secret"])
        }
        body["app_id"] = .string(appID)
        let own = "\(stand.callback)/thirdparty/\(platform)/\(appID)/oauth2/callback"
        body["redirect_urls"] = [.string(Self.redirect), .string(own)]
        let app = try sim.control("POST", "apps", .object(body))
        self.app = app
        func some(_ names: [String]) throws -> JSON {
            .object(try Dictionary(uniqueKeysWithValues: names.map { ($0, try #require(app[$0], "\($0)")) }))
        }
        let slug = "\(platform)-\(number)"
        try stand.must("POST", "tenants", ["slug": .string(slug), "name": "Acme Corp"])
        try stand.must(
            "POST", "apps",
            [
                "tenant": .string(slug), "profile": .string(platform), "platform": .string(platform),
                "app_id": .string(appID), "fields": try some(fields), "secrets": try some(secrets),
                "redirect_uris": [.string(Self.redirect), .string(own)], "verify": false,
            ])
        if (try stand.must("GET", "services")["services"]?.count ?? 0) == 0 {
            try stand.must(
                "POST", "services", ["name": "bridge", "selectors": [.string("uid:\(Stand.bridge ?? 0)")]])
        }
        try stand.grant(
            "\(slug)/\(platform)/\(appID)",
            actions: [
                "access:bot", "access:user", "access:tenant", "access:app", "deliver:token", "oauth:start",
                "oauth:finish", "installation:read", "installation:disconnect",
            ], methods: ["*"])
    }

    // MARK: - A flow

    /// What the bridge sends to begin; `more` goes over the usual fields.
    func begin(_ purpose: String = "install", _ more: [String: JSON] = [:]) throws -> Reply {
        var body: [String: JSON] = [
            "purpose": .string(purpose), "redirect_uri": .string(Self.redirect),
            "browser_binding": .string(Self.binding),
        ]
        if purpose == "install" {
            switch platform {
            case "slack": body["scope"] = "chat:write"
            case "genesys": break
            default: body["user_scope"] = "contact:user.base:readonly offline_access"
            }
        }
        return try stand.broker(
            "POST", "\(path)/oauth/authorize", .object(body.merging(more) { usual, given in given }))
    }

    /// The consent page of a flow: the code and state that come back.
    func consent(_ begun: Reply) throws -> (code: String, state: String) {
        let url = try #require(begun["authorization_url"]?.text, "\(begun.text)")
        let page = try Browser().get(url)
        let back = SimRequest("GET", try #require(page.location, "\(page)"))
        return (try #require(back.query("code"), "\(back)"), try #require(back.query("state")))
    }

    /// What the bridge sends to finish.
    func finish(_ code: String, _ state: String) throws -> Reply {
        try stand.broker(
            "POST", "\(path)/oauth/callback",
            ["code": .string(code), "state": .string(state), "browser_binding": .string(Self.binding)])
    }

    /// A whole flow, to the answer of the last call.
    func flow(_ purpose: String = "install") throws -> Reply {
        let (code, state) = try consent(try begin(purpose))
        return try finish(code, state)
    }

    // MARK: - Tokens

    func access(_ leg: String) throws -> Reply {
        try stand.broker("POST", "\(path)/access", ["as": .string(leg), "deliver": "token"])
    }

    /// Whether the platform takes a token now.
    func works(_ token: String, as leg: String) throws -> Bool {
        let (method, path) =
            switch platform {
            case "slack": ("POST", "/api/auth.test")
            case "genesys": ("GET", "/genesys/mypurecloud.ie/api/api/v2/\(leg == "app" ? "tokens/me" : "users/me")")
            default:
                ("GET", "/\(platform)/open-apis/\(leg == "user" ? "authen/v1/user_info" : "bot/v3/info")")
            }
        let answer = try HTTPClient().perform(
            HTTPClient.Request(method, sim.base + path, headers: [.init("Authorization", "Bearer \(token)")]))
        let body = JSON(bytes: answer.body)
        return platform == "genesys" ? answer.status == 200 : body?["ok"] == true || body?["code"] == 0
    }

    /// Makes every later answer of a call carry these changes, or be spoiled in one of the simulation's ways.
    func fault(_ call: String, _ fault: String, times: Int64 = 0) throws {
        try sim.control(
            "POST", "faults",
            [
                "match": .string("\(platform):\(call)"), "fault": .string(fault), "times": .integer(times),
                "retry_after": 1,
            ])
    }

    func heal() throws { try sim.control("DELETE", "faults") }
}

extension JSON {
    var count: Int { if case .array(let items) = self { items.count } else { 0 } }
}
