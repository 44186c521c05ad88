package import Rules

/// Something that has become durable and that those it concerns may be told: facts about names and versions, never a
/// value, a fingerprint or who did it. Who may be told is decided for each of them when it is told.
package struct Notice: Sendable {
    /// An app as it was when it happened: it may be gone by the time somebody is told.
    package struct Subject: Sendable, Equatable {
        package let key: AppKey
        /// The row id of its tenant.
        package let tenant: Int64
    }

    /// What has happened.
    package enum What: Sendable {
        /// Another version is in force; the one before is accepted until `previousEnds`, milliseconds since 1970.
        /// `installation` is 0 for the app's own.
        case secretRotated(
            SecretKind, installation: Int64, version: Int64, previous: Int64?, previousEnds: Int64?)
        /// The version before is not accepted any more.
        case secretRetired(SecretKind, installation: Int64, version: Int64)
        /// There is no value any more.
        case secretRemoved(SecretKind, installation: Int64)
        /// A person has to consent again.
        case needsReauthorization(installation: Int64, leg: Leg)
        /// Somebody has consented, for the first time or again.
        case connected(installation: Int64)
        case disconnected(installation: Int64)
        case leaseRevoked(id: String, service: Int64)
        /// All leases of a service (nil: of anybody) on the app or that installation of it, or on all apps.
        case leasesRevoked(service: Int64?, installation: Int64?)
        case appSuspended
        case appResumed
        case appRemoved
        case grantAdded(GrantRow)
        case grantRemoved(GrantRow)
        case serviceSuspended(Int64)
        case serviceRemoved(Int64)
    }

    package let what: What
    /// nil where it is about no single app.
    package let subject: Subject?
    /// Milliseconds since 1970.
    package let time: Int64
}

extension Notice.What {
    /// The service it is about, where it is about only one.
    package var service: Int64? {
        switch self {
        case .leasesRevoked(let service, _): service
        case .leaseRevoked(_, let service), .serviceSuspended(let service), .serviceRemoved(let service): service
        case .grantAdded(let grant), .grantRemoved(let grant): grant.service
        default: nil
        }
    }
}

extension Transaction {
    /// Notes what those it concerns are to be told once the group is durable.
    func tell(_ what: Notice.What, _ subject: Notice.Subject?) {
        notices.append(Notice(what: what, subject: subject, time: now))
    }

    /// The same, about the app of this row id; nothing where there is none.
    func tell(_ what: Notice.What, app id: Int64) throws(Problem) {
        guard let app = try find(App.self, [.int(id)]) else { return }
        tell(what, Notice.Subject(app))
    }

    /// The version in force has changed. A first value counts too: there was none to read before.
    func tell(from old: Head?, to head: Head) throws(Problem) {
        let (kind, place) = (head.secret.kind, head.secret.installation)
        if let current = head.current, current != old?.current {
            try tell(
                .secretRotated(
                    kind, installation: place, version: current, previous: head.previous,
                    previousEnds: head.previousEnds),
                app: head.secret.app)
        } else if head.current == nil, old?.current != nil {
            try tell(.secretRemoved(kind, installation: place), app: head.secret.app)
        } else if let retired = old?.previous, head.previous == nil {
            try tell(.secretRetired(kind, installation: place, version: retired), app: head.secret.app)
        }
    }

    /// An administrator has taken this one lease away. Not for leases that end with what they hang on, of which that is
    /// told, nor for one that its own service gives back.
    package func tell(revoked lease: Lease) throws(Problem) {
        try tell(.leaseRevoked(id: lease.id, service: lease.service), app: lease.app)
    }

    /// An administrator has taken all leases of a service, an app or an installation away, and nothing else.
    package func tell(revokedAllOf holder: LeaseGroup) throws(Problem) {
        switch holder {
        case .service(let id): tell(.leasesRevoked(service: id, installation: nil), nil)
        case .app(let id): try tell(.leasesRevoked(service: nil, installation: nil), app: id)
        case .installation(let id):
            guard let place = try installation(id) else { return }
            try tell(.leasesRevoked(service: nil, installation: id), app: place.app)
        case .grant: return
        }
    }
}

extension Notice.Subject {
    init(_ app: App) { self.init(key: app.key, tenant: app.tenant) }
}
