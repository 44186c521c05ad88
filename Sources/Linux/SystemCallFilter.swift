import CLinux

/// System calls the courier never needs and an intruder in it would want (seccomp(2), through libseccomp).
///
/// A list of refusals, not of permissions: what libcurl, a TLS library and a resolver call changes with every release,
/// and a filter that breaks them in production would be switched off. What keeps secrets apart is on the list.
enum SystemCallFilter {
    /// Refused with EPERM whatever their arguments.
    private static let refused = [
        // another program, another process
        "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
        "process_mrelease", "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "rt_sigqueueinfo",
        "rt_tgsigqueueinfo", "move_pages", "migrate_pages",
        // ways around the rules on sockets and files
        "io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at", "bpf",
        "userfaultfd", "perf_event_open", "fanotify_init",
        // memory and messages shared with strangers of the same uid
        "shmget", "shmat", "msgget", "semget", "mq_open", "add_key", "request_key", "keyctl",
        // the machine
        "mount", "umount2", "pivot_root", "chroot", "fsopen", "fspick", "fsmount", "open_tree", "move_mount",
        "mount_setattr", "setns", "unshare", "swapon", "swapoff", "reboot", "init_module", "finit_module",
        "delete_module", "kexec_load", "kexec_file_load", "iopl", "ioperm", "settimeofday", "clock_settime", "adjtimex",
        "clock_adjtime", "sethostname", "setdomainname", "syslog", "acct", "quotactl", "uselib",
    ]

    /// Address families the courier may open sockets of: the Internet, and netlink for the resolver.
    private static let families = [AF_INET, AF_INET6, AF_NETLINK]

    /// For this process, all threads, from now on.
    static func install() throws(SystemError) {
        guard let filter = unsafe seccomp_init(clinux_seccomp_allow()) else {
            throw SystemError("seccomp_init", ENOMEM)
        }
        defer { unsafe seccomp_release(filter) }
        try unsafe check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1))

        let refusal = clinux_seccomp_refuse(EPERM)
        for name in refused {
            guard let call = number(of: name) else { continue }  // newer than this libseccomp
            try unsafe check(clinux_seccomp_rule(filter, refusal, call))
        }

        /// The kernel looks at the low 32 bits of these arguments only, so the comparison must too.
        func refuse(_ name: String, argument: UInt32, mask: UInt64 = 0xFFFF_FFFF, equal value: UInt64)
            throws(SystemError)
        {
            guard let call = number(of: name) else { return }
            let masked = Int32(SCMP_CMP_MASKED_EQ.rawValue)
            try unsafe check(clinux_seccomp_rule_if(filter, refusal, call, argument, masked, mask, value))
        }
        for family in 0..<64 as Range<Int32> where !families.contains(family) {
            try refuse("socket", argument: 0, equal: UInt64(family))
        }
        // A datagram end of a socketpair can be pointed at any Unix socket by sendto: streams and messages cannot.
        try refuse("socketpair", argument: 1, mask: 0xF, equal: UInt64(SOCK_DGRAM.rawValue))
        try refuse("socketpair", argument: 1, mask: 0xF, equal: UInt64(SOCK_RAW.rawValue))

        // Threads yes, processes no. clone3 hides its flags in memory; glibc falls back to clone when it is missing.
        let cloneThread: UInt64 = 0x10000
        try refuse("clone", argument: 0, mask: cloneThread, equal: 0)
        if let clone3 = number(of: "clone3") {
            try unsafe check(clinux_seccomp_rule(filter, clinux_seccomp_refuse(ENOSYS), clone3))
        }
        // Signals and limits only for itself: abort() needs the first. Garbage in the high bits is refused as well.
        for (name, own) in [("kill", UInt64(getpid())), ("tgkill", UInt64(getpid())), ("prlimit64", 0)] {
            guard let call = number(of: name) else { continue }
            let differs = Int32(SCMP_CMP_NE.rawValue)
            try unsafe check(clinux_seccomp_rule_if(filter, refusal, call, 0, differs, own, 0))
        }
        try unsafe check(seccomp_load(filter))
    }

    private static func number(of name: String) -> Int32? {
        let number = unsafe seccomp_syscall_resolve_name(name)
        return number == -1 ? nil : number  // __NR_SCMP_ERROR
    }

    /// libseccomp returns a negated errno.
    private static func check(_ result: Int32) throws(SystemError) {
        guard result == 0 else { throw SystemError("seccomp", -result) }
    }
}
