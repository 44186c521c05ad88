/// One fact about a process that the kernel vouches for; a service has several, and all must match.
package enum Selector: Hashable, Sendable, CustomStringConvertible {
    case user(String)
    case uid(UInt32)
    case group(String)
    case gid(UInt32)
    /// A unit of the system manager, such as `bridge.service`.
    case unit(String)
    /// A path below /sys/fs/cgroup, or a container's whole id, 64 lower-case hex digits.
    case cgroup(String)
    /// The absolute path of the executable.
    case exe(String)
    /// The executable's SHA-256, 64 lower-case hex digits.
    case sha256(String)

    /// Reads `kind:value`.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let value = String(text[text.index(after: colon)...])
        guard !value.isEmpty, value.utf8.count <= 1024, !value.utf8.contains(where: { $0 < 0x20 }) else { return nil }
        switch text[..<colon] {
        case "user": self = .user(value)
        case "group": self = .group(value)
        case "uid":
            guard let number = UInt32(value), number != UInt32.max else { return nil }
            self = .uid(number)
        case "gid":
            guard let number = UInt32(value), number != UInt32.max else { return nil }
            self = .gid(number)
        case "unit": self = .unit(value)
        case "cgroup": self = .cgroup(value)
        case "exe":
            guard value.hasPrefix("/") else { return nil }
            self = .exe(value)
        case "sha256":
            guard value.utf8.count == 64, value.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
            else { return nil }
            self = .sha256(value)
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .user(let value): "user:\(value)"
        case .uid(let value): "uid:\(value)"
        case .group(let value): "group:\(value)"
        case .gid(let value): "gid:\(value)"
        case .unit(let value): "unit:\(value)"
        case .cgroup(let value): "cgroup:\(value)"
        case .exe(let value): "exe:\(value)"
        case .sha256(let value): "sha256:\(value)"
        }
    }

    /// True for selectors that say who runs the process; the others only narrow (design, section 5).
    package var identifies: Bool {
        switch self {
        case .user, .uid, .unit: true
        case .group, .gid, .cgroup, .exe, .sha256: false
        }
    }

    /// True for selectors that need /proc/PID/exe, which only the daemon's own uid or CAP_SYS_PTRACE may read.
    package var needsExecutable: Bool {
        switch self {
        case .exe, .sha256: true
        default: false
        }
    }

    /// True for selectors that can stop being true while the process lives; ids are those of the moment it connected.
    package var canChange: Bool {
        switch self {
        case .uid, .gid: false
        case .user, .group, .unit, .cgroup, .exe, .sha256: true
        }
    }

    /// What it takes to know whether a selector is true of a process, the least first.
    package enum Cost: Sendable, CaseIterable {
        /// The kernel said it when the process connected.
        case ids
        /// A few small reads of /proc.
        case proc
        /// Reading a whole executable, the first time.
        case contents
    }

    package var cost: Cost {
        switch self {
        case .user, .uid, .group, .gid: .ids
        case .unit, .cgroup, .exe: .proc
        case .sha256: .contents
        }
    }
}
