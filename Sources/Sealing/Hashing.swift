import CNettle
import CSodium

extension Digest32 {
    /// BLAKE2b-256 (RFC 7693) without a key.
    package static func hash(_ bytes: Span<UInt8>) -> Digest32 {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe Digest32 { out in
                _ = unsafe crypto_generichash(out, 32, input.baseAddress, UInt64(input.count), nil, 0)
            }
        }
    }

    /// BLAKE2b-256 over the previous hash's 32 bytes followed by the record: one link of a chain.
    package static func hash(previous: Digest32, record: Span<UInt8>) -> Digest32 {
        previous.withBytes { hash($0, record) }
    }

    /// BLAKE2b-256 over two parts as if they were one. The state is on the stack: the log's every record comes here.
    package static func hash(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Digest32 {
        precondition(Sodium.ready, "libsodium did not start")
        // libsodium wants its state on a 64-byte boundary; what is larger than 16 would not be put on the stack.
        let room = crypto_generichash_statebytes() + 64
        return unsafe withUnsafeTemporaryAllocation(byteCount: room, alignment: 16) { memory in
            let start = unsafe memory.baseAddress!.alignedUp(toMultipleOf: 64)
            let state = OpaquePointer(start)
            unsafe crypto_generichash_init(state, nil, 0, 32)
            unsafe first.withUnsafeBufferPointer {
                _ = unsafe crypto_generichash_update(state, $0.baseAddress, UInt64($0.count))
            }
            unsafe second.withUnsafeBufferPointer {
                _ = unsafe crypto_generichash_update(state, $0.baseAddress, UInt64($0.count))
            }
            return unsafe Digest32 { out in _ = unsafe crypto_generichash_final(state, out, 32) }
        }
    }

    /// SHA-256 (FIPS 180-4), where a protocol asks for it (PKCE, Lark's signature).
    package static func sha256(_ bytes: Span<UInt8>) -> Digest32 {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe Digest32 { out in
                _ = unsafe crypto_hash_sha256(out, input.baseAddress, UInt64(input.count))
            }
        }
    }

    /// HMAC-SHA256 (RFC 2104) over two parts as if they were one; the key may have any length. What holds the key is
    /// wiped. By nettle, which uses the processor's SHA instructions: 4 KiB take 2.4 µs, with libsodium 9.3.
    package static func hmacSHA256(key: Span<UInt8>, _ first: Span<UInt8>, _ second: Span<UInt8>) -> Digest32 {
        unsafe key.withUnsafeBufferPointer { key in
            unsafe first.withUnsafeBufferPointer { first in
                unsafe second.withUnsafeBufferPointer { second in
                    unsafe Digest32 { out in
                        // Empty ones have no address; the output's stands in for it, unread.
                        let none = unsafe UnsafePointer(out)
                        unsafe cnettle_hmac_sha256(
                            key.count, key.baseAddress ?? none, first.count, first.baseAddress ?? none, second.count,
                            second.baseAddress ?? none, out)
                    }
                }
            }
        }
    }

    /// HMAC-SHA256 over one part.
    package static func hmacSHA256(key: Span<UInt8>, _ message: Span<UInt8>) -> Digest32 {
        hmacSHA256(key: key, message, Span())
    }
}

extension KeySlots {
    /// Keyed BLAKE2b-256: authenticates rows, fingerprints tokens.
    package func mac(_ bytes: Span<UInt8>, with slot: KeySlot) throws(SealingError) -> Digest32 {
        try unsafe withKey(slot) { key throws(SealingError) in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe Digest32 { out in
                    _ = unsafe crypto_generichash(
                        out, 32, input.baseAddress, UInt64(input.count), key, slot.count)
                }
            }
        }
    }

    /// Keyed BLAKE2b-256 of a canonical encoding.
    package func mac(_ bytes: [UInt8], with slot: KeySlot) throws(SealingError) -> Digest32 {
        try mac(bytes.span, with: slot)
    }
}

/// SHA-256 (FIPS 180-4) over bytes that arrive in pieces, some of them secret: what it keeps is wiped.
@safe package struct IncrementalSHA256: ~Copyable {
    private let state: UnsafeMutablePointer<crypto_hash_sha256_state>

    /// A SHA-256 of nothing yet.
    package init() {
        precondition(Sodium.ready, "libsodium did not start")
        unsafe state = .allocate(capacity: 1)
        unsafe crypto_hash_sha256_init(state)
    }

    /// Takes more bytes in.
    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer {
            _ = unsafe crypto_hash_sha256_update(state, $0.baseAddress, UInt64($0.count))
        }
    }

    /// The digest of all that was taken in.
    package consuming func finish() -> Digest32 {
        unsafe Digest32 { out in _ = unsafe crypto_hash_sha256_final(state, out) }
    }

    deinit {
        unsafe sodium_memzero(state, MemoryLayout<crypto_hash_sha256_state>.size)
        unsafe state.deallocate()
    }
}
