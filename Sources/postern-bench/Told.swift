import FoundationEssentials

/// A JSON value that somebody sent, for looking things up in; what is written is literal text with values quoted by
/// `quoted`.
enum Told: Decodable {
    case text(String)
    case number(Double)
    case truth(Bool)
    case list([Told])
    case object([String: Told])
    case nothing

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .nothing
        } else if let truth = try? container.decode(Bool.self) {
            self = .truth(truth)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([Told].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: Told].self))
        }
    }

    init?(_ bytes: [UInt8]) {
        guard let told = try? JSONDecoder().decode(Told.self, from: Data(bytes)) else { return nil }
        self = told
    }

    subscript(name: String) -> Told? {
        if case .object(let fields) = self { fields[name] } else { nil }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var isTrue: Bool { if case .truth(true) = self { true } else { false } }
    var number: Double? { if case .number(let number) = self { number } else { nil } }
    var list: [Told] { if case .list(let list) = self { list } else { [] } }

    /// A JSON string of this text.
    static func quoted(_ text: String) -> String {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
