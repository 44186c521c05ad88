import Rules

extension Genesys {
    /// The name a lease's methods know a call by: verb and path, such as
    /// `POST api/v2/conversations/messages/7f1c…/inbound/open/message`, which a grant may write with `*` for a segment;
    /// nil for what is no path of the API.
    ///
    /// No percent sign, no empty segment, no dots alone: the path cannot climb out of `api/v2/`.
    static func gatewayMethod(_ path: String, _ verb: String) -> String? {
        guard path.utf8.count <= 500, verbs.contains(verb) else { return nil }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count > 2, segments[0] == "api", segments[1] == "v2", segments.allSatisfy(isSegment) else {
            return nil
        }
        return "\(verb) \(path)"
    }

    /// Paths no lease reaches, whatever its grant says: they make, end or show credentials behind the broker's back.
    static func isReserved(_ path: String) -> Bool {
        let path = path.lowercased() + "/"
        return ["api/v2/tokens/", "api/v2/oauth/"].contains { path.hasPrefix($0) }
    }

    /// A bridge's call with our token on it: see `Dialect.gatewayCall`.
    func passed(_ call: GatewayRequest, token: String, base: String) throws(Problem) -> PlatformRequest {
        guard Self.verbs.contains(call.verb) else {
            throw Problem(.methodNotAllowed, "Genesys Cloud's API takes \(Self.verbs.joined(separator: ", "))")
        }
        guard let method = Self.gatewayMethod(call.path, call.verb) else {
            throw Problem(.notFound, "this is not a path of Genesys Cloud's API, which begins with api/v2/")
        }
        guard !Self.isReserved(call.path) else {
            throw Problem(
                .denied, "calls about tokens and OAuth clients are not served through the gateway",
                advice: "use Postern's own calls")
        }
        for byte in call.query.utf8 where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") {
            throw Problem(.badRequest, "the query is not well formed")
        }
        guard !Form.names(in: call.query).contains("access_token") else {
            throw Problem(.badRequest, "a call through the gateway carries no token of its own")
        }
        let passed = call.headers.filter {
            ["content-type", "accept", "accept-language"].contains($0.name.lowercased())
                && $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0x80 }
        }
        return PlatformRequest(
            name: method, method: call.verb, url: "\(base)/\(call.path)\(call.query.isEmpty ? "" : "?\(call.query)")",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + passed, body: call.body, repeatable: false)
    }

    private static let verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

    private static func isSegment(_ text: Substring) -> Bool {
        !text.isEmpty && text != "." && text != ".."
            && text.utf8.allSatisfy { isAlphanumeric($0) || [UInt8]("-._~".utf8).contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
