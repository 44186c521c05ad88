import CSodium

/// An X25519 key whose secret half stays in its slot (the spool's).
package struct BoxKey: Sendable {
    package let slot: KeySlot
    package let publicKey: Digest32
}

/// An X25519 key people keep outside the vault: the recovery kit.
package struct KitKey: ~Copyable, Sendable {
    package let publicKey: Digest32
    package let secret: SecretBytes

    /// A new kit.
    package init() {
        let secret = SecretBytes(random: 32)
        publicKey = SealedBox.publicKey(of: secret)
        self.secret = secret
    }

    /// The kit an operator brought back. Throws `malformed` unless it is 32 bytes.
    package init(secret: consuming SecretBytes) throws(SealingError) {
        guard secret.count == 32 else { throw .malformed }
        publicKey = SealedBox.publicKey(of: secret)
        self.secret = secret
    }
}

/// Sealing to a public key, by a sender who needs no key of his own (libsodium: `crypto_box_seal`,
/// X25519 and XSalsa20-Poly1305). Whoever has the public key can seal, so an opened box proves nothing about its sender.
package enum SealedBox {
    /// How much longer a box is than what is in it.
    package static let overhead = Int(crypto_box_sealbytes())

    /// Seals to a public key (crypto_box_seal): only the holder of the secret half opens it.
    package static func seal(_ plaintext: Span<UInt8>, to publicKey: Digest32) -> [UInt8] {
        precondition(Sodium.ready, "libsodium did not start")
        let total = plaintext.count + overhead
        return unsafe [UInt8](unsafeUninitializedCapacity: total) { out, initialized in
            publicKey.withBytes { key in
                unsafe key.withUnsafeBufferPointer { key in
                    unsafe plaintext.withUnsafeBufferPointer { input in
                        let sealed = unsafe crypto_box_seal(
                            out.baseAddress!, input.baseAddress, UInt64(input.count), key.baseAddress!)
                        precondition(sealed == 0, "no key can be sealed to this public key")
                    }
                }
            }
            initialized = total
        }
    }

    /// Opens a box with the kit.
    package static func open(_ sealed: Span<UInt8>, with kit: borrowing KitKey) throws(SealingError) -> SecretBytes {
        guard sealed.count >= overhead else { throw .malformed }
        let publicKey = kit.publicKey
        let secret = kit.secret.span
        return try SecretBytes(capacity: sealed.count - overhead) { room throws(SealingError) in
            let opened = unsafe secret.withUnsafeBufferPointer {
                unsafe Self.open(sealed, into: &room, publicKey: publicKey, secret: $0.baseAddress!)
            }
            guard opened else { throw .notAuthentic }
            return sealed.count - overhead
        }
    }

    static func publicKey(of secret: borrowing SecretBytes) -> Digest32 { publicKey(of: secret.span) }

    static func publicKey(of secret: Span<UInt8>) -> Digest32 {
        unsafe secret.withUnsafeBufferPointer { secret in
            unsafe Digest32 { out in _ = unsafe crypto_scalarmult_base(out, secret.baseAddress!) }
        }
    }

    @unsafe static func open(
        _ sealed: Span<UInt8>, into room: inout MutableSpan<UInt8>, publicKey: Digest32, secret: UnsafePointer<UInt8>
    ) -> Bool {
        publicKey.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe sealed.withUnsafeBufferPointer { input in
                    unsafe room.withUnsafeMutableBufferPointer { out in
                        unsafe crypto_box_seal_open(
                            out.baseAddress, input.baseAddress!, UInt64(input.count), key.baseAddress!, secret) == 0
                    }
                }
            }
        }
    }
}

extension KeySlots {
    /// A new random X25519 key.
    package func addBoxKey() -> BoxKey {
        var publicKey = Digest32.zero
        let slot = add(count: 32) { (secret: inout MutableSpan<UInt8>) in
            Sodium.randomize(&secret)
            publicKey = SealedBox.publicKey(of: secret.span)
        }
        return BoxKey(slot: slot, publicKey: publicKey)
    }

    /// Opens a wrapped X25519 key (wrap its `slot`).
    package func unwrapBoxKey(
        _ wrapped: Span<UInt8>, under outer: KeySlot, associated: [UInt8]
    ) throws(SealingError) -> BoxKey {
        guard wrapped.count == 32 + AEAD.overhead else { throw .malformed }
        var publicKey = Digest32.zero
        let slot = try add(count: 32) { (secret: inout MutableSpan<UInt8>) throws(SealingError) in
            _ = try open(wrapped, associated: associated, with: outer, into: &secret)
            publicKey = SealedBox.publicKey(of: secret.span)
        }
        return BoxKey(slot: slot, publicKey: publicKey)
    }

    /// Seals a key to a public key: the vault key to the recovery kit.
    package func sealKey(_ slot: KeySlot, to publicKey: Digest32) throws(SealingError) -> [UInt8] {
        try unsafe withKey(slot) { key throws(SealingError) in
            unsafe SealedBox.seal(Span(_unsafeStart: key, count: slot.count), to: publicKey)
        }
    }

    /// Opens a key that was sealed to the kit straight into a slot.
    package func openKey(_ sealed: Span<UInt8>, with kit: borrowing KitKey) throws(SealingError) -> KeySlot {
        let length = sealed.count - SealedBox.overhead
        guard (1...Self.slotBytes).contains(length) else { throw .malformed }
        let publicKey = kit.publicKey
        let secret = kit.secret.span
        return try add(count: length) { room throws(SealingError) in
            let opened = unsafe secret.withUnsafeBufferPointer {
                unsafe SealedBox.open(sealed, into: &room, publicKey: publicKey, secret: $0.baseAddress!)
            }
            guard opened else { throw .notAuthentic }
        }
    }

    /// Opens a box that was sealed to a key of ours at the end of a slab. Returns the number of bytes appended.
    @discardableResult
    package func openBox(_ sealed: Span<UInt8>, with key: BoxKey, into slab: Slab) throws(SealingError) -> Int {
        guard sealed.count >= SealedBox.overhead else { throw .malformed }
        return try slab.append(upTo: sealed.count - SealedBox.overhead) { room throws(SealingError) in
            let opened = try unsafe withKey(key.slot) { secret throws(SealingError) in
                unsafe SealedBox.open(sealed, into: &room, publicKey: key.publicKey, secret: secret)
            }
            guard opened else { throw .notAuthentic }
            return sealed.count - SealedBox.overhead
        }
    }
}
