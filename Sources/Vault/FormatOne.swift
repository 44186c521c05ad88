import Rules
import SQLite
import Sealing

/// vault.db as the first release wrote it: without revocations, links, integrations and checks, and with legs that knew
/// nothing of refreshing.
enum FormatOne {
    /// Token legs as format 1 had them.
    static let legs = Table(
        name: "legs",
        create:
            """
            CREATE TABLE legs (
                installation INTEGER NOT NULL REFERENCES installations(id),
                leg TEXT NOT NULL,
                scope TEXT NOT NULL,
                state TEXT NOT NULL,
                expires_at INTEGER,
                refresh_sealed BLOB,
                refresh_fingerprint BLOB,
                generation INTEGER NOT NULL,
                in_flight BLOB,
                updated_at INTEGER NOT NULL,
                mac BLOB NOT NULL,
                PRIMARY KEY (installation, leg)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT installation, leg, scope, state, expires_at, refresh_sealed, refresh_fingerprint, generation, in_flight, updated_at, mac
            FROM legs ORDER BY installation, leg
            """,
        find:
            """
            SELECT installation, leg, scope, state, expires_at, refresh_sealed, refresh_fingerprint, generation, in_flight, updated_at, mac
            FROM legs WHERE installation = ?1 AND leg = ?2
            """,
        insert:
            """
            INSERT INTO legs (installation, leg, scope, state, expires_at, refresh_sealed, refresh_fingerprint, generation, in_flight, updated_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
        update:
            """
            UPDATE legs SET (scope, state, expires_at, refresh_sealed, refresh_fingerprint, generation, in_flight, updated_at, mac)
            = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            WHERE installation = ?1 AND leg = ?2
            """,
        delete: "DELETE FROM legs WHERE installation = ?1 AND leg = ?2",
        keyColumns: 2,
        columns: 10,
        isSmall: false
    )

    private static let tables = TableName.allCases.prefix { $0 != .revocations }

    /// The way from it to format 2.
    static let leaving = Migration(
        from: 1, tables: tables.count,
        schema: { connection throws(SQLiteError) in try create(connection) },
        run: { transaction throws(Problem) in try run(transaction) })

    private static func create(_ connection: Connection) throws(SQLiteError) {
        for table in tables { try connection.execute(table == .legs ? legs.create : FormatTwo.create(table)) }
        try connection.execute(VaultState.create)
        try connection.execute(Schema.audit)
        for index in FormatTwo.indexes.prefix(5) { try connection.execute(index) }
    }

    private static func run(_ transaction: Transaction) throws(Problem) {
        let (old, sum) = try read(transaction)
        guard sum == transaction.state.digests[TableName.legs.rawValue] else {
            throw TableName.legs.damaged("a row is missing, was added, or is an older one")
        }
        try transaction.connection.bridging { () throws(SQLiteError) in
            try transaction.connection.execute("DROP TABLE legs")
            for table in [TableName.legs, .revocations, .links, .integrations, .checks] {
                try transaction.connection.execute(table.table.create)
            }
            for index in FormatTwo.indexes.dropFirst(5) { try transaction.connection.execute(index) }
        }
        transaction.state.digests[TableName.legs.rawValue] = .zero
        for row in old { try transaction.insert(row) }
    }

    /// Every leg under its old MAC, and the sum of their shares.
    private static func read(_ transaction: Transaction) throws(Problem) -> ([LegRow], Digest32) {
        var sum = Digest32.zero
        let rows = try transaction.connection.reading(legs.select) { row throws(Problem) in
            var rows: [LegRow] = []
            while try row.stepped() {
                let mac = try transaction.mac.check(.legs, row, columns: Int32(legs.columns))
                sum += try transaction.mac.share(.legs, mac)
                rows.append(try leg(row))
            }
            return rows
        }
        // A refresh token was sealed with its tenant's newest key, of which there was one only.
        var found: [LegRow] = []
        for var row in rows {
            guard let place = try transaction.installation(row.installation) else {
                throw TableName.legs.damaged("a row is of no installation")
            }
            row.keyGeneration = try transaction.newestKey(of: place.tenant)
            found.append(row)
        }
        return (found, sum)
    }

    private static func leg(_ row: borrowing Statement) throws(Problem) -> LegRow {
        guard let leg = Leg(rawValue: row.text(1)), let scope = JSONText.list(row.text(2)),
            let state = LegRow.State(rawValue: row.text(3))
        else { throw TableName.legs.unreadable }
        var found = LegRow(
            installation: row.integer(0), leg: leg, scope: scope, expiresAt: row.isNull(4) ? nil : row.integer(4),
            generation: row.integer(7), now: row.integer(9))
        found.state = state
        found.refreshSealed = row.isNull(5) ? nil : row.blob(5)
        found.refreshFingerprint = row.isNull(6) ? nil : row.blob(6)
        // Whoever keeps house looks at it at once, and decides when it is due.
        found.dueAt = found.refreshSealed == nil || state != .active ? nil : found.issuedAt
        return found
    }
}
