import Testing

@testable import Broker

@Suite struct `A token in what passes` {
    /// Has bytes that each spelling writes in another way.
    private static let token = "xoxb-FAKE/1+2=~ä.é%z"
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    /// RFC 4648, section 4, written here once more so that the scan is not held against itself.
    private static func base64(_ text: String, url: Bool = false) -> String {
        let bytes = Array(text.utf8)
        var out = ""
        for at in stride(from: 0, to: bytes.count, by: 3) {
            let part = Array(bytes[at..<min(at + 3, bytes.count)])
            var group = 0
            for index in 0..<3 { group = group << 8 | (index < part.count ? Int(part[index]) : 0) }
            for index in 0...3 {
                out += index <= part.count ? String(digits[group >> (18 - 6 * index) & 63]) : url ? "" : "="
            }
        }
        return url ? String(out.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }) : out
    }

    private static func percent(_ text: String) -> String {
        text.utf8.map { byte in
            let scalar = Character(Unicode.Scalar(byte))
            guard byte < 128, scalar.isLetter || scalar.isNumber || "-._~".contains(scalar) else {
                return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
            return String(scalar)
        }.joined()
    }

    /// Every way a token is written in, with something before and after it.
    private static let spellings: [(name: String, text: String)] =
        [
            ("as it is", "{\"echo\":\"\(token)\"}"), ("percent-encoded", "a=1&t=\(percent(token))&b=2"),
            ("escaped", "{\"echo\":\"\(token.split(separator: "/").joined(separator: "\\/"))\"}"),
        ]
        + ["", "u", "us", "user:", "user:p"].flatMap { before in
            [
                ("base64 after \(before.utf8.count)", "Basic \(base64(before + token + ":pass"))"),
                ("base64 at the end after \(before.utf8.count)", "Basic \(base64(before + token))"),
                ("base64url after \(before.utf8.count)", "t.\(base64(before + token + "??>>", url: true)).s"),
            ]
        }

    /// What left, and whether the token was seen.
    private static func pass(_ pieces: [ArraySlice<UInt8>]) -> (left: [UInt8], isSeen: Bool) {
        var scan = TokenScan(token)
        var left: [UInt8] = []
        for piece in pieces {
            guard let free = scan.pass(Array(piece)) else { return (left, true) }
            left += free
        }
        return (left + scan.end(), false)
    }

    @Test(arguments: spellings.map(\.name))
    func `is seen in each spelling, over every border of two and three pieces`(_ name: String) throws {
        let text = Array(try #require(Self.spellings.first { $0.name == name }).text.utf8)
        let whole = TokenScan(Self.token)
        #expect(whole.isFound(in: text))
        var unseen = 0
        var longest = 0
        for first in 0...text.count {
            for second in first...text.count {
                let (left, isSeen) = Self.pass([text[..<first], text[first..<second], text[second...]])
                if !isSeen { unseen += 1 }
                longest = max(longest, left.count)
            }
        }
        #expect(unseen == 0)
        // What left is before the token: not one byte of its spelling.
        let start = try #require((0..<text.count).first { !whole.isFound(in: Array(text[($0 + 1)...])) })
        #expect(longest <= start, "\(longest) bytes left, the token begins at \(start)")
    }

    @Test func `is not seen where it is not whole, and what passes is unchanged`() {
        var random = Numbers(state: 7)
        let alphabet = Array(Self.token.utf8) + Array("\"{}:%2F\\/QUJD".utf8)
        let parts = Self.spellings.map { Array($0.text.utf8) }
        for _ in 0..<400 {
            // Beginnings and ends of spellings, and noise of the same letters.
            var text: [UInt8] = []
            for _ in 0..<8 {
                let part = parts[random.below(parts.count)]
                text += random.below(2) == 0 ? part.prefix(random.below(12)) : part.suffix(random.below(6))
                text += (0..<random.below(30)).map { _ in alphabet[random.below(alphabet.count)] }
            }
            guard !TokenScan(Self.token).isFound(in: text) else { continue }
            let (first, second) = (random.below(text.count + 1), random.below(text.count + 1))
            let cuts = (min(first, second), max(first, second))
            let (left, isSeen) = Self.pass([text[..<cuts.0], text[cuts.0..<cuts.1], text[cuts.1...]])
            #expect(!isSeen && left == text)
        }
    }

    @Test func `is seen byte by byte, anywhere in noise`() {
        var random = Numbers(state: 11)
        for (name, spelling) in Self.spellings {
            let noise = (0..<random.below(200)).map { _ in UInt8(random.below(256)) }
            let text = noise + Array(spelling.utf8) + noise
            #expect(Self.pass(text.indices.map { text[$0...$0] }).isSeen, "\(name)")
        }
    }

    @Test(arguments: ["", "short", "1234567"])
    func `is not looked for where it is too short to be one`(_ token: String) {
        var scan = TokenScan(token)
        let text = Array("1234567 short".utf8)
        #expect(scan.pass(text) == text && scan.end().isEmpty)
    }
}

/// The same numbers each time (Knuth's MMIX).
private struct Numbers {
    var state: UInt64

    mutating func below(_ end: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return end == 0 ? 0 : Int(state >> 33) % end
    }
}
