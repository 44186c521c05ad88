package import Rules
import SQLite
import Sealing

extension Transaction {
    // MARK: - Tenants

    /// Makes a tenant and its key.
    package func addTenant(_ slug: Slug, title: String) throws(Problem) -> Tenant {
        guard
            try rows(
                Tenant.self, "SELECT id, slug, name, state, created_at, mac FROM tenants WHERE slug = ?1",
                [.text(slug.value)]
            ).isEmpty
        else { throw Problem(.conflict, "there is a tenant \(slug) already") }
        let tenant = Tenant(id: nextID(), slug: slug, title: title, createdAt: now)
        try insert(tenant)
        let slot = keys.slots.addRandom()
        try insertKey(slot, purpose: .tenant, tenant: tenant.id, generation: 1)
        // If the group fails the key in memory belongs to no row; it is wiped with the process and opens nothing.
        keys.adopt(slot, as: TenantKeyName(tenant: tenant.id, generation: 1))
        return tenant
    }

    /// Suspends or resumes a tenant; suspending moves the policy epoch.
    package func setStanding(_ standing: Standing, of tenant: Int64) throws(Problem) {
        guard var row = try find(Tenant.self, [.int(tenant)]) else { throw Problem(.notFound, "no such tenant") }
        row.state = standing
        try update(row)
        if standing == .suspended {
            try endLeases(ofTenant: tenant)
        }
        for app in try apps(of: tenant) where app.state == .active {
            tell(standing == .suspended ? .appSuspended : .appResumed, Notice.Subject(app))
        }
    }

    // MARK: - Apps

    private func apps(of tenant: Int64) throws(Problem) -> [App] {
        try rows(
            App.self,
            """
            SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
            FROM apps WHERE tenant = ?1
            """, [.int(tenant)])
    }

    /// The app of this key; nil where there is none.
    package func app(_ key: AppKey) throws(Problem) -> App? {
        try rows(
            App.self,
            """
            SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
            FROM apps WHERE platform = ?1 AND app_id = ?2
            """, [.text(key.platform.rawValue), .text(key.appID.value)]
        ).first
    }

    /// Adds an app to a tenant. `conflict` when the vault has it already.
    package func addApp(
        _ key: AppKey, tenant: Int64, profile: String, claim: App.Claim, fields: [PublicField: String],
        redirectURIs: [String]
    ) throws(Problem) -> App {
        guard try app(key) == nil else {
            throw Problem(
                .conflict, "the app \(key) cannot be added: its App ID is taken",
                advice: "if it is this tenant's own, look with `postern app show \(key)`")
        }
        let app = App(
            id: nextID(), key: key, tenant: tenant, profile: profile, claim: claim, fields: fields,
            redirectURIs: redirectURIs, createdAt: now)
        try insert(app)
        return app
    }

    /// Takes an App ID away from another tenant's app of which no platform has said that it is its own; nil where there is
    /// none such.
    ///
    /// Nothing is deleted: the app goes on as `ID.displaced-N`, suspended, for its administrators to look at.
    package func displace(_ key: AppKey, for tenant: Int64) throws(Problem) -> App? {
        guard var row = try app(key), row.claim != .proven, row.tenant != tenant,
            let appID = AppID("\(key.appID.value.prefix(90)).displaced-\(row.id)")
        else { return nil }
        row.key = AppKey(key.platform, appID)
        row.state = .suspended
        try update(app: row, takesAway: true)
        return row
    }

    /// Writes an app's new facts; `takesAway` moves the policy epoch.
    package func update(app: App, takesAway: Bool) throws(Problem) {
        let old = try find(App.self, [.int(app.id)])
        try update(app)
        if let old, old.state != app.state {
            tell(app.state == .suspended ? .appSuspended : .appResumed, Notice.Subject(old))
        }
        if takesAway {
            try endLeases(of: .app(app.id))
        }
    }

    // MARK: - Services, grants, roles

    /// Adds a service. `conflict` when the name is taken.
    package func addService(
        _ slug: Slug, selectors: [Selector], rate: Int64 = 0, mostLeases: Int64 = ServiceRow.usualMostLeases
    ) throws(Problem) -> ServiceRow {
        guard try service(slug) == nil else { throw Problem(.conflict, "there is a service \(slug) already") }
        let row = ServiceRow(
            id: nextID(), slug: slug, selectors: selectors, createdAt: now, rate: rate, mostLeases: mostLeases)
        try insert(row)
        // Another process may now be taken for another service than before.
        raiseEpoch()
        return row
    }

    /// The service of this name; nil where there is none.
    package func service(_ slug: Slug) throws(Problem) -> ServiceRow? {
        try rows(
            ServiceRow.self,
            "SELECT id, name, selectors, state, created_at, rate, most_leases, mac FROM services WHERE name = ?1",
            [.text(slug.value)]
        ).first
    }

    /// Writes a service's new caps and moves the policy epoch, since what it asked before may be too much now.
    package func update(service: ServiceRow) throws(Problem) {
        try update(service)
        raiseEpoch()
    }

    /// Suspends or resumes a service; suspending moves the policy epoch.
    package func setStanding(_ standing: Standing, ofService slug: Slug) throws(Problem) {
        guard var row = try service(slug) else { throw Problem(.notFound, "no such service") }
        row.state = standing
        try update(row)
        if standing == .suspended {
            try endLeases(of: .service(row.id))
            tell(.serviceSuspended(row.id), nil)
        }
    }

    /// Removes a service with its grants and leases. Returns how many grants went with it.
    package func removeService(_ slug: Slug) throws(Problem) -> Int {
        guard let row = try service(slug) else { throw Problem(.notFound, "no such service") }
        let grants = try rows(
            GrantRow.self,
            """
            SELECT id, service, pattern, actions, methods, scope, max_ttl, created_at, created_by, max_age, bind, mac
            FROM grants WHERE service = ?1
            """, [.int(row.id)])
        for grant in grants { try delete(grant) }
        try endLeases(of: .service(row.id))
        try delete(row)
        tell(.serviceRemoved(row.id), nil)
        return grants.count
    }

    /// Adds a grant of a service.
    package func addGrant(
        to service: Int64, pattern: GrantPattern, actions: [Action], methods: [String], scope: [String],
        maxTTL: Interval, maxAge: Interval = Grant.defaultMaxAge, binding: Grant.Binding = .service,
        by creator: String
    ) throws(Problem) -> GrantRow {
        let row = GrantRow(
            id: nextID(), service: service, pattern: pattern, actions: actions, methods: methods, scope: scope,
            maxTTL: maxTTL, createdAt: now, createdBy: creator, maxAge: maxAge, binding: binding)
        try insert(row)
        tell(.grantAdded(row), nil)
        return row
    }

    /// Takes a grant away and moves the policy epoch. `not_found` where there is none.
    package func removeGrant(_ id: Int64) throws(Problem) -> GrantRow {
        guard let row = try find(GrantRow.self, [.int(id)]) else { throw Problem(.notFound, "no such grant") }
        try delete(row)
        try endLeases(of: .grant(row.id))
        tell(.grantRemoved(row), nil)
        return row
    }

    /// Gives a role; `tenant` nil is for all tenants.
    package func addRole(_ role: AdminRole, to selector: Selector, tenant: Int64?) throws(Problem) -> RoleRow {
        let row = RoleRow(id: nextID(), selector: selector, role: role, tenant: tenant, createdAt: now)
        try insert(row)
        return row
    }

    /// Takes a role away and moves the policy epoch. `not_found` where there is none.
    package func removeRole(_ id: Int64) throws(Problem) -> RoleRow {
        guard let row = try find(RoleRow.self, [.int(id)]) else { throw Problem(.notFound, "no such role") }
        try delete(row)
        raiseEpoch()
        return row
    }
}
