import Rules
import Sealing
import Testing

@testable import Vault

/// Every table, every column: what was changed with an editor is refused, and the table is named.
@Suite struct `A vault changed from outside` {
    private let sample: Sample

    init() throws { sample = try Sample.made.get() }

    private struct Column {
        let name: String
        let type: String
        let isKey: Bool
    }

    private func columns(_ place: Place, _ table: TableName) throws -> [Column] {
        try place.rows("SELECT name, type, pk FROM pragma_table_info('\(table.sqlName)') ORDER BY cid").map {
            Column(name: $0[0], type: $0[1], isKey: $0[2] != "0")
        }
    }

    /// The column's first row as SQL finds it.
    private func key(_ columns: [Column]) -> String { columns.filter(\.isKey).map(\.name).joined(separator: ", ") }

    private func expectRefused(_ place: Place, naming table: String, _ what: String) {
        let problem = place.refusal()
        #expect(problem?.code == .integrityFailure, "\(what): \(problem?.reason ?? "not noticed")")
        let names = problem?.reason.contains("table \(table)") == true
        #expect(names, "\(what): \(problem?.reason ?? "")")
        #expect(problem?.code.exitCode == 11)
    }

    @Test func `is accepted as long as nothing was changed`() throws {
        for place in [sample.place, sample.older] {
            let copy = try place.copy()
            #expect(copy.refusal() == nil)
            let sound = try copy.open().verifyAudit()
            #expect(sound.isSound)
        }
        for table in TableName.allCases {
            let count = try sample.place.rows("SELECT count(*) FROM \(table.sqlName)")
            #expect(Int(count[0][0]).map { $0 > 0 } == true, "table \(table.sqlName)")
        }
    }

    /// The assignments that change one column of a row a little, each a case.
    private func flips(_ place: Place, _ table: TableName, _ column: Column, row: String) throws -> [String] {
        let name = column.name
        switch column.type {
        case "INTEGER": return ["\(name) = coalesce(\(name), 0) + 1000000", "\(name) = -1"]
        case "TEXT":
            return [
                "\(name) = CASE WHEN coalesce(\(name), '') = '' THEN 'x' ELSE char(unicode(\(name)) + 1) || substr(\(name), 2) END",
                "\(name) = coalesce(\(name), '') || 'x'",
            ]
        default:
            let found = try place.rows("SELECT 'x' || hex(\(name)) FROM \(table.sqlName) \(row)")
            guard var bytes = Hex.decode(found[0][0].dropFirst().lowercased()), !bytes.isEmpty else {
                return ["\(name) = X'00'"]
            }
            var cases = ["\(name) = substr(\(name), 2)"]
            for index in [0, bytes.count / 2, bytes.count - 1] {
                bytes[index] ^= 1
                cases.append("\(name) = X'\(Hex.encode(bytes.span))'")
                bytes[index] ^= 1
            }
            return cases
        }
    }

    @Test(arguments: TableName.allCases)
    func `is refused when one column of a row is another`(_ table: TableName) throws {
        let columns = try columns(sample.place, table)
        let order = "ORDER BY \(key(columns)) LIMIT 1"
        let row = "WHERE (\(key(columns))) IN (SELECT \(key(columns)) FROM \(table.sqlName) \(order))"
        for column in columns {
            for change in try flips(sample.place, table, column, row: row) {
                let place = try sample.place.copy()
                try place.tamper("UPDATE OR IGNORE \(table.sqlName) SET \(change) \(row)")
                expectRefused(place, naming: table.sqlName, change)
            }
        }
    }

    @Test(arguments: TableName.allCases.filter { $0 != .meta })
    func `is refused when two rows have changed places`(_ table: TableName) throws {
        let columns = try columns(sample.place, table)
        let keys = key(columns)
        func selected(_ first: String, _ second: String) -> String {
            columns.map { ($0.isKey ? first : second) + "." + $0.name }.joined(separator: ", ")
        }
        let place = try sample.place.copy()
        try place.tamper(
            """
            CREATE TEMP TABLE two AS SELECT * FROM \(table.sqlName) ORDER BY \(keys) LIMIT 2;
            DELETE FROM main.\(table.sqlName) WHERE (\(keys)) IN (SELECT \(keys) FROM two);
            INSERT INTO main.\(table.sqlName) SELECT \(selected("a", "b")) FROM two a, two b WHERE a.rowid <> b.rowid;
            """)
        expectRefused(place, naming: table.sqlName, "two rows")
    }

    @Test(arguments: TableName.allCases)
    func `is refused when a row is gone`(_ table: TableName) throws {
        let keys = key(try columns(sample.place, table))
        for order in ["", "DESC"] {
            let place = try sample.place.copy()
            let last = keys.split(separator: ", ").map { "\($0) \(order)" }.joined(separator: ", ")
            try place.tamper(
                """
                DELETE FROM \(table.sqlName)
                WHERE (\(keys)) IN (SELECT \(keys) FROM \(table.sqlName) ORDER BY \(last) LIMIT 1)
                """)
            expectRefused(place, naming: table.sqlName, "a row deleted")
        }
    }

    @Test(arguments: TableName.allCases)
    func `is refused when a table was emptied`(_ table: TableName) throws {
        let place = try sample.place.copy()
        try place.tamper("DELETE FROM \(table.sqlName)")
        expectRefused(place, naming: table.sqlName, "emptied")
    }

    /// Rows with right MACs, as an earlier state of this very vault had them: changed ones back, deleted ones again.
    @Test(arguments: TableName.allCases.filter { $0 != .meta && $0 != .keys })
    func `is refused when a row is as it once was`(_ table: TableName) throws {
        let place = try sample.place.copy()
        let changed = try place.rows(
            """
            ATTACH '\(sample.older.directory.database)' AS older;
            CREATE TEMP TABLE changed AS SELECT * FROM older.\(table.sqlName) EXCEPT SELECT * FROM main.\(table.sqlName);
            REPLACE INTO main.\(table.sqlName) SELECT * FROM changed;
            SELECT count(*) FROM changed
            """)
        #expect(changed.first != ["0"])
        expectRefused(place, naming: table.sqlName, "rolled back")
    }

    @Test(arguments: TableName.allCases)
    func `is refused when a row is from another vault`(_ table: TableName) throws {
        let other = try Place.new()
        let place = try sample.place.copy()
        let rows = try place.rows(
            """
            ATTACH '\(other.directory.database)' AS other;
            SELECT count(*) FROM other.\(table.sqlName);
            REPLACE INTO main.\(table.sqlName) SELECT * FROM other.\(table.sqlName)
            """)
        guard rows[0] != ["0"] else { return }
        // With another vault's row of meta the vault key is another, and no key opens under it.
        expectRefused(place, naming: table == .meta ? "keys" : table.sqlName, "from another vault")
    }

    @Test(arguments: [
        ("grants", "UPDATE grants SET actions = '[\"secret:read:client_secret\"]'"),
        ("grants", "UPDATE grants SET pattern = '*/*/*'"),
        ("grants", "UPDATE grants SET service = (SELECT max(id) FROM services)"),
        ("services", "UPDATE services SET state = 'active'"),
        ("services", "UPDATE services SET selectors = '[\"uid:0\"]'"),
        ("tenants", "UPDATE tenants SET state = 'active'"),
        ("roles", "UPDATE roles SET role = 'admin'"),
        ("apps", "UPDATE apps SET state = 'active'"),
        ("apps", "UPDATE apps SET tenant = (SELECT min(tenant) FROM apps)"),
        ("leases", "UPDATE leases SET state = 'live'"),
        ("leases", "UPDATE leases SET expires_at = 9000000000000"),
        ("leases", "UPDATE leases SET serial = serial + 1000000"), ("leases", "UPDATE leases SET process = 'x'"),
        ("leases", "UPDATE leases SET bearer = zeroblob(32) WHERE id = 'ls_1'"),
        ("grants", "UPDATE grants SET max_age = 2592000"), ("services", "UPDATE services SET most_leases = 1000000"),
        ("endings", "UPDATE endings SET serial = 1"), ("endings", "DELETE FROM endings"),
        ("usage", "UPDATE usage SET calls = 0"),
        ("oauth_states", "UPDATE oauth_states SET used_at = NULL"),
        ("heads", "UPDATE heads SET current = previous WHERE previous IS NOT NULL"),
        ("heads", "UPDATE heads SET previous_ends = 9000000000000 WHERE previous IS NOT NULL"),
        ("secrets", "UPDATE secrets SET sealed = NULL WHERE version = 1"),
        ("legs", "UPDATE legs SET expires_at = NULL"),
        ("legs", "UPDATE legs SET state = 'active', failures = 0"),
        ("revocations", "UPDATE revocations SET state = 'done', next_at = NULL"),
        ("links", "UPDATE links SET user_id = 'U1'"),
        ("checks", "UPDATE checks SET result = 'failed'"),
    ])
    func `is refused when it would allow more`(_ table: String, _ sql: String) throws {
        let place = try sample.place.copy()
        try place.tamper(sql)
        expectRefused(place, naming: table, sql)
    }

    @Test(arguments: [
        "UPDATE state SET epoch = epoch - 1", "UPDATE state SET next_id = 1", "UPDATE state SET last_time = 0",
        "UPDATE state SET audit_seq = audit_seq - 1", "UPDATE state SET audit_hash = zeroblob(32)",
        "UPDATE state SET checkpoint_seq = 0", "UPDATE state SET mac = zeroblob(32)", "DELETE FROM state",
        "UPDATE state SET digests = CAST(substr(digests, 33, 32) || substr(digests, 1, 32) || substr(digests, 65) AS BLOB)",
        "UPDATE state SET digests = zeroblob(length(digests))", "UPDATE state SET digests = X''",
        "INSERT INTO state SELECT 2, epoch, next_id, audit_seq, audit_hash, checkpoint_seq, last_time, digests, mac FROM state",
    ])
    func `is refused when the state row is another`(_ sql: String) throws {
        let place = try sample.place.copy()
        try place.tamper(sql)
        expectRefused(place, naming: "state", sql)
    }

    @Test func `is refused when its state row is an older one`() throws {
        let place = try sample.place.copy()
        try place.tamper(
            """
            ATTACH '\(sample.older.directory.database)' AS older;
            REPLACE INTO main.state SELECT * FROM older.state
            """)
        #expect(place.refusal()?.code == .integrityFailure)
    }
}
