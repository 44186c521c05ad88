import CTamper
import FoundationEssentials
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

@Suite struct `A secret` {
    private let place: Place
    private let vault: Vault
    private let name: SecretName
    private let tenant: Int64

    init() throws {
        place = try Place.new()
        vault = try place.open()
        (name, tenant) = try vault.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(slug("acme"), title: "")
            let app = try transaction.addApp(
                slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
            return (SecretName(app: app.id, kind: .signingSecret), tenant.id)
        })
    }

    @discardableResult
    private func store(_ value: String, grace: Int64? = nil) throws -> SecretVersion {
        try vault.change(always: { transaction throws(Problem) in
            try transaction.store(
                box(value), as: name, tenant: tenant, by: "uid:0", graceEnds: grace.map { transaction.now + $0 })
        })
    }

    private func states(at now: Int64) throws -> [VersionState?] {
        let (head, versions) = try #require(try vault.history(of: name))
        return versions.map { head.state(of: $0.version, at: now) }
    }

    @Test func `that was never set is not there`() throws {
        #expect(try vault.value(name) == nil)
        #expect(try vault.history(of: name) == nil)
    }

    @Test(arguments: ["x", "", String(repeating: "long ", count: 13_000)])
    func `is given back as it was set`(_ value: String) throws {
        let version = try store(value)
        #expect(version.length == Int64(value.utf8.count))
        #expect(try vault.value(name) == value)
        #expect(try vault.value(name, version: 1) == value)
        #expect(try vault.value(name, version: 2) == nil)
    }

    @Test func `rotated with grace is readable by its old version until the grace ends, and then not`() throws {
        try store("one")
        try store("two", grace: 60_000)
        let now = vault.now
        #expect(try vault.value(name) == "two")
        #expect(try vault.value(name, version: 1, at: now) == "one")
        #expect(try states(at: now) == [.current, .previous])
        #expect(try vault.value(name, version: 1, at: now + 60_001) == nil)
        #expect(try states(at: now + 60_001) == [.current, nil])
        // Nothing has ended yet: nothing is destroyed.
        let early = try vault.change(always: { transaction throws(Problem) in try transaction.destroyEnded() })
        #expect(early == 0)
        let epoch = vault.policy.epoch
        try vault.change(always: { transaction throws(Problem) in transaction.state.lastTime = now + 60_001 })
        let late = try vault.change(always: { transaction throws(Problem) in try transaction.destroyEnded() })
        #expect(late == 1)
        #expect(vault.policy.epoch > epoch)
        #expect(try vault.value(name, version: 1, at: now) == nil)
        #expect(try vault.value(name) == "two")
        let (head, versions) = try #require(try vault.history(of: name))
        #expect(head.previous == nil)
        #expect(versions.map(\.version) == [2, 1])
        #expect(versions.map { $0.destroyedAt != nil } == [false, true])
        try vault.checkTables()
    }

    @Test func `rotated twice keeps one previous version and the history of all`() throws {
        try store("one")
        try store("two", grace: 60_000)
        try store("three", grace: 60_000)
        #expect(try vault.value(name, version: 1) == nil)
        #expect(try vault.value(name, version: 2) == "two")
        #expect(try vault.value(name) == "three")
        try store("four")
        #expect(try vault.value(name, version: 3) == nil)
        let (_, versions) = try #require(try vault.history(of: name))
        #expect(versions.map(\.version) == [4, 3, 2, 1])
        #expect(Set(versions.map(\.fingerprint)).count == 4)
        try vault.checkTables()
    }

    @Test func `has the fingerprint of its value and nothing else`() throws {
        let one = try store("same")
        let two = try store("same")
        let three = try store("other")
        #expect(one.fingerprint == two.fingerprint)
        #expect(one.fingerprint != three.fingerprint)
        #expect(one.sealed != two.sealed)
    }

    // MARK: - What is in the files

    /// Files of the vault that hold these bytes somewhere.
    private func files(holding needle: [UInt8]) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: place.directory.vault).filter { file in
            guard file != "ballast", let data = FileManager.default.contents(atPath: place.directory.vault + "/" + file)
            else { return false }
            let haystack = [UInt8](data)
            return unsafe haystack.withUnsafeBufferPointer { hay in
                unsafe needle.withUnsafeBufferPointer { part in
                    unsafe tamper_holds(hay.baseAddress, hay.count, part.baseAddress, part.count) != 0
                }
            }
        }
    }

    @Test func `is nowhere in the files, and no key is`() throws {
        let planted = "xoxb-planted-0123456789-\(String(repeating: "secret", count: 40))"
        try store(planted)
        try store("planted-second-value", grace: 60_000)
        _ = try vault.record(note())
        for needle in [planted, "planted-second-value", "xoxb-planted-0123"] {
            #expect(try files(holding: Array(needle.utf8)).isEmpty, "\(needle)")
        }
        // To know that the search can find something:
        #expect(try files(holding: Array("vault.init".utf8)).contains("vault.db"))
        #expect(try files(holding: Array("test.note".utf8)).contains("vault.db-wal"))
        for key in try keyBytes() { #expect(try files(holding: key).isEmpty) }
        vault.close()
        for key in try keyBytes() { #expect(try files(holding: key).isEmpty) }
        #expect(try files(holding: Array(planted.utf8)).isEmpty)
    }

    /// Every key of this vault in the clear, opened with the root key.
    private func keyBytes() throws -> [[UInt8]] {
        let slots = KeySlots()
        let rootKey = place.rootKey
        let root = slots.add(copying: rootKey.span)
        let connection = try Connection(place.directory.database, .readOnly)
        let meta = try connection.reading(Table.meta.select) { row throws(Problem) in
            _ = try row.stepped()
            return try Meta(row, from: 0)
        }
        let vaultKey = try slots.unwrap(meta.wrappedVaultKey.span, under: root, associated: meta.associated())
        var keys = [rootKey]
        let plain = try slots.openSecret(meta.wrappedVaultKey.span, associated: meta.associated(), with: root)
        plain.withBytes { keys.append([UInt8](copying: $0)) }
        for row in try connection.rows(KeyRow.self, RowMAC(vault.keys)) {
            let key = try slots.openSecret(
                row.wrapped.span, associated: row.associated(in: meta.vaultID), with: vaultKey)
            key.withBytes { keys.append([UInt8](copying: $0.extracting(..<32))) }
        }
        #expect(keys.count == 2 + 6)
        return keys
    }

    /// Even sealed, a value that was destroyed is gone: nothing is left for whoever gets the key later.
    @Test(arguments: [20, 3000, 60_000])
    func `that was destroyed is gone from the files after a checkpoint, sealed form and all`(_ length: Int) throws {
        let sealed = try #require(try store(String(repeating: "v", count: length)).sealed)
        vault.close()
        let parts = stride(from: 0, to: sealed.count - 24, by: 700).map { Array(sealed[$0..<$0 + 24]) }
        for part in parts { #expect(try files(holding: part) == ["vault.db"]) }
        try store("newer")
        vault.close()
        for part in parts { #expect(try files(holding: part).isEmpty) }
        #expect(try vault.value(name) == "newer")
    }
}
