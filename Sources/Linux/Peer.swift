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
    private let groups: [UInt32]
    private let known = Mutex<Facts?>(nil)

    /// Asks about the other end of a connected Unix socket; the descriptor stays the caller's.
    package init(of socket: Int32) throws(SystemError) {
        let credentials = try SocketOptions.credentials(of: socket)
        uid = credentials.uid
        gid = credentials.gid
        pid = credentials.pid
        process = try ProcessDescriptor(peerOf: socket, credentials)
        groups = try SocketOptions.groups(of: socket)
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
            let facts = Facts(loginUID: loginUID, executable: executable, unit: unit)
            known = facts
            return facts
        }
    }

    /// Whether all of `selectors` are true of this process now. Reads only what they need; no selectors match nobody, a
    /// dead process matches nothing.
    package func matches(_ selectors: [Selector]) -> Bool {
        guard !selectors.isEmpty, isAlive else { return false }
        for selector in selectors {
            guard has(selector) else { return false }
        }
        // What was read from /proc/PID was this process's only if it still lives: a pid can be used again.
        return isAlive
    }

    private func has(_ selector: Selector) -> Bool {
        switch selector {
        case .uid(let wanted): uid == wanted
        case .user(let name): Accounts.uid(of: name) == uid
        case .gid(let wanted): belongs(to: wanted)
        case .group(let name): Accounts.gid(of: name).map(belongs) ?? false
        case .unit(let wanted): unit == wanted
        case .cgroup(let wanted): cgroups.contains { Cgroup.path($0, isIn: wanted) }
        case .exe(let wanted): executable == wanted
        case .sha256: false  // reading executables comes with a later release; until then it never matches
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

    /// The path of the executable; nil where we may not read it (another uid without CAP_SYS_PTRACE) or where the
    /// process has a mount namespace of its own, in which the same path is another file.
    package var executable: String? {
        read { directory in
            guard let theirs = Proc.link("\(directory)/ns/mnt"), theirs == Proc.link("/proc/self/ns/mnt") else {
                return nil
            }
            return Proc.link("\(directory)/exe")
        }
    }

    /// Its cgroup paths, the unified hierarchy's first.
    package var cgroups: [String] {
        read { Proc.text("\($0)/cgroup").map(Cgroup.paths) } ?? []
    }

    /// The unit of the system manager it runs in.
    package var unit: String? {
        read { Proc.text("\($0)/cgroup").flatMap(Cgroup.systemUnit) }
    }

    /// Whether `exe:` selectors can ever be read for processes of `uid`; `service add` refuses them otherwise.
    package static func canReadExecutables(of uid: UInt32) -> Bool {
        uid == geteuid() || Capability.sysPtrace.isEffective
    }
}
