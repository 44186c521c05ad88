package import Linux
package import Rules

/// A running process as attestation sees it, and what a service for it would be (`service add --from-pid`).
package struct ProcessReport: Sendable {
    /// A selector that is true of the process, with what it is worth.
    package struct Fact: Sendable {
        package let selector: Selector
        package let text: String
    }

    package let peer: Peer
    package let userName: String?
    package let program: Peer.Program
    package let sha256: String?
    package let unit: String?
    package let cgroup: String?
    package let container: String?
    /// A name for the service.
    package let name: Slug?
    package let proposed: [Fact]
    /// True as well, and not proposed.
    package let possible: [Fact]
    package let warnings: [String]
}

extension Broker {
    static func unseen(_ pid: Int32) -> Problem {
        Problem(
            .notFound, "posternd sees no process with the number \(pid)",
            advice: "in a container processes have other numbers than outside, and /proc may hide those of others")
    }

    /// Looks at a running process as it would be looked at if it connected now. `not_found` where there is none.
    package func report(onProcess pid: Int32, _ call: AdminCall) throws(Problem) -> ProcessReport {
        guard let peer = Peer(runningAs: pid) else { throw Self.unseen(pid) }
        try note(call, "service.propose")
        let user = Accounts.account(uid: peer.uid)?.name
        let container = peer.container
        let program = peer.program
        let unit = peer.unit
        let cgroup = peer.cgroups.first
        let sha256 = peer.executableSHA256
        var proposed: [ProcessReport.Fact] = []
        var possible: [ProcessReport.Fact] = []
        // Inside a container the same uid may have another name, or none.
        if let user, container == nil {
            proposed.append(.init(selector: .user(user), text: "every process of this user, and nobody else's"))
            possible.append(
                .init(selector: .uid(peer.uid), text: "the same by number, if the name is given to another"))
        } else {
            proposed.append(.init(selector: .uid(peer.uid), text: "every process of this uid, and nobody else's"))
        }
        if let unit {
            proposed.append(
                .init(selector: .unit(unit), text: "only what systemd started as this unit, and its children"))
        }
        if let container {
            proposed.append(
                .init(selector: .cgroup(container), text: "only this container; made again, it has another id"))
        } else if let cgroup, cgroup != "/" {
            possible.append(.init(selector: .cgroup(cgroup), text: "only processes in this cgroup or below"))
        }
        var warnings: [String] = []
        switch program {
        case .path(let path) where path.hasSuffix(" (deleted)"):
            warnings.append(
                "its program was replaced or removed since it started: start it again before naming it by exe:")
        case .path(let path):
            let exe = ProcessReport.Fact(
                selector: .exe(path), text: "only this program file; not what it loads, nor who traces it")
            if Interpreter.isOne(path) { possible.append(exe) } else { proposed.append(exe) }
            if let sha256 {
                possible.append(.init(selector: .sha256(sha256), text: "only these very contents; an upgrade ends it"))
            }
            if Interpreter.isOne(path) {
                warnings.append("\(path) runs any script: exe: and sha256: would say nothing about which")
            }
        default:
            if case .unknown(let why) = peer.reading(.exe("/")) {
                warnings.append("exe: and sha256: never match: \(why)")
            }
        }
        if container != nil {
            warnings.append("it runs in a container: broker.sock must be mounted there, and exe: cannot be used")
        }
        let selectors = proposed.map(\.selector)
        if selectors.count == 1 {
            warnings.append("only the user tells it apart: give the service a user of its own")
        }
        warnings += advice(on: selectors.filter { if case .cgroup = $0 { false } else { !$0.needsExecutable } })
        return ProcessReport(
            peer: peer, userName: user, program: program, sha256: sha256, unit: unit, cgroup: cgroup,
            container: container, name: Self.name(unit: unit, program: program, user: user), proposed: proposed,
            possible: possible, warnings: warnings)
    }

    /// After the unit, else the program unless it is an interpreter, else the user.
    private static func name(unit: String?, program: Peer.Program, user: String?) -> Slug? {
        var candidates: [String] = []
        if let unit { candidates.append(String(unit.dropLast(".service".count))) }
        if case .path(let path) = program, !Interpreter.isOne(path), let last = path.split(separator: "/").last {
            candidates.append(String(last))
        }
        if let user { candidates.append(user) }
        for candidate in candidates {
            let letters = candidate.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
            let text = String(letters.drop { $0 == "-" }.prefix(63))
            if let slug = Slug(text.hasSuffix("-") ? String(text.dropLast()) : text) { return slug }
        }
        return nil
    }
}
