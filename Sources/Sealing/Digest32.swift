import CSodium

/// 32 bytes of digest, MAC or public key, held inline: no allocation, compared in constant time.
package struct Digest32: Sendable {
    /// The bytes in memory order, eight to a word, little-endian; also the lanes of `+` and `-`.
    private var a: UInt64 = 0
    private var b: UInt64 = 0
    private var c: UInt64 = 0
    private var d: UInt64 = 0

    /// All zeros: the head of an empty chain, the digest of an empty set.
    package static let zero = Digest32()

    private init() {}

    /// nil unless there are exactly 32 bytes.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        a = Self.word(bytes, 0)
        b = Self.word(bytes, 8)
        c = Self.word(bytes, 16)
        d = Self.word(bytes, 24)
    }

    /// nil unless there are exactly 32 bytes.
    package init?(_ bytes: [UInt8]) { self.init(bytes.span) }

    /// nil unless it is 64 hex digits.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes.span)
    }

    /// Takes what a function of libsodium writes.
    @unsafe init(writtenBy body: (UnsafeMutablePointer<UInt8>) -> Void) {
        unsafe withUnsafeMutableBytes(of: &self) { raw in
            unsafe raw.withMemoryRebound(to: UInt8.self) { unsafe body($0.baseAddress!) }
        }
    }

    private static func word(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word |= UInt64(bytes[offset + index]) << (8 * UInt64(index)) }
        return word
    }

    /// Lends the 32 bytes.
    package func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        var copy = (a.littleEndian, b.littleEndian, c.littleEndian, d.littleEndian)
        return try unsafe withUnsafeBytes(of: &copy) { raw throws(E) in
            try unsafe raw.withMemoryRebound(to: UInt8.self) { bytes throws(E) in
                try body(unsafe bytes.span)
            }
        }
    }

    /// Appends the 32 bytes.
    package func append(to bytes: inout [UInt8]) {
        for word in [a, b, c, d] {
            for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(index)))) }
        }
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(to: &bytes)
        return bytes
    }

    package var hex: String { withBytes { Hex.encode($0) } }

    /// Adds lane by lane, modulo 2^64: the digest of a set is the sum of its rows' keyed hashes, in any order.
    package static func + (x: Digest32, y: Digest32) -> Digest32 {
        var sum = Digest32()
        sum.a = x.a &+ y.a
        sum.b = x.b &+ y.b
        sum.c = x.c &+ y.c
        sum.d = x.d &+ y.d
        return sum
    }

    /// Takes a row out of the digest of a set.
    package static func - (x: Digest32, y: Digest32) -> Digest32 {
        var difference = Digest32()
        difference.a = x.a &- y.a
        difference.b = x.b &- y.b
        difference.c = x.c &- y.c
        difference.d = x.d &- y.d
        return difference
    }

    /// Adds to a set digest, modulo 2^256.
    package static func += (x: inout Digest32, y: Digest32) { x = x + y }
    /// Takes from a set digest, modulo 2^256.
    package static func -= (x: inout Digest32, y: Digest32) { x = x - y }
}

extension Digest32: Hashable {
    /// Looks at every bit before it answers.
    package static func == (x: Digest32, y: Digest32) -> Bool {
        (x.a ^ y.a) | (x.b ^ y.b) | (x.c ^ y.c) | (x.d ^ y.d) == 0
    }
}

extension Digest32: CustomStringConvertible {
    package var description: String { hex }
}
