/// One request as the simulation sees it.
struct SimRequest: Sendable {
    var method: String
    /// Without the query, not percent-decoded.
    var path: String
    /// Decoded, in order.
    var query: [(name: String, value: String)]
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    init(
        _ method: String, _ target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? FormText.pairs(in: String(parts[1])) : []
        self.headers = headers
        self.body = body
    }

    func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// Where the caller thinks we are; the base of URLs we hand out.
    var origin: String { "http://\(header("host") ?? "127.0.0.1")" }
}

/// What is sent back, and how much of it.
struct SimAnswer: Sendable {
    /// How the answer ends.
    enum Ending: Sendable {
        case whole
        /// The length of the whole is announced, half of it is sent, and the connection is closed.
        case half
        /// The connection is closed without an answer.
        case nothing
        /// The body does not end until the caller gives up.
        case never
        /// Half of the body comes at once, the rest half a second later.
        case pieces
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]
    var ending = Ending.whole

    static func json(_ value: JSON, status: Int = 200) -> SimAnswer {
        SimAnswer(
            status: status, headers: [("Content-Type", "application/json; charset=utf-8")], body: value.bytes)
    }

    static func text(_ text: String, status: Int = 200) -> SimAnswer {
        SimAnswer(status: status, headers: [("Content-Type", "text/plain; charset=utf-8")], body: [UInt8](text.utf8))
    }

    static func page(_ title: String, _ sentence: String, status: Int) -> SimAnswer {
        let html = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(title)</title></head>
            <body><h1>\(title)</h1><p>\(sentence)</p></body></html>

            """
        return SimAnswer(
            status: status, headers: [("Content-Type", "text/html; charset=utf-8")], body: [UInt8](html.utf8))
    }
}

/// application/x-www-form-urlencoded text (WHATWG URL).
enum FormText {
    static func pairs(in text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(String(halves[0])), halves.count > 1 ? decode(String(halves[1])) : "")
        }
    }

    static func decode(_ text: String) -> String {
        var out: [UInt8] = []
        var rest = [UInt8](text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                out.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), rest.count > 1,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    static func escape(_ text: String) -> String {
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            let character = Character(UnicodeScalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
