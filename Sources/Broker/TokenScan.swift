/// Looks for a token in bytes that pass, across the borders of their pieces, and holds back what could be the beginning of
/// one: not a byte of it leaves before the rest has been seen.
///
/// Looked for are the token as it is, percent-encoded, escaped for JSON and in base64 (both alphabets, at each of the three
/// offsets it can have within other text). What somebody encodes in another way on purpose is not found.
struct TokenScan: Sendable {
    private let signs: [Sign]
    /// Not sent yet.
    private var held: [UInt8] = []
    private let longest: Int

    /// One spelling, with how far the search may jump by the byte under its end (Horspool, 1980).
    private struct Sign: Sendable {
        let bytes: [UInt8]
        let jumps: [UInt8]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            var jumps = [UInt8](repeating: UInt8(clamping: bytes.count), count: 256)
            for (index, byte) in bytes.dropLast().enumerated() {
                jumps[Int(byte)] = UInt8(clamping: bytes.count - 1 - index)
            }
            self.jumps = jumps
        }

        func stands(in text: [UInt8]) -> Bool {
            let last = bytes.count - 1
            var end = last
            while end < text.count {
                var index = last
                while text[end - last + index] == bytes[index] {
                    if index == 0 { return true }
                    index -= 1
                }
                end += Int(jumps[Int(text[end])])
            }
            return false
        }
    }

    /// Tokens shorter than this are no platform's, and could stand anywhere by chance.
    private static let shortest = 8

    init(_ token: String) {
        let bytes = Array(token.utf8)
        guard bytes.count >= Self.shortest else {
            (signs, longest) = ([], 0)
            return
        }
        var spellings: Set<[UInt8]> = [bytes, Self.percentEncoded(bytes), Self.escaped(bytes)]
        for offset in 0..<3 {
            let inner = Self.base64(bytes, at: offset)
            spellings.insert(inner)
            spellings.insert(
                inner.map {
                    $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
                })
        }
        signs = spellings.map(Sign.init)
        longest = spellings.map(\.count).max() ?? 0
    }

    /// Takes the next bytes; returns those that may leave now, nil when the token is among them.
    mutating func pass(_ bytes: [UInt8]) -> [UInt8]? {
        guard !signs.isEmpty else { return bytes }
        held += bytes
        if isFound(in: held) { return nil }
        let free = held.count - (longest - 1)
        guard free > 0 else { return [] }
        defer { held.removeFirst(free) }
        return Array(held.prefix(free))
    }

    /// What was held back, when no more comes.
    mutating func end() -> [UInt8] {
        defer { held = [] }
        return held
    }

    /// Whether the token stands in a text that is there as a whole.
    func isFound(in text: [UInt8]) -> Bool { signs.contains { $0.stands(in: text) } }

    // MARK: - Spellings

    private static func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                [byte]
            default:
                "-._~".utf8.contains(byte)
                    ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { $0 == UInt8(ascii: "/") ? [UInt8(ascii: "\\"), $0] : [$0] }
    }

    /// The digits that are the token's alone when `offset` bytes of something else stand before it in their group of three.
    private static func base64(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bits = [UInt8](repeating: 0, count: offset) + bytes
        var digits: [UInt8] = []
        var at = 0
        while at + 2 < bits.count {
            let group = Int(bits[at]) << 16 | Int(bits[at + 1]) << 8 | Int(bits[at + 2])
            for shift in [18, 12, 6, 0] { digits.append(alphabet[group >> shift & 63]) }
            at += 3
        }
        // Of the first group, the digits that the other bytes have a part in.
        return Array(digits.dropFirst(offset == 0 ? 0 : offset + 1))
    }
}
