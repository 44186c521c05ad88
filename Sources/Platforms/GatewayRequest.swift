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
    /// The body is too large to be here, and is passed on unseen.
    package var isBodyElsewhere = false

    /// Every field as given; the body is here.
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
    /// Throws `bad_request` for a compressed body, which nobody here could look into, and for two fields of which the
    /// platform may believe the other one (RFC 9110, section 5.3: neither is a list).
    func passedHeaders() throws(Problem) -> [HeaderField] {
        for name in ["content-type", "content-encoding"] {
            guard headers.count(where: { $0.name.lowercased() == name }) < 2 else {
                throw Problem(.badRequest, "a call has one \(name) at most")
            }
        }
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
            guard !isBodyElsewhere else {
                throw Problem(
                    .tooLarge, "this platform takes a token in a form, and a form this large cannot be looked through",
                    advice: "send it in parts of at most 1 MiB, or as JSON")
            }
            guard !Self.isNamed(name, in: body) else { throw Self.ownToken }
        }
    }

    /// Whether a part of a multipart body may be read as being of this name (RFC 7578, section 4.2; RFC 2231 for `name*`),
    /// in any spelling a lenient reader might take.
    private static func isNamed(_ name: String, in body: [UInt8]) -> Bool {
        func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        func isWord(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(lower(byte)) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
        }
        let (key, wanted) = (Array("name".utf8), Array(name.utf8))
        var at = 0
        while let found = body[at...].firstIndex(where: { lower($0) == key[0] }) {
            at = found + 1
            var rest = body[found...]
            guard found == 0 || !isWord(body[found - 1]), rest.prefix(key.count).map(lower) == key else { continue }
            rest = rest.dropFirst(key.count).drop { $0 == UInt8(ascii: "*") || " \t".utf8.contains($0) }
            guard rest.popFirst() == UInt8(ascii: "=") else { continue }
            // Quotation marks, backslashes and the charset of RFC 2231 may stand before and in it.
            let value = rest.prefix(256).prefix { !"\r\n;".utf8.contains($0) }.filter { !" \t\"\\".utf8.contains($0) }
                .map(lower)
            if value == wanted || value.split(separator: UInt8(ascii: "'")).last.map(Array.init) == wanted {
                return true
            }
        }
        return false
    }

    private static let ownToken = Problem(.badRequest, "a call through the gateway carries no token of its own")
}
