import Errands
import Rules

/// Which question a browser's request is, if it is one.
enum Route {
    /// For the keeper.
    case ask(CallbackRequest)
    /// Answered here.
    case page(Page)

    /// The two addresses of an app, as they stand in the customers' guides.
    ///
    /// - Parameters:
    ///   - path: as sent, not decoded; platform and App ID need no escapes.
    ///   - query: names and values, decoded.
    ///   - cookies: the values of all `Cookie` fields.
    init(
        method: String, path: String, query: [(name: String, value: String)], cookies: [String], address: String
    ) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].isEmpty, parts[1] == "thirdparty", parts[4] == "oauth2",
            let platform = Platform(rawValue: String(parts[2])), let appID = AppID(parts[3]),
            let kind = CallbackRequest.Kind(rawValue: String(parts[5]))
        else {
            self = .page(.notFound)
            return
        }
        guard method == "GET" else {
            self = .page(.wrongMethod)
            return
        }
        var request = CallbackRequest(
            kind: kind, platform: platform.rawValue, appID: appID.value, cookies: Self.ours(in: cookies),
            address: address)
        guard Self.fill(&request, from: query) else {
            self = .page(Page(CallbackPage(.failed)))
            return
        }
        self = .ask(request)
    }

    /// Where the browser sends the cookie back to.
    static func cookiePath(_ request: CallbackRequest) -> String {
        "/thirdparty/\(request.platform)/\(request.appID)/oauth2"
    }

    /// False when a field is there twice (RFC 6749, section 3.1) or longer than any platform's.
    private static func fill(_ request: inout CallbackRequest, from query: [(name: String, value: String)]) -> Bool {
        for (name, value) in query {
            let (field, limit): (WritableKeyPath<CallbackRequest, String?>, Int)
            switch name {
            case "code": (field, limit) = (\.code, 4096)
            case "state": (field, limit) = (\.state, 512)
            case "error": (field, limit) = (\.error, 128)
            default: continue
            }
            guard request[keyPath: field] == nil, value.utf8.count <= limit else { return false }
            request[keyPath: field] = value
        }
        return true
    }

    /// The cookies the keeper may have set, out of all a browser sent (RFC 6265, section 5.4).
    private static func ours(in fields: [String]) -> [String: String] {
        var found: [String: String] = [:]
        for field in fields {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard found.count < 16, let equals = pair.firstIndex(of: "=") else { continue }
                let (name, value) = (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
                guard name.hasPrefix(CallbackCookie.prefix), name.utf8.count <= 64, value.utf8.count <= 256 else {
                    continue
                }
                found[name] = value
            }
        }
        return found
    }
}
