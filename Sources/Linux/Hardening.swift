import CLinux
package import Rules

/// What a process that holds secrets gives up at its start.
package enum Hardening {
    /// No core dump, no tracing by others of the same uid, no new privileges by exec, fatal signals as the kernel made
    /// them (a crash handler would print memory), SIGPIPE ignored, umask 077.
    ///
    /// Call it again after a change of uid: that makes a process dumpable again where the administrator said so.
    package static func harden() throws(Problem) {
        do throws(SystemError) {
            try makeUndumpable()
            guard clinux_limit(clinux_limit_core(), 0, 0) == 0 else { throw SystemError("setrlimit") }
            try forbidNewPrivileges()
        } catch {
            throw error.problem(doing: "harden the process")
        }
        for fatal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGQUIT] {
            clinux_default_signal(fatal)
        }
        clinux_ignore_signal(SIGPIPE)
        umask(0o077)
        Program.restoreName()
    }

    static func makeUndumpable() throws(SystemError) {
        guard clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 else { throw SystemError("prctl") }
    }

    static func forbidNewPrivileges() throws(SystemError) {
        guard clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 else { throw SystemError("prctl") }
    }

    /// Raises the soft limit of open descriptors to at most `wanted`, as far as the hard limit (and root) allows;
    /// returns what it is now.
    @discardableResult
    package static func raiseDescriptorLimit(to wanted: UInt64) -> UInt64 {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        guard unsafe clinux_get_limit(clinux_limit_files(), &soft, &hard) == 0 else { return 0 }
        guard soft < wanted else { return soft }
        if hard < wanted, clinux_limit(clinux_limit_files(), wanted, wanted) == 0 { return wanted }
        let reachable = min(wanted, hard)
        return clinux_limit(clinux_limit_files(), reachable, hard) == 0 ? reachable : soft
    }
}
