import CLinux

/// Two connected ends.
package struct SocketPair: ~Copyable {
    package var near: FileDescriptor
    package var far: FileDescriptor

    /// How data on the socket is cut: a stream, or whole messages.
    package enum Kind: Sendable {
        /// Bytes.
        case stream
        /// Messages, kept whole and in order.
        case messages
    }

    /// A connected pair, close-on-exec, socketpair(2).
    package init(_ kind: Kind) throws(SystemError) {
        var numbers: (Int32, Int32) = (-1, -1)
        let type = kind == .stream ? SOCK_STREAM : SOCK_SEQPACKET
        let result = unsafe withUnsafeMutableBytes(of: &numbers) {
            unsafe socketpair(
                AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0,
                $0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        guard result == 0 else { throw SystemError("socketpair") }
        near = FileDescriptor(owning: numbers.0)
        far = FileDescriptor(owning: numbers.1)
    }

    /// Both ends, for a caller that keeps one and gives the other away.
    package consuming func split<R: ~Copyable, E>(
        _ body: (consuming FileDescriptor, consuming FileDescriptor) throws(E) -> R
    ) throws(E) -> R {
        try body(near, far)
    }
}

// MARK: Byte streams with deadlines

extension FileDescriptor {
    /// Sends everything on a stream socket. ETIMEDOUT when the deadline passes, EPIPE when nobody reads; never SIGPIPE.
    package func send(_ bytes: Span<UInt8>, until deadline: Deadline) throws(SystemError) {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        var done = 0
        while done < bytes.count {
            let rest = bytes.extracting(done...)
            let sent = unsafe rest.withUnsafeBytes { unsafe CLinux.send(number, $0.baseAddress, $0.count, flags) }
            if sent >= 0 {
                done += sent
                continue
            }
            switch clinux_errno() {
            case EINTR: continue
            case EAGAIN:
                guard try wait(for: Int16(POLLOUT), until: deadline) else { throw SystemError("send", ETIMEDOUT) }
            default: throw SystemError("send")
            }
        }
    }

    /// Sends all of it; `ETIMEDOUT` when the deadline passes first.
    package func send(_ bytes: [UInt8], until deadline: Deadline) throws(SystemError) {
        try send(bytes.span, until: deadline)
    }

    /// Receives what is there, at most what fits; 0 is the end. ETIMEDOUT when the deadline passes.
    package func receive(into buffer: inout MutableSpan<UInt8>, until deadline: Deadline) throws(SystemError) -> Int {
        try receive(into: &buffer, at: 0, until: deadline)
    }

    private func receive(
        into buffer: inout MutableSpan<UInt8>, at offset: Int, until deadline: Deadline
    ) throws(SystemError) -> Int {
        while true {
            let got = unsafe buffer.withUnsafeMutableBytes {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[offset...])
                return unsafe recv(number, rest.baseAddress, rest.count, Int32(MSG_DONTWAIT))
            }
            if got >= 0 { return got }
            switch clinux_errno() {
            case EINTR: continue
            case EAGAIN:
                guard try wait(for: Int16(POLLIN), until: deadline) else { throw SystemError("recv", ETIMEDOUT) }
            default: throw SystemError("recv")
            }
        }
    }

    /// Fills the whole buffer. ECONNRESET when the other end closes before.
    package func receiveExactly(into buffer: inout MutableSpan<UInt8>, until deadline: Deadline) throws(SystemError) {
        var done = 0
        while done < buffer.count {
            let got = try receive(into: &buffer, at: done, until: deadline)
            guard got > 0 else { throw SystemError("recv", ECONNRESET) }
            done += got
        }
    }

    /// Exactly `count` bytes; the caller has checked that `count` is reasonable.
    package func receive(exactly count: Int, until deadline: Deadline) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        try receiveExactly(into: &span, until: deadline)
        return bytes
    }
}
