import CLinux
package import Rules

/// Becoming another user for good.
package enum Privileges {
    package static var isRoot: Bool { geteuid() == 0 }

    /// The effective uid of this process.
    package static var uid: UInt32 { geteuid() }

    /// Takes the groups, gid and uid of `account` and gives up every capability, then checks that there is no way back.
    ///
    /// Only as root, and before the first thread. `internal` where anything did not happen: the caller must end.
    package static func become(_ account: Account) throws(Problem) {
        precondition(account.uid != 0, "dropping privileges to root")
        do throws(SystemError) {
            try emptyBoundingSet()
            let groups = Accounts.memberships(of: account)
            guard unsafe setgroups(groups.count, groups) == 0 else { throw SystemError("setgroups") }
            guard setresgid(account.gid, account.gid, account.gid) == 0 else { throw SystemError("setresgid") }
            guard setresuid(account.uid, account.uid, account.uid) == 0 else { throw SystemError("setresuid") }
            try keepOnly([])
            try verify(account, groups)
        } catch {
            throw error.problem(doing: "become \(account.name)")
        }
    }

    /// Gives up every capability but `kept` that this process has; for a start as a plain user.
    package static func keepOnly(_ kept: [Capability]) throws(SystemError) {
        let bits = kept.reduce(0) { $0 | $1.bit } & Capabilities.current.permitted
        // An empty inheritable set takes the ambient one along (capabilities(7)).
        try Capabilities(effective: bits, permitted: bits, inheritable: 0).set()
    }

    /// So that no program this process or its children execute can bring a capability back.
    private static func emptyBoundingSet() throws(SystemError) {
        for capability in 0..<64 as Range<UInt> {
            guard clinux_prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0 else { return }  // past the last one
            guard clinux_prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 else {
                // A container's root may lack CAP_SETPCAP; no_new_privs then is the only bar, and it suffices.
                if clinux_errno() == EPERM { return }
                throw SystemError("prctl")
            }
        }
    }

    private static func verify(_ account: Account, _ groups: [UInt32]) throws(SystemError) {
        var ids = [UInt32](repeating: 0, count: 6)
        unsafe ids.withUnsafeMutableBufferPointer {
            let base = $0.baseAddress!
            _ = unsafe getresuid(base, base + 1, base + 2)
            _ = unsafe getresgid(base + 3, base + 4, base + 5)
        }
        let wanted = [account.uid, account.uid, account.uid, account.gid, account.gid, account.gid]
        var now = [gid_t](repeating: 0, count: groups.count + 1)
        let count = unsafe getgroups(Int32(now.count), &now)
        guard ids == wanted, Set(now.prefix(max(0, Int(count)))) == Set(groups), count == groups.count,
            Capabilities.current == Capabilities(), setresuid(0, 0, 0) != 0
        else { throw SystemError("setresuid", EPERM) }
    }
}
