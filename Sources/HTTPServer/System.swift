import Glibc

/// The few system calls of this target; the rest of the house uses `Linux`.
enum Socket {
    static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// Both directions: whoever waits on it at either end wakes.
    static func shutdown(_ descriptor: Int32) { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }

    static func endWriting(_ descriptor: Int32) { _ = Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

    static func setNonblocking(_ descriptor: Int32) {
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    }

    enum Accepted {
        case connection(Int32)
        case nothing
        case exhausted
        case closed
    }

    /// One waiting connection, non-blocking.
    static func accept(_ listening: Int32) -> Accepted {
        let descriptor = Glibc.accept(listening, nil, nil)
        if descriptor >= 0 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            setNonblocking(descriptor)
            return .connection(descriptor)
        }
        switch errno {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
        case EBADF, EINVAL, ENOTSOCK: return .closed
        default: return .nothing
        }
    }

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

    /// Whether `Loop.stop` was called; leaves the signal where it is.
    static func hasSignal(_ descriptor: Int32) -> Bool {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&wait, 1, 0) > 0
    }

    static func wait(for descriptors: [Int32], milliseconds: Int32) {
        var waits = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        _ = unsafe poll(&waits, nfds_t(waits.count), milliseconds)
    }
}

enum Clock {
    /// Since boot, without suspends; only ever compared with itself.
    static func milliseconds() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return UInt64(now.tv_sec) * 1000 + UInt64(now.tv_nsec) / 1_000_000
    }

    static func pause(milliseconds: Int32) { Socket.wait(for: [], milliseconds: milliseconds) }
}

/// A thread of this server that can be told to stop and waited for.
final class Loop: @unchecked Sendable {  // `thread` is written once by start, read once by stop
    private let waits: Int32
    private let wakes: Int32
    private var thread: pthread_t?
    private let body: @Sendable (_ stopped: Int32) -> Void

    /// `body` returns soon after the descriptor it is given becomes readable.
    init(_ body: @escaping @Sendable (_ stopped: Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        waits = ends[0]
        wakes = ends[1]
        self.body = body
    }

    deinit {
        Socket.close(waits)
        Socket.close(wakes)
    }

    /// False when there is no thread for it.
    func start() -> Bool {
        guard waits >= 0 else { return false }
        var thread = pthread_t()
        let started = unsafe pthread_create(
            &thread, nil,
            { cls in
                guard let cls = unsafe cls else { return nil }
                let loop = unsafe Unmanaged<Loop>.fromOpaque(cls).takeRetainedValue()
                loop.body(loop.waits)
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard started == 0 else {
            unsafe Unmanaged.passUnretained(self).release()
            return false
        }
        self.thread = thread
        return true
    }

    func stop() {
        guard let thread else { return }
        self.thread = nil
        var byte: UInt8 = 1
        _ = unsafe write(wakes, &byte, 1)
        _ = pthread_join(thread, nil)
    }
}
