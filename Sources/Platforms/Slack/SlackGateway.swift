package import Rules

extension Slack {
    /// Methods no lease reaches, whatever its grant says: they hand out or end tokens behind the broker's back.
    package static func isReserved(_ method: String) -> Bool {
        let name = method.lowercased()
        return ["oauth.", "openid.", "tooling.", "apps.manifest."].contains { name.hasPrefix($0) }
            || ["auth.revoke", "apps.uninstall", "apps.connections.open"].contains(name)
    }

    /// The Web API method in a gateway path, such as `chat.postMessage`, whatever the verb.
    ///
    /// `^[a-zA-Z]+(\.[a-zA-Z]+)+$`: no slash, no digit, so the path cannot climb out of the API.
    package func gatewayMethod(_ path: GatewayPath, verb: String) throws(Problem) -> String {
        let parts = path.text.split(separator: ".", omittingEmptySubsequences: false)
        let letters = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
        }
        guard letters, parts.count > 1, path.text.utf8.count <= 100 else {
            throw Problem(.notFound, "this is not the name of a Slack Web API method")
        }
        guard !Self.isReserved(path.text) else {
            throw Problem(
                .denied, "\(path.text) is not served through the gateway", advice: "use Postern's own calls")
        }
        guard ["GET", "POST", "HEAD", "OPTIONS"].contains(verb) else {
            throw Problem(.methodNotAllowed, "Slack's Web API takes GET and POST")
        }
        return path.text
    }

    /// A Web API call with the token on it; a token of the caller's own in query or form is refused.
    package func gatewayCall(
        _ call: GatewayRequest, at path: GatewayPath, token: String, _ client: OAuthClient
    ) throws(Problem) -> PlatformRequest {
        let method = try gatewayMethod(path, verb: call.verb)
        let query = try call.passedQuery(without: ["token"])
        try call.requireNoToken(inFormAs: "token")
        return PlatformRequest(
            name: method, method: call.verb, url: "\(api)/\(method)\(query)",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + (try call.passedHeaders()), body: call.body,
            repeatable: call.isSafe)
    }
}
