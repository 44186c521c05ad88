package import Rules
package import Vault

extension Broker {
    // MARK: - Tenants

    /// Adds a tenant with a key of its own. `conflict` when the slug is taken.
    package func addTenant(_ slug: Slug, title: String, _ call: AdminCall) throws(Problem) -> Tenant {
        guard !title.isEmpty, title.utf8.count <= 200, !title.utf8.contains(where: { $0 < 0x20 }) else {
            throw Problem(.badRequest, "a tenant's name is 1 to 200 characters, without control characters")
        }
        return try change(call, "tenant.add", tenant: slug.value) { transaction, _ throws(Problem) in
            try transaction.addTenant(slug, title: title)
        }
    }

    /// The tenant of this slug, or `not_found`.
    package func tenant(_ slug: Slug) throws(Problem) -> Tenant {
        guard let tenant = vault.policy.tenant(slug) else {
            throw Problem(.notFound, "there is no tenant \(slug)", advice: "list them: postern tenant list")
        }
        return tenant
    }

    /// Suspends or resumes a tenant; suspending moves the policy epoch and ends its leases.
    package func setStanding(_ standing: Standing, ofTenant tenant: Tenant, _ call: AdminCall) throws(Problem) {
        try change(
            call, "tenant.\(standing.verb)", isRevoking: standing == .suspended, tenant: tenant.slug.value
        ) { transaction, _ throws(Problem) in try transaction.setStanding(standing, of: tenant.id) }
    }

    // MARK: - Services

    /// Names a local program by its selectors. `bad_request` for selectors that prove nothing, `conflict` for a taken
    /// name.
    package func addService(
        _ name: Slug, selectors: [Selector], caps: ServiceCaps = ServiceCaps(), _ call: AdminCall
    ) throws(Problem) -> ServiceRow {
        try caps.check()
        try check(selectors)
        return try change(call, "service.add", reason: name.value) { transaction, _ throws(Problem) in
            try transaction.addService(
                name, selectors: selectors, rate: caps.rate ?? 0,
                mostLeases: caps.mostLeases ?? ServiceRow.usualMostLeases)
        }
    }

    /// The service of this name, or `not_found`.
    package func service(_ name: Slug) throws(Problem) -> ServiceRow {
        guard let service = vault.policy.service(name) else {
            throw Problem(.notFound, "there is no service \(name)", advice: "list them: postern service list")
        }
        return service
    }

    /// Suspends or resumes a service; suspending moves the policy epoch and ends its leases.
    package func setStanding(_ standing: Standing, ofService name: Slug, _ call: AdminCall) throws(Problem) {
        try change(
            call, "service.\(standing.verb)", isRevoking: standing == .suspended, reason: name.value
        ) { transaction, _ throws(Problem) in try transaction.setStanding(standing, ofService: name) }
    }

    /// Removes a service with its grants and leases; how many leases ended. `not_found` where there is none.
    package func removeService(_ name: Slug, _ call: AdminCall) throws(Problem) -> Int {
        try change(call, "service.remove", isRevoking: true, reason: name.value) { transaction, _ throws(Problem) in
            try transaction.removeService(name)
        }
    }

    // MARK: - Grants

    /// Allows a service some actions. `not_found` for an unknown service, `bad_request` for a grant that could allow
    /// nothing.
    package func addGrant(
        to name: Slug, pattern: GrantPattern, actions: [Action], methods: [String], scope: [String],
        maxTTL: Interval, maxAge: Interval = Grant.defaultMaxAge, binding: Grant.Binding = .service, _ call: AdminCall
    ) throws(Problem) -> GrantRow {
        guard !actions.isEmpty, Set(actions).count == actions.count else {
            throw Problem(.badRequest, "a grant needs actions, each once", advice: "add --action secret:read:KIND")
        }
        guard (1...Grant.longestTTL.seconds).contains(maxTTL.seconds) else {
            throw Problem(.badRequest, "a grant's max TTL is 1s to \(Grant.longestTTL)")
        }
        guard (1...Grant.longestMaxAge.seconds).contains(maxAge.seconds) else {
            throw Problem(.badRequest, "a grant's max age is 1s to \(Grant.longestMaxAge)")
        }
        guard methods.allSatisfy(Method.isWellFormed) else {
            throw Problem(
                .badRequest, "a method is a name or a verb and a path",
                advice:
                    "such as chat.postMessage or \"POST im/v1/messages\"; * stands for one segment, or alone for all")
        }
        guard scope.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 200 && !$0.contains(" ") }) else {
            throw Problem(.badRequest, "scopes are single words")
        }
        if let tenant = pattern.tenant { _ = try self.tenant(tenant) }
        return try change(
            call, "grant.add", tenant: pattern.tenant?.value, reason: "\(name) \(pattern)"
        ) { transaction, _ throws(Problem) in
            guard let service = try transaction.service(name) else {
                throw Problem(.notFound, "there is no service \(name)", advice: "postern service add \(name) …")
            }
            return try transaction.addGrant(
                to: service.id, pattern: pattern, actions: actions, methods: methods, scope: scope, maxTTL: maxTTL,
                maxAge: maxAge, binding: binding, by: call.name)
        }
    }

    /// Takes a grant away and ends what lived by it. `not_found` where there is none.
    package func removeGrant(_ id: Int64, _ call: AdminCall) throws(Problem) -> GrantRow {
        try change(call, "grant.remove", isRevoking: true, reason: "grant \(id)") { transaction, _ throws(Problem) in
            try transaction.removeGrant(id)
        }
    }

    // MARK: - Roles

    /// Gives a role to whom the selector matches. `conflict` when that very role is there.
    package func addRole(
        _ role: AdminRole, to selector: Selector, tenant: Tenant?, _ call: AdminCall
    ) throws(Problem) -> RoleRow {
        switch selector {
        case .uid, .user, .gid, .group: break
        default:
            throw Problem(.badRequest, "a role is held by uid:, user:, gid: or group:")
        }
        return try change(
            call, "role.add", tenant: tenant?.slug.value, reason: "\(role.rawValue) \(selector)"
        ) { transaction, _ throws(Problem) in try transaction.addRole(role, to: selector, tenant: tenant?.id) }
    }

    /// Takes a role away, at once. `not_found` where there is none.
    package func removeRole(_ id: Int64, _ call: AdminCall) throws(Problem) -> RoleRow {
        try change(call, "role.remove", isRevoking: true, reason: "role \(id)") { transaction, _ throws(Problem) in
            try transaction.removeRole(id)
        }
    }
}

extension Standing {
    var verb: String {
        switch self {
        case .active: "resume"
        case .suspended: "suspend"
        }
    }
}
