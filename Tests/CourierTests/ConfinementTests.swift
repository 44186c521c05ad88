import Errands
import Glibc
import Linux
import Testing

/// As root and as somebody, where root can be had; as ourselves where not.
private let users: [String?] = Shell.isRoot ? [nil, "nobody"] : [nil]

@Suite struct `The running courier` {
    private func status(of pid: Int32) throws -> [String: String] {
        let text = try FileDescriptor.open("/proc/\(pid)/status", .read).readToEnd(atMost: 1 << 16)
        var fields: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1].filter { $0 != "\t" && $0 != " " }) }
        }
        return fields
    }

    @Test(arguments: users)
    func `has a system call filter, no way to new privileges, no core dump, and says so`(_ user: String?) throws {
        let courier = try LiveCourier(user: user)
        let fields = try status(of: courier.newest.pid)
        #expect(fields["Seccomp"] == "2" && fields["NoNewPrivs"] == "1")
        #expect(courier.keeper.report?.seccomp == true)
        let report = try #require(courier.keeper.report)
        #expect(report.landlock > 0 || report.warnings.contains { $0.contains("Landlock") })
        let limits = try FileDescriptor.open("/proc/\(courier.newest.pid)/limits", .read).readToEnd(atMost: 1 << 16)
        let core = String(decoding: limits, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Max core") }
        #expect(core?.split(separator: " ").dropFirst(4).first == "0")
    }

    @Test(
        .enabled(if: Shell.isRoot, "not root: nobody but root sees the descriptors of a process that is not dumpable"))
    func `has no descriptor but its channel, its log and its listener`() throws {
        let courier = try LiveCourier()
        let list = Shell.run("/bin/ls", ["/proc/\(courier.newest.pid)/fd"]).split(separator: "\n").compactMap {
            Int($0)
        }
        #expect(list.sorted().prefix(4) == [0, 1, 2, 3] && list.count <= 5, "\(list)")
    }

    /// What an attempt from inside must give: EPERM from the filter, or EACCES from Landlock.
    private static let attempts: [(String, Set<Int32>)] = [
        ("file", [EACCES]), ("create", [EACCES]), ("memory-file", [EACCES, EPERM]), ("unix", [EPERM]),
        ("datagrams", [EPERM]), ("trace", [EPERM]), ("read-memory", [EPERM]), ("pidfd", [EPERM]), ("signal", [EPERM]),
        ("fork", [EPERM]), ("execute", [EPERM, EACCES]), ("internet", [0]), ("certificates", [0]),
        ("spool-make", [0]), ("spool-read", [EACCES]), ("spool-list", [EACCES]), ("spool-remove", [EACCES]),
        ("spool-rename", [EACCES]), ("spool-up", [EACCES]), ("spool-up-make", [EACCES]), ("spool-link", [EACCES]),
        ("spool-directory", [EACCES]),
    ]

    /// Permissions are wide open here, so that only confinement stands between.
    @Test(arguments: users)
    func `taken over at its first errand, reaches neither vault nor key nor admin socket nor keeper`(
        _ user: String?
    ) throws {
        let platform = try LoopbackPlatform()
        let scratch = try Scratch()
        Shell.run("/bin/chmod", ["777", scratch.path])
        let vault = try FileDescriptor.open(scratch.file("vault.db"), .write, creating: 0o666)
        try vault.write(Array("sealed".utf8))
        Shell.run("/bin/chmod", ["666", scratch.file("vault.db")])
        try Directory.make(scratch.file("spool"), mode: 0o777)
        _ = try FileDescriptor.open(scratch.file("spool/another"), .write, creating: 0o666)
        Shell.run("/bin/chmod", ["666", scratch.file("spool/another")])
        let admin = try UnixListener(path: scratch.file("admin.sock"), mode: 0o666)
        let library = Program.sibling("libIntruderPreload.so")
        Shell.run("/bin/cp", [library, scratch.file("preload.so")])
        let environment =
            Scrubbing.scrubbed([]) + [
                "LD_PRELOAD=\(scratch.file("preload.so"))", "INTRUDER_FILE=\(scratch.file("vault.db"))",
                "INTRUDER_SOCKET=\(admin.path)", "INTRUDER_VICTIM=\(getpid())",
            ]
        let courier = try LiveCourier(environment: environment, user: user, spool: scratch.file("spool"))
        #expect(courier.get(platform.url("/bytes?n=1")).answer?.status == 200)
        var results: [String: Int32] = [:]
        for line in courier.output.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { results[String(parts[0])] = Int32(parts[1]) }
        }
        try #require((courier.keeper.report?.landlock ?? 0) > 0, "this kernel has no Landlock")
        for (name, allowed) in Self.attempts {
            let result = try #require(results[name], "\(name) was not tried: \(courier.output) \(courier.log)")
            #expect(allowed.contains(result), "\(name) gave \(result)")
        }
    }
}
