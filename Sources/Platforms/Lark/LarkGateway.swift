package import Rules

extension Lark {
    /// The name a lease's methods know a call by: verb and path below `/open-apis/`, such as `POST im/v1/messages`. The
    /// vendor's own clients begin with `open-apis/`, which is taken off.
    package func gatewayMethod(_ path: GatewayPath, verb: String) throws(Problem) -> String {
        "\(verb) \(try below(path, verb))"
    }

    /// A bridge's call with our token on it.
    package func gatewayCall(
        _ call: GatewayRequest, at path: GatewayPath, token: String, _ client: OAuthClient
    ) throws(Problem) -> PlatformRequest {
        let below = try below(path, call.verb)
        let query = try call.passedQuery(without: ["access_token", "tenant_access_token", "user_access_token"])
        return PlatformRequest(
            name: "\(call.verb) \(below)", method: call.verb, url: "\(open)/\(below)\(query)",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + (try call.passedHeaders()), body: call.body,
            repeatable: call.isSafe)
    }

    /// The path below `/open-apis/`.
    private func below(_ path: GatewayPath, _ verb: String) throws(Problem) -> String {
        var parts = path.segments
        if parts[0] == "open-apis" { parts.removeFirst() }
        guard parts.count > 1 else {
            throw Problem(.notFound, "this is not the path of a \(brand.title) API call, such as im/v1/messages")
        }
        let text = parts.joined(separator: "/")
        guard !Self.isReserved(text) else {
            throw Problem(
                .denied, "calls that make or end tokens, or change the app, are not served through the gateway",
                advice: "use Postern's own calls")
        }
        guard GatewayRequest.verbs.contains(verb) else {
            throw Problem(
                .methodNotAllowed,
                "\(brand.title)'s API takes \(GatewayRequest.verbs.joined(separator: ", "))")
        }
        return text
    }

    /// Paths no lease reaches, whatever its grant says: they hand out or end tokens behind the broker's back, or change
    /// the app itself.
    private static func isReserved(_ text: String) -> Bool {
        let path = text.lowercased() + "/"
        if path.hasPrefix("authen/"), !path.hasPrefix("authen/v1/user_info/") { return true }
        if ["auth/", "oauth/", "open-apis/", "passport/v1/sessions/"].contains(where: path.hasPrefix) { return true }
        return path.hasPrefix("application/") && (path.hasSuffix("/config/") || path.hasSuffix("/publish/"))
    }
}
