import Linux
import Sealing

/// A JSON answer written where it is made; absent members are left out, the order of members is kept by sorting.
indirect enum JSONValue: Sendable, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
    ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    case null
    case bool(Bool)
    case int(Int64)
    case text(String)
    case list([JSONValue])
    /// A member that is `absent` is left out.
    case object([String: JSONValue])
    case absent

    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(uniqueKeysWithValues: elements))
    }
    init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int64) { self = .int(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(nilLiteral: ()) { self = .null }

    /// The value, or nothing at all.
    static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.text) ?? .absent }
    static func optional(_ number: Int64?) -> JSONValue { number.map(JSONValue.int) ?? .absent }

    static func texts(_ list: [String]) -> JSONValue { .list(list.map(JSONValue.text)) }

    /// A moment, as RFC 3339 in UTC.
    static func time(_ milliseconds: Int64) -> JSONValue { .text(Clock.text(ofMilliseconds: milliseconds)) }
    static func time(_ milliseconds: Int64?) -> JSONValue { milliseconds.map(time) ?? .absent }

    /// Seconds left, never negative.
    static func left(until end: Int64, from now: Int64) -> JSONValue { .int(max(0, (end - now) / 1000)) }

    /// The bytes of an answer, the contract's version in every object.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        if case .object(var members) = self, members["schema"] == nil {
            members["schema"] = 1
            JSONValue.object(members).write(to: &bytes)
        } else {
            write(to: &bytes)
        }
        return bytes
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null, .absent: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .int(let value): bytes.append(contentsOf: String(value).utf8)
        case .text(let value): Self.write(value, to: &bytes)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                if case .absent = value { continue }
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                Self.write(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// In quotation marks, escaped as RFC 8259, section 7, wants it.
    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
            bytes.append(contentsOf: text.utf8)
        } else {
            bytes.append(contentsOf: SecretText.escapedJSON(text.utf8.span))
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
