package import Rules
import SQLite

/// A service as stored: name, selectors, standing.
package struct ServiceRow: Row, Sendable {
    static let name = TableName.services

    package let id: Int64
    package let slug: Slug
    package let selectors: [Selector]
    package var state: Standing
    package let createdAt: Int64
    /// How many calls it may make each second; 0 is as many as it likes.
    package var rate: Int64
    /// How many live leases it may have.
    package var mostLeases: Int64

    /// What a service may have unless it is told.
    package static let usualMostLeases: Int64 = 10_000

    init(
        id: Int64, slug: Slug, selectors: [Selector], createdAt: Int64, rate: Int64 = 0,
        mostLeases: Int64 = Self.usualMostLeases
    ) {
        self.id = id
        self.slug = slug
        self.selectors = selectors
        state = .active
        self.createdAt = createdAt
        self.rate = rate
        self.mostLeases = mostLeases
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let slug = Slug(row.text(first + 1)), let texts = JSONText.list(row.text(first + 2)),
            let state = Standing(rawValue: row.text(first + 3))
        else { throw Self.name.unreadable }
        id = row.integer(first)
        self.slug = slug
        selectors = texts.compactMap { Selector($0) }
        guard selectors.count == texts.count else { throw Self.name.unreadable }
        self.state = state
        createdAt = row.integer(first + 4)
        rate = row.integer(first + 5)
        mostLeases = row.integer(first + 6)
    }

    var values: [Value] {
        [
            .int(id), .text(slug.value), .text(JSONText.text(selectors.map(\.description))), .text(state.rawValue),
            .int(createdAt), .int(rate), .int(mostLeases),
        ]
    }

    package var service: Service {
        Service(id: id, name: slug, selectors: selectors, suspended: state == .suspended)
    }
}

/// A grant as stored.
package struct GrantRow: Row, Sendable {
    static let name = TableName.grants

    package let id: Int64
    package let service: Int64
    package let pattern: GrantPattern
    package let actions: [Action]
    package let methods: [String]
    package let scope: [String]
    package let maxTTL: Interval
    package let createdAt: Int64
    package let createdBy: String
    /// How long after it was given a lease may still be renewed.
    package let maxAge: Interval
    package let binding: Grant.Binding

    init(
        id: Int64, service: Int64, pattern: GrantPattern, actions: [Action], methods: [String], scope: [String],
        maxTTL: Interval, createdAt: Int64, createdBy: String, maxAge: Interval = Grant.defaultMaxAge,
        binding: Grant.Binding = .service
    ) {
        self.id = id
        self.service = service
        self.pattern = pattern
        self.actions = actions
        self.methods = methods
        self.scope = scope
        self.maxTTL = maxTTL
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.maxAge = maxAge
        self.binding = binding
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let pattern = GrantPattern(row.text(first + 2)), let texts = JSONText.list(row.text(first + 3)),
            let methods = JSONText.list(row.text(first + 4)), let scope = JSONText.list(row.text(first + 5)),
            let binding = Grant.Binding(rawValue: row.text(first + 10))
        else { throw Self.name.unreadable }
        id = row.integer(first)
        service = row.integer(first + 1)
        self.pattern = pattern
        actions = texts.compactMap { Action($0) }
        guard actions.count == texts.count else { throw Self.name.unreadable }
        self.methods = methods
        self.scope = scope
        maxTTL = Interval(seconds: row.integer(first + 6))
        createdAt = row.integer(first + 7)
        createdBy = row.text(first + 8)
        maxAge = Interval(seconds: row.integer(first + 9))
        self.binding = binding
    }

    var values: [Value] {
        [
            .int(id), .int(service), .text(pattern.description), .text(JSONText.text(actions.map(\.description))),
            .text(JSONText.text(methods)), .text(JSONText.text(scope)), .int(maxTTL.seconds), .int(createdAt),
            .text(createdBy), .int(maxAge.seconds), .text(binding.rawValue),
        ]
    }

    /// The row as policy sees it.
    package func grant(of service: Slug) -> Grant {
        Grant(
            id: id, service: service, pattern: pattern, actions: actions, methods: methods, scope: scope,
            maxTTL: maxTTL, maxAge: maxAge, binding: binding)
    }
}

/// An admin role as stored: who, what, and for which tenant (nil is all).
package struct RoleRow: Row, Sendable {
    static let name = TableName.roles

    package let id: Int64
    package let selector: Selector
    package let role: AdminRole
    package let tenant: Int64?
    package let createdAt: Int64

    init(id: Int64, selector: Selector, role: AdminRole, tenant: Int64?, createdAt: Int64) {
        self.id = id
        self.selector = selector
        self.role = role
        self.tenant = tenant
        self.createdAt = createdAt
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let selector = Selector(row.text(first + 1)), let role = AdminRole(rawValue: row.text(first + 2)) else {
            throw Self.name.unreadable
        }
        id = row.integer(first)
        self.selector = selector
        self.role = role
        tenant = row.isNull(first + 3) ? nil : row.integer(first + 3)
        createdAt = row.integer(first + 4)
    }

    var values: [Value] {
        [.int(id), .text(selector.description), .text(role.rawValue), .optional(tenant), .int(createdAt)]
    }
}
