package import Rules
import SQLite
package import Sealing

/// What `audit verify` found.
package struct AuditVerification: Sendable {
    /// The first bad record and what is wrong with it.
    package struct Damage: Sendable, Equatable {
        package let seq: Int64
        package let kind: String
    }

    package let records: Int64
    package let checkpoints: Int64
    /// The last record that a valid signature covers.
    package let signedUpTo: Int64
    /// The last record's hash.
    package let head: String
    package let damage: Damage?

    package var isSound: Bool { damage == nil }
}

extension Vault {
    /// Verifies the log of the open vault.
    package func verifyAudit() throws(Problem) -> AuditVerification {
        try readers.snapshot { reader throws(Problem) in
            try AuditVerifier.verify(reader.connection, publicKey: keys.signing.publicKey)
        }
    }

    /// Where the log ends according to the state row must be where it ends.
    package static let truncatedKind = "records are missing at the end"
}

/// Verifies a log from its first record to its last, with nothing but the file and the public key.
package enum AuditVerifier {
    /// Verifies the log of a vault.db that need not belong to a running daemon; nothing is written.
    ///
    /// `anchors` are lines of the anchors file kept elsewhere: each must be in the log, which is how a log cut short or
    /// put back as a whole is noticed.
    package static func verify(
        file: String, publicKey: Digest32, anchors: [String] = []
    ) throws(Problem) -> AuditVerification {
        let connection: Connection
        do throws(SQLiteError) { connection = try Connection(file, .readOnly) } catch {
            throw Problem(.notFound, "\(file) cannot be opened", advice: "name a vault.db, or the directory it is in")
        }
        let kept = try Anchor.all(anchors)
        let result = try verify(connection, publicKey: publicKey)
        guard result.isSound else { return result }
        for anchor in kept {
            let hash = try connection.reading("SELECT hash FROM audit WHERE seq = ?1", [.int(anchor.seq)]) {
                row throws(Problem) -> Digest32? in
                try row.stepped() ? Digest32(row.span(0)) : nil
            }
            if hash != anchor.head {
                return result.with(
                    .init(seq: anchor.seq, kind: hash == nil ? "missing, but an anchor names it" : "an anchor differs"))
            }
        }
        return result
    }

    static func verify(_ connection: Connection, publicKey: Digest32) throws(Problem) -> AuditVerification {
        var names: [Int64: String] = [:]
        var previous = Digest32.zero
        var seq: Int64 = 0
        var time: Int64 = 0
        var checkpoints: Int64 = 0
        var signedUpTo: Int64 = 0
        var damage: AuditVerification.Damage?
        try connection.reading("SELECT seq, record, hash FROM audit ORDER BY seq") { row throws(Problem) in
            while damage == nil, try row.stepped() {
                let found = row.integer(0)
                func bad(_ kind: String) { damage = .init(seq: seq + 1, kind: kind) }
                guard found == seq + 1 else { return bad(found > seq ? "missing" : "out of order") }
                let bytes = row.blob(1)
                guard let stored = Digest32(row.span(2)) else { return bad("its hash is not a hash") }
                let hash = Digest32.hash(previous: previous, record: bytes.span)
                guard hash == stored else { return bad("changed: the hash does not fit") }
                guard let record = try? AuditFormat.read(bytes, resolve: { names[$0] }) else {
                    return bad("not a record")
                }
                guard record.seq == found else { return bad("moved: it says it is record \(record.seq)") }
                guard record.time >= time else { return bad("its time is before the record before it") }
                switch record.content {
                case .name(let name): names[found] = name
                case .event: break
                case .checkpoint(let checkpoint):
                    guard checkpoint.seq == seq, checkpoint.head == previous else {
                        return bad("a checkpoint of another log")
                    }
                    if !checkpoint.signature.isEmpty {
                        guard checkpoint.publicKey == publicKey else { return bad("signed by another key") }
                        let message = checkpoint.message
                        guard Ed25519.verify(checkpoint.signature.span, of: message.span, by: publicKey) else {
                            return bad("a checkpoint's signature does not fit")
                        }
                        signedUpTo = seq
                    }
                    checkpoints += 1
                }
                previous = hash
                seq = found
                time = record.time
            }
        }
        if damage == nil, let claimed = try stateHead(connection) {
            if claimed.seq != seq {
                let kind = claimed.seq > seq ? Vault.truncatedKind : "added at the end"
                damage = .init(seq: min(claimed.seq, seq) + 1, kind: kind)
            } else if claimed.hash != previous {
                // Anybody can chain records anew; whoever did it after the last signature is given away by the row.
                damage = .init(seq: signedUpTo + 1, kind: "its end is not the one the state row names")
            }
        }
        // Making a vault signs its first records, so a log without any signature is not one of ours.
        if damage == nil, signedUpTo == 0 { damage = .init(seq: 1, kind: "no signature covers any of it") }
        return AuditVerification(
            records: seq, checkpoints: checkpoints, signedUpTo: signedUpTo, head: previous.hex, damage: damage)
    }

    /// Where the state row says the log ends; the row's own MAC needs the vault's keys, so this only helps.
    private static func stateHead(_ connection: Connection) throws(Problem) -> (seq: Int64, hash: Digest32)? {
        try connection.reading("SELECT audit_seq, audit_hash FROM state ORDER BY id") { row throws(Problem) in
            guard try row.stepped() else { return nil }
            return (row.integer(0), Digest32(row.span(1)) ?? .zero)
        }
    }
}

extension AuditVerification {
    fileprivate func with(_ damage: Damage) -> AuditVerification {
        AuditVerification(
            records: records, checkpoints: checkpoints, signedUpTo: signedUpTo, head: head, damage: damage)
    }
}
