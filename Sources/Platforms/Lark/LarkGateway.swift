package import Rules

extension Lark {
    /// The name a lease's methods know a call by: verb and path below `/open-apis/`, such as `POST im/v1/messages`; nil
    /// for what is no path of the API.
    package func gatewayMethod(path: String, verb: String) -> String? {
        guard Self.verbs.contains(verb), let path = LarkPath(path) else { return nil }
        return "\(verb) \(path.text)"
    }

    /// A bridge's call with our token on it.
    ///
    /// Of the caller's headers only `Content-Type`, `Accept` and `Accept-Language` go on; `Authorization` and cookies
    /// never do (design, section 6).
    package func gatewayCall(
        _ call: GatewayRequest, token: String, _ client: OAuthClient
    ) throws(Problem) -> PlatformRequest {
        guard Self.verbs.contains(call.verb) else {
            throw Problem(.methodNotAllowed, "\(brand.title)'s API takes \(Self.verbs.joined(separator: ", "))")
        }
        guard let path = LarkPath(call.path) else {
            throw Problem(.notFound, "this is not the path of a \(brand.title) API call, such as im/v1/messages")
        }
        guard !path.isReserved else {
            throw Problem(
                .denied, "calls that make or end tokens, or change the app, are not served through the gateway",
                advice: "use Postern's own calls")
        }
        for byte in call.query.utf8 where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") {
            throw Problem(.badRequest, "the query is not well formed")
        }
        let passed = call.headers.filter {
            ["content-type", "accept", "accept-language"].contains($0.name.lowercased())
                && $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0x80 }
        }
        return PlatformRequest(
            name: "\(call.verb) \(path.text)", method: call.verb,
            url: "\(open)/\(path.text)\(call.query.isEmpty ? "" : "?\(call.query)")",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + passed, body: call.body, repeatable: false)
    }

    private static let verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
}

/// The path of an API call below `/open-apis/`, looked at once: what is decided about is what is sent.
struct LarkPath: Sendable, Equatable {
    /// Such as `im/v1/messages`.
    let text: String

    /// nil for whatever could mean another path to somebody: empty segments, dots alone, percent signs, anything but
    /// letters, digits, `_`, `-` and `.`. The vendor's own clients begin with `open-apis/`, which is taken off.
    init?(_ path: String) {
        guard path.utf8.count <= 512 else { return nil }
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.first == "open-apis" { parts.removeFirst() }
        guard parts.count > 1, parts.allSatisfy(Self.isSegment) else { return nil }
        text = parts.joined(separator: "/")
    }

    /// Paths no lease reaches, whatever its grant says: they hand out or end tokens behind the broker's back, or change
    /// the app itself.
    var isReserved: Bool {
        let path = text.lowercased() + "/"
        if path.hasPrefix("authen/"), !path.hasPrefix("authen/v1/user_info/") { return true }
        if ["auth/", "oauth/", "open-apis/", "passport/v1/sessions/"].contains(where: path.hasPrefix) { return true }
        return path.hasPrefix("application/") && (path.hasSuffix("/config/") || path.hasSuffix("/publish/"))
    }

    private static func isSegment(_ part: Substring) -> Bool {
        !part.isEmpty && part.utf8.contains { $0 != UInt8(ascii: ".") }
            && part.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: [UInt8]("_-.".utf8).contains(byte)
                }
            }
    }
}
