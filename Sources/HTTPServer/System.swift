import Glibc

/// The few system calls on connections that `Linux` has no need for.
enum Socket {
    static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// Both directions: whoever waits on it at either end wakes.
    static func shutdown(_ descriptor: Int32) { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }

    static func endWriting(_ descriptor: Int32) { _ = Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

    /// As much as the socket takes at once; an answer of ours fits its empty buffer.
    static func send(_ bytes: [UInt8], to descriptor: Int32) {
        _ = unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.send(
                descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
    }

    /// Whether bytes have arrived that nobody has read.
    static func hasUnread(_ descriptor: Int32) -> Bool {
        var count: Int32 = 0
        return unsafe ioctl(descriptor, UInt(FIONREAD), &count) == 0 && count > 0
    }

    /// Whether the other end is closed for reading and writing, or the connection has failed. A peer that has only
    /// ended its sending is still there; on TCP the two look alike, and count as there.
    static func isGone(_ descriptor: Int32) -> Bool {
        var look = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&look, 1, 0) == 1
    }

    /// Whether the other end has ended its sending, or is gone.
    static func hasLeft(_ descriptor: Int32) -> Bool {
        // POLLRDHUP, which needs _GNU_SOURCE.
        var look = pollfd(fd: descriptor, events: 0x2000, revents: 0)
        return unsafe poll(&look, 1, 0) == 1
    }

    /// What `accept` says when nobody has come.
    static let nobody = EAGAIN
}

enum Now {
    /// Milliseconds of a clock that never goes back, exact to a few, at a fraction of the price of the exact one:
    /// it is read three times a request.
    static var milliseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return UInt64(now.tv_sec) * 1000 + UInt64(now.tv_nsec) / 1_000_000
    }
}
