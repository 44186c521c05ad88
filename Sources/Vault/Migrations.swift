import Linux
import Rules
import SQLite
import Sealing

/// One step from a format of vault.db to the next.
struct Migration: Sendable {
    /// The format it starts from; it ends at the next.
    let from: Int32
    /// How many tables stood under MAC in it, the first of `TableName`.
    let tables: Int
    /// Makes the old format in an empty database: a file that differs from it in anything is not migrated, since what
    /// was planted in it would run.
    let schema: @Sendable (Connection) throws(SQLiteError) -> Void
    /// Changes tables and rows. A row whose columns change needs a new MAC, and its old one checked before.
    let run: @Sendable (Transaction) throws(Problem) -> Void
}

/// Forward migrations (design, section 4): all steps in one transaction, after a backup.
enum Migrations {
    /// In order of `from`, without a gap, up to `Schema.version`.
    static let all: [Migration] = [FormatOne.leaving, FormatTwo.leaving]

    /// The steps that lead from `version` to ours; none when it is ours.
    static func path(from version: Int64, _ steps: [Migration]) throws(Problem) -> ArraySlice<Migration> {
        guard version != Int64(Schema.version) else { return [] }
        guard let first = steps.firstIndex(where: { Int64($0.from) == version }) else {
            throw Problem(
                .integrityFailure, "vault.db has format \(version), from which no release leads on",
                advice: "somebody changed vault.db from outside; stop, keep a copy, and restore from a backup")
        }
        return steps[first...]
    }

    /// Where the backup is kept, beside the vault and sealed like it.
    static func backupPath(_ directory: VaultDirectory) -> String {
        directory.database + ".before-v\(Schema.version)"
    }

    /// Makes the backup and runs the steps. On an error the vault is as it was.
    static func run(
        _ steps: ArraySlice<Migration>, on connection: Connection, _ keys: KeyRing, backup: String
    ) throws(Problem) {
        try connection.bridging { () throws(SQLiteError) in
            try connection.backUp(to: Connection(backup, .create))
            try connection.beginImmediate()
        }
        do throws(Problem) {
            let state = try VaultState.load(connection, keys, tables: steps.first?.tables ?? TableName.allCases.count)
            let now = max(Clock.wallMilliseconds, state.lastTime)
            let transaction = Transaction(
                connection: connection, keys: keys, mac: RowMAC(keys), state: state, names: NameTable(), now: now)
            for step in steps { try step.run(transaction) }
            try connection.bridging { () throws(SQLiteError) in try connection.setUserVersion(Schema.version) }
            try transaction.record(
                AuditEntry(
                    "vault.migrate", .allowed, by: .system, request: .next(), version: Int64(Schema.version)))
            try transaction.state.store(connection, keys)
            try Schema.check(connection)
            for name in TableName.allCases {
                try Vault.check(name, connection, transaction.mac, transaction.state)
            }
            try connection.bridging { () throws(SQLiteError) in try connection.commit() }
        } catch {
            try? connection.rollback()
            throw error
        }
    }
}
