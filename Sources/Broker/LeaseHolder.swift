import Linux
import Rules
import Vault

/// Who uses a lease at the gateway.
package enum LeaseHolder: Sendable {
    /// A process on broker.sock that names its lease.
    case caller(Caller, lease: String)
    /// Whoever shows the bearer of a TCP lease (its BLAKE2b-256) on loopback: the kernel says which user that is.
    case bearer([UInt8], uid: UInt32, Answering)

    /// The line its answers leave on.
    package var answering: Answering {
        switch self {
        case .caller(let caller, _): caller.answering
        case .bearer(_, _, let answering): answering
        }
    }

    /// What it shows of its lease.
    var shown: Shown {
        switch self {
        case .caller(_, let id): .id(id)
        case .bearer(let hash, _, _): .bearer(hash)
        }
    }

    /// By what a lease is used.
    enum Shown: Sendable {
        case id(String)
        /// BLAKE2b-256 of a bearer.
        case bearer([UInt8])

        /// Whether it is this lease.
        func isOf(_ lease: Lease) -> Bool {
            switch self {
            case .id(let id): id == lease.id
            case .bearer(let hash): hash == lease.bearer
            }
        }
    }

    /// What the log calls it before the lease is known.
    func identity(in policy: PolicySnapshot) -> Caller.Identity {
        switch self {
        case .caller(let caller, _): caller.identity(in: policy)
        case .bearer(_, let uid, _):
            Caller.Identity(serial: policy.serial, service: nil, grants: [], actor: Broker.stranger(uid))
        }
    }

    /// The lease that was named; nil where only a bearer was shown.
    var leaseID: String? { if case .caller(_, let id) = self { id } else { nil } }
}
