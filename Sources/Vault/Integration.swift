package import Rules
import SQLite

/// What a profile added: one app, or two that belong together (`genesys-slack`).
package struct Integration: Row, Sendable {
    static let name = TableName.integrations

    package let id: Int64
    package let tenant: Int64
    package let profile: String
    package let firstApp: Int64
    package let secondApp: Int64?
    package let createdAt: Int64

    init(id: Int64, tenant: Int64, profile: String, firstApp: Int64, secondApp: Int64?, createdAt: Int64) {
        self.id = id
        self.tenant = tenant
        self.profile = profile
        self.firstApp = firstApp
        self.secondApp = secondApp
        self.createdAt = createdAt
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        id = row.integer(first)
        tenant = row.integer(first + 1)
        profile = row.text(first + 2)
        firstApp = row.integer(first + 3)
        secondApp = row.isNull(first + 4) ? nil : row.integer(first + 4)
        createdAt = row.integer(first + 5)
    }

    var values: [Value] {
        [.int(id), .int(tenant), .text(profile), .int(firstApp), .optional(secondApp), .int(createdAt)]
    }
}

extension Transaction {
    /// Records which apps a profile added for a tenant.
    package func addIntegration(
        tenant: Int64, profile: String, firstApp: Int64, secondApp: Int64?
    ) throws(Problem) -> Integration {
        let row = Integration(
            id: nextID(), tenant: tenant, profile: profile, firstApp: firstApp, secondApp: secondApp, createdAt: now)
        try insert(row)
        return row
    }

    /// The integrations an app is part of.
    package func integrations(with app: Int64) throws(Problem) -> [Integration] {
        try rows(
            Integration.self,
            """
            SELECT id, tenant, profile, first_app, second_app, created_at, mac
            FROM integrations WHERE first_app = ?1 OR second_app = ?1 ORDER BY id
            """, [.int(app)])
    }

    /// Removes an integration; its apps stay.
    package func remove(integration: Integration) throws(Problem) { try delete(integration) }
}

extension Vault {
    /// Integrations of a tenant (nil is all), in the order they were added.
    package func integrations(of tenant: Int64?) throws(Problem) -> [Integration] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Integration.self,
                """
                SELECT id, tenant, profile, first_app, second_app, created_at, mac
                FROM integrations WHERE (?1 IS NULL OR tenant = ?1) ORDER BY id
                """, [.optional(tenant)], reader.mac)
        }
    }
}
