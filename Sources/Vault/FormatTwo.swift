import Rules
import SQLite
import Sealing

/// vault.db as the second release wrote it: without caps, ages and bindings, leases that could not be ended together, and
/// no count of calls.
enum FormatTwo {
    /// A table as it was: how it was made and how its rows are read.
    struct OldTable {
        let create: SQL
        let select: SQL
        /// All columns but `mac`.
        let columns: Int32
    }

    /// Services as formats 1 and 2 had them.
    static let services = OldTable(
        create:
            """
            CREATE TABLE services (
                id INTEGER PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                selectors TEXT NOT NULL,
                state TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, name, selectors, state, created_at, mac
            FROM services ORDER BY id
            """,
        columns: 5
    )

    /// Grants as formats 1 and 2 had them.
    static let grants = OldTable(
        create:
            """
            CREATE TABLE grants (
                id INTEGER PRIMARY KEY,
                service INTEGER NOT NULL REFERENCES services(id),
                pattern TEXT NOT NULL,
                actions TEXT NOT NULL,
                methods TEXT NOT NULL,
                scope TEXT NOT NULL,
                max_ttl INTEGER NOT NULL,
                created_at INTEGER NOT NULL,
                created_by TEXT NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, service, pattern, actions, methods, scope, max_ttl, created_at, created_by, mac
            FROM grants ORDER BY id
            """,
        columns: 9
    )

    /// Leases as formats 1 and 2 had them.
    static let leases = OldTable(
        create:
            """
            CREATE TABLE leases (
                id TEXT NOT NULL PRIMARY KEY,
                service INTEGER NOT NULL,
                app INTEGER NOT NULL,
                installation INTEGER NOT NULL,
                leg TEXT NOT NULL,
                grant_id INTEGER NOT NULL,
                deliver TEXT NOT NULL,
                methods TEXT NOT NULL,
                scope TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                boot_id TEXT NOT NULL,
                boot_expires INTEGER NOT NULL,
                version INTEGER NOT NULL,
                state TEXT NOT NULL,
                mac BLOB NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at, boot_id, boot_expires, version, state, mac
            FROM leases ORDER BY id
            """,
        columns: 15
    )

    /// The indexes of format 2; format 1 had the first five.
    static let indexes: [SQL] = [
        "CREATE INDEX heads_by_end ON heads (previous_ends) WHERE previous_ends IS NOT NULL",
        "CREATE INDEX leases_by_end ON leases (expires_at)",
        "CREATE INDEX leases_by_app ON leases (app)",
        "CREATE INDEX oauth_states_by_end ON oauth_states (expires_at)",
        "CREATE INDEX apps_by_tenant ON apps (tenant)",
        "CREATE INDEX legs_by_due ON legs (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX legs_in_trouble ON legs (state) WHERE state = 'needs_reauthorization' OR failures > 0",
        "CREATE INDEX revocations_by_next ON revocations (next_at) WHERE next_at IS NOT NULL",
        "CREATE INDEX links_by_installation ON links (installation)",
    ]

    /// How a table was made in formats 1 and 2.
    static func create(_ table: TableName) -> SQL {
        switch table {
        case .services: services.create
        case .grants: grants.create
        case .leases: leases.create
        default: table.table.create
        }
    }

    private static let tables = TableName.allCases.prefix { $0 != .usage }

    /// The way from it to format 3.
    static let leaving = Migration(
        from: 2, tables: tables.count,
        schema: { connection throws(SQLiteError) in
            for table in tables { try connection.execute(create(table)) }
            try connection.execute(VaultState.create)
            try connection.execute(Schema.audit)
            for index in indexes { try connection.execute(index) }
        },
        run: { transaction throws(Problem) in try run(transaction) })

    private static func run(_ transaction: Transaction) throws(Problem) {
        let oldServices = try read(.services, services, transaction, service)
        let oldGrants = try read(.grants, grants, transaction, grant)
        let oldLeases = try read(.leases, leases, transaction, lease)
        try transaction.connection.bridging { () throws(SQLiteError) in
            try transaction.connection.execute("DROP TABLE leases")
            // Grants refer to services.
            try transaction.connection.execute("DROP TABLE grants")
            try transaction.connection.execute("DROP TABLE services")
            for table in [TableName.services, .grants, .leases, .usage, .endings] {
                try transaction.connection.execute(table.table.create)
            }
            for index in Schema.leaseIndexes { try transaction.connection.execute(index) }
        }
        for table in [TableName.services, .grants, .leases] { transaction.state.digests[table.rawValue] = .zero }
        for row in oldServices { try transaction.insert(row) }
        for row in oldGrants { try transaction.insert(row) }
        for var row in oldLeases {
            // Format 2 left a revoked lease its end; whatever counts the live ones goes by it now.
            if row.state == .revoked { row.expiresAt = min(row.expiresAt, transaction.now) }
            try transaction.add(lease: row)
        }
    }

    /// Every row of a table under its old MAC, and all of them together under the set digest.
    private static func read<R: Row>(
        _ name: TableName, _ table: OldTable, _ transaction: Transaction,
        _ row: (borrowing Statement) throws(Problem) -> R
    ) throws(Problem) -> [R] {
        var sum = Digest32.zero
        let rows = try transaction.connection.reading(table.select) { statement throws(Problem) in
            var rows: [R] = []
            while try statement.stepped() {
                sum += try transaction.mac.share(
                    name, try transaction.mac.check(name, statement, columns: table.columns))
                rows.append(try row(statement))
            }
            return rows
        }
        guard sum == transaction.state.digests[name.rawValue] else {
            throw name.damaged("a row is missing, was added, or is an older one")
        }
        return rows
    }

    private static func service(_ row: borrowing Statement) throws(Problem) -> ServiceRow {
        guard let slug = Slug(row.text(1)), let texts = JSONText.list(row.text(2)),
            let state = Standing(rawValue: row.text(3))
        else { throw TableName.services.unreadable }
        let selectors = texts.compactMap { Selector($0) }
        guard selectors.count == texts.count else { throw TableName.services.unreadable }
        var found = ServiceRow(id: row.integer(0), slug: slug, selectors: selectors, createdAt: row.integer(4))
        found.state = state
        return found
    }

    private static func grant(_ row: borrowing Statement) throws(Problem) -> GrantRow {
        guard let pattern = GrantPattern(row.text(2)), let texts = JSONText.list(row.text(3)),
            let methods = JSONText.list(row.text(4)), let scope = JSONText.list(row.text(5))
        else { throw TableName.grants.unreadable }
        let actions = texts.compactMap { Action($0) }
        guard actions.count == texts.count else { throw TableName.grants.unreadable }
        return GrantRow(
            id: row.integer(0), service: row.integer(1), pattern: pattern, actions: actions, methods: methods,
            scope: scope, maxTTL: Interval(seconds: row.integer(6)), createdAt: row.integer(7), createdBy: row.text(8))
    }

    private static func lease(_ row: borrowing Statement) throws(Problem) -> Lease {
        guard let leg = Leg(rawValue: row.text(4)), let delivery = Lease.Delivery(rawValue: row.text(6)),
            let methods = JSONText.list(row.text(7)), let scope = JSONText.list(row.text(8)),
            let state = Lease.State(rawValue: row.text(14))
        else { throw TableName.leases.unreadable }
        var found = Lease(
            id: row.text(0), service: row.integer(1), app: row.integer(2), installation: row.integer(3), leg: leg,
            grant: row.integer(5), delivery: delivery, methods: methods, scope: scope, createdAt: row.integer(9),
            expiresAt: row.integer(10), bootID: row.text(11), bootExpires: row.integer(12), version: row.integer(13))
        found.state = state
        return found
    }
}
