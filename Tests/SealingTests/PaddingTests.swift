import Sealing
import Testing

@Suite struct `A padding` {
    /// The vendor's own sample: one block, `hello world` and five bytes of padding (platforms, 2.8).
    private static let sample = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
    private static let text = Array("hello world".utf8) + [5, 5, 5, 5, 5]

    /// RFC 5652, section 6.3, as plainly as can be.
    private static func length(_ text: [UInt8]) -> Int? {
        guard let last = text.last.map(Int.init), (1...16).contains(last) else { return nil }
        return text.suffix(last).allSatisfy { Int($0) == last } ? last : nil
    }

    /// In CBC a change of the vector is the same change of the first block, so every text but one byte can be made.
    @Test func `is right exactly where each of its bytes says so`() throws {
        let decoded = Base64.standard.decode(Self.sample)
        let sealed = try #require(decoded)
        var sound = 0
        for place in 0..<16 {
            for change in UInt8(0)...255 {
                var (sealed, text) = (sealed, Self.text)
                sealed[place] ^= change
                text[place] ^= change
                let slab = Slab()
                let result = AES256CBC.open(sealed.span, passphrase: "test key".utf8.span, into: slab)
                let opened = try #require(result)
                let want = Self.length(text)
                let got = opened.isSound ? 16 - opened.text.count : nil
                if got != want { Issue.record("byte \(place) changed by \(change)") }
                if opened.isSound {
                    sound += 1
                    let part = [UInt8](copying: slab.span(opened.text))
                    if part != Array(text.prefix(opened.text.count)) { Issue.record("another text at \(place)") }
                }
            }
        }
        // All that is before the padding, no change at all in it, and a last byte of 1.
        #expect(sound == 11 * 256 + 5 + 1)
    }

    @Test(arguments: [0, 1, 15, 16, 17, 31, 33, 47]) func `of a text that is no whole blocks is not looked for`(
        _ count: Int
    ) {
        let bytes = [UInt8](repeating: 7, count: count)
        let slab = Slab()
        let isOpened = AES256CBC.open(bytes.span, passphrase: "test key".utf8.span, into: slab) != nil
        #expect(!isOpened && slab.count == 0)
    }
}
