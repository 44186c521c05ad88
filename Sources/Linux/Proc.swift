import CLinux

/// Small files and links of /proc.
enum Proc {
    /// All bytes; nil where it cannot be read or is longer than 64 KiB.
    static func bytes(_ path: String) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(path, .read) else { return nil }
        return try? file.readToEnd(atMost: 65_536)
    }

    /// The whole text without the last newline; nil where it cannot be read or is longer than 64 KiB.
    static func text(_ path: String) -> String? {
        guard let bytes = bytes(path) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// Where a symbolic link points; nil where it may not be read.
    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = unsafe buffer.withUnsafeMutableBytes {
            unsafe readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard length > 0, length < buffer.count else { return nil }
        return String(decoding: buffer[..<length], as: UTF8.self)
    }

    /// What /proc/PID/status says about who runs a process: effective ids and supplementary groups (proc(5)).
    ///
    /// The owner of the directory says nothing about processes that are not dumpable.
    struct Status {
        let uid: UInt32
        let gid: UInt32
        let groups: [UInt32]

        init?(of pid: Int32) {
            guard pid > 0, let text = Proc.text("/proc/\(pid)/status") else { return nil }
            func fields(_ name: String) -> [Substring] {
                let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
                return line?.split(whereSeparator: { $0 == "\t" || $0 == " " }) ?? []
            }
            let uids = fields("Uid:")
            let gids = fields("Gid:")
            guard uids.count > 2, gids.count > 2, let uid = UInt32(uids[2]), let gid = UInt32(gids[2]) else {
                return nil
            }
            self.uid = uid
            self.gid = gid
            groups = fields("Groups:").dropFirst().compactMap { UInt32($0) }
        }
    }
}

/// A pidfd: means the same process for ever, unlike its number.
struct ProcessDescriptor: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Of the connector. Never alive where it ended before we could hold on to it: then it is nobody.
    ///
    /// The kernel gives it from 6.5 on (SO_PEERPIDFD). Before that it is opened by number, and that number could have
    /// been used again since: so the process it names now must have the uid the kernel recorded.
    init(peerOf socket: Int32, _ credentials: clinux_credentials) throws(SystemError) {
        if let descriptor = try SocketOptions.processDescriptor(of: socket) {
            self.init(descriptor)
        } else {
            self.init(pid: credentials.pid, uid: credentials.uid)
        }
    }

    /// By number, close-on-exec as all pidfds are; dead where that process has another uid now.
    init(pid: Int32, uid: UInt32) {
        let opened = FileDescriptor(owning: pid > 0 ? clinux_pidfd_open(pid) : -1)
        let matches = opened.number >= 0 && Proc.Status(of: pid)?.uid == uid
        self.init(matches ? opened : FileDescriptor(owning: -1))
    }

    /// A pidfd becomes readable when the process ends (pidfd_open(2)).
    var isAlive: Bool {
        guard descriptor.number >= 0 else { return false }
        var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = unsafe poll(&entry, 1, 0)
            if ready >= 0 { return ready == 0 }
            if clinux_errno() != EINTR { return false }
        }
    }
}

/// What getsockopt(2) tells about a peer.
enum SocketOptions {
    static func credentials(of socket: Int32) throws(SystemError) -> clinux_credentials {
        var credentials = clinux_credentials(pid: 0, uid: .max, gid: .max)
        var size = socklen_t(MemoryLayout<clinux_credentials>.size)
        guard unsafe getsockopt(socket, SOL_SOCKET, CLINUX_SO_PEERCRED, &credentials, &size) == 0 else {
            throw SystemError("getsockopt")
        }
        // The kernel says "nobody known" for sockets that are not Unix sockets.
        guard credentials.uid != .max else { throw SystemError("getsockopt", ENOTCONN) }
        return credentials
    }

    /// nil where the kernel is older than 6.5; of no process where it has already been reaped.
    static func processDescriptor(of socket: Int32) throws(SystemError) -> FileDescriptor? {
        var number: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(socket, SOL_SOCKET, CLINUX_SO_PEERPIDFD, &number, &size) == 0 else {
            return try noProcessDescriptor(clinux_errno())
        }
        return FileDescriptor(owning: number)
    }

    /// Why a kernel gave none. Up to 6.15 those that can do so refuse for a process that was reaped (EINVAL, ESRCH):
    /// that one is gone, and must not be looked for by its number.
    static func noProcessDescriptor(_ error: Int32) throws(SystemError) -> FileDescriptor? {
        switch error {
        case ENOPROTOOPT: return nil
        case EMFILE, ENFILE, ENOMEM: throw SystemError("getsockopt", error)
        default: return FileDescriptor(owning: -1)
        }
    }

    static func groups(of socket: Int32) throws(SystemError) -> [UInt32] {
        var groups = [UInt32](repeating: 0, count: 16)
        while true {
            var size = socklen_t(groups.count * MemoryLayout<UInt32>.size)
            if unsafe getsockopt(socket, SOL_SOCKET, CLINUX_SO_PEERGROUPS, &groups, &size) == 0 {
                return Array(groups.prefix(Int(size) / MemoryLayout<UInt32>.size))
            }
            switch clinux_errno() {
            case ERANGE: groups = [UInt32](repeating: 0, count: Int(size) / MemoryLayout<UInt32>.size)
            case ENODATA: return []
            default: throw SystemError("getsockopt")
            }
        }
    }
}
