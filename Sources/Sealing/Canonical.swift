/// One way to write a row of values as bytes: what is sealed, MACed, hashed and signed.
///
/// So that another language can do the same, the whole format:
/// a sequence of fields, nothing before, between or behind them; each field is
///
///     type    1 byte     0 null · 1 integer · 2 text · 3 blob
///     length  4 bytes    unsigned, big-endian: how many bytes of value follow
///     value   null: none · integer: 8 bytes, two's complement, big-endian · text: UTF-8 · blob: as it is
///
/// The first field is a text that names what the bytes are (the *domain*, such as `postern/audit/1`), so that bytes made
/// for one purpose can never be taken for another's. The number and order of the rest belong to the domain. Two different
/// rows never have the same bytes, since every value says its type and length before it starts.
package struct Canonical: Sendable {
    package private(set) var bytes: [UInt8]

    /// Starts with the domain's name.
    package init(_ domain: String, capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
        restart(domain)
    }

    /// Starts again in the same memory.
    package mutating func restart(_ domain: String) {
        bytes.removeAll(keepingCapacity: true)
        add(domain)
    }

    /// Adds an absent value, which is unlike any empty one.
    package mutating func addNull() { header(.null, 0) }

    /// Adds an integer, eight bytes big-endian.
    package mutating func add(_ value: Int64) {
        header(.integer, 8)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Int64(shift)))
        }
    }

    /// Adds an integer or its absence.
    package mutating func add(_ value: Int64?) {
        if let value { add(value) } else { addNull() }
    }

    /// Adds text, its UTF-8 behind its length.
    package mutating func add(_ text: String) {
        let utf8 = text.utf8
        header(.text, utf8.count)
        bytes.append(contentsOf: utf8)
    }

    /// Adds text or its absence.
    package mutating func add(_ text: String?) {
        if let text { add(text) } else { addNull() }
    }

    /// Adds bytes behind their length.
    package mutating func add(_ blob: [UInt8]) {
        header(.blob, blob.count)
        bytes.append(contentsOf: blob)
    }

    /// Adds bytes or their absence.
    package mutating func add(_ blob: [UInt8]?) {
        if let blob { add(blob) } else { addNull() }
    }

    /// A blob of the 8 bytes of a number, most significant first, and as many of a second one's as `tail` says.
    package mutating func add(blobOf number: UInt64, _ second: UInt32 = 0, tail: Int = 0) {
        header(.blob, 8 + tail)
        for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (56 - 8 * index))) }
        for index in 0..<tail { bytes.append(UInt8(truncatingIfNeeded: second >> (24 - 8 * index))) }
    }

    /// Text as it lies in a page, without a copy.
    package mutating func add(text: Span<UInt8>) {
        header(.text, text.count)
        unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Adds lent bytes behind their length.
    package mutating func add(_ blob: Span<UInt8>) {
        header(.blob, blob.count)
        bytes.append(copying: blob)
    }

    /// Adds a digest, as bytes.
    package mutating func add(_ digest: Digest32) {
        header(.blob, 32)
        digest.append(to: &bytes)
    }

    /// Adds a digest or its absence.
    package mutating func add(_ digest: Digest32?) {
        if let digest { add(digest) } else { addNull() }
    }

    private mutating func header(_ type: FieldType, _ count: Int) {
        guard let length = UInt32(exactly: count) else { preconditionFailure("a field longer than 4 GiB") }
        bytes.append(type.rawValue)
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
        }
    }

    /// The types a field can have.
    package enum FieldType: UInt8, Sendable {
        case null = 0
        case integer = 1
        case text = 2
        case blob = 3
    }
}
