/// A named local service and the facts a process must show to be it.
package struct Service: Sendable, Equatable {
    package let id: Int64
    package let name: Slug
    package let selectors: [Selector]
    package let suspended: Bool

    /// A service as policy sees it.
    package init(id: Int64, name: Slug, selectors: [Selector], suspended: Bool) {
        self.id = id
        self.name = name
        self.selectors = selectors
        self.suspended = suspended
    }
}

/// The outcome of a decision inside the house; a denial becomes an error only at the door.
package enum Decision: Sendable, Equatable {
    /// Allowed by this grant.
    case allow(Grant)
    case deny(Denial)
}

/// Which rule said no. The caller never sees it; `postern why` shows it to an admin.
package enum Denial: String, Sendable, CaseIterable {
    case noService = "no_service"
    case serviceSuspended = "service_suspended"
    case noSuchApp = "no_such_app"
    case tenantSuspended = "tenant_suspended"
    case appSuspended = "app_suspended"
    case noGrant = "no_grant"
    case outsideGrant = "outside_grant"
    case identityGone = "identity_gone"
    case identityChanged = "identity_changed"
    case identityUnknown = "identity_unknown"
    case noRole = "no_role"
    case otherService = "other_service"
    case otherProcess = "other_process"
    case tooManyCalls = "too_many_calls"
    case rateExceeded = "rate_exceeded"
    case tooManyLeases = "too_many_leases"
    case leaseEnded = "lease_ended"
    /// At the gateway for unmodified SDKs.
    case unknownBearer = "unknown_bearer"
    case otherUser = "other_user"
    case wrongHost = "wrong_host"
    case fromBrowser = "from_browser"
    case unknownPeer = "unknown_peer"

    /// One sentence for the admin.
    package var explanation: String {
        switch self {
        case .noService: "no service's selectors match this process"
        case .serviceSuspended: "the service is suspended"
        case .noSuchApp: "no such app is in the vault"
        case .tenantSuspended: "the app's tenant is suspended"
        case .appSuspended: "the app is suspended"
        case .noGrant: "no grant of this service covers this action on this app"
        case .outsideGrant: "the grant does not cover the methods, scope or time asked for"
        case .identityGone: "the process that connected has ended"
        case .identityChanged:
            "the process that connected is the service no more: it runs another program, or is in another unit or cgroup"
        case .identityUnknown:
            "whether the process is a service cannot be told just now: the system's database of users does not know a selector's name, or /proc or the program cannot be read"
        case .noRole: "this user holds no admin role that covers it"
        case .otherService: "the lease or state belongs to another service"
        case .otherProcess: "the lease is bound to the process that asked for it, and this is another one"
        case .tooManyCalls: "the service has as many calls under way as it may have at once"
        case .rateExceeded: "the service makes more calls a second than its --rate"
        case .tooManyLeases: "the service has as many live leases as its --max-leases"
        case .leaseEnded: "the lease has ended, by time or because somebody ended it"
        case .unknownBearer: "no lease has the bearer that was shown at the TCP gateway"
        case .otherUser: "a process of another user showed the lease's bearer at the TCP gateway"
        case .wrongHost: "Host at the TCP gateway was not the address it listens at, as with DNS rebinding"
        case .fromBrowser: "a page in a browser asked at the TCP gateway"
        case .unknownPeer: "the kernel did not say whose connection to the TCP gateway it was"
        }
    }
}

/// Default deny over the grants of one service.
package enum Policy {
    /// The first grant, in order of id, that allows `action` on `app`; `owner` is the app's tenant.
    package static func decide(_ action: Action, on app: AppKey, of owner: Slug, grants: [Grant]) -> Decision {
        for grant in grants where grant.pattern.covers(app, of: owner) && grant.actions.contains(action) {
            return .allow(grant)
        }
        return .deny(.noGrant)
    }

    /// The command that would add the smallest grant for what was denied.
    package static func smallestGrant(service: Slug, action: Action, app: AppKey, owner: Slug) -> String {
        let what =
            switch action {
            case .access: "--action \(action) --method METHOD"
            // A token is delivered by the grant that gives access.
            case .deliverToken: "--action access:bot,deliver:token"
            default: "--action \(action)"
            }
        return "postern grant add \(service) \(owner)/\(app) \(what)"
    }
}
