/// The members of a small JSON object in which everything can be read in one way only: most bodies of calls.
///
/// What is not so simple, an escape, a fraction, an object within, a name twice, is left to Foundation, which takes
/// fifty allocations for the same. So is what has many members: each is compared with all before it.
package enum JSONPlain: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case text(String)
    case texts([String])

    /// More than any call has.
    static let most = 32

    /// Name and value of each member in order; nil where Foundation is to be asked, also for what is no JSON.
    package static func members(of text: Span<UInt8>) -> [(name: String, value: JSONPlain)]? {
        var members: [(name: String, value: JSONPlain)] = []
        members.reserveCapacity(8)
        let isPlain = JSONSkim.eachMember(of: text, in: 0..<text.count) { name, place in
            guard members.count < most, let name = JSONSkim.string(text, name),
                !members.contains(where: { $0.name == name }),
                let value = value(text, place)
            else { return false }
            members.append((name, value))
            return true
        }
        return isPlain ? members : nil
    }

    private static func value(_ text: Span<UInt8>, _ place: Range<Int>) -> JSONPlain? {
        switch text[place.lowerBound] {
        case UInt8(ascii: "\""): string(text, place).map(JSONPlain.text)
        case UInt8(ascii: "["): list(text, place).map(JSONPlain.texts)
        case UInt8(ascii: "-"), 0x30...0x39: number(text, place).map(JSONPlain.int)
        default: word(text, place)
        }
    }

    /// The text between the quotation marks at both ends of `place`.
    private static func string(_ text: Span<UInt8>, _ place: Range<Int>) -> String? {
        let inside = place.lowerBound + 1..<place.upperBound - 1
        return JSONSkim.isPlain(text, inside) ? JSONSkim.string(text, inside) : nil
    }

    /// A list of texts and of nothing else.
    private static func list(_ text: Span<UInt8>, _ place: Range<Int>) -> [String]? {
        var found: [String] = []
        var at = JSONSkim.space(text, place.lowerBound + 1, place.upperBound)
        if text[at] == UInt8(ascii: "]") { return at + 1 == place.upperBound ? found : nil }
        while at < place.upperBound {
            guard text[at] == UInt8(ascii: "\""), let end = JSONSkim.textEnd(text, at, place.upperBound),
                let value = string(text, at..<end)
            else { return nil }
            found.append(value)
            at = JSONSkim.space(text, end, place.upperBound)
            guard at < place.upperBound else { return nil }
            if text[at] == UInt8(ascii: "]") { return at + 1 == place.upperBound ? found : nil }
            guard text[at] == UInt8(ascii: ",") else { return nil }
            at = JSONSkim.space(text, at + 1, place.upperBound)
        }
        return nil
    }

    /// A whole number of at most eighteen digits, written as RFC 8259, section 6, wants it.
    private static func number(_ text: Span<UInt8>, _ place: Range<Int>) -> Int64? {
        let isNegative = text[place.lowerBound] == UInt8(ascii: "-")
        let digits = place.lowerBound + (isNegative ? 1 : 0)..<place.upperBound
        guard (1...18).contains(digits.count) else { return nil }
        if text[digits.lowerBound] == UInt8(ascii: "0"), isNegative || digits.count > 1 { return nil }
        var value: Int64 = 0
        for at in digits {
            guard (0x30...0x39).contains(text[at]) else { return nil }
            value = value * 10 + Int64(text[at] - 0x30)
        }
        return isNegative ? -value : value
    }

    private static func word(_ text: Span<UInt8>, _ place: Range<Int>) -> JSONPlain? {
        switch JSONSkim.string(text, place) {
        case "true": .bool(true)
        case "false": .bool(false)
        case "null": .null
        default: nil
        }
    }
}
