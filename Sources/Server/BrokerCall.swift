import Rules

/// Everything a bridge can ask on broker.sock. Closed: what is not here does not exist.
enum BrokerCall {
    case health
    case openapi
    case selfInfo
    case apps
    case app(AppKey)
    case readSecret(AppKey, SecretKind)
    case access(AppKey)
    case renewLease(String)
    case endLease(String)
    case reportLease(String)
    case gateway(lease: String, path: String)
    case authorize(AppKey)
    case callback(AppKey)
    case installations(AppKey)
    case verifyWebhook(AppKey)
    case disconnect(AppKey, Int64)
    case links(AppKey, Int64)
    case link(AppKey, Int64)
    case unlink(AppKey, Int64, link: Int64)
    case watch

    /// Whether any peer may make it, as often as it likes.
    var isAnyones: Bool {
        switch self {
        case .health, .openapi: true
        default: false
        }
    }

    /// Whether its answer lasts as long as its connection.
    var isLong: Bool { if case .watch = self { true } else { false } }

    /// Reads method and path; nothing is decoded, since no name of ours needs escaping.
    init(method: String, path: String) throws(Problem) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.first == "v1" else { throw Self.unknown }
        let rest = parts.dropFirst()
        switch rest.first {
        case "health" where rest.count == 1: self = try Self.only("GET", method, .health)
        case "openapi.json" where rest.count == 1: self = try Self.only("GET", method, .openapi)
        case "self" where rest.count == 1: self = try Self.only("GET", method, .selfInfo)
        case "watch" where rest.count == 1: self = try Self.only("GET", method, .watch)
        case "apps" where rest.count == 1: self = try Self.only("GET", method, .apps)
        case "apps" where rest.count >= 3: self = try Self.app(method, Array(rest.dropFirst()))
        case "leases" where rest.count == 2:
            self = try Self.only("DELETE", method, .endLease(Names.lease(rest[rest.startIndex + 1])))
        case "leases" where rest.count == 3 && rest.last == "renew":
            self = try Self.only("POST", method, .renewLease(Names.lease(rest[rest.startIndex + 1])))
        case "leases" where rest.count == 3 && rest.last == "report":
            self = try Self.only("POST", method, .reportLease(Names.lease(rest[rest.startIndex + 1])))
        case "gateway" where rest.count >= 3:
            self = .gateway(
                lease: Names.lease(rest[rest.startIndex + 1]), path: rest.dropFirst(2).joined(separator: "/"))
        default: throw Self.unknown
        }
    }

    private static func app(_ method: String, _ parts: [Substring]) throws(Problem) -> BrokerCall {
        let key = try Names.app(parts[0], parts[1])
        switch (parts.count, parts.count > 2 ? parts[2] : "", parts.count > 3 ? parts[3] : "") {
        case (2, _, _): return try only("GET", method, .app(key))
        case (4, "secrets", let kind): return try only("GET", method, .readSecret(key, try Names.kind(kind)))
        case (3, "access", _): return try only("POST", method, .access(key))
        case (3, "installations", _): return try only("GET", method, .installations(key))
        case (4, "installations", let id):
            return try only("DELETE", method, .disconnect(key, try Names.number(id, "installation")))
        case (5, "installations", let id) where parts[4] == "links":
            let id = try Names.number(id, "installation")
            return method == "GET" ? .links(key, id) : try only("POST", method, .link(key, id))
        case (6, "installations", let id) where parts[4] == "links":
            return try only(
                "DELETE", method,
                .unlink(key, try Names.number(id, "installation"), link: try Names.number(parts[5], "link")))
        case (4, "webhooks", "verify"): return try only("POST", method, .verifyWebhook(key))
        case (4, "oauth", "authorize"): return try only("POST", method, .authorize(key))
        case (4, "oauth", "callback"): return try only("POST", method, .callback(key))
        default: throw unknown
        }
    }

    static func only(_ wanted: String, _ method: String, _ call: BrokerCall) throws(Problem) -> BrokerCall {
        guard method == wanted else {
            throw Problem(.methodNotAllowed, "this call takes \(wanted)", advice: "see GET /v1/openapi.json")
        }
        return call
    }

    static let unknown = Problem(.notFound, "there is no such call", advice: "see GET /v1/openapi.json")
}

/// Names as they stand in paths.
enum Names {
    static func app(_ platform: Substring, _ appID: Substring) throws(Problem) -> AppKey {
        guard let platform = Platform(rawValue: String(platform)) else {
            throw Problem(.badRequest, "there is no such platform", advice: "slack, lark, feishu or genesys")
        }
        guard let appID = AppID(appID) else { throw Problem(.badRequest, "this is not an App ID") }
        return AppKey(platform, appID)
    }

    static func kind(_ text: Substring) throws(Problem) -> SecretKind {
        guard let kind = SecretKind(rawValue: String(text)) else {
            throw Problem(
                .unknownKind, "there is no such kind of secret",
                advice: "one of " + SecretKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return kind
    }

    /// The id of a lease; whatever has not its shape is none, and is not repeated anywhere, since it could be a token.
    static func lease(_ text: some StringProtocol) -> String {
        let digits = text.dropFirst(3).utf8
        let fits =
            text.hasPrefix("ls_") && digits.count == 32
            && digits.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        return fits ? String(text) : "malformed"
    }

    static func slug(_ text: some StringProtocol, _ what: String) throws(Problem) -> Slug {
        guard let slug = Slug(text) else {
            throw Problem(.badRequest, "a \(what) is named by 1 to 63 of a-z, 0-9 and -")
        }
        return slug
    }

    static func number(_ text: some StringProtocol, _ what: String) throws(Problem) -> Int64 {
        guard let number = Int64(text), number > 0 else { throw Problem(.badRequest, "\(what) is a positive number") }
        return number
    }
}
