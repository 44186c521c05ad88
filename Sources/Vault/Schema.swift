import Rules
import SQLite

/// The shape of vault.db. At open `sqlite_schema` must be this to the byte, since a planted trigger or view would run
/// inside our transactions.
enum Schema {
    /// "POST", so that file(1) and we know the file.
    static let applicationID: Int32 = 0x504F_5354
    static let version: Int32 = 3

    static let audit: SQL =
        """
        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            record BLOB NOT NULL,
            hash BLOB NOT NULL
        ) STRICT
        """

    static let indexes: [SQL] = [
        "CREATE INDEX heads_by_end ON heads (previous_ends) WHERE previous_ends IS NOT NULL",
        "CREATE INDEX oauth_states_by_end ON oauth_states (expires_at)",
        "CREATE INDEX apps_by_tenant ON apps (tenant)",
        "CREATE INDEX legs_by_due ON legs (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX legs_in_trouble ON legs (state) WHERE state = 'needs_reauthorization' OR failures > 0",
        "CREATE INDEX revocations_by_next ON revocations (next_at) WHERE next_at IS NOT NULL",
        "CREATE INDEX links_by_installation ON links (installation)",
    ]

    /// By end for lists and housekeeping; by service with all that counting a service's live leases looks at, so that
    /// no row is read for it; by bearer for the few that have one.
    static let leaseIndexes: [SQL] = [
        "CREATE INDEX leases_by_end ON leases (expires_at)",
        "CREATE INDEX leases_by_service ON leases (service, expires_at, serial, grant_id, app, installation)",
        "CREATE UNIQUE INDEX leases_by_bearer ON leases (bearer) WHERE bearer <> x''",
    ]

    /// Makes the tables in an empty database.
    static func create(_ connection: Connection) throws(SQLiteError) {
        for table in TableName.allCases { try connection.execute(table.table.create) }
        try connection.execute(VaultState.create)
        try connection.execute(audit)
        for index in indexes + leaseIndexes { try connection.execute(index) }
    }

    /// Refuses a file that is not ours or is newer than we are. Returns its format.
    static func identify(_ connection: Connection) throws(Problem) -> Int64 {
        let (application, version) = try connection.bridging { () throws(SQLiteError) in
            (try connection.applicationID, try connection.userVersion)
        }
        guard application == Int64(applicationID) else {
            throw Problem(.integrityFailure, "vault.db is not a Postern vault", advice: "look at --data-dir")
        }
        guard version <= Int64(Schema.version) else {
            throw Problem(
                .conflict, "vault.db has format \(version), this posternd knows up to \(Schema.version)",
                advice: "install the newer release that wrote it")
        }
        return version
    }

    /// Refuses a file that is not of our format or has anything planted in it.
    static func check(_ connection: Connection) throws(Problem) {
        _ = try Migrations.path(from: try identify(connection), [])
        let (found, ours) = try connection.bridging { () throws(SQLiteError) in
            (try connection.schemaText(), try expected())
        }
        try compare(found, ours)
    }

    /// What `sqlite_schema` must read, made by SQLite itself from our statements.
    private static func expected() throws(SQLiteError) -> String {
        let connection = try Connection(":memory:", .create)
        try create(connection)
        return try connection.schemaText()
    }

    /// Refuses a file of an older format that has anything planted in it.
    static func check(_ connection: Connection, before step: Migration) throws(Problem) {
        let (found, theirs) = try connection.bridging { () throws(SQLiteError) in
            let empty = try Connection(":memory:", .create)
            try step.schema(empty)
            return (try connection.schemaText(), try empty.schemaText())
        }
        try compare(found, theirs)
    }

    private static func compare(_ found: String, _ expected: String) throws(Problem) {
        guard found == expected else {
            throw Problem(
                .integrityFailure, "sqlite_schema: \(difference(found, expected))",
                advice: "somebody changed vault.db from outside; stop, keep a copy, and restore from a backup")
        }
    }

    /// The first entry that one schema has and the other has not, by type and name.
    private static func difference(_ found: String, _ expected: String) -> String {
        func name(_ entry: String) -> String {
            entry.split(separator: "\t", maxSplits: 2).prefix(2).joined(separator: " ")
        }
        let (found, expected) = (entries(found), entries(expected))
        if let entry = found.first(where: { !expected.contains($0) }) { return "\(name(entry)) was added or changed" }
        if let entry = expected.first(where: { !found.contains($0) }) { return "\(name(entry)) is missing" }
        return "it was changed"
    }

    /// The entries of a schema's text: each begins with a line that has tabs, its statement may go on over more lines.
    private static func entries(_ text: String) -> [String] {
        var entries: [String] = []
        for line in text.split(separator: "\n") {
            if line.contains("\t") || entries.isEmpty {
                entries.append(String(line))
            } else {
                entries[entries.count - 1] += "\n" + line
            }
        }
        return entries
    }
}
