package import Linux
package import Rules
import Vault

/// How a selector of a service fares with a process.
package struct SelectorFinding: Sendable {
    package let selector: Selector
    package let reading: SelectorReading
}

extension Broker {
    /// The service that a process comes nearest to, by what its record says; nil where it is near to none.
    ///
    /// The fewest selectors that are false, then the most that are true, then the oldest.
    func nearest(to actor: Actor) -> (ServiceRow, [SelectorFinding])? {
        var best: (row: ServiceRow, findings: [SelectorFinding], false: Int, true: Int)?
        for service in vault.policy.services {
            let findings = service.selectors.map { SelectorFinding(selector: $0, reading: Self.reading($0, of: actor)) }
            let holding = findings.count { $0.reading == .holds }
            let failing = findings.count { if case .differs = $0.reading { true } else { false } }
            guard holding > 0 else { continue }
            if let best, (failing, -holding) >= (best.false, -best.true) { continue }
            best = (service, findings, failing, holding)
        }
        return best.map { ($0.row, $0.findings) }
    }

    /// A selector against what a record says about a process that may be long gone.
    private static func reading(_ selector: Selector, of actor: Actor) -> SelectorReading {
        let holds: Bool
        let instead: String
        switch selector {
        case .uid(let wanted):
            holds = actor.uid == wanted
            instead = actor.uid.map { "uid:\($0)" } ?? "no uid"
        case .user(let name):
            holds = actor.uid != nil && Accounts.uid(of: name) == actor.uid
            instead = actor.uid.map { "uid:\($0)" } ?? "no uid"
        case .gid, .group:
            let wanted: UInt32? =
                switch selector {
                case .gid(let gid): gid
                case .group(let name): Accounts.gid(of: name)
                default: nil
                }
            guard wanted == nil || actor.gid != wanted else { return .holds }
            return .unknown("the record has only its first group, gid:\(actor.gid.map { "\($0)" } ?? "?")")
        case .unit(let wanted):
            holds = actor.unit == wanted
            instead = actor.unit.map { "unit:\($0)" } ?? "in no unit of the system manager"
        case .exe(let wanted):
            guard let exe = actor.exe else { return .unknown("its program could not be read") }
            holds = exe == wanted
            instead = "exe:\(exe)"
        case .cgroup, .sha256: return .unknown("not in the record; ask of a running process: postern can --pid")
        }
        return holds ? .holds : .differs(instead)
    }

    /// Each selector of a service against a running process. `not_found` where there is none.
    func findings(_ service: ServiceRow, _ pid: Int32) throws(Problem) -> [SelectorFinding] {
        guard let peer = Peer(runningAs: pid) else { throw Self.unseen(pid) }
        return service.selectors.map { SelectorFinding(selector: $0, reading: peer.reading($0)) }
    }
}
