package import Rules
import SQLite
import Sealing

/// Which secret: an app's kind, and the installation for token legs (0 for the app's own).
package struct SecretName: Hashable, Sendable {
    package let app: Int64
    package let installation: Int64
    package let kind: SecretKind

    /// A secret's place; installation 0 is the app itself.
    package init(app: Int64, installation: Int64 = 0, kind: SecretKind) {
        self.app = app
        self.installation = installation
        self.kind = kind
    }
}

/// One version of a secret: the sealed value and what may be known without opening it.
package struct SecretVersion: Row, Sendable {
    static let name = TableName.secrets

    package let secret: SecretName
    package let version: Int64
    let tenant: Int64
    let keyGeneration: Int64
    /// nil once destroyed.
    var sealed: [UInt8]?
    package let length: Int64
    package let fingerprint: Fingerprint
    package let createdAt: Int64
    package let createdBy: String
    package var destroyedAt: Int64?

    init(
        secret: SecretName, version: Int64, tenant: Int64, keyGeneration: Int64, length: Int64,
        fingerprint: Fingerprint, createdAt: Int64, createdBy: String
    ) {
        self.secret = secret
        self.version = version
        self.tenant = tenant
        self.keyGeneration = keyGeneration
        self.length = length
        self.fingerprint = fingerprint
        self.createdAt = createdAt
        self.createdBy = createdBy
        sealed = nil
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        try self.init(row, from: first, withValue: true)
    }

    /// Without `withValue` the sealed value is left in the row, for those who open it there.
    init(_ row: borrowing Statement, from first: Int32, withValue: Bool) throws(Problem) {
        guard let kind = SecretKind(rawValue: row.text(first + 2)),
            let fingerprint = Fingerprint(bytes: row.blob(first + 8))
        else { throw Self.name.unreadable }
        secret = SecretName(app: row.integer(first), installation: row.integer(first + 1), kind: kind)
        version = row.integer(first + 3)
        tenant = row.integer(first + 4)
        keyGeneration = row.integer(first + 5)
        sealed = withValue && !row.isNull(first + 6) ? row.blob(first + 6) : nil
        length = row.integer(first + 7)
        self.fingerprint = fingerprint
        createdAt = row.integer(first + 9)
        createdBy = row.text(first + 10)
        destroyedAt = row.isNull(first + 11) ? nil : row.integer(first + 11)
    }

    var values: [Value] {
        [
            .int(secret.app), .int(secret.installation), .text(secret.kind.rawValue), .int(version), .int(tenant),
            .int(keyGeneration), .optional(sealed), .int(length), .blob(fingerprint.bytes), .int(createdAt),
            .text(createdBy), .optional(destroyedAt),
        ]
    }
}

/// Which versions of a secret are in force: one row that changes while sealed rows do not.
package struct Head: Row, Sendable {
    static let name = TableName.heads

    package let secret: SecretName
    package var current: Int64?
    package var previous: Int64?
    /// When the previous version is destroyed, milliseconds since 1970.
    package var previousEnds: Int64?
    package var pending: Int64?
    package var lastVersion: Int64

    init(secret: SecretName) {
        self.secret = secret
        lastVersion = 0
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let kind = SecretKind(rawValue: row.text(first + 2)) else { throw Self.name.unreadable }
        secret = SecretName(app: row.integer(first), installation: row.integer(first + 1), kind: kind)
        func optional(_ index: Int32) -> Int64? { row.isNull(first + index) ? nil : row.integer(first + index) }
        current = optional(3)
        previous = optional(4)
        previousEnds = optional(5)
        pending = optional(6)
        lastVersion = row.integer(first + 7)
    }

    var values: [Value] {
        [
            .int(secret.app), .int(secret.installation), .text(secret.kind.rawValue), .optional(current),
            .optional(previous), .optional(previousEnds), .optional(pending), .int(lastVersion),
        ]
    }

    /// What a version is at `now`; nil when it is neither current nor previous nor pending.
    package func state(of version: Int64, at now: Int64) -> VersionState? {
        if version == current { return .current }
        if version == pending { return .pending }
        if version == previous { return (previousEnds ?? .max) > now ? .previous : nil }
        return nil
    }
}

/// Where a version is in its life.
package enum VersionState: String, Sendable {
    case pending
    case current
    case previous
    case destroyed
}
