import Glibc

/// A keep-alive HTTP/1.1 client as lean as can be: fixed request bytes, and of the answer only the status and the length
/// are looked at. It must cost little beside what it measures.
@safe struct Connection: ~Copyable {
    private let descriptor: Int32
    private static let size = 256 * 1024
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)

    init?(path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { return nil }
        // A server that hangs must not hang the measurement with it.
        var time = timeval(tv_sec: 30, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Connects to a port of this machine.
    init?(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, connected == 0 else { return nil }
        var time = timeval(tv_sec: 30, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        unsafe buffer.deallocate()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Sends the request and reads the whole answer; its status, nil when the connection is over or it was no answer.
    func exchange(_ request: [UInt8]) -> Int? {
        let sent = unsafe request.withUnsafeBytes { bytes in
            unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == request.count else { return nil }
        var count = 0
        var end: Int?
        while true {
            let got = unsafe recv(descriptor, buffer.baseAddress! + count, Self.size - 1 - count, 0)
            guard got > 0 else { return nil }
            count += got
            if end == nil { end = headEnd(count).map { $0 + length($0) } }
            if let end, count >= end { return end == count ? status(count) : nil }
            guard count < Self.size - 1 else { return nil }
        }
    }

    /// The same, with what came.
    func answer(to request: [UInt8]) -> (status: Int, head: String, body: [UInt8])? {
        guard let status = exchange(request), let end = headEnd(Self.size - 1) else { return nil }
        let head = unsafe String(decoding: buffer[..<end], as: UTF8.self)
        return (status, head, unsafe Array(buffer[end..<end + length(end)]))
    }

    private func headEnd(_ count: Int) -> Int? {
        // What comes next overwrites it.
        unsafe buffer[count] = 0
        return find("\r\n\r\n", below: count).map { $0 + 4 }
    }

    private func length(_ headEnd: Int) -> Int {
        guard let base = unsafe buffer.baseAddress, let place = find("\r\nContent-Length: ", below: headEnd) else {
            return 0
        }
        return unsafe Int(strtol(base.assumingMemoryBound(to: CChar.self) + place + 18, nil, 10))
    }

    /// Where the text first stands before `count`; a head has no NUL, so the search for a string finds it.
    private func find(_ text: StaticString, below count: Int) -> Int? {
        guard let base = unsafe buffer.baseAddress else { return nil }
        let start = unsafe UnsafePointer(base.assumingMemoryBound(to: CChar.self))
        let wanted = unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
        guard let found = unsafe strstr(start, wanted) else { return nil }
        let place = unsafe UnsafePointer(found) - start
        return place < count ? place : nil
    }

    private func status(_ count: Int) -> Int? {
        guard count > 12 else { return nil }
        let digits = unsafe buffer[9..<12].map { Int($0) - 48 }
        return digits[0] * 100 + digits[1] * 10 + digits[2]
    }
}
