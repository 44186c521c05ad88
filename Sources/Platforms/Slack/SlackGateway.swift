package import Rules

extension Slack {
    /// The Web API method in a gateway path, such as `chat.postMessage`; nil when it is not the name of one.
    ///
    /// `^[a-zA-Z]+(\.[a-zA-Z]+)+$`: no slash, no digit, no percent sign, so the path cannot climb out of the API.
    package static func gatewayMethod(_ path: some StringProtocol) -> String? {
        guard path.utf8.count <= 100 else { return nil }
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        let letters = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
        }
        return letters && parts.count > 1 ? String(path) : nil
    }

    /// Methods no lease reaches, whatever its grant says: they hand out or end tokens behind the broker's back.
    package static func isReserved(_ method: String) -> Bool {
        let name = method.lowercased()
        return ["oauth.", "openid.", "tooling.", "apps.manifest."].contains { name.hasPrefix($0) }
            || ["auth.revoke", "apps.uninstall", "apps.connections.open"].contains(name)
    }

    /// A bridge's call with our token on it.
    ///
    /// - `path`: what follows the lease in the gateway's URL; `query`: after the `?`, as received.
    /// - Of the caller's headers only `Content-Type`, `Accept` and `Accept-Language` go on; `Authorization` and
    ///   cookies never do (design, section 6).
    /// - Throws `not_found` for what is no method name, `denied` for a reserved method, `method_not_allowed` for a
    ///   verb other than GET and POST, `bad_request` for a token of the caller's own in query or form.
    package func gatewayCall(
        path: some StringProtocol, verb: String, query: String = "", headers: [HeaderField], body: [UInt8],
        token: String
    ) throws(Problem) -> PlatformRequest {
        guard let method = Self.gatewayMethod(path) else {
            throw Problem(.notFound, "this is not the name of a Slack Web API method")
        }
        guard !Self.isReserved(method) else {
            throw Problem(.denied, "\(method) is not served through the gateway", advice: "use Postern's own calls")
        }
        guard verb == "GET" || verb == "POST" else {
            throw Problem(.methodNotAllowed, "Slack's Web API takes GET and POST")
        }
        for byte in query.utf8 where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") {
            throw Problem(.badRequest, "the query is not well formed")
        }
        let passed = headers.filter {
            ["content-type", "accept", "accept-language"].contains($0.name.lowercased())
                && $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0x80 }
        }
        let type = passed.first { $0.name.lowercased() == "content-type" }?.value.lowercased() ?? ""
        var names = Form.names(in: query)
        if type.hasPrefix("application/x-www-form-urlencoded") {
            names += Form.names(in: String(decoding: body, as: UTF8.self))
        }
        guard !names.contains("token") else {
            throw Problem(.badRequest, "a call through the gateway carries no token of its own")
        }
        return PlatformRequest(
            name: method, method: verb, url: "\(api)/\(method)\(query.isEmpty ? "" : "?\(query)")",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + passed, body: body, repeatable: false)
    }
}
