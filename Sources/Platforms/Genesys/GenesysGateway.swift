package import Rules

extension Genesys {
    /// The name a lease's methods know a call by: verb and path, such as
    /// `POST api/v2/conversations/messages/7f1c…/inbound/open/message`, which a grant may write with `*` for a segment.
    package func gatewayMethod(_ path: GatewayPath, verb: String) throws(Problem) -> String {
        let segments = path.segments
        guard segments.count > 2, segments[0] == "api", segments[1] == "v2", path.text.utf8.count <= 500 else {
            throw Problem(.notFound, "this is not a path of Genesys Cloud's API, which begins with api/v2/")
        }
        guard !Self.isReserved(path.text) else {
            throw Problem(
                .denied, "calls about tokens and OAuth clients are not served through the gateway",
                advice: "use Postern's own calls")
        }
        guard GatewayRequest.verbs.contains(verb) else {
            throw Problem(
                .methodNotAllowed,
                "Genesys Cloud's API takes \(GatewayRequest.verbs.joined(separator: ", "))")
        }
        return "\(verb) \(path.text)"
    }

    /// A call below `/api/v2/` of the client's region, with our token on it. Throws `bad_request` for an unknown region,
    /// else as `gatewayMethod`.
    package func gatewayCall(
        _ call: GatewayRequest, at path: GatewayPath, token: String, _ client: OAuthClient
    ) throws(Problem) -> PlatformRequest {
        try check(client)
        let method = try gatewayMethod(path, verb: call.verb)
        let query = try call.passedQuery(without: ["access_token"])
        return PlatformRequest(
            name: method, method: call.verb, url: "\(apiBase(of: client))/\(path.text)\(query)",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + (try call.passedHeaders()), body: call.body,
            repeatable: call.isSafe)
    }

    /// Paths no lease reaches, whatever its grant says: they make, end or show credentials behind the broker's back.
    static func isReserved(_ path: String) -> Bool {
        let path = path.lowercased() + "/"
        return ["api/v2/tokens/", "api/v2/oauth/"].contains { path.hasPrefix($0) }
    }
}
