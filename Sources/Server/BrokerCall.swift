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
        var segments = Segments(path)
        // Nothing stands before the first slash (RFC 9112, section 3.2.1).
        guard segments.next() == "", segments.next() == "v1" else { throw Self.unknown }
        switch segments.next() {
        case "health" where segments.isOver: self = try Self.only("GET", method, .health)
        case "openapi.json" where segments.isOver: self = try Self.only("GET", method, .openapi)
        case "self" where segments.isOver: self = try Self.only("GET", method, .selfInfo)
        case "watch" where segments.isOver: self = try Self.only("GET", method, .watch)
        case "apps" where segments.isOver: self = try Self.only("GET", method, .apps)
        case "apps": self = try Self.app(method, &segments)
        case "leases":
            guard let id = segments.next() else { throw Self.unknown }
            let verb = segments.next()
            switch verb {
            case _ where !segments.isOver: throw Self.unknown
            case nil: self = try Self.only("DELETE", method, .endLease(Names.lease(id)))
            case "renew": self = try Self.only("POST", method, .renewLease(Names.lease(id)))
            case "report": self = try Self.only("POST", method, .reportLease(Names.lease(id)))
            default: throw Self.unknown
            }
        case "gateway":
            guard let id = segments.next(), let rest = segments.rest else { throw Self.unknown }
            self = .gateway(lease: Names.lease(id), path: String(rest))
        default: throw Self.unknown
        }
    }

    private static func app(_ method: String, _ segments: inout Segments) throws(Problem) -> BrokerCall {
        guard let platform = segments.next(), let appID = segments.next() else { throw unknown }
        let key = try Names.app(platform, appID)
        let what = segments.next()
        let name = segments.next()
        let part = segments.next()
        let last = segments.next()
        guard segments.isOver else { throw unknown }
        switch (what, name, part, last) {
        case (nil, _, _, _): return try only("GET", method, .app(key))
        case ("secrets", let kind?, nil, _): return try only("GET", method, .readSecret(key, try Names.kind(kind)))
        case ("access", nil, _, _): return try only("POST", method, .access(key))
        case ("installations", nil, _, _): return try only("GET", method, .installations(key))
        case ("installations", let id?, nil, _):
            return try only("DELETE", method, .disconnect(key, try Names.number(id, "installation")))
        case ("installations", let id?, "links", nil):
            let id = try Names.number(id, "installation")
            return method == "GET" ? .links(key, id) : try only("POST", method, .link(key, id))
        case ("installations", let id?, "links", let link?):
            return try only(
                "DELETE", method,
                .unlink(key, try Names.number(id, "installation"), link: try Names.number(link, "link")))
        case ("webhooks", "verify", nil, _): return try only("POST", method, .verifyWebhook(key))
        case ("oauth", "authorize", nil, _): return try only("POST", method, .authorize(key))
        case ("oauth", "callback", nil, _): return try only("POST", method, .callback(key))
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

/// What stands between the slashes of a path, one after the other: every call has one, so no list is made.
private struct Segments {
    /// What has not been taken; nil when all has.
    private(set) var rest: Substring?

    init(_ path: String) { rest = path[...] }

    var isOver: Bool { rest == nil }

    mutating func next() -> Substring? {
        guard let text = rest else { return nil }
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            rest = nil
            return text
        }
        rest = text[text.utf8.index(after: slash)...]
        return text[..<slash]
    }
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
