import FoundationEssentials

/// Query strings and form bodies (WHATWG URL, application/x-www-form-urlencoded), without a `+` for space, so that the
/// same text is right in both places.
enum Form {
    /// `name=value` pairs, percent-encoded, in their order.
    static func encode(_ pairs: [(String, String)]) -> String {
        pairs.map { "\(escape($0.0))=\(escape($0.1))" }.joined(separator: "&")
    }

    static func escape(_ text: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default:
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The decoded names of the pairs in `text`; a name that cannot be decoded is returned as it is.
    static func names(in text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let raw = String(decoding: pair.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            return decode(raw) ?? raw
        }
    }

    /// The first values of these names in a body, decoded; what cannot be decoded is left out.
    static func values(_ names: Set<String>, in body: [UInt8]) -> [String: String] {
        var found: [String: String] = [:]
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let name = String(decoding: pair.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            guard names.contains(name), found[name] == nil else { continue }
            found[name] = decode(String(decoding: pair.dropFirst(name.utf8.count + 1), as: UTF8.self))
        }
        return found
    }

    private static func decode(_ text: String) -> String? {
        var out: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
                continue
            }
            guard let high = bytes.next(), let low = bytes.next(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            out.append(value)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The `Authorization` value of HTTP Basic (RFC 7617).
    static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }
}
