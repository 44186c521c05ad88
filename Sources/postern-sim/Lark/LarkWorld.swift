import FoundationEssentials
import Rules

/// Lark or Feishu: the same protocol on separate hosts, and no app of one known to the other (platforms, 0.3).
struct LarkWorld: PlatformWorld {
    let brand: Platform
    /// Whether paths without the brand's name are this brand's too: the vendor's own clients take only an origin.
    let isAtRoot: Bool
    var mint: Mint
    private(set) var registered: [String: LarkApp] = [:]
    private var order: [String] = []
    var tokens: [String: LarkToken] = [:]
    /// The value of the newest machine token of an app and tenant.
    var newest: [String: String] = [:]
    var codes: [String: LarkCode] = [:]
    var refreshes: [String: LarkRefresh] = [:]
    /// What people granted so far, by app and person.
    var grants: [String: [String]] = [:]
    /// People who are frozen or have resigned.
    var people: [String: String] = [:]
    var messages: [JSON] = []

    /// `brand` is Lark or Feishu.
    init(_ brand: Platform, mint: Mint, isAtRoot: Bool) {
        self.brand = brand
        self.mint = mint
        self.isAtRoot = isAtRoot
    }

    var title: String { brand == .lark ? "Lark" : "Feishu" }
    var listed: [JSON] { order.compactMap { registered[$0]?.json } }
    var posted: [JSON] { messages }

    mutating func register(_ body: JSON, at now: Date) -> JSON? {
        let old = body["app_id"]?.text.flatMap { registered[$0] }
        guard let app = LarkApp(body, changing: old, &mint) else { return nil }
        if old == nil { order.append(app.appID) }
        registered[app.appID] = app
        return app.json
    }

    mutating func remove(app id: String) -> Bool {
        guard registered.removeValue(forKey: id) != nil else { return false }
        order.removeAll { $0 == id }
        tokens = tokens.filter { $0.value.appID != id }
        return true
    }

    mutating func change(_ id: String, _ body: (inout LarkApp) -> Void) {
        if var app = registered[id] {
            body(&app)
            registered[id] = app
        }
    }
}

extension LarkWorld {
    /// `/lark/open-apis/authen/v2/oauth/token` is `authen.v2.oauth.token`; the browser's page is below
    /// `/lark/accounts/open-apis/`. Ids of apps and messages are left out of the name.
    func call(for path: String) -> String? {
        let name = "/\(brand.rawValue)"
        for prefix in ["\(name)/open-apis/", "\(name)/accounts/open-apis/"] + (isAtRoot ? ["/open-apis/"] : []) {
            guard path.hasPrefix(prefix), path.utf8.count <= 300 else { continue }
            let parts = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
            return parts.filter { !$0.hasPrefix("cli_") && !$0.hasPrefix("om_") }.joined(separator: ".")
        }
        return nil
    }

    mutating func answer(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        switch call {
        case "authen.v1.authorize": authorize(request, at: now)
        case "authen.v1.index": index(request, at: now)
        case "authen.v2.oauth.token": token(request, at: now)
        case "authen.v1.oidc.access_token", "authen.v1.oidc.refresh_access_token": oidc(request, call, at: now)
        case "auth.v3.tenant_access_token.internal", "auth.v3.app_access_token.internal", "auth.v3.app_access_token",
            "auth.v3.tenant_access_token", "auth.v3.app_ticket.resend":
            machine(request, call, at: now)
        default: api(request, call, at: now)
        }
    }

    /// The answer to a fault that names a code, as the call would put it: a page, the token endpoint's error, a limit
    /// with its headers, or `{code, msg}`.
    func refuse(_ request: SimRequest, _ call: String, _ code: String) -> Outcome {
        if call == "authen.v1.authorize" || call == "authen.v1.index" {
            guard let number = Int64(code) else { return deny(request) }
            return shown(number, nil)
        }
        let number = Int64(code) ?? 2200
        switch number {
        case 99_991_400, 99_991_403:
            var outcome = Self.failure(number, "request trigger frequency limit", status: 429)
            if number == 99_991_400 { outcome.answer.headers += Self.limit(1) }
            return outcome
        case 99_990_000...: return Self.error(number, "a fault of the simulation")
        default:
            return call == "authen.v2.oauth.token"
                ? Self.oauthFailure(number) : Self.failure(number, "a fault of the simulation")
        }
    }

    func trouble(_ status: Int, retryAfter: Int64) -> SimAnswer {
        let code: Int64 = status == 429 ? 99_991_400 : status == 503 ? 20072 : 2200
        var answer = Self.failure(code, status == 429 ? "request trigger frequency limit" : "internal error").answer
        answer.status = status
        if status == 429 { answer.headers += Self.limit(retryAfter) }
        if (300..<400).contains(status) { answer.headers.append(("Location", "https://lark.example/elsewhere")) }
        return answer
    }

    private static func limit(_ seconds: Int64) -> [(name: String, value: String)] {
        [("x-ogw-ratelimit-limit", "1"), ("x-ogw-ratelimit-reset", String(seconds))]
    }

    /// `{"code": …, "msg": …}` with status 200, as the older calls and the machine tokens do.
    static func failure(_ code: Int64, _ message: String, status: Int = 200, app: String? = nil) -> Outcome {
        .refused(String(code), .json(["code": .integer(code), "msg": .string(message)], status: status), app: app)
    }
}
