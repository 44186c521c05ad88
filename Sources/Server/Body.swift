import FoundationEssentials
import Platforms
import Rules
import Sealing

/// A JSON body as it came: members are taken out one by one, what is left over is an error.
struct Body {
    private var members: [String: JSONMember]

    init(_ bytes: Span<UInt8>) throws(Problem) {
        guard bytes.count > 0 else {
            members = [:]
            return
        }
        if let plain = JSONPlain.members(of: bytes) {
            members = Dictionary(minimumCapacity: plain.count)
            for (name, value) in plain { members[name] = JSONMember(value) }
            return
        }
        do {
            members = try JSONDecoder().decode([String: JSONMember].self, from: Data([UInt8](copying: bytes)))
        } catch {
            throw Problem(.malformedJSON, "the body is not a JSON object", advice: "send one JSON object in UTF-8")
        }
    }

    mutating func text(_ name: String) throws(Problem) -> String {
        guard let value = try optionalText(name) else { throw Problem(.malformedJSON, "the member \(name) is missing") }
        return value
    }

    mutating func optionalText(_ name: String) throws(Problem) -> String? {
        switch members.removeValue(forKey: name) {
        case nil, .null?: return nil
        case .text(let value)?: return value
        default: throw Problem(.malformedJSON, "the member \(name) must be text")
        }
    }

    mutating func optionalInt(_ name: String) throws(Problem) -> Int64? {
        switch members.removeValue(forKey: name) {
        case nil, .null?: return nil
        case .int(let value)?: return value
        default: throw Problem(.malformedJSON, "the member \(name) must be a whole number")
        }
    }

    mutating func bool(_ name: String, otherwise: Bool) throws(Problem) -> Bool {
        switch members.removeValue(forKey: name) {
        case nil, .null?: return otherwise
        case .bool(let value)?: return value
        default: throw Problem(.malformedJSON, "the member \(name) must be true or false")
        }
    }

    /// A list of text; a single text with spaces or commas, as OAuth writes scopes, is taken as a list too.
    mutating func texts(_ name: String) throws(Problem) -> [String]? {
        switch members.removeValue(forKey: name) {
        case nil, .null?: return nil
        case .text(let value)?: return value.split { $0 == " " || $0 == "," }.map(String.init)
        case .list(let values)?:
            var texts: [String] = []
            for value in values {
                guard case .text(let text) = value else {
                    throw Problem(.malformedJSON, "the member \(name) must be a list of text")
                }
                texts.append(text)
            }
            return texts
        default: throw Problem(.malformedJSON, "the member \(name) must be a list of text")
        }
    }

    mutating func textMembers(_ name: String) throws(Problem) -> [String: String] {
        switch members.removeValue(forKey: name) {
        case nil, .null?: return [:]
        case .object(let values)?:
            var texts: [String: String] = [:]
            for (key, value) in values {
                guard case .text(let text) = value else {
                    throw Problem(.malformedJSON, "the members of \(name) must be text")
                }
                texts[key] = text
            }
            return texts
        default: throw Problem(.malformedJSON, "the member \(name) must be an object")
        }
    }

    /// A list of objects, each to be taken apart like a body of its own; nil where there is none.
    mutating func objects(_ name: String) throws(Problem) -> [Body]? {
        switch members.removeValue(forKey: name) {
        case nil, .null?: return nil
        case .list(let values)?:
            var bodies: [Body] = []
            for value in values {
                guard case .object(let members) = value else {
                    throw Problem(.malformedJSON, "the member \(name) must be a list of objects")
                }
                bodies.append(Body(members: members))
            }
            return bodies
        default: throw Problem(.malformedJSON, "the member \(name) must be a list of objects")
        }
    }

    private init(members: [String: JSONMember]) { self.members = members }

    /// Nothing may be left: a member nobody reads is a mistake its sender should hear of.
    func end() throws(Problem) {
        // The name itself is the sender's text; only one of ours' shape is repeated.
        guard let name = members.keys.min() else { return }
        let plain = name.utf8.count <= 40 && name.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 }
        throw Problem(.malformedJSON, plain ? "there is no member \(name) in this call" : "a member is not known")
    }
}

/// What can stand in a body.
private enum JSONMember: Decodable {
    case null
    case bool(Bool)
    case int(Int64)
    case text(String)
    case list([JSONMember])
    case object([String: JSONMember])
    case other

    init(_ plain: JSONPlain) {
        switch plain {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .text(let value): self = .text(value)
        case .texts(let values): self = .list(values.map(JSONMember.text))
        }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.singleValueContainer() {
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(String.self) {
                // What is asked for most comes first: each wrong guess costs an error with a text of its own.
                self = .text(value)
            } else if let value = try? container.decode([JSONMember].self) {
                self = .list(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .int(value)
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode([String: JSONMember].self) {
                self = .object(value)
            } else {
                self = .other
            }
            return
        }
        self = .other
    }
}
