import Sealing
import Testing

/// What other implementations published or computed.
@Suite struct `A published vector` {
    private let keys = KeySlots()

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    // Computed with Python's hashlib.blake2b(digest_size=32).
    @Test(arguments: [
        ("", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
        ("616263", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    ])
    func `of BLAKE2b-256 is met`(_ input: String, _ want: String) throws {
        let input = try bytes(input)
        #expect(Digest32.hash(input.span).hex == want)
        for cut in 0...input.count {
            let (one, other) = (input.span.extracting(0..<cut), input.span.extracting(cut..<input.count))
            let got = Digest32.hash(one, other)
            #expect(got.hex == want)
        }
    }

    @Test(arguments: [
        (32, 256, "b42be36ea26392f67d1d3706ffa72b6c61c2ff38e1fabd9a49e154d54b967d83"),
        (32, 0, "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d"),
    ])
    func `of keyed BLAKE2b-256 is met`(_ keyLength: Int, _ count: Int, _ want: String) throws {
        let key = (0..<keyLength).map { UInt8($0) }
        let slot = keys.add(copying: key.span)
        let input = (0..<count).map { UInt8($0) }
        #expect(try keys.mac(input, with: slot).hex == want)
    }

    // RFC 7636, appendix B, and Slack's page on PKCE, whose verifier is shorter than the RFC allows.
    @Test(arguments: [
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("secretpassword", "ldMBaaWcQYtSATMV_IG8mf3wp7A6EW80arYoSW80ntU"),
    ])
    func `of a PKCE challenge by S256 is met`(_ verifier: String, _ challenge: String) {
        let digest = Digest32.sha256(verifier.utf8.span).bytes
        #expect(Base64.url.encode(digest.span) == challenge)
    }

    @Test func `of a chain's link is met`() throws {
        let record = Array("record".utf8)
        let previous = Digest32.hash(Array("abc".utf8).span)
        #expect(
            Digest32.hash(previous: previous, record: record.span).hex
                == "4c280717cf80745efccb5a868c24f6db46db731cc8c9fe95494612ea085f7417")
        #expect(
            Digest32.hash(previous: .zero, record: Span()).hex
                == "89eb0d6a8a691dae2cd15ed0369931ce0a949ecafa5c3f93f8121833646e15c3")
    }

    // RFC 4231, sections 4.2, 4.3 and 4.7; the last is the empty key.
    @Test(arguments: [
        (
            String(repeating: "0b", count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            "4a656665", "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            String(repeating: "aa", count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        ("", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ])
    func `of HMAC-SHA256 is met`(_ key: String, _ message: String, _ want: String) throws {
        let key = try bytes(key)
        let message = Array(message.utf8)
        #expect(Digest32.hmacSHA256(key: key.span, message.span).hex == want)
        let half = message.count / 2
        let inParts = Digest32.hmacSHA256(
            key: key.span, message.span.extracting(..<half), message.span.extracting(half...))
        #expect(inParts.hex == want)
    }

    // FIPS 180-4's example.
    @Test func `of SHA-256 is met`() {
        #expect(
            Digest32.sha256(Array("abc".utf8).span).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    // draft-irtf-cfrg-xchacha-03, A.3.1.
    @Test func `of XChaCha20-Poly1305 opens`() throws {
        let key = (0x80...0x9f).map { UInt8($0) }
        let nonce = (0x40...0x57).map { UInt8($0) }
        let sealed = try bytes(
            """
            bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
            731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
            2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
            21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49
            """)
        let slot = keys.add(copying: key.span)
        let slab = Slab()
        try keys.open(
            (nonce + sealed).span, associated: try bytes("50515253c0c1c2c3c4c5c6c7"), with: slot, into: slab)
        let text = String(decoding: [UInt8](copying: slab.span), as: UTF8.self)
        #expect(
            text == """
                Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                sunscreen would be it.
                """)
    }

    // RFC 8032, section 7.1, tests 1 and 2.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            """
            e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
            5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
            """
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            """
            92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
            085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
            """
        ),
    ])
    func `of Ed25519 is met`(_ seed: String, _ publicKey: String, _ message: String, _ signature: String) throws {
        let seed = try bytes(seed)
        let message = try bytes(message)
        let key = try keys.addSigningKey(seed: seed.span)
        #expect(key.publicKey.hex == publicKey)
        let made = try keys.sign(message.span, with: key)
        #expect(Hex.encode(made.span) == signature)
        let good = Ed25519.verify(made.span, of: message.span, by: key.publicKey)
        #expect(good)
        for index in made.indices {
            var changed = made
            changed[index] ^= 1
            let bad = Ed25519.verify(changed.span, of: message.span, by: key.publicKey)
            #expect(!bad)
        }
        let longer = message + [0]
        let bad = Ed25519.verify(made.span, of: longer.span, by: key.publicKey)
        #expect(!bad)
    }

    // RFC 4648, section 10.
    @Test(arguments: [
        ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
        ("foob", "Zm9vYg==", "Zm9vYg"), ("fooba", "Zm9vYmE=", "Zm9vYmE"), ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
        ("\u{10ffff}??", "9I+/vz8/", "9I-_vz8_"),
    ])
    func `of base64 is met both ways`(_ plain: String, _ standard: String, _ url: String) {
        let plain = Array(plain.utf8)
        #expect(Base64.standard.encode(plain.span) == standard)
        #expect(Base64.url.encode(plain.span) == url)
        #expect(Base64.standard.decode(standard) == plain)
        #expect(Base64.url.decode(url) == plain)
        let slab = Slab()
        Base64.url.encode(plain.span, into: slab)
        #expect([UInt8](copying: slab.span) == Array(url.utf8))
    }
}
