import CSodium

/// libsodium, started once for the process.
package enum Sodium {
    /// False only where libsodium cannot get randomness; every type here checks it before first use.
    package static let ready = sodium_init() >= 0

    /// Bytes from the kernel's generator, for values that are not secret (nonces, identifiers, salts).
    package static func randomBytes(_ count: Int) -> [UInt8] {
        precondition(ready, "libsodium did not start")
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 { unsafe randombytes_buf(buffer.baseAddress!, count) }
            initialized = count
        }
    }

    /// Fills a part of guarded memory with randomness.
    package static func randomize(_ bytes: inout MutableSpan<UInt8>) {
        precondition(ready, "libsodium did not start")
        guard bytes.count > 0 else { return }
        unsafe bytes.withUnsafeMutableBufferPointer { unsafe randombytes_buf($0.baseAddress!, $0.count) }
    }

    /// Compares in a time that depends only on the lengths, which are not secret.
    package static func equal(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        guard a.count > 0 else { return true }
        return unsafe a.withUnsafeBufferPointer { left in
            unsafe b.withUnsafeBufferPointer { right in
                unsafe sodium_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }

    /// Overwrites bytes in a way the optimiser may not leave out.
    package static func wipe(_ bytes: inout MutableSpan<UInt8>) {
        unsafe bytes.withUnsafeMutableBufferPointer { unsafe sodium_memzero($0.baseAddress, $0.count) }
    }
}

/// Why something could not be sealed or opened. Carries no bytes and no name: the caller knows what it asked for.
package enum SealingError: Error, Hashable, Sendable {
    /// The tag, signature or MAC does not fit: another key, another place, or changed bytes.
    case notAuthentic
    /// The slot was wiped, because the vault was sealed or the key destroyed.
    case keyGone
    /// Not the shape this format has: too short, a wrong length, a wrong type.
    case malformed
    /// The room given for the answer is too small.
    case tooLong
}

extension [UInt8] {
    /// Copies what a span lends; only for bytes that are not secret.
    package init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }

    /// Appends what a span lends; only for bytes that are not secret.
    package mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
