import Linux
package import Rules

extension Broker {
    /// Refuses selectors that prove nothing or could never match, with what to do instead.
    func check(_ selectors: [Selector]) throws(Problem) {
        guard selectors.contains(where: \.identifies) else {
            throw Problem(
                .badRequest, "a service needs at least one of user:, uid: or unit:; the others only narrow it",
                advice: "add for example --selector uid:1001")
        }
        guard selectors.count <= 16, Set(selectors).count == selectors.count else {
            throw Problem(.badRequest, "a service has 1 to 16 selectors, each once")
        }
        for selector in selectors {
            if selector.needsExecutable, let uid = Self.unreadable(selectors) {
                throw Problem(
                    .badRequest,
                    "exe: and sha256: would never match: posternd runs as uid \(Privileges.uid) without CAP_SYS_PTRACE"
                        + " and may not see programs of \(uid.map { "uid \($0)" } ?? "other users")",
                    advice:
                        "start posternd as its own user with AmbientCapabilities=CAP_SYS_PTRACE, or narrow by unit: "
                        + "or cgroup: instead")
            }
            if case .cgroup(let value) = selector { try Self.checkCgroup(value) }
        }
    }

    private static func checkCgroup(_ value: String) throws(Problem) {
        if value.hasPrefix("/") {
            let components = value.split(separator: "/")
            guard !components.isEmpty, !components.contains("..") else {
                throw Problem(
                    .badRequest, "cgroup: takes a path below /sys/fs/cgroup, and this is all of it or none of it",
                    advice: "see /proc/PID/cgroup, behind the last colon")
            }
        } else if !Cgroup.isContainerID(value) {
            throw Problem(
                .badRequest, "cgroup: takes a path that begins with /, or a container's whole id of 64 hex digits",
                advice: "docker ps --no-trunc shows whole ids, /proc/PID/cgroup the path")
        }
    }

    /// The uid whose programs cannot be read, of a service with these selectors; a nil inside is any.
    static func unreadable(_ selectors: [Selector]) -> UInt32?? {
        for selector in selectors {
            switch selector {
            case .uid(let uid): return Peer.canReadExecutables(of: uid) ? nil : .some(uid)
            case .user(let name):
                let uid = Accounts.uid(of: name)
                return Peer.canReadExecutables(of: uid ?? .max) ? nil : .some(uid)
            default: continue
            }
        }
        return Peer.canReadExecutables(of: .max) ? nil : .some(nil)
    }

    /// What an admin should know about selectors that may be used: where they match nothing here, or narrow little.
    package func advice(on selectors: [Selector]) -> [String] {
        var advice: [String] = []
        if selectors.contains(where: \.needsExecutable) {
            advice.append(
                "exe: and sha256: only narrow: another program of the same user can load code into this one or trace it"
            )
            if Attestation.hasOwnMounts == true {
                advice.append(
                    "posternd has a mount namespace of its own (PrivateTmp=, ProtectSystem= and the like make one), so "
                        + "exe: and sha256: match only processes inside it")
            }
        }
        for selector in selectors {
            switch selector {
            case .exe(let path) where Interpreter.isOne(path):
                advice.append("\(path) runs any script: exe: says little here, unit: or a user of its own says more")
            case .sha256: advice.append("sha256: stops matching when the program is upgraded; add the new one before")
            case .unit(let name):
                if !name.hasSuffix(".service") {
                    advice.append("unit:\(name) never matches: only services are units here")
                }
                if !Attestation.hasSystemd {
                    advice.append("unit: never matches here: the system manager of this machine is not systemd")
                }
                if let option = Attestation.hiddenProc {
                    advice.append("/proc is mounted with \(option): units and cgroups of other users cannot be read")
                }
            case .user(let name):
                if Accounts.uid(of: name) == nil { advice.append("there is no user \(name): it matches nobody yet") }
                advice += Self.warning(ofUID: Accounts.uid(of: name))
            case .uid(let uid): advice += Self.warning(ofUID: uid)
            case .group(let name) where Accounts.gid(of: name) == nil:
                advice.append("there is no group \(name): it matches nobody yet")
            case .cgroup(let path) where path.hasPrefix("/user.slice"):
                advice.append("below user.slice users name cgroups as they like: that proves no more than the user")
            case .cgroup(let id) where Cgroup.isContainerID(id):
                advice.append("a container that is made again has another id: this names this one only")
            default: break
            }
        }
        return advice
    }

    private static func warning(ofUID uid: UInt32?) -> [String] {
        switch uid {
        case nil: []
        case 0: ["root can do everything on this machine anyway, and every program of root is this service"]
        case Privileges.uid: ["that is posternd's own user, which can stop it and replace its files: use another"]
        default: []
        }
    }
}

/// Programs that run what others wrote: which one it is says little about what it does.
enum Interpreter {
    private static let names: Set<String> = [
        "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "node", "nodejs", "deno", "bun", "java", "dotnet", "mono",
        "beam.smp", "guile", "env",
    ]
    /// Their names go on with a version.
    private static let families = ["python", "pypy", "perl", "ruby", "php", "lua", "tclsh", "node"]

    static func isOne(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return names.contains(name)
            || families.contains {
                name.hasPrefix($0) && name.dropFirst($0.count).allSatisfy { $0.isNumber || $0 == "." || $0 == "-" }
            }
    }
}
