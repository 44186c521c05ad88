import FoundationEssentials

/// Genesys Cloud: OAuth clients of organisations, each in its own region.
struct GenesysWorld: PlatformWorld {
    var mint: Mint
    private var order: [String] = []
    private var apps: [String: GenesysApp] = [:]
    var codes: [String: GenesysCode] = [:]
    var tokens: [String: GenesysToken] = [:]
    var refreshes: [String: GenesysRefresh] = [:]
    var messages: [JSON] = []
    /// When each client's minute began, and how often it has asked for a token since.
    var minutes: [String: (began: Date, count: Int64)] = [:]

    init(mint: Mint) { self.mint = mint }

    var listed: [JSON] { order.compactMap { apps[$0]?.json } }

    var posted: [JSON] { messages }

    /// Each region knows its own clients only (platforms, 4.3).
    func find(_ clientID: String, in region: String) -> GenesysApp? {
        apps[clientID].flatMap { $0.region == region ? $0 : nil }
    }

    mutating func register(_ body: JSON, at now: Date) -> JSON? {
        let id = body["app_id"]?.text ?? body["client_id"]?.text
        guard let app = GenesysApp(body, changing: id.flatMap { apps[$0] }, &mint) else { return nil }
        if apps[app.clientID] == nil { order.append(app.clientID) }
        apps[app.clientID] = app
        if app.state != "active" { end(client: app.clientID) }
        return app.json
    }

    mutating func remove(app id: String) -> Bool {
        guard apps.removeValue(forKey: id) != nil else { return false }
        order.removeAll { $0 == id }
        end(client: id)
        return true
    }

    /// Whether a stopped client's tokens die is not known; here they do (platforms, 4.5).
    private mutating func end(client id: String) {
        tokens = tokens.filter { $0.value.clientID != id }
        refreshes = refreshes.filter { $0.value.clientID != id }
    }
}

/// A path below `/genesys/`: a region, the login host or the API, and what follows.
struct GenesysPath {
    let region: String
    let isLogin: Bool
    /// Without slashes around it; for the API what stands after `api/v2/`.
    let rest: [String]

    init?(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        guard parts.count > 3, parts[0] == "genesys", !parts.contains("") else { return nil }
        region = parts[1]
        isLogin = parts[2] == "login"
        if isLogin {
            rest = Array(parts[3...])
        } else {
            guard parts.count > 5, parts[2] == "api", parts[3] == "api", parts[4] == "v2" else { return nil }
            rest = Array(parts[5...])
        }
    }

    /// Such as `oauth.token`, `tokens.me` or `conversations.messages.{id}.inbound.open.message`.
    var call: String {
        rest.map { $0.utf8.count == 36 && $0.split(separator: "-").count == 5 ? "{id}" : $0 }.joined(separator: ".")
    }
}

extension GenesysWorld {
    func call(for path: String) -> String? {
        guard let found = GenesysPath(path), path.utf8.count <= 300 else { return nil }
        guard !found.isLogin || ["oauth.token", "oauth.authorize"].contains(found.call) else { return nil }
        return found.call
    }

    mutating func answer(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        guard let path = GenesysPath(request.path) else { return Self.failure("not.found", status: 404) }
        guard path.isLogin else { return self.call(request, path, at: now) }
        return call == "oauth.token" ? token(request, path.region, at: now) : authorize(request, path.region, at: now)
    }

    /// `error:CODE`: the token endpoint's codes as they are, the API's with `_` for `.`.
    func refuse(_ request: SimRequest, _ call: String, _ code: String) -> Outcome {
        switch call {
        case "oauth.token": return Self.oauthFailure(code, "authentication failed")
        case "oauth.authorize": return deny(request, code)
        default:
            let code = code.replacing("_", with: ".")
            let status =
                switch code {
                case "bad.credentials", "authentication.required", "no.authentication.bearer.token": 401
                case "not.found": 404
                case "too.many.requests": 429
                case "internal.server.error": 500
                case "service.unavailable": 503
                case "authentication.request.timeout": 504
                default: code.hasPrefix("not.auth") || code.hasPrefix("missing.") ? 403 : 400
                }
            return Self.failure(code, status: status)
        }
    }

    func trouble(_ status: Int, retryAfter: Int64) -> SimAnswer {
        let code =
            switch status {
            case 429: "too.many.requests"
            case 503: "service.unavailable"
            case 500...: "internal.server.error"
            default: "bad.request"
            }
        var answer = Self.failure(code, status: status).answer
        if status == 429 { answer.headers += Self.limits(count: 301, allowed: 300, reset: retryAfter) }
        if status == 503 { answer.headers.append(("Retry-After", String(retryAfter))) }
        if (300..<400).contains(status) { answer.headers.append(("Location", "https://genesys.example/elsewhere")) }
        return answer
    }

    /// The headers of platforms 4.9.
    static func limits(count: Int64, allowed: Int64, reset: Int64) -> [(name: String, value: String)] {
        [
            ("Retry-After", String(reset)), ("inin-ratelimit-count", String(count)),
            ("inin-ratelimit-allowed", String(allowed)), ("inin-ratelimit-reset", String(reset)),
        ]
    }

    /// The API's `ErrorBody` (platforms, 4.6).
    static func failure(
        _ code: String, status: Int, _ message: String = "a refusal of the simulation", app: String? = nil,
        token: String? = nil
    ) -> Outcome {
        let body: JSON = [
            "message": .string(message), "code": .string(code), "status": .integer(Int64(status)),
            "contextId": "fa4e0000-0000-4000-8000-00000000c0de", "details": [], "errors": [],
        ]
        return .refused(code, .json(body, status: status), app: app, token: token)
    }

    /// The token endpoint's; the status of `invalid_client` is not known (platforms, 7, item 20), so both occur.
    static func oauthFailure(_ code: String, _ description: String, app: String? = nil) -> Outcome {
        let status = code == "invalid_client" && description == "authentication failed" ? 401 : 400
        let body: JSON = [
            "error": .string(code), "description": .string(description), "error_description": .string(description),
        ]
        return .refused(code, .json(body, status: status), app: app)
    }
}
