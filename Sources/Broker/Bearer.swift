import Sealing

/// What stands for a lease on loopback TCP, where nobody can see which process asks: 256 random bits behind a prefix by
/// which scanners of source and logs know them.
package enum Bearer {
    /// What every bearer begins with.
    package static let prefix = "ptcp_"
    private static let digits = 43

    /// Makes one at the end of `slab`, the only place where it is in plain. Returns its hash, which is what is stored.
    static func make(into slab: Slab) -> [UInt8] {
        let start = slab.count
        let random = SecretBytes(random: 32)
        slab.append(prefix)
        Base64.url.encode(random.span, into: slab)
        return Digest32.hash(slab.span(start..<slab.count)).bytes
    }

    /// The BLAKE2b-256 of what a client showed; nil where it has not the shape of a bearer.
    package static func hash(_ shown: Span<UInt8>) -> [UInt8]? {
        guard shown.count == prefix.utf8.count + digits else { return nil }
        for (index, byte) in prefix.utf8.enumerated() where shown[index] != byte { return nil }
        return Digest32.hash(shown).bytes
    }
}
