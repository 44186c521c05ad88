package import Sealing
import Synchronization

/// Names one request in answers, logs and the audit log: 12 bytes, shown as 24 hex digits.
///
/// Eight random bytes of this process and a counter, so that making one costs no system call.
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
    package let process: UInt64
    package let count: UInt32

    private static let thisProcess: UInt64 = Sodium.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    private static let counter = Atomic<UInt32>(0)

    /// A fresh one, unlike all others of this and of other runs.
    package static func next() -> RequestID {
        RequestID(process: thisProcess, count: counter.wrappingAdd(1, ordering: .relaxed).newValue)
    }

    /// An id of a process's random half and a count.
    package init(process: UInt64, count: UInt32) {
        self.process = process
        self.count = count
    }

    /// Reads 24 hex digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 24, let process = UInt64(text.prefix(16), radix: 16),
            let count = UInt32(text.dropFirst(16), radix: 16)
        else { return nil }
        self.init(process: process, count: count)
    }

    init?(bytes: [UInt8]) {
        guard bytes.count == 12 else { return nil }
        process = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        count = bytes[8...].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: process >> (56 - 8 * $0)) }
            + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
    }

    package var description: String {
        var bytes = InlineArray<12, UInt8>(repeating: 0)
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: process >> (56 - 8 * index)) }
        for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: count >> (24 - 8 * index)) }
        return Hex.encode(bytes.span)
    }
}

/// `value` in lower-case hex, padded with zeros.
private func hex(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: digits - text.utf8.count) + text
}

/// The first 8 bytes of a secret's keyed hash: enough to find who was given it, nothing to guess it from.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    package let value: UInt64

    /// The first 64 bits of a digest.
    package init(_ digest: Digest32) { value = digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    init?(bytes: [UInt8]) {
        guard bytes.count == 8 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// What its description looks like; nil for anything else.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
        self.value = value
    }

    var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }

    package var description: String { hex(value, digits: 16) }
}
