import FoundationEssentials
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

/// The log, verified with the file and the public key alone, as somebody would who has nothing else.
@Suite struct `An audit log` {
    private let place: Place
    /// The newest record, and the one before the last checkpoint.
    private let last: Int64
    private let signed: Int64

    init() throws {
        place = try Place.new()
        let vault = try place.open()
        for index in 0..<10 { _ = try vault.record(note("early-\(index)")) }
        vault.signCheckpoint()
        signed = vault.logHead.seq
        for index in 0..<5 { _ = try vault.record(note("late-\(index)")) }
        last = vault.logHead.seq
        try? vault.readers.read { reader throws(Problem) in _ = try? reader.connection.checkpoint(.truncate) }
    }

    private func verify(_ place: Place, anchors: [String] = []) throws -> AuditVerification {
        try AuditVerifier.verify(file: place.directory.database, publicKey: try place.publicKey, anchors: anchors)
    }

    @Test func `that nobody touched is sound`() throws {
        let result = try verify(place, anchors: try place.anchors)
        #expect(result.damage == nil)
        #expect(result.records == last)
        #expect(result.checkpoints == 2)
        #expect(result.signedUpTo == signed - 1)
    }

    private struct Damage: Sendable {
        let sql: String
        let seq: Int64
        let kind: String
        init(_ sql: String, _ seq: Int64, _ kind: String) { (self.sql, self.seq, self.kind) = (sql, seq, kind) }
    }

    private static let damages = [
        Damage("UPDATE audit SET record = zeroblob(length(record)) WHERE seq = 3", 3, "changed: the hash does not fit"),
        Damage("UPDATE audit SET hash = zeroblob(32) WHERE seq = 5", 5, "changed: the hash does not fit"),
        Damage("UPDATE audit SET hash = X'00' WHERE seq = 5", 5, "its hash is not a hash"),
        Damage("DELETE FROM audit WHERE seq = 4", 4, "missing"),
        Damage("DELETE FROM audit WHERE seq BETWEEN 1 AND 4", 1, "missing"),
        Damage("UPDATE audit SET seq = -1 WHERE seq = 1", 1, "out of order"),
        Damage(
            """
            CREATE TEMP TABLE two AS SELECT * FROM audit WHERE seq IN (6, 7);
            UPDATE audit SET (record, hash) = (SELECT record, hash FROM two WHERE two.seq = 13 - audit.seq)
            WHERE seq IN (6, 7)
            """, 6, "changed: the hash does not fit"),
    ]

    @Test(arguments: damages)
    private func `that was damaged names the first bad record and what is wrong`(_ damage: Damage) throws {
        let copy = try place.copy()
        try copy.tamper(damage.sql)
        let result = try verify(copy)
        #expect(result.damage == .init(seq: damage.seq, kind: damage.kind))
        // The daemon says the same about it.
        let open = try? copy.open().verifyAudit()
        if let open { #expect(open.damage == result.damage) }
    }

    @Test func `that was cut short is refused by the daemon and noticed by the verifier`() throws {
        let copy = try place.copy()
        try copy.tamper("DELETE FROM audit WHERE seq > \(last - 2)")
        #expect(try verify(copy).damage == .init(seq: last - 1, kind: Vault.truncatedKind))
        let problem = copy.refusal()
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains("table audit") == true
        #expect(names)
        try copy.tamper("DELETE FROM audit")
        #expect(try verify(copy).isSound == false)
        #expect(copy.refusal()?.code == .integrityFailure)
    }

    @Test func `with a record added is refused by the daemon and noticed by the verifier`() throws {
        let copy = try place.copy()
        try copy.tamper("INSERT INTO audit SELECT \(last + 1), record, hash FROM audit WHERE seq = \(last)")
        #expect(try verify(copy).isSound == false)
        #expect(copy.refusal()?.code == .integrityFailure)
    }

    /// Rewrites every record from `first` on and chains them anew, as anybody can: the chain has no key.
    private func forge(_ place: Place, from first: Int64) throws {
        let connection = try Connection(place.directory.database, .readWrite)
        var previous = Digest32.zero
        var records: [(Int64, [UInt8])] = []
        try connection.reading("SELECT seq, record, hash FROM audit ORDER BY seq") { row throws(Problem) in
            while try row.stepped() {
                if row.integer(0) < first { previous = Digest32(row.span(2)) ?? .zero }
                if row.integer(0) >= first { records.append((row.integer(0), row.blob(1))) }
            }
        }
        // Byte 64 is the first of an event's request id and the first letter of a name.
        for (seq, record) in records {
            var record = record
            if seq == first { record[64] ^= 1 }
            previous = Digest32.hash(previous: previous, record: record.span)
            try connection.writing(
                "UPDATE audit SET record = ?2, hash = ?3 WHERE seq = ?1",
                [.int(seq), .blob(record), .blob(previous.bytes)])
        }
    }

    @Test func `rewritten under a signature is noticed by the signature`() throws {
        let copy = try place.copy()
        try forge(copy, from: 3)
        #expect(try verify(copy).isSound == false)
        #expect(try verify(copy).damage?.seq ?? 0 <= signed)
    }

    @Test func `rewritten after the last signature is noticed by the state row`() throws {
        let copy = try place.copy()
        try forge(copy, from: last)
        #expect(try verify(copy).damage?.kind == "its end is not the one the state row names")
        let problem = copy.refusal()
        #expect(problem?.code == .integrityFailure)
    }

    @Test func `without any signature is not sound`() throws {
        let copy = try place.copy()
        try copy.tamper("DELETE FROM audit WHERE seq > 3; UPDATE state SET audit_seq = 3")
        try copy.tamper("UPDATE state SET audit_hash = (SELECT hash FROM audit WHERE seq = 3)")
        let result = try verify(copy)
        #expect(result.damage == .init(seq: 1, kind: "no signature covers any of it"))
    }

    @Test func `signed by another key is not sound`() throws {
        let strange = try Place.new()
        let result = try AuditVerifier.verify(
            file: place.directory.database, publicKey: try strange.publicKey)
        #expect(result.damage?.kind == "signed by another key")
    }

    /// The whole vault put back: only anchors kept elsewhere can tell.
    @Test func `put back as a whole is noticed by an anchor kept elsewhere`() throws {
        let older = try place.copy()
        let vault = try place.open()
        _ = try vault.record(note("newest"))
        let newest = vault.logHead.seq
        vault.signCheckpoint()
        let kept = try place.anchors
        #expect(kept.count == 3)
        #expect(try verify(place, anchors: kept).damage == nil)
        #expect(older.refusal() == nil)
        #expect(try verify(older).damage == nil)
        let result = try verify(older, anchors: kept)
        #expect(result.damage?.kind == "missing, but an anchor names it")
        #expect(result.damage?.seq == newest)
    }

    @Test func `with another history than an anchor's is noticed`() throws {
        let line = try #require(try place.anchors.last)
        let head = try #require(line.split(separator: "\"head\":\"").last?.prefix(64))
        let other = line.replacing(head, with: String(repeating: "0", count: 64))
        let result = try verify(place, anchors: [other])
        #expect(result.damage?.kind == "an anchor differs")
    }

    @Test func `cannot be compared with anchors that are none`() throws {
        let good = try place.anchors
        for bad in [["nonsense"], ["{}", good[0]], [good[0], "{\"seq\":", good[1]]] {
            let problem = #expect(throws: Problem.self) { _ = try verify(place, anchors: bad) }
            #expect(problem?.code == .badRequest)
        }
        // A last line that was being written when it was copied is not.
        #expect(try verify(place, anchors: [good[0], String(good[1].prefix(40))]).isSound)
    }
}
