import Glibc
import Linux
import Testing

@testable import postern_sim

/// posternd with a courier that was taken over, next to each other as installed.
private final class TakenOver {
    let path: String

    init(file: String, socket: String) throws {
        var template = Array("/tmp/postern-taken-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        path = unsafe template.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
        unsafe chmod(path, 0o755)
        for (program, name) in [
            ("posternd", "posternd"), ("taken-courier", "postern-courier"), ("postern-courier", "real-courier"),
            ("libIntruderPreload.so", "preload.so"),
        ] {
            let copied = try Shell.run("/bin/cp", [Program.sibling(program), "\(path)/\(name)"])
            try #require(copied.ending == .exited(0), "\(program)")
        }
        try FileDescriptor.open("\(path)/target", .write, creating: 0o644).write(Array("\(file)\n\(socket)\n".utf8))
        _ = try FileDescriptor.open("\(path)/tried", .write, creating: 0o666)
        unsafe chmod("\(path)/tried", 0o666)
    }

    deinit { _ = try? Shell.run("/bin/rm", ["-rf", path]) }

    /// What each attempt gave, by its name: 0 or errno.
    var tried: [String: Int32] {
        var results: [String: Int32] = [:]
        for line in Shell.text(of: "\(path)/tried").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { results[String(parts[0])] = Int32(parts[1]) }
        }
        return results
    }
}

/// As root, where keeper and courier have users of their own, and with all processes of one user.
private let plain: [Bool] = Shell.isRoot ? [false, true] : [true]

@Suite struct `A courier that was taken over` {
    /// Design, section 2: the vault, the key, admin.sock, the keeper.
    @Test(arguments: plain, ["vault/vault.db", "root.key", "audit.pub"])
    func `by the real daemon's side reaches nothing of it`(_ isPlain: Bool, _ file: String) throws {
        let stand = try Stand(simulated: true, plain: isPlain)
        let taken = try TakenOver(file: "\(stand.path)/\(file)", socket: stand.adminSocket)
        try stand.start(taken.path)
        // Its first errand, which it carries all the same.
        try stand.furnish()
        let tried = taken.tried
        let allowed: [(String, Set<Int32>)] = [
            ("file", [EACCES]), ("create", [EACCES]), ("memory-file", [EACCES, EPERM]), ("unix", [EPERM]),
            ("datagrams", [EPERM]), ("trace", [EPERM]), ("read-memory", [EPERM]), ("pidfd", [EPERM]),
            ("signal", [EPERM]), ("fork", [EPERM]), ("execute", [EPERM, EACCES]), ("internet", [0]),
        ]
        for (name, errors) in allowed {
            let result = try #require(tried[name], "\(name) was not tried: \(tried) \(stand.log)")
            #expect(errors.contains(result), "\(name) gave \(result)")
        }
    }
}
