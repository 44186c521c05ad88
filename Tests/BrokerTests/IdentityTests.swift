import Glibc
import Platforms
import Rules
import Sealing
import Synchronization
import Testing

@testable import Broker
@testable import Linux
@testable import Vault

@Suite struct `Who asks` {
    private let ground: Ground
    private let caller: Caller
    /// The service of this process' user, by a name the system's database does not have.
    private let service: ServiceRow
    private let name: String

    init() throws {
        ground = try Ground()
        let line = try SocketPair(.stream)
        caller = Caller(try Peer(of: line.near.number))
        let name = "postern-fake-\(UInt32.random(in: 0 ... .max))"
        self.name = name
        let slug = try #require(Slug("bridge"))
        service = try ground.vault.change(always: { transaction throws(Problem) in
            try transaction.addService(slug, selectors: [.uid(geteuid()), .user(name)])
        })
    }

    private func answer(_ found: NameCache.Found) { Accounts.users.answer(name) { _ in found } }

    /// As whatever any service does moves it.
    private func movePolicy() throws {
        let slug = try #require(Slug("other-\(UInt32.random(in: 0 ... .max))"))
        let before = ground.vault.policy.serial
        try ground.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.addService(slug, selectors: [.uid(1), .gid(1)])
        })
        #expect(ground.vault.policy.serial != before)
    }

    private var identity: Caller.Identity { caller.identity(in: ground.vault.policy) }

    @Test(arguments: [false, true])
    func `is refused where it cannot be told just now, and served again when it can`(_ moves: Bool) throws {
        let me = geteuid()
        for failure in [NameCache.Found.unknown, .none] {
            answer(.id(me))
            #expect(identity.service?.id == service.id)
            answer(failure)
            if moves { try movePolicy() }
            for _ in 0..<2 { #expect(identity.service == nil && identity.denial == .identityUnknown) }
        }
        answer(.id(me))
        #expect(identity.service?.id == service.id)
    }

    @Test func `is another for good once that is certain, whatever becomes of the policy`() throws {
        answer(.id(geteuid()))
        #expect(identity.service?.id == service.id)
        try movePolicy()
        answer(.id(geteuid() + 1))
        #expect(identity.service == nil && identity.denial == .identityChanged)
        try movePolicy()
        #expect(identity.service == nil && identity.denial == .identityChanged)
    }

    @Test func `is not another because the policy is`() throws {
        answer(.id(geteuid()))
        #expect(identity.service?.id == service.id)
        let slug = service.slug
        try ground.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.removeService(slug)
        })
        #expect(identity.service == nil && identity.denial == .noService)
    }

    /// There are six readers; eight who wait for a slow database must not hold them.
    @Test(arguments: ["read", "verify", "access", "show", "installations"])
    func `is found before the vault is read`(_ call: String) throws {
        let entered = Atomic(0)
        let go = Gate(false)
        Accounts.users.answer(name) { _ in
            entered.wrappingAdd(1, ordering: .relaxed)
            _ = go.wait(until: .after(seconds: 20)) { $0 ? true : nil }
            return .none
        }
        let (broker, key) = (ground.broker, ground.app.key)
        let callers = try (0..<8).map { _ in
            let line = try SocketPair(.stream)
            return Caller(try Peer(of: line.near.number))
        }
        let threads = try callers.map { caller in
            try Thread.start(name: "asker") {
                let slab = Slab()
                switch call {
                case "read":
                    _ = try? broker.readSecret(
                        key, .signingSecret, version: nil, installation: nil, for: caller, .next(), into: slab)
                case "verify":
                    let headers = WebhookHeaders([])
                    let body: [UInt8] = []
                    _ = try? broker.verifyWebhook(
                        key, headers, body: body.span, rejectsReplays: false, for: caller, .next(), into: slab)
                case "access":
                    _ = try? broker.access(key, AccessRequest(leg: .bot), for: caller, .next(), into: slab)
                case "show": _ = try? broker.appVisible(key, to: caller, .next())
                default: _ = try? broker.installationsVisible(key, to: caller, .next())
                }
            }
        }
        let deadline = Deadline.after(seconds: 30)
        while entered.load(ordering: .relaxed) < 8, !deadline.hasPassed { _ = sched_yield() }
        #expect(entered.load(ordering: .relaxed) >= 8)
        go.withLock { $0 = true }
        go.wakeAll()
        for thread in threads { thread.join() }
    }

    @Test func `is the service with the most selectors, unless a better one cannot be told`() {
        func row(_ id: Int64, _ selectors: Int) -> ServiceRow {
            ServiceRow(
                id: id, slug: Slug("s\(id)")!, selectors: (0..<UInt32(selectors)).map(Selector.uid), createdAt: 0)
        }
        let (one, two, three) = (row(1, 1), row(2, 2), row(3, 3))
        /// What each service's selectors come to, and what it was; who it is, whether that is unknown, and settled.
        let cases: [([SelectorMatch], ServiceRow?, ServiceRow?, Bool, Bool)] = [
            ([.holds, .holds, .differs], nil, two, false, true),
            ([.holds, .holds, .holds], one, three, false, true),
            ([.differs, .differs, .differs], two, nil, false, true),
            ([.holds, .unknown, .differs], nil, one, false, false),
            ([.holds, .unknown, .differs], two, nil, true, false),
            ([.unknown, .holds, .differs], nil, two, false, true),
            ([.unknown, .differs, .differs], nil, nil, true, false),
            ([.unknown, .differs, .differs], two, nil, true, false),
        ]
        for (matches, last, service, isUnknown, isSettled) in cases {
            let choice = Caller.Choice(among: [one, two, three], last: last) { matches[Int($0.id) - 1] }
            #expect(choice.service?.id == service?.id, "\(matches)")
            #expect(choice.isUnknown == isUnknown && choice.isSettled == isSettled, "\(matches)")
        }
    }
}
