/// Makes identifiers and credentials that have the platform's shape and cannot be mistaken for real ones: every
/// secret contains `fake`.
struct Mint: Sendable {
    private var state: UInt64

    /// The same seed makes the same values in the same order.
    init(seed: UInt64) { state = seed }

    /// SplitMix64: spreads well, and is no cryptography; nothing here guards anything.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    private mutating func draw(_ count: Int, from alphabet: String) -> String {
        let letters = Array(alphabet)
        return String((0..<count).map { _ in letters[Int(next() % UInt64(letters.count))] })
    }

    mutating func digits(_ count: Int) -> String { "1" + draw(count - 1, from: "0123456789") }
    mutating func hex(_ count: Int) -> String { draw(count, from: "0123456789abcdef") }
    mutating func letters(_ count: Int) -> String {
        draw(count, from: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    }

    /// Such as `A0FAKE7Q2XZ`, eleven characters.
    mutating func identifier(_ first: String) -> String {
        "\(first)0FAKE\(draw(5, from: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))"
    }

    /// A version 4 UUID that begins with what looks like `fake`.
    mutating func uuid() -> String { "fa4e\(hex(4))-\(hex(4))-4\(hex(3))-8\(hex(3))-\(hex(12))" }

    /// Thirty-two characters, as client and signing secrets have.
    mutating func secret() -> String { "fake" + hex(28) }
    mutating func botToken() -> String { "xoxb-\(digits(12))-\(digits(13))-fake\(letters(20))" }
    mutating func userToken() -> String { "xoxp-\(digits(12))-\(digits(13))-\(digits(13))-fake\(letters(28))" }
    mutating func rotatingBotToken() -> String { "xoxe.xoxb-1-fake\(letters(160))" }
    mutating func rotatingUserToken() -> String { "xoxe.xoxp-1-fake\(letters(160))" }
    mutating func refreshToken() -> String { "xoxe-1-fake\(letters(142))" }
    mutating func code() -> String { "\(digits(12)).\(digits(13)).fa4e\(hex(60))" }
}
