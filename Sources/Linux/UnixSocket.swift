import CLinux
package import Rules

/// A listening Unix socket with a name in the file system. The name stays when the value ends: `remove` takes it away.
package struct UnixListener: ~Copyable {
    package let descriptor: FileDescriptor
    package let path: String

    /// Binds and listens; `mode` are the permission bits of the name.
    ///
    /// A name left behind by a process that is gone is replaced. `conflict` when somebody answers there or when it is
    /// something else than a socket; `badRequest` for a path longer than the kernel's 107 bytes.
    package init(path: String, mode: UInt32, backlog: Int32 = 1024) throws(Problem) {
        do throws(SystemError) {
            if let status = try FileStatus.of(path) {
                guard status.kind == .socket else { throw SystemError("bind", ENOTSOCK) }
                try Self.removeStale(path)
            }
            let address = try UnixAddress(path)
            let socket = try FileDescriptor.socket(AF_UNIX, SOCK_STREAM)
            // The inode takes the socket's mode less the umask, so the name is never wider than asked for.
            guard fchmod(socket.number, mode) == 0 else { throw SystemError("fchmod") }
            guard unsafe address.with({ unsafe clinux_bind_unix(socket.number, $0) }) == 0 else {
                throw SystemError("bind")
            }
            guard unsafe chmod(path, mode) == 0 else { throw SystemError("chmod") }
            guard listen(socket.number, backlog) == 0 else { throw SystemError("listen") }
            descriptor = socket
            self.path = path
        } catch {
            throw Self.problem(error, path)
        }
    }

    /// Takes a name away; connections already accepted live on.
    package static func remove(_ path: String) { _ = unsafe unlink(path) }

    /// The descriptor, for a server that owns and closes it.
    package consuming func takeDescriptor() -> FileDescriptor { descriptor }

    private static func removeStale(_ path: String) throws(SystemError) {
        do {
            _ = try FileDescriptor.connect(unix: path)
        } catch let error where error.number == ECONNREFUSED {
            guard unsafe unlink(path) == 0 else { throw SystemError("unlink") }
            return
        } catch let error where error.isMissing {
            return
        }
        throw SystemError("bind", EADDRINUSE)
    }

    private static func problem(_ error: SystemError, _ path: String) -> Problem {
        switch error.number {
        case EADDRINUSE:
            Problem(.conflict, "another process answers on \(path)", advice: "stop it, or choose another directory")
        case ENOTSOCK: Problem(.conflict, "\(path) exists and is not a socket", advice: "move it away")
        case ENAMETOOLONG:
            Problem(
                .badRequest, "the path \(path) is longer than the 107 bytes a Unix socket can have",
                advice: "choose a shorter directory with --run-dir")
        default:
            error.problem(doing: "listen on \(path)", advice: "check the directory and who may write there")
        }
    }
}

/// sockaddr_un; a name that starts with `@` is in the abstract namespace.
struct UnixAddress {
    private var value = sockaddr_un()
    let length: socklen_t

    init(_ path: String) throws(SystemError) {
        var bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: value.sun_path), !bytes.contains(0) else {
            throw SystemError("bind", ENAMETOOLONG)
        }
        let abstract = bytes[0] == UInt8(ascii: "@")
        if abstract { bytes[0] = 0 }
        value.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &value.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
        length = socklen_t(offset + bytes.count + (abstract ? 0 : 1))
    }

    func with<R>(_ body: (UnsafePointer<sockaddr_un>) -> R) -> R {
        unsafe withUnsafePointer(to: value) { unsafe body($0) }
    }
}

extension FileDescriptor {
    static func socket(_ family: Int32, _ type: __socket_type) throws(SystemError) -> FileDescriptor {
        let number = CLinux.socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        return try FileDescriptor(result: number, of: "socket")
    }

    static func unixDatagrams() throws(SystemError) -> FileDescriptor { try socket(AF_UNIX, SOCK_DGRAM) }

    /// A stream connection to a Unix socket. ECONNREFUSED when nobody listens there any more.
    package static func connect(unix path: String) throws(SystemError) -> FileDescriptor {
        let address = try UnixAddress(path)
        let socket = try FileDescriptor.socket(AF_UNIX, SOCK_STREAM)
        guard unsafe address.with({ unsafe clinux_connect_unix(socket.number, $0, address.length) }) == 0 else {
            throw SystemError("connect")
        }
        return socket
    }

    /// The next connection of a listening socket; blocks. EAGAIN when the deadline passes.
    package func accept(until deadline: Deadline = .never) throws(SystemError) -> FileDescriptor {
        while true {
            guard try waitReadable(until: deadline) else { throw SystemError("accept", EAGAIN) }
            let number = accept4(self.number, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
            if number >= 0 { return FileDescriptor(owning: number) }
            switch clinux_errno() {
            case EINTR, ECONNABORTED: continue
            default: throw SystemError("accept")
            }
        }
    }
}
