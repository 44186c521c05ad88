import FoundationEssentials
import Rules

/// Lark or Feishu: the same protocol on separate hosts, and no app of one known to the other (platforms, 0.3).
struct LarkWorld: PlatformWorld {
    let brand: Platform
    var mint: Mint
    private(set) var registered: [String: LarkApp] = [:]
    private var order: [String] = []
    var tokens: [String: LarkToken] = [:]
    var messages: [JSON] = []

    /// `brand` is Lark or Feishu.
    init(_ brand: Platform, mint: Mint) {
        self.brand = brand
        self.mint = mint
    }

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
    /// `/lark/accounts/open-apis/`. An app's id in the path is left out of the name.
    func call(for path: String) -> String? {
        for prefix in ["/\(brand.rawValue)/open-apis/", "/\(brand.rawValue)/accounts/open-apis/"] {
            guard path.hasPrefix(prefix), path.utf8.count <= 300 else { continue }
            let parts = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
            return parts.filter { !$0.hasPrefix("cli_") }.joined(separator: ".")
        }
        return nil
    }

    mutating func answer(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        switch call {
        case "auth.v3.tenant_access_token.internal", "auth.v3.app_access_token.internal":
            internalToken(request, call, at: now)
        default: .refused("not_found", .text("404 page not found", status: 404))
        }
    }

    func refuse(_ request: SimRequest, _ call: String, _ code: String) -> Outcome {
        guard let number = Int64(code) else { return Self.failure(2200, "internal error", status: 500) }
        return Self.failure(number, "a fault of the simulation")
    }

    func trouble(_ status: Int, retryAfter: Int64) -> SimAnswer {
        let code: Int64 = status == 429 ? 99_991_400 : status == 503 ? 20072 : 2200
        var answer = Self.failure(code, status == 429 ? "request trigger frequency limit" : "internal error").answer
        answer.status = status
        if status == 429 {
            answer.headers += [("x-ogw-ratelimit-limit", "1"), ("x-ogw-ratelimit-reset", String(retryAfter))]
        }
        if (300..<400).contains(status) { answer.headers.append(("Location", "https://lark.example/elsewhere")) }
        return answer
    }

    /// `{"code": …, "msg": …}` with status 200, as the older calls and the machine tokens do.
    static func failure(_ code: Int64, _ message: String, status: Int = 200, app: String? = nil) -> Outcome {
        .refused(String(code), .json(["code": .integer(code), "msg": .string(message)], status: status), app: app)
    }
}
