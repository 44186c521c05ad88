import Rules

/// A bridge's call on its way through the gateway.
package struct GatewayRequest: Sendable {
    /// What follows the lease in the URL, as received.
    package let path: String
    package let verb: String
    /// After the `?`, as received.
    package let query: String
    package let headers: [HeaderField]
    package var body: [UInt8]

    /// Every field as given.
    package init(path: String, verb: String, query: String = "", headers: [HeaderField], body: [UInt8]) {
        self.path = path
        self.verb = verb
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The first header of that name, in any case of letters.
    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// The methods a call may have; those a platform does not know it refuses itself.
    package static let verbs = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

    /// Whether sending it twice does no harm (RFC 9110, section 9.2.2, less what deletes or puts: an answer that was lost
    /// may have been followed by somebody else's change).
    package var isSafe: Bool { ["GET", "HEAD", "OPTIONS"].contains(verb) }

    /// What goes on of the caller's headers: a list, so that nothing of the caller's credentials, cookies, connection
    /// (RFC 9110, section 7.6.1) or proxies does, named or not.
    ///
    /// Throws `bad_request` for a compressed body, which nobody here could look into.
    func passedHeaders() throws(Problem) -> [HeaderField] {
        guard header("content-encoding").map({ $0.lowercased() == "identity" }) ?? true else {
            throw Problem(.badRequest, "a compressed body cannot be sent through the gateway")
        }
        return headers.filter {
            Self.passed.contains($0.name.lowercased())
                && $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0x80 }
        }
    }

    private static let passed: Set<String> = [
        "content-type", "accept", "accept-language", "user-agent", "if-match", "if-none-match", "if-modified-since",
        "if-unmodified-since",
    ]

    /// The query with its question mark, as received; empty where there is none. Throws `bad_request` for what no query
    /// may have, and for a token of the caller's own by one of these names.
    func passedQuery(without names: Set<String>) throws(Problem) -> String {
        for byte in query.utf8 where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") {
            throw Problem(.badRequest, "the query is not well formed")
        }
        guard names.isDisjoint(with: Form.names(in: query)) else { throw Self.ownToken }
        return query.isEmpty ? "" : "?\(query)"
    }

    /// A platform that also takes a token as a form's field would take the caller's before ours.
    func requireNoToken(inFormAs name: String) throws(Problem) {
        let type = (header("content-type") ?? "").lowercased()
        if type.hasPrefix("application/x-www-form-urlencoded") {
            guard !Form.names(in: String(decoding: body, as: UTF8.self)).contains(name) else { throw Self.ownToken }
        } else if type.hasPrefix("multipart/") {
            let text = String(decoding: body, as: UTF8.self).utf8
            for sign in ["name=\"\(name)\"", "name=\(name)\r", "name=\(name);", "name='\(name)'"] {
                guard !Self.contains(text, Array(sign.utf8)) else { throw Self.ownToken }
            }
        }
    }

    private static func contains(_ text: String.UTF8View, _ sign: [UInt8]) -> Bool {
        var rest = text[...]
        while let at = rest.firstIndex(of: sign[0]) {
            rest = rest[at...]
            if rest.starts(with: sign) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private static let ownToken = Problem(.badRequest, "a call through the gateway carries no token of its own")
}
