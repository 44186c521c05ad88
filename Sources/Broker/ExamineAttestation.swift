import Linux
import Rules
import Vault

extension Broker {
    /// What attestation can and cannot tell here (design, section 5).
    func attestation() -> [Finding] { [sight(), selectorsHere()] }

    private func sight() -> Finding {
        var said: [String] = []
        var worries: [String] = []
        said.append(
            Attestation.hasPeerDescriptors
                ? "the kernel names peers by pidfd"
                : "the kernel is older than 6.5: a peer's pidfd is opened by number, and its uid compared")
        said.append(
            Capability.sysPtrace.isEffective
                ? "programs of all users can be read (CAP_SYS_PTRACE)"
                : "programs can be read of uid \(Privileges.uid) alone: exe: and sha256: match nobody else")
        switch Attestation.hasOwnMounts {
        case true?:
            worries.append("posternd has a mount namespace of its own: exe: and sha256: match only processes inside it")
        case false?: said.append("posternd is in the machine's mount namespace")
        case nil: said.append("exe: and sha256: match only processes in posternd's own mount namespace")
        }
        if let option = Attestation.hiddenProc {
            worries.append("/proc is mounted with \(option): unit: and cgroup: of other users match nobody")
        }
        // With no such selector in use these are facts, no worries.
        let used = vault.policy.services.flatMap(\.selectors)
        let matters = used.contains { $0.cost != .ids }
        return Finding(
            "attestation", worries.isEmpty || !matters ? .ok : .warn, (worries + said).joined(separator: "; "),
            advice: worries.isEmpty || !matters
                ? "" : "leave out ProtectProc=, PrivateTmp=, ProtectSystem= and the like, or use uid: and user: alone")
    }

    /// Selectors in use that match nobody, or prove little.
    private func selectorsHere() -> Finding {
        var dead: [String] = []
        var weak: [String] = []
        for service in vault.policy.services {
            if service.selectors.contains(where: \.needsExecutable), Self.unreadable(service.selectors) != nil {
                dead.append("\(service.slug): its programs cannot be read")
            }
            for selector in service.selectors {
                switch selector {
                case .user(let name) where Accounts.uid(of: name) == nil:
                    dead.append("\(service.slug): no user \(name)")
                case .group(let name) where Accounts.gid(of: name) == nil:
                    dead.append("\(service.slug): no group \(name)")
                case .unit where !Attestation.hasSystemd: dead.append("\(service.slug): \(selector), without systemd")
                case .exe(let path) where Interpreter.isOne(path):
                    weak.append("\(service.slug): \(path) runs any script")
                case .cgroup(let value) where !value.hasPrefix("/") && !Cgroup.isContainerID(value):
                    dead.append("\(service.slug): cgroup: is neither a path nor a whole container id")
                default: continue
                }
            }
        }
        guard dead.isEmpty else {
            return Finding(
                "selectors", .warn, "match nobody: " + (dead + weak).joined(separator: "; "),
                advice: "postern can SERVICE ACTION APP --pid PID says which selector fails for a process")
        }
        guard weak.isEmpty else {
            return Finding(
                "selectors", .warn, weak.joined(separator: "; "),
                advice: "narrow by unit:, or give it a user of its own")
        }
        return Finding(
            "selectors", .ok,
            "uid:, user: and unit: say who; exe: and sha256: only narrow it and do not stop a hostile process of the user"
        )
    }
}
