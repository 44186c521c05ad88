import FoundationEssentials
import Linux

/// A JSON answer written where it is made; absent members are left out, the order of members is kept by sorting.
indirect enum JSONValue: Encodable, Sendable, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
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

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: Name.self)
            for (name, value) in members {
                if case .absent = value { continue }
                try container.encode(value, forKey: Name(stringValue: name))
            }
        case .list(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(value) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let value): try container.encode(value)
            case .int(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            default: try container.encodeNil()
            }
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The bytes of an answer, the contract's version in every object.
    var bytes: [UInt8] {
        var value = self
        if case .object(var members) = value {
            members["schema"] = members["schema"] ?? 1
            value = .object(members)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return Array("{}".utf8) }
        return [UInt8](data)
    }
}
