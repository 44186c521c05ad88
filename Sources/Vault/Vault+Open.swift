import Linux
package import Rules
import SQLite
package import Sealing

extension Vault {
    /// How a vault is opened; the defaults are a daemon's, the rest is for tests.
    package struct Options: Sendable {
        /// A SQLite VFS by name, such as the durability shim's.
        package var vfs: String?
        var synchronous: Connection.Synchronous
        var migrations = Migrations.all

        /// How SQLite is used; tests name a VFS of their own or leave syncing out.
        package init(vfs: String? = nil, isDurable: Bool = true) {
            self.vfs = vfs
            synchronous = isDurable ? .full : .off
        }
    }

    /// Opens a vault with its root key, after checking everything that is small.
    ///
    /// The caller holds `vault.lock`. Throws `integrity_failure` for whatever was changed from outside, `conflict` for
    /// a newer format, `not_found` where there is no vault.
    package static func open(
        _ directory: VaultDirectory, rootKey: borrowing SecretBytes, options: Options = Options()
    ) throws(Problem) -> Vault {
        guard try directory.hasVault() else {
            throw Problem(
                .notFound, "there is no vault in \(directory.path)",
                advice: "make one: postern init --data-dir \(directory.path) …")
        }
        let connection: Connection
        do throws(SQLiteError) {
            connection = try Connection(directory.database, .readWrite, vfs: options.vfs)
            try connection.configure(synchronous: options.synchronous, cacheKiB: 4096)
        } catch { throw error.problem }
        let steps = try Migrations.path(from: try Schema.identify(connection), options.migrations)
        if let first = steps.first {
            try Schema.check(connection, before: first)
        } else {
            try Schema.check(connection)
        }
        let (keys, meta) = try unlock(connection, rootKey)
        if !steps.isEmpty {
            try Migrations.run(steps, on: connection, keys, backup: Migrations.backupPath(directory))
        }
        let state = try VaultState.load(connection, keys)
        try checkLogHead(connection, state)
        try checkSmallTables(connection, keys, state)
        let policy = try PolicySnapshot.load(connection, keys, epoch: state.epoch)
        let checkpointer: Connection
        do throws(SQLiteError) {
            checkpointer = try Connection(directory.database, .readWrite, vfs: options.vfs)
            try checkpointer.configure(synchronous: options.synchronous, cacheKiB: 64)
        } catch { throw error.problem }
        let version = DataVersion()
        let readers = try Readers(path: directory.database, keys: keys, vfs: options.vfs, version: version)
        return Vault(
            directory: directory, keys: keys, createdAt: meta.createdAt, readers: readers, connection: connection,
            checkpointer: checkpointer, version: version, state: state, policy: policy)
    }

    /// Unwraps the key tree, from the root key down.
    private static func unlock(
        _ connection: Connection, _ rootKey: borrowing SecretBytes
    ) throws(Problem) -> (KeyRing, Meta) {
        guard rootKey.count == 32 else {
            throw Problem(.integrityFailure, "the root key is not 32 bytes long", advice: "look at --root-key")
        }
        let meta = try connection.reading(Table.meta.select) { row throws(Problem) in
            guard try row.stepped() else { throw TableName.meta.damaged("the row is missing") }
            return try Meta(row, from: 0)
        }
        let slots = KeySlots()
        let root = slots.add(copying: rootKey.span)
        defer { slots.wipe(root) }
        let vaultKey: KeySlot
        do {
            vaultKey = try slots.unwrap(
                meta.wrappedVaultKey.span, under: root, associated: meta.associated())
        } catch {
            throw Problem(
                .integrityFailure, "table meta: the vault key does not open with this root key",
                advice: "look at --root-key; if it is the right one, vault.db was changed from outside")
        }
        var shared: [KeyPurpose: KeySlot] = [:]
        var tenants: [TenantKeyName: KeySlot] = [:]
        var signing: SigningKey?
        var spool: BoxKey?
        let rows = try connection.reading(Table.keys.select) { row throws(Problem) in
            var rows: [KeyRow] = []
            while try row.stepped() { rows.append(try KeyRow(row, from: 0)) }
            return rows
        }
        for row in rows {
            let associated = row.associated(in: meta.vaultID)
            do throws(SealingError) {
                switch row.purpose {
                case .auditSigning:
                    signing = try slots.unwrapSigningKey(row.wrapped.span, under: vaultKey, associated: associated)
                case .spool: spool = try slots.unwrapBoxKey(row.wrapped.span, under: vaultKey, associated: associated)
                default:
                    let slot = try slots.unwrap(row.wrapped.span, under: vaultKey, associated: associated)
                    if let tenant = row.tenant {
                        tenants[TenantKeyName(tenant: tenant, generation: row.generation)] = slot
                    } else {
                        shared[row.purpose] = slot
                    }
                }
            } catch { throw TableName.keys.damaged("the row \(row.id) does not open") }
        }
        guard let rowMAC = shared[.rowMAC], let fingerprint = shared[.fingerprint], let state = shared[.state],
            let signing, let spool
        else { throw TableName.keys.damaged("a row is missing") }
        let keys = KeyRing(
            slots: slots, vaultID: meta.vaultID, vaultKey: vaultKey, rowMAC: rowMAC, fingerprint: fingerprint,
            state: state, signing: signing, spool: spool, tenants: tenants)
        return (keys, meta)
    }

    /// The newest record must be the one the state row names: nothing cut off, nothing added.
    private static func checkLogHead(_ connection: Connection, _ state: VaultState) throws(Problem) {
        let newest = try connection.reading("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1") {
            row throws(Problem) in
            try row.stepped() ? (row.integer(0), Digest32(row.span(1))) : nil
        }
        guard newest?.0 ?? 0 == state.auditSeq, newest?.1 ?? .zero == state.auditHash else {
            throw Problem(
                .integrityFailure, "table audit: it does not end where the state row says",
                advice: "run `postern audit verify --vault DIR`, keep a copy, restore from a backup")
        }
    }

    private static func checkSmallTables(
        _ connection: Connection, _ keys: KeyRing, _ state: VaultState
    ) throws(Problem) {
        let mac = RowMAC(keys)
        for name in TableName.allCases where name.table.isSmall {
            try check(name, connection, mac, state)
        }
    }

    /// Every row of a table under its MAC, and all of them together under the set digest.
    static func check(
        _ name: TableName, _ connection: Connection, _ mac: RowMAC, _ state: VaultState
    ) throws(Problem) {
        guard try connection.each(name, mac) == state.digests[name.rawValue] else {
            throw name.damaged("a row is missing, was added, or is an older one")
        }
    }
}
