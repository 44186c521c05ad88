/// Reads what `Canonical` writes, and nothing else: a wrong type, a short value, bytes left over all throw `malformed`.
package struct CanonicalReader: ~Copyable, ~Escapable {
    private let bytes: Span<UInt8>
    private var offset = 0

    /// Throws unless the bytes begin with this domain.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, domain: String) throws(SealingError) {
        self.bytes = bytes
        let range = try take(.text)
        guard range.count == domain.utf8.count else { throw .malformed }
        var index = range.lowerBound
        for byte in domain.utf8 {
            guard bytes[index] == byte else { throw .malformed }
            index += 1
        }
    }

    /// The next field's type, nil at the end.
    package var next: Canonical.FieldType? {
        offset < bytes.count ? Canonical.FieldType(rawValue: bytes[offset]) : nil
    }

    /// The next value, which must be an integer; else `malformed`.
    package mutating func integer() throws(SealingError) -> Int64 {
        let range = try take(.integer)
        guard range.count == 8 else { throw .malformed }
        var value: UInt64 = 0
        for index in range { value = value << 8 | UInt64(bytes[index]) }
        return Int64(bitPattern: value)
    }

    /// The next value: an integer or absent.
    package mutating func optionalInteger() throws(SealingError) -> Int64? {
        try skipNull() ? nil : integer()
    }

    /// The next value, which must be well-formed UTF-8 text; else `malformed`.
    package mutating func text() throws(SealingError) -> String {
        let range = try take(.text)
        guard let utf8 = try? UTF8Span(validating: bytes.extracting(range)) else { throw .malformed }
        return String(copying: utf8)
    }

    /// The next value: text or absent.
    package mutating func optionalText() throws(SealingError) -> String? {
        try skipNull() ? nil : text()
    }

    /// Lends a blob out of the bytes that are being read.
    @_lifetime(copy self)
    package mutating func blob() throws(SealingError) -> Span<UInt8> {
        let range = try take(.blob)
        return bytes.extracting(range)
    }

    /// The next value: bytes or absent.
    package mutating func optionalBlob() throws(SealingError) -> [UInt8]? {
        if try skipNull() { return nil }
        return [UInt8](copying: try blob())
    }

    /// The next value, which must be 32 bytes; else `malformed`.
    package mutating func digest() throws(SealingError) -> Digest32 {
        guard let digest = Digest32(try blob()) else { throw .malformed }
        return digest
    }

    /// The next value: 32 bytes or absent.
    package mutating func optionalDigest() throws(SealingError) -> Digest32? {
        try skipNull() ? nil : digest()
    }

    /// Throws unless everything was read.
    package func end() throws(SealingError) {
        guard offset == bytes.count else { throw .malformed }
    }

    /// Consumes a null; false and nothing consumed when the next field is none.
    private mutating func skipNull() throws(SealingError) -> Bool {
        guard next == .null else { return false }
        _ = try take(.null)
        return true
    }

    private mutating func take(_ type: Canonical.FieldType) throws(SealingError) -> Range<Int> {
        guard bytes.count - offset >= 5, bytes[offset] == type.rawValue else { throw .malformed }
        var length = 0
        for index in 1...4 { length = length << 8 | Int(bytes[offset + index]) }
        let start = offset + 5
        guard bytes.count - start >= length, type != .null || length == 0 else { throw .malformed }
        offset = start + length
        return start..<offset
    }
}
