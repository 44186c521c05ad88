import Rules
import SQLite
import Sealing

extension KeyRow {
    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let purpose = KeyPurpose(rawValue: row.text(first + 1)) else { throw Self.name.unreadable }
        id = row.integer(first)
        self.purpose = purpose
        tenant = row.isNull(first + 2) ? nil : row.integer(first + 2)
        generation = row.integer(first + 3)
        wrapped = row.blob(first + 4)
        createdAt = row.integer(first + 5)
    }
}

/// Who the vault is; one row.
struct Meta: Row {
    static let name = TableName.meta
    static let format: Int64 = 1

    let vaultID: [UInt8]
    let createdAt: Int64
    /// The recovery kit's X25519 public key, and the vault key sealed to it.
    let kitPublic: [UInt8]
    let kitSealed: [UInt8]
    let auditPublic: [UInt8]
    /// The vault key, wrapped by the root key.
    let wrappedVaultKey: [UInt8]

    init(
        vaultID: [UInt8], createdAt: Int64, kitPublic: [UInt8], kitSealed: [UInt8], auditPublic: [UInt8],
        wrappedVaultKey: [UInt8]
    ) {
        self.vaultID = vaultID
        self.createdAt = createdAt
        self.kitPublic = kitPublic
        self.kitSealed = kitSealed
        self.auditPublic = auditPublic
        self.wrappedVaultKey = wrappedVaultKey
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard row.integer(first + 2) == Self.format else { throw Self.name.unreadable }
        vaultID = row.blob(first + 1)
        createdAt = row.integer(first + 3)
        kitPublic = row.blob(first + 4)
        kitSealed = row.blob(first + 5)
        auditPublic = row.blob(first + 6)
        wrappedVaultKey = row.blob(first + 7)
    }

    var values: [Value] {
        [
            .int(1), .blob(vaultID), .int(Self.format), .int(createdAt), .blob(kitPublic), .blob(kitSealed),
            .blob(auditPublic), .blob(wrappedVaultKey),
        ]
    }
}

extension Meta {
    /// What the wrapped vault key is bound to.
    static func associated(vaultID: [UInt8], createdAt: Int64) -> [UInt8] {
        var canonical = Canonical("postern/vault-key/1")
        canonical.add(vaultID)
        canonical.add(createdAt)
        return canonical.bytes
    }

    func associated() -> [UInt8] { Self.associated(vaultID: vaultID, createdAt: createdAt) }
}
