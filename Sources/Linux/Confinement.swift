import CLinux
package import Rules

/// What the courier takes from itself before its first errand (design, section 2).
package enum Confinement {
    /// What this kernel could do.
    package struct Report: Sendable, Equatable {
        /// Landlock's ABI; 0 where the kernel has none.
        package let landlock: Int32

        /// A sentence for `doctor` where something is missing; nil where all is in place.
        package var warning: String? {
            landlock > 0
                ? nil
                : "this kernel has no Landlock: the courier can read what its user can; start posternd as root with "
                    + "--courier-user, or switch Landlock on"
        }
    }

    /// What TLS and the resolver read: certificate authorities, name service settings and the libraries they load.
    private static let readable = [
        "/etc/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/ca-certificates.conf",
        "/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf", "/etc/hosts",
        "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/host.conf", "/etc/services", "/etc/protocols", "/etc/localtime",
        "/usr/share/zoneinfo", "/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/dev/urandom",
        "/dev/null",
    ]

    /// No file but those above and `alsoReadable`, no Unix socket by name, no other program, no look at other processes.
    ///
    /// Call it after the listeners are bound and before the first thread starts: Landlock binds only this thread and
    /// what it starts. `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured. Cannot be undone.
    ///
    /// In `spool`, an open directory, files may be made.
    package static func confineCourier(
        alsoReadable: [String] = [], spool: borrowing FileDescriptor? = nil
    ) throws(Problem) -> Report {
        do throws(SystemError) {
            try Hardening.forbidNewPrivileges()
            let abi = Landlock.abi
            if abi > 0 {
                let landlock = try Landlock(abi: abi)
                for path in readable + alsoReadable { try landlock.allowReading(path) }
                for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
                    if let path = Environment.value(of: name) { try landlock.allowReading(path) }
                }
                switch spool {
                case .some(let directory): try landlock.allowMakingFiles(in: directory)
                case .none: break
                }
                try landlock.restrict()
            }
            try SystemCallFilter.install()
            return Report(landlock: abi)
        } catch {
            throw error.problem(doing: "confine the courier")
        }
    }
}
