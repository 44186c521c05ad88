package import Rules
package import Sealing
import Synchronization

/// What a key below the vault key is for.
enum KeyPurpose: String, CaseIterable {
    case rowMAC = "row_mac"
    case fingerprint
    case state
    case auditSigning = "audit_signing"
    case spool
    case tenant

    /// True for the keys a vault has exactly one current generation of.
    var isShared: Bool { self != .tenant }
}

/// A tenant's key of one generation.
struct TenantKeyName: Hashable, Sendable {
    let tenant: Int64
    let generation: Int64
}

/// The keys of an open vault, all in guarded memory (design, section 3).
///
/// Nothing is derived: every key is random and stands wrapped in table `keys`, so that rotating the root key rewraps
/// one row and rotating the vault key one row a key.
package final class KeyRing: Sendable {
    let slots: KeySlots
    let vaultID: [UInt8]
    let vaultKey: KeySlot
    let rowMAC: KeySlot
    let fingerprintKey: KeySlot
    let state: KeySlot
    let signing: SigningKey
    package let spool: BoxKey
    private let tenants: Mutex<[TenantKeyName: KeySlot]>
    /// Counts what has been adopted, so that readers may keep the names of slots they have looked up.
    private let changes = Atomic<Int64>(0)

    init(
        slots: KeySlots, vaultID: [UInt8], vaultKey: KeySlot, rowMAC: KeySlot, fingerprint: KeySlot, state: KeySlot,
        signing: SigningKey, spool: BoxKey, tenants: [TenantKeyName: KeySlot]
    ) {
        self.slots = slots
        self.vaultID = vaultID
        self.vaultKey = vaultKey
        self.rowMAC = rowMAC
        fingerprintKey = fingerprint
        self.state = state
        self.signing = signing
        self.spool = spool
        self.tenants = Mutex(tenants)
    }

    func tenantKey(_ name: TenantKeyName) throws(Problem) -> KeySlot {
        guard let slot = tenants.withLock({ $0[name] }) else {
            throw TableName.keys.damaged("the key of tenant \(name.tenant) is missing")
        }
        return slot
    }

    func adopt(_ slot: KeySlot, as name: TenantKeyName) {
        tenants.withLock { $0[name] = slot }
        changes.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    /// All tenants' keys, and the count of changes they are of; a wiped slot opens nothing whoever still names it.
    func tenantKeys(unless known: Int64?) -> (slots: [TenantKeyName: KeySlot], changes: Int64)? {
        guard changes.load(ordering: .acquiring) != known else { return nil }
        return tenants.withLock { ($0, changes.load(ordering: .acquiring)) }
    }

    /// The keyed hash by which a secret is found in the log without being in it.
    package func fingerprint(_ value: Span<UInt8>) throws(Problem) -> Fingerprint {
        do { return Fingerprint(try slots.mac(value, with: fingerprintKey)) } catch { throw error.problem }
    }
}

extension SealingError {
    /// What a failed opening means to a caller.
    package var problem: Problem {
        switch self {
        case .keyGone: Problem(.sealed, "the vault is sealed", advice: "run `postern unseal`")
        case .notAuthentic, .malformed:
            Problem(
                .integrityFailure, "a sealed value does not open in its place",
                advice: "somebody changed vault.db from outside; run `postern doctor`")
        case .tooLong: Problem(.internal, "a value is longer than the room for it")
        }
    }
}

/// A key as it stands in table `keys`.
struct KeyRow: Row {
    static let name = TableName.keys

    let id: Int64
    let purpose: KeyPurpose
    let tenant: Int64?
    let generation: Int64
    let wrapped: [UInt8]
    let createdAt: Int64

    var values: [Value] {
        [
            .int(id), .text(purpose.rawValue), .optional(tenant), .int(generation), .blob(wrapped), .int(createdAt),
        ]
    }

    /// What the wrapping is bound to: this vault, this purpose, this tenant, this generation.
    static func associated(
        vaultID: [UInt8], id: Int64, purpose: KeyPurpose, tenant: Int64?, generation: Int64, createdAt: Int64
    ) -> [UInt8] {
        var canonical = Canonical("postern/key/1")
        canonical.add(vaultID)
        canonical.add(id)
        canonical.add(purpose.rawValue)
        canonical.add(tenant)
        canonical.add(generation)
        canonical.add(createdAt)
        return canonical.bytes
    }

    func associated(in vaultID: [UInt8]) -> [UInt8] {
        Self.associated(
            vaultID: vaultID, id: id, purpose: purpose, tenant: tenant, generation: generation, createdAt: createdAt)
    }
}
