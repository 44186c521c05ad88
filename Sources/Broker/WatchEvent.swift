import Linux
package import Rules
package import Vault

/// One thing a watcher is told.
package struct WatchEvent: Sendable {
    /// What it is called on the wire.
    package enum Name: String, Sendable, CaseIterable {
        case secretRotated = "secret.rotated"
        case secretRetired = "secret.retired"
        case secretRemoved = "secret.removed"
        case tokenRefreshed = "token.refreshed"
        case tokenRevoked = "token.revoked"
        case leaseRevoked = "lease.revoked"
        case accessRevoked = "access.revoked"
        case accessRestored = "access.restored"
        case serviceSuspended = "service.suspended"
        case needsReauthorization = "installation.needs_reauthorization"
        case connected = "installation.connected"
        case disconnected = "installation.disconnected"
        /// Read again what you have: something was missed.
        case resync
    }

    package let name: Name
    /// nil where it is about no single app.
    package let app: AppKey?
    package let notice: Notice
}

extension Broker {
    /// What a notice is to this caller, found to be `identity` under `policy`; nil where it is not to be told of it.
    ///
    /// The rule is the one of the calls it would lead to: who may read a secret hears that it was rotated.
    func event(
        of notice: Notice, for identity: Caller.Identity, _ isHere: () -> Bool, _ policy: PolicySnapshot
    ) throws(Problem) -> WatchEvent? {
        guard let service = identity.service else { return nil }
        if let only = notice.what.service, only != service.id { return nil }
        guard service.state == .active || notice.what.isSuspension else { return nil }
        let name = notice.what.name
        let subject = notice.subject
        switch notice.what {
        case .leasesRevoked(.some, _), .leaseRevoked, .grantAdded, .grantRemoved, .serviceSuspended:
            return WatchEvent(name: name, app: subject?.key, notice: notice)
        case .serviceRemoved: return nil
        case .leasesRevoked, .appSuspended, .appResumed, .appRemoved:
            guard let subject, let tenant = policy.tenants[subject.tenant]?.tenant,
                identity.grants.contains(where: { $0.pattern.covers(subject.key, of: tenant.slug) })
            else { return nil }
            return WatchEvent(name: name, app: subject.key, notice: notice)
        default:
            guard let subject, try isSeen(notice.what, of: subject, by: identity, isHere, policy) else { return nil }
            return WatchEvent(name: name, app: subject.key, notice: notice)
        }
    }

    /// Whether the caller may do what the notice would make it do, decided as if it did.
    private func isSeen(
        _ what: Notice.What, of subject: Notice.Subject, by identity: Caller.Identity, _ isHere: () -> Bool,
        _ policy: PolicySnapshot
    ) throws(Problem) -> Bool {
        // Most of what happens is about others; that is seen without asking the file.
        guard let tenant = policy.tenants[subject.tenant]?.tenant,
            identity.grants.contains(where: { $0.pattern.covers(subject.key, of: tenant.slug) })
        else { return false }
        return try vault.session { session throws(Problem) in
            // Any of these lists, whole.
            for all in what.actionsToSee {
                var mayAll = true
                for action in all where mayAll {
                    if case .failure = try decide(action, on: subject.key, as: identity, isHere, policy, session) {
                        mayAll = false
                    }
                }
                if mayAll { return true }
            }
            return false
        }
    }
}

extension Notice.What {
    fileprivate var isSuspension: Bool {
        if case .serviceSuspended = self { return true }
        return false
    }

    /// The token leg whose value it is about; nil for an app's own secrets and what is no token.
    package var leg: Leg? {
        switch self {
        case .secretRotated(let kind, let installation, _, _, _), .secretRetired(let kind, let installation, _),
            .secretRemoved(let kind, let installation):
            installation == 0 ? nil : Leg.allCases.first { $0.kind == kind }
        case .needsReauthorization(_, let leg): leg
        default: nil
        }
    }

    /// What one may do who is told: all actions of any of the lists.
    fileprivate var actionsToSee: [[Action]] {
        switch self {
        case .secretRotated(let kind, _, _, _, _), .secretRetired(let kind, _, _), .secretRemoved(let kind, _):
            // Those a token was handed out to have to know that another is in its place.
            [[.readSecret(kind)]] + (leg.map { [[.access($0), .deliverToken]] } ?? [])
        case .needsReauthorization(_, let leg): [[.readInstallation], [.access(leg)]]
        case .connected, .disconnected: [[.readInstallation]] + Leg.grantable.map { [.access($0)] }
        default: []
        }
    }

    fileprivate var name: WatchEvent.Name {
        switch self {
        case .secretRotated: leg == nil ? .secretRotated : .tokenRefreshed
        case .secretRetired: .secretRetired
        case .secretRemoved: leg == nil ? .secretRemoved : .tokenRevoked
        case .needsReauthorization: .needsReauthorization
        case .connected: .connected
        case .disconnected: .disconnected
        case .leaseRevoked, .leasesRevoked: .leaseRevoked
        case .appSuspended, .appRemoved, .grantRemoved: .accessRevoked
        case .appResumed, .grantAdded: .accessRestored
        case .serviceSuspended, .serviceRemoved: .serviceSuspended
        }
    }
}
