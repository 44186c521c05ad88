package import Linux
package import Rules
package import Sealing
import Synchronization
package import Vault

/// One connection on broker.sock or admin.sock: the process at its other end, and what the policy makes of it.
package final class Caller: Sendable {
    /// What the policy of one epoch makes of the peer.
    package struct Identity: Sendable {
        let serial: Int64
        package let service: ServiceRow?
        package let grants: [Grant]
        package let actor: Actor
        /// Why there is no service, where there is none.
        var denial = Denial.noService
        /// Those of the service's selectors that are looked at again at each hand-out.
        var changeable: [Selector] = []
        /// The process as it was when these selectors were found true.
        var sight: Peer.Sight?
    }

    package let peer: Peer
    private let known = Mutex<Identity?>(nil)
    /// The answers on this connection.
    package let answering = Answering()
    /// The guarded memory this connection's answers are made in, from its first secret on.
    private let slab = Mutex<Slab?>(nil)

    /// A caller as the kernel names it; which service it is, is decided for each request.
    package init(_ peer: Peer) { self.peer = peer }

    /// The connection's slab, empty; `keep` it when the answer has left.
    package func takeSlab(from pool: SlabPool) -> Slab { slab.withLock { $0.take() } ?? pool.take() }

    /// Wipes the slab and keeps it for the connection's next answer, unless it grew.
    package func keep(_ used: Slab) {
        used.wipe()
        guard used.capacity == Slab.usualCapacity else { return }
        slab.withLock { $0 = used }
    }

    /// The connection has ended: its slab may serve another.
    func giveSlab(to pool: SlabPool) {
        if let slab = slab.withLock({ $0.take() }) { pool.give(slab) }
    }

    /// The service this peer is under `policy`: of those whose selectors all match, the one with the most selectors,
    /// and of these the oldest.
    ///
    /// Found once for each policy. At every hand-out what can change in a process' life is looked at again (design,
    /// section 5): where the service's selectors are true no more, the process is whatever it is now. What cannot be told
    /// just now refuses this call and is asked anew at the next. That the process still lives is asked by whoever decides.
    package func identity(in policy: PolicySnapshot) -> Identity {
        let last = known.withLock { $0 }
        if let last, last.serial == policy.serial {
            if last.changeable.isEmpty || peer.stillMatches(last.changeable, since: last.sight) { return last }
            // The dead are nobody else.
            if !peer.isAlive { return last }
        }
        // Looked at before the selectors are: what changes meanwhile is seen at the next hand-out.
        let sight = peer.sight
        let choice = Choice(among: policy.services, last: last?.service) { peer.match($0.selectors) }
        let service = choice.service
        let denial: Denial =
            if choice.isUnknown {
                .identityUnknown
            } else if let was = last?.service, was.id != service?.id, peer.match(was.selectors) == .differs {
                // By the selectors it had then: another policy alone makes nobody another.
                peer.isAlive ? .identityChanged : .identityGone
            } else if last?.denial == .identityChanged, service == nil {
                .identityChanged
            } else {
                .noService
            }
        let facts = denial == .identityChanged ? peer.factsNow : peer.facts
        let actor = Actor(
            kind: service == nil ? .unknown : .service, name: service?.slug.value, uid: peer.uid, gid: peer.gid,
            pid: peer.pid, loginUID: facts.loginUID, exe: facts.executable, unit: facts.unit)
        let identity = Identity(
            serial: policy.serial, service: service, grants: service.flatMap { policy.grants[$0.id] } ?? [],
            actor: actor, denial: denial, changeable: service?.selectors.filter(\.canChange) ?? [], sight: sight)
        if choice.isSettled { known.withLock { $0 = identity } }
        return identity
    }

    /// What the selectors of all services make of a process.
    struct Choice {
        /// nil where it is none, or where that cannot be told.
        let service: ServiceRow?
        /// It may be a service, and whether it is cannot be told just now.
        let isUnknown: Bool
        /// False where the same question may have another answer soon.
        let isSettled: Bool

        /// - Parameter last: the service it was so far. Where only that cannot be told, it is not made another one.
        init(among services: [ServiceRow], last: ServiceRow?, _ match: (ServiceRow) -> SelectorMatch) {
            func rank(_ service: ServiceRow) -> (Int, Int64) { (service.selectors.count, -service.id) }
            var best: ServiceRow?
            var unknown: [ServiceRow] = []
            for service in services {
                switch match(service) {
                case .holds: if best.map({ rank($0) < rank(service) }) ?? true { best = service }
                case .differs: continue
                case .unknown: unknown.append(service)
                }
            }
            let better = unknown.contains { row in best.map { rank($0) < rank(row) } ?? true }
            let isLast = last.map { last in unknown.contains { $0.id == last.id } && best?.id != last.id } ?? false
            service = isLast ? nil : best
            isUnknown = isLast || best == nil && better
            isSettled = !better && !isLast
        }
    }

    /// Whom the log names where nothing may be looked up: who it was when last asked, else what the kernel said at once.
    var lastActor: Actor {
        known.withLock { $0?.actor }
            ?? Actor(
                kind: .unknown, name: nil, uid: peer.uid, gid: peer.gid, pid: peer.pid, loginUID: nil, exe: nil,
                unit: nil)
    }

    /// As it was found last under `policy`, without looking again: for counting, not for deciding.
    func lastIdentity(in policy: PolicySnapshot) -> Identity {
        if let last = known.withLock({ $0 }), last.serial == policy.serial { return last }
        return identity(in: policy)
    }
}
