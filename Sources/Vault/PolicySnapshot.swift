package import Rules
import SQLite
import Sealing
import Synchronization

/// What decides access, held in memory as it stood at one policy epoch. Never changes; a new one takes its place.
package final class PolicySnapshot: Sendable {
    /// A tenant with what decisions need of it.
    package struct TenantEntry: Sendable {
        package let tenant: Tenant
        /// The newest generation of the tenant's key.
        let keyGeneration: Int64
    }

    package let epoch: Int64
    /// Tells snapshots of the same epoch apart: what only adds something does not move the epoch.
    package let serial: Int64
    package let tenants: [Int64: TenantEntry]
    package let services: [ServiceRow]
    /// Grants by service, in order of id.
    package let grants: [Int64: [Grant]]
    package let grantRows: [GrantRow]
    package let roles: [RoleRow]
    let endings: Endings

    private static let made = Atomic<Int64>(0)

    init(
        epoch: Int64, tenants: [Int64: TenantEntry], services: [ServiceRow], grantRows: [GrantRow], roles: [RoleRow],
        endings: Endings
    ) {
        self.epoch = epoch
        serial = Self.made.wrappingAdd(1, ordering: .relaxed).newValue
        self.tenants = tenants
        self.services = services
        self.grantRows = grantRows
        self.roles = roles
        self.endings = endings
        let names = Dictionary(uniqueKeysWithValues: services.map { ($0.id, $0.slug) })
        var grants: [Int64: [Grant]] = [:]
        for row in grantRows {
            guard let name = names[row.service] else { continue }
            grants[row.service, default: []].append(row.grant(of: name))
        }
        self.grants = grants
    }

    /// The tenant of this name, if there is one.
    package func tenant(_ slug: Slug) -> Tenant? { tenants.values.first { $0.tenant.slug == slug }?.tenant }

    /// The service of this name; nil where there is none.
    package func service(_ name: Slug) -> ServiceRow? { services.first { $0.slug == name } }

    /// Reads the small tables whole, checking every row.
    static func load(_ connection: Connection, _ keys: KeyRing, epoch: Int64) throws(Problem) -> PolicySnapshot {
        let mac = RowMAC(keys)
        var generations: [Int64: Int64] = [:]
        for key in try connection.rows(KeyRow.self, mac) {
            if let tenant = key.tenant { generations[tenant] = max(generations[tenant] ?? 0, key.generation) }
        }
        var tenants: [Int64: TenantEntry] = [:]
        for tenant in try connection.rows(Tenant.self, mac) {
            tenants[tenant.id] = TenantEntry(tenant: tenant, keyGeneration: generations[tenant.id] ?? 0)
        }
        return PolicySnapshot(
            epoch: epoch, tenants: tenants, services: try connection.rows(ServiceRow.self, mac),
            grantRows: try connection.rows(GrantRow.self, mac), roles: try connection.rows(RoleRow.self, mac),
            endings: Endings(try connection.rows(Ending.self, mac)))
    }
}

extension PolicySnapshot {
    /// The same policy under a later epoch.
    func moved(to epoch: Int64) -> PolicySnapshot {
        PolicySnapshot(
            epoch: epoch, tenants: tenants, services: services, grantRows: grantRows, roles: roles, endings: endings)
    }

    /// What is in force when the policy cannot be read: default deny.
    static func nothingAllowed(epoch: Int64) -> PolicySnapshot {
        PolicySnapshot(epoch: epoch, tenants: [:], services: [], grantRows: [], roles: [], endings: Endings([]))
    }
}
