import FoundationEssentials

/// Any JSON value: for documents that are changed in places and otherwise given back as they came.
package enum JSONTree: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([JSONTree])
    case object([String: JSONTree])

    /// nil when `bytes` are not JSON.
    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(JSONTree.self, from: Data(bytes)) else { return nil }
        self = value
    }

    /// The member, or nil; setting makes objects on the way.
    package subscript(path: String...) -> JSONTree? {
        get {
            var here: JSONTree? = self
            for name in path {
                guard case .object(let members)? = here else { return nil }
                here = members[name]
            }
            return here
        }
        set { set(path[...], newValue) }
    }

    private mutating func set(_ path: ArraySlice<String>, _ value: JSONTree?) {
        guard let name = path.first else {
            self = value ?? .null
            return
        }
        var members: [String: JSONTree] = [:]
        if case .object(let found) = self { members = found }
        if path.count == 1 {
            members[name] = value
        } else {
            var member = members[name] ?? .object([:])
            member.set(path.dropFirst(), value)
            members[name] = member
        }
        self = .object(members)
    }

    /// The texts of a list of texts.
    package var texts: [String] {
        guard case .list(let items) = self else { return [] }
        return items.compactMap(\.string)
    }

    /// The text, where it is one.
    package var string: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    /// A list of texts.
    package init(texts: [String]) { self = .list(texts.map { .text($0) }) }

    /// As JSON text with sorted names; on several lines for eyes.
    package func encoded(pretty: Bool = false) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        guard let data = try? encoder.encode(self) else { return "null" }
        return String(decoding: data, as: UTF8.self)
    }
}

extension JSONTree: Codable {
    /// Any JSON value; throws what the decoder throws.
    package init(from decoder: any Decoder) throws {
        if let keyed = try? decoder.container(keyedBy: Name.self) {
            var members: [String: JSONTree] = [:]
            for name in keyed.allKeys { members[name.stringValue] = try keyed.decode(JSONTree.self, forKey: name) }
            self = .object(members)
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var items: [JSONTree] = []
            while !list.isAtEnd { items.append(try list.decode(JSONTree.self)) }
            self = .list(items)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? single.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? single.decode(Double.self) {
            self = .number(value)
        } else {
            self = .text(try single.decode(String.self))
        }
    }

    /// The value as it was read; throws what the encoder throws.
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: Name.self)
            for (name, value) in members { try container.encode(value, forKey: Name(stringValue: name)) }
        case .list(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(item) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .integer(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .number(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .text(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension JSONTree: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByDictionaryLiteral {
    /// A text.
    package init(stringLiteral value: String) { self = .text(value) }
    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An object; of a name that is there twice the last value counts.
    package init(dictionaryLiteral elements: (String, JSONTree)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
