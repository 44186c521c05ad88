package import Rules

/// Who did something, as the kernel and the policy say; one per connection, shared by its records.
package final class Actor: Sendable {
    /// What sort of actor a record names.
    package enum Kind: String, Sendable, CaseIterable {
        case service
        case admin
        case system
        /// A peer that matches no service and holds no role.
        case unknown
    }

    package let kind: Kind
    /// The service's name, or the selector of the admin's role.
    package let name: String?
    package let uid: UInt32?
    package let gid: UInt32?
    package let pid: Int32?
    package let loginUID: UInt32?
    package let exe: String?
    package let unit: String?

    /// Every field as given.
    package init(
        kind: Kind, name: String? = nil, uid: UInt32? = nil, gid: UInt32? = nil, pid: Int32? = nil,
        loginUID: UInt32? = nil, exe: String? = nil, unit: String? = nil
    ) {
        self.kind = kind
        self.name = name
        self.uid = uid
        self.gid = gid
        self.pid = pid
        self.loginUID = loginUID
        self.exe = exe
        self.unit = unit
    }

    /// The daemon itself.
    package static let system = Actor(kind: .system, name: "posternd")
}

/// What an operation asks the log to take note of; sequence number, time and hash are the writer's.
package struct AuditEntry: Sendable {
    /// How it ended.
    package enum Outcome: String, Sendable, CaseIterable {
        case allowed
        case denied
        case error
    }

    package var requestID: RequestID
    package var actor: Actor
    /// A dotted verb such as `secret.read`.
    package var action: String
    package var outcome: Outcome
    package var tenant: String?
    package var app: AppKey?
    package var kind: String?
    package var version: Int64?
    package var leaseID: String?
    /// Keyed hash of the token or secret handed out, first 8 bytes.
    package var fingerprint: Fingerprint?
    /// A rule or code of ours; never what a caller or platform sent.
    package var reason: String?
    /// How many events a `suppressed` record stands for.
    package var count: Int64?

    /// Every field as given.
    package init(
        _ action: String, _ outcome: Outcome, by actor: Actor, request: RequestID, tenant: String? = nil,
        app: AppKey? = nil, kind: String? = nil, version: Int64? = nil, leaseID: String? = nil,
        fingerprint: Fingerprint? = nil, reason: String? = nil, count: Int64? = nil
    ) {
        self.requestID = request
        self.actor = actor
        self.action = action
        self.outcome = outcome
        self.tenant = tenant
        self.app = app
        self.kind = kind
        self.version = version
        self.leaseID = leaseID
        self.fingerprint = fingerprint
        self.reason = reason
        self.count = count
    }
}
