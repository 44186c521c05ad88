package import Sealing

/// A signed statement of how the vault stood: the audit log up to `seq`, and every table's set digest.
package struct Checkpoint: Sendable {
    package let vaultID: [UInt8]
    /// The last record covered.
    package let seq: Int64
    /// That record's hash.
    package let head: Digest32
    package let epoch: Int64
    /// One digest a table, in the order of `TableName`.
    package let digests: [UInt8]
    package let publicKey: Digest32
    /// Ed25519 over `message`; empty while the vault is sealed.
    package var signature: [UInt8]

    init(vaultID: [UInt8], seq: Int64, head: Digest32, epoch: Int64, digests: [UInt8], publicKey: Digest32) {
        self.vaultID = vaultID
        self.seq = seq
        self.head = head
        self.epoch = epoch
        self.digests = digests
        self.publicKey = publicKey
        signature = []
    }

    init(_ reader: inout CanonicalReader) throws(SealingError) {
        vaultID = [UInt8](copying: try reader.blob())
        seq = try reader.integer()
        head = try reader.digest()
        epoch = try reader.integer()
        digests = [UInt8](copying: try reader.blob())
        publicKey = try reader.digest()
        signature = [UInt8](copying: try reader.blob())
    }

    func append(to canonical: inout Canonical) {
        canonical.add(vaultID)
        canonical.add(seq)
        canonical.add(head)
        canonical.add(epoch)
        canonical.add(digests)
        canonical.add(publicKey)
    }

    /// What the signature is over.
    var message: [UInt8] {
        var canonical = Canonical("postern/checkpoint/1")
        append(to: &canonical)
        return canonical.bytes
    }
}
