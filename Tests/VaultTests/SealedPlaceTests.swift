import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

/// A sealed value is bound to its place, whatever the row's MAC says: here the attacker even has the key for MACs.
@Suite struct `A sealed value put somewhere else` {
    private let sample: Sample
    private let place: Place
    private let vault: Vault

    init() throws {
        sample = try Sample.made.get()
        place = try sample.place.copy()
        vault = try place.open()
    }

    private func row(_ app: Int64, _ kind: SecretKind, _ version: Int64) throws -> SecretVersion {
        let found = try vault.history(of: SecretName(app: app, kind: kind))
        return try #require(found?.1.first { $0.version == version })
    }

    /// Writes the row with a right MAC and a right set digest, then reads it.
    private func reading(_ row: SecretVersion) throws -> Problem? {
        try vault.change(always: { transaction throws(Problem) in try transaction.update(row) })
        let secret = row.secret
        do throws(Problem) {
            _ = try vault.value(secret, version: row.version)
            return nil
        } catch {
            #expect(throws: error) { try vault.checkTables() }
            return error
        }
    }

    private func expectRefused(_ row: SecretVersion) throws {
        let problem = try reading(row)
        #expect(problem?.code == .integrityFailure)
        let names = problem?.reason.contains("table secrets") == true
        #expect(names, "\(problem?.reason ?? "opened")")
    }

    private enum Where: CaseIterable {
        case anotherKind, anotherVersion, anotherApp, anotherTenant
    }

    @Test(arguments: Where.allCases)
    private func `does not open`(_ from: Where) throws {
        var victim = try row(sample.first, .signingSecret, 2)
        let source =
            switch from {
            case .anotherKind: try row(sample.first, .clientSecret, 2)
            case .anotherVersion: try row(sample.first, .signingSecret, 1)
            case .anotherApp, .anotherTenant: try row(sample.second, .signingSecret, 1)
            }
        #expect(source.sealed != nil)
        victim.sealed = source.sealed
        if from == .anotherTenant {
            victim = SecretVersion(
                secret: victim.secret, version: victim.version, tenant: source.tenant,
                keyGeneration: source.keyGeneration, length: victim.length, fingerprint: victim.fingerprint,
                createdAt: victim.createdAt, createdBy: victim.createdBy)
            victim.sealed = source.sealed
        }
        try expectRefused(victim)
    }

    @Test func `opens in its own place, with the same hands`() throws {
        let row = try row(sample.first, .signingSecret, 2)
        #expect(try reading(row) == nil)
        #expect(try vault.value(row.secret) == "newer signing_secret")
    }

    /// The public columns are part of the place.
    @Test(arguments: ["created_by", "created_at", "length", "fingerprint"])
    func `or with another public column does not open`(_ column: String) throws {
        let old = try row(sample.first, .signingSecret, 2)
        var new = SecretVersion(
            secret: old.secret, version: old.version, tenant: old.tenant, keyGeneration: old.keyGeneration,
            length: column == "length" ? old.length + 1 : old.length,
            fingerprint: column == "fingerprint" ? Fingerprint(.zero) : old.fingerprint,
            createdAt: column == "created_at" ? old.createdAt + 1 : old.createdAt,
            createdBy: column == "created_by" ? "uid:666" : old.createdBy)
        new.sealed = old.sealed
        try expectRefused(new)
    }

    @Test func `from another vault does not open`() throws {
        let other = try Place.new()
        let strange = try other.open()
        let value = try strange.change(always: { transaction throws(Problem) in
            let tenant = try transaction.addTenant(slug("acme"), title: "")
            let app = try transaction.addApp(
                slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
            return try transaction.store(
                box("strange"), as: SecretName(app: app.id, kind: .signingSecret), tenant: tenant.id, by: "uid:0",
                graceEnds: nil)
        })
        var victim = try row(sample.first, .signingSecret, 2)
        victim.sealed = value.sealed
        try expectRefused(victim)
    }

    /// A read between two checks of the table: the row itself says that it is not right.
    @Test(arguments: [
        "UPDATE secrets SET sealed = zeroblob(length(sealed)) WHERE app = ?1",
        "UPDATE secrets SET tenant = tenant + 1 WHERE app = ?1",
        "UPDATE heads SET current = 1 WHERE app = ?1",
        "DELETE FROM secrets WHERE app = ?1",
        "UPDATE apps SET tenant = tenant + 1 WHERE id = ?1",
    ])
    func `or changed while the vault is open is refused by the read itself`(_ sql: String) throws {
        try place.tamper(sql.replacing("?1", with: "\(sample.first)"))
        let problem = #expect(throws: Problem.self) {
            _ = try vault.app(id: sample.first)
            _ = try vault.value(SecretName(app: sample.first, kind: .signingSecret))
        }
        #expect(problem?.code == .integrityFailure)
    }
}
