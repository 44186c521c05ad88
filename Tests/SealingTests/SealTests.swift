import Sealing
import Testing

@Suite struct `What is sealed` {
    private let keys = KeySlots()
    private let slot: KeySlot
    private let place: [UInt8]

    init() {
        slot = keys.addRandom()
        var canonical = Canonical("test/place")
        canonical.add(7 as Int64)
        canonical.add("acme")
        place = canonical.bytes
    }

    private func opened(_ sealed: [UInt8], at place: [UInt8], with slot: KeySlot) throws(SealingError) -> [UInt8] {
        let slab = Slab(capacity: 64)
        try keys.open(sealed.span, associated: place, with: slot, into: slab)
        return [UInt8](copying: slab.span)
    }

    @Test(arguments: [0, 1, 31, 64, 4096, 100_000])
    func `opens again in its place`(_ count: Int) throws {
        let plain = Sodium.randomBytes(count)
        let sealed = try keys.seal(plain.span, associated: place, with: slot)
        #expect(sealed.count == count + AEAD.overhead)
        #expect(try opened(sealed, at: place, with: slot) == plain)
        let secret = try keys.openSecret(sealed.span, associated: place, with: slot)
        let copy = [UInt8](copying: secret.span)
        #expect(copy == plain)
        let again = try keys.seal(plain.span, associated: place, with: slot)
        #expect(again != sealed)
    }

    @Test func `does not open after any byte changed, nor shorter, nor longer`() throws {
        let sealed = try keys.seal(Array("xoxb-secret".utf8).span, associated: place, with: slot)
        var changes: [[UInt8]] = sealed.indices.map { index in
            var changed = sealed
            changed[index] ^= 0x80
            return changed
        }
        changes.append(sealed + [0])
        changes += (AEAD.overhead..<sealed.count).map { Array(sealed[..<$0]) }
        let accepted = changes.filter { (try? opened($0, at: place, with: slot)) != nil }
        #expect(accepted.isEmpty)
        for length in 0..<AEAD.overhead {
            #expect(throws: SealingError.malformed) { try opened(Array(sealed[..<length]), at: place, with: slot) }
        }
    }

    @Test func `does not open in another place or with another key`() throws {
        let sealed = try keys.seal(Array("xoxb-secret".utf8).span, associated: place, with: slot)
        for index in place.indices {
            var elsewhere = place
            elsewhere[index] ^= 1
            #expect(throws: SealingError.notAuthentic) { try opened(sealed, at: elsewhere, with: slot) }
        }
        #expect(throws: SealingError.notAuthentic) { try opened(sealed, at: [], with: slot) }
        #expect(throws: SealingError.notAuthentic) { try opened(sealed, at: place, with: keys.addRandom()) }
    }

    @Test func `needs room for all of it`() throws {
        let sealed = try keys.seal(Array("12345678".utf8).span, associated: [], with: slot)
        let error = #expect(throws: SealingError.self) {
            _ = try SecretBytes(capacity: 7) { room throws(SealingError) in
                try keys.open(sealed.span, associated: [], with: slot, into: &room)
            }
        }
        #expect(error == .tooLong)
    }

    @Test func `leaves nothing in the slab when it does not open`() throws {
        var sealed = try keys.seal(Array("12345678".utf8).span, associated: [], with: slot)
        sealed[AEAD.nonceBytes] ^= 1
        let slab = Slab()
        slab.append("before")
        #expect(throws: SealingError.notAuthentic) {
            try keys.open(sealed.span, associated: [], with: slot, into: slab)
        }
        #expect([UInt8](copying: slab.span) == Array("before".utf8))
    }

    @Test func `can be a key, which works when unwrapped`() throws {
        let inner = keys.addRandom()
        let sealed = try keys.seal(Array("value".utf8).span, associated: [], with: inner)
        let wrapped = try keys.wrap(inner, under: slot, associated: place)
        keys.wipe(inner)
        #expect(throws: SealingError.keyGone) { try opened(sealed, at: [], with: inner) }
        let back = try keys.unwrap(wrapped.span, under: slot, associated: place)
        #expect(try opened(sealed, at: [], with: back) == Array("value".utf8))
        #expect(throws: SealingError.notAuthentic) {
            try keys.unwrap(wrapped.span, under: slot, associated: [])
        }
        #expect(throws: SealingError.malformed) {
            try keys.unwrap(Sodium.randomBytes(40).span, under: slot, associated: [])
        }
    }

    @Test func `can be a signing key or a box key`() throws {
        let signing = keys.addSigningKey()
        let wrapped = try keys.wrap(signing.slot, under: slot, associated: place)
        let back = try keys.unwrapSigningKey(wrapped.span, under: slot, associated: place)
        #expect(back.publicKey == signing.publicKey)
        let signature = try keys.sign(place.span, with: back)
        let good = Ed25519.verify(signature.span, of: place.span, by: signing.publicKey)
        #expect(good)

        let box = keys.addBoxKey()
        let note = SealedBox.seal(place.span, to: box.publicKey)
        let wrappedBox = try keys.wrap(box.slot, under: slot, associated: place)
        let boxBack = try keys.unwrapBoxKey(wrappedBox.span, under: slot, associated: place)
        let slab = Slab()
        try keys.openBox(note.span, with: boxBack, into: slab)
        #expect([UInt8](copying: slab.span) == place)
        #expect(throws: SealingError.malformed) {
            try keys.unwrapSigningKey(wrappedBox.span, under: slot, associated: place)
        }
        let mixed = keys.addRandom(count: 64)
        let wrappedMixed = try keys.wrap(mixed, under: slot, associated: place)
        #expect(throws: SealingError.malformed) {
            try keys.unwrapSigningKey(wrappedMixed.span, under: slot, associated: place)
        }
    }

    @Test func `to the recovery kit opens with the kit alone`() throws {
        let kit = KitKey()
        let vaultKey = keys.addRandom()
        let mac = try keys.mac([1, 2, 3], with: vaultKey)
        let sealed = try keys.sealKey(vaultKey, to: kit.publicKey)
        // As an operator would bring it back: 32 bytes typed or read from a file.
        let brought = try KitKey(secret: SecretBytes(copying: kit.secret.span))
        let back = try keys.openKey(sealed.span, with: brought)
        #expect(try keys.mac([1, 2, 3], with: back) == mac)
        let other = KitKey()
        let refused = #expect(throws: SealingError.self) { try keys.openKey(sealed.span, with: other) }
        #expect(refused == .notAuthentic)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            let opens = (try? keys.openKey(changed.span, with: kit)) != nil
            // The top bit of an X25519 public key is ignored (RFC 7748, section 5), but the nonce is a hash of all of it.
            #expect(!opens)
        }
        let text = SealedBox.seal(Array("backup".utf8).span, to: kit.publicKey)
        let plain = try SealedBox.open(text.span, with: kit)
        let copy = [UInt8](copying: plain.span)
        #expect(copy == Array("backup".utf8))
    }
}
