import Sealing
import Testing

@Suite struct `A digest` {
    @Test func `of a set does not depend on the order, and forgets what is taken out`() {
        let rows = (0..<UInt8(20)).map { Digest32.hash([$0].span) }
        let forward = rows.reduce(Digest32.zero, +)
        let backward = rows.reversed().reduce(Digest32.zero, +)
        #expect(forward == backward)
        #expect(rows.reduce(forward, -) == .zero)
        #expect(rows.dropFirst().reduce(forward, -) == rows[0])
        var changing = forward
        changing -= rows[3]
        #expect(changing != forward)
        changing += rows[3]
        #expect(changing == forward)
    }

    @Test func `is its 32 bytes in order`() throws {
        let bytes = (1...32).map { UInt8($0) }
        let digest = try #require(Digest32(bytes))
        #expect(digest.bytes == bytes)
        #expect(digest.hex == Hex.encode(bytes.span))
        #expect(Digest32(hex: digest.hex) == digest)
        var appended: [UInt8] = [0]
        digest.append(to: &appended)
        #expect(appended == [0] + bytes)
        #expect(digest.withBytes { [UInt8](copying: $0) } == bytes)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(Digest32(other) != digest)
        }
    }

    @Test(arguments: [0, 31, 33])
    func `has no other length`(_ count: Int) {
        #expect(Digest32([UInt8](repeating: 0, count: count)) == nil)
    }
}

@Suite struct `Secret text` {
    private func escaped(_ text: [UInt8], room: Int) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: room)
        var span = out.mutableSpan
        guard let used = SecretText.escapeJSON(text.span, into: &span) else { return nil }
        return Array(out[..<used])
    }

    @Test(arguments: [
        ("", ""), ("xoxb-1", "xoxb-1"), ("a\"b\\c", #"a\"b\\c"#), ("\n\r\t\u{8}\u{c}", #"\n\r\t\b\f"#),
        ("\u{0}\u{1f}\u{7f}", "\\u0000\\u001f\u{7f}"), ("é漢🦊/", "é漢🦊/"),
    ])
    func `is escaped as RFC 8259 has it, into exactly enough room`(_ text: String, _ want: String) {
        let want = Array(want.utf8)
        #expect(escaped(Array(text.utf8), room: want.count) == want)
        for room in 0..<want.count { #expect(escaped(Array(text.utf8), room: room) == nil) }
        let slab = Slab(capacity: 16)
        slab.append("{")
        slab.appendEscaped(text)
        #expect([UInt8](copying: slab.span) == [UInt8(ascii: "{")] + want)
    }

    @Test(
        arguments: [
            ([0x61, 0x00], .containsNUL), ([0xff], .notUTF8), ([0xc0, 0x80], .notUTF8), ([0xed, 0xa0, 0x80], .notUTF8),
            ([0xf4, 0x90, 0x80, 0x80], .notUTF8), ([0xe6, 0xbc], .notUTF8), ([0xc3, 0xa9], nil), ([], nil),
        ] as [([UInt8], SecretText.Flaw?)])
    func `is UTF-8 without NUL`(_ bytes: [UInt8], _ flaw: SecretText.Flaw?) {
        var found: SecretText.Flaw?
        do throws(SecretText.Flaw) { try SecretText.check(bytes.span) } catch { found = error }
        #expect(found == flaw)
    }

    @Test(arguments: ["0", "0g", "zz", "0 0", "00:"]) func `is not hex otherwise`(_ text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test(arguments: ["Zg", "Zg=", "Z===", "Zg==\n", " Zg==", "Zm-_", "Zh==x"])
    func `is not base64 otherwise`(_ text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test func `is decoded where it may lie`() throws {
        let hex = Array("00ff10".utf8)
        let secret = try SecretBytes(capacity: 3) { room throws(SealingError) in
            guard let used = Hex.decode(hex.span, into: &room) else { throw .malformed }
            return used
        }
        let copy = [UInt8](copying: secret.span)
        #expect(copy == [0, 0xff, 0x10])
        let small = SecretBytes(capacity: 2) { room in Hex.decode(hex.span, into: &room) ?? 0 }
        #expect(small.count == 0)
    }

    @Test func `is equal only to itself`() {
        let a: [UInt8] = [1, 2, 3]
        let same = Sodium.equal(a.span, [1, 2, 3].span)
        let other = Sodium.equal(a.span, [1, 2, 4].span)
        let shorter = Sodium.equal(a.span, [1, 2].span)
        let empty = Sodium.equal(Span(), Span())
        #expect(same && !other && !shorter && empty)
    }
}
