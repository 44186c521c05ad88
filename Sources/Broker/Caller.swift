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
    /// section 5): where the service's selectors are true no more, the process is whatever it is now. That it still lives
    /// is asked by whoever decides.
    package func identity(in policy: PolicySnapshot) -> Identity {
        let last = known.withLock { $0 }
        let isOfThisPolicy = last?.serial == policy.serial
        if let last, isOfThisPolicy {
            if last.changeable.isEmpty || peer.stillMatches(last.changeable) { return last }
            // The dead are nobody else.
            if !peer.isAlive { return last }
        }
        let service = policy.services.filter { peer.matches($0.selectors) }
            .max { ($0.selectors.count, -$0.id) < ($1.selectors.count, -$1.id) }
        let hasChanged = isOfThisPolicy && last?.service?.id != service?.id
        let facts = hasChanged ? peer.factsNow : peer.facts
        let actor = Actor(
            kind: service == nil ? .unknown : .service, name: service?.slug.value, uid: peer.uid, gid: peer.gid,
            pid: peer.pid, loginUID: facts.loginUID, exe: facts.executable, unit: facts.unit)
        let identity = Identity(
            serial: policy.serial, service: service, grants: service.flatMap { policy.grants[$0.id] } ?? [],
            actor: actor, denial: hasChanged ? .identityChanged : .noService,
            changeable: service?.selectors.filter(\.canChange) ?? [])
        known.withLock { $0 = identity }
        return identity
    }

    /// As it was found last under `policy`, without looking again: for counting, not for deciding.
    func lastIdentity(in policy: PolicySnapshot) -> Identity {
        if let last = known.withLock({ $0 }), last.serial == policy.serial { return last }
        return identity(in: policy)
    }
}
