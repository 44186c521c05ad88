/// The path of a platform's API call, normalised: what is matched against a lease is, letter for letter, what is sent.
///
/// There is no other way to one than `init(_:)`, and each path there is has one text only. Bytes that need no escape are
/// not escaped, all others are, in capital hex digits (RFC 3986, section 6.2.2); nothing is decoded twice.
package struct GatewayPath: Sendable, Equatable {
    /// Such as `chat.postMessage` or `im/v1/messages/om_1`; no slash at either end.
    package let text: String

    /// No path is longer, in bytes.
    package static let longest = 1024

    /// The segments, at least one, none of them empty.
    package var segments: [Substring] { text.split(separator: "/", omittingEmptySubsequences: false) }

    /// Reads a path as it was sent. Throws `bad_request` for whatever could mean another path to somebody: empty segments,
    /// dots alone, escaped slashes, backslashes, percent signs and controls, escapes that are none or no UTF-8,
    /// parameters after `;`, users before `@`, and any byte that may not stand in a path.
    package init(_ sent: String) throws(Problem) {
        guard (1...Self.longest).contains(sent.utf8.count) else {
            throw Problem(.badRequest, "the path has 1 to \(Self.longest) bytes")
        }
        var text: [UInt8] = []
        var segment: [UInt8] = []
        var rest = Array(sent.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "/"):
                try Self.append(&segment, to: &text)
                text.append(byte)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit)
                else { throw Self.odd }
                segment.append(high << 4 | low)
            case _ where Self.isPlain(byte): segment.append(byte)
            default: throw Self.odd
            }
        }
        try Self.append(&segment, to: &text)
        self.text = String(decoding: text, as: UTF8.self)
    }

    /// Writes one decoded segment down in its one way.
    private static func append(_ segment: inout [UInt8], to text: inout [UInt8]) throws(Problem) {
        guard segment.contains(where: { $0 != UInt8(ascii: ".") }), String(validating: segment, as: UTF8.self) != nil
        else { throw odd }
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in segment {
            switch byte {
            // Someone behind us may decode once more, or take the one for the other.
            case 0..<0x20, 0x7F, UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: ";"):
                throw odd
            case _ where isPlain(byte): text.append(byte)
            default: text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        segment = []
    }

    /// Unreserved bytes (RFC 3986, section 2.3), and those that platforms have in ids and ranges as they are.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~:!,=".utf8.contains(byte)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static let odd = Problem(
        .badRequest, "the path is not one that can be sent on safely",
        advice: "send the platform's API path plainly, such as chat.postMessage or im/v1/messages")
}
