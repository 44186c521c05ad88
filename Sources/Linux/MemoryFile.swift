import CLinux

/// Files that exist only in memory: nothing to remove, and gone with the last process that has them open.
package enum MemoryFile {
    /// A file that holds `bytes` and can never be changed again (memfd_create(2), F_ADD_SEALS), readable by its owner
    /// alone. Its number is at least 10: the lower ones are what shells give to `exec 3<FILE`.
    package static func make(_ name: String, holding bytes: Span<UInt8>) throws(SystemError) -> FileDescriptor {
        // MFD_CLOEXEC and MFD_ALLOW_SEALING.
        let made = try FileDescriptor(result: unsafe clinux_memory_file(name, 0x1 | 0x2), of: "memfd_create")
        try made.write(bytes)
        guard fchmod(made.number, 0o400) == 0 else { throw SystemError("fchmod") }
        // F_ADD_SEALS: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE (fcntl(2); glibc has them for GNU only).
        guard clinux_fcntl(made.number, 1033, 0x1 | 0x2 | 0x4 | 0x8) == 0 else { throw SystemError("fcntl") }
        return try FileDescriptor(result: clinux_fcntl(made.number, F_DUPFD_CLOEXEC, 10), of: "dup")
    }

    /// Whether a path lies on a tmpfs, whose files are never written to a disk of their own (statfs(2)).
    package static func isTemporary(_ path: String) -> Bool {
        var status = statfs()
        return unsafe statfs(path, &status) == 0 && status.f_type == 0x0102_1994  // TMPFS_MAGIC
    }
}

extension FileDescriptor {
    /// Lets a program that is executed have it, under the same number.
    package func inherit() throws(SystemError) {
        guard clinux_fcntl(number, F_SETFD, 0) == 0 else { throw SystemError("fcntl") }
    }

    /// Takes over a number that whoever executed this program left open, and lets the next program not have it.
    package static func inherited(_ number: Int32) throws(SystemError) -> FileDescriptor {
        guard clinux_fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl") }
        return FileDescriptor(owning: number)
    }
}
