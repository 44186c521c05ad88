import FoundationEssentials
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

@Suite struct `Opening a vault` {
    private let place: Place

    init() throws { place = try Place.new() }

    private func refusal(_ place: Place, key: [UInt8]) -> Problem? {
        do throws(Problem) {
            _ = try Vault.open(place.directory, rootKey: secret(key))
            return nil
        } catch { return error }
    }

    @Test func `with another root key is refused`() {
        let problem = refusal(place, key: [UInt8](repeating: 9, count: 32))
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains("does not open with this root key") == true
        #expect(names)
        #expect(problem?.advice.isEmpty == false)
    }

    @Test(arguments: [1, 16, 31, 33, 64])
    func `with a key of another length is refused`(_ count: Int) {
        let problem = refusal(place, key: [UInt8](repeating: 1, count: count))
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains("32 bytes") == true
        #expect(names)
    }

    @Test func `that is not there says how to make one`() throws {
        let nowhere = Place()
        let problem = nowhere.refusal()
        #expect(problem?.code == .notFound)
        let says = problem?.advice.contains("postern init") == true
        #expect(says)
        let missing = VaultDirectory(nowhere.directory.path + "/no/such")
        let refused = #expect(throws: Problem.self) {
            _ = try Vault.open(missing, rootKey: secret([UInt8](repeating: 1, count: 32)))
        }
        #expect(refused?.code == .notFound)
    }

    @Test(
        arguments: [
            ("", .integrityFailure), ("this is no database at all", .integrityFailure),
            (String(repeating: "x", count: 100_000), .integrityFailure),
        ] as [(String, Problem.Code)])
    func `that is no database is refused`(_ content: String, _ want: Problem.Code) throws {
        let copy = try place.copy()
        try Data(content.utf8).write(to: URL(filePath: copy.directory.database))
        #expect(copy.refusal()?.code == want)
    }

    /// Bytes cut off or overwritten where the disk failed, not an attacker.
    @Test(arguments: [0, 1, 3, 8])
    func `with a page that is damaged is refused`(_ page: Int) throws {
        let copy = try place.copy()
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: copy.directory.database)))
        for index in page * 4096..<page * 4096 + 4096 { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try Data(bytes).write(to: URL(filePath: copy.directory.database))
        #expect(copy.refusal()?.code == .integrityFailure)
    }

    @Test func `of a newer format is refused as such`() throws {
        let copy = try place.copy()
        try copy.tamper("PRAGMA user_version = 99")
        let problem = copy.refusal()
        #expect(problem?.code == .conflict)
        let names = problem?.reason.contains("99") == true
        #expect(names)
        #expect(try copy.rows("PRAGMA user_version") == [["99"]])
    }

    @Test func `is not made twice in one place`() throws {
        let kit = KitKey()
        let before = try Data(contentsOf: URL(filePath: place.directory.database))
        let problem = #expect(throws: Problem.self) {
            _ = try VaultCreation.create(
                place.directory, rootKey: secret(place.rootKey), kitPublicKey: kit.publicKey, admin: nil)
        }
        #expect(problem?.code == .conflict)
        #expect(try Data(contentsOf: URL(filePath: place.directory.database)) == before)
    }

    @Test func `can be helped with the recovery kit, and with no other`() throws {
        let fresh = Place()
        let kit = KitKey()
        let sealed = try VaultCreation.create(
            fresh.directory, rootKey: secret(fresh.rootKey), kitPublicKey: kit.publicKey, admin: nil)
        var spoilt = sealed
        spoilt[spoilt.count - 1] ^= 1
        let (ours, others) = (VaultCreation.prove(sealed, with: kit), VaultCreation.prove(sealed, with: KitKey()))
        #expect(ours)
        #expect(!others)
        let opened = VaultCreation.prove(spoilt, with: kit)
        #expect(!opened)
        // What the kit opens is the vault key: it opens every key of the vault.
        let slots = KeySlots()
        let vaultKey = try slots.openKey(sealed.span, with: kit)
        let vault = try fresh.open()
        let connection = try Connection(fresh.directory.database, .readOnly)
        let rows = try connection.rows(KeyRow.self, RowMAC(vault.keys))
        #expect(rows.count == 5)
        for row in rows {
            _ = try slots.unwrap(
                row.wrapped.span, under: vaultKey, associated: row.associated(in: vault.keys.vaultID))
        }
    }
}

@Suite struct `An older vault` {
    private let place: Place
    private var backup: String { place.directory.database + ".before-v3" }

    /// As an older release would have left it, were its format ours without one of the indexes.
    init() throws {
        let new = try Place.new()
        place = try new.copy()
        try place.tamper("DROP INDEX apps_by_tenant; PRAGMA user_version = 2")
    }

    private static func step(failing: Bool = false) -> Migration {
        Migration(
            from: 2, tables: TableName.allCases.count,
            schema: { connection throws(SQLiteError) in
                try Schema.create(connection)
                try connection.execute("DROP INDEX apps_by_tenant")
            },
            run: { transaction throws(Problem) in
                try transaction.connection.bridging { () throws(SQLiteError) in
                    try transaction.connection.execute("CREATE INDEX apps_by_tenant ON apps (tenant)")
                }
                _ = try transaction.addRole(.auditor, to: .uid(4711), tenant: nil)
                if failing { throw Problem(.internal, "the step fails") }
            })
    }

    private func options(_ steps: [Migration]) -> Vault.Options {
        var options = Vault.Options()
        options.migrations = steps
        return options
    }

    @Test func `is brought forward after a backup was made`() throws {
        do {
            let vault = try place.open(options([Self.step()]))
            try vault.checkTables()
            #expect(vault.policy.roles.contains { $0.selector == .uid(4711) })
            #expect(try vault.events().last?.entry.action == "vault.migrate")
            #expect(try vault.verifyAudit().isSound)
        }
        #expect(try place.rows("PRAGMA user_version") == [["3"]])
        let copy = try Connection(backup, .readOnly)
        #expect(try copy.userVersion == 2)
        #expect(try copy.integrityCheck() == "ok")
        #expect(try copy.integer("SELECT count(*) FROM roles") == 1)
        // And no second time.
        _ = try place.open(options([Self.step(failing: true)]))
    }

    @Test func `stays as it is when a step fails`() throws {
        let problem = #expect(throws: Problem.self) { _ = try place.open(options([Self.step(failing: true)])) }
        #expect(problem?.code == .internal)
        #expect(try place.rows("PRAGMA user_version") == [["2"]])
        #expect(try place.rows("SELECT count(*) FROM roles") == [["1"]])
        #expect(FileManager.default.fileExists(atPath: backup))
        try place.open(options([Self.step()])).checkTables()
    }

    @Test func `that no step leads on from is refused`() throws {
        try place.tamper("PRAGMA user_version = 0")
        let problem = place.refusal()
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains("format 0") == true
        #expect(names)
    }

    @Test func `with something planted in it is refused before a step runs`() throws {
        try place.tamper("CREATE TRIGGER t AFTER INSERT ON roles BEGIN DELETE FROM grants; END")
        let problem = #expect(throws: Problem.self) { _ = try place.open(options([Self.step()])) }
        #expect(problem?.code == .integrityFailure)
        #expect(try place.rows("PRAGMA user_version") == [["2"]])
        #expect(!FileManager.default.fileExists(atPath: backup))
    }

    @Test func `with a changed row is refused by the check that follows, and stays as it is`() throws {
        try place.tamper("UPDATE roles SET role = 'auditor'")
        let problem = #expect(throws: Problem.self) { _ = try place.open(options([Self.step()])) }
        #expect(problem?.code == .integrityFailure)
        #expect(try place.rows("PRAGMA user_version") == [["2"]])
    }
}
