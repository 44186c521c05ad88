import CLinux
package import Rules

/// Where to listen: `HOST:PORT` with a literal address, `unix:PATH`, or `off`.
package enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
    case ipv4(UInt32, port: UInt16)
    /// `[::1]:PORT`; the only IPv6 address we listen on.
    case ipv6Loopback(port: UInt16)
    case unix(String)
    case off

    /// `localhost` is 127.0.0.1; other names are refused, since a resolver would decide who can connect.
    package init?(_ text: some StringProtocol) {
        if text == "off" {
            self = .off
            return
        }
        if text.hasPrefix("unix:") {
            guard text.utf8.count > 5 else { return nil }
            self = .unix(String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        switch text[..<colon] {
        case "[::1]": self = .ipv6Loopback(port: port)
        case "localhost": self = .ipv4(0x7F00_0001, port: port)
        case let host:
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            let bytes = parts.compactMap { UInt8($0) }
            guard parts.count == 4, bytes.count == 4 else { return nil }
            self = .ipv4(bytes.reduce(0) { $0 << 8 | UInt32($1) }, port: port)
        }
    }

    /// True where only processes of this machine can connect.
    package var isLocal: Bool {
        switch self {
        case .ipv4(let address, _): address >> 24 == 127
        case .ipv6Loopback, .unix, .off: true
        }
    }

    package var description: String {
        switch self {
        case .ipv4(let a, let port): "\(a >> 24).\(a >> 16 & 255).\(a >> 8 & 255).\(a & 255):\(port)"
        case .ipv6Loopback(let port): "[::1]:\(port)"
        case .unix(let path): "unix:\(path)"
        case .off: "off"
        }
    }
}

extension FileDescriptor {
    /// A listening socket at `address`, close-on-exec. Port 0 takes any free one: see `boundPort`.
    package static func listen(
        at address: ListenAddress, unixMode: UInt32 = 0o600, backlog: Int32 = 1024
    ) throws(Problem) -> FileDescriptor {
        if case .unix(let path) = address {
            return try UnixListener(path: path, mode: unixMode, backlog: backlog).takeDescriptor()
        }
        do throws(SystemError) {
            let socket: FileDescriptor
            let bound: Int32
            switch address {
            case .ipv4(let host, let port):
                socket = try .socket(AF_INET, SOCK_STREAM)
                try socket.reuseAddress()
                bound = clinux_bind_ipv4(socket.number, host, port)
            case .ipv6Loopback(let port):
                socket = try .socket(AF_INET6, SOCK_STREAM)
                try socket.reuseAddress()
                bound = unsafe clinux_bind_ipv6(socket.number, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], port)
            case .unix, .off: throw SystemError("listen", EINVAL)
            }
            guard bound == 0 else { throw SystemError("bind") }
            try socket.listen(backlog: backlog)
            return socket
        } catch {
            let advice = error.number == EADDRINUSE ? "another process uses this port: choose another" : ""
            throw error.problem(
                error.number == EADDRINUSE ? .conflict : .internal, doing: "listen on \(address)", advice: advice)
        }
    }

    /// Listens on a bound socket, also once more after somebody has shut it down.
    package func listen(backlog: Int32 = 1024) throws(SystemError) {
        guard CLinux.listen(number, backlog) == 0 else { throw SystemError("listen") }
    }

    private func reuseAddress() throws(SystemError) {
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, size) == 0 else {
            throw SystemError("setsockopt")
        }
    }

    /// The address this socket is bound to, as text; `given` says which kind it is, and is it but for a port of 0.
    package func address(asked given: ListenAddress) -> ListenAddress {
        guard let port = boundPort else { return given }
        return switch given {
        case .ipv4(let host, _): .ipv4(host, port: port)
        case .ipv6Loopback: .ipv6Loopback(port: port)
        case .unix, .off: given
        }
    }

    /// The TCP port this socket is bound to; nil for other sockets.
    package var boundPort: UInt16? { UInt16(exactly: clinux_port(number)) }

    /// A TCP connection to 127.0.0.1, for tests and measurements.
    package static func connect(loopbackPort port: UInt16) throws(SystemError) -> FileDescriptor {
        let socket = try FileDescriptor.socket(AF_INET, SOCK_STREAM)
        guard clinux_connect_ipv4(socket.number, 0x7F00_0001, port) == 0 else { throw SystemError("connect") }
        return socket
    }

    /// A TCP connection to ourselves at `address`, to see whether the kernel tells whose it is. EINVAL where `address` is
    /// none of TCP.
    package static func connect(to address: ListenAddress) throws(SystemError) -> FileDescriptor {
        let socket: FileDescriptor
        let result: Int32
        switch address {
        case .ipv4(let host, let port):
            socket = try .socket(AF_INET, SOCK_STREAM)
            result = clinux_connect_ipv4(socket.number, host, port)
        case .ipv6Loopback(let port):
            socket = try .socket(AF_INET6, SOCK_STREAM)
            result = unsafe clinux_connect_ipv6(
                socket.number, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], port)
        case .unix, .off: throw SystemError("connect", EINVAL)
        }
        guard result == 0 else { throw SystemError("connect") }
        return socket
    }
}
