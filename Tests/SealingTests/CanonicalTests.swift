import Sealing
import Testing

@Suite struct `A canonical encoding` {
    enum Value: Hashable {
        case null
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    private func encode(_ row: [Value]) -> [UInt8] {
        var canonical = Canonical("t")
        for value in row {
            switch value {
            case .null: canonical.addNull()
            case .integer(let number): canonical.add(number)
            case .text(let text): canonical.add(text)
            case .blob(let bytes): canonical.add(bytes)
            }
        }
        return canonical.bytes
    }

    private func decode(_ bytes: [UInt8]) throws(SealingError) -> [Value] {
        var reader = try CanonicalReader(bytes.span, domain: "t")
        var row: [Value] = []
        while let type = reader.next {
            switch type {
            case .null:
                _ = try reader.optionalInteger()
                row.append(.null)
            case .integer: row.append(.integer(try reader.integer()))
            case .text: row.append(.text(try reader.text()))
            case .blob: row.append(.blob([UInt8](copying: try reader.blob())))
            }
        }
        try reader.end()
        return row
    }

    /// The bytes themselves, so that nobody changes the format by accident.
    @Test func `is this, byte for byte`() {
        var canonical = Canonical("d/1")
        canonical.add(-2 as Int64)
        canonical.add("é")
        canonical.add([0xff, 0] as [UInt8])
        canonical.addNull()
        canonical.add("" as String?)
        canonical.add(nil as [UInt8]?)
        #expect(
            Hex.encode(canonical.bytes.span)
                == "0200000003642f31" + "0100000008fffffffffffffffe" + "0200000002c3a9" + "0300000002ff00"
                + "0000000000"
                + "0200000000" + "0000000000")
        let before = canonical.bytes
        canonical.restart("d/1")
        #expect(canonical.bytes == Array(before.prefix(8)))
    }

    @Test func `reads back as what was written`() throws {
        var canonical = Canonical("d")
        let digest = Digest32.hash([1].span)
        canonical.add(Int64.min)
        canonical.add(digest)
        canonical.add(digest as Digest32?)
        canonical.add(nil as Digest32?)
        canonical.add(nil as String?)
        canonical.add("x" as String?)
        canonical.add([1, 2].span)
        canonical.add(nil as Int64?)
        let bytes = canonical.bytes
        var reader = try CanonicalReader(bytes.span, domain: "d")
        let got = (
            try reader.integer(), try reader.digest(), try reader.optionalDigest(), try reader.optionalDigest(),
            try reader.optionalText(), try reader.optionalText()
        )
        #expect(got == (Int64.min, digest, digest, nil, nil, "x"))
        #expect(try reader.optionalBlob() == [1, 2])
        #expect(try reader.optionalInteger() == nil)
        try reader.end()
    }

    /// Rows made of few and similar values, so that equal bytes of different rows would turn up.
    @Test func `differs wherever rows differ`() throws {
        var random = SystemRandomNumberGenerator()
        let choices: [Value] = [
            .null, .integer(0), .integer(1), .integer(-1), .text(""), .text("t"), .text("a"), .text("\u{0}"),
            .blob([]), .blob([0]), .blob([0, 0, 0, 0]), .blob([1, 0, 0, 0, 8]), .blob([2, 0, 0, 0, 1, 116]),
            .blob([97]),
        ]
        var seen: [[UInt8]: [Value]] = [:]
        var collisions = 0
        var misread = 0
        for _ in 0..<20_000 {
            let row = (0..<Int.random(in: 0...4, using: &random)).map { _ in choices.randomElement(using: &random)! }
            let bytes = encode(row)
            if let other = seen.updateValue(row, forKey: bytes), other != row { collisions += 1 }
            if try decode(bytes) != row { misread += 1 }
        }
        #expect(collisions == 0)
        #expect(misread == 0)
        #expect(seen.count > 5_000)
    }

    @Test func `is refused when a byte is missing, added or wrong`() throws {
        let bytes = encode([.integer(5), .text("token"), .blob([1, 2]), .null])
        for length in bytes.indices {
            // A whole field less is a shorter row, which `end` of a reader that wants all fields refuses.
            guard let row = try? decode(Array(bytes[..<length])) else { continue }
            #expect(row.count < 4)
        }
        #expect(throws: SealingError.malformed) { try decode(bytes + [0]) }
        #expect(throws: SealingError.malformed) { try decode([]) }
        #expect(throws: SealingError.malformed) {
            _ = try CanonicalReader(bytes.span, domain: "u")
        }
        #expect(throws: SealingError.malformed) {
            var reader = try CanonicalReader(bytes.span, domain: "t")
            _ = try reader.text()
        }
        #expect(throws: SealingError.malformed) {
            let reader = try CanonicalReader(bytes.span, domain: "t")
            try reader.end()
        }
    }

    // type, length and value of what no writer makes
    @Test(arguments: [
        "0000000001" + "00", "0100000007" + "00000000000000", "0100000009" + "000000000000000000", "0200000001" + "ff",
        "0400000000", "02ffffffff", "0200",
    ])
    func `is refused when a field is none`(_ field: String) throws {
        let bytes = encode([]) + (try #require(Hex.decode(field)))
        #expect(throws: SealingError.malformed) { try decode(bytes) }
    }
}
