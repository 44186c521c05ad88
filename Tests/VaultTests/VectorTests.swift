import FoundationEssentials
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

/// The vectors of Tests/Vectors, made by another program, are met by ours: each is accepted, or refused for its reason.
@Suite struct `A vector made by another program` {
    /// A field as the files write it.
    private enum Field: Decodable {
        case null
        case int(Int64)
        case text(String)
        case blob([UInt8])

        private struct Blob: Decodable { let hex: String }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let number = try? container.decode(Int64.self) {
                self = .int(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .blob(try bytes(try container.decode(Blob.self).hex))
            }
        }

        var value: Value {
            switch self {
            case .null: .null
            case .int(let number): .int(number)
            case .text(let text): .text(text)
            case .blob(let bytes): .blob(bytes)
            }
        }
    }

    private static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    private struct File<Vector: Decodable>: Decodable {
        let kind: String
        let vectors: [Vector]
    }

    private func vectors<V: Decodable>(_ kind: String, of type: V.Type) throws -> [V] {
        let tests = String(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
        let data = try Data(contentsOf: URL(filePath: "/\(tests)/Vectors/\(kind).json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let file = try decoder.decode(File<V>.self, from: data)
        #expect(file.kind == kind)
        #expect(file.vectors.count > 10)
        return file.vectors
    }

    // MARK: - Sealed records

    private struct SealedRecord: Decodable {
        let name: String
        let key: String
        let associated: [Field]
        let canonical: String
        let sealed: String
        let plaintext: String
        let reject: String?
    }

    /// The row a vector's fields describe, made as it would be read from the file.
    private func version(_ fields: [Value], sealed: [UInt8]) throws -> (vaultID: [UInt8], row: SecretVersion) {
        guard fields.count == 11, case .blob(let vaultID) = fields[0], case .int(let tenant) = fields[1],
            case .int(let app) = fields[2], case .int(let installation) = fields[3], case .text(let kind) = fields[4],
            case .int(let number) = fields[5], case .int(let generation) = fields[6], case .int(let length) = fields[7],
            case .blob(let print) = fields[8], case .int(let createdAt) = fields[9], case .text(let by) = fields[10]
        else { throw Problem(.badRequest, "not the fields of a sealed record") }
        var row = SecretVersion(
            secret: SecretName(app: app, installation: installation, kind: try #require(SecretKind(rawValue: kind))),
            version: number, tenant: tenant, keyGeneration: generation, length: length,
            fingerprint: try #require(Fingerprint(bytes: print)), createdAt: createdAt, createdBy: by)
        row.sealed = sealed
        return (vaultID, row)
    }

    @Test func `of a sealed record`() throws {
        for vector in try vectors("sealed-record", of: SealedRecord.self) {
            let slots = KeySlots()
            let key = try Self.bytes(vector.key)
            let slot = slots.add(copying: key.span)
            let sealed = try Self.bytes(vector.sealed)
            let (vaultID, row) = try version(vector.associated.map(\.value), sealed: sealed)
            var canonical = Canonical("postern/secret/1")
            row.associate(&canonical, vaultID)
            #expect(Hex.encode(canonical.bytes.span) == vector.canonical, "\(vector.name)")
            let slab = Slab()
            var verdict: String?
            do throws(SealingError) {
                try slots.open(sealed.span, associated: canonical.bytes, with: slot, into: slab)
                let opened = Hex.encode(slab.span)
                #expect(opened == vector.plaintext, "\(vector.name)")
            } catch {
                verdict = error == .malformed ? "too short" : "not authentic"
                #expect(slab.count == 0)
            }
            #expect(verdict == vector.reject, "\(vector.name)")
        }
    }

    // MARK: - Rows under MAC

    private struct MACedRow: Decodable {
        let name: String
        let key: String
        let vaultId: String
        let table: String
        let tableNumber: Int
        let columns: [Field]
        let canonical: String
        let mac: String
        let share: String
        let reject: String?
    }

    /// A ring in which one key does everything.
    private func ring(_ key: [UInt8], vaultID: [UInt8]) -> KeyRing {
        let slots = KeySlots()
        let slot = slots.add(copying: key.span)
        return KeyRing(
            slots: slots, vaultID: vaultID, vaultKey: slot, rowMAC: slot, fingerprint: slot, state: slot,
            signing: slots.addSigningKey(), spool: slots.addBoxKey(), tenants: [:])
    }

    @Test func `of a row under MAC`() throws {
        for vector in try vectors("row-mac", of: MACedRow.self) {
            let vaultID = try Self.bytes(vector.vaultId)
            let rows = RowMAC(ring(try Self.bytes(vector.key), vaultID: vaultID))
            let table = try #require(TableName(rawValue: vector.tableNumber))
            #expect(table.sqlName == vector.table)
            let values = vector.columns.map(\.value)
            var canonical = Canonical("postern/row/1")
            canonical.add(vaultID)
            canonical.add(vector.table)
            for value in values { value.append(to: &canonical) }
            #expect(Hex.encode(canonical.bytes.span) == vector.canonical, "\(vector.name)")
            let stored = try #require(Digest32(hex: vector.mac))
            let accepted = try rows.mac(table, values) == stored
            #expect(accepted == (vector.reject == nil), "\(vector.name)")
            #expect(try rows.share(table, stored).hex == vector.share, "\(vector.name)")
        }
    }

    // MARK: - The log

    private struct Chain: Decodable {
        struct Record: Decodable {
            let seq: Int64
            let record: String
            let hash: String
        }

        let name: String
        let publicKey: String
        let records: [Record]
        let reject: String?
    }

    @Test func `of the audit log`() throws {
        var reasons: Set<String> = []
        for vector in try vectors("audit-chain", of: Chain.self) {
            let connection = try Connection(":memory:", .create)
            try Schema.create(connection)
            for record in vector.records {
                try connection.writing(
                    "INSERT INTO audit (seq, record, hash) VALUES (?1, ?2, ?3)",
                    [
                        .int(record.seq), .blob(try Self.bytes(record.record)), .blob(try Self.bytes(record.hash)),
                    ])
            }
            let publicKey = try #require(Digest32(hex: vector.publicKey))
            let result = try AuditVerifier.verify(connection, publicKey: publicKey)
            #expect(result.damage?.kind == vector.reject, "\(vector.name)")
            if vector.reject == nil { #expect(result.head == vector.records.last?.hash, "\(vector.name)") }
            reasons.insert(result.damage?.kind ?? "")
        }
        #expect(reasons.count >= 10)
    }
}
