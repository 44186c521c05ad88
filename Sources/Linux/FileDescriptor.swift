import CLinux

/// An open file, socket or directory, closed when the value ends. Always close-on-exec.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The kernel's number, valid as long as this value lives.
    package let number: Int32

    /// Takes over `number`; the caller must not close it.
    package init(owning number: Int32) { self.number = number }

    deinit { if number >= 0 { _ = close(number) } }

    /// Gives the number away unclosed, for a library that closes it itself.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// What a call returned: a descriptor, or -1 and `errno`.
    init(result: Int32, of call: StaticString) throws(SystemError) {
        guard result >= 0 else { throw SystemError(call) }
        number = result
    }

    /// Another descriptor of the same open file.
    package func duplicate() throws(SystemError) -> FileDescriptor {
        try FileDescriptor(result: clinux_fcntl(number, F_DUPFD_CLOEXEC, 3), of: "dup")
    }

    /// Ends both directions of a socket, from any thread; whoever is blocked in it wakes up.
    package func shutDown() { _ = shutdown(number, Int32(SHUT_RDWR)) }

    /// Waits until something can be read, or the other end has closed; false when the deadline passed.
    package func waitReadable(until deadline: Deadline) throws(SystemError) -> Bool {
        try wait(for: Int16(POLLIN), until: deadline)
    }

    /// Whether the other end of a socket has closed or ended it; what it sent before may still be unread.
    package var hasEnded: Bool {
        // POLLRDHUP, which glibc shows only under _GNU_SOURCE.
        var entry = pollfd(fd: number, events: 0x2000, revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }

    func wait(for events: Int16, until deadline: Deadline) throws(SystemError) -> Bool {
        while true {
            var entry = pollfd(fd: number, events: events, revents: 0)
            let ready = unsafe poll(&entry, 1, deadline.pollTimeout)
            if ready > 0 { return true }
            if ready < 0, clinux_errno() != EINTR { throw SystemError("poll") }
            if ready == 0, deadline.hasPassed { return false }
        }
    }
}

// MARK: Files

extension FileDescriptor {
    /// A copy of standard output.
    package static func standardOutput() throws(SystemError) -> FileDescriptor {
        try FileDescriptor(result: clinux_fcntl(1, F_DUPFD_CLOEXEC, 3), of: "dup")
    }
}

extension FileDescriptor {
    /// What a file is opened for.
    package enum Access: Sendable {
        case read, write, readWrite, append

        fileprivate var flags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .write: O_WRONLY
            case .readWrite: O_RDWR
            case .append: O_WRONLY | O_APPEND
            }
        }
    }

    /// Opens a file; with `creating` a missing one is made with that mode (less the umask). A symbolic link as the last
    /// component is followed unless `followingLinks` is false. With `waiting` false a pipe does not make its opener wait.
    package static func open(
        _ path: String, _ access: Access, creating mode: UInt32? = nil, exclusively: Bool = false,
        followingLinks: Bool = true, waiting: Bool = true
    ) throws(SystemError) -> FileDescriptor {
        var flags = access.flags | O_CLOEXEC
        if mode != nil { flags |= O_CREAT }
        if exclusively { flags |= O_EXCL }
        if !followingLinks { flags |= O_NOFOLLOW }
        if !waiting { flags |= O_NONBLOCK }
        return try FileDescriptor(result: unsafe clinux_open(path, flags, mode ?? 0), of: "open")
    }

    /// Reads at most what fits; 0 is the end.
    package func read(into buffer: inout MutableSpan<UInt8>) throws(SystemError) -> Int {
        while true {
            let got = unsafe buffer.withUnsafeMutableBytes { unsafe CLinux.read(number, $0.baseAddress, $0.count) }
            if got >= 0 { return got }
            guard clinux_errno() == EINTR else { throw SystemError("read") }
        }
    }

    /// Reads to the end, at most `limit` bytes (EFBIG beyond).
    package func readToEnd(atMost limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit + 1, 16_384))
        while true {
            var span = chunk.mutableSpan
            let got = try read(into: &span)
            if got == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<got])
            guard bytes.count <= limit else { throw SystemError("read", EFBIG) }
        }
    }

    /// Writes everything.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes.extracting(done...)
            let wrote = unsafe rest.withUnsafeBytes { unsafe CLinux.write(number, $0.baseAddress, $0.count) }
            if wrote >= 0 {
                done += wrote
            } else if clinux_errno() != EINTR {
                throw SystemError("write")
            }
        }
    }

    /// Writes all of it, however many calls that takes.
    package func write(_ bytes: [UInt8]) throws(SystemError) { try write(bytes.span) }

    /// Makes what was written durable, without unneeded metadata.
    package func syncData() throws(SystemError) {
        guard fdatasync(number) == 0 else { throw SystemError("fdatasync") }
    }

    /// Makes everything about a file or directory durable, fsync(2).
    package func sync() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError("fsync") }
    }

    /// Cuts or extends the file, ftruncate(2).
    package func truncate(to size: Int64) throws(SystemError) {
        guard ftruncate(number, off_t(size)) == 0 else { throw SystemError("ftruncate") }
    }

    /// What fstat(2) says of the open file.
    package func status() throws(SystemError) -> FileStatus {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw SystemError("fstat") }
        return FileStatus(status)
    }
}

/// What stat(2) says, as far as anybody here asks.
package struct FileStatus: Sendable, Equatable {
    /// The kinds of file we tell apart.
    package enum Kind: Sendable { case file, directory, socket, link, other }

    package let kind: Kind
    /// Permission bits only.
    package let mode: UInt32
    package let uid: UInt32
    package let gid: UInt32
    package let size: Int64

    fileprivate init(_ status: stat) {
        switch Int32(status.st_mode) & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .directory
        case S_IFSOCK: kind = .socket
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        mode = status.st_mode & 0o7777
        uid = status.st_uid
        gid = status.st_gid
        size = Int64(status.st_size)
    }

    /// Of the path itself; a symbolic link is not followed. nil when there is nothing.
    package static func of(_ path: String) throws(SystemError) -> FileStatus? {
        var status = stat()
        if unsafe lstat(path, &status) == 0 { return FileStatus(status) }
        if clinux_errno() == ENOENT { return nil }
        throw SystemError("lstat")
    }
}
