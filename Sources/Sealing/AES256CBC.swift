import CNettle
import CSodium

/// AES-256 in CBC mode (FIPS 197, SP 800-38A) with PKCS#7 padding (RFC 5652, section 6.3), for the one protocol that asks
/// for it: the encrypted events of Lark and Feishu (platforms, 2.8). By nettle, since libsodium has none.
package enum AES256CBC {
    package static let blockBytes = 16

    /// A text that was decrypted, which its padding may contradict.
    package struct Opened: Sendable {
        /// Where the text lies in the slab.
        package let text: Range<Int>
        /// Whether the padding was right. Look at it only after all that a right text goes through was done to this
        /// one too, so that time does not tell what the padding was.
        package let isSound: Bool
    }

    /// Appends the text of `sealed`, which is the initialization vector and whole blocks, to the slab; the key is
    /// SHA-256 of `passphrase`. nil when the length cannot be right, which is no secret.
    package static func open(_ sealed: Span<UInt8>, passphrase: Span<UInt8>, into slab: Slab) -> Opened? {
        let count = sealed.count - blockBytes
        guard count >= blockBytes, count.isMultiple(of: blockBytes) else { return nil }
        let start = slab.count
        slab.append(upTo: count) { room in
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32 + blockBytes) { working in
                let (key, vector) = unsafe (working.baseAddress!, working.baseAddress! + 32)
                defer { unsafe sodium_memzero(key, 32 + blockBytes) }
                unsafe passphrase.withUnsafeBufferPointer {
                    _ = unsafe crypto_hash_sha256(key, $0.baseAddress, UInt64($0.count))
                }
                unsafe sealed.withUnsafeBufferPointer { sealed in
                    unsafe vector.update(from: sealed.baseAddress!, count: blockBytes)
                    unsafe room.withUnsafeMutableBufferPointer { room in
                        unsafe cnettle_aes256_cbc_decrypt(
                            key, vector, count, room.baseAddress!, sealed.baseAddress! + blockBytes)
                    }
                }
            }
            return count
        }
        let (padding, isSound) = padding(of: slab.span(start..<start + count))
        return Opened(text: start..<start + count - padding, isSound: isSound)
    }

    /// How many bytes the padding has, 1 to 16 whatever it says, and whether all of them are right. No branch and no
    /// index depends on the bytes.
    private static func padding(of text: Span<UInt8>) -> (Int, Bool) {
        let stated = UInt32(text[text.count - 1])
        // All ones where stated is 0 or above 16: the subtraction borrows.
        var wrong = (0 &- ((stated &- 1) >> 31)) | (0 &- ((16 &- stated) >> 31))
        for place in 0..<blockBytes {
            let isPadding = 0 &- ((UInt32(place) &- stated) >> 31)
            wrong |= isPadding & (UInt32(text[text.count - 1 - place]) ^ stated)
        }
        return (Int(min(max(stated, 1), UInt32(blockBytes))), wrong == 0)
    }
}

/// SHA-1 (FIPS 180-4), for Lark's and Feishu's old card callback alone (platforms, 2.8). It is no proof against anybody who
/// can choose both of two messages; here a secret stands in the middle. Takes the bytes in pieces.
@safe package struct IncrementalSHA1: ~Copyable {
    private let state: UnsafeMutablePointer<sha1_ctx>

    /// A SHA-1 of nothing yet.
    package init() {
        unsafe state = .allocate(capacity: 1)
        unsafe cnettle_sha1_init(state)
    }

    /// Takes more bytes in.
    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer {
            if let start = $0.baseAddress { unsafe cnettle_sha1_update(state, $0.count, start) }
        }
    }

    /// The 20 bytes of the digest of all that was taken in.
    package consuming func finish() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 20) { out, initialized in
            unsafe cnettle_sha1_digest(state, out.baseAddress!)
            initialized = 20
        }
    }

    deinit {
        unsafe sodium_memzero(state, MemoryLayout<sha1_ctx>.size)
        unsafe state.deallocate()
    }
}
