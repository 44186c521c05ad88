import CSodium

/// XChaCha20-Poly1305-IETF (draft-irtf-cfrg-xchacha-03). Sealed form: nonce (24) ‖ ciphertext ‖ tag (16).
///
/// Nonces are random: at 192 bits a repetition is not to be expected in the life of any key.
package enum AEAD {
    package static let nonceBytes = 24
    package static let tagBytes = 16
    /// How much longer a sealed form is than what it seals.
    package static let overhead = nonceBytes + tagBytes
}

extension KeySlots {
    /// Seals bytes. `associated` says where they belong (build it with `Canonical`) and is needed again to open them.
    package func seal(_ plaintext: Span<UInt8>, associated: [UInt8], with slot: KeySlot) throws(SealingError) -> [UInt8]
    {
        try unsafe withKey(slot) { key throws(SealingError) in
            unsafe sealed(plaintext, associated: associated, key: key)
        }
    }

    /// Opens a sealed form into `room`, which must be at least `sealed.count - AEAD.overhead` long.
    ///
    /// Returns the number of bytes written. On an error nothing readable is left in `room`.
    package func open(
        _ sealed: Span<UInt8>, associated: [UInt8], with slot: KeySlot, into room: inout MutableSpan<UInt8>
    ) throws(SealingError) -> Int {
        guard sealed.count >= AEAD.overhead else { throw .malformed }
        let length = sealed.count - AEAD.overhead
        guard room.count >= length else { throw .tooLong }
        let opened = try unsafe withKey(slot) { key throws(SealingError) in
            unsafe room.withUnsafeMutableBufferPointer { out in
                unsafe sealed.withUnsafeBufferPointer { input in
                    unsafe associated.withUnsafeBufferPointer { extra in
                        unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                            out.baseAddress, nil, nil, input.baseAddress! + AEAD.nonceBytes,
                            UInt64(input.count - AEAD.nonceBytes), extra.baseAddress, UInt64(extra.count),
                            input.baseAddress!, key)
                    }
                }
            }
        }
        guard opened == 0 else { throw .notAuthentic }
        return length
    }

    /// Opens a sealed form at the end of a slab. Returns the number of bytes appended.
    @discardableResult
    package func open(
        _ sealed: Span<UInt8>, associated: [UInt8], with slot: KeySlot, into slab: Slab
    ) throws(SealingError) -> Int {
        guard sealed.count >= AEAD.overhead else { throw .malformed }
        return try slab.append(upTo: sealed.count - AEAD.overhead) { room throws(SealingError) in
            try open(sealed, associated: associated, with: slot, into: &room)
        }
    }

    /// Opens a sealed form into a secret of its own (a pasted credential, a value to reveal to an operator).
    package func openSecret(
        _ sealed: Span<UInt8>, associated: [UInt8], with slot: KeySlot
    ) throws(SealingError) -> SecretBytes {
        guard sealed.count >= AEAD.overhead else { throw .malformed }
        return try SecretBytes(capacity: sealed.count - AEAD.overhead) { room throws(SealingError) in
            try open(sealed, associated: associated, with: slot, into: &room)
        }
    }

    /// Seals one key under another.
    package func wrap(_ inner: KeySlot, under outer: KeySlot, associated: [UInt8]) throws(SealingError) -> [UInt8] {
        try unsafe withKey(inner) { plain throws(SealingError) in
            try unsafe withKey(outer) { key throws(SealingError) in
                let span = unsafe Span(_unsafeStart: plain, count: inner.count)
                return unsafe sealed(span, associated: associated, key: key)
            }
        }
    }

    /// Opens a wrapped key straight into a slot.
    package func unwrap(
        _ wrapped: Span<UInt8>, under outer: KeySlot, associated: [UInt8]
    ) throws(SealingError) -> KeySlot {
        let length = wrapped.count - AEAD.overhead
        guard (1...Self.slotBytes).contains(length) else { throw .malformed }
        return try add(count: length) { room throws(SealingError) in
            _ = try open(wrapped, associated: associated, with: outer, into: &room)
        }
    }

    @unsafe private func sealed(
        _ plaintext: Span<UInt8>, associated: [UInt8], key: UnsafePointer<UInt8>
    ) -> [UInt8] {
        let total = plaintext.count + AEAD.overhead
        return unsafe [UInt8](unsafeUninitializedCapacity: total) { out, initialized in
            let start = out.baseAddress!
            unsafe randombytes_buf(start, AEAD.nonceBytes)
            unsafe plaintext.withUnsafeBufferPointer { input in
                unsafe associated.withUnsafeBufferPointer { extra in
                    _ = unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                        start + AEAD.nonceBytes, nil, input.baseAddress, UInt64(input.count), extra.baseAddress,
                        UInt64(extra.count), nil, start, key)
                }
            }
            initialized = total
        }
    }
}
