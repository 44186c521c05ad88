import Glibc

func unixAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
    return unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// A client that says exactly what it is told to.
final class Wire {
    private var descriptor: Int32

    init(_ path: String, deadlineSeconds: Int = 30) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var time = timeval(tv_sec: deadlineSeconds, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        _ = unsafe unixAddress(path) { unsafe connect(descriptor, $0, $1) }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    func endSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    @discardableResult
    func say(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let sent = unsafe bytes.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            bytes = bytes.dropFirst(sent)
        }
        return true
    }

    /// Reads once; empty at the end, nil when nothing came in time.
    func hear() -> String? {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0 { return errno == ECONNRESET ? "" : nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Reads until `end` has come, or the other side has closed.
    func hear(until end: String, or other: String? = nil) -> String {
        var heard = ""
        while !heard.contains(end), other.map(heard.contains) != true {
            guard let more = hear(), !more.isEmpty else { break }
            heard += more
        }
        return heard
    }

    /// Reads until the other side has closed; nil when it does not.
    func hearToEnd() -> String? {
        var heard = ""
        while true {
            guard let more = hear() else { return nil }
            if more.isEmpty { return heard }
            heard += more
        }
    }
}
