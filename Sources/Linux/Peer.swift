import CLinux
package import Rules
import Synchronization

/// The process that connected to a Unix socket, as the kernel saw it at that moment (design, section 5).
///
/// Made right after accept, before a byte is read, and kept for the connection's life. uid, gid and pid are free;
/// everything else is read from /proc when asked for. A socket passed on or inherited still speaks for the connector.
package final class Peer: Sendable {
    /// Effective ids of the connector (SO_PEERCRED).
    package let uid: UInt32
    package let gid: UInt32
    /// 0 where the connector lives in another pid namespace.
    package let pid: Int32
    private let process: ProcessDescriptor
    let groups: [UInt32]
    /// The file it ran when it was accepted; nil where we may not look.
    private let connectedProgram: FileIdentity?
    private let known = Mutex<Facts?>(nil)
    /// The text of its cgroup file when the selectors of its service last matched it.
    private let matchedCgroup = Mutex<[UInt8]?>(nil)

    /// Asks about the other end of a connected Unix socket; the descriptor stays the caller's.
    package init(of socket: Int32) throws(SystemError) {
        let credentials = try SocketOptions.credentials(of: socket)
        uid = credentials.uid
        gid = credentials.gid
        pid = credentials.pid
        process = try ProcessDescriptor(peerOf: socket, credentials)
        groups = try SocketOptions.groups(of: socket)
        connectedProgram = FileIdentity(following: "/proc/\(pid)/exe")
    }

    /// A running process by its number, as it would be seen if it connected now; nil where there is none.
    package init?(runningAs pid: Int32) {
        guard let status = Proc.Status(of: pid) else { return nil }
        uid = status.uid
        gid = status.gid
        self.pid = pid
        process = ProcessDescriptor(pid: pid, uid: status.uid)
        groups = status.groups
        connectedProgram = FileIdentity(following: "/proc/\(pid)/exe")
        guard process.isAlive else { return nil }
    }

    /// Supplementary groups when it connected (SO_PEERGROUPS), the primary one not included.
    package var supplementaryGroups: [UInt32] { groups }

    /// False once the process has ended, or where nobody could ever tell. One poll(2): cheap enough for each hand-out.
    package var isAlive: Bool { process.isAlive }

    /// What the audit log says about a process beyond its ids; nil where it cannot be read.
    package struct Facts: Sendable, Equatable {
        /// The user who logged in, whatever happened by su since (audit's loginuid); nil where nobody did.
        package var loginUID: UInt32?
        package var executable: String?
        /// A unit of the system manager, such as `bridge.service`.
        package var unit: String?
    }

    /// Read at the first call and kept: a record names what connected, and it costs three reads of /proc.
    package var facts: Facts {
        known.withLock { known in
            if let known { return known }
            let facts = factsNow
            known = facts
            return facts
        }
    }

    /// The same, read now; `executable` may be another than at the connection.
    package var factsNow: Facts {
        var executable: String?
        if case .path(let path) = look(insisting: false) { executable = path }
        return Facts(loginUID: loginUID, executable: executable, unit: unit)
    }

    /// Whether all of `selectors` are true of this process now. Reads only what they need; no selectors match nobody, a
    /// dead process matches nothing. The first time for an executable, `sha256:` takes as long as reading it does.
    package func matches(_ selectors: [Selector]) -> Bool { match(selectors) == .holds }

    /// The same, saying also where it cannot be told.
    package func match(_ selectors: [Selector]) -> SelectorMatch {
        guard !selectors.isEmpty, isAlive else { return .differs }
        matchedCgroup.withLock { $0 = nil }
        var isUnknown = false
        // What costs most is read last, and only of those who are everything else.
        for cost in Selector.Cost.allCases where cost != .contents || !isUnknown {
            for selector in selectors where selector.cost == cost {
                switch match(selector) {
                case .holds: continue
                case .differs: return .differs
                case .unknown: isUnknown = true
                }
            }
        }
        // What was read from /proc/PID was this process's only if it still lives: a pid can be used again.
        guard isAlive else { return .differs }
        return isUnknown ? .unknown : .holds
    }

    /// The program of a process at one moment, with the state of its file.
    package struct Sight: Sendable {
        fileprivate let program: FileIdentity?
    }

    /// The program it runs now.
    package var sight: Sight { Sight(program: FileIdentity(following: "/proc/\(pid)/exe")) }

    /// Whether this process still is what `matches` found, asked at each hand-out of what can change during a life:
    /// names of users and groups, the program, the cgroup. Anything else is not read, and the program's contents not
    /// again: the file's identity tells.
    ///
    /// - Parameter sight: from before `matches` found it; nil is the moment it connected.
    package func stillMatches(_ selectors: [Selector], since sight: Sight? = nil) -> Bool {
        var changeable = false
        var program = false
        var cgroup = false
        for selector in selectors {
            switch selector {
            case .uid, .gid: continue
            case .user, .group: guard match(selector) == .holds else { return false }
            case .unit, .cgroup: cgroup = true
            case .exe, .sha256: program = true
            }
            changeable = true
        }
        guard changeable else { return true }
        if program {
            let seen = sight.map(\.program) ?? connectedProgram
            guard let seen, let connectedProgram, seen.isSameFile(as: connectedProgram),
                FileIdentity(following: "/proc/\(pid)/exe") == seen
            else { return false }
        }
        if cgroup {
            guard let now = Proc.bytes("/proc/\(pid)/cgroup") else { return false }
            if matchedCgroup.withLock({ $0 != now }) {
                let text = String(decoding: now, as: UTF8.self)
                guard selectors.allSatisfy({ Cgroup.text(text, has: $0) ?? true }) else { return false }
                matchedCgroup.withLock { $0 = now }
            }
        }
        return isAlive
    }

    /// Whether one selector is true of this process, as far as can be told.
    func match(_ selector: Selector) -> SelectorMatch {
        switch selector {
        case .uid(let wanted): return uid == wanted ? .holds : .differs
        case .gid(let wanted): return belongs(to: wanted) ? .holds : .differs
        case .user(let name): return match(Accounts.users.find(name)) { $0 == uid }
        case .group(let name): return match(Accounts.groups.find(name), belongs)
        case .unit, .cgroup:
            guard let text = cgroupText else { return .unknown }
            return Cgroup.text(text, has: selector) == true ? .holds : .differs
        case .exe, .sha256:
            switch program {
            case .hidden: return .unknown
            case .elsewhere, .another, .ended: return .differs
            case .path(let path):
                guard case .sha256(let wanted) = selector else { return selector == .exe(path) ? .holds : .differs }
                return executableSHA256.map { $0 == wanted ? .holds : .differs } ?? .unknown
            }
        }
    }

    private func match(_ found: NameCache.Found, _ isOurs: (UInt32) -> Bool) -> SelectorMatch {
        switch found {
        case .id(let id): isOurs(id) ? .holds : .differs
        case .none: .differs
        case .unknown: .unknown
        }
    }

    private func belongs(to group: UInt32) -> Bool { gid == group || groups.contains(group) }
}

// MARK: /proc

extension Peer {
    /// Each of these is checked against the pidfd after reading, so it is never another process's.
    private func read<R>(_ body: (String) -> R?) -> R? {
        guard pid > 0, let value = body("/proc/\(pid)"), isAlive else { return nil }
        return value
    }

    package var loginUID: UInt32? {
        read { directory in
            guard let text = Proc.text("\(directory)/loginuid"), let uid = UInt32(text), uid != UInt32.max else {
                return nil
            }
            return uid
        }
    }

    /// What can be told about the program of a process.
    package enum Program: Sendable, Equatable {
        /// Its executable's path; ` (deleted)` follows where another file has that name now.
        case path(String)
        /// We may not look: another uid without CAP_SYS_PTRACE, or a process that is not dumpable.
        case hidden
        /// It has a mount namespace of its own, in which the same path is another file, or a user namespace of its own,
        /// in which it may have named another file as its executable (PR_SET_MM, prctl(2)).
        case elsewhere
        /// Not the one that connected.
        case another
        case ended
    }

    /// What this process runs now, and whether it is what connected.
    package var program: Program { look(insisting: true) }

    private func look(insisting: Bool) -> Program {
        let found = read { directory -> Program in
            guard let mounts = Proc.link("\(directory)/ns/mnt"), let users = Proc.link("\(directory)/ns/user"),
                let now = FileIdentity(following: "\(directory)/exe"), let path = Proc.link("\(directory)/exe")
            else { return .hidden }
            guard mounts == Self.ownMounts, users == Self.ownUsers else { return .elsewhere }
            if insisting, connectedProgram.map({ !now.isSameFile(as: $0) }) ?? true { return .another }
            return .path(path)
        }
        return found ?? .ended
    }

    private static let ownMounts = Proc.link("/proc/self/ns/mnt")
    private static let ownUsers = Proc.link("/proc/self/ns/user")

    /// The path of the executable, where it may be believed: see `Program`.
    package var executable: String? {
        guard case .path(let path) = program else { return nil }
        return path
    }

    /// The SHA-256 of the executable's contents, lower-case hex; nil where `executable` is, or where it cannot be read.
    package var executableSHA256: String? {
        guard case .path = program, let connectedProgram else { return nil }
        return read { ProgramDigests.shared.sha256(of: "\($0)/exe", if: connectedProgram, for: uid) }
    }

    private var cgroupText: String? { read { Proc.text("\($0)/cgroup") } }

    /// Its cgroup paths, the unified hierarchy's first.
    package var cgroups: [String] {
        cgroupText.map(Cgroup.paths) ?? []
    }

    /// The unit of the system manager it runs in.
    package var unit: String? {
        cgroupText.flatMap(Cgroup.systemUnit)
    }

    /// The id of the container it runs in.
    package var container: String? { cgroups.lazy.compactMap(Cgroup.container).first }

    /// Whether `exe:` and `sha256:` selectors can ever be read for processes of `uid`; `service add` refuses them otherwise.
    package static func canReadExecutables(of uid: UInt32) -> Bool {
        uid == geteuid() || Capability.sysPtrace.isEffective
    }
}
