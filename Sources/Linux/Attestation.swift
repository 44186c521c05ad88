import CLinux

/// What this machine lets us know about peers; for the doctor.
package enum Attestation {
    /// Whether the kernel hands over a pidfd of the connector (6.5 and later). Without, one is opened by number.
    package static var hasPeerDescriptors: Bool {
        guard let pair = try? SocketPair(.stream),
            let found = try? SocketOptions.processDescriptor(of: pair.near.number)
        else { return false }
        return found.number >= 0
    }

    /// Whether our mount namespace is another than the first process' one, as systemd makes it for PrivateTmp=,
    /// ProtectSystem= and the like; nil where we may not look.
    package static var hasOwnMounts: Bool? {
        guard let first = Proc.link("/proc/1/ns/mnt"), let own = Proc.link("/proc/self/ns/mnt") else { return nil }
        return first != own
    }

    /// Whether the system manager is systemd, by the sign sd_booted(3) goes by.
    package static var hasSystemd: Bool { (try? FileStatus.of("/run/systemd/system"))??.kind == .directory }

    /// The option of our /proc that hides other users' processes, such as `hidepid=invisible`; nil where nothing does,
    /// or CAP_SYS_PTRACE sees through it.
    package static var hiddenProc: String? {
        guard !Capability.sysPtrace.isEffective, let text = Proc.text("/proc/self/mountinfo") else { return nil }
        return hidingOption(inMountInfo: text)
    }

    /// From the text of mountinfo (proc(5)): of the last file system mounted on /proc, which is the one to be seen.
    static func hidingOption(inMountInfo text: String) -> String? {
        var options: Substring?
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 8, fields[4] == "/proc", let dash = fields.lastIndex(of: "-"), dash + 3 < fields.count,
                fields[dash + 1] == "proc"
            else { continue }
            options = fields[dash + 3]
        }
        let hiding = options?.split(separator: ",").first { $0.hasPrefix("hidepid=") }
        return hiding.flatMap { $0 == "hidepid=0" || $0 == "hidepid=off" ? nil : String($0) }
    }
}
