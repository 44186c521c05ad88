import CLinux
package import Rules

/// A file locked for as long as this value lives (flock(2)): one process per vault.
package struct LockFile: ~Copyable {
    private let file: FileDescriptor

    /// Locks `path`, made where it is missing, and writes our pid into it. `conflict` where another process has it,
    /// with the pid it wrote.
    package init(path: String) throws(Problem) {
        do throws(SystemError) {
            file = try Self.lock(path)
        } catch {
            guard error.number == EWOULDBLOCK else { throw error.problem(doing: "lock \(path)") }
            let holder = Proc.text(path).flatMap { Int32($0) }
            throw Problem(
                .conflict, "another process\(holder.map { " (pid \($0))" } ?? "") uses this vault",
                advice: "stop it first, or choose another --data-dir")
        }
    }

    private static func lock(_ path: String) throws(SystemError) -> FileDescriptor {
        let file = try FileDescriptor.open(path, .readWrite, creating: 0o600, followingLinks: false)
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("flock") }
        try file.truncate(to: 0)
        try file.write(Array("\(getpid())\n".utf8))
        return file
    }
}
