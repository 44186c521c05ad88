import CSodium

/// An Ed25519 key (RFC 8032) whose secret half stays in its slot.
package struct SigningKey: Sendable {
    package let slot: KeySlot
    package let publicKey: Digest32
}

/// Ed25519 signatures as anyone can check them, with the public key alone.
package enum Ed25519 {
    package static let signatureBytes = 64

    /// True when `signature` over `message` was made with the secret half of `publicKey`.
    package static func verify(_ signature: Span<UInt8>, of message: Span<UInt8>, by publicKey: Digest32) -> Bool {
        guard signature.count == signatureBytes else { return false }
        return publicKey.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe signature.withUnsafeBufferPointer { signature in
                    unsafe message.withUnsafeBufferPointer { message in
                        unsafe crypto_sign_verify_detached(
                            signature.baseAddress!, message.baseAddress, UInt64(message.count), key.baseAddress!) == 0
                    }
                }
            }
        }
    }
}

extension KeySlots {
    /// A new random signing key.
    package func addSigningKey() -> SigningKey {
        var publicKey = Digest32.zero
        let slot = add(count: 64) { (pair: inout MutableSpan<UInt8>) in
            unsafe pair.withUnsafeMutableBufferPointer { pair in
                unsafe publicKey = Digest32 { out in _ = unsafe crypto_sign_keypair(out, pair.baseAddress!) }
            }
        }
        return SigningKey(slot: slot, publicKey: publicKey)
    }

    /// The signing key that belongs to a 32-byte seed.
    package func addSigningKey(seed: Span<UInt8>) throws(SealingError) -> SigningKey {
        guard seed.count == 32 else { throw .malformed }
        var publicKey = Digest32.zero
        let slot = add(count: 64) { (pair: inout MutableSpan<UInt8>) in
            unsafe pair.withUnsafeMutableBufferPointer { pair in
                unsafe seed.withUnsafeBufferPointer { seed in
                    unsafe publicKey = Digest32 { out in
                        _ = unsafe crypto_sign_seed_keypair(out, pair.baseAddress!, seed.baseAddress!)
                    }
                }
            }
        }
        return SigningKey(slot: slot, publicKey: publicKey)
    }

    /// Opens a wrapped signing key (wrap its `slot`), and makes sure that its two halves belong together.
    package func unwrapSigningKey(
        _ wrapped: Span<UInt8>, under outer: KeySlot, associated: [UInt8]
    ) throws(SealingError) -> SigningKey {
        guard wrapped.count == 64 + AEAD.overhead else { throw .malformed }
        var publicKey = Digest32.zero
        let slot = try add(count: 64) { (pair: inout MutableSpan<UInt8>) throws(SealingError) in
            _ = try open(wrapped, associated: associated, with: outer, into: &pair)
            guard let stored = Digest32(pair.span.extracting(32..<64)) else { throw .malformed }
            // The seed is the first half. A trial signature tells whether the public half is its own: deriving it
            // again would need a second place for the secret, since libsodium cannot do it in place.
            var trial = [UInt8](repeating: 0, count: Ed25519.signatureBytes)
            unsafe pair.withUnsafeMutableBufferPointer { pair in
                _ = unsafe crypto_sign_detached(&trial, nil, nil, 0, pair.baseAddress!)
            }
            guard Ed25519.verify(trial.span, of: Span(), by: stored) else { throw .malformed }
            publicKey = stored
        }
        return SigningKey(slot: slot, publicKey: publicKey)
    }

    /// A detached signature, 64 bytes.
    package func sign(_ message: Span<UInt8>, with key: SigningKey) throws(SealingError) -> [UInt8] {
        try unsafe withKey(key.slot) { secret throws(SealingError) in
            unsafe [UInt8](unsafeUninitializedCapacity: Ed25519.signatureBytes) { out, initialized in
                unsafe message.withUnsafeBufferPointer { message in
                    _ = unsafe crypto_sign_detached(
                        out.baseAddress!, nil, message.baseAddress, UInt64(message.count), secret)
                }
                initialized = Ed25519.signatureBytes
            }
        }
    }
}
