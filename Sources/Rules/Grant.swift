/// Which apps a grant is about: `tenant/platform/app_id`, where `*` stands only for a whole segment.
package struct GrantPattern: Hashable, Sendable, CustomStringConvertible {
    /// nil is `*`.
    package let tenant: Slug?
    package let platform: Platform?
    package let appID: AppID?

    /// A pattern; nil stands for `*`.
    package init(tenant: Slug?, platform: Platform?, appID: AppID?) {
        self.tenant = tenant
        self.platform = platform
        self.appID = appID
    }

    /// `tenant/platform/app_id`, where `*` is only possible as a whole segment; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let tenant = Slug(parts[0])
        let platform = Platform(rawValue: String(parts[1]))
        let appID = AppID(parts[2])
        guard tenant != nil || parts[0] == "*", platform != nil || parts[1] == "*", appID != nil || parts[2] == "*"
        else { return nil }
        self.init(tenant: tenant, platform: platform, appID: appID)
    }

    package var description: String {
        "\(tenant?.value ?? "*")/\(platform?.rawValue ?? "*")/\(appID?.value ?? "*")"
    }

    /// Whether the pattern covers an app that belongs to `owner`.
    package func covers(_ app: AppKey, of owner: Slug) -> Bool {
        (tenant == nil || tenant == owner) && (platform == nil || platform == app.platform)
            && (appID == nil || appID == app.appID)
    }
}

/// What a service may do with the apps a pattern covers.
package struct Grant: Sendable, Equatable {
    package static let defaultTTL = Interval(seconds: 600)
    package static let longestTTL = Interval(seconds: 3600)
    /// Until this age a lease may be renewed, unless the grant says otherwise.
    package static let defaultMaxAge = Interval(seconds: 86_400)
    package static let longestMaxAge = Interval(seconds: 30 * 86_400)

    /// Who may use a lease; the raw values are in the file and on the wire.
    package enum Binding: String, Sendable, CaseIterable {
        /// Every process of the service that asked.
        case service
        /// Only the process that asked.
        case process
    }

    package let id: Int64
    package let service: Slug
    package let pattern: GrantPattern
    package let actions: [Action]
    /// Platform API methods a lease may use; empty is none for a gateway lease. `*` is all.
    package let methods: [String]
    /// The scopes a lease may carry; empty is whatever the installation has.
    package let scope: [String]
    package let maxTTL: Interval
    package let maxAge: Interval
    package let binding: Binding

    /// The longest a lease lasts that is not renewed: none becomes older than it may.
    package var longestTTL: Interval { min(maxTTL, maxAge) }

    /// Every field as given.
    package init(
        id: Int64, service: Slug, pattern: GrantPattern, actions: [Action], methods: [String], scope: [String],
        maxTTL: Interval, maxAge: Interval = Self.defaultMaxAge, binding: Binding = .service
    ) {
        self.id = id
        self.service = service
        self.pattern = pattern
        self.actions = actions
        self.methods = methods
        self.scope = scope
        self.maxTTL = maxTTL
        self.maxAge = maxAge
        self.binding = binding
    }
}
