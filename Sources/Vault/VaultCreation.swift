import Linux
package import Rules
import SQLite
package import Sealing

/// Makes a new vault, for `postern init`.
///
/// The recovery kit is made first, by the caller, and proven by opening what `create` returns with it, before the
/// first secret goes in.
package enum VaultCreation {
    /// Who administers first: a selector such as `uid:1000`; root always may.
    package struct Admin: Sendable {
        package let selector: Selector
        /// An admin by this selector.
        package init(selector: Selector) { self.selector = selector }
    }

    /// Makes the directories and vault.db. Throws `conflict` where there is a vault already.
    ///
    /// Returns the vault key sealed to the kit, for the proof.
    package static func create(
        _ directory: VaultDirectory, rootKey: borrowing SecretBytes, kitPublicKey: Digest32, admin: Admin?
    ) throws(Problem) -> [UInt8] {
        guard try !directory.hasVault() else {
            throw Problem(
                .conflict, "there is a vault in \(directory.path) already", advice: "choose another --data-dir")
        }
        do throws(SystemError) {
            try Directory.make(directory.path, mode: 0o711)
            try Directory.make(directory.vault, mode: 0o700)
            try Directory.make(directory.spool, mode: 0o700)
        } catch { throw error.problem(doing: "make \(directory.path)") }
        let connection: Connection
        do throws(SQLiteError) {
            connection = try Connection(directory.database, .create)
            try connection.configure()
            try connection.beginImmediate()
            try connection.setApplicationID(Schema.applicationID)
            try connection.setUserVersion(Schema.version)
            try Schema.create(connection)
        } catch { throw error.problem }
        let sealedToKit = try fill(connection, rootKey: rootKey, kitPublicKey: kitPublicKey, admin: admin, directory)
        do throws(SQLiteError) {
            try connection.commit()
            _ = try connection.checkpoint(.truncate)
        } catch { throw error.problem }
        // SQLite gives its other files the mode of this one.
        do { try Directory.setMode(directory.database, 0o600) } catch {
            throw error.problem(doing: "close \(directory.database) to others")
        }
        Ballast(path: directory.ballast).restore()
        return sealedToKit
    }

    /// Opens the vault key with the kit: the proof that the kit works, and the first step of a recovery.
    package static func prove(_ sealedToKit: [UInt8], with kit: borrowing KitKey) -> Bool {
        (try? KeySlots().openKey(sealedToKit.span, with: kit)) != nil
    }

    private static func fill(
        _ connection: Connection, rootKey: borrowing SecretBytes, kitPublicKey: Digest32, admin: Admin?,
        _ directory: VaultDirectory
    ) throws(Problem) -> [UInt8] {
        let slots = KeySlots()
        let now = Clock.wallMilliseconds
        let vaultID = Sodium.randomBytes(16)
        let root = slots.add(copying: rootKey.span)
        let vaultKey = slots.addRandom()
        let signing = slots.addSigningKey()
        let spool = slots.addBoxKey()
        let keys = KeyRing(
            slots: slots, vaultID: vaultID, vaultKey: vaultKey, rowMAC: slots.addRandom(),
            fingerprint: slots.addRandom(), state: slots.addRandom(), signing: signing, spool: spool, tenants: [:])
        let sealedToKit: [UInt8]
        let meta: Meta
        do throws(SealingError) {
            sealedToKit = try slots.sealKey(vaultKey, to: kitPublicKey)
            meta = Meta(
                vaultID: vaultID, createdAt: now, kitPublic: kitPublicKey.bytes, kitSealed: sealedToKit,
                auditPublic: signing.publicKey.bytes,
                wrappedVaultKey: try slots.wrap(
                    vaultKey, under: root, associated: Meta.associated(vaultID: vaultID, createdAt: now)))
        } catch { throw error.problem }
        let transaction = Transaction(
            connection: connection, keys: keys, mac: RowMAC(keys), state: VaultState(), names: NameTable(), now: now)
        try transaction.insert(meta)
        for (purpose, slot) in [
            (.rowMAC, keys.rowMAC), (.fingerprint, keys.fingerprintKey), (.state, keys.state),
            (.auditSigning, signing.slot), (.spool, spool.slot),
        ] as [(KeyPurpose, KeySlot)] {
            try transaction.insertKey(slot, purpose: purpose, tenant: nil, generation: 1)
        }
        if let admin {
            try transaction.insert(
                RoleRow(
                    id: transaction.nextID(), selector: admin.selector, role: .admin, tenant: nil, createdAt: now))
        }
        try transaction.record(
            AuditEntry("vault.init", .allowed, by: .system, request: .next(), reason: admin?.selector.description))
        let checkpoint = try transaction.checkpoint(signedBy: signing)
        try transaction.state.store(connection, keys)
        Anchors(path: directory.anchors).append(checkpoint, at: now)
        try write(signing.publicKey.hex + "\n", to: directory.auditPublicKey)
        return sealedToKit
    }

    private static func write(_ text: String, to path: String) throws(Problem) {
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, .write, creating: 0o644, followingLinks: false)
            try file.truncate(to: 0)
            try file.write(Array(text.utf8))
            try file.syncData()
        } catch { throw error.problem(doing: "write \(path)") }
    }
}

extension Transaction {
    /// Wraps a key under the vault key and stores it.
    func insertKey(_ slot: KeySlot, purpose: KeyPurpose, tenant: Int64?, generation: Int64) throws(Problem) {
        let id = nextID()
        let associated = KeyRow.associated(
            vaultID: keys.vaultID, id: id, purpose: purpose, tenant: tenant, generation: generation, createdAt: now)
        let wrapped: [UInt8]
        do { wrapped = try keys.slots.wrap(slot, under: keys.vaultKey, associated: associated) } catch {
            throw error.problem
        }
        try insert(
            KeyRow(
                id: id, purpose: purpose, tenant: tenant, generation: generation, wrapped: wrapped, createdAt: now))
    }
}
