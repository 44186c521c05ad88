import Rules
import Testing

@testable import Vault

/// What was planted in the schema would run inside our own transactions.
@Suite struct `A vault with something planted in its schema` {
    private let sample: Sample

    init() throws { sample = try Sample.made.get() }

    @Test(arguments: [
        ("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM grants; END", "trigger t was added or changed"),
        ("CREATE VIEW v AS SELECT * FROM secrets", "view v was added or changed"),
        ("CREATE TABLE copy (id INTEGER)", "table copy was added or changed"),
        ("CREATE INDEX i ON secrets (fingerprint)", "index i was added or changed"),
        ("ALTER TABLE grants ADD COLUMN extra TEXT", "table grants was added or changed"),
        ("DROP INDEX leases_by_end", "index leases_by_end is missing"),
        ("DROP TABLE roles", "table roles is missing"),
        ("ANALYZE", "table sqlite_stat1 was added or changed"),
        (
            "UPDATE sqlite_schema SET sql = replace(sql, 'name TEXT NOT NULL', 'name TEXT') WHERE name = 'tenants'",
            "table tenants was added or changed"
        ),
        ("PRAGMA application_id = 1", "not a Postern vault"),
    ])
    func `is refused, and the difference is named`(_ sql: String, _ want: String) throws {
        let place = try sample.place.copy()
        try place.tamper(sql)
        let problem = place.refusal()
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains(want) == true
        #expect(names, "\(problem?.reason ?? "not noticed")")
    }

    @Test func `while it is open is noticed by the next check`() throws {
        let place = try sample.place.copy()
        let vault = try place.open()
        try vault.checkTables()
        try place.tamper("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM grants; END")
        let problem = #expect(throws: Problem.self) { try vault.checkTables() }
        #expect(problem?.code == .integrityFailure)
        #expect(vault.knownDamage?.code == .integrityFailure)
        let refused = #expect(throws: Problem.self) { try vault.requireSound() }
        #expect(refused?.code == .integrityFailure)
    }

    /// An index that disagrees with its table hides rows from those who look by it.
    @Test func `whose index leaves out a row is refused`() throws {
        let place = try sample.place.copy()
        let sql = "CREATE INDEX leases_by_end ON leases (expires_at)"
        try place.tamper(
            """
            UPDATE sqlite_schema SET sql = '\(sql) WHERE id > ''ls_1''' WHERE name = 'leases_by_end';
            """)
        try place.tamper("REINDEX leases_by_end")
        try place.tamper("UPDATE sqlite_schema SET sql = '\(sql)' WHERE name = 'leases_by_end'")
        let problem = place.refusal()
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains("index") == true
        #expect(names, "\(problem?.reason ?? "not noticed")")
    }
}
