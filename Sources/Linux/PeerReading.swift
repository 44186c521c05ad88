package import Rules

/// How one selector fares with a process, told to admins.
package enum SelectorReading: Sendable, Equatable {
    case holds
    /// What is true instead.
    case differs(String)
    /// Why it cannot be told; such a selector does not match.
    case unknown(String)
}

/// How selectors fare with a process, for deciding.
package enum SelectorMatch: Sendable, Equatable {
    case holds
    case differs
    /// It cannot be told just now, which matches nobody; it may be told later.
    case unknown
}

extension Peer {
    /// Whether a selector is true of this process, and if not, why not.
    package func reading(_ selector: Selector) -> SelectorReading {
        switch (match(selector), selector) {
        case (.holds, _): return .holds
        case (.unknown, .user), (.unknown, .group):
            return .unknown("the system's database of users and groups cannot tell just now")
        default: break
        }
        guard isAlive else { return .unknown("the process has ended") }
        switch selector {
        case .uid: return .differs("uid:\(uid)")
        case .user:
            return .differs(Accounts.account(uid: uid).map { "user:\($0.name)" } ?? "uid:\(uid), without a name")
        case .gid, .group:
            return .differs(
                "gid:\(gid)" + (groups.isEmpty ? "" : " and " + groups.map(String.init).joined(separator: " ")))
        case .unit:
            guard !cgroups.isEmpty else { return .unknown(Self.hiddenProc) }
            return .differs(unit.map { "unit:\($0)" } ?? "in no unit of the system manager")
        case .cgroup:
            guard let path = cgroups.first else { return .unknown(Self.hiddenProc) }
            return .differs(container.map { "cgroup:\($0)" } ?? "cgroup:\(path)")
        case .exe, .sha256:
            switch program {
            case .hidden: return .unknown(hiddenProgram)
            case .elsewhere:
                return .unknown("the process has a mount or user namespace of its own, as containers have")
            case .another: return .differs("another program than the one that connected")
            case .ended: return .unknown("the process has ended")
            case .path(let path):
                guard case .sha256 = selector else { return .differs("exe:\(path)") }
                guard let digest = executableSHA256 else {
                    return .unknown("the executable may not be read, or is longer than 512 MiB, or on FUSE")
                }
                return .differs("sha256:\(digest)")
            }
        }
    }

    private static let hiddenProc = "posternd cannot see this process in /proc (hidepid, ProtectProc=)"

    private var hiddenProgram: String {
        Self.canReadExecutables(of: uid)
            ? "the process does not let itself be looked at (it is not dumpable)"
            : "posternd runs as uid \(Privileges.uid) and without CAP_SYS_PTRACE, so it may not see programs of uid \(uid)"
    }
}
