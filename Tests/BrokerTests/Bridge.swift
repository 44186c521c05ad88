import Glibc
import Linux
import Rules
import Sealing
import Testing
import Vault

@testable import Broker

/// A service that is this very process, with a grant for the bot of a ground's app.
struct Bridge {
    let ground: Ground
    let caller: Caller
    let service: Int64
    let grant: Int64

    init(binding: Grant.Binding = .service, _ set: (inout Broker.Settings) -> Void = { _ in }) throws {
        ground = try Ground(set)
        let line = try SocketPair(.stream)
        caller = Caller(try Peer(of: line.near.number))
        let name = try #require(Slug("bridge"))
        (service, grant) = try ground.vault.change(always: { transaction throws(Problem) in
            let service = try transaction.addService(name, selectors: [.uid(geteuid())])
            let grant = try transaction.addGrant(
                to: service.id, pattern: GrantPattern(tenant: nil, platform: nil, appID: nil),
                actions: [.access(.bot), .deliverToken, .readSecret(.signingSecret)], methods: ["*"], scope: [],
                maxTTL: Grant.longestTTL, binding: binding, by: "test")
            return (service.id, grant.id)
        })
    }

    var broker: Broker { ground.broker }

    /// A new lease of the bot's.
    func lease(_ delivery: Lease.Delivery = .gateway, seconds: Int64 = 60) throws -> Lease {
        var ask = AccessRequest(leg: .bot, delivery: delivery)
        ask.ttl = Interval(seconds: seconds)
        defer { broker.answered(caller) }
        return try broker.access(ground.app.key, ask, for: caller, .next(), into: Slab()).lease
    }

    /// The lease for as much longer as may be.
    func renewed(_ lease: Lease) throws -> RenewedLease {
        defer { broker.answered(caller) }
        return try broker.renew(lease.id, for: caller, .next())
    }

    /// What the service lacks to use a lease now; nil where it may.
    func denial(of id: String) throws -> Denial? {
        switch try broker.liveLease(id, caller, ground.vault.policy) {
        case .success: nil
        case .failure(let denial): denial
        }
    }
}
